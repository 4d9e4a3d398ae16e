"""Debian's Chromium, driven by Playwright; nothing is downloaded."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.voip.gateway.page.browsers import WATCH, Seen, Tab, Wishes

EXECUTABLE = "/usr/bin/chromium"


def missing() -> str | None:
    """Say what this machine lacks; None for nothing."""
    if shutil.which(EXECUTABLE) is None:
        return "needs Chromium: apt install chromium"
    return None


@asynccontextmanager
async def running(
    sound: Path | None = None, *, more: Sequence[str] = ()
) -> AsyncIterator[Browser]:
    """Start Chromium; its microphone plays `sound`, a WAV file, again and again.

    `more` are arguments of its command line.
    """
    heard = [f"--use-file-for-fake-audio-capture={sound}"] if sound else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=EXECUTABLE,
            args=[
                "--no-sandbox",  # tests may run as root
                "--disable-gpu",
                "--use-fake-device-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
                "--disable-features=WebRtcHideLocalIpsWithMdns",
                "--allow-loopback-in-peer-connection",
                *heard,
                *more,
            ],
        )
        try:
            yield browser
        finally:
            await browser.close()


class ChromiumTab:
    """A tab of Chromium."""

    def __init__(self, context: BrowserContext, page: Page, seen: Seen) -> None:
        self.seen = seen
        self._context = context
        self._page = page

    async def open(self, url: str) -> None:
        await self._page.goto(url)

    async def ask(self, expression: str) -> Any:
        return await self._page.evaluate(expression)

    async def press(self, key: str) -> None:
        await self._page.keyboard.press("Space" if key == " " else key)

    async def picture(self) -> bytes:
        return await self._page.screenshot()

    async def close(self) -> None:
        await self._context.close()

    @property
    def page(self) -> Page:
        """Playwright's own, for tools that want it."""
        return self._page


@asynccontextmanager
async def tab(browser: Browser, wishes: Wishes | None = None) -> AsyncIterator[Tab]:
    """Open a tab that knows nothing of others."""
    wishes = wishes or Wishes()
    context = await browser.new_context(
        viewport={"width": wishes.width, "height": wishes.height},
        color_scheme="dark" if wishes.is_dark else "light",
        permissions=[] if wishes.is_denied else ["microphone", "camera"],
        bypass_csp=not wishes.is_policed,
    )
    page = await context.new_page()
    seen = Seen()
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("websocket", lambda socket: seen.requests.append(socket.url))
    await page.add_init_script(WATCH + wishes.preload)
    opened = ChromiumTab(context, page, seen)
    try:
        yield opened
    finally:
        await opened.close()
