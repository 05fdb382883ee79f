"""Asyncio loops that wait for real, also where gevent has patched the standard library.

asyncio is built out of `selectors`, `socket`, `threading` and `subprocess`. Patched, they work as long as they do not block; what blocks
in them (a selector, a thread that looks up a name, a child that is waited for) is given back here, as Python has it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty
from time import monotonic
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gevent.queue import SimpleQueue as GreenQueue

from rocust._kernel import native_threads
from rocust._kernel.green import existing_hub
from rocust._kernel.native import Lock, SimpleQueue, drop_hub, is_patched, original, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable

#: As many as asyncio has.
_WORKERS = min(32, (os.cpu_count() or 1) + 4)
#: How long their end is waited for, in seconds.
_END_S = 1.0


class _Pool:
    """Native threads for what blocks: name look-ups and `asyncio.to_thread`. Made as they are needed."""

    def __init__(self) -> None:
        self._jobs: Any = SimpleQueue()
        self._lock = Lock()
        self._idle = 0
        self._workers = 0
        #: A word from each worker that ends.
        self._ended: Any = SimpleQueue()

    def submit(self, future: asyncio.Future[Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Call a function in one of the threads, and tell the future's loop."""
        with self._lock:
            is_short = not self._idle and self._workers < _WORKERS
            if is_short:
                self._workers += 1
            elif self._idle:
                self._idle -= 1
        self._jobs.put((future, function, arguments))
        if is_short:
            native_threads.start(self._work)

    def close(self) -> None:
        """Have the threads end, each after what it does now, and wait for that a moment.

        One that lets go of its hub while the interpreter ends would crash it. One that still works then only stays where it is.
        """
        with self._lock:
            workers, self._workers = self._workers, 0
        for _ in range(workers):
            self._jobs.put(None)
        until = monotonic() + _END_S
        with suppress(Empty):
            for _ in range(workers):
                self._ended.get(timeout=max(0.0, until - monotonic()))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _do(*job)
            del job
            with self._lock:
                self._idle += 1
        drop_hub()
        self._ended.put(None)


def _do(future: asyncio.Future[Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if future.cancelled():
        return
    answer, problem = None, None
    try:
        answer = function(*arguments)
    except BaseException as error:
        problem = error
    # A loop that has been closed meanwhile has nobody who waits.
    with suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(_settle, future, answer, problem)


def _settle(future: asyncio.Future[Any], answer: Any, problem: BaseException | None) -> None:
    if future.done():
        return
    if problem is None:
        future.set_result(answer)
    elif isinstance(problem, StopIteration):
        future.set_exception(RuntimeError(f"a thread raised {problem!r}, which no coroutine may"))
    else:
        future.set_exception(problem)


def _is_for_greenlets(executor: Any) -> bool:
    """Whether greenlets had begun to work in it before threads could: its queue is gevent's."""
    return isinstance(executor, ThreadPoolExecutor) and isinstance(executor._work_queue, GreenQueue)


class _Threads:
    """What loops of either kind do in threads."""

    _pool: _Pool | None = None

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """As asyncio's; native threads stand in for a pool whose threads are greenlets under the patches."""
        if executor is not None and not _is_for_greenlets(executor):
            return super().run_in_executor(executor, func, *args)  # type: ignore[misc]
        if self._pool is None:
            self._pool = _Pool()
        future = self.create_future()  # type: ignore[attr-defined]
        self._pool.submit(future, func, args)
        return future

    def close(self) -> None:
        """Close the loop and end its threads."""
        super().close()  # type: ignore[misc]
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class NativeLoop(_Threads, asyncio.SelectorEventLoop):  # type: ignore[misc] # what is awaited need not be a coroutine's
    """asyncio's own loop, on the system's selector."""

    def __init__(self) -> None:
        super().__init__(original("selectors", "DefaultSelector")())
        if is_patched():
            _make_children_native()

    async def _make_subprocess_transport(
        self,
        protocol: Any,
        args: Any,
        shell: bool,
        stdin: Any,
        stdout: Any,
        stderr: Any,
        bufsize: int,
        extra: Any = None,
        **kwargs: Any,
    ) -> Any:
        if not is_patched() or sys.platform == "win32":
            make: Any = super()._make_subprocess_transport  # type: ignore[misc]
            return await make(protocol, args, shell, stdin, stdout, stderr, bufsize, extra, **kwargs)
        # As asyncio's, but for who waits for the child: a native thread. How long a child lives, nobody knows, so each has its own.
        unix_events: Any = importlib.import_module("asyncio.unix_events")
        begun, ended = self.create_future(), self.create_future()
        transport = _ends.bear(
            lambda: unix_events._UnixSubprocessTransport(
                self, protocol, args, shell, stdin, stdout, stderr, bufsize, waiter=begun, extra=extra, **kwargs
            )
        )
        pid = transport.get_pid()
        start_thread(_do, (ended, _ends.wait_for, (pid,)))
        ended.add_done_callback(lambda done: self._child_watcher_callback(pid, done.result(), transport))  # type: ignore[attr-defined]
        try:
            await begun
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:
            transport.close()
            await transport._wait()
            raise
        return transport

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        """As asyncio's, with the system's look-up."""
        look_up = original("socket", "getaddrinfo")
        return await self.run_in_executor(None, look_up, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> Any:
        """As asyncio's, with the system's look-up."""
        return await self.run_in_executor(None, original("socket", "getnameinfo"), sockaddr, flags)


def make(kind: str) -> asyncio.AbstractEventLoop:
    """A loop, which nobody runs yet.

    Args:
        kind: "asyncio" or "uvloop".

    Raises:
        ImportError: uvloop is not installed.
    """
    if kind != "uvloop":
        return NativeLoop()
    import uvloop

    class NativeUvloop(_Threads, uvloop.Loop):  # type: ignore[misc]
        """uvloop's loop, which has sockets of its own."""

    return NativeUvloop()


class _Subprocess(ModuleType):
    """`subprocess` for asyncio's transports: a child of a native loop is no child of gevent's hub."""

    def __init__(self) -> None:
        super().__init__("subprocess")
        # A copy of its own: gevent empties what Python's class calls.
        spec: Any = importlib.util.find_spec("subprocess")
        self._own = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._own)
        # gevent's `os.posix_spawn` watches the child in the hub of the thread, which can do that on the main thread alone. Python takes it
        # for children that inherit descriptors, from 3.13 on for nearly all; without it it takes vfork.
        self._own._USE_POSIX_SPAWN = False  # type: ignore[attr-defined] # documented, but not in the stubs

    def Popen(self, *args: Any, **kwargs: Any) -> Any:
        """An instance of the class that suits the running loop."""
        is_native = isinstance(asyncio.get_running_loop(), NativeLoop)
        return (self._own.Popen if is_native else subprocess.Popen)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)


def _make_children_native() -> None:
    """Have `asyncio.create_subprocess_exec` work on a native loop; on gevent's own it goes on as it did."""
    if sys.platform == "win32":
        return
    _ends.listen()
    unix_events: Any = importlib.import_module("asyncio.unix_events")
    if isinstance(unix_events.subprocess, _Subprocess):
        return
    unix_events.subprocess = _Subprocess()


class _Ends:
    """What gevent hears of the ends of native loops' children.

    As soon as a greenlet has had a child, gevent's loop asks the system for the end of every child there is, and for each the system
    tells it once. So who waits for a child natively asks here when gevent was faster.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._births = 0
        #: Ends of children that may be of those being born: their numbers are not known yet.
        self._early: dict[int, int] = {}
        self._awaited: dict[int, Any] = {}
        self._watcher: Any = None

    def listen(self) -> None:
        """Hear of them from now on, if the thread's hub is the one that is told."""
        hub: Any = existing_hub()
        if self._watcher is None and hub is not None and hub.loop.default:
            # Of all children.
            self._watcher = hub.loop.child(0, ref=False)
            self._watcher.start(self._hear)

    def _hear(self) -> None:
        pid, status = self._watcher.rpid, self._watcher.rstatus
        with self._lock:
            if pid in self._awaited:
                self._awaited[pid].put(status)
            elif self._births:
                self._early[pid] = status

    def bear(self, begin: Callable[[], Any]) -> Any:
        """Begin a child, whose end is awaited from then on; what `begin` gave, which knows its number."""
        with self._lock:
            self._births += 1
        pid = None
        try:
            transport = begin()
            pid = transport.get_pid()
        finally:
            with self._lock:
                self._births -= 1
                if pid is not None:
                    self._awaited[pid] = SimpleQueue()
                    if pid in self._early:
                        self._awaited[pid].put(self._early.pop(pid))
                if not self._births:
                    self._early.clear()
        return transport

    def wait_for(self, pid: int) -> int:
        """Wait natively for a child that was begun here; its exit code."""
        try:
            status = original("os", "waitpid")(pid, 0)[1]
        except ChildProcessError:
            try:
                status = self._awaited[pid].get(timeout=_END_S)
            except Empty:
                return 255  # Somebody else has asked for it first, as asyncio says then.
        finally:
            with self._lock:
                del self._awaited[pid]
        return os.waitstatus_to_exitcode(status)


_ends = _Ends()
