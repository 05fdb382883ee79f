"""`map`: many requests at once, without a task, a future or a greenlet for each.

A run has a port of its own. Who waits there is a note of what was asked for; a ring of the doorbell takes all answers at once, and the
consumer makes responses of them one by one. What happens is here, in a plain generator; where it says `Pause`, whoever drives it waits:
`async_mapping` in a coroutine, `client` by blocking. Nobody holds the generator but its consumer: so a consumer that goes away ends the
run.
"""

from __future__ import annotations

import inspect
import time
from abc import ABC, abstractmethod
from collections import deque
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from requests.exceptions import RequestException

from rocust import _core
from rocust._errors import LocustError
from rocust._http import failures
from rocust._http.policies import Request
from rocust._http.progress import bar_for
from rocust._http.recording import ledgers
from rocust._http.response import own_dict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator

    from rocust._http.standalone import Standalone

_NO_CONTEXT: dict[str, Any] = {}
#: Seconds between two words of progress.
_BETWEEN_WORDS_S = 0.1
#: Seconds after which a bar is drawn anew while there are no answers: its rate falls. In a notebook that also wakes a loop whose stop
#: button was pressed, which IPython's kernel itself does not do.
_SILENCE_S = 0.5


@dataclass(frozen=True)
class Progress:
    """How far a `map` has come."""

    #: Responses handed over, those of failed requests among them.
    done: int
    #: How many of them have an `error`, or a status of 400 and more.
    failed: int
    #: How many there will be; None when `requests` cannot say.
    total: int | None
    #: Since the beginning.
    seconds: float

    @property
    def rate(self) -> float:
        """Responses a second since the beginning."""
        return self.done / self.seconds if self.seconds else 0.0


class Pause(NamedTuple):
    """Where a run cannot go on by itself."""

    #: It waits for answers, this long at most; None is for ever.
    seconds: float | None = None
    #: Or else for this.
    awaitable: Awaitable[Any] | None = None


class Asked:
    """One item that was asked for."""

    __slots__ = ("attempt", "index", "item", "key")

    def __init__(self, index: int, item: Any) -> None:
        self.index, self.item = index, item
        #: How often it was sent.
        self.attempt = 0
        #: What the engine knows it by.
        self.key = 0


class Run(ABC):
    """The requests of one `map`: those under way, and the answers that nobody has taken so far."""

    def __init__(self, client: Standalone, source: Any, concurrency: int, name: str | None) -> None:
        self.client, self.concurrency, self.name = client, concurrency, name
        self.total = len(source) if hasattr(source, "__len__") else None
        #: Answers to be handed over, with what they answer; an exception stands for one that was not sent.
        self.ready: deque[tuple[Asked, Any]] = deque()
        self._kind = client._response_kind
        self._tries_again = client._retries is not None
        self._source = source
        self._coming: Any = None
        self._under_way: set[Asked] = set()
        self._count = 0
        self._has_ended = False
        #: What the source raised.
        self._error: BaseException | None = None
        #: Whether the rate is waited for.
        self._is_held = False
        #: Where the engine's answers come; None until `begin`.
        self._port: Any = None

    def begin(self) -> None:
        """Send the first requests.

        Raises:
            TypeError: The source cannot be iterated.
        """
        self._port = self._open_port()
        self._ledger, self._is_direct = ledgers(self.client.request_event, None)
        self._open_source()
        self.fill()

    def _open_port(self) -> _core.Port:
        return _core.Port()

    def _open_source(self) -> None:
        self._coming = iter(self._source)

    @abstractmethod
    def _later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call `function` after so many seconds, unless the run is closed before."""

    def _wake(self) -> None:  # noqa: B027 - who blocks looks by itself
        """Let who waits look again."""

    def telling(self, _response: Any) -> Awaitable[Any] | None:
        """What is to be awaited until all listeners know of a response, if anything is."""
        return None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._has_ended and not self._under_way and not self.ready

    def end(self) -> None:
        """Raise what the source raised, if it did."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Call off what is under way."""
        if self._port is None:
            return
        for asked in self._under_way:
            self._port.forget(asked.key)
        self._under_way.clear()
        self.ready.clear()

    def _is_full(self) -> bool:
        under_way = len(self._under_way)
        return under_way >= self.concurrency or under_way + len(self.ready) >= 2 * self.concurrency

    def fill(self) -> None:
        """Send as many requests as there is room for."""
        if self._has_ended:
            return
        coming, count = self._coming, self._count
        while not self._is_full() and (self.client._pacer is None or self._may_begin()):
            try:
                item = next(coming)
            except StopIteration:
                self._end_source(None)
                break
            except BaseException as error:
                self._end_source(error)
                break
            self._submit(Asked(count, item))
            count += 1
        self._count = count

    def _may_begin(self) -> bool:
        """Whether the rate allows a request now; if not, it is tried again in time."""
        pacer: Any = self.client._pacer
        pause: float = pacer.take_if_free(time.monotonic())
        if pause > 0 and not self._is_held:
            self._is_held = True
            self._later(pause, self._go_on)
        return pause == 0

    def _go_on(self) -> None:
        self._is_held = False
        self.fill()

    def _end_source(self, error: BaseException | None) -> None:
        self._has_ended, self._error = True, error
        self._wake()

    def _submit(self, asked: Asked) -> None:
        """Send what is asked for; what cannot be sent is its own answer."""
        asked.attempt += 1
        client, item = self.client, asked.item
        try:
            if type(item) is str and client._is_bare(item, None, None, _NO_CONTEXT):
                asked.key = client._client.send(
                    self._port, asked, self._ledger, self._is_direct, "GET", item, self.name
                )
            else:
                asked.key = self._submit_whole(asked, item)
        except _core.InvalidTarget as problem:
            self._refuse(asked, failures.invalid_target(problem))
        except Exception as problem:  # whatever is wrong with it
            self._refuse(asked, problem)
        else:
            self._under_way.add(asked)

    def _submit_whole(self, asked: Asked, item: Any) -> int:
        request = Request("GET", item) if isinstance(item, str) else item
        if not isinstance(request, Request):
            raise TypeError(f"map takes URLs and rocust.Request, not {type(item).__name__}")
        client = self.client
        kwargs = dict(client.limited(request.kwargs))
        data, json, name = kwargs.pop("data", None), kwargs.pop("json", None), kwargs.pop("name", self.name)
        kwargs.pop("context", None)
        extra, body, _ = client._prepared(request.method, request.url, name, data, json, kwargs)
        if body is not None:
            raise LocustError(
                "A request in map cannot have a body that is made while it is sent. hint: give it as bytes."
            )
        return client._submitted(self._port, asked, self._ledger, self._is_direct, request.method, name, extra)

    def _refuse(self, asked: Asked, problem: Exception) -> None:
        self.ready.append((asked, problem))
        self._wake()

    def take(self) -> None:
        """Take the answers that are there, and send more."""
        answers = self._port.take_all()
        self._under_way.difference_update([asked for asked, _ in answers])
        self.ready.extend(answers)
        self.fill()
        self._wake()

    def plain_response_to(self, asked: Asked, answer: Any) -> Any:
        """The response to a URL, if nothing is left to do but to hand it over: most are of this kind. Else None."""
        item = asked.item
        if type(answer) is not _core.Exchange or type(item) is not str or not answer.is_settled or self._tries_again:
            return None
        response: Any = self._kind.__new__(self._kind)
        own = own_dict(response)
        own["_exchange"], own["index"], own["item"] = answer, asked.index, item
        own["_call"] = self.client, "GET", self.name, _NO_CONTEXT, None, item
        return response

    def response_to(self, asked: Asked, answer: Any) -> Any:
        """The response that an answer makes."""
        client, item = self.client, asked.item
        if isinstance(answer, Exception):
            response: Any = self._kind(_as_requests(answer))
            response._catch_response = False
        elif answer is False:
            raise RuntimeError(failures.LOST)
        else:
            request = item if isinstance(item, Request) else Request("GET", item)
            given = request.kwargs
            name, context = given.get("name", self.name), given.get("context", _NO_CONTEXT)
            call = (client, request.method, name, context, None, request.url)
            if answer.is_settled:
                response = self._kind.__new__(self._kind)
                response._exchange, response._call = answer, call
            else:
                response = client._reported(answer, call, False, client.limited(given).get("timeout"))
        own = own_dict(response)
        own["index"], own["item"] = asked.index, item
        return response

    def tries_again(self, asked: Asked, response: Any) -> bool:
        """Whether this response is not the last word; what was asked for is sent again then."""
        retries = self.client._retries
        wait = None if retries is None else retries.wait_after(asked.attempt, response, response.error)
        if wait is None:
            return False

        def again() -> None:
            self._under_way.discard(asked)
            self._submit(asked)

        asked.key = 0
        self._under_way.add(asked)
        self._later(wait, again)
        return True


def _as_requests(problem: Exception) -> RequestException:
    """A refusal as the exception that a response can have."""
    if isinstance(problem, RequestException):
        return problem
    wrapped = RequestException(str(problem))
    wrapped.__cause__ = problem
    return wrapped


class Herald:
    """Tells whoever wants to know how far a run has come."""

    def __init__(
        self, total: int | None, on_progress: Callable[[Progress], Any] | None, wants_bar: bool | None
    ) -> None:
        self._total, self._on_progress = total, on_progress
        self._bar = bar_for(total, wants_bar)
        self._began_at = self._told_at = time.monotonic()
        self._done = self._failed = 0
        #: How many were done when that was last told.
        self._told = 0

    @property
    def due_in_s(self) -> float | None:
        """After how many seconds there is something to tell, if no other answer comes before; None for nothing."""
        if (self._done == self._told and self._bar is None) or not self.is_needed:
            return None
        pause_s = _SILENCE_S if self._done == self._told else _BETWEEN_WORDS_S
        return max(0.0, self._told_at + pause_s - time.monotonic())

    @property
    def is_needed(self) -> bool:
        """Whether anybody wants to know."""
        return self._bar is not None or self._on_progress is not None

    def note(self, response: Any) -> None:
        """One more response is handed over."""
        self._done += 1
        self._failed += response.error is not None or response.status_code >= 400

    def tell(self, is_due: bool = False) -> Iterator[Pause]:
        """Say how far it has come, if it is time to, or if it `is_due` whatever the time; who listens may want to be awaited."""
        if not self.is_needed:
            return
        now = time.monotonic()
        if not is_due and now - self._told_at < _BETWEEN_WORDS_S:
            return
        is_news = is_due or self._done != self._told
        self._told_at, self._told = now, self._done
        progress = Progress(self._done, self._failed, self._total, now - self._began_at)
        if self._bar is not None:
            self._bar.show(progress)
        if self._on_progress is not None and is_news:
            answer = self._on_progress(progress)
            if inspect.isawaitable(answer):
                yield Pause(awaitable=answer)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def steps(
    run: Run, batch: int | None, on_progress: Callable[[Progress], Any] | None, bar: bool | None
) -> Generator[Any, None, None]:
    """What a run comes to: its responses, one by one or in lists of `batch`, and the `Pause`s between them."""
    return _singly(run, on_progress, bar) if batch is None else _in_batches(run, batch, on_progress, bar)


def _singly(run: Run, on_progress: Callable[[Progress], Any] | None, bar: bool | None) -> Generator[Any, None, None]:
    herald = Herald(run.total, on_progress, bar)
    try:
        run.begin()
        while not run.is_over:
            while run.ready:
                asked, answer = run.ready.popleft()
                response = run.plain_response_to(asked, answer)
                if response is None:
                    response = run.response_to(asked, answer)
                    if (telling := run.telling(response)) is not None:
                        yield Pause(awaitable=telling)
                    if run.tries_again(asked, response):
                        response = None
                run.fill()
                if response is not None:
                    if herald.is_needed:
                        herald.note(response)
                    yield response
            yield from herald.tell()
            yield Pause(herald.due_in_s)
        yield from herald.tell(is_due=True)
        run.end()
    finally:
        run.close()
        herald.close()


def _in_batches(
    run: Run, size: int, on_progress: Callable[[Progress], Any] | None, bar: bool | None
) -> Generator[Any, None, None]:
    """Lists of responses, and what is left; a bar shows also those that wait for others of their list."""
    herald = Herald(run.total, on_progress, False)
    gathered: list[Any] = []
    try:
        with closing(_singly(run, None, bar)) as coming:
            for step in coming:
                if type(step) is Pause:
                    yield step
                    continue
                herald.note(step)
                gathered.append(step)
                if len(gathered) == size:
                    yield gathered
                    gathered = []
                    yield from herald.tell(is_due=True)
        if gathered:
            yield gathered
            yield from herald.tell(is_due=True)
    finally:
        herald.close()
