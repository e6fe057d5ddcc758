"""Reads spending that is no call from a table of one's own, or from an export in the FOCUS format (CSV).

An own table has the columns kind, dollars, and either month (2026-01) or from and until (days, the last included);
project and name if wanted. A FOCUS export is known by its ChargePeriodStart; its rows are summed by charge month, project,
kind and service. Amounts are exact decimals, rounded once a line, half to even, to nano-dollars.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

from farthing.finops.phases import INFERENCE, KINDS
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.store.lines import Line
from farthing.store.rollups import DAY_US, month_of

COSTS = ("EffectiveCost", "BilledCost")
"""Columns of FOCUS that hold the cost, the better first: what was prepaid is in the first alone."""
MOST_DOLLARS = Decimal(10**6)
"""Of one line; the store's sums hold no more."""
_GPU_WORDS = ("gpu", "a100", "h100", "h200", "l4", "l40", "t4", "nvidia", "p4d", "p5", "g5", "g6")


def read(
    text: Iterable[str], source: str, *, kind: str = "", project: str = "", tenant: str = "default", with_inference: bool = False
) -> list[Line]:  # fmt: skip
    """The lines of a table. `kind` and `project` stand where it names none (and over what FOCUS rows seem to be).

    FOCUS rows that look like calls of language models are left out unless `with_inference` says that these did not go
    through Farthing: the ledger has the others. Raises BadRequest, which names the row.
    """
    rows = csv.DictReader(text)
    columns = set(rows.fieldnames or ())
    if "ChargePeriodStart" in columns:
        return _focus(rows, source, kind, project, tenant, with_inference)
    if "dollars" not in columns:
        raise BadRequest("the table has neither a column `dollars` nor `ChargePeriodStart` (FOCUS)")
    return [_own(row, at, source, kind, project, tenant) for at, row in enumerate(rows, 2)]


def _own(row: Mapping[str, Any], at: int, source: str, kind: str, project: str, tenant: str) -> Line:
    what = str(row.get("kind") or kind).strip()
    if what not in KINDS:
        raise BadRequest(f"row {at}: {what!r} is no kind of spending; write one of {', '.join(KINDS)}")
    if row.get("month"):
        first = month_of(_day(f"{row['month']}-01", at))
        end = month_of(first + 32 * DAY_US)
    else:
        first, end = _day(row.get("from"), at), _day(row.get("until"), at) + DAY_US
    if end <= first:
        raise BadRequest(f"row {at}: it ends before it begins")
    cost = _nano(_decimal(row["dollars"], at), at)
    return Line(
        _id(source, str(at)), what, cost, first, end, source, str(row.get("project") or project).strip(),
        str(row.get("name") or "").strip(), tenant,
    )  # fmt: skip


def _focus(
    rows: Iterable[Mapping[str, Any]], source: str, kind: str, project: str, tenant: str, with_inference: bool
) -> list[Line]:  # fmt: skip
    sums: dict[tuple[int, str, str, str], Decimal] = {}
    for at, row in enumerate(rows, 2):
        currency = (row.get("BillingCurrency") or "USD").strip().upper()
        if currency != "USD":
            raise BadRequest(f"row {at}: it is billed in {currency}; only dollars can be added up")
        what = kind or _kind(row)
        if what == INFERENCE and not with_inference:
            continue
        column = next((name for name in COSTS if (row.get(name) or "").strip()), None)
        if column is None:
            raise BadRequest(f"row {at}: it has neither {' nor '.join(COSTS)}")
        month = month_of(_day(row.get("ChargePeriodStart"), at))
        key = (month, _project(row) or project, what, (row.get("ServiceName") or row.get("ProviderName") or "").strip())
        sums[key] = sums.get(key, Decimal(0)) + _decimal(row[column], at)
    return [
        Line(
            _id(source, *map(str, key)), key[2], _nano(cost, 0), key[0], month_of(key[0] + 32 * DAY_US), source, key[1],
            key[3], tenant,
        )
        for key, cost in sorted(sums.items())
    ]  # fmt: skip


def _kind(row: Mapping[str, Any]) -> str:
    """What a FOCUS row seems to pay for."""
    words = " ".join(
        str(row.get(name) or "")
        for name in ("ServiceName", "ServiceSubcategory", "SkuMeter", "ChargeDescription", "ResourceType", "SkuId")
    ).lower()
    if any(word in words for word in ("fine-tun", "fine tun", "finetun", "training")):
        return "fine-tuning"
    if "token" in words or "generative" in words:
        return INFERENCE
    if any(word in words.replace("-", " ").replace(".", " ").split() for word in _GPU_WORDS):
        return "gpu"
    return "tools"


def _project(row: Mapping[str, Any]) -> str:
    """By tag, else by sub account."""
    try:
        tags = json.loads(row.get("Tags") or "{}")
    except ValueError:
        tags = {}
    tag = tags.get("project") if isinstance(tags, dict) else None
    return str(tag or row.get("SubAccountName") or row.get("SubAccountId") or "").strip()


def _day(text: Any, at: int) -> int:
    """Microseconds of the day's beginning, UTC."""
    try:
        moment = datetime.fromisoformat(str(text).strip().replace(" UTC", "+00:00"))
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        day = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(days=1)
    except (ValueError, OverflowError):
        raise BadRequest(f"row {at}: {text!r} is no day") from None
    if not 0 <= day < 46_000:
        raise BadRequest(f"row {at}: {text!r} is too far away")
    return day * DAY_US


def _decimal(text: Any, at: int) -> Decimal:
    try:
        found = Decimal(str(text).strip().removeprefix("$").replace(",", ""))
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or abs(found) > MOST_DOLLARS:
        raise BadRequest(f"row {at}: {text!r} is no amount of dollars")
    return found


def _nano(amount: Decimal, at: int) -> Nano:
    if abs(amount) > MOST_DOLLARS:
        raise BadRequest(f"more than {MOST_DOLLARS:,} dollars in one line{f' (row {at})' if at else ''}")
    return int(amount.scaleb(9).to_integral_value(ROUND_HALF_EVEN))


def _id(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
