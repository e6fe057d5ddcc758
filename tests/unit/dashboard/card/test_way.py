"""Attempts on the time line of their call, why each was sent, and what a provider said of its usage."""

from farthing.dashboard.card.money import WIDE
from farthing.dashboard.card.way import SHOWN_BYTES, decisions_of, not_found, tries_of
from farthing.model.record import Attempt, Decision, Record


def record(*attempts: Attempt, decisions: tuple[Decision, ...] = (), duration_us: int = 1_000) -> Record:
    return Record(
        "c", 1_000_000, "openai.chat", attempts=list(attempts), decisions=list(decisions), duration_us=duration_us
    )


def test_attempts_stand_where_they_were_in_time() -> None:
    first, second = tries_of(
        record(
            Attempt(1, started_us=1_000_000, duration_us=250, outcome="timeout"),
            Attempt(2, started_us=1_000_500, duration_us=500, first_byte_us=100),
        )
    )
    assert (first.x, first.width, first.first, first.state) == (0, WIDE // 4, 0, "bad")
    assert (second.x, second.width, second.first, second.state) == (WIDE // 2, WIDE // 2, 600, "good")
    assert second.begun_us == 500


def test_odd_times_stay_on_the_line() -> None:
    for attempt in (
        Attempt(1),
        Attempt(1, started_us=5),
        Attempt(1, started_us=10**16, duration_us=10**12),
        Attempt(1, started_us=1_000_000, first_byte_us=10**12),
    ):
        (found,) = tries_of(record(attempt, duration_us=0))
        assert 0 <= found.x <= WIDE and found.x + found.width <= WIDE and found.first <= WIDE


def test_each_attempt_has_the_reason_that_it_was_sent_for() -> None:
    sent = (
        Attempt(1, provider="openai", model="m"),
        Attempt(2, provider="openai", model="m"),
        Attempt(3, provider="azure", model="m"),
    )
    why = (
        Decision("balance", "openai/m", "first"),
        Decision("balance", "openai/m too", "again"),
        Decision("balance", "azure/m", "other"),
    )
    assert [each.why for each in tries_of(record(*sent, decisions=why))] == ["first", "again", "other"]
    assert [each.why for each in tries_of(record(*sent))] == ["", "", ""]


def test_parts_of_an_answer_are_named_as_such() -> None:
    (_, part) = tries_of(record(Attempt(1, model="m", provider="p"), Attempt(1, 1, model="small", provider="p")))
    assert part.title == "1, part 1. small at p"


def test_what_the_provider_said_is_laid_out_and_bounded() -> None:
    (found,) = tries_of(record(Attempt(1, raw_usage=b'{"a":{"b":1}}')))
    assert found.raw == '{\n  "a": {\n    "b": 1\n  }\n}'
    (odd,) = tries_of(record(Attempt(1, raw_usage=b"\x00\xff no json " + b"x" * 100_000)))
    assert odd.raw.startswith("\ufffd\ufffd no json") and len(odd.raw) == SHOWN_BYTES + 1
    (deep,) = tries_of(record(Attempt(1, raw_usage=b"[" * 100_000)))
    assert deep.raw


def test_steps_are_in_order_with_what_they_weighed() -> None:
    found = decisions_of(record(decisions=(Decision("task", "qa"), Decision("route", "m", "cheapest\nother: 0.9"))))
    assert [(each.step, each.what, each.why, each.weighed) for each in found] == [
        ("task", "qa", "", []), ("route", "m", "cheapest", [("other", "0.9")]),
    ]  # fmt: skip


def test_what_to_check_depends_on_the_name() -> None:
    assert "under way" in not_found("call-x", 1_000_000)
    assert "under way" not in not_found("call-x", 10**13) and "not how calls are named" not in not_found(
        "call-x", 10**13
    )
    assert "not how calls are named" in not_found("x" * 1_000, None)
