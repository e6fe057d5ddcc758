"""Posts of what became of jobs: signed, once, again where they fail, only where settings allow, on both engines."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from farthing.batch import webhooks as posting
from farthing.batch.webhooks import Webhooks
from farthing.model.clock import Clock
from farthing.store import Store
from farthing.store.batch import jobs, webhooks
from farthing.upstream.http1 import Http1Client
from farthing.upstream.posting import signature
from farthing.upstream.targets import Targets
from unit.batch.test_deferred import BODY, call, deferring, wish
from unit.batch.worked import ANSWER, work
from unit.upstream.scripted_server import read_request, scripted

NOW_S = 1_790_000_000


class Receiver:
    """Keeps what is posted, and answers with the statuses that it was given, then with 204."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _, body = (await read_request(reader)).partition(b"\r\n\r\n")
            pairs = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
            self.posts.append(({name.lower(): value for name, _, value in pairs}, body))
            status = self.statuses.pop(0) if self.statuses else 204
            writer.write(b"HTTP/1.1 %d x\r\ncontent-length: 0\r\n\r\n" % status)
            await writer.drain()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    made = Receiver()
    async with scripted(made.script) as server:
        yield made, server.url


class Time:
    def __init__(self) -> None:
        self.us = NOW_S * 1_000_000

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.us, lambda: self.us / 1e6, asyncio.sleep)


async def made(store: Store, url: str, time: Time, targets: Targets | None = None, holder: str = "g-1") -> Webhooks:
    allowed = targets or Targets([url])
    client = Http1Client(may_reach=allowed.may_reach)
    return Webhooks(store, client, holder, "secret", allowed.allows, clock=time.clock, first_s=5.0)


async def handed_in(store: Store, url: str) -> str:
    async with deferring(store) as deferred:
        job = await deferred.submit(call(), BODY, wish(webhook=url, wait="job"))
    return job.id


async def test_a_post_is_made_once_the_job_has_ended(store: Store, receiver: tuple[Receiver, str]) -> None:
    kept, url = receiver
    job, hooks = await handed_in(store, url), await made(store, url, Time())
    assert await hooks.turn() and not kept.posts
    await work(store)
    await hooks.turn()
    ((headers, body),) = kept.posts
    told = json.loads(body)
    assert (told["id"], told["state"], told["status"], told["answer"]) == (job, "finished", 200, json.loads(ANSWER))
    assert told["call_id"] == f"call-of-{job}" and told["cost_dollars"] == "0.000000002"
    assert headers["x-farthing-delivery"] == job
    assert headers["x-farthing-signature"] == signature(b"secret", NOW_S, body)
    assert not await hooks.turn() and len(kept.posts) == 1


async def test_what_is_not_received_is_posted_again_later(store: Store, receiver: tuple[Receiver, str]) -> None:
    kept, url = receiver
    time = Time()
    await handed_in(store, url)
    hooks = await made(store, url, time)
    await work(store)
    kept.statuses = [500, 302]
    await hooks.turn()
    await hooks.turn()
    assert len(kept.posts) == 1
    time.us += 7_000_000
    await hooks.turn()
    time.us += 19_000_000
    assert await hooks.turn()
    assert len(kept.posts) == 3 and not await hooks.turn()


async def test_it_is_given_up_in_the_end(
    store: Store, receiver: tuple[Receiver, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, url = receiver
    time = Time()
    await handed_in(store, url)
    hooks = await made(store, url, time)
    await work(store)
    kept.statuses = [500] * 100
    for _ in range(posting.MOST_TRIES + 5):
        await hooks.turn()
        time.us += int(posting.LONGEST_S * 1.3e6)
    assert len(kept.posts) == posting.MOST_TRIES and await store.do(webhooks.waiting) == 0


async def test_one_gateway_posts_and_another_goes_on_where_it_died(
    store: Store, receiver: tuple[Receiver, str]
) -> None:
    kept, url = receiver
    time = Time()
    await handed_in(store, url)
    await work(store)
    until_us = time.us + int(posting.HELD_S * 1e6)
    taken = await store.do(lambda connection: webhooks.due(connection, time.us, "dead", until_us, 8))
    assert len(taken) == 1
    hooks = await made(store, url, time)
    await hooks.turn()
    assert not kept.posts
    time.us = until_us
    both = [hooks, await made(store, url, time, holder="g-2")]
    await asyncio.gather(*(each.turn() for each in both))
    assert len(kept.posts) == 1


async def test_settings_are_asked_again(store: Store, receiver: tuple[Receiver, str]) -> None:
    kept, url = receiver
    await handed_in(store, url)
    await work(store)
    hooks = await made(store, url, Time(), Targets(["https://elsewhere.example.com/*"]))
    await hooks.turn()
    assert not kept.posts and await store.do(webhooks.waiting) == 0


async def test_a_name_that_leads_inside_is_not_reached(store: Store, receiver: tuple[Receiver, str]) -> None:
    kept, url = receiver
    inside = url.replace("127.0.0.1", "localhost")
    await handed_in(store, inside)
    await work(store)
    hooks = await made(store, url, Time(), Targets([inside.replace("localhost", "local*")]))
    await hooks.turn()
    assert not kept.posts and await store.do(webhooks.waiting) == 1


async def test_large_answers_are_to_be_fetched(store: Store, receiver: tuple[Receiver, str]) -> None:
    kept, url = receiver
    await handed_in(store, url)
    await work(store, answer=b'"' + b"x" * posting.LARGEST + b'"')
    await (await made(store, url, Time())).turn()
    assert json.loads(kept.posts[0][1])["answer"] is None


async def test_it_runs_by_itself(store: Store, receiver: tuple[Receiver, str]) -> None:
    kept, url = receiver
    hooks = Webhooks(store, Http1Client(), "g-1", "", lambda url: True, busy_s=0.02, idle_s=60.0)
    hooks.start()
    await asyncio.sleep(0.05)
    job = await handed_in(store, url)
    hooks.ring()
    await work(store)
    for _ in range(6000):
        if kept.posts:
            break
        await asyncio.sleep(0.01)
    assert "x-farthing-signature" not in kept.posts[0][0]
    await hooks.close()
    found: Any = await store.do(lambda connection: jobs.get(connection, job))
    assert found.state == "finished"
