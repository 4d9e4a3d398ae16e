"""A network between a browser and a page that can be cut, and mended."""

import asyncio
import contextlib


class Network:
    """Carries TCP connections to a port of this machine, while it is whole.

    Attributes:
        port: where it takes them.
    """

    def __init__(self, to: int) -> None:
        self.port = 0
        self._to = to
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port)
        self.port = port

    def close(self) -> None:
        """Take none any more."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Drop every connection, and those that come from now on."""
        self._is_cut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """Carry again."""
        self._is_cut = False

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there, onward = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, onward}
        try:
            with contextlib.suppress(OSError):
                await asyncio.gather(_copy(reader, onward), _copy(there, writer))
        finally:
            self._writers -= {writer, onward}
            for each in (writer, onward):
                each.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError  # ends the other way, too
