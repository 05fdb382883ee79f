"""`rocust.AsyncClient`, and its twin that blocks, in a notebook: a real kernel, cell by cell, and the example as a whole."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import demo_target
from support.home import CONTRIB, python_of
from support.kernel import Kernel
from support.script import Route
from support.server import ScriptedServer

pytestmark = pytest.mark.ours("has no asynchronous client")

EXAMPLE = Path(__file__).parents[3] / "examples" / "asyncio" / "notebook.ipynb"

# Runs a notebook, and prints what has become of it.
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.reads(sys.stdin.read(), as_version=4)
NotebookClient(notebook, kernel_name="python3", timeout=40).execute()
print(nbformat.writes(notebook))
"""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    routes = {"/": Route(), "/held": Route(gate="never"), "/later": Route(gate="later"), "/missing": Route(status=404)}
    with ScriptedServer(routes) as scripted:
        yield scripted


@pytest.fixture
def kernel(server: ScriptedServer) -> Iterator[Kernel]:
    """One that has a client, called so."""
    with Kernel(python_of(CONTRIB)) as one:
        made = one.run(f"import asyncio, rocust\nclient = rocust.AsyncClient({server.url!r}, limit=20)")
        assert made.error is None, made.traceback
        yield one


def printed(kernel: Kernel, code: str) -> str:
    """What a cell prints on its way to a good end."""
    cell = kernel.run(code)
    assert cell.error is None, cell.traceback
    assert cell.text["stderr"] == ""
    return cell.text["stdout"].strip()


def assert_usable(kernel: Kernel, server: ScriptedServer, aborted: int) -> None:
    """Nothing is under way, and the client goes on to work, alone and in a `map`."""
    server.wait_for(lambda: not server.open_connections(), "what was under way to be called off")
    before = server.count("/")
    assert printed(kernel, "print((await client.get('/')).status_code)") == "200"
    assert printed(kernel, "print({r.status_code async for r in client.map(['/'] * 50, progress=False)})") == "{200}"
    assert server.count("/") - before == 51
    assert printed(kernel, "print(client.stats.num_aborted, client.stats.total.num_failures)") == f"{aborted} 0"


# -- the example ------------------------------------------------------------------------------------------------------------


def test_the_example_runs_against_the_demo_target(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count("http://127.0.0.1:8000") == 1
    with demo_target() as url:
        executed = subprocess.run(
            [python_of(CONTRIB), "-c", EXECUTE], input=text.replace("http://127.0.0.1:8000", url),
            stdout=subprocess.PIPE, text=True, timeout=55, check=True, cwd=tmp_path,
        )  # fmt: skip
    cells = {cell["id"]: cell["outputs"] for cell in json.loads(executed.stdout)["cells"] if "outputs" in cell}
    assert cells["client"][0]["data"]["text/plain"] == ["'Hello, World!'"]
    bar, said = cells["map"]
    assert bar["data"]["text/plain"][0].startswith("10,000 of 10,000 requests, 10 failed, ")
    assert said["text"] == ["10 failed, the first of them: [0, 1000, 2000]\n"]
    table = "".join(cells["table"][0]["text"])
    assert re.search(r"^GET +/item +10000 +10\(0\.10%\)", table, re.MULTILINE), table
    assert "Response time percentiles" in table
    assert [" ".join(line.split()[:4]) for line in cells["rows"][0]["text"]] == ["GET / 1 0", "GET /item 10000 10"]
    assert cells["end"] == []


def test_the_example_is_kept_without_outputs() -> None:
    cells = [cell for cell in json.loads(EXAMPLE.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 4
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


# -- cell by cell -------------------------------------------------------------------------------------------------------------


def test_all_cells_share_a_loop_a_client_and_its_connection(kernel: Kernel, server: ScriptedServer) -> None:
    assert printed(kernel, "loop = asyncio.get_running_loop()\nprint((await client.get('/')).status_code)") == "200"
    printed(kernel, "task = asyncio.create_task(client.get('/later'))\nawait asyncio.sleep(0)")
    server.wait_for_requests(1, "/later")
    assert printed(kernel, "print(loop is asyncio.get_running_loop(), task.done())") == "True False"
    server.open("later")
    assert printed(kernel, "print((await task).status_code, (await client.get('/')).status_code)") == "200 200"
    assert server.connection_count() == 1
    assert printed(kernel, "print(client.stats.total.num_requests)") == "3"


def test_a_cell_after_an_error(kernel: Kernel, server: ScriptedServer) -> None:
    failing = "async for response in client.map(['/', *['/held'] * 10]):\n    raise LookupError(response.item)"
    cell = kernel.run(failing)
    assert cell.error == "LookupError"
    assert "raise LookupError(response.item)" in cell.traceback
    # The one that has answered is kept.
    server.wait_for(lambda: len(server.open_connections()) == 1, "what was under way to be called off")
    refused = kernel.run("await client.get('http://127.0.0.1:1/')")
    assert refused.error == "ConnectionError"
    assert printed(kernel, "print((await client.get('/')).status_code)") == "200"


@pytest.mark.parametrize(
    "code",
    [
        "async for response in client.map(['/held'] * 100): pass",
        "async for batch in client.map(['/held'] * 100, batch=10): pass",
    ],
    ids=["one by one", "batches"],
)
def test_the_stop_button_ends_a_map_that_waits(kernel: Kernel, server: ScriptedServer, code: str) -> None:
    cell = kernel.start(code)
    server.wait_for_requests(20, "/held")
    kernel.interrupt()
    kernel.finish(cell)
    assert cell.error in ("CancelledError", "KeyboardInterrupt"), cell
    assert cell.text == {"stdout": "", "stderr": ""}
    assert cell.displays[0]["text/plain"] == "0 of 100 requests, 0 failed, 0 a second"
    assert_usable(kernel, server, aborted=20)


@pytest.mark.parametrize(
    "code",
    [
        "async for response in client.map(['/', *['/held'] * 100]): await asyncio.sleep(3600)",
        "async for response in client.map(['/held'] * 100, progress=False): pass",
        "await asyncio.gather(*(client.get('/held') for _ in range(20)))",
        "answers = await asyncio.gather(*(client.get('/held') for _ in range(20)), return_exceptions=True)",
    ],
    ids=["in the loop's body", "without a bar", "gather", "gather that takes exceptions"],
)
def test_the_stop_button_calls_off_what_is_under_way(kernel: Kernel, server: ScriptedServer, code: str) -> None:
    cell = kernel.start(code)
    server.wait_for_requests(20, "/held")
    kernel.interrupt()
    kernel.nudge()
    kernel.finish(cell)
    assert cell.error in ("CancelledError", "KeyboardInterrupt"), cell
    assert cell.text == {"stdout": "", "stderr": ""}
    assert_usable(kernel, server, aborted=20)


def test_a_map_with_a_name_goes_on_in_the_next_cell(kernel: Kernel, server: ScriptedServer) -> None:
    cell = kernel.start(
        "answers = client.map(['/'] * 50)\nasync for response in answers:\n"
        "    print('one', flush=True)\n    await asyncio.sleep(3600)"
    )
    kernel.wait_for(lambda: "one" in cell.text["stdout"], "the first response")
    kernel.interrupt()
    kernel.nudge()
    kernel.finish(cell)
    assert printed(kernel, "print(len([response async for response in answers]))") == "49"
    assert server.count("/") == 50


@pytest.mark.parametrize(
    "code", ["for response in blocking.map(['/held'] * 20): pass", "blocking.get('/held')"], ids=["map", "one call"]
)
def test_the_stop_button_ends_a_call_that_blocks(kernel: Kernel, server: ScriptedServer, code: str) -> None:
    printed(kernel, f"blocking = rocust.Client({server.url!r}, limit=20)")
    cell = kernel.start(code)
    server.wait_for_requests(20 if "map" in code else 1, "/held")
    kernel.interrupt()
    kernel.finish(cell)
    assert cell.error == "KeyboardInterrupt", cell
    server.wait_for(lambda: not server.open_connections(), "what was under way to be called off")
    assert printed(kernel, "print(blocking.get('/').status_code, (await client.get('/')).status_code)") == "200 200"


def test_a_kernel_that_is_shut_down_in_mid_request_ends_by_itself(server: ScriptedServer) -> None:
    with Kernel(python_of(CONTRIB)) as kernel:
        printed(
            kernel,
            f"import asyncio, rocust\nclient = rocust.AsyncClient({server.url!r}, limit=20)\nawait client.get('/')",
        )
        printed(kernel, "alone = asyncio.create_task(client.get('/held'))\nawait asyncio.sleep(0)")
        kernel.start("async for response in client.map(['/held'] * 100): pass")
        server.wait_for_requests(20, "/held")
    assert kernel.returncode == 0
    server.wait_for(lambda: not server.open_connections(), "the connections to end")


# -- what a notebook is to find as it was -----------------------------------------------------------------------------------

UNTOUCHED = """
import asyncio, logging, queue, select, selectors, signal, socket, ssl, subprocess, sys, threading, time

def state():
    modules = asyncio, asyncio.events, queue, select, selectors, socket, ssl, subprocess, threading, time
    found = {(module.__name__, name): id(value) for module in modules for name, value in vars(module).items()}
    for kind in socket.socket, ssl.SSLContext, ssl.SSLSocket, threading.Thread, type(asyncio.get_running_loop()):
        found |= {(kind.__qualname__, name): id(value) for name, value in vars(kind).items()}
    found["hooks"] = [sys.excepthook, threading.excepthook, sys.unraisablehook, signal.getsignal(signal.SIGINT)]
    found["loop"] = [id(asyncio.get_running_loop()), asyncio.get_running_loop().get_task_factory()]
    found["log"] = [id(handler) for handler in logging.root.handlers], logging.root.level
    return found

def changed():
    now = state()
    # Counters of the library's own.
    moving = {"_counter", "_dangling", "_active", "_limbo", "_shutdown_locks", "_cleanup", "_newname"}
    return [key for key in before.keys() | now.keys() if before.get(key) != now.get(key) and not moving & {*key}]

before = state()
"""


def test_import_and_requests_touch_nothing_and_the_kernel_goes_on(server: ScriptedServer) -> None:
    with Kernel(python_of(CONTRIB)) as kernel:
        printed(kernel, UNTOUCHED)
        assert printed(kernel, "import rocust, rocust.stats\nprint(changed())") == "[]"
        printed(kernel, f"client = rocust.AsyncClient({server.url!r})\nasync for _ in client.map(['/'] * 50): pass")
        assert printed(kernel, "print(changed())") == "[]"
        # What hangs a kernel that is patched: threads, children and other libraries on the loop.
        assert printed(kernel, "print(await asyncio.to_thread(threading.get_ident) != threading.get_ident())") == "True"
        assert (
            printed(kernel, "print(subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout)")
            == "child"
        )
        spawned = "child = await asyncio.create_subprocess_exec('echo', 'child', stdout=-1)\nprint((await child.communicate())[0])"
        assert printed(kernel, spawned) == "b'child\\n'"
        asked = f"import requests\nprint((await asyncio.to_thread(requests.get, {server.url!r})).status_code)"
        assert printed(kernel, asked) == "200"
        assert kernel.run("%time 6 * 7").value == "42"


# -- the progress bar -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["progress=None", "progress=True", "batch=100"])
def test_the_bar_is_a_line_that_changes(kernel: Kernel, server: ScriptedServer, setting: str) -> None:
    paths = "['/'] * 25 + ['/missing'] * 5 + ['/later'] * 10"
    cell = kernel.start(f"async for _ in client.map({paths}, {setting}): pass")
    kernel.wait_for(lambda: bool(cell.displays) and "30 of 40" in cell.displays[0]["text/plain"], "the bar at 30")
    assert cell.displays[0]["text/html"].startswith(
        '<progress value="30" max="40"></progress> 30 of 40 requests, 5 failed'
    )
    server.open("later")
    kernel.finish(cell)
    (bar,) = cell.displays
    assert bar["text/plain"].startswith("40 of 40 requests, 5 failed, ")
    assert bar["text/html"].startswith('<progress value="40" max="40"></progress> 40 of 40 ')
    assert cell.text == {"stdout": "", "stderr": ""}


def test_the_bar_is_drawn_anew_in_silence_and_nothing_else_is_told(kernel: Kernel, server: ScriptedServer) -> None:
    settings = "on_progress=lambda progress: told.append(progress.done)"
    cell = kernel.start(f"told = []\nasync for _ in client.map(['/'] * 3 + ['/later'], {settings}): pass")
    kernel.wait_for(lambda: bool(cell.displays) and "3 of 4" in cell.displays[0]["text/plain"], "the bar at 3")
    drawn, shown = cell.updates, cell.displays[0]["text/plain"]
    kernel.wait_for(lambda: cell.updates >= drawn + 2, "the bar to be drawn anew")
    assert cell.displays[0]["text/plain"] != shown, "its rate has fallen"
    server.open("later")
    assert kernel.finish(cell).error is None
    assert printed(kernel, "print(told.count(3), told[-1])") == "1 4"


def test_without_a_known_end_there_is_the_line_alone(kernel: Kernel) -> None:
    cell = kernel.run("async for _ in client.map('/' for _ in range(30)): pass")
    assert cell.displays[0]["text/html"] == cell.displays[0]["text/plain"]
    assert cell.displays[0]["text/plain"].startswith("30 requests, 0 failed, ")


def test_no_bar_where_it_is_not_wanted(kernel: Kernel) -> None:
    assert kernel.run("async for _ in client.map(['/'] * 30, progress=False): pass").displays == []


# IPython's shell without a kernel, as its terminal has it: with a pipe for standard error nobody looks.
SHELL = """
import asyncio
import sys
import rocust
from IPython.core.interactiveshell import InteractiveShell

InteractiveShell.instance()

async def main():
    async with rocust.AsyncClient(sys.argv[1]) as client:
        print("ANSWERED", len([response async for response in client.map(["/"] * 30)]))

asyncio.run(main())
"""


def test_a_shell_without_a_kernel_is_no_notebook(server: ScriptedServer, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SHELL)
    ended = subprocess.run(
        [python_of(CONTRIB), str(script), server.url], capture_output=True, text=True, timeout=55, check=False,
        cwd=tmp_path, env={"HOME": str(tmp_path)},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ANSWERED 30\n", "")


# -- the blocking client ------------------------------------------------------------------------------------------------------


def test_the_blocking_client_needs_no_await(kernel: Kernel, server: ScriptedServer) -> None:
    printed(kernel, f"blocking = rocust.Client({server.url!r}, limit=20)")
    assert (
        printed(kernel, "print(asyncio.get_running_loop().is_running(), blocking.get('/').text)")
        == "True Hello, world!"
    )
    cell = kernel.run("print({response.status_code for response in blocking.map(['/'] * 50)})")
    assert cell.text == {"stdout": "{200}\n", "stderr": ""}
    assert cell.displays[-1]["text/plain"].startswith("50 of 50 requests, 0 failed, ")
    # The other one goes on to work beside it.
    assert printed(kernel, "print((await client.get('/')).status_code)") == "200"
