"""The test's side of a notebook's kernel: a real one, in a process of its own. The program is `kernel_process.py`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import child

DEADLINE_S = 40.0


@dataclass
class Cell:
    """A cell that runs, or has run, and what it shows."""

    #: The streams as they came, by name.
    text: dict[str, str] = field(default_factory=lambda: {"stdout": "", "stderr": ""})
    #: What was displayed: each as its last state, by MIME type.
    displays: list[dict[str, str]] = field(default_factory=list)
    #: How often a display was changed.
    updates: int = 0
    #: The value of its last line, as text.
    value: str | None = None
    #: The name of the exception that it ended with.
    error: str | None = None
    #: The traceback of that, without colours.
    traceback: str = ""
    has_ended: bool = False


class Kernel:
    """A kernel. Use it in a `with`.

    Args:
        python: The interpreter, which has ipykernel, jupyter_client and the package under test.
    """

    def __init__(self, python: str) -> None:
        self._python = python
        self._changed = threading.Condition()
        self._cells: dict[str, Cell] = {}
        self._sent: list[str] = []
        self._displays: dict[str, dict[str, str]] = {}
        self._is_ready = self._has_ended = False
        #: How the kernel has ended after the `with`; negative if it had to be killed.
        self.returncode: int | None = None

    def __enter__(self) -> Kernel:
        # IPython and Jupyter keep things at home.
        self._home = tempfile.TemporaryDirectory(prefix="kernel-")
        program = Path(__file__).with_name("kernel_process.py")
        self._process = subprocess.Popen(
            [self._python, str(program)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "HOME": self._home.name}, cwd=self._home.name,
        )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.wait_for(lambda: self._is_ready, "the kernel to start")
        return self

    def __exit__(self, *_: object) -> None:
        child.end(self._process, self._listener, DEADLINE_S)
        self._home.cleanup()

    def start(self, code: str) -> Cell:
        """Begin to run a cell."""
        number = len(self._sent)
        self._command({"do": "run", "code": code})
        self.wait_for(lambda: len(self._sent) > number, "the cell to be sent")
        return self._cells[self._sent[number]]

    def run(self, code: str) -> Cell:
        """Run a cell to its end, whether that is a good one or not."""
        return self.finish(self.start(code))

    def finish(self, cell: Cell) -> Cell:
        """Wait for the end of a cell."""
        self.wait_for(lambda: cell.has_ended, "the cell to end")
        return cell

    def interrupt(self) -> None:
        """Do what the stop button does."""
        self._command({"do": "interrupt"})

    def nudge(self) -> None:
        """Wake the kernel's loop by asking it something.

        An interrupt alone does not: while all that a cell awaits is silent, it is noticed when the loop has something else to do
        (https://github.com/ipython/ipykernel/issues/881).
        """
        self._command({"do": "nudge"})

    def wait_for(self, predicate: Callable[[], bool], what: str) -> None:
        """Block until `predicate` holds; it is asked again whenever the kernel tells something.

        Raises:
            AssertionError: It did not hold in time, or the kernel ended.
        """
        with self._changed:
            in_time = self._changed.wait_for(lambda: predicate() or self._has_ended, DEADLINE_S)
            assert in_time, f"waited {DEADLINE_S:.0f} s for {what}: {list(self._cells.values())}"
            assert predicate(), f"the kernel ended before {what}"

    def _command(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            facts = json.loads(line)
            with self._changed:
                self._note(facts["kind"], facts.get("cell"), facts.get("content"))
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _note(self, kind: str, name: str | None, content: Any) -> None:
        if kind == "ready":
            self._is_ready = True
        elif kind == "over":
            self.returncode = content
        elif kind == "sent" and name is not None:
            self._cells[name] = Cell()
            self._sent.append(name)
        elif name in self._cells:
            self._note_of(self._cells[name], kind, content)

    def _note_of(self, cell: Cell, kind: str, content: Any) -> None:
        match kind:
            case "stream":
                cell.text[content["name"]] += content["text"]
            case "display_data":
                shown = dict(content["data"])
                cell.displays.append(shown)
                self._displays[content["transient"].get("display_id", "")] = shown
            case "update_display_data":
                shown = self._displays[content["transient"]["display_id"]]
                shown.clear()
                shown.update(content["data"])
                cell.updates += 1
            case "execute_result":
                cell.value = content["data"]["text/plain"]
            case "error":
                cell.error = content["ename"]
                cell.traceback = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(content["traceback"]))
            case "status":
                cell.has_ended = content["execution_state"] == "idle"


__all__ = ["Cell", "Kernel"]
