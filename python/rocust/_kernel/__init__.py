"""The loops users run on, and the only rooms that import gevent.

`patch` is the one place that monkey-patches; `green` names what the other rooms may use of gevent;
`mailroom` drains the engine's mailbox and resumes whoever waits; `threadroom` blocks a thread that has no hub.
Nothing here knows requests, users or statistics.
"""
