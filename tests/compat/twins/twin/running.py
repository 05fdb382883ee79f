"""Runs the locustfile of the twins under both programs at once, each against servers of its own, and reads what came of it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import trustme
from support.command import RunningCommand
from support.server import RefusingPort, ScriptedServer

from twin.normalise import normalised
from twin.places import MARK, Places
from twin.routes import proxy_routes, routes

HERE = Path(__file__).resolve().parent.parent
OURS = [sys.executable, "-m", "rocust"]
LIMIT_S = 150.0
"""Longer than the whole run may take, so only a hang uses it up."""

Findings = dict[str, dict[str, Any]]
"""By the name of a behaviour: by mode, what came of it, and `wire`, what the servers read."""


def run_both(stock: Path, only: Sequence[str]) -> tuple[Findings, Findings]:
    """What came of these behaviours, or of all, under stock Locust and under ours."""
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(run, [str(stock)], only)
        ours = pool.submit(run, OURS, only)
        return theirs.result(), ours.result()


def run(program: Sequence[str], only: Sequence[str]) -> Findings:
    """What came of these behaviours, or of all, under one program."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twins-")))
        (folder / "upload.txt").write_text("a file to upload\n")
        servers, places = _servers(stack, folder)
        results = folder / "results.json"
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "PYTHONUTF8": "1",
            "TWINS_ONLY": ",".join(only),
            "TWINS_RESULTS": str(results),
            # The probe of `support.command` is not used here.
            "ROCUST_TEST_PROBE": str(folder / "probe.json"),
            **places.to_environment(),
        }
        arguments = [
            *program,
            "-f",
            str(HERE / "locustfile.py"),
            "--headless",
            "-u",
            "1",
            "-H",
            places.url,
            "--only-summary",
        ]
        (folder / "home").mkdir()
        with RunningCommand(arguments, folder / "home", environment) as running:
            result = running.wait(LIMIT_S)
        assert results.exists(), f"{program} has not come to the end:\n{result.stdout}\n{result.stderr}"
        found: Findings = json.loads(results.read_text())
        for server in servers.values():
            server.settle()
        _add_wire(found, servers)
        return normalised(found, places)  # type: ignore[no-any-return]


def _servers(stack: ExitStack, folder: Path) -> tuple[dict[str, ScriptedServer], Places]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    # Of `localhost` only, so that 127.0.0.1 is a name that the certificate does not have.
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    plain = stack.enter_context(ScriptedServer())
    tls = stack.enter_context(ScriptedServer(certificate=folder / "server.pem"))
    proxy = stack.enter_context(ScriptedServer(proxy_routes()))
    refused = stack.enter_context(RefusingPort())
    places = Places(
        url=plain.url,
        other=f"http://localhost:{plain.port}",
        tls=f"https://localhost:{tls.port}",
        tls_by_address=tls.url,
        proxy=proxy.url,
        refused=refused.url,
        unknown="http://nowhere.invalid",
        authority=str(folder / "authority.pem"),
        folder=str(folder),
    )
    for server in (plain, tls):
        server.set_routes(routes(places.url, places.other, places.tls))
    return {"plain": plain, "tls": tls, "proxy": proxy}, places


def _add_wire(found: Findings, servers: dict[str, ScriptedServer]) -> None:
    """Give each behaviour what the servers read between its mark and the next one."""
    for label, server in servers.items():
        current: list[dict[str, Any]] = []
        numbers: dict[int, int] = {}
        for exchange in server.journal():
            if exchange.path == MARK:
                name, _, mode = exchange.query.rpartition(".")
                current, numbers = [], {}
                found[name][mode].setdefault("wire", {})[label] = current
                continue
            number = numbers.setdefault(exchange.connection, len(numbers) + 1)
            head = exchange.head.split("\r\n")
            current.append({"connection": number, "line": head[0], "headers": head[1:-2], "body": exchange.body})
