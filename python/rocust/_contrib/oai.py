"""OpenAI, and servers that speak as it does, by way of openai's own client."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rocust._contrib.library import library_of
from rocust._errors import LocustError
from rocust._events import EventHook
from rocust._users.user import User

with library_of("oai", "openai"):
    from openai import DefaultHttpxClient, OpenAI

if "OPENAI_API_KEY" not in os.environ:
    raise LocustError(
        "You need to set OPENAI_API_KEY env var to use OpenAIUser. hint: a server of your own may take any key"
    )


class OpenAIClient(OpenAI):
    """openai's client, reporting each HTTP request it makes; one that is retried is several.

    A request is called after its path, and its length is the number of tokens the answer says it has (`usage.output_tokens`), 0 where
    it does not say. A request that got no answer is not reported; openai's exception goes to the task. `OPENAI_BASE_URL` names another
    server.

    Args:
        request_event: The hook that is told.
        user: Whose client it is.
        *args: What `OpenAI` takes.
        **kwargs: What `OpenAI` takes, save `http_client`.

    Same as Locust, save that an answer that is not JSON, such as a stream of events, has a length of 0 rather than raising.
    """

    def __init__(self, request_event: EventHook, user: Any, *args: Any, **kwargs: Any) -> None:
        self.user = user
        #: What requests are called instead of their path, while it is set.
        self.request_name: str | None = None
        self._request_event = request_event
        hooks = {"request": [_note_start], "response": [self._report]}
        super().__init__(*args, **kwargs, http_client=DefaultHttpxClient(event_hooks=hooks, follow_redirects=False))

    def _report(self, response: Any) -> None:
        request = response.request
        response.read()
        response_time = (time.perf_counter() - request.started_at) * 1000
        exception = None
        try:
            response.raise_for_status()
        except Exception as error:  # which class it is depends on the HTTP client that openai is built on
            exception = error
        self._request_event.fire(
            request_type=request.method,
            name=self.request_name or response.url.path,
            context={},
            response=response,
            exception=exception,
            start_time=request.start_time,
            response_time=response_time,
            response_length=_output_tokens(response),
            url=response.url,
        )

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Have the requests in a `with` block called `name`. Same as Locust."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None


def _note_start(request: Any) -> None:
    request.start_time = time.time()  # noqa: TID251  # for showing
    request.started_at = time.perf_counter()


def _output_tokens(response: Any) -> int:
    try:
        return int(response.json()["usage"]["output_tokens"])
    except (ValueError, KeyError, TypeError):
        return 0


class OpenAIUser(User):
    """A user with openai's client, as `client`.

    Example:
        class Asker(OpenAIUser):
            @task
            def ask(self):
                self.client.responses.create(model="a-model", input="Say hello.")

    Same as Locust.
    """

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client = OpenAIClient(environment.events.request, user=self)
