"""Stream a body of many bytes and say how much memory that took: `stream_much.py URL CLIENT WAY BYTES`.

CLIENT is `http` or `fast`, WAY is `down` or `up`. The peak is the kernel's own, of the whole process.
"""

from __future__ import annotations

import json
import resource
import sys

from rocust._events import EventHook
from rocust._http.fast import FastHttpSession
from rocust._http.session import HttpSession

PIECE = bytes(64 * 1024)


def peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    url, client, way, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    session = {"http": HttpSession, "fast": FastHttpSession}[client](url, EventHook(), user=None)
    session.get("/warm", stream=True).content  # noqa: B018 - what one request needs is not what is measured
    before = peak_bytes()
    passed = 0
    if way == "down":
        for piece in session.get("/much", stream=True).iter_content(len(PIECE)):
            passed += len(piece)
    else:
        response = session.post("/sink", data=(PIECE for _ in range(size // len(PIECE))))
        passed = int(response.text)
    print(json.dumps({"passed": passed, "growth": peak_bytes() - before}))


if __name__ == "__main__":
    main()
