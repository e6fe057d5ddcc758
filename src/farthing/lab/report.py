"""What a run found, for people and machines: each part with what became of it and why, tokens and dollars, the proof. Knows
nothing of terminals and pages.
"""

from typing import Any

import msgspec

from farthing.finops.amounts import amounts
from farthing.lab.confirm import Mean
from farthing.lab.optimise import Found
from farthing.lab.plan import Plan
from farthing.lab.prompt import AS_IT_IS, Prompt
from farthing.lab.worth import Worth
from farthing.model.money import Nano


class Line(msgspec.Struct, frozen=True):
    """A part of the prompt and what became of it."""

    where: str
    """`system`, `user`, ...; `example`."""
    text: str
    kind: str
    tokens: int
    removed: bool
    why: str


class Report(msgspec.Struct, frozen=True):
    name: str
    model: str
    plan: Plan
    lines: list[Line]
    found: Found
    worth: Worth | None
    """None where nothing was changed."""
    prompt: str
    """The new prompt's file; the old one's where the change is not proved."""
    calls: int
    paid: int
    """Calls of this sitting; the others were answered before."""
    spent: Nano | None
    """None where a price is not known."""

    @property
    def verdict(self) -> str:
        """In one sentence."""
        if self.found.proof is None:
            return "nothing in it was shown to be superfluous"
        return self.found.proof.words

    @property
    def tokens(self) -> tuple[int, int]:
        """Of the prompt's own text that may be tried or must stay, and of those parts that go."""
        return sum(line.tokens for line in self.lines), sum(line.tokens for line in self.lines if line.removed)


def report_of(
    prompt: Prompt, model: str, plan: Plan, found: Found, worth: Worth | None, weights: dict[int, int], calls: int, paid: int,
    spent: Nano | None,
) -> Report:  # fmt: skip
    lines = [
        Line(
            prompt.messages[part.message].role if part.message >= 0 else "example", part.text, part.kind, weights[part.id],
            found.decided[part.id].removed, found.decided[part.id].why,
        )
        for part in prompt.parts
    ]  # fmt: skip
    new = prompt.toml(found.variant if found.is_proved else AS_IT_IS)
    return Report(prompt.name, model, plan, lines, found, worth, new, calls, paid, spent)


def for_machines(report: Report) -> dict[str, Any]:
    found, proof, worth = report.found, report.found.proof, report.worth
    return {
        "name": report.name, "model": report.model, "margin": report.plan.margin, "items": report.plan.items,
        "proved": found.is_proved, "verdict": report.verdict, "doubt": report.plan.doubt or None,
        "parts": [msgspec.to_builtins(line) for line in report.lines],
        "order": None if found.order is None else {"order": list(found.order.order), "why": found.order.why},
        "rewrite": None if found.rewrite is None else {
            "proposed": found.rewrite.proposed, "fit": found.rewrite.fit, "why": found.rewrite.why,
        },
        "arms": [
            {"name": each.name, "verdict": each.tried.verdict, "saves": each.saves, "taken": each.name == found.variant.arm,
             "before": _mean(each.before), "after": _mean(each.after)}
            for each in found.arms
        ],
        "flips": found.flips,
        "proof": None if proof is None else {
            "verdict": proof.verdict, "items": proof.items, "change": proof.counts.mean, "low": proof.low, "high": proof.high,
            "before": _mean(proof.before), "after": _mean(proof.after),
        },
        "month": None if worth is None else {
            "calls": worth.calls, "in_tokens_a_call": worth.in_tokens, "out_tokens_a_call": worth.out_tokens,
            "prefix_cached": worth.prefix_cached, "saved": _amounts(worth.saved),
            "saved_a_thousand_calls": _amounts(worth.saved_a_thousand), "pays_back_days": worth.pays_back_days,
        },
        "calls": report.calls, "calls_paid": report.paid, "cost": _amounts(report.spent), "prompt": report.prompt,
    }  # fmt: skip


def _mean(mean: Mean) -> dict[str, Any]:
    return msgspec.structs.asdict(mean) | {"cost": _amounts(mean.cost)}


def _amounts(nano: Nano | None) -> Any:
    return None if nano is None else amounts(nano)
