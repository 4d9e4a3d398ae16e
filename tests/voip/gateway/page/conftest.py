"""Real browsers, started once per file of tests."""

import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.voip.gateway.page import chromium, firefox
from tests.voip.gateway.page.browsers import Tab, Wishes
from tests.voip.gateway.page.host import Host, hosting

GUEST_HZ = 440.0
"""What a guest's microphone hears in Chromium."""

OpenTab = Callable[..., AbstractAsyncContextManager[Tab]]


def write_tone(path: Path, hz: float, seconds: float = 5.0) -> None:
    """Write a WAV file that loops without a click: 48 kHz, one channel."""
    times = np.arange(int(48_000 * seconds)) / 48_000
    samples = (8_000 * np.sin(2 * np.pi * hz * times)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(samples.tobytes())


@pytest.fixture(scope="module")
async def chromium_browser(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Any]:
    """Start Chromium, whose microphone hears a tone."""
    if (reason := chromium.missing()) is not None:
        pytest.skip(reason)
    tone = tmp_path_factory.mktemp("chromium") / "tone.wav"
    write_tone(tone, GUEST_HZ)
    async with chromium.running(tone) as browser:
        yield browser


@pytest.fixture(scope="module")
async def firefox_browser(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Any]:
    """Start Firefox, whose microphone hears Firefox's own tone."""
    if (reason := firefox.missing()) is not None:
        pytest.skip(reason)
    async with firefox.running(tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


@pytest.fixture(params=["chromium", "firefox"])
def open_tab(request: pytest.FixtureRequest) -> OpenTab:
    """Give what opens a tab, in each browser in turn."""
    browser = request.getfixturevalue(f"{request.param}_browser")

    def opened(wishes: Wishes | None = None) -> AbstractAsyncContextManager[Tab]:
        if request.param == "firefox":
            return firefox.tab(browser, wishes)
        return chromium.tab(browser, wishes)

    return opened


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """Give a gateway that does what the test says."""
    async with hosting() as given:
        yield given
