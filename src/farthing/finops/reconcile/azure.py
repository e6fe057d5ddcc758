"""Azure's cost exports as CSV: cost details (actual or amortised) and FOCUS, whose columns are read by either name.

A line is for a meter such as `gpt-4o-mini-0718-cached-Inp-glbl Tokens`; the model and the class of tokens are read from
these words. A resource is what stands for a key.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from farthing.finops.reconcile.bill import ANY, CREDIT, OTHER, Bill, Cost, Usage, pico_of, printed_bound
from farthing.finops.reconcile.pages import Row, day_us, first_of, number, text_of
from farthing.model.errors import BadRequest

_DAY = ("chargeperiodstart", "date", "usagedate", "usagedatetime", "usagedateutc")
_DOLLARS = ("costinusd", "x_billedcostinusd", "costusd")
_COST = ("billedcost", "costinbillingcurrency", "effectivecost", "pretaxcost", "cost")
_CURRENCY = ("billingcurrency", "billingcurrencycode", "currency", "currencycode")
_METER = ("x_skumetername", "skumeter", "metername", "meter", "chargedescription")
_QUANTITY = (("consumedquantity", "consumedunit"), ("usagequantity", "unitofmeasure"), ("quantity", "unitofmeasure"),
             ("pricingquantity", "pricingunit"))  # fmt: skip
_RESOURCE = ("resourcename", "resourceid", "instanceid", "instancename")
_SERVICE = ("metercategory", "servicename", "x_skumetercategory", "metersubcategory", "x_skumetersubcategory",
            "productname", "consumedservice")  # fmt: skip

_IN = {"inp", "input", "in", "inpt", "prompt", "embedding", "embeddings", "ada"}
_OUT = {"out", "outp", "output", "outpt", "opt", "completion", "compl"}
_CACHED = {"cached", "cchd", "cache", "cd"}
_WHERE = {
    "glbl",
    "global",
    "regnl",
    "regional",
    "rgnl",
    "rgn",
    "dz",
    "dzone",
    "data",
    "zone",
    "datazone",
    "tokens",
    "token",
}
_TIERS = {"batch": "batch", "pp": "priority", "priority": "priority", "flex": "flex"}


def read(rows: Iterable[Row]) -> Bill:
    """Lines of other services are left out. Raises BadRequest where a column is missing or amounts are in another
    currency."""
    bill = Bill()
    left_out = 0
    for raw in rows:
        row = {key.lower().replace(" ", ""): value for key, value in raw.items()}
        meter = text_of(row, *_METER)
        if meter is None:
            raise BadRequest("this is no cost export of Azure: it has no column such as MeterName or SkuMeter")
        if _is_ours(row, meter):
            _line(bill, row, meter)
        else:
            left_out += 1
    if left_out:
        bill.note(f"{left_out} lines are for other Azure services and were left out")
    return bill


def _is_ours(row: Row, meter: str) -> bool:
    services = " ".join(str(row[name]) for name in _SERVICE if name in row).lower()
    return not services or "openai" in services or "foundry" in services or "token" in meter.lower()


def _line(bill: Bill, row: Row, meter: str) -> None:
    day = day_us(first_of(row, *_DAY))
    amount = _dollars(row)
    key = (text_of(row, *_RESOURCE) or ANY).rpartition("/")[2].lower()
    model, tier, unit = meter_words(meter)
    tokens = _tokens(row)
    if amount < 0:
        unit = CREDIT
    bill.costs.append(Cost(day, model, tier, unit, key, pico_of(amount), printed_bound(amount), meter))
    if tokens and unit not in (OTHER, CREDIT):
        bill.quantities.append(Usage(day, model, tier, unit, key, tokens))


def _dollars(row: Row) -> Decimal:
    dollars = first_of(row, *_DOLLARS)
    if dollars is not None:
        return number(dollars, "cost in USD")
    currency = (text_of(row, *_CURRENCY) or "USD").upper()
    if currency != "USD":
        raise BadRequest(f"amounts are in {currency}; export the column CostInUsd, the ledger is in US dollars")
    amount = first_of(row, *_COST)
    if amount is None:
        raise BadRequest(
            "this is no cost export of Azure: it has no column such as CostInBillingCurrency or BilledCost"
        )
    return number(amount, "cost")


def _tokens(row: Row) -> int:
    for quantity, unit in _QUANTITY:
        if first_of(row, quantity) is not None:
            each = _per(text_of(row, unit) or "")
            return int((number(row[quantity], quantity) * each).to_integral_value()) if each else 0
    return 0


def _per(unit: str) -> int:
    """Tokens of one unit: `1K`, `1M Tokens`, `1000 Tokens`, `Tokens`; 0 for units of something else."""
    found = re.fullmatch(r"(\d+)?\s*([kKmM])?\s*(tokens?)?", unit.strip(), re.IGNORECASE)
    if found is None or not unit.strip():
        return 0
    scale = {"": 1, "k": 1_000, "m": 1_000_000}[(found[2] or "").lower()]
    return int(found[1] or 1) * scale


def meter_words(meter: str) -> tuple[str, str, str]:
    """Model, tier and class that a meter's name says; OTHER where it is no class of tokens."""
    words = [word for word in re.split(r"[\s_\-]+", meter.lower()) if word]
    said = set(words)
    tier = next((name for word, name in _TIERS.items() if word in said), "")
    if said & _OUT:
        unit = "out"
    elif said & _CACHED:
        unit = "cache_read"
    elif said & _IN:
        unit = "uncached_in"
    else:
        return ANY, tier, OTHER
    if "audio" in said or "aud" in said:
        unit = {"out": "audio_out", "cache_read": "cached_audio", "uncached_in": "audio_in"}[unit]
    return _model(words), tier, unit


def _model(words: list[str]) -> str:
    """The words before the class, without the snapshot's month and day."""
    ends = _IN - {"embedding", "ada"} | _OUT | _CACHED | _WHERE | set(_TIERS) | {"audio", "aud", "txt"}
    name: list[str] = []
    for place, word in enumerate(words):
        if (word in ends and not (word == "in" and place == 0)) or re.fullmatch(r"1[km]", word):
            break
        if not re.fullmatch(r"\d{4}(\d{4})?", word):
            name.append(word)
    return "-".join(name) or ANY
