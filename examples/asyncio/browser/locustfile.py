"""A real browser for each user, driven by Playwright's asynchronous API; `self.measure` counts what a visitor waits for.

Needs Playwright (`pip install playwright`) and a browser: the system's Chromium, or what `playwright install chromium` downloads.

    rocust -f examples/asyncio/browser/locustfile.py --headless -H http://127.0.0.1:8000 -u 2 -t 20s
"""

import shutil
from contextlib import AsyncExitStack

from locust import constant, task
from playwright.async_api import async_playwright
from rocust import AsyncUser

#: None stands for Playwright's own.
CHROMIUM = shutil.which("chromium")


class Visitor(AsyncUser):
    wait_time = constant(0.5)

    async def on_start(self):
        self.stack = AsyncExitStack()
        playwright = await self.stack.enter_async_context(async_playwright())
        # Root may not use the sandbox.
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        self.stack.push_async_callback(browser.close)
        self.page = await browser.new_page(base_url=self.host)

    async def on_stop(self):
        await self.stack.aclose()

    @task
    async def visit(self):
        async with self.measure("page", "/"):
            await self.page.goto("/")
        assert await self.page.inner_text("body")
