"""Made-up calls over weeks, with everything that a metric must tell apart: failures, retries, leavers, hits, unknown costs,
calls that Farthing sent itself, two tenants, users that are not named."""

import random
from datetime import UTC, datetime

import msgspec

from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.store.rollups import DAY_US

FIRST_US = int(datetime(2026, 1, 10, tzinfo=UTC).timestamp()) * 1_000_000
MODELS = ("gpt-5.4", "gpt-5.4-mini", "claude-sonnet-5", "text-embedding-3-small", "tiny-triage", "nobody-knows-it")
FEATURES = ("chat", "triage", "agent", "", "farthing judge")


def traffic(count: int, days: int, seed: int) -> list[Record]:
    """`count` calls on `days` days from FIRST_US on."""
    dice = random.Random(seed)
    return [_call(dice, f"call-{seed}-{place:06}", days) for place in range(count)]


def _call(dice: random.Random, id: str, days: int) -> Record:
    started = FIRST_US + dice.randrange(days) * DAY_US + dice.randrange(DAY_US)
    model = dice.choice(MODELS)
    cache = dice.choices(["", "miss", "exact", "semantic"], [3, 3, 2, 1])[0]
    outcome = dice.choices(["ok", "error", "left", "broken", "interrupted"], [16, 2, 2, 1, 1])[0]
    hit = cache in ("exact", "semantic")
    attempts = [] if hit else [_attempt(dice, no, model) for no in range(1, dice.choice([2, 2, 2, 3, 4]))]
    if attempts and dice.random() < 0.1:
        attempts.append(msgspec.structs.replace(_attempt(dice, attempts[-1].no, model), part=1))
    known = [each.cost_state in ("computed", "reported", "estimated") for each in attempts]
    cost = sum(each.cost for each in attempts)
    state = "computed" if all(known) else "unknown"
    usages = [each.usage for each in attempts if each.usage is not None]
    return Record(
        id=id, started_us=started, wire="openai.chat", model=model, tenant=dice.choice(["default", "default", "acme"]),
        team=dice.choice(["growth", "platform"]), project=dice.choice(["shop", "help"]), key_id=dice.choice(["k1", "k2"]),
        user=dice.choice(["", "ana", "ben", "cleo", "dan"]), feature=dice.choice(FEATURES), task=dice.choice(["qa", ""]),
        tier=dice.choice(["", "small"]), outcome=outcome, cost_state=state, cost=cost, baseline=cost + 50 * hit, cache=cache,
        in_tokens=sum(usage.total_in for usage in usages), cached_tokens=sum(usage.cached_in for usage in usages),
        out_tokens=sum(usage.total_out for usage in usages), duration_us=dice.randrange(10**6), attempts=attempts,
        savings=[Saving("semantic cache", 50, 0)] if hit else [],
    )  # fmt: skip


def _attempt(dice: random.Random, no: int, model: str) -> Attempt:
    usage = Usage(
        uncached_in=dice.randrange(5_000), cache_read=dice.choice([0, 800]), w5m=dice.choice([0, 0, 900]),
        out=dice.randrange(500), reasoning=dice.choice([0, 40]),
    )  # fmt: skip
    state = dice.choices(["computed", "unknown"], [15, 1])[0]
    cost = dice.choice([10**4, 10**6, 2 * 10**9]) + dice.randrange(10**4) if state == "computed" else 0
    return Attempt(
        no=no, model=model, provider="openai", started_us=FIRST_US, usage=usage if state == "computed" else None,
        cost_state=state, cost=cost,
    )  # fmt: skip
