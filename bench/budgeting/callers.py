"""Callers of several tenants, so many streams of each at once, who go on until their budget is exceeded.

Each sends what the official SDKs send, waits as long as a refusal says, and keeps what it was told. Knows nothing of
budgets but their errors.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

BUSY, EXCEEDED = b"budget_busy", b"budget_exceeded"
_NEED = re.compile(rb"call may need \$([0-9]+[.][0-9]+)")
_ID = re.compile(rb'"id": ?"(chatcmpl-[^"]+)"')


@dataclass(frozen=True)
class Ask:
    """One request."""

    tenant: str
    model: str
    stream: bool
    most: int | None
    """The request's own limit of output."""
    leaves: bool = False
    """The caller goes away in the middle of the stream."""
    owners: tuple[tuple[str, str], ...] = ()
    """Owner tags beside the team."""
    user: str = ""
    """As the bill names it; empty: the tenant."""


@dataclass
class Heard:
    """What callers were told."""

    served: int = 0
    limited: int = 0
    """Answers that ended at a limit that was not the caller's."""
    busy: int = 0
    exceeded: int = 0
    lost: int = 0
    """Calls that broke off with their gateway."""
    odd: list[str] = field(default_factory=list)
    needs: dict[str, list[int]] = field(default_factory=dict)
    """Nano-dollars that refused calls would have needed, by the `user` of the bill."""
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    """When the calls of the bill's lines began and ended, by their id."""


class Callers:
    """See the module."""

    def __init__(self, ports: Sequence[int], make: Callable[[random.Random, str], Ask], seed: int = 1) -> None:
        self._ports = ports
        self._make = make
        self._dice = random.Random(seed)
        self._numbers = 0
        self.heard = Heard()
        self.calm = asyncio.Event()
        """Set once nothing more happens to the gateways: a budget that is exceeded then stays so."""
        self.down: set[int] = set()
        """Ports that callers stay away from."""

    async def run(self, tenants: Sequence[str], streams: int, within_s: float) -> None:
        """So many streams of each tenant at once."""
        until = time.monotonic() + within_s
        await asyncio.gather(*(self._caller(tenant, until) for tenant in tenants for _ in range(streams)))

    async def _caller(self, tenant: str, until: float) -> None:
        while time.monotonic() < until:
            ask = self._make(self._dice, tenant)
            port = self._dice.choice([port for port in self._ports if port not in self.down])
            said = await self._call(port, ask)
            if said == "exceeded" and ask.user not in ("", tenant):
                continue  # another budget's
            if said == "exceeded" and self.calm.is_set():
                return
            if said == "exceeded":
                await asyncio.sleep(0.5 + self._dice.random())
            elif said == "busy":
                await asyncio.sleep(1.0 + self._dice.random() / 4)
            elif said == "lost":
                await asyncio.sleep(0.05)

    async def once(self, asks: Sequence[Ask], at_once: int) -> None:
        """Each of these once, in their order."""
        waiting = iter(asks)

        async def work() -> None:
            for ask in waiting:
                await self._call(self._dice.choice(self._ports), ask)

        await asyncio.gather(*(work() for _ in range(at_once)))

    async def _call(self, port: int, ask: Ask) -> str:
        self._numbers += 1
        begun = time.time()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            self.heard.lost += 1
            return "lost"
        try:
            writer.write(self._request(ask))
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if ask.leaves and status == 200:
                await reader.read(200)
                self.heard.served += 1
                return "left"
            body = await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            self.heard.lost += 1
            return "lost"
        finally:
            writer.close()
        return self._told(ask, status, _plain(head, body), begun)

    def _told(self, ask: Ask, status: int, body: bytes, begun: float) -> str:
        heard = self.heard
        if status == 200:
            whole = b'"finish_reason"' in body and (not ask.stream or b"[DONE]" in body)
            if not whole or b'"error"' in body:
                heard.lost += 1
                return "lost"
            heard.served += 1
            heard.limited += _was_limited(ask, body)
            if found := _ID.search(body):
                heard.spans[found[1].decode()] = (begun, time.time())
            return "served"
        if BUSY in body:
            heard.busy += 1
            return "busy"
        if EXCEEDED in body:
            heard.exceeded += 1
            if found := _NEED.search(body):
                dollars, _, cents = found[1].decode().partition(".")
                heard.needs.setdefault(ask.user or ask.tenant, []).append(int(dollars + cents.ljust(9, "0")[:9]))
            return "exceeded"
        heard.odd.append(f"{status} {body[:200]!r}")
        return "lost"

    def _request(self, ask: Ask) -> bytes:
        prompt = f"Case {self._numbers}: say what you think of it, {self._dice.random():.9f}."
        body: dict[str, object] = {
            "model": ask.model, "messages": [{"role": "user", "content": prompt}], "user": ask.user or ask.tenant
        }  # fmt: skip
        if ask.most is not None:
            body["max_completion_tokens"] = ask.most
        if ask.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        data = json.dumps(body).encode()
        owners = "".join(f"x-farthing-{name}: {value}\r\n" for name, value in (("team", ask.tenant), *ask.owners))
        return (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{owners}"
            f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        ).encode() + data


def _was_limited(ask: Ask, body: bytes) -> bool:
    if b'"finish_reason":"length"' not in body.replace(b": ", b":"):
        return False
    written = re.search(rb'"completion_tokens": ?([0-9]+)', body)
    return ask.most is None or written is None or int(written[1]) < ask.most


def _plain(head: bytes, body: bytes) -> bytes:
    """The body without the lengths of its chunks."""
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        if not length:
            break
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)
