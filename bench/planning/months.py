"""Months of calls that a small company makes. All text is our own; moments and sizes are those of real calls, where the traces
are at hand.

    support    questions of a bank, the same words again and again, others with a number of their own; gpt-4o
    triage     tickets, each new, behind a long fixed prompt; gpt-4.1
    agent      sessions whose history grows by the tools' results; claude-sonnet-4-5, without marks
    nightly    a report of each region over a table, which goes as a part of its own, in wide JSON; gpt-4o

What an assistant said in an earlier turn is written here too, so a call's prompt is the same whatever answered before it.
"""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from batching.traffic import Call

DAY_S = 86_400.0
DAYS = 28
SHARES = {"support": 0.42, "triage": 0.23, "agent": 0.29, "nightly": 0.06}
"""Of a month's calls."""
HOURS = (8, 9, 9, 10, 10, 10, 11, 11, 13, 13, 14, 14, 14, 15, 15, 16, 16, 17, 20)
QUIET_DAY = 0.35
"""What a Saturday or Sunday has of a working day."""
_WORDS = (
    "parcel order invoice delivery address courier depot window refund return label barcode pallet customs weight "
    "signature neighbour shop locker route driver morning evening week number account contract tariff region storm "
    "holiday damage claim photo receipt warehouse shelf scanner shift planner forecast volume peak delay reason"
)
WORDS = _WORDS.split()
TOPICS = (
    "when it comes", "how to send it back", "what customs ask", "where the invoice is", "why it is late", "how to change the address",
    "who signed for it", "what is insured", "how to file a claim", "which shop keeps it", "what a pallet costs", "how to pay",
)  # fmt: skip


class Ask(NamedTuple):
    """One call to come."""

    at_s: float
    wire: str
    feature: str
    user: str
    session: str
    body: dict[str, Any]


def month(dice: random.Random, calls: int, traces: Sequence[Sequence[Call]]) -> list[Ask]:
    """About `calls` calls in four weeks that begin on a Monday."""
    found = [
        *_support(dice, calls, traces),
        *_triage(dice, calls, traces),
        *_agents(dice, calls),
        *_nightly(dice, calls),
    ]
    return sorted(found, key=lambda each: each.at_s)


def _beginnings(dice: random.Random, mean: float) -> Iterator[float]:
    """Moments at which something begins, `mean` of them in a month; as many in each as chance will have it."""
    weights = [QUIET_DAY if day % 7 >= 5 else 1.0 for day in range(DAYS)]
    for day, weight in enumerate(weights):
        left = dice.expovariate(1.0)
        rate = mean * weight / sum(weights)
        while left < rate:
            yield day * DAY_S + dice.choice(HOURS) * 3600 + dice.random() * 3000
            left += dice.expovariate(1.0)


def _moments(dice: random.Random, calls: float, traces: Sequence[Sequence[Call]]) -> Iterator[tuple[float, int]]:
    """Moments, and the tokens that came with them: stretches of the traces, laid into working hours."""
    for begin in _beginnings(dice, calls / 7):
        trace = dice.choice(traces)
        many = dice.randint(2, 12)
        first = dice.randrange(len(trace) - many)
        for call in trace[first : first + many]:
            yield begin + 20 * (call.at_s - trace[first].at_s), call.tokens_in


def _said(dice: random.Random, tokens: int) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(max(4, round(tokens * 0.9))))


def _rules(name: str, count: int) -> str:
    """A fixed prompt; the same in every month."""
    dice = random.Random(name)
    return f"You are the {name} desk of a parcel company.\n" + "\n".join(
        f"{n}. When asked about {dice.choice(WORDS)} and {dice.choice(WORDS)}, mention the {dice.choice(WORDS)} first, "
        f"and never the {dice.choice(WORDS)}." for n in range(1, count + 1)
    )  # fmt: skip


SUPPORT, TRIAGE, NIGHTLY = _rules("support", 20), _rules("triage", 60), _rules("reporting", 8)
AGENT = _rules("agent", 130)
BANK = [
    f"Tell me briefly {topic}, for {kind}."
    for topic in TOPICS
    for kind in ("a letter", "a parcel", "a pallet", "a gift", "a return")
]


def _chat(model: str, system: str, text: str | list[dict[str, str]], **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": text}],
        **more,
    }


def _support(dice: random.Random, calls: int, traces: Sequence[Sequence[Call]]) -> Iterator[Ask]:
    weights = [1 / (1 + place) for place in range(len(BANK))]
    order = random.Random("support").sample(BANK, len(BANK))
    for at_s, tokens in _moments(dice, SHARES["support"] * calls, traces):
        if dice.random() < 0.55:
            text = dice.choices(order, weights)[0]
        else:
            text = f"Order {dice.randrange(10**7)}: {_said(dice, min(tokens, 250))}. Tell me {dice.choice(TOPICS)}."
        yield Ask(
            at_s,
            "openai.chat",
            "support",
            f"user-{dice.randrange(200)}",
            "",
            _chat("gpt-4o", SUPPORT, text, temperature=0),
        )


def _triage(dice: random.Random, calls: int, traces: Sequence[Sequence[Call]]) -> Iterator[Ask]:
    for at_s, tokens in _moments(dice, SHARES["triage"] * calls, traces):
        text = f"Ticket {dice.randrange(10**7)}: {_said(dice, min(tokens, 600))}\n\nWhich desk is it for? Say it in a word."
        yield Ask(at_s, "openai.chat", "triage", "", "", _chat("gpt-4.1", TRIAGE, text, max_tokens=200))


def _agents(dice: random.Random, calls: int) -> Iterator[Ask]:
    for at_s in _beginnings(dice, SHARES["agent"] * calls / 7.5):
        turns = dice.randint(3, 12)
        session = f"agent-{dice.randrange(10**9)}"
        said: list[dict[str, Any]] = [
            {"role": "user", "content": f"Plan the tour of van {dice.randrange(900)}. {_said(dice, 60)}"}
        ]
        for turn in range(turns):
            body = {"model": "claude-sonnet-4-5", "max_tokens": 1_000, "system": AGENT, "messages": list(said)}
            yield Ask(at_s, "anthropic.messages", "agent", "", session, body)
            said.append({"role": "assistant", "content": f"Step {turn + 1}. {_said(dice, 60)}"})
            said.append({"role": "user", "content": f"The depot says: {_said(dice, dice.randint(80, 700))}"})
            at_s += dice.lognormvariate(3.6, 1.0)


def _nightly(dice: random.Random, calls: int) -> Iterator[Ask]:
    regions = max(1, round(SHARES["nightly"] * calls / DAYS))
    for day in range(DAYS):
        for region in range(regions):
            rows = [
                {
                    "depot": f"D{n:03d}",
                    "parcels": dice.randrange(5_000),
                    "late": dice.randrange(90),
                    "reason": dice.choice(WORDS),
                }
                for n in range(dice.randint(12, 60))
            ]
            said = (f"Region {region}, day {day}. Write a report in detail on this table.", json.dumps(rows, indent=4))
            text = [{"type": "text", "text": each} for each in said]
            yield Ask(
                day * DAY_S + 2 * 3600 + 90 * region, "openai.chat", "nightly", "", "", _chat("gpt-4o", NIGHTLY, text)
            )
