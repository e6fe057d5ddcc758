"""A model server with so many slots, as people run them: what is above waits in its queue, first come, first served.

slots.py PORT SLOTS MEAN_S SPREAD: how long each call takes is log-normal, and follows from its `user`, so that two runs with
the same calls take the same. `GET /busy` tells how busy the slots were since the last time it was asked.
"""

import asyncio
import json
import math
import random
import re
import sys
import time

USER = re.compile(rb'"user": ?"([^"]*)"')
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
ANSWER = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "small",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}  # fmt: skip


class Server:
    """See the module."""

    def __init__(self, slots: int, mean_s: float, spread: float) -> None:
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._median = mean_s / math.exp(spread**2 / 2)
        self._spread = spread
        self._running = 0
        self._changed = self._since = time.monotonic()
        self._busy_s = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    _answer(writer, self._told())
                    continue
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                await self._work(body)
                _answer(writer, ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _work(self, body: bytes) -> None:
        user = USER.search(body)
        dice = random.Random(user[1] if user else b"")
        async with self._free:
            self._count(1)
            await asyncio.sleep(self._median * math.exp(dice.gauss(0, self._spread)))
            self._count(-1)

    def _count(self, change: int) -> None:
        now = time.monotonic()
        self._busy_s += self._running * (now - self._changed)
        self._running += change
        self._changed = now

    def _told(self) -> dict[str, float]:
        self._count(0)
        span = self._changed - self._since
        told = {"busy": self._busy_s / (span * self._slots) if span else 0.0, "span_s": span}
        self._busy_s, self._since = 0.0, self._changed
        return told


def _answer(writer: asyncio.StreamWriter, told: object) -> None:
    body = json.dumps(told).encode()
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    )


async def _run(port: int, slots: int, mean_s: float, spread: float) -> None:
    made = Server(slots, mean_s, spread)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
