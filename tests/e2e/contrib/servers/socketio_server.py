"""python-socketio's own server, on gevent, at a free port of 127.0.0.1; prints the port, and ends with its standard input.

Whatever it is sent it counts by event; `count` is answered with those numbers, `echo` with what came, `tell` is sent back as an event
`told`, `refuse` drops the connection.
"""

from __future__ import annotations

import sys
from collections import Counter

import gevent
import gevent.pywsgi
import socketio
from gevent.fileobject import FileObjectThread

seen: Counter[str] = Counter()
server = socketio.Server(async_mode="gevent")


@server.on("*")
def anything(event, sid, *data):
    seen[event] += 1
    if event == "count":
        return dict(seen)
    if event == "echo":
        return data[0]
    if event == "tell":
        server.emit("told", data[0], to=sid)
    return None


@server.event
def message(sid, data):
    seen["message"] += 1


listener = gevent.pywsgi.WSGIServer(("127.0.0.1", 0), socketio.WSGIApp(server), log=None)
listener.start()
print(listener.server_port, flush=True)
FileObjectThread(sys.stdin.buffer).read()
