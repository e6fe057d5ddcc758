"""A month of calls, and what a provider's exports would say of them: pages in the shape of the admin APIs. The prices are
written out here, so that nothing is compared with itself."""

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from farthing.finops.rerate import Places
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.steps.admit import price
from farthing.steps.meter import total
from farthing.upstream.hosts import HOSTS

DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
FIRST_US = 1_790_812_800_000_000
"""2026-10-01 00:00 UTC."""
BOOK = PriceBook.load()

DOLLARS_PER_M = {
    ("gpt-4o-mini", "uncached_in"): "0.15", ("gpt-4o-mini", "cache_read"): "0.075", ("gpt-4o-mini", "out"): "0.60",
    ("claude-haiku-4-5", "uncached_in"): "1", ("claude-haiku-4-5", "cache_read"): "0.1", ("claude-haiku-4-5", "w5m"): "1.25",
    ("claude-haiku-4-5", "w1h"): "2", ("claude-haiku-4-5", "out"): "5",
}  # fmt: skip
SNAPSHOT = {"gpt-4o-mini": "gpt-4o-mini-2024-07-18", "claude-haiku-4-5": "claude-haiku-4-5-20251001"}


def call(
    no: int, usage: Usage | None, *, day: int = 0, hour: int = 12, provider: str = "openai", model: str = "gpt-4o-mini",
    tier: str = "", outcome: str = "ok", estimated: bool = False, kind: str = "", at_us: int | None = None,
) -> Record:  # fmt: skip
    """A call as the gateway books it. `kind`: whose price list, where the provider's name does not say it."""
    at = FIRST_US + day * DAY_US + hour * HOUR_US + no if at_us is None else at_us
    attempt = Attempt(
        no=1, provider=provider, deployment=f"{provider}/{model}", model=model, served_model=SNAPSHOT.get(model, model),
        status=200, started_us=at, usage=usage, tier=tier, outcome=outcome, estimated=estimated,
    )  # fmt: skip
    places = Places({}, {})
    deployment = places.of(attempt)
    if kind:
        deployment = type(deployment)(deployment.name, provider, model, HOSTS[kind].prices)
    price(attempt, BOOK, deployment)
    record = Record(
        id=f"{provider}-{day}-{no}", started_us=at, wire="openai.chat", model=model, provider=provider, status=200,
        outcome=outcome, attempts=[attempt],
    )  # fmt: skip
    total(record)
    return record


def dollars(model: str, unit: str, count: int, factor: str = "1") -> Decimal:
    return Decimal(DOLLARS_PER_M[model, unit]) * count * Decimal(factor) / 1_000_000


def month(provider: str = "openai", days: int = 30, model: str = "") -> list[Record]:
    """Three calls a day, at the start, in the middle and at the end of it."""
    model = model or ("gpt-4o-mini" if provider == "openai" else "claude-haiku-4-5")
    found = []
    for day in range(days):
        for no, hour in enumerate((0, 12, 23)):
            written = {"w5m": 1_000 * (no + 1), "w1h": 10} if provider == "anthropic" else {}
            usage = Usage(uncached_in=100_000 + day * 1_000 + no, cache_read=50_000 + day, out=20_000 + no, **written)
            found.append(call(no, usage, day=day, hour=hour, provider=provider, model=model))
    return found


def uneven(days: int = 30) -> list[Record]:
    """A call each two hours, many on some days and few on others."""
    dice = random.Random(5)
    found = []
    for day in range(days):
        busy = dice.choice((1, 2, 5, 9))
        for hour in range(0, 24, 2):
            usage = Usage(uncached_in=busy * dice.randrange(5_000, 50_000), out=busy * dice.randrange(1_000, 9_000))
            found.append(call(hour, usage, day=day, hour=hour))
    return found


Line = tuple[int, str, str, str, Usage, int]
"""day, model, tier, key, usage, calls."""


def lines_of(records: Iterable[Record], hours: int = 0, key: str = "key_gateway") -> list[Line]:
    """What the provider counts of these calls, in days of a zone that is `hours` ahead of UTC."""
    found = []
    for record in records:
        for attempt in record.attempts:
            if attempt.usage is not None:
                day = (attempt.started_us + hours * HOUR_US) // DAY_US * DAY_US
                found.append((day, attempt.served_model or attempt.model, attempt.tier, key, attempt.usage, 1))
    return found


def _plain(model: str) -> str:
    return next((plain for plain, dated in SNAPSHOT.items() if model == dated), model)


def _units(usage: Usage) -> dict[str, int]:
    units = {name: getattr(usage, name) for name in ("uncached_in", "cache_read", "w5m", "w1h", "out")}
    return {name: count for name, count in units.items() if count}


def openai_usage(lines: Iterable[Line]) -> dict[str, Any]:
    """`GET organization/usage/completions`, grouped by model, batch and key."""
    buckets: dict[int, list[dict[str, Any]]] = {}
    for day, model, tier, key, usage, calls in lines:
        buckets.setdefault(day, []).append(
            {
                "object": "organization.usage.completions.result", "input_tokens": usage.total_in,
                "input_cached_tokens": usage.cache_read, "output_tokens": usage.out, "input_audio_tokens": 0,
                "output_audio_tokens": 0, "num_model_requests": calls, "project_id": None, "user_id": None,
                "api_key_id": key, "model": model, "batch": tier == "batch", "service_tier": None,
            }
        )  # fmt: skip
    return _page(buckets)


def openai_costs(lines: Iterable[Line], factor: str = "1", batch_factor: str = "0.5") -> dict[str, Any]:
    """`GET organization/costs`, grouped by line item: floats in dollars."""
    sums: dict[tuple[int, str], Decimal] = {}
    words = {"uncached_in": "input", "cache_read": "cached input", "out": "output"}
    for day, model, tier, _, usage, _ in lines:
        for unit, count in _units(usage).items():
            times = batch_factor if tier == "batch" else factor
            item = f"{model}{' batch' if tier == 'batch' else ''}, {words[unit]}"
            sums[day, item] = sums.get((day, item), Decimal(0)) + dollars(_plain(model), unit, count, times)
    buckets: dict[int, list[dict[str, Any]]] = {}
    for (day, item), amount in sums.items():
        buckets.setdefault(day, []).append(
            {
                "object": "organization.costs.result", "amount": {"value": float(amount), "currency": "usd"},
                "line_item": item, "project_id": None, "organization_id": "org-1",
            }
        )  # fmt: skip
    return _page(buckets)


def _page(buckets: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "object": "page", "has_more": False, "next_page": None,
        "data": [
            {"object": "bucket", "start_time": day // 1_000_000, "end_time": (day + DAY_US) // 1_000_000, "results": results}
            for day, results in sorted(buckets.items())
        ],
    }  # fmt: skip


def anthropic_usage(lines: Iterable[Line]) -> dict[str, Any]:
    """`GET usage_report/messages`."""
    buckets: dict[int, list[dict[str, Any]]] = {}
    for day, model, tier, key, usage, _ in lines:
        buckets.setdefault(day, []).append(
            {
                "uncached_input_tokens": usage.uncached_in,
                "cache_creation": {"ephemeral_1h_input_tokens": usage.w1h, "ephemeral_5m_input_tokens": usage.w5m},
                "cache_read_input_tokens": usage.cache_read, "output_tokens": usage.out,
                "server_tool_use": {"web_search_requests": 0}, "api_key_id": key, "workspace_id": None, "model": model,
                "service_tier": tier or "standard", "context_window": "0-200k",
            }
        )  # fmt: skip
    return _anthropic_page(buckets)


def anthropic_costs(lines: Iterable[Line], more: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """`GET cost_report`, grouped by description: decimal texts in cents."""
    types = {
        "uncached_in": "uncached_input_tokens", "cache_read": "cache_read_input_tokens", "out": "output_tokens",
        "w5m": "cache_creation.ephemeral_5m_input_tokens", "w1h": "cache_creation.ephemeral_1h_input_tokens",
    }  # fmt: skip
    sums: dict[tuple[int, str, str, str], Decimal] = {}
    for day, model, tier, _, usage, _ in lines:
        for unit, count in _units(usage).items():
            amount = dollars(_plain(model), unit, count, "0.5" if tier == "batch" else "1")
            sums[day, model, tier, unit] = sums.get((day, model, tier, unit), Decimal(0)) + amount
    buckets: dict[int, list[dict[str, Any]]] = {}
    for (day, model, tier, unit), amount in sums.items():
        buckets.setdefault(day, []).append(
            {
                "currency": "USD", "amount": f"{amount * 100:.6f}", "workspace_id": None, "model": model,
                "description": f"{model} Usage", "cost_type": "tokens", "context_window": "0-200k",
                "service_tier": tier or "standard", "token_type": types[unit],
            }
        )  # fmt: skip
    for each in more:
        buckets.setdefault(FIRST_US, []).append(each)
    return _anthropic_page(buckets)


def _anthropic_page(buckets: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "has_more": False, "next_page": None,
        "data": [
            {"starting_at": _iso(day), "ending_at": _iso(day + DAY_US), "results": results}
            for day, results in sorted(buckets.items())
        ],
    }  # fmt: skip


def _iso(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def save(folder: Path, **pages: Any) -> list[Path]:
    """Files NAME.json."""
    found = []
    for name, page in pages.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(page))
        found.append(path)
    return found
