"""A little HTTP server that answers each POST with what a function makes of its body, a few bytes at a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

Respond = Callable[[bytes], tuple[int, str, bytes]]
"""From the body of a request to status, content type and body of the answer."""


@contextlib.asynccontextmanager
async def serve(respond: Respond, piece: int = 1000) -> AsyncIterator[str]:
    """The base URL of the server while it runs."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        status, kind, body = respond(await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode())
        for at in range(0, len(body), piece):
            writer.write(body[at : at + piece])
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
