"""The documents that this project grew from, where somebody has them: `ROCUST_SEEDS` names their folder. They are no part of it."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

SEEDS = os.environ.get("ROCUST_SEEDS", "")


def code_blocks(document: str, *languages: str) -> list[str]:
    """The code blocks of a Markdown document, of these languages or Python, indentation taken away."""
    text = (Path(SEEDS) / document).read_text(encoding="utf-8", errors="replace")
    language = "|".join(languages or ("python",))
    found = re.findall(rf"^ *```(?:{language})\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in found]
