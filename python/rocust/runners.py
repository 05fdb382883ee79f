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
    ExceptionDict,
    Runner,
    locust_exception_handler,
)

#: Seconds between two looks at the CPU and the memory that this process uses.
CPU_MONITOR_INTERVAL = 10.0
#: Percent of the CPU above which the load generator itself is warned of.
CPU_WARNING_THRESHOLD = 90

# Of runs over several processes. They are here to be imported and assigned; nothing reads them until such runs are there.
#: Seconds between two reports of a worker.
WORKER_REPORT_INTERVAL = 3.0
#: Seconds between two looks of a worker whether there are new log lines to report.
WORKER_LOG_REPORT_INTERVAL = 10
#: Seconds between two signs of life.
HEARTBEAT_INTERVAL = 1
#: How many signs of life a worker may leave out.
HEARTBEAT_LIVENESS = 3
#: How many signs of life a missing worker may leave out, counted below zero, until it is forgotten.
HEARTBEAT_DEAD_INTERNAL = -60
#: Seconds without a sign of life of the master until a worker gives up.
MASTER_HEARTBEAT_TIMEOUT = 60
#: Seconds to wait after the connection broke.
FALLBACK_INTERVAL = 5
#: Seconds that a worker waits for the master's answer.
CONNECT_TIMEOUT = 5
#: How often a worker asks for it.
CONNECT_RETRY_COUNT = 60

__all__ = [
    "CONNECT_RETRY_COUNT",
    "CONNECT_TIMEOUT",
    "CPU_MONITOR_INTERVAL",
    "CPU_WARNING_THRESHOLD",
    "FALLBACK_INTERVAL",
    "HEARTBEAT_DEAD_INTERNAL",
    "HEARTBEAT_INTERVAL",
    "HEARTBEAT_LIVENESS",
    "MASTER_HEARTBEAT_TIMEOUT",
    "STATE_CLEANUP",
    "STATE_INIT",
    "STATE_MISSING",
    "STATE_RUNNING",
    "STATE_SPAWNING",
    "STATE_STOPPED",
    "STATE_STOPPING",
    "WORKER_LOG_REPORT_INTERVAL",
    "WORKER_REPORT_INTERVAL",
    "DistributedRunner",
    "ExceptionDict",
    "LocalRunner",
    "MasterRunner",
    "Runner",
    "WorkerNode",
    "WorkerNodes",
    "WorkerRunner",
    "locust_exception_handler",
]
