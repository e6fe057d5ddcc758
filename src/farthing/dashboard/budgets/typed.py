"""A budget as people type it into a form, and back. The same rules as `farthing budgets set`."""

from typing import Any, get_args

import msgspec

from farthing.dashboard.forms import Form
from farthing.gateway.budgets import NewBudget
from farthing.model.budget import FIELDS, Budget, Raise, Unit, amount_from, scope_from
from farthing.model.errors import BadRequest
from farthing.model.money import exact_dollars

WINDOWS = (
    ("month", "each month"), ("day", "each day"), ("week", "each week"), ("quarter", "each quarter"), ("hour", "each hour"),
    ("rolling 24h", "any 24 hours"), ("rolling 7d", "any 7 days"), ("rolling 30d", "any 30 days"), ("total", "once, for all time"),
)  # fmt: skip
UNITS = (("money", "dollars"), ("tokens", "tokens"), ("calls", "calls"))


def budget_of(form: Form, budget_id: str, tenant: str) -> Budget:
    """Raises BadRequest."""
    unit = form.get("unit", "money")
    said: dict[str, Any] = {
        "amount": amount(form.get("amount", ""), unit, "amount"), "unit": unit, "scope": _scope(form),
        "window": form.get("window", "month"), "zone": form.get("zone", "").strip() or "UTC",
        "fiscal_start": form.get("fiscal_start", "").strip() or "01-01", "roll_over": bool(form.get("roll_over")),
        "hard": not form.get("soft"), "exceeded": form.get("exceeded", "refuse"),
        "payment_required": bool(form.get("payment_required")),
        "max_call": amount(form.get("max_call", "").strip() or "0", "money", "max_call"), "cover": form.get("cover", "limit"),
        "confirm": not form.get("no_confirm"), "when_unavailable": form.get("when_unavailable", "refuse"),
        "note": form.get("note", "").strip(),
    }  # fmt: skip
    try:
        wanted = msgspec.convert(said, NewBudget)
        values = msgspec.structs.asdict(wanted) | {"scope": scope_from(wanted.scope)}
        budget = Budget(id=budget_id, tenant=tenant, **values)
        budget.check()
    except (msgspec.ValidationError, ValueError) as error:
        raise BadRequest(f"This makes no budget: {error}.", param=_param(f"{error}")) from None
    return budget


def raise_of(form: Form, budget: Budget, until_us: int, now_us: int, by: str) -> Raise:
    """Raises BadRequest."""
    more, reason = amount(form.get("amount", ""), budget.unit, "amount"), form.get("reason", "").strip()
    if not more:
        raise BadRequest("A raise is more than nothing.", param="amount")
    if not reason:
        raise BadRequest("A raise needs a reason; it is kept with it.", param="reason")
    return Raise(more, until_us, reason, now_us, by)


def amount(text: str, unit: str, param: str) -> int:
    """Raises BadRequest."""
    if unit not in get_args(Unit):
        raise BadRequest("A budget counts dollars, tokens or calls.", param="unit")
    plain = text.strip().removeprefix("$").replace(",", "")
    if not plain:
        raise BadRequest("Say how much: a plain number, such as 250.", param=param)
    try:
        found = amount_from(plain[:64], unit)  # type: ignore[arg-type]
    except ValueError as error:
        raise BadRequest(f"{f'{error}'[:1].upper()}{f'{error}'[1:]}.", param=param) from None
    if found < 0:
        raise BadRequest("An amount is not negative.", param=param)
    return found


def fields_of(budget: Budget | None) -> dict[str, str]:
    """What stands in the fields: of a budget that there is, or of a new one."""
    shown = budget or Budget(id="", amount=0)
    tags = [f"{name}={value}" for name, value in shown.scope.items() if name not in FIELDS]
    values = {name: shown.scope.get(name, "") for name in FIELDS}
    return values | {
        "tags": ", ".join(tags), "amount": in_unit(shown.amount, shown.unit) if budget else "", "unit": shown.unit,
        "window": shown.window, "zone": shown.zone, "fiscal_start": shown.fiscal_start,
        "roll_over": "yes" if shown.roll_over else "", "soft": "" if shown.hard else "yes", "exceeded": shown.exceeded,
        "payment_required": "yes" if shown.payment_required else "",
        "max_call": in_unit(shown.max_call, "money") if shown.max_call else "", "cover": shown.cover,
        "no_confirm": "" if shown.confirm else "yes", "when_unavailable": shown.when_unavailable, "note": shown.note,
    }  # fmt: skip


def in_unit(value: int, unit: str) -> str:
    """A plain number, as it may be typed again."""
    if unit != "money":
        return f"{value}"
    whole, _, digits = exact_dollars(value).partition(".")
    digits = digits.rstrip("0")
    return f"{whole}.{digits.ljust(2, '0')}" if digits else whole


def _scope(form: Form) -> dict[str, str]:
    """Raises BadRequest."""
    found = {name: form.get(name, "").strip() for name in FIELDS if form.get(name, "").strip()}
    for each in filter(None, (part.strip() for part in form.get("tags", "").split(","))):
        name, equals, value = each.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name or not value or name in found:
            raise BadRequest("Tags are written name=value, with a comma between; each name once.", param="tags")
        found[name] = value
    return found


def _param(problem: str) -> str | None:
    """The field that a problem is about, where its words say so."""
    for words, name in (
        ("name is up to", "name"),
        ("time zone", "zone"),
        ("no window", "window"),
        ("fiscal", "fiscal_start"),
    ):
        if words in problem:
            return name
    return None
