"""Runners, their states and their settings, by Locust's names. Settings may be assigned; they are read when they are used."""

from rocust._run.local import LocalRunner
from rocust._run.roles import DistributedRunner, MasterRunner, WorkerNode, WorkerNodes, WorkerRunner
from rocust._run.runner import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    Runner,
    locust_exception_handler,
)

CPU_MONITOR_INTERVAL = 10.0
CPU_WARNING_THRESHOLD = 90

__all__ = [
    "CPU_MONITOR_INTERVAL",
    "CPU_WARNING_THRESHOLD",
    "STATE_CLEANUP",
    "STATE_INIT",
    "STATE_MISSING",
    "STATE_RUNNING",
    "STATE_SPAWNING",
    "STATE_STOPPED",
    "STATE_STOPPING",
    "DistributedRunner",
    "LocalRunner",
    "MasterRunner",
    "Runner",
    "WorkerNode",
    "WorkerNodes",
    "WorkerRunner",
    "locust_exception_handler",
]
