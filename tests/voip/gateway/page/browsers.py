"""What a test does with a browser, whichever it is.

A `Tab` opens a page, asks it things, presses keys and takes pictures of it. It notes
every request and every violation of the page's Content-Security-Policy, so that a test
can say that there were none which should not be. `chromium` and `firefox` make tabs.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

WATCH = """
globalThis.__violations = [];
addEventListener("securitypolicyviolation", (event) => {
  __violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
globalThis.__errors = [];
addEventListener("error", (event) => __errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => __errors.push(String(event.reason)));
"""
"""Runs in every page before its own scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a tab is to be.

    Attributes:
        width: of the window, in CSS pixels.
        height: likewise.
        is_dark: the user prefers a dark page.
        is_denied: the user lets no page use microphone and camera.
        is_policed: whether the page's Content-Security-Policy is obeyed.
        preload: a script that runs before the page's own, to break something.
    """

    width: int = 1280
    height: int = 800
    is_dark: bool = False
    is_denied: bool = False
    is_policed: bool = True
    preload: str = ""


@dataclass(slots=True)
class Seen:
    """What a tab did behind the user's back."""

    requests: list[str] = field(default_factory=list)


class Tab(Protocol):
    """One page in one browser."""

    seen: Seen

    async def open(self, url: str) -> None:
        """Load a page."""

    async def ask(self, expression: str) -> Any:
        """Give the value of a JavaScript expression, awaited; any, as it is JSON."""

    async def press(self, key: str) -> None:
        """Press a key, `Tab`, `Enter`, ` ` or a letter, for real."""

    async def picture(self) -> bytes:
        """Give the page as the user sees it, a PNG."""

    async def close(self) -> None:
        """Close the tab; the browser stays."""


async def until(tab: Tab, condition: str, within_s: float = 20.0) -> None:
    """Wait for a JavaScript expression to become true.

    Raises:
        AssertionError: it did not; the message holds what the page shows.
    """
    is_true = await tab.ask(
        f"""new Promise((resolve) => {{
          const ends = performance.now() + {within_s * 1000};
          const look = () => {{
            const holds = Boolean({condition});
            if (holds || performance.now() > ends) resolve(holds);
            else setTimeout(look, 50);
          }};
          look();
        }})"""
    )
    if not is_true:
        shown = await tab.ask("document.body.innerText")
        errors = await tab.ask("globalThis.__errors ?? []")
        raise AssertionError(f"{condition} did not become true; {errors}; {shown}")


async def until_screen(tab: Tab, name: str, within_s: float = 20.0) -> None:
    """Wait for a screen or panel of the page."""
    await until(tab, f"!document.getElementById({json.dumps(name)}).hidden", within_s)


async def click(tab: Tab, action: str) -> None:
    """Press the visible button that does something."""
    await tab.ask(
        f"""[...document.querySelectorAll('[data-do="{action}"]')]
        .find((button) => button.checkVisibility()).click()"""
    )


async def violations(tab: Tab) -> list[str]:
    """Give what the page's policy forbade, and what failed unseen."""
    found: list[str] = await tab.ask("[...__violations, ...__errors]")
    return found
