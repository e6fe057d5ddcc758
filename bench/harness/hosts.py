"""A provider for the failover drill, as a process of its own: `python hosts.py PORT TOKENS_A_MINUTE BURST_TOKENS`.

It answers in `after_s`, counts tokens as providers do (input and the output asked for, taken when a call is admitted, a
bucket that fills steadily), tells its limits in its headers, and does what `POST /do` says: be slow, or answer 429.
`GET /counts` tells what it has admitted and what its bucket allowed.
"""

import asyncio
import json
import re
import sys
import time

import uvloop

TOKENS = 40
"""That a call takes: 20 in, and at most 20 out."""
DELTA = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"yes "}}]}\n\n'
LAST = (
    b'data: {"id":"c","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":20,"total_tokens":40}}\n\n'
    b"data: [DONE]\n\n"
)
WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":'
    b'"assistant","content":"Yes."},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":20,'
    b'"total_tokens":40}}'
)


class Provider:
    def __init__(self, a_minute: float, burst: float) -> None:
        self.limit = a_minute
        self.rate = a_minute / 60
        self.burst = burst
        self.level = burst
        self.at = self.begun = time.monotonic()
        self.admitted = self.refused = 0
        self.after_s = 0.1
        self.stream_s = 0.3
        self.says_429 = False

    def fill(self) -> None:
        now = time.monotonic()
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now

    def limits(self) -> bytes:
        if not self.limit:
            return b""
        reset = (self.burst - self.level) / self.rate
        return b"x-ratelimit-limit-tokens: %d\r\nx-ratelimit-remaining-tokens: %d\r\nx-ratelimit-reset-tokens: %.3fs\r\n" % (
            self.burst, max(0, self.level), reset
        )  # fmt: skip

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                await self.answer(head.split(b" ", 2)[1], body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, path: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        if path == b"/do":
            for name, value in json.loads(body).items():
                setattr(self, name, value)
            if b"burst" in body:
                self.fill()
            return _whole(writer, b"200 OK", b"{}")
        if path == b"/counts":
            self.fill()
            counts = {name: getattr(self, name) for name in ("admitted", "refused", "level", "rate")}
            return _whole(writer, b"200 OK", json.dumps(counts).encode())
        if self.says_429:
            self.refused += 1
            refusal = b'{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}'
            return _whole(writer, b"429 Too Many Requests", refusal, b"retry-after: 1\r\n")
        limits = b""
        if self.limit:
            self.fill()
            if self.level < TOKENS:
                self.refused += 1
                wait = (TOKENS - self.level) / self.rate
                refusal = b'{"error":{"message":"Rate limit reached","type":"tokens","code":"rate_limit_exceeded"}}'
                more = b"retry-after: %d\r\nretry-after-ms: %d\r\n" % (int(wait) + 1, int(wait * 1000) + 1)
                return _whole(writer, b"429 Too Many Requests", refusal, more + self.limits())
            self.level -= TOKENS
            limits = self.limits()
        self.admitted += 1
        await asyncio.sleep(self.after_s)
        if b'"stream": true' not in body and b'"stream":true' not in body:
            return _whole(writer, b"200 OK", WHOLE, limits)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n" + limits + b"\r\n"
        )
        for _ in range(5):
            writer.write(b"%x\r\n%b\r\n" % (len(DELTA), DELTA))
            await writer.drain()
            await asyncio.sleep(self.stream_s / 5)
        writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(LAST), LAST))


def _whole(writer: asyncio.StreamWriter, status: bytes, body: bytes, more: bytes = b"") -> None:
    writer.write(
        b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
        % (status, len(body), more, body)
    )


async def main(port: int, a_minute: float, burst: float) -> None:
    provider = Provider(a_minute, burst)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
