"""Expected lengths: from what is assumed to what was seen, narrow scopes before wide ones, and no tenant's for another."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.catalog.expect import FADE_AT, TYPICAL, TYPICAL_OF, Expect
from farthing.model.record import Attempt, Record
from farthing.model.routes import ANY, scopes_of
from farthing.model.usage import Usage
from farthing.store.evidence import Sums

QA = scopes_of("", "qa")
ALL = scopes_of("", "")


def fed(expect: Expect, scopes: tuple[str, ...], model: str, mean: int, count: int, tenant: str = "acme") -> None:
    draw = random.Random(7)
    for _ in range(count):
        expect.add(tenant, scopes, model, max(1, round(draw.expovariate(1 / mean))))


def test_nothing_seen_is_what_is_assumed_of_task_and_model() -> None:
    expect = Expect(verbosity={"thinker": 3.0, "plain": 1.0}.__getitem__)
    assert expect.tokens("acme", ALL, "plain") == TYPICAL
    assert expect.tokens("acme", ALL, "thinker") == 3 * TYPICAL


def test_a_task_that_others_were_seen_at_starts_from_its_own_length() -> None:
    expect = Expect()
    fed(expect, scopes_of("", "creative"), "a", 900, 200)
    fed(expect, scopes_of("", "classification"), "a", 5, 1)
    assert expect.tokens("acme", scopes_of("", "classification"), "a") < 3 * TYPICAL_OF["classification"]


def test_many_answers_count_more_than_what_is_assumed() -> None:
    expect = Expect(verbosity=lambda _: 3.0)
    fed(expect, QA, "a", 80, 1500)
    assert expect.tokens("acme", QA, "a") == pytest.approx(80, rel=0.15)


def test_a_template_is_its_own_before_the_task() -> None:
    expect = Expect()
    fed(expect, scopes_of("0123456789abcdef", "qa"), "a", 20, 400)
    fed(expect, QA, "a", 400, 400)
    assert expect.tokens("acme", scopes_of("0123456789abcdef", "qa"), "a") == pytest.approx(20, rel=0.35)
    assert expect.tokens("acme", scopes_of("fedcba9876543210", "qa"), "a") > 100


def test_a_models_ratio_goes_with_it_to_work_where_it_was_not_seen() -> None:
    """One model writes four times as much as another at `qa`: so it will at `code`, where only the other was seen."""
    expect = Expect()
    for _ in range(600):
        expect.add("acme", QA, "short", 50)
        expect.add("acme", QA, "long", 200)
        expect.add("acme", scopes_of("", "code"), "short", 500)
    code = scopes_of("", "code")
    ratio = expect.tokens("acme", code, "long") / expect.tokens("acme", code, "short")
    assert 2 < ratio < 5


def test_another_tenant_learns_the_means_and_no_more() -> None:
    expect = Expect()
    fed(expect, QA, "a", 20, 500)
    assert expect.tokens("other", QA, "a") < TYPICAL_OF["qa"]
    assert expect.likely_most("acme", QA, "a") is not None
    assert expect.likely_most("other", QA, "a") is None
    assert not expect.was_seen("other", QA, "a")


def test_a_model_that_changes_is_followed() -> None:
    expect = Expect()
    fed(expect, QA, "a", 50, 10 * FADE_AT)
    fed(expect, QA, "a", 500, 2 * FADE_AT)
    assert expect.tokens("acme", QA, "a") == pytest.approx(500, rel=0.3)


def test_the_likely_most_needs_a_hundred_answers_of_that_kind() -> None:
    expect = Expect()
    fed(expect, QA, "a", 100, 98)
    assert expect.likely_most("acme", QA, "a") is None
    fed(expect, QA, "a", 100, 900)
    most = expect.likely_most("acme", QA, "a")
    assert most is not None
    assert 350 < most < 900  # the 99th percentile of the exponential law is 460
    template = scopes_of("0123456789abcdef", "qa")
    assert expect.likely_most("acme", template, "a") == most
    assert expect.likely_most("acme", scopes_of("", "code"), "a") is None
    assert expect.likely_most("acme", ALL, "a") is not None


def test_records_are_learned_from_where_an_answer_was_read_to_its_end() -> None:
    expect = Expect()

    def record(**more: object) -> Record:
        values = {"no": 1, "model": "a", "usage": Usage(uncached_in=5, out=40), "status": 200, **more}
        outcome = str(values.pop("call_outcome", "ok"))
        cache = str(values.pop("cache", ""))
        return Record(
            id="c", started_us=1, wire="openai.chat", tenant="acme", task="qa", outcome=outcome, cache=cache,
            attempts=[Attempt(**values)],  # type: ignore[arg-type]
        )  # fmt: skip

    left_out = [
        record(outcome="left"), record(estimated=True), record(usage=None), record(call_outcome="broken"),
        record(cache="exact"), record(usage=Usage(uncached_in=5)), Record(id="c", started_us=1, wire="openai.chat"),
    ]  # fmt: skip
    expect.observe(left_out)
    assert expect.tokens("acme", QA, "a") == TYPICAL_OF["qa"]
    expect.observe([record()] * 8)
    assert expect.was_seen("acme", QA, "a")
    assert expect.tokens("acme", QA, "a") < TYPICAL_OF["qa"]


def test_sums_that_were_kept_are_a_start() -> None:
    def row(scope: str, answers: int, tokens: int) -> Sums:
        return Sums(0, "acme", scope, "name", "check", "", answers=answers, out_tokens=tokens)

    expect = Expect(name_of=lambda model: "there" if model == "name" else model)
    expect.load([row("task:qa", 1000, 30_000), row(ANY, 5000, 1_000_000), row("template:x", 0, 0)])
    assert expect.tokens("acme", QA, "name") == pytest.approx(30, rel=0.2)
    assert expect.tokens("acme", QA, "there") == expect.tokens("acme", QA, "name")
    assert expect.was_seen("acme", QA, "name")
    fed(expect, QA, "there", 600, 3 * FADE_AT)
    assert expect.tokens("acme", QA, "name") > 400


def test_made_up_templates_do_not_fill_the_memory() -> None:
    expect = Expect(most_cells=100)
    fed(expect, QA, "a", 50, 300)
    for number in range(1_000):
        expect.add("acme", scopes_of(f"{number:016x}", "qa"), "a", 50)
    assert expect.size <= 104
    assert expect.tokens("acme", QA, "a") == pytest.approx(50, rel=0.3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "0123456789abcdef"]), st.sampled_from(["", "qa", "own"]), st.sampled_from(["a", "b"]),
            st.integers(0, 100_000),
        ),
        max_size=60,
    )
)  # fmt: skip
def test_expectations_are_positive_and_within_what_was_seen_and_assumed(seen: list[tuple[str, str, str, int]]) -> None:
    expect = Expect()
    for template, task, model, tokens in seen:
        expect.add("acme", scopes_of(template, task), model, tokens)
    for model in ("a", "b", "c"):
        for scopes in (ALL, QA, scopes_of("0123456789abcdef", "own")):
            assert 0 < expect.tokens("acme", scopes, model) <= 1e9
