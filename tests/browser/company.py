"""A ledger to look at: a company's weeks written straight into a store, with all that a page must show. The same each time.

`python tests/browser/company.py sqlite:////tmp/x/farthing.db` fills one for whoever works on pages.
"""

import asyncio
import math
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from farthing.model.arms import MODEL_SELECTION, SEMANTIC_CACHE
from farthing.model.budget import Budget, Raise
from farthing.model.charge import Charge
from farthing.model.money import Nano
from farthing.model.record import Attempt, Decision, PricedLine, Record, Saving
from farthing.model.transaction import ToolUse
from farthing.model.usage import Usage
from farthing.model.windows import Window, period, window_at
from farthing.store import Store, leases, open_store
from farthing.store.alerts import Alerts, Change, Notice, Standing
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from farthing.store.store import now_us
from farthing.store.transaction_state import Said
from farthing.store.transactions import Cost, Post
from farthing.store.units import Units

DAYS = 62
ACCIDENT = 9
"""Days ago on which a loop of retries made the agent four times as dear."""
STRATEGIES_SINCE = 30
"""Days ago from which levers work."""


@dataclass(frozen=True)
class Model:
    provider: str
    tier: str
    input: int
    """Nano-dollars a token."""
    output: int


MODELS = {
    "gpt-5.4": Model("openai", "flagship", 2_500, 15_000),
    "gpt-5.4-mini": Model("openai", "mid", 750, 4_500),
    "gpt-4.1-nano": Model("openai", "small", 100, 400),
    "claude-opus-4-5": Model("anthropic", "flagship", 5_000, 25_000),
    "claude-haiku-4-5": Model("anthropic", "mid", 1_000, 5_000),
}


@dataclass(frozen=True)
class Feature:
    name: str
    team: str
    project: str
    task: str
    model: str
    cheaper: str
    calls: int
    """On a weekday."""
    tokens: tuple[int, int]
    cacheable: bool = False
    error_share: float = 0.01


FEATURES = (
    Feature("support chat", "support", "helpdesk", "qa", "gpt-5.4", "gpt-5.4-mini", 90, (2_400, 320), True),
    Feature("coding agent", "platform", "devtools", "code", "claude-opus-4-5", "claude-opus-4-5", 40, (24_000, 900)),
    Feature("ticket triage", "support", "helpdesk", "classification", "gpt-5.4", "gpt-4.1-nano", 120, (900, 12), True),
    Feature("contract extraction", "legal", "contracts", "extraction", "claude-haiku-4-5", "gpt-4.1-nano", 30, (9_000, 400)),
    Feature("weekly report", "finance", "reports", "summarisation", "gpt-5.4-mini", "gpt-5.4-mini", 15, (14_000, 1_200)),
    Feature("", "", "", "", "gpt-5.4-mini", "gpt-5.4-mini", 6, (700, 90), error_share=0.2),
)  # fmt: skip


def records(now: int, days: int = DAYS, seed: int = 3) -> Iterator[Record]:
    dice = random.Random(seed)
    today, month = now - now % DAY_US, window_at(period("month"), now)
    for ago in range(days - 1, -1, -1):
        start = today - ago * DAY_US
        weekday = 1.0 if (start // DAY_US + 3) % 7 < 5 else 0.25
        for feature in FEATURES:
            accident = 4 if ago == ACCIDENT and feature.name == "coding agent" else 1
            growth = 1 + 0.3 * (days - ago) / days
            for number in range(round(feature.calls * weekday * growth * accident * dice.uniform(0.85, 1.15))):
                at = start + int(DAY_US * min(0.999, max(0.0, dice.gauss(0.58, 0.14))))
                if at < now:
                    record = _record(feature, at, ago, number, dice)
                    record.charges = _charges(record, month) if at >= month.from_us else []
                    yield record


def _charges(record: Record, month: Window) -> list[Charge]:
    """What the budgets of `fill` pay for a call of the running month."""
    found = [Charge("company", "", month.id, "", record.cost)]
    if record.team == "support":
        found.append(Charge("support", "", month.id, "", record.cost))
        found.append(Charge("each-user", record.user, month.id, "", record.cost))
    return found if record.cost else []


def _record(feature: Feature, at: int, ago: int, number: int, dice: random.Random) -> Record:
    treated = ago < STRATEGIES_SINCE and dice.random() > 0.1
    asked = MODELS[feature.model]
    tokens = [max(1, round(size * math.exp(dice.gauss(0, 0.5)))) for size in feature.tokens]
    cached = round(tokens[0] * 0.6) if feature.name == "coding agent" and dice.random() < 0.7 else 0
    at_asked = _cost(asked, tokens, cached)
    failed = dice.random() < feature.error_share
    named = feature.model == feature.cheaper
    uncached = at % 997 < 60  # an arm of its own, which leaves the other draws as they are
    hit = treated and feature.cacheable and dice.random() < 0.35 and not uncached
    name = feature.cheaper if treated else feature.model
    used = MODELS[name]
    at_used = _cost(used, tokens, cached)
    baseline, cost = (0, 0) if failed else (at_asked, 0 if hit else at_used)
    savings = (
        [Saving(MODEL_SELECTION, at_asked, at_used, at_asked // 200, estimated=hit)]
        if name != feature.model and not failed
        else []
    )
    cost += sum(saving.overhead for saving in savings) if not failed else 0
    savings += [Saving(SEMANTIC_CACHE, at_used, 0)] if hit and not failed else []
    unpriced = feature.name == "" and number == 0
    user = f"user-{round(dice.paretovariate(1.1)) % 400:03d}"
    attempt = Attempt(
        1, provider=used.provider, deployment=f"{used.provider}/{name}", model=name, served_model=name,
        status=500 if failed else 200, outcome="error" if failed else "ok", started_us=at,
        first_byte_us=round(300_000 * math.exp(dice.gauss(0, 0.4))), duration_us=round(1_400_000 * math.exp(dice.gauss(0, 0.5))),
        usage=None if failed else Usage(uncached_in=tokens[0] - cached, cache_read=cached, out=tokens[1]),
        cost_state="unpriced" if unpriced else "computed", cost=0 if unpriced else cost, list_cost=cost, price_version=f"{used.provider}/{name}@2026-01-01",
        lines=[] if failed else [PricedLine("uncached_in", tokens[0] - cached, used.input * 1_000), PricedLine("cache_read", cached, used.input * 100), PricedLine("out", tokens[1], used.output * 1_000)],
        error="the provider said 500: overloaded" if failed else "",
    )  # fmt: skip
    return Record(
        id=f"call-{at:016x}{dice.getrandbits(40):010x}", started_us=at, wire="anthropic.messages" if asked.provider == "anthropic" else "openai.chat",
        model_asked="auto" if treated and not named else feature.model, model=name, provider=used.provider, deployment=attempt.deployment,
        key_id=f"key-{feature.team or 'shared'}", team=feature.team, project=feature.project, user=user, feature=feature.name,
        task=feature.task, tier=used.tier if treated and not named and not hit else "", status=attempt.status, outcome=attempt.outcome, error=attempt.error,
        transaction=f"support_resolution/T-{at // DAY_US}-{number % 30}" if feature.name == "support chat" else "",
        tags={"plan": dice.choice(("free", "pro", "enterprise"))}, stream=dice.random() < 0.5,
        cost_state=attempt.cost_state, cost=attempt.cost, baseline=0 if unpriced else baseline, in_tokens=tokens[0], cached_tokens=cached, out_tokens=0 if failed else tokens[1],
        first_byte_us=attempt.first_byte_us, duration_us=attempt.duration_us, cache=("exact" if number % 3 else "semantic") if hit else "miss" if feature.cacheable and treated else "",
        session=f"talk-{at // DAY_US}-{number % 30}", arms={MODEL_SELECTION: not treated, SEMANTIC_CACHE: uncached} if ago < STRATEGIES_SINCE else {},
        request_bytes=tokens[0] * 4, attempts=[] if hit else [attempt], savings=[] if unpriced else savings,
        decisions=[Decision("task", feature.task or "unknown", "by template"), Decision("cache", "hit" if hit else "miss"), Decision("route", name, f"the cheapest that clears 99 % for {feature.task}")],
    )  # fmt: skip


def _cost(model: Model, tokens: list[int], cached: int) -> Nano:
    return (tokens[0] - cached) * model.input + cached * model.input // 10 + tokens[1] * model.output


async def fill(store: Store, now: int, days: int = DAYS) -> None:
    """Calls and how their transactions ended, budgets of which one is near its end, alerts."""
    batch: list[Record] = []
    for record in records(now, days):
        batch.append(record)
        if len(batch) == 500:
            await store.write(batch)
            batch = []
    await store.write(batch)
    budgets = Budgets(store)
    await budgets.put(Budget(id="company", amount=150 * 10**9), who="the company")
    await budgets.put(Budget(id="support", amount=20 * 10**9, scope={"team": "support"}, hard=False), who="the company")
    await budgets.put(
        Budget(id="each-user", amount=4 * 10**9, scope={"team": "support", "user": "*"}), who="the company"
    )
    more = Raise(5 * 10**9, now + 9 * DAY_US, "launch of the new help centre", now - DAY_US, "Ada, finance")
    await budgets.add_raise("support", more, who="Ada, finance")
    await store.do(lambda connection: _lease(connection, now))
    await Units(store).post(list(outcomes(now, days)))
    await Alerts(store, lambda: now).decide(lambda known, mutes: _alerts(now))


def _lease(connection: Connection, now: int) -> None:
    """A gateway is at work; it holds a slice of the company's budget."""
    month = window_at(period("month"), now)
    want = leases.Want("company", "", month.id, month.from_us, (), 1 << 60, 10**9, 10**9, 10**9, 2 * 10**9)
    leases.register(connection, "gateway-1", now, DAY_US)
    leases.take(connection, "gateway-1", [want], now, DAY_US)


def outcomes(now: int, days: int = DAYS, seed: int = 5) -> Iterator[Post]:
    """Of tickets: most are resolved, some failed, of some nobody said; some needed tools, one of which has no price."""
    dice = random.Random(seed)
    for day in range(now // DAY_US - days + 1, now // DAY_US + 1):
        for number in range(30):
            at = day * DAY_US + DAY_US // 2
            use = (
                ToolUse("crm_lookup", 2, 4_000_000)
                if number % 3
                else ToolUse("fax", 1, None if number == 0 else 90_000_000)
            )
            costs = [Cost(f"tool-{number}", use, at)] if number % 2 == 0 else []
            said = None
            if (luck := dice.random()) < 0.8:
                ended = "failed" if luck < 0.1 else "accepted" if luck < 0.3 else "resolved"
                minutes = 900 if ended == "failed" else 60 if number % 4 == 0 else None
                said = Said(ended, at, human_s=minutes)
            if costs or said:
                yield Post("default", "support_resolution", f"T-{day}-{number}", costs, said)


def _alerts(now: int) -> Change:
    """One that is severe, one that is looked after, one that is over; each was told."""
    accident = now - ACCIDENT * DAY_US
    day = datetime.fromtimestamp(accident / 1e6, UTC).strftime("%Y-%m-%d")
    over = Standing(
        "a0e1", "default", "day_spend", "feature", "coding agent", "alert", day,
        f"Feature coding agent has spent $31.40 on {day}, 4.1 times its seven-day average of $7.66 a day.",
        "97 % of the rise is model claude-opus-4-5.", ("model claude-opus-4-5", "team platform"), 31_400_000_000, 7_660_000_000,
        23_740_000_000, since_us=accident, seen_us=accident, changed_us=accident, told_us=accident,
    )  # fmt: skip
    severe = Standing(
        "a0e2", "default", "waste", "feature", "coding agent", "alert", "today",
        "Retries and failures of feature coding agent cost $3.10 today, 21 % of what it spends.",
        "84 % of it is model claude-opus-4-5.", (), 3_100_000_000, 150_000_000, 2_950_000_000, since_us=now - 7_200_000_000,
        seen_us=now, changed_us=now - 7_200_000_000, told_us=now - 7_200_000_000,
    )  # fmt: skip
    seen = Standing(
        "a0e3", "default", "drift", "feature", "weekly report", "warn", "month",
        "A call of feature weekly report costs 31 % more than six weeks ago, since its input grows.", "", (), 90_000_000,
        69_000_000, 64_000_000_000, since_us=now - 3 * DAY_US, seen_us=now, changed_us=now - 3 * DAY_US, told_us=now - 3 * DAY_US,
        acked_us=now - 2 * DAY_US, acked_by="Ada, finance",
    )  # fmt: skip
    done = msgspec.structs.replace(over, state="ok", changed_us=accident + DAY_US)
    notices = [Notice("raised", over), Notice("resolved", done), Notice("raised", seen), Notice("raised", severe)]
    return Change([done, severe, seen], notices)


async def main(url: str) -> None:
    store = await open_store(url)
    await fill(store, now_us())
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
