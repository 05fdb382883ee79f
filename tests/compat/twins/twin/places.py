"""Where a behaviour can go: the addresses of the servers of this run, and a few files."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

VARIABLE = "TWINS_PLACES"
MARK = "/-/mark"
"""A request for this path tells a server whose requests will follow; all its answers begin anew."""


@dataclass(frozen=True)
class Places:
    """Handed from the test to the program under test, in its environment.

    Attributes:
        url: The scripted server, as 127.0.0.1.
        other: The same server as `localhost`: to a client it is another host.
        tls: The scripted server that speaks TLS, as `localhost`, with a certificate of `authority`.
        tls_by_address: The same as 127.0.0.1, which its certificate does not name.
        proxy: A scripted HTTP proxy, which answers itself for the hosts that it knows.
        refused: An address where nobody listens.
        unknown: A host that has no address.
        authority: The PEM file of the certificate authority.
        folder: A folder to write into; it holds `upload.txt`.
    """

    url: str
    other: str
    tls: str
    tls_by_address: str
    proxy: str
    refused: str
    unknown: str
    authority: str
    folder: str

    def to_environment(self) -> dict[str, str]:
        """As an environment variable for the program under test."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_environment(cls) -> Places:
        """What the test said."""
        return cls(**json.loads(os.environ[VARIABLE]))
