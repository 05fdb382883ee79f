"""A real browser, driven by Playwright: the system's Chromium, which nothing is downloaded for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def program() -> str:
    """The browser's executable. Where there is none the test is skipped, but never in CI on Linux."""
    if PROGRAM is None:
        message = "chromium is not installed; make debian-packages says how to get it"
        if os.environ.get("CI") and sys.platform == "linux":
            pytest.fail(message)
        pytest.skip(message)
    return PROGRAM


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. Where there is none the test is skipped, but never in CI on Linux."""
    executable = program()
    with sync_playwright() as playwright:
        # Root may not use the sandbox; the page is our own.
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
