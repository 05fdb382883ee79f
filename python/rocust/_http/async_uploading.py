"""Request bodies that a coroutine makes while they are sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from requests.exceptions import UnrewindableBodyError

from rocust._http.uploading import SentBody

if TYPE_CHECKING:
    from rocust._kernel.looproom import LoopRoom


class AsyncSentBody(SentBody):
    """One body on its way out, from a file, an iterator or an asynchronous iterator."""

    def __init__(self, data: Any, method: str, length: int | None) -> None:
        """The body `data` of a request with this method, of this length if that is known."""
        super().__init__(data, method, length)
        self._coming: Any = data.__aiter__() if hasattr(data, "__aiter__") else None
        #: Whether some of what cannot be had again is gone.
        self._has_begun = False

    async def exchange_in(self, room: LoopRoom, future: asyncio.Future[Any], key: int) -> Any:
        """Make the body while the engine sends it; `future` and `key` are what the request was submitted with.

        Returns:
            What the engine has to say of the exchange.

        Raises:
            BaseException: Whatever making the body raised, or the cancellation of the task; the request's connection is closed then.
        """
        upload = self.core
        loop = asyncio.get_running_loop()
        try:
            while True:
                answer = await room.park(future, key)
                if not isinstance(answer, str):
                    upload.release()
                    return answer
                piece = self._answer(answer) if self._coming is None else await self._answer_coming(answer)
                future = loop.create_future()
                key = upload.feed(room.port, future, piece)
        except BaseException:
            upload.cancel()
            raise

    async def _answer_coming(self, question: str) -> bytes | bool | None:
        if question == "piece":
            self._has_begun = True
            while (piece := await anext(self._coming, None)) is not None:
                if piece:
                    return piece.encode() if isinstance(piece, str) else memoryview(piece).tobytes()
            return None
        if self._has_begun:
            self.error = UnrewindableBodyError("Unable to rewind request body for redirect/retry.")
            return False
        return None
