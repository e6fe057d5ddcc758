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
from farthing.settings import CacheSettings, FeatureCacheSettings  # noqa: E402
from farthing.steps.cache.bound import needed  # noqa: E402
from farthing.steps.cache.bounds import FRESH_S, Bounds  # noqa: E402
from farthing.steps.cache.calibration import FAIRLY_TRIED, NEAR  # noqa: E402
from farthing.steps.cache.feedback import Feedback, hit_note  # noqa: E402
from farthing.steps.cache.guard.rules import RULES  # noqa: E402
from farthing.steps.cache.index import Index  # noqa: E402
from farthing.steps.cache.near import Near  # noqa: E402
from farthing.steps.cache.place import Place  # noqa: E402
from farthing.steps.cache.policy import Policies  # noqa: E402
from farthing.steps.cache.semantic import FAR, UNSHOWN, Semantic, comparable  # noqa: E402
from farthing.store.buckets import Buckets  # noqa: E402
from farthing.store.entries import PROBES, Entries, Entry, Verdict, Which, open_entries  # noqa: E402
from farthing.wire.question import Question  # noqa: E402

ANSWER = b'{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"In May."},"finish_reason":"stop"}]}'
FRESH = ANSWER.replace(b"In May.", b"It is in May.")
PLACE = Place(tenant="t", share="team web", feature="faq", wire="openai.chat", model="gpt-5")


POLICIES = Policies(CacheSettings())


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
        self.now = 0.0
        self.bounds = Bounds(entries, 0.05, "judge-1", clock=lambda: self.now)
        self.index = Index()
        self.chance = 1.0
        self.tier = Semantic(
            self.encoder, self.index, entries, self.bounds, self.judge, Buckets(), check_share=0.1,
            judgements_a_minute=1000, probe_share=0.3, chance=lambda: self.chance, now_us=lambda: 2_000_000,
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

    def know_the_judge(self) -> None:
        """Probes enough: the judge refused each answer to another question."""
        for number in range(FAIRLY_TRIED):
            probe = Verdict(
                tenant="t", scope="faq", call_id=f"p{number}", similarity=0.6, wrong=True, source="mismatch", at_us=1
            )
            self.bounds.add(probe)

    def check(self, near: Near, text: str, call: Call) -> None:
        self.tier.check(near, question(text), call, FRESH)

    async def trust(self) -> None:
        """Verdicts enough for the bound."""
        self.know_the_judge()
        await self.entries.flush()
        self.now += FRESH_S + 1
        await self.bounds.threshold("t", "faq")
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
    entries = await open_entries(f"sqlite:///{tmp_path}/farthing.db", now_us=lambda: 2_000_000, patience_s=60.0)
    scene = Scene(entries)
    yield scene
    await scene.tier.close()
    await entries.close()


async def test_a_scope_serves_nothing_before_it_has_shown_the_bound(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.passed and not near.serves and near.refused == UNSHOWN
    await scene.trust()
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.serves and near.entry.answer == ANSWER


async def test_would_be_hits_become_verdicts_until_the_scope_opens(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    scene.know_the_judge()
    await scene.entries.flush()
    for number in range(needed(0.05)):
        near = await scene.look("when does the shop open on monday")
        assert near is not None and not near.serves
        call = Call(
            id=f"call-x{number}",
            wire="openai.chat",
            headers={},
            peer="",
            body=b"",
            ask=Ask(""),
            started_us=1,
            started=0,
        )
        scene.check(near, "when does the shop open on monday", call)
        await scene.settle()
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.serves
    assert scene.judge.asked[0] == ("when does the shop open on monday", "In May.")


async def test_wrong_verdicts_close_it_again(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    await scene.trust()
    near = await scene.look("when does the shop open on monday")
    assert near is not None and near.serves
    record = Record("call-7", 1, "openai.chat", tenant="t", feature="faq")
    record.decisions = [Decision("cache", hit_note("semantic", Entry(id="ent-other", tenant="t", created_us=1), 0.99))]
    feedback = Feedback(scene.entries, scene.bounds, scene.tier, POLICIES)
    for number in range(5):
        record.id = f"call-{number}"
        await feedback.take(record, good=False)
    near = await scene.look("when does the shop open on monday")
    assert near is not None and not near.serves


async def test_a_share_of_hits_is_drawn_for_a_check(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    await scene.trust()
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
    await scene.trust()
    near = await scene.look(trap)
    assert near is None or not (near.passed or near.serves or near.refused == UNSHOWN)
    assert near is None or near.refused in {rule for rule, _ in RULES}


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
    await scene.trust()
    assert await scene.look("When does the shop open on Monday?", place, context) is None


async def test_the_textbook_pair_is_linked_by_the_judge_and_hits_from_then_on(scene: Scene) -> None:
    await scene.keep("How do I get a refund for my order please")
    wording = "What is the refund policy for my order please"
    near = await scene.look(wording)
    assert near is not None and not near.passed and not near.serves
    scene.check(near, wording, CALL)
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
        scene.check(near, wording, CALL)
        await scene.settle()
    near = await scene.look(wording)
    assert near is not None and not near.serves


async def test_a_bad_answer_dies_at_once(scene: Scene) -> None:
    entry = await scene.keep("When does the shop open on Monday?")
    await scene.trust()
    record = Record("call-8", 1, "openai.chat", tenant="t", feature="faq")
    record.decisions = [Decision("cache", hit_note("semantic", entry, 0.9))]
    assert await Feedback(scene.entries, scene.bounds, scene.tier, POLICIES).take(record, good=False) == 1
    assert await scene.look("When does the shop open on Monday?") is None


async def test_an_answer_that_replaced_the_bad_one_dies_too(scene: Scene) -> None:
    """Two gateways may have asked the model at the same time: the later answer stands in the place of the one given."""
    given = await scene.keep("When does the shop open on Monday?")
    replaced = msgspec.structs.replace(given, id="ent-of-another-gateway")
    scene.entries.put(replaced)
    await scene.entries.flush()
    record = Record("call-8", 1, "openai.chat", tenant="t", feature="faq")
    record.decisions = [Decision("cache", hit_note("exact", given, 1.0))]
    assert await Feedback(scene.entries, scene.bounds, scene.tier, POLICIES).take(record, good=False) == 1
    assert await scene.entries.get("t", given.exact, now_us=2_000_000) is None


async def test_an_entry_that_died_elsewhere_is_not_given(scene: Scene) -> None:
    entry = await scene.keep("When does the shop open on Monday?")
    await scene.trust()
    await scene.entries.drop("t", Which(ids=(entry.id,)))
    assert await scene.look("When does the shop open on Monday?") is None


async def test_the_index_is_filled_from_the_store(scene: Scene, tmp_path: Path) -> None:
    await scene.keep("When does the shop open on Monday?")
    await scene.entries.flush()
    await scene.trust()
    scene.index.clear()
    scene.tier.start()
    async with asyncio.timeout(30):
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


# The judge is tried.


async def probes(scene: Scene) -> list[tuple[str, bool, float]]:
    await scene.entries.flush()
    kept = await scene.entries.verdicts("t", sources=PROBES)
    assert {probe.judge for probe in kept} <= {"judge-1"}
    return [(probe.source, probe.wrong, probe.similarity) for probe in kept]


async def test_a_drawn_check_tries_the_judge_on_the_fresh_answer(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    near = await scene.look("when does the shop open on monday")
    assert near is not None
    scene.chance, scene.judge.says = 0.1, False
    scene.check(near, "when does the shop open on monday", CALL)
    await scene.settle()
    assert sorted(answer for _, answer in scene.judge.asked) == ["In May.", "It is in May."]
    assert await probes(scene) == [("repeat", True, 1.0)]
    assert len(await scene.entries.verdicts("t")) == 1, "a probe is no verdict on a hit"


async def test_a_drawn_check_tries_it_on_an_answer_to_a_far_question(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    await scene.keep("Parcels abroad cost how much?")
    await scene.entries.flush()
    near = await scene.look("when does the shop open on monday")
    assert near is not None
    scene.chance = 0.2
    scene.judge.says = True
    scene.check(near, "when does the shop open on monday", CALL)
    async with asyncio.timeout(30):
        while scene.tier._tasks:
            await asyncio.sleep(0.01)
    ((source, refused, similarity),) = await probes(scene)
    assert (source, refused) == ("mismatch", False) and similarity < FAR


async def test_a_near_question_with_another_number_is_a_probe_and_never_a_link(scene: Scene) -> None:
    await scene.keep("Who lives in the flat number 12 of this house?")
    trap = "Who lives in the flat number 13 of this house?"
    near = await scene.look(trap)
    assert near is not None and near.other and not near.passed
    for scene.chance, asked in ((0.9, 0), (0.2, 1)):
        scene.check(near, trap, CALL)
        await scene.settle()
        assert len(scene.judge.asked) == asked
    ((source, refused, similarity),) = await probes(scene)
    assert (source, refused) == ("mismatch", False) and similarity > NEAR
    await scene.entries.flush()
    assert await scene.entries.links("t", "ent-1") == []


async def test_probes_keep_within_the_budget_of_judgements(tmp_path: Path) -> None:
    entries = await open_entries(f"sqlite:///{tmp_path}/farthing.db", now_us=lambda: 2_000_000, patience_s=60.0)
    scene = Scene(entries)
    scene.tier._judgements_a_minute = 5
    await scene.keep("When does the shop open on Monday?")
    near = await scene.look("when does the shop open on monday")
    assert near is not None
    scene.chance = 0.0
    for _ in range(20):
        scene.check(near, "when does the shop open on monday", CALL)
    await scene.settle()
    assert len(scene.judge.asked) == 5
    await scene.tier.close()
    await entries.close()


async def test_a_scope_with_good_verdicts_waits_until_the_judge_is_known(scene: Scene) -> None:
    await scene.keep("When does the shop open on Monday?")
    for number in range(400):
        scene.bounds.add(
            Verdict(tenant="t", scope="faq", call_id=f"v{number}", similarity=0.6, wrong=False, source="shadow", at_us=1)
        )  # fmt: skip
    await scene.entries.flush()
    assert not (await scene.bounds.threshold("t", "faq")).serves
    scene.know_the_judge()
    await scene.entries.flush()
    assert (await Bounds(scene.entries, 0.05, "judge-1").threshold("t", "faq")).serves


async def test_verdicts_of_another_judge_show_nothing(scene: Scene) -> None:
    scene.bounds.judge = "judge-1"
    scene.know_the_judge()
    for number in range(400):
        scene.bounds.add(
            Verdict(
                tenant="t", scope="faq", call_id=f"v{number}", similarity=0.6, wrong=False, source="shadow", at_us=1,
                judge="judge-1",
            )
        )  # fmt: skip
    await scene.entries.flush()
    assert (await Bounds(scene.entries, 0.05, "judge-1").threshold("t", "faq")).serves
    assert not (await Bounds(scene.entries, 0.05, "judge-2").threshold("t", "faq")).serves


# How far feedback reaches.


@pytest.mark.parametrize(
    ("reach", "counted"), [("entry", []), ("neighbourhood", [(0.7, True)]), ("scope", [(1.0, True)])]
)
async def test_how_far_a_bad_verdict_reaches_is_policy(
    scene: Scene, reach: str, counted: list[tuple[float, bool]]
) -> None:
    entry = await scene.keep("When does the shop open on Monday?")
    own = FeatureCacheSettings(feedback=reach)  # type: ignore[arg-type]
    feedback = Feedback(scene.entries, scene.bounds, scene.tier, Policies(CacheSettings(features={"faq": own})))
    record = Record("call-8", 1, "openai.chat", tenant="t", feature="faq")
    record.decisions = [Decision("cache", hit_note("semantic", entry, 0.7))]
    assert await feedback.take(record, good=False, score=-2.5) == 1, "the answer dies in any case"
    await scene.entries.flush()
    kept = await scene.entries.verdicts("t")
    assert [(verdict.similarity, verdict.wrong) for verdict in kept] == counted
    assert all(verdict.score == -2.5 and not verdict.judge for verdict in kept)


async def test_praise_counts_where_it_was_given(scene: Scene) -> None:
    entry = await scene.keep("When does the shop open on Monday?")
    feedback = Feedback(scene.entries, scene.bounds, scene.tier, Policies(CacheSettings(feedback="scope")))
    record = Record("call-8", 1, "openai.chat", tenant="t", feature="faq")
    record.decisions = [Decision("cache", hit_note("semantic", entry, 0.7))]
    assert await feedback.take(record, good=True) == 0
    await scene.entries.flush()
    assert [(verdict.similarity, verdict.wrong) for verdict in await scene.entries.verdicts("t")] == [(0.7, False)]
