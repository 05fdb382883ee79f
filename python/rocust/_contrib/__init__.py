"""Users of what is not HTTP: one file per protocol, each around its library's own client.

All report through `events.request`, as a client of one's own would (`examples/custom_client`), and none measures on the engine's
lanes: the time is taken around the library's call. The libraries are optional (`pip install 'rocust[mqtt]'`), and imported only with
the file that needs them. Nothing outside knows these users; the faces under `contrib/` show them by Locust's names.
"""
