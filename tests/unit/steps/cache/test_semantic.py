"""The semantic tier with a real store, index and guard; the encoder counts words, the judge says what the test wants."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

np = pytest.importorskip("numpy")

from farthing.embed import EncoderError  # noqa: E402
from farthing.model.call import Ask, Call  # noqa: E402
from farthing.model.record import Decision, Record  # noqa: E402
from farthing.steps.cache.bound import needed  # noqa: E402
from farthing.steps.cache.bounds import Bounds  # noqa: E402
from farthing.steps.cache.feedback import Feedback, hit_note  # noqa: E402
from farthing.steps.cache.index import Index  # noqa: E402
from farthing.steps.cache.near import Near  # noqa: E402
from farthing.steps.cache.place import Place  # noqa: E402
from farthing.steps.cache.semantic import Semantic, comparable  # noqa: E402
from farthing.store.buckets import Buckets  # noqa: E402
from farthing.store.entries import Entries, Entry, Verdict, Which, open_entries  # noqa: E402
from farthing.wire.question import Question  # noqa: E402

ANSWER = b'{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"In May."},"finish_reason":"stop"}]}'
PLACE = Place(tenant="t", share="team web", feature="faq", wire="openai.chat", model="gpt-5")


class Words:
    """Vectors of words: equal words make near texts."""

    name = "words"
    dims = 64

    def __init__(self) -> None:
        self.fails = False
        self.texts = 0

    async def encode(self, texts: Sequence[str]) -> "np.ndarray":
        if self.fails:
            raise EncoderError("no encoder")
        self.texts += len(texts)
        rows = np.zeros((len(texts), self.dims), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16) % self.dims] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    async def close(self) -> None: ...


class Judge:
    def __init__(self) -> None:
        self.says: bool | None = True
        self.asked: list[tuple[str, str]] = []

    async def answers(self, tenant: str, question: str, answer: str) -> bool | None:
        self.asked.append((question, answer))
        return self.says


class Scene:
    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.encoder, self.judge = Words(), Judge()
        self.bounds = Bounds(entries, 0.05)
        self.index = Index()
        self.chance = 1.0
        self.tier = Semantic(
            self.encoder, self.index, entries, self.bounds, self.judge, Buckets(), check_share=0.1,
            judgements_a_minute=1000, chance=lambda: self.chance, now_us=lambda: 2_000_000,
        )  # fmt: skip
        self.number = 0

    async def keep(self, text: str, place: Place = PLACE, context: bytes = b"c") -> Entry:
        self.number += 1
        asked = question(text, context)
        entry = Entry(
            id=f"ent-{self.number}", tenant=place.tenant, scope=place.feature, format=place.wire, question=text,
            exact=place.key(asked.exact), context=place.group(context), answer=ANSWER, cost=7, created_us=1_000_000,
            source_call=f"call-{self.number}",
        )  # fmt: skip
        self.tier.keep(entry, asked)
        await self.settle()
        return entry

    async def look(self, text: str, place: Place = PLACE, context: bytes = b"c") -> Near | None:
        return await self.tier.look(place, question(text, context))

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)
            if not self.tier._tasks:
                break

    def trust(self) -> None:
        """Verdicts enough for the bound."""
        for number in range(needed(0.05)):
            verdict = Verdict(
                tenant="t", scope="faq", call_id=f"v{number}", similarity=0.6, wrong=False, source="shadow", at_us=1
            )
            self.bounds.add(verdict)


def question(text: str, context: bytes = b"c", **fields: object) -> Question:
    exact = hashlib.blake2b(text.encode() + context, digest_size=16).digest()
    return Question(text=text, context=context, exact=exact, turns=1, **fields)  # type: ignore[arg-type]


CALL = Call(id="call-9", wire="openai.chat", headers={}, peer="", body=b"{}", ask=Ask("gpt-5"), started_us=1, started=0)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    entries = await open_entries(f"sqlite:///{tmp_path}/farthing.db", now_us=lambda: 2_000_000)
    scene = Scene(entries)
    yield scene
    await scene.tier.close()
    await entries.close()


async def test_a_scope_serves_nothing_before_it_has_shown_the_bound(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.passed and not near.serves
    await scene.bounds.threshold("t", "faq")
    scene.trust()
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.serves and near.entry.answer == ANSWER


async def test_would_be_hits_become_verdicts_until_the_scope_opens(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    for number in range(needed(0.05)):
        near = await scene.look("when does the shop open on monday")
        assert near is not None and not near.serves
        call = Call(id=f"call-x{number}", wire="", headers={}, peer="", body=b"", ask=Ask(""), started_us=1, started=0)
        scene.tier.check(near, question("when does the shop open on monday"), call)
        await scene.settle()
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.serves
    assert scene.judge.asked[0] == ("when does the shop open on monday", "In May.")


async def test_wrong_verdicts_close_it_again(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    await scene.bounds.threshold("t", "faq")
    scene.trust()
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.serves
    record = Record("call-7", 1, "openai.chat", tenant="t", feature="faq")
    record.decisions = [Decision("cache", hit_note("semantic", Entry(id="ent-other", tenant="t", created_us=1), 0.99))]
    feedback = Feedback(scene.entries, scene.bounds, scene.tier)
    for number in range(5):
        record.id = f"call-{number}"
        await feedback.take(record, good=False)
    near = await scene.look("when does the shop open on monday")
    assert near is not None and not near.serves


async def test_a_share_of_hits_is_drawn_for_a_check(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    scene.trust()
    scene.chance = 0.05
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.passed and not near.serves


@pytest.mark.parametrize(
    "trap",
    [
        "When does the shop open on Tuesday?",
        "When does the shop not open on Monday?",
        "When does the shop close on Monday?",
    ],
)
async def test_the_guard_lets_no_other_question_through(scene: Scene, trap: str) -> None:
    await scene.keep("When does the shop open on Monday?")
    scene.trust()
    near = await scene.look(trap)
    assert near is None or not (near.passed or near.serves)


@pytest.mark.parametrize(
    ("place", "context"),
    [
        (Place(tenant="other", share="team web", feature="faq", wire="openai.chat", model="gpt-5"), b"c"),
        (Place(tenant="t", share="team mail", feature="faq", wire="openai.chat", model="gpt-5"), b"c"),
        (Place(tenant="t", share="team web", feature="x", wire="openai.chat", model="gpt-5"), b"c"),
        (Place(tenant="t", share="team web", feature="faq", wire="anthropic.messages", model="gpt-5"), b"c"),
        (Place(tenant="t", share="team web", feature="faq", wire="openai.chat", model="gpt-4o"), b"c"),
        (PLACE, b"another system prompt"),
    ],
)
async def test_no_answer_crosses_a_wall(scene: Scene, place: Place, context: bytes) -> None:
    await scene.keep("When does the shop open on Monday?")
    scene.trust()
    assert await scene.look("When does the shop open on Monday?", place, context) is None


async def test_the_textbook_pair_is_linked_by_the_judge_and_hits_from_then_on(scene: Scene) -> None:
    await scene.keep("How do I get a refund for my order please")
    wording = "What is the refund policy for my order please"
    near = await scene.look(wording)
    assert near is not None and not near.passed and not near.serves
    scene.tier.check(near, question(wording), CALL)
    await scene.settle()
    near = await scene.look(wording)
    assert near is not None and near.serves and near.entry.id == "ent-1"


async def test_a_judge_who_says_no_or_nothing_links_nothing(scene: Scene) -> None:
    await scene.keep("How do I get a refund for my order please")
    wording = "What is the refund policy for my order please"
    for says in (False, None):
        scene.judge.says = says
        near = await scene.look(wording)
        assert near is not None
        scene.tier.check(near, question(wording), CALL)
        await scene.settle()
    near = await scene.look(wording)
    assert near is not None and not near.serves


async def test_a_bad_answer_dies_at_once(scene: Scene) -> None:
    entry = await scene.keep("When does the shop open on Monday?")
    scene.trust()
    record = Record("call-8", 1, "openai.chat", tenant="t", feature="faq")
    record.decisions = [Decision("cache", hit_note("semantic", entry, 0.9))]
    assert await Feedback(scene.entries, scene.bounds, scene.tier).take(record, good=False) == 1
    assert await scene.look("When does the shop open on Monday?") is None


async def test_an_answer_that_replaced_the_bad_one_dies_too(scene: Scene) -> None:
    """Two gateways may have asked the model at the same time: the later answer stands in the place of the one given."""
    given = await scene.keep("When does the shop open on Monday?")
    replaced = msgspec.structs.replace(given, id="ent-of-another-gateway")
    scene.entries.put(replaced)
    await scene.entries.flush()
    record = Record("call-8", 1, "openai.chat", tenant="t", feature="faq")
    record.decisions = [Decision("cache", hit_note("exact", given, 1.0))]
    assert await Feedback(scene.entries, scene.bounds, scene.tier).take(record, good=False) == 1
    assert await scene.entries.get("t", given.exact, now_us=2_000_000) is None


async def test_an_entry_that_died_elsewhere_is_not_given(scene: Scene) -> None:
    entry = await scene.keep("When does the shop open on Monday?")
    scene.trust()
    await scene.entries.drop("t", Which(ids=(entry.id,)))
    assert await scene.look("When does the shop open on Monday?") is None


async def test_the_index_is_filled_from_the_store(scene: Scene, tmp_path: Path) -> None:
    await scene.keep("When does the shop open on Monday?")
    await scene.entries.flush()
    scene.trust()
    scene.index.clear()
    scene.tier.start()
    async with asyncio.timeout(3):
        while len(scene.index) == 0:
            await asyncio.sleep(0.02)
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.passed


async def test_without_an_encoder_calls_are_misses_with_one_warning(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.encoder.fails = True
    entry = await scene.keep("When does the shop open on Monday?")
    assert await scene.look("When does the shop open on Monday?") is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert await scene.entries.get("t", entry.exact, now_us=2_000_000) is not None


@pytest.mark.parametrize(
    "asked",
    [
        question(""), question("x" * 3000), question("hi", has_tools=True), question("hi", has_media=True),
        question("hi", has_tool_results=True),
    ],
)  # fmt: skip
def test_what_is_not_compared(asked: Question) -> None:
    assert not comparable(asked)
