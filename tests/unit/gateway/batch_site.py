"""The pages of batches over a real store, bodies that arrive in pieces, and a worker that ends lines as a test says."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from farthing.batch.alike import Alike
from farthing.batch.intake import Bounds, Intake
from farthing.gateway import batches, files, message_batches
from farthing.gateway.finals import Finals
from farthing.gateway.guard import Guard
from farthing.gateway.pages import pages
from farthing.gateway.protocol import CONNECTION
from farthing.gateway.uploads import Room
from farthing.model.batch import Line
from farthing.model.clock import SYSTEM, Clock
from farthing.model.principal import Key
from farthing.settings import BatchSettings, CacheSettings, ServerSettings, Settings
from farthing.store import KeyRing, Store, hash_of, open_store
from farthing.store.batch import jobs, lines
from farthing.store.sealing import Wrapping, wrapping

BOUNDARY = "0123456789abcdef"
SEALING = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(each) for each in self.body.splitlines()]


class BatchSite:
    def __init__(
        self, store: Store, keys: KeyRing, settings: Settings, sealed: Wrapping, now_us: Callable[[], int]
    ) -> None:
        self.store, self.keys, self.settings = store, keys, settings
        self.woken = 0
        self.connection: Any = None
        """What requests come over, if a test wants to know."""
        self.room = Room(4)
        self.clock = Clock(now_us, SYSTEM.monotonic, SYSTEM.sleep)
        self.now_us = now_us
        self.use(sealed)
        bounds = Bounds(settings.batch.max_requests, settings.server.max_body_mb * 2**20)
        self.intake = Intake(store, sealed, Alike(CacheSettings()), bounds, "me", self.wake, self.clock)

    def use(self, sealed: Wrapping) -> None:
        """Have the pages read and write with this key."""
        self.sealed, store, settings, clock = sealed, self.store, self.settings, self.clock
        self.finals = Finals(store, sealed, clock)
        guard = Guard(self.keys, "loopback")
        self.app = pages(
            [
                *files.routes(store, guard, settings.batch, sealed, self.room, clock),
                *batches.routes(store, guard, settings.batch, self.finals, self.wake, clock),
                *message_batches.routes(store, guard, settings, sealed, self.room, self.wake, clock),
            ],
            [],
        )

    def wake(self) -> None:
        self.woken += 1

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = b"",
        *,
        key: str = "",
        pieces: Iterable[bytes] | None = None,
        **headers: str,
    ) -> Got:
        path, _, query = path.partition("?")
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = [
            (b"host", b"localhost"),
            *((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()),
        ]
        if key:
            sent.append((b"authorization", f"Bearer {key}".encode()))
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": sent, "client": ("127.0.0.1", 1), "server": ("localhost", 80), "scheme": "http", "root_path": "",
            "http_version": "1.1", "extensions": {CONNECTION: self.connection} if self.connection is not None else {},
        }  # fmt: skip
        pending = iter(pieces if pieces is not None else [data])
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            piece = next(pending, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        got = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        return Got(messages[0]["status"], got, b"".join(message.get("body", b"") for message in messages[1:]))

    async def upload(self, data: bytes, *, key: str = "", name: str = "in.jsonl", **fields: str) -> Got:
        return await self(
            "POST",
            "/v1/files",
            form(data, name, **fields),
            key=key,
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
        )

    async def batch(self, data: bytes, *, key: str = "", headers: dict[str, str] | None = None, **more: Any) -> Got:
        """A batch over a file with these lines."""
        file = (await self.upload(data, key=key)).json["id"]
        wanted = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h", **more}
        return await self("POST", "/v1/batches", wanted, key=key, **(headers or {}))

    async def take_in(self) -> None:
        """Have all that is new checked and handed in."""
        while not await self.intake.turn():
            pass

    async def work(self, answer: Callable[[Line], tuple[str, int, bytes]], limit: int = 1000) -> int:
        """End lines that wait, as `answer` says: state, status, body."""
        now_us = self.now_us()
        taken = await self.store.do(
            lambda connection: lines.take(
                connection, now_us=now_us, holder="me", until_us=now_us + 10**9, limit=limit, wrapping=self.sealed
            )
        )
        ended = []
        for number, line in enumerate(taken):
            state, status, body = answer(line)
            ended.append(lines.Ended(line.job, line.no, f"call-{line.job}-{number}", state, status, body, 5, 7))  # type: ignore[arg-type]
        await self.store.do(lambda connection: lines.settle(connection, ended, now_us, wrapping=self.sealed))
        return len(ended)

    async def job(self, job_id: str) -> Any:
        return await self.store.do(lambda connection: jobs.get(connection, job_id))

    async def kept(self, table: str) -> int:
        return int((await self.store.do(lambda connection: connection.query(f"SELECT count(*) FROM {table}")))[0][0])

    async def add(self, name: str, **fields: Any) -> str:
        secret = f"fk-{name}"
        await self.store.add_key(Key(id=f"key-{name}", name=name, hash=hash_of(secret), created_us=1, **fields))
        await self.keys.refresh()
        return secret


def form(data: bytes, name: str = "in.jsonl", **fields: str) -> bytes:
    said = {"purpose": "batch", **fields}
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in said.items()
    )
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: application/json\r\n\r\n'
    return (head + file).encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def chat(custom_id: str, text: str = "hi", **body: Any) -> dict[str, Any]:
    """A request of OpenAI's API."""
    whole = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": text}], **body}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": whole}


def message(custom_id: str, text: str = "hi", **params: Any) -> dict[str, Any]:
    """A request of Anthropic's API."""
    return {
        "custom_id": custom_id,
        "params": {
            "model": "claude-haiku-4-5",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": text}],
            **params,
        },
    }


def jsonl(*requests: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in requests)


@asynccontextmanager
async def batch_site(
    folder: Path, url: str = "", *, sealed: bool = False, now_us: Callable[[], int] = SYSTEM.now_us, **batch: Any
) -> AsyncIterator[BatchSite]:
    store = await open_store(url or f"sqlite:///{folder}/farthing.db")
    keys = KeyRing(store)
    await keys.load()
    server = ServerSettings(max_body_mb=batch.pop("max_body_mb", 1))
    settings = msgspec.structs.replace(Settings(), batch=BatchSettings(**batch), server=server)
    site = BatchSite(store, keys, settings, wrapping(SEALING if sealed else ""), now_us)
    yield site
    await site.finals.close()
    await keys.close()
    await store.close()
