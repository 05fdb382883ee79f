"""A notebook's kernel for `kernel.py`, run by an interpreter that has ipykernel and jupyter_client.

Reads commands from its standard input and tells on its standard output what the kernel publishes, each a line of JSON; ends, and the
kernel with it, when its input does.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from typing import Any

from jupyter_client.manager import start_new_kernel

# So often it is looked whether to end, while the kernel is silent.
_LOOK_S = 0.2


class Kernel:
    def __init__(self) -> None:
        self._manager, self._client = start_new_kernel(kernel_name="python3")
        # What is told of a cell comes after its number.
        self._order = threading.Lock()
        self._has_ended = False

    def serve(self) -> None:
        listener = threading.Thread(target=self._listen)
        listener.start()
        try:
            tell(kind="ready")
            for line in sys.stdin:
                command = json.loads(line)
                if command["do"] == "run":
                    with self._order:
                        tell(kind="sent", cell=self._client.execute(command["code"]))
                elif command["do"] == "interrupt":
                    self._manager.interrupt_kernel()
                else:
                    self._client.kernel_info()
        finally:
            self._has_ended = True
            listener.join()
            self._client.stop_channels()
            process = self._manager.provisioner.process
            # Asks it to end; one that has not ended after a few seconds is killed.
            self._manager.shutdown_kernel()
            tell(kind="over", content=process.returncode)

    def _listen(self) -> None:
        while not self._has_ended:
            try:
                message = self._client.get_iopub_msg(timeout=_LOOK_S)
            except queue.Empty:
                continue
            with self._order:
                tell(kind=message["msg_type"], cell=message["parent_header"].get("msg_id"), content=message["content"])


def tell(**facts: Any) -> None:
    print(json.dumps(facts, default=str), flush=True)


if __name__ == "__main__":
    Kernel().serve()
