"""How often names are looked up: `AsyncClient(dns_ttl=...)` and a real name server, which the system's own resolver asks and which counts.

The resolver asks at port 53 of whom `/etc/resolv.conf` names. So the script has a network and that file for itself, as Linux lets it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.clock import assert_in_time
from support.home import CONTRIB, python_of

pytestmark = pytest.mark.ours("has no asynchronous client")

#: How long the addresses are used that the script lets grow old, in seconds.
TTL_S = 2.0

SCRIPT = """
import asyncio, fcntl, json, socket, struct, subprocess, sys
from collections import Counter

from dnslib import QTYPE, RCODE, RR, A
from dnslib.server import BaseResolver, DNSServer
from requests.exceptions import ConnectionError
import rocust

TTL_S = float(sys.argv[1])

def have_own_network():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        SIOCSIFFLAGS, IFF_UP = 0x8914, 1
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    for name, text in {"resolv.conf": "nameserver 127.0.0.1", "nsswitch.conf": "hosts: files dns"}.items():
        with open(name, "w") as file:
            file.write(text + chr(10))
        subprocess.run(["mount", "--bind", name, "/etc/" + name], check=True)

class Names(BaseResolver):
    def __init__(self):
        self.asked, self.address, self.unknown = Counter(), "127.0.0.1", set()

    def resolve(self, request, handler):
        reply, name = request.reply(), str(request.q.qname).rstrip(".")
        # The system asks for addresses of the other kind at the same time.
        if request.q.qtype == QTYPE.A:
            self.asked[name] += 1
            if name not in self.unknown:
                reply.add_answer(RR(name, QTYPE.A, rdata=A(self.address), ttl=3600))
        if name in self.unknown:
            reply.header.rcode = RCODE.NXDOMAIN
        return reply

class Quiet:
    def __getattr__(self, name):
        return lambda *_: None

async def serve(reader, writer):
    served.append(writer.get_extra_info("sockname")[0])
    while head := await reader.readuntil(b"\\r\\n\\r\\n"):
        ends = b"/keep" not in head
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n" + b"Connection: close\\r\\n" * ends + b"\\r\\nok")
        if ends:
            break
    writer.close()

async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    told = {}

    def client_of(name, **settings):
        return rocust.AsyncClient(f"http://{name}.test:{port}", **settings)

    def tell(name):
        told[name] = names.asked[f"{name}.test"]

    for name, settings in {"never": {"dns_ttl": 0}, "long": {"dns_ttl": 3600}, "default": {}}.items():
        async with client_of(name, **settings) as client:
            for _ in range(5):
                await client.get("/")
        tell(name)
    async with client_of("kept", dns_ttl=0) as client:
        for _ in range(5):
            await client.get("/keep")
        tell("kept")
    async with client_of("mapped", dns_ttl=0) as client:
        async for response in client.map(["/"] * 5, concurrency=1):
            assert response.ok, response.error
        tell("mapped")
    # What one client was told another one may use, as long as it likes.
    for ttl in (3600, 3600, 0):
        async with client_of("shared", dns_ttl=ttl) as client:
            await client.get("/")
    tell("shared")

    async with client_of("passing", dns_ttl=TTL_S) as client:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        for _ in range(3):
            await client.get("/")
        tell("passing")
        told["seconds"] = loop.time() - began_at
        await asyncio.sleep(TTL_S)
        await client.get("/")
        told["passed"] = names.asked["passing.test"]

    async with client_of("moved", dns_ttl=0) as client:
        del served[:]
        await client.get("/")
        names.address = "127.0.0.2"
        await client.get("/")
        told["moved"] = served[:]
        names.address = "127.0.0.1"

    names.unknown.add("late.test")
    async with client_of("late", dns_ttl=3600) as client:
        try:
            await client.get("/")
        except ConnectionError as error:
            told["error"] = str(error)
        names.unknown.clear()
        for _ in range(3):
            await client.get("/")
    tell("late")
    print(json.dumps(told))

have_own_network()
names, served = Names(), []
name_server = DNSServer(names, address="127.0.0.1", port=53, logger=Quiet())
name_server.start_thread()
asyncio.run(main())
name_server.stop()
"""


def own_network() -> list[str]:
    """The beginning of a command line that has a network and mounts of its own; the test is left out where that is not allowed."""
    program = shutil.which("unshare")
    if program is None or shutil.which("mount") is None:
        pytest.skip("there is no unshare and no mount")
    command = [program, "--map-root-user", "--mount", "--net"]
    allowed = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if allowed.returncode:
        pytest.skip(f"no network of its own may be had: {allowed.stderr.strip()}")
    return command


def counted(directory: Path) -> dict[str, Any]:
    """What the script tells: how often each name was asked for."""
    script = directory / "script.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [*own_network(), python_of(CONTRIB), str(script), str(TTL_S)],
        capture_output=True, text=True, timeout=55, check=False, cwd=directory,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


@pytest.mark.timing
def test_names_are_looked_up_as_often_as_the_time_of_addresses_says(tmp_path: Path) -> None:
    told = counted(tmp_path)
    # Each of five connections; the first of five; and one connection that is kept.
    assert {name: told[name] for name in ("never", "mapped", "long", "default", "kept")} == {
        "never": 5, "mapped": 5, "long": 1, "default": 1, "kept": 1,
    }  # fmt: skip
    assert told["shared"] == 2
    assert told["moved"] == ["127.0.0.1", "127.0.0.2"]
    # A name that was not known is asked for again.
    assert "Name or service not known" in told["error"]
    assert told["late"] == 2
    assert_in_time(told["seconds"] < TTL_S, f"three requests took {told['seconds']} s")
    assert (told["passing"], told["passed"]) == (1, 2)
