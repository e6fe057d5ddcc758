"""The ledger's daily sums and corrections as FOCUS rows.

One row for each day (UTC), account, model, class of units, price, team, project and feature. Every cost is exactly its unit
price times its quantity. Three kinds of rows have no unit price: what the provider charged beyond our prices, with rounding
(Adjustment); units whose price nobody knows, at no cost and marked (Adjustment, x_CostState unpriced); corrections that
were posted (ChargeClass Correction). One row a day, model, team, project and feature counts calls, costs nothing and has
what FOCUS cannot say: baseline, savings, hits, calls without a cost.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby

import msgspec

from farthing.finops.focus.columns import Column, Version, columns_of
from farthing.finops.focus.names import FARTHING, Seller, maker_of, seller_of
from farthing.finops.focus.units import CALLS, Kinds, Meter, details, dollars, meter_of
from farthing.model.money import PICO_PER_NANO, Nano, Pico
from farthing.store import billed, corrections
from farthing.store.billed import ADJUSTMENT, NO_RATE, ROUNDING, CallSum, UnitSum
from farthing.store.corrections import Correction
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US, month_of

Value = str | Decimal | datetime | None
Row = tuple[Value, ...]
Write = Callable[[Sequence[Row]], None]

STANDARD_TIERS = ("", "standard", "default", "auto", "on_demand", "standard_only")


class Wanted(msgspec.Struct, frozen=True):
    """What to export, and in whose words."""

    since_us: int
    """Beginning of a UTC day; so `until_us`."""
    until_us: int
    tenant: str = ""
    """Empty: all, and corrections that are nobody's in particular."""
    version: Version = "1.2"
    kinds: Kinds = "type"
    hosts: dict[str, str] = {}
    """A provider's name in the settings -> the known host that it is."""
    accounts: dict[str, str] = {}
    """A provider's name in the settings -> the id of the account that its bills name. Default: the name."""

    @property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.version)


def export(connection: Connection, wanted: Wanted, write: Write) -> int:
    """Hand `write` all rows, day by day, from one state of the ledger; how many these were."""
    billed.fill(connection)
    count = 0
    with connection.snapshot():
        posted = corrections.entries_of(connection, wanted.since_us, wanted.until_us, wanted.tenant)
        by_day = {day: list(some) for day, some in groupby(sorted(posted, key=_by_day), key=_day)}
        for day in range(wanted.since_us, wanted.until_us, DAY_US):
            rows = list(_rows_of_day(connection, wanted, day, by_day.get(day, ())))
            if rows:
                write(rows)
            count += len(rows)
    return count


def _day(entry: Correction) -> int:
    return entry.day_us


def _by_day(entry: Correction) -> tuple[int, int]:
    return entry.day_us, entry.no


def _rows_of_day(
    connection: Connection, wanted: Wanted, day: int, posted: Iterable[Correction]
) -> Iterator[Row]:  # fmt: skip
    writer = _Writer(wanted)
    for _, units in groupby(billed.read_units(connection, day, tenant=wanted.tenant), key=_group):
        yield from writer.units(list(units))
    for calls in billed.read_calls(connection, day, tenant=wanted.tenant):
        yield writer.calls(calls)
    for entry in posted:
        yield writer.correction(entry)


def _group(row: UnitSum) -> tuple[str, ...]:
    return row.tenant, row.provider, row.model, row.tier, row.team, row.project, row.feature, row.cost_state


class _Writer:
    """Writes rows in the words of one export."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._names = tuple(column.name for column in wanted.columns)

    def units(self, rows: list[UnitSum]) -> Iterator[Row]:
        """Rows that differ in class and rate only."""
        shared = self._shared(rows[0], rows[0].cost_state)
        beyond = [row for row in rows if row.unit in (ADJUSTMENT, ROUNDING)]
        for row in rows:
            if row.rate == NO_RATE:
                yield self._unpriced(row, shared)
            elif row.unit not in (ADJUSTMENT, ROUNDING):
                yield self._usage(row, shared)
        cost = sum(row.units * row.rate for row in beyond)
        at_list = sum(row.units * row.listed for row in beyond)
        if cost or at_list:
            yield self._beyond(rows[0], shared, cost, at_list)

    def _usage(self, row: UnitSum, shared: Mapping[str, Value]) -> Row:
        meter = meter_of(row.unit)
        tier = "standard" if row.tier.lower() in STANDARD_TIERS else row.tier
        sku = _sku(row.model, meter)
        cost = dollars(row.units * row.rate)
        return self._row(
            shared,
            ChargeCategory="Usage",
            ChargeDescription=f"{row.model}: {meter.name.lower()}" + (f", {tier}" if tier != "standard" else ""),
            BilledCost=cost, EffectiveCost=cost, ContractedCost=cost, ListCost=dollars(row.units * row.listed),
            ContractedUnitPrice=meter.price(row.rate), ListUnitPrice=meter.price(row.listed), PricingCategory="Standard",
            PricingQuantity=meter.quantity(row.units), PricingUnit=meter.pricing_unit,
            ConsumedQuantity=Decimal(row.units), ConsumedUnit=meter.unit, SkuId=sku, SkuMeter=meter.name,
            SkuPriceId=f"{sku}-{_slug(tier)}-{digits(meter.price(row.listed))}",
            SkuPriceDetails=_json(details(meter, row.model, self._wanted.kinds)),
            x_ListCost=dollars(row.units * row.listed), x_ServiceTier=tier, x_TokenClass=row.unit,
        )  # fmt: skip

    def _unpriced(self, row: UnitSum, shared: Mapping[str, Value]) -> Row:
        """Paid for by an adjustment beside it (the provider's own price), or part of calls whose price nobody knows wholly."""
        meter = meter_of(row.unit)
        said = (
            "in the provider's own price"
            if row.cost_state == "reported"
            else "of calls whose price is not known, cost not in this file"
        )
        return self._row(
            shared,
            ChargeCategory="Adjustment", ChargeDescription=f"{row.model}: {meter.name.lower()}, {said}",
            PricingQuantity=meter.quantity(row.units), PricingUnit=meter.pricing_unit, PricingCategory="Other",
            SkuId=_sku(row.model, meter), SkuMeter=meter.name, x_ListCost=Decimal(0), x_ServiceTier=row.tier,
            x_TokenClass=row.unit, x_UnpricedQuantity=Decimal(0 if row.cost_state == "reported" else row.units),
        )  # fmt: skip

    def _beyond(self, row: UnitSum, shared: Mapping[str, Value], cost: Pico, at_list: Pico) -> Row:
        amount = dollars(cost)
        said = "the provider's own price beyond the list's" if row.cost_state == "reported" else "rounding"
        return self._row(
            shared,
            ChargeCategory="Adjustment", ChargeDescription=f"{row.model}: {said}", BilledCost=amount,
            EffectiveCost=amount, ContractedCost=amount, ListCost=amount, x_ListCost=dollars(at_list),
            x_ServiceTier=row.tier,
        )  # fmt: skip

    def calls(self, row: CallSum) -> Row:
        """What calls were, beside what their units cost."""
        model = row.model or "no model"
        sku = _sku(model, CALLS)
        return self._row(
            self._shared(row, None),
            ChargeCategory="Usage", ChargeDescription=f"{model}: calls, counted", ContractedUnitPrice=Decimal(0),
            ListUnitPrice=Decimal(0), PricingCategory="Standard", PricingQuantity=Decimal(row.calls),
            PricingUnit=CALLS.pricing_unit, ConsumedQuantity=Decimal(row.calls), ConsumedUnit=CALLS.unit, SkuId=sku,
            SkuMeter=CALLS.name, SkuPriceId=f"{sku}-standard-0",
            SkuPriceDetails=_json(details(CALLS, row.model, self._wanted.kinds)), x_ListCost=Decimal(0),
            x_Calls=Decimal(row.calls), x_CallsWithoutCost=Decimal(row.without_cost), x_CacheHits=Decimal(row.cache_hits),
            x_BaselineCost=_nano(row.baseline), x_SavedCost=_nano(row.saved), x_RouteSavedCost=_nano(row.routed),
        )  # fmt: skip

    def correction(self, entry: Correction) -> Row:
        """It counts for the day that it was posted for, not for the day on which it was."""
        amount = _nano(entry.amount)
        seller = seller_of(entry.provider, self._wanted.hosts)
        return self._row(
            self._period(entry.day_us) | self._account(entry.provider, entry.model, seller) | _owner(entry.tenant),
            ChargeCategory="Usage", ChargeClass="Correction", ChargeFrequency="One-Time",
            ChargeDescription=f"Correction {entry.no}: {entry.reason}", BilledCost=amount, EffectiveCost=amount,
            ContractedCost=amount, ListCost=amount, x_ListCost=amount, x_ModelId=entry.model or None,
        )  # fmt: skip

    def _row(self, shared: Mapping[str, Value], **more: Value) -> Row:
        values = {**shared, **more}
        for name in ("ContractedUnitPrice", "EffectiveCost", "ListUnitPrice"):
            values[f"PricingCurrency{name}"] = values.get(name)
        return tuple([values.get(name) for name in self._names])

    def _shared(self, row: UnitSum | CallSum, state: str | None) -> dict[str, Value]:
        seller = seller_of(row.provider, self._wanted.hosts)
        return (
            self._period(row.day_us)
            | self._account(row.provider, row.model, seller)
            | _owner(row.tenant, row.team, row.project, row.feature)
            | {"x_ModelId": row.model or None, "x_CostState": state}
        )

    def _period(self, day_us: int) -> dict[str, Value]:
        month = month_of(day_us)
        nothing = Decimal(0)
        return {
            "BillingPeriodStart": _moment(month),
            "BillingPeriodEnd": _moment(month_of(month + 32 * DAY_US)),
            "ChargePeriodStart": _moment(day_us),
            "ChargePeriodEnd": _moment(day_us + DAY_US),
            "BilledCost": nothing, "EffectiveCost": nothing, "ContractedCost": nothing, "ListCost": nothing,
            "BillingCurrency": "USD",
            "PricingCurrency": "USD",
            "ChargeFrequency": "Usage-Based",
            "ServiceCategory": "AI and Machine Learning",
            "ServiceSubcategory": "Generative AI",
        }  # fmt: skip

    def _account(self, provider: str, model: str, seller: Seller) -> dict[str, Value]:
        maker = maker_of(model, seller) if model and seller is not FARTHING else seller.provider
        name = provider or seller.provider
        return {
            "BillingAccountId": self._wanted.accounts.get(provider, name),
            "BillingAccountName": name,
            "InvoiceIssuerName": seller.provider,
            "ProviderName": seller.provider,
            "PublisherName": maker,
            "ServiceProviderName": seller.provider,
            "HostProviderName": seller.provider,
            "ServiceName": seller.service,
        }


def _owner(tenant: str, team: str = "", project: str = "", feature: str = "") -> dict[str, Value]:
    tags = {name: value for name, value in (("feature", feature), ("project", project), ("team", team)) if value}
    owner: dict[str, Value] = {"Tags": _json(tags) if tags else None, "x_Tenant": tenant or None}
    if project:
        owner |= {"SubAccountId": project, "SubAccountName": project, "SubAccountType": "Project"}
    if feature:
        owner |= {"ResourceId": feature, "ResourceName": feature, "ResourceType": "Feature"}
    return owner


def _sku(model: str, meter: Meter) -> str:
    return "-".join(part for part in (model, _slug(meter.name), meter.lifetime) if part)


def _slug(text: str) -> str:
    return text.lower().replace(" ", "-")


def _json(value: Mapping[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us // 1_000_000, UTC)


def _nano(amount: Nano) -> Decimal:
    return dollars(amount * PICO_PER_NANO)


def digits(value: Decimal) -> str:
    """All digits that there are, and no more: neither an exponent nor trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(value: Value) -> str:
    """A value as text; empty where there is none. A number always has a point, so that readers see a decimal."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = digits(value)
        return text if "." in text else f"{text}.0"
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
