"""What an operator's tools see of a running program."""

import socket

import aiohttp

_PATHS = ("/metrics", "/readyz", "/healthz")


def free_address() -> str:
    """Give a place for the pages that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


async def read_pages(address: str) -> str:
    """Give all pages, one after the other."""
    async with aiohttp.ClientSession() as session:
        answers = [await session.get(f"http://{address}{path}") for path in _PATHS]
        return "\n".join([await answer.text() for answer in answers])


def named(pages: str, *names: str) -> list[str]:
    """Give those names that stand in the pages, however they are written."""
    return [name for name in names if name.lower() in pages.lower()]
