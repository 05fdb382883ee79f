"""Milvus Lite as a server on a free port of 127.0.0.1; prints the port, and ends with its standard input."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from milvus_lite.server_manager import server_manager_instance

with tempfile.TemporaryDirectory() as folder:
    address = server_manager_instance.start_and_get_uri(str(Path(folder) / "milvus.db"))
    print(address.rpartition(":")[2], flush=True)
    sys.stdin.read()
    server_manager_instance.release_all()
