"""A name server on a free port of 127.0.0.1, UDP and TCP; prints the port, and ends with its standard input.

It knows `known.test` (A 127.0.0.9) and says NXDOMAIN to all else. `silent.test` it does not answer.
"""

from __future__ import annotations

import sys
from typing import Any

from dnslib import QTYPE, RCODE, RR, A
from dnslib.server import BaseResolver, DNSServer


class Resolver(BaseResolver):
    def resolve(self, request: Any, handler: Any) -> Any:
        reply = request.reply()
        name = str(request.q.qname)
        if name == "silent.test.":
            raise TimeoutError
        if name == "known.test.":
            reply.add_answer(RR(name, QTYPE.A, rdata=A("127.0.0.9"), ttl=60))
        else:
            reply.header.rcode = RCODE.NXDOMAIN
        return reply


class Quiet:
    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


udp = DNSServer(Resolver(), address="127.0.0.1", port=0, logger=Quiet())
port = udp.server.server_address[1]
tcp = DNSServer(Resolver(), address="127.0.0.1", port=port, tcp=True, logger=Quiet())
udp.start_thread()
tcp.start_thread()
print(port, flush=True)
sys.stdin.read()
