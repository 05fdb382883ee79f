"""`SocketIOUser` and its client, by Locust's names. Needs `rocust[socketio]`."""

from rocust._contrib.socketio import SocketIOClient, SocketIOUser

__all__ = ["SocketIOClient", "SocketIOUser"]
