"""Records for the store's tests: one made by hand, any that keep the ledger's law, and a company's morning."""

import random
from typing import Any

import msgspec
from hypothesis import strategies as st

from farthing.model.arms import LEVERS
from farthing.model.record import Attempt, Decision, PricedLine, Record, Saving
from farthing.model.usage import Usage

MORNING_US = 1_760_000_400_000_000
"""2025-10-09 09:00 UTC."""

STATES = ("reported", "computed", "estimated", "unpriced", "unknown")


def a_record(id: str = "call-1", **changes: Any) -> Record:
    """A chat call with one priced attempt and one saving."""
    attempt = Attempt(
        no=1, provider="openai", deployment="openai/gpt", model="gpt-5.4-mini", served_model="gpt-5.4-mini-2026-03-17", status=200,
        started_us=MORNING_US, first_byte_us=180_000, duration_us=900_000,
        usage=Usage(uncached_in=100, cache_read=20, out=30, reasoning=5, requests={"web_search": 1}),
        raw_usage=b'{"prompt_tokens":120,"completion_tokens":30}', tier="flex", geo="us", cost_state="computed", cost=700,
        list_cost=720, reported_cost=701, lines=[PricedLine("uncached_in", 100, 5_000), PricedLine("out", 30, 6_667)],
        price_version="openai/gpt-5.4-mini@2026-01-01", flags=["family_rate"],
    )  # fmt: skip
    record = Record(
        id=id, started_us=MORNING_US, wire="openai.chat", model_asked="auto", model="gpt-5.4-mini", provider="openai",
        deployment="openai/gpt", key_id="key-1", team="growth", project="shop", user="ana", feature="support", task="chat",
        transaction="order-7", tags={"env": "prod"}, stream=True, status=200, cost_state="computed", cost=700, tier="small", template="00ff", session="talk-1", request_bytes=640,
        arms={"semantic cache": False, "model selection": True}, baseline=1000, in_tokens=120, cached_tokens=20, out_tokens=30, first_byte_us=180_000, duration_us=900_000,
        attempts=[attempt], savings=[Saving("route", 1000, 650, 50)], decisions=[Decision("route", "mini", "small task")],
    )  # fmt: skip
    return msgspec.structs.replace(record, **changes)


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = st.sampled_from(["", "a", "b", "ü", "chat", "x" * 200])
amounts = st.integers(0, 10**12)
units = st.integers(0, 10**9)
states = st.sampled_from(STATES)

usages = st.builds(
    Usage, requests=st.dictionaries(text, units, max_size=2),
    **{name: units for name in Usage.__struct_fields__ if name != "requests"},
)  # fmt: skip

lines = st.builds(PricedLine, unit=text, count=units, rate=st.integers(-(10**9), 10**12))


def attempts_of(count: int) -> st.SearchStrategy[list[Attempt]]:
    return st.tuples(
        *(
            st.builds(
                Attempt, no=st.just(no), part=st.integers(0, 3), provider=text, deployment=text, model=text,
                status=st.integers(0, 599), outcome=text, started_us=st.integers(0, 3 * 10**15), first_byte_us=amounts,
                duration_us=amounts, usage=st.none() | usages, raw_usage=st.binary(max_size=30), tier=text, geo=text,
                served_model=text, estimated=st.booleans(), list_cost=amounts,
                cost_state=states, cost=amounts, reported_cost=st.none() | amounts, lines=st.lists(lines, max_size=3),
                price_version=text, flags=st.lists(text, max_size=2), error=text,
            )
            for no in range(1, count + 1)
        )
    ).map(list)  # fmt: skip


savings = st.builds(
    Saving, lever=text, before=amounts, after=amounts, overhead=st.integers(-1000, 1000), estimated=st.booleans()
)  # fmt: skip


def _lawful(record: Record) -> Record:
    """Set the savings so that baseline - sum(savings) == cost."""
    rest = record.baseline - record.cost - sum(saving.saved for saving in record.savings)
    record.savings = [*record.savings, Saving("rest", rest, 0)] if rest else record.savings
    return record


def records(ids: st.SearchStrategy[str] = text) -> st.SearchStrategy[Record]:
    """Any record that a meter could hand in, with times in a few hours so that cells are shared."""
    return st.builds(
        Record, id=ids, started_us=st.integers(MORNING_US, MORNING_US + 30 * 3_600_000_000), wire=text, model_asked=text,
        model=names, provider=text, deployment=text, tenant=st.sampled_from(["default", "acme"]), key_id=names, team=names,
        project=names, user=names, feature=names, task=names, transaction=text,
        tags=st.dictionaries(text, text, max_size=2), stream=st.booleans(), status=st.integers(0, 599),
        outcome=st.sampled_from(["ok", "error", "left", "broken", "interrupted"]), error=text, cost_state=states,
        cost=amounts, baseline=amounts, in_tokens=units, cached_tokens=units, out_tokens=units, first_byte_us=amounts,
        duration_us=amounts, cache=st.sampled_from(["", "exact"]), trace=text,
        tier=st.sampled_from(["", "small", "flagship"]), template=text, session=names, request_bytes=units,
        arms=st.dictionaries(st.sampled_from(LEVERS), st.booleans()),
        attempts=st.integers(0, 2).flatmap(attempts_of), savings=st.lists(savings, max_size=2),
        decisions=st.lists(st.builds(Decision, step=text, what=text, why=text), max_size=2),
    ).map(_lawful)  # fmt: skip


def morning(count: int, seed: int = 7) -> list[Record]:
    """A morning's calls of a company, in the order in which they began."""
    dice = random.Random(seed)
    found: list[Record] = []
    for place in range(count):
        feature, team, model = dice.choice(
            [
                ("support", "growth", "gpt-5.4"),
                ("triage", "growth", "gpt-5.4-mini"),
                ("agent", "platform", "claude-sonnet-5"),
            ]
        )
        cost = dice.randrange(10**4, 10**8)
        state = dice.choices(STATES, [1, 20, 2, 1, 1])[0]
        known = cost if state in STATES[:3] else 0
        found.append(
            a_record(
                f"call-{seed}-{place:06}", started_us=MORNING_US + place * 1_000_000, feature=feature, team=team, model=model,
                user=f"user-{dice.randrange(40)}", cost_state=state, cost=known, baseline=known + 300,
                savings=[Saving("route", known + 300, known)], outcome=dice.choice(["ok", "ok", "ok", "error", "left"]),
                duration_us=dice.randrange(10**5, 10**7),
            )
        )  # fmt: skip
    return found
