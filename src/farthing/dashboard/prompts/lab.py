"""What the prompt lab found of prompts, on a page: each report that was kept, with what goes of the prompt and why."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from farthing.dashboard.formats import count, moment, money, percent
from farthing.store.lab_reports import LabReport


class _Amount(msgspec.Struct):
    nano_dollars: int


class Part(msgspec.Struct):
    where: str
    text: str
    tokens: int
    removed: bool
    why: str


class _Mean(msgspec.Struct):
    right: float
    in_tokens: float
    out_tokens: float


class _Proof(msgspec.Struct):
    before: _Mean
    after: _Mean


class _Month(msgspec.Struct):
    calls: int
    saved: _Amount | None = None
    saved_a_thousand_calls: _Amount | None = None


class _Body(msgspec.Struct):
    """The members of a report that are shown; see `lab.report.for_machines`."""

    proved: bool
    verdict: str
    parts: list[Part]
    cost: _Amount | None = None
    proof: _Proof | None = None
    month: _Month | None = None


_decode = msgspec.json.Decoder(_Body).decode


class Shown(NamedTuple):
    title: str
    is_proved: bool
    verdict: str
    figures: str
    parts: list[Part]


def shown(reports: Sequence[LabReport]) -> list[Shown]:
    """Those that can be read: a newer Farthing may have kept others."""
    found = []
    for each in reports:
        try:
            body = _decode(each.body)
        except msgspec.MsgspecError:
            continue
        title = f"{each.name}, on {each.model}"
        found.append(Shown(title, body.proved, body.verdict, _figures(each, body), body.parts))
    return found


def _figures(report: LabReport, body: _Body) -> str:
    told = [moment(report.at_us)]
    if body.proof is not None:
        before, after = body.proof.before, body.proof.after
        told.append(f"{percent(before.right)} right before, {percent(after.right)} after")
        told.append(f"{count(round(before.in_tokens))} tokens in a call before, {count(round(after.in_tokens))} after")
    month = body.month
    if month is not None and body.proved:
        if month.saved is not None:
            told.append(f"{money(month.saved.nano_dollars)} saved a month in {count(month.calls)} calls")
        elif month.saved_a_thousand_calls is not None:
            told.append(f"{money(month.saved_a_thousand_calls.nano_dollars)} saved in 1,000 calls")
    cost = "nobody knows what the run cost" if body.cost is None else f"the run cost {money(body.cost.nano_dollars)}"
    told.append(cost)
    return "; ".join(told)
