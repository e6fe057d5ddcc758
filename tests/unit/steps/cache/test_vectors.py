"""Embeddings through the cache step, in front of an upstream that counts what it is asked for."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farthing.model.call import Answer, Call
from farthing.model.errors import NotCached
from farthing.model.principal import Principal
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.pipeline import chain
from farthing.settings import CacheSettings
from farthing.steps.cache.flight import Flights
from farthing.steps.cache.policy import Policies
from farthing.steps.cache.step import Cache
from farthing.steps.meter import Meter
from farthing.store.entries import Entries, open_entries
from farthing.wire import FORMATS
from unit.steps.cache.test_step import Clock, Rows

MODEL = "text-embedding-3-small"


class Upstream:
    """A vector that tells which text it is of, and of the how many-eth call; each letter costs 100."""

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []
        self.model = MODEL
        self.status = 200
        self.indexed = True
        self.hold: asyncio.Event | None = None

    async def __call__(self, call: Call) -> Answer:
        given = json.loads(call.body)["input"]
        inputs = [given] if isinstance(given, str) else given
        self.asked.append(inputs)
        if self.hold is not None:
            await self.hold.wait()
        attempt = Attempt(
            len(self.asked),
            model=MODEL,
            served_model=self.model,
            cost=100 * sum(map(len, inputs)),
            cost_state="computed",
        )
        attempt.usage = Usage(uncached_in=10 * sum(map(len, inputs)))
        call.trail.attempts.append(attempt)
        number = len(self.asked)
        data = [
            {"object": "embedding", "index": at if self.indexed else 0, "embedding": [len(text), number]}
            for at, text in enumerate(inputs)
        ]
        used = 10 * sum(map(len, inputs))
        body = {
            "object": "list",
            "data": data,
            "model": self.model,
            "usage": {"prompt_tokens": used, "total_tokens": used},
        }
        return Answer(self.status, [(b"x-ratelimit-remaining", b"7")], json.dumps(body).encode())


class Scene:
    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.upstream, self.rows, self.clock = Upstream(), Rows(), Clock()
        self.flights = Flights()
        self.settings = CacheSettings(mode="exact")
        self.number = 0

    async def ask(
        self, given: Any, *, headers: str = "", principal: Principal | None = None, model: str = MODEL, **fields: Any
    ) -> dict[str, Any]:
        """The answer that comes back."""
        self.number += 1
        body = json.dumps({"model": model, "input": given, **fields}).encode()
        call = Call(
            id=f"call-{self.number}", wire="openai.embeddings", headers={b"x-farthing-cache": headers.encode()}, peer="",
            body=body, ask=FORMATS["openai.embeddings"].ask(body), started_us=int(self.clock.now * 1e6), started=0.0,
        )  # fmt: skip
        call.principal = principal or Principal(team="web", key_id="key-1")
        cache = Cache(
            Policies(self.settings), self.entries, self.flights, None, usage=self.settings.usage, clock=self.clock
        )
        answer = await chain([Meter(self.rows), cache], self.upstream)(call)
        return json.loads(answer.body)

    async def vectors(self, given: Any, **fields: Any) -> list[list[int]]:
        """Length of each text, and the call that it was embedded by."""
        data = (await self.ask(given, **fields))["data"]
        assert [one["index"] for one in data] == list(range(len(data)))
        return [one["embedding"] for one in data]

    @property
    def last(self) -> Record:
        return self.rows.rows[-1]

    @property
    def amounts(self) -> tuple[int, int, str]:
        return self.last.cost, self.last.baseline, self.last.cache


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    entries = await open_entries(
        f"sqlite:///{tmp_path}/farthing.db", patience_s=60.0, now_us=lambda: int(Clock.now * 1e6)
    )
    scene = Scene(entries)
    yield scene
    await scene.flights.close()
    await entries.close()


async def test_inputs_that_are_known_cost_nothing(scene: Scene) -> None:
    assert await scene.vectors(["a", "bb"]) == [[1, 1], [2, 1]]
    assert scene.amounts == (300, 300, "miss")
    assert await scene.vectors(["bb", "a"]) == [[2, 1], [1, 1]]
    assert scene.amounts == (0, 300, "exact")
    assert scene.last.model == MODEL and scene.last.in_tokens == 0
    assert await scene.vectors("bb") == [[2, 1]]
    assert scene.amounts == (0, 200, "exact")
    assert len(scene.upstream.asked) == 1


async def test_only_what_is_missing_is_asked_for(scene: Scene) -> None:
    await scene.ask(["a", "bb"])
    assert await scene.vectors(["ccc", "bb", "dddd", "a"]) == [[3, 2], [2, 1], [4, 2], [1, 1]]
    assert scene.upstream.asked[-1] == ["ccc", "dddd"]
    assert scene.amounts == (700, 1000, "miss")
    assert scene.last.in_tokens == 70
    assert scene.last.decisions[0].what == "reused 2 of 4 inputs"


async def test_an_input_that_is_there_twice_is_asked_for_once(scene: Scene) -> None:
    assert await scene.vectors(["a", "a", "bb", "a"]) == [[1, 1], [1, 1], [2, 1], [1, 1]]
    assert scene.upstream.asked == [["a", "bb"]]


@pytest.mark.parametrize(("usage", "shown"), [("original", 60), ("zero", 30)])
async def test_usage_is_shown_as_settings_say(scene: Scene, usage: Any, shown: int) -> None:
    scene.settings = CacheSettings(mode="exact", usage=usage)
    await scene.ask(["a", "bb"])
    assert (await scene.ask(["a", "bb", "ccc"]))["usage"]["prompt_tokens"] == shown
    assert (await scene.ask(["a", "bb", "ccc"]))["usage"]["prompt_tokens"] == (60 if usage == "original" else 0)


@pytest.mark.parametrize(
    "other",
    [
        {"dimensions": 64}, {"encoding_format": "base64"}, {"model": "text-embedding-3-large"}, {"input_type": "query"},
        {"principal": Principal(team="other", key_id="key-1")},
        {"principal": Principal(tenant="other", team="web", key_id="key-1")},
    ],
)  # fmt: skip
async def test_other_settings_and_other_people_have_other_vectors(scene: Scene, other: dict[str, Any]) -> None:
    await scene.ask(["a"])
    assert await scene.vectors(["a"], **other) == [[1, 2]]
    assert await scene.vectors(["a"]) == [[1, 1]]


async def test_vectors_of_two_models_are_never_mixed(scene: Scene) -> None:
    await scene.ask(["a"])
    scene.upstream.model = "text-embedding-4"
    assert await scene.vectors(["a", "bb"]) == [[1, 3], [2, 3]]
    assert scene.upstream.asked == [["a"], ["bb"], ["a", "bb"]]
    assert scene.amounts == (500, 500, "miss"), "both calls were made, and both are paid"


async def test_an_answer_that_cannot_be_told_apart_is_passed_on_and_not_kept(scene: Scene) -> None:
    scene.upstream.indexed = False
    await scene.ask(["a", "bb"])
    await scene.ask(["a", "bb"])
    assert len(scene.upstream.asked) == 2


async def test_errors_are_not_kept(scene: Scene) -> None:
    scene.upstream.status = 500
    await scene.ask(["a"])
    scene.upstream.status = 200
    assert await scene.vectors(["a"]) == [[1, 2]]


async def test_directives(scene: Scene) -> None:
    await scene.ask(["a"])
    assert await scene.vectors(["a"], headers="no-cache") == [[1, 2]]
    assert await scene.vectors(["bb"], headers="no-store") == [[2, 3]]
    assert await scene.vectors(["a"], headers="only-if-cached") == [[1, 2]]
    for given in (["a", "bb"], [], {"no": "list"}):
        with pytest.raises(NotCached):
            await scene.ask(given, headers="only-if-cached")
    scene.clock.now += 100
    assert await scene.vectors(["a"], headers="max-age=50") == [[1, 4]]


async def test_a_vector_dies_of_age(scene: Scene) -> None:
    scene.settings = CacheSettings(mode="exact", ttl_s=60)
    await scene.ask(["a"])
    scene.clock.now += 61
    assert await scene.vectors(["a"]) == [[1, 2]]


async def test_calls_for_the_same_missing_inputs_are_one(scene: Scene) -> None:
    await scene.ask(["a"])
    scene.upstream.hold = asyncio.Event()
    waiting = [asyncio.create_task(scene.vectors(["bb", "a"] if number % 2 else ["a", "bb"])) for number in range(10)]
    await asyncio.sleep(0.1)
    scene.upstream.hold.set()
    for number, found in enumerate(await asyncio.gather(*waiting)):
        assert found == ([[2, 2], [1, 1]] if number % 2 else [[1, 1], [2, 2]])
    assert scene.upstream.asked == [["a"], ["bb"]]
    rows = scene.rows.rows[1:]
    assert sorted(row.cost for row in rows) == [0] * 9 + [200]
    assert {row.baseline for row in rows} == {300}


async def test_many_inputs(scene: Scene) -> None:
    texts = ["x" * (number + 1) for number in range(200)]
    await scene.ask(texts[:150])
    found = await scene.vectors(texts)
    assert [length for length, _ in found] == list(range(1, 201))
    assert len(scene.upstream.asked[-1]) == 50
    assert scene.amounts == (100 * sum(range(151, 201)), 100 * sum(range(1, 201)), "miss")


async def test_token_lists_are_inputs_too(scene: Scene) -> None:
    await scene.ask([[1, 2], [3]])
    await scene.ask([[3], [4, 5, 6]])
    assert scene.upstream.asked[-1] == [[4, 5, 6]]
