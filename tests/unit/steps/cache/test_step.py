"""The cache step over a real store, in front of an upstream that counts its calls."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farthing.model.call import Answer, Call, Ending
from farthing.model.errors import BadRequest, NotCached, UpstreamError
from farthing.model.principal import Principal
from farthing.model.record import Attempt, Decision, Record, Saving
from farthing.model.usage import Usage
from farthing.pipeline import chain
from farthing.settings import CacheSettings, FeatureCacheSettings
from farthing.steps.cache.flight import Flights
from farthing.steps.cache.near import Near
from farthing.steps.cache.place import Place
from farthing.steps.cache.policy import Policies
from farthing.steps.cache.step import Cache
from farthing.steps.meter import Meter
from farthing.store.entries import Entries, Entry, Which, open_entries
from farthing.wire import FORMATS
from farthing.wire.question import Question

COST = 65_000


class Rows:
    full = False

    def __init__(self) -> None:
        self.rows: list[Record] = []

    def put(self, record: Record) -> None:
        self.rows.append(record)

    async def room(self, patience_s: float) -> bool:
        return True


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class Upstream:
    """Answers each call anew, plain or as a stream; counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.status = 200
        self.finish = "stop"
        self.breaks = False
        self.hold: asyncio.Event | None = None

    async def __call__(self, call: Call) -> Answer:
        self.calls += 1
        if self.hold is not None:
            await self.hold.wait()
        text = f"answer {self.calls}"
        attempt = Attempt(
            1, model="gpt-4o-mini", served_model="gpt-4o-mini-2024-07-18", cost=COST, cost_state="computed"
        )
        attempt.usage = Usage(uncached_in=9, out=3)
        call.trail.attempts.append(attempt)
        if call.ask.stream:
            return Stream(text, self).answer
        body = {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": self.finish}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        }  # fmt: skip
        return Answer(self.status, [(b"content-type", b"application/json")], json.dumps(body).encode())


class Stream:
    def __init__(self, text: str, upstream: Upstream) -> None:
        def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            head = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "gpt-4o-mini-2024-07-18",
            }
            return b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"

        self.parts: list[bytes | Exception] = [event({"role": "assistant", "content": text})]
        if upstream.breaks:
            self.parts.append(UpstreamError("gone"))
        self.parts += [event({}, upstream.finish), b"data: [DONE]\n\n"]
        self.answer = Answer(200, [(b"content-type", b"text/event-stream")], stream=self)

    async def next(self) -> bytes:
        part = self.parts.pop(0) if self.parts else b""
        if isinstance(part, Exception):
            self.answer.end(Ending("broken"))
            raise part
        if not part:
            self.answer.end(Ending())
        return part

    def leave(self) -> None:
        self.answer.end(Ending("left"))


class Tier:
    """A semantic tier that finds what it is told to."""

    def __init__(self) -> None:
        self.near: Near | None = None

    async def look(self, place: Place, asked: Question) -> Near | None:
        return self.near

    def keep(self, entry: Entry, asked: Question) -> None: ...
    def check(self, near: Near, asked: Question, call: Call, fresh: bytes) -> None: ...


class Scene:
    def __init__(self, entries: Entries, upstream: Upstream, rows: Rows, clock: Clock) -> None:
        self.entries, self.upstream, self.rows, self.clock = entries, upstream, rows, clock
        self.flights = Flights()
        self.settings = CacheSettings(mode="exact")
        self.tier: Tier | None = None
        self.number = 0
        self.demoted: set[str] = set()
        self.arms: dict[str, bool] = {}
        self.chooses = ""
        """The model that routing chooses; it then saves as much again as the answer costs."""

    def use(self, settings: CacheSettings) -> None:
        self.settings = settings

    async def ask(
        self, text: str = "Say hi", *, stream: bool = False, principal: Principal | None = None, headers: str = "",
        model: str = "gpt-4o-mini", body: bytes | None = None, more_headers: dict[bytes, bytes] | None = None,
        **fields: Any,
    ) -> str:  # fmt: skip
        """The text that comes back."""
        self.number += 1
        request = {"model": model, "temperature": 0, "messages": [{"role": "user", "content": text}], **fields}
        if stream:
            request["stream"] = True
        sent = body or json.dumps(request).encode()
        call = Call(
            id=f"call-{self.number}", wire="openai.chat", headers={b"x-farthing-cache": headers.encode(), **(more_headers or {})}, peer="",
            body=sent, ask=FORMATS["openai.chat"].ask(sent), started_us=int(self.clock.now * 1e6), started=0.0,
        )  # fmt: skip
        call.principal = principal or Principal(team="web", key_id="key-1")
        call.arms = self.arms
        cache = Cache(
            Policies(self.settings), self.entries, self.flights, self.tier, clock=self.clock,
            still_serves=lambda call, model: model not in self.demoted,
        )  # fmt: skip
        answer = await chain([Meter(self.rows), cache], self._route)(call)
        raw = answer.body
        if answer.stream is not None:
            while part := await answer.stream.next():
                raw += part
        await asyncio.sleep(0)
        return _text(raw, stream)

    async def _route(self, call: Call) -> Answer:
        if self.chooses:
            call.tier, call.target = "small", self.chooses
        answer = await self.upstream(call)
        if self.chooses:
            call.trail.savings.append(Saving("model selection", 2 * COST, COST, estimated=True))
        return answer

    @property
    def last(self) -> Record:
        return self.rows.rows[-1]


def _text(raw: bytes, stream: bool) -> str:
    if not stream:
        return str(json.loads(raw)["choices"][0]["message"]["content"])
    events = [line[6:] for line in raw.split(b"\n") if line.startswith(b"data: {")]
    deltas = [json.loads(event)["choices"][0]["delta"] for event in events if json.loads(event)["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = Clock()
    entries = await open_entries(
        f"sqlite:///{tmp_path}/farthing.db", patience_s=60.0, now_us=lambda: int(clock.now * 1e6)
    )
    scene = Scene(entries, Upstream(), Rows(), clock)
    yield scene
    await scene.flights.close()
    await entries.close()


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
async def test_the_same_request_is_answered_again_at_no_cost(scene: Scene, first: bool, second: bool) -> None:
    assert await scene.ask(stream=first) == "answer 1"
    assert (scene.last.cache, scene.last.cost) == ("miss", COST)
    assert await scene.ask(stream=second) == "answer 1"
    hit = scene.last
    assert (hit.cache, hit.cost, hit.baseline, hit.in_tokens) == ("exact", 0, COST, 0)
    assert [(saving.lever, saving.saved) for saving in hit.savings] == [("semantic cache", COST)]
    assert hit.model == "gpt-4o-mini" and hit.decisions[0].step == "cache"
    assert scene.upstream.calls == 1


async def test_an_answer_that_was_near_and_not_given_is_noted(scene: Scene) -> None:
    scene.use(CacheSettings(mode="semantic"))
    scene.tier = Tier()
    await scene.ask()
    assert scene.last.decisions == []
    entry = Entry(id="ent-1", tenant="default", created_us=scene.last.started_us, source_call="call-1")
    scene.tier.near = Near(entry, 0.9731, False, False, "near, and not let through by the guard", "number")
    await scene.ask("Say hi twice")
    assert scene.last.cache == "miss"
    assert scene.last.decisions == [Decision("cache", "near miss: number", "0.973 near to call-1")]


async def test_order_and_white_space_of_json_do_not_matter(scene: Scene) -> None:
    await scene.ask()
    again = b'{ "messages" : [ {"content": "Say hi", "role": "user"} ], "temperature": 0.0,\n"model": "gpt-4o-mini" }'
    assert await scene.ask(body=again) == "answer 1"


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Say ho"}, {"max_tokens": 5}, {"top_p": 0.5}, {"seed": 7}, {"model": "gpt-4o"},
        {"response_format": {"type": "json_object"}}, {"unknown_field": 1},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"principal": Principal(tenant="other", team="web", key_id="key-1")},
        {"principal": Principal(team="other", key_id="key-1")},
        {"principal": Principal(team="web", key_id="key-1", feature="mail")},
    ],
)  # fmt: skip
async def test_whatever_changes_the_answer_or_who_may_have_it_is_another_request(
    scene: Scene, other: dict[str, Any]
) -> None:
    await scene.ask()
    assert await scene.ask(**other) == "answer 2"


async def test_headers_that_change_the_answer_are_part_of_the_request(scene: Scene) -> None:
    await scene.ask()
    assert await scene.ask(more_headers={b"openai-beta": b"x"}) == "answer 2"


async def test_listeners_of_one_flight_get_what_they_asked_for(scene: Scene) -> None:
    """A stream with usage and one without are not the same bytes."""
    asked = [scene.ask(stream=True), scene.ask(stream=True, stream_options={"include_usage": True})]
    await asyncio.gather(*asked)
    assert scene.upstream.calls == 2


async def test_a_system_prompt_is_part_of_the_request(scene: Scene) -> None:
    def messages(system: str) -> list[dict[str, str]]:
        return [{"role": "system", "content": system}, {"role": "user", "content": "Say hi"}]

    await scene.ask(messages=messages("Be brief."))
    assert await scene.ask(messages=messages("Be long.")) == "answer 2"
    assert await scene.ask(messages=messages("Be brief.")) == "answer 1"


async def test_users_of_a_team_share_unless_settings_say_otherwise(scene: Scene) -> None:
    ana, ben = (Principal(team="web", user=user, key_id="key-1") for user in ("ana", "ben"))
    await scene.ask(principal=ana)
    assert await scene.ask(principal=ben) == "answer 1"
    scene.use(CacheSettings(mode="exact", share="user"))
    assert await scene.ask(principal=ana) == "answer 2"
    assert await scene.ask(principal=ben) == "answer 3"
    assert await scene.ask(principal=ana) == "answer 2"


async def test_without_a_team_each_key_is_alone(scene: Scene) -> None:
    await scene.ask(principal=Principal(key_id="key-1"))
    assert await scene.ask(principal=Principal(key_id="key-2")) == "answer 2"
    assert await scene.ask(principal=Principal(key_id="key-1")) == "answer 1"


@pytest.mark.parametrize("chance", [{"temperature": 0.7}, {"temperature": None}, {"n": 2}])
async def test_where_chance_plays_its_part_nothing_is_given_again(scene: Scene, chance: dict[str, Any]) -> None:
    await scene.ask(**chance)
    assert await scene.ask(**chance) == "answer 2"


async def test_a_feature_may_allow_chance(scene: Scene) -> None:
    scene.use(CacheSettings(features={"chat": FeatureCacheSettings(mode="exact", max_temperature=1.0)}))
    chat = Principal(team="web", feature="chat", key_id="key-1")
    for _ in range(2):
        assert await scene.ask(principal=chat, temperature=1) == "answer 1"
    for number in (2, 3):
        assert await scene.ask(temperature=0) == f"answer {number}"


async def test_what_a_caller_asks_of_the_cache(scene: Scene) -> None:
    await scene.ask()
    assert await scene.ask(headers="no-cache") == "answer 2"
    assert await scene.ask() == "answer 2"
    assert await scene.ask(headers="no-store") == "answer 3"
    assert await scene.ask() == "answer 2"
    scene.clock.now += 100
    assert await scene.ask(headers="max-age=200") == "answer 2"
    assert await scene.ask(headers="max-age=50") == "answer 4"
    assert await scene.ask(headers="only-if-cached") == "answer 4"
    with pytest.raises(NotCached):
        await scene.ask("never asked", headers="only-if-cached")
    with pytest.raises(NotCached):
        await scene.ask(headers="only-if-cached", temperature=1)
    with pytest.raises(BadRequest):
        await scene.ask(headers="max-age=soon")
    assert scene.upstream.calls == 4


async def test_an_answer_dies_of_age(scene: Scene) -> None:
    scene.use(CacheSettings(mode="exact", ttl_s=60))
    await scene.ask()
    scene.clock.now += 59
    assert await scene.ask() == "answer 1"
    scene.clock.now += 2
    assert await scene.ask() == "answer 2"


async def test_shorter_settings_count_for_older_answers_too(scene: Scene) -> None:
    await scene.ask()
    scene.clock.now += 100
    scene.use(CacheSettings(mode="exact", ttl_s=60))
    assert await scene.ask() == "answer 2"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("finish", ["length", "content_filter", "tool_calls"])
async def test_answers_that_are_not_whole_are_not_kept(scene: Scene, stream: bool, finish: str) -> None:
    scene.upstream.finish = finish
    await scene.ask(stream=stream)
    assert await scene.ask(stream=stream) == "answer 2"


async def test_errors_and_broken_streams_are_not_kept(scene: Scene) -> None:
    scene.upstream.status = 500
    await scene.ask()
    scene.upstream.status = 200
    scene.upstream.breaks = True
    with pytest.raises(UpstreamError):
        await scene.ask(stream=True)
    scene.upstream.breaks = False
    assert await scene.ask() == "answer 3"


async def test_equal_calls_at_once_are_one_call_and_one_cost(scene: Scene) -> None:
    scene.upstream.hold = asyncio.Event()
    waiting = [asyncio.create_task(scene.ask()) for _ in range(20)]
    await asyncio.sleep(0.3)
    scene.upstream.hold.set()
    assert set(await asyncio.gather(*waiting)) == {"answer 1"}
    assert scene.upstream.calls == 1
    assert sorted(record.cost for record in scene.rows.rows) == [0] * 19 + [COST]
    assert {record.baseline for record in scene.rows.rows} == {COST}


async def test_streams_at_once_are_one_call_and_one_cost(scene: Scene) -> None:
    answers = await asyncio.gather(*(scene.ask(stream=True) for _ in range(5)))
    assert set(answers) == {"answer 1"} and scene.upstream.calls == 1
    assert sum(record.cost for record in scene.rows.rows) == COST
    assert all(record.baseline == COST for record in scene.rows.rows)


async def test_a_dropped_answer_is_gone(scene: Scene) -> None:
    await scene.ask(principal=Principal(team="web", key_id="key-1", feature="faq"))
    await scene.entries.drop("default", Which(scope="faq"))
    assert await scene.ask(principal=Principal(team="web", key_id="key-1", feature="faq")) == "answer 2"


async def test_a_restart_loses_nothing(scene: Scene, tmp_path: Path) -> None:
    await scene.ask()
    await scene.entries.close()
    scene.entries = await open_entries(
        f"sqlite:///{tmp_path}/farthing.db", patience_s=60.0, now_us=lambda: int(scene.clock.now * 1e6)
    )
    assert await scene.ask() == "answer 1"


async def test_a_cache_that_cannot_be_used_is_a_miss(scene: Scene, tmp_path: Path) -> None:
    await scene.ask()
    await scene.entries.close()
    for file in tmp_path.glob("*cache*"):
        if file.is_file():
            file.write_bytes(b"this is no database at all" * 100)
    scene.entries = await open_entries(
        f"sqlite:///{tmp_path}/farthing.db", patience_s=60.0, now_us=lambda: int(scene.clock.now * 1e6)
    )
    assert await scene.ask() == "answer 2"
    assert await scene.ask() == "answer 2"


async def test_off_is_off(scene: Scene) -> None:
    scene.use(CacheSettings())
    assert [await scene.ask(), await scene.ask()] == ["answer 1", "answer 2"]


async def test_a_hit_books_what_the_choice_of_the_model_had_saved_too(scene: Scene) -> None:
    scene.chooses = "luna"
    await scene.ask(model="auto")
    assert scene.last.baseline == 2 * COST
    await scene.ask(model="auto")
    hit = scene.last
    assert (hit.cache, hit.cost, hit.baseline) == ("exact", 0, 2 * COST)
    assert [(each.lever, each.saved, each.estimated) for each in hit.savings] == [
        ("model selection", COST, True), ("semantic cache", COST, False)
    ]  # fmt: skip


async def test_an_answer_of_a_demoted_model_is_not_given_again(scene: Scene) -> None:
    scene.chooses = "luna"
    assert await scene.ask(model="auto") == "answer 1"
    scene.demoted, scene.chooses = {"luna"}, "sol"
    assert await scene.ask(model="auto") == "answer 2"
    assert await scene.ask(model="auto") == "answer 2", "the new answer took its place"


async def test_a_call_that_named_its_model_is_not_asked_about(scene: Scene) -> None:
    await scene.ask()
    scene.demoted = {"", "gpt-4o-mini"}
    assert await scene.ask() == "answer 1"


async def test_a_held_out_call_neither_gets_nor_leaves_answers(scene: Scene) -> None:
    await scene.ask()
    scene.arms = {"semantic cache": True}
    assert await scene.ask() == "answer 2"
    assert scene.last.cache == ""
    scene.arms = {"semantic cache": False}
    assert await scene.ask() == "answer 1"


@pytest.mark.parametrize("held_out", [True, False])
async def test_a_call_that_the_cache_cannot_touch_is_in_no_arm(scene: Scene, held_out: bool) -> None:
    scene.arms = {"semantic cache": held_out, "model selection": True}
    await scene.ask(temperature=1.5)
    assert scene.arms == {"model selection": True}
    scene.arms = {"semantic cache": held_out}
    await scene.ask()
    assert scene.arms == {"semantic cache": held_out}
    scene.use(CacheSettings(mode="off"))
    await scene.ask()
    assert scene.arms == {}


async def test_a_pin_is_a_wall(scene: Scene) -> None:
    await scene.ask(model="auto")
    assert await scene.ask(model="auto", more_headers={b"x-farthing-pin": b"opus"}) == "answer 2"
    assert await scene.ask(model="auto") == "answer 1"
