"""The way of a call: what each step decided and why, and each attempt with its time, its end and what came after."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from farthing.dashboard.card.money import WIDE, counted, lines_of
from farthing.dashboard.table import Table
from farthing.finops.cost_card import how_known, is_known, weighed
from farthing.model.money import exact_dollars
from farthing.model.record import Attempt, Decision, Record

ENDINGS = {
    "ok": "answered", "error": "the provider refused it", "timeout": "no answer in time", "broken": "the answer broke off",
    "left": "the client left", "unreachable": "no connection, so nothing was sent",
}  # fmt: skip
OUTCOMES = {
    "ok": "answered", "error": "refused", "left": "the client left", "broken": "the provider broke off",
    "interrupted": "the gateway was stopped while it was under way",
}  # fmt: skip
MARKS = {
    "usage_mismatch": "the units do not add up to the provider's own total",
    "reported_cost_differs": "the provider's own price is another",
    "family_rate": "priced by the rate of its family, since the model has none of its own",
    "numbers_out_of_range": "numbers that no call can have",
    "no_price": "no price is known",
}
"""Marks of an attempt, for people; others are named as they are."""
SHOWN_BYTES = 20_000
"""Of what the provider said of the usage."""


class Decided(NamedTuple):
    step: str
    what: str
    why: str
    weighed: list[tuple[str, str]]


class Try(NamedTuple):
    """One attempt. `x`, `first` and `width` are of `WIDE`, on the time line of the call."""

    title: str
    place: str
    ended: str
    state: str
    """good, bad or warn."""
    why: str
    """Why it was sent there."""
    error: str
    cost: str
    how_known: str
    price_version: str
    reported: str
    marks: list[str]
    usage: Sequence[tuple[str, int]]
    raw: str
    lines: Table
    begun_us: int
    first_us: int
    took_us: int
    x: int
    first: int
    width: int


def decisions_of(record: Record) -> list[Decided]:
    return [Decided(each.step, each.what, *weighed(each)) for each in record.decisions]


def tries_of(record: Record) -> list[Try]:
    """Attempts in their order; parts that a provider bills apart follow theirs."""
    begins = [each.started_us or record.started_us for each in record.attempts]
    since = min([record.started_us, *begins])
    ends = [begun + each.duration_us for begun, each in zip(begins, record.attempts, strict=True)]
    span = max([record.started_us + record.duration_us, *ends, since + 1]) - since
    sent = [each for each in record.decisions if each.step == "balance"]
    return [
        _try(record, number, begun - since, span, sent) for number, begun in enumerate(begins)
    ]  # fmt: skip


def _try(record: Record, number: int, begun_us: int, span: int, sent: list[Decision]) -> Try:
    attempt = record.attempts[number]
    x, width = _of(begun_us, span), max(3, _of(attempt.duration_us, span))
    known = is_known(attempt.cost_state)
    served = f", ran as {attempt.served_model}" if attempt.served_model not in ("", attempt.model) else ""
    part = f", part {attempt.part}" if attempt.part else ""
    own = ("", f"{attempt.provider}/{attempt.model}")
    return Try(
        title=f"{attempt.no}{part}. {attempt.model or 'a model not named'} at {attempt.provider or 'a provider not named'}{served}",
        place=" · ".join(each for each in (attempt.deployment if attempt.deployment not in own else "", attempt.tier, attempt.geo) if each),
        ended=f"{ENDINGS.get(attempt.outcome, attempt.outcome)}{f', {attempt.status}' if attempt.status else ''}",
        state="good" if attempt.outcome == "ok" else "warn" if attempt.outcome == "left" else "bad",
        why=_why(attempt, sent), error=attempt.error,
        cost=f"${exact_dollars(attempt.cost)}" if known else "?", how_known=how_known(attempt.cost_state, [attempt]),
        price_version=attempt.price_version,
        reported=f"${exact_dollars(attempt.reported_cost)}" if attempt.reported_cost is not None else "",
        marks=[MARKS.get(flag, flag.replace("_", " ")) for flag in attempt.flags],
        usage=counted(attempt.usage), raw=_raw(attempt.raw_usage), lines=lines_of(attempt, f"attempt-{number + 1}"),
        begun_us=begun_us, first_us=attempt.first_byte_us, took_us=attempt.duration_us,
        x=min(x, WIDE - 3), first=_of(begun_us + attempt.first_byte_us, span) if attempt.first_byte_us else 0,
        width=min(width, WIDE - min(x, WIDE - 3)),
    )  # fmt: skip


def _of(us: int, span: int) -> int:
    return max(0, min(WIDE, round(WIDE * us / span)))


def _why(attempt: Attempt, sent: list[Decision]) -> str:
    """What was decided when it was sent; each decision is used once, so that a second try there has its own."""
    if attempt.part:
        return ""
    places = (f"{attempt.provider}/{attempt.model}", attempt.deployment)
    for decision in sent:
        if decision.what.removesuffix(" too") in places:
            sent.remove(decision)
            return decision.why
    return ""


def _raw(raw: bytes) -> str:
    """The provider's own words of the usage, laid out if they are JSON."""
    if not raw:
        return ""
    text = raw.decode("utf-8", "replace")
    with suppress(msgspec.DecodeError, RecursionError):
        text = msgspec.json.format(raw, indent=2).decode("utf-8", "replace")
    text = text if len(text) <= SHOWN_BYTES else f"{text[:SHOWN_BYTES]}…"
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


def not_found(call_id: str, age_us: int | None) -> str:
    """What to check when no such call can be shown; the first line says what is wrong, each other what may be."""
    shown = call_id if len(call_id) <= 80 else f"{call_id[:79]}…"
    lines = [f"There is no call {shown} here."]
    if age_us is not None and 0 <= age_us < 3_600_000_000:
        lines[0] = f"There is no call {shown} here yet. By its name it began {age_us // 1_000_000:,} s ago."
        lines.append(
            "Its answer may still be under way: a call stands here when its answer has ended. Look again then."
        )
    elif age_us is None:
        lines.append(
            "This is not how calls are named here: call- and 27 digits, as in the header x-farthing-call-id of an answer."
        )
    lines += [
        "It may be another key's. A key without a role sees only its own calls.",
        "It may be another tenant's; administrators choose one with ?tenant=NAME.",
        "It may be in the ledger of another gateway: see [store] url in farthing.toml.",
    ]
    return "\n".join(lines)
