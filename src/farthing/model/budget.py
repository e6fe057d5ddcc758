"""A budget: how much whom it holds for may spend, and what happens then. Plain values, no sums.

`scope` says for which calls it holds, by dimension. Every dimension must fit; `*` means one budget of the same size for
each value ("member"), and a longer value that ends in `*` means all that begin so, together. Callers who say nothing of a dimension of the principal are one member together, so that nobody
escapes by silence; a tag that a call does not have does not fit.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Literal

import msgspec

from farthing.model.money import Nano, nano_from_dollars
from farthing.model.principal import Principal
from farthing.model.windows import Period, period

EACH = "*"
OVERHEAD = "farthing-overhead"
"""The budget of the calls that Farthing sends of its own accord. It is there unless settings declare one of that name."""
MOST = 10**18
"""A billion dollars, in nano-dollars."""
FIELDS = ("team", "project", "user", "feature", "key", "model")
"""Dimensions that every call has, empty or not; any other name is that of a tag."""
MEMBER_BYTES = 80
"""Longer names of members are kept by their fingerprint."""

Unit = Literal["money", "tokens", "calls"]
Exceeded = Literal["refuse", "downgrade", "queue"]


class Raise(msgspec.Struct, frozen=True):
    """More for a time. Amounts in the budget's unit."""

    amount: int
    until_us: int
    reason: str
    from_us: int = 0
    by: str = ""


class Budget(msgspec.Struct, frozen=True):
    """See the module."""

    id: str
    amount: int
    """Nano-dollars, tokens or calls a window."""
    unit: Unit = "money"
    scope: dict[str, str] = {}
    tenant: str = "default"
    """Whose calls; `*` is one budget for each tenant."""
    window: str = "month"
    zone: str = "UTC"
    fiscal_start: str = "01-01"
    roll_over: bool = False
    """What the window before left over is added, at most the amount once."""
    hard: bool = True
    """Soft ones never refuse: alerts watch them."""
    exceeded: Exceeded = "refuse"
    payment_required: bool = False
    """Refuse with 402 instead of 429."""
    max_call: Nano = 0
    """A call that is expected to cost more is stopped before it is sent; 0: no such bound."""
    cover: Literal["limit", "likely"] = "limit"
    """`limit`: an answer is limited to what is reserved, so that the budget holds to the last token; `likely`: streams have
    what they are likely to need reserved, and more as they go."""
    confirm: bool = True
    """Whether a header lets such a call through."""
    when_unavailable: Literal["refuse", "serve"] = "refuse"
    """What becomes of its calls while the store cannot be reached."""
    raises: tuple[Raise, ...] = ()
    source: Literal["settings", "store"] = "store"
    note: str = ""
    created_us: int = 0
    changed_us: int = 0

    @property
    def period(self) -> Period:
        return period(self.window, self.zone, self.fiscal_start)

    @property
    def has_members(self) -> bool:
        """Whether it stands for many of the same size."""
        return self.tenant == EACH or EACH in self.scope.values()

    @property
    def strict(self) -> bool:
        return self.hard and self.when_unavailable == "refuse"

    def allowed_at(self, at_us: int) -> int:
        """The amount with the raises that hold at a moment."""
        return self.amount + sum(each.amount for each in self.raises if each.from_us <= at_us < each.until_us)

    def member(self, principal: Principal, model: str) -> str | None:
        """Which member a call belongs to, "" where there is only one; None where the budget does not hold for it."""
        names: list[str] = []
        if self.tenant == EACH:
            names.append(principal.tenant)
        elif self.tenant != principal.tenant:
            return None
        for dimension, wanted in self.scope.items():
            value = value_of(dimension, principal, model)
            if value is None:
                return None
            if wanted == EACH:
                names.append(value)
            elif not _fits(dimension, wanted, value):
                return None
        return member_name(names)

    def check(self) -> None:
        """Raises ValueError in words for whoever wrote it."""
        if not self.id or len(self.id) > 48 or not all(char.isalnum() or char in "-_." for char in self.id):
            raise ValueError("a budget's name is up to 48 letters, digits, dashes, points and underscores")
        if not all(0 <= each <= MOST for each in (self.amount, self.max_call, *(each.amount for each in self.raises))):
            raise ValueError("an amount is not negative, and at most a billion dollars")
        if len(self.scope) > 6 or not all(self.scope) or not all(self.scope.values()):
            raise ValueError("a scope has up to 6 dimensions, each with a name and a value")
        words = (self.tenant, self.note, *self.scope, *self.scope.values(), *(each.reason for each in self.raises))
        if not self.tenant or not all(word.isprintable() and len(word) <= 256 for word in words):
            raise ValueError("names, values and reasons are plain text in one line, up to 256 characters")
        _ = self.period


def value_of(dimension: str, principal: Principal, model: str) -> str | None:
    """What a call says of a dimension; None for a tag that it does not have."""
    match dimension:
        case "model":
            return model
        case "key":
            return principal.key_id
        case "team" | "project" | "user" | "feature":
            value: str = getattr(principal, dimension)
            return value
        case _:
            return principal.tags.get(dimension)


def member_name(names: list[str]) -> str:
    """The members' names as one short text that no two of them share."""
    name = "/".join(each.replace("%", "%25").replace("/", "%2F") for each in names)
    if len(name.encode(errors="replace")) <= MEMBER_BYTES:
        return name
    return f"{name[:24]}…{blake2b(name.encode(errors='replace'), digest_size=12).hexdigest()}"


def amount_from(text: str, unit: Unit) -> int:
    """What somebody wrote, in a budget's unit. Raises ValueError."""
    if unit != "money":
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"an amount of {unit} is a whole number, not {text!r}")
        return int(text)
    try:
        return nano_from_dollars(text)
    except (ArithmeticError, ValueError):
        raise ValueError(f"{text!r} is no amount of dollars; write a plain number, such as 250 or 0.50") from None


def scope_text(budget: Budget) -> str:
    """For people: `feature=support user=*`; `all calls` where it holds for all."""
    said = [f"{name}={value}" for name, value in budget.scope.items()]
    if budget.tenant != "default":
        said.insert(0, f"tenant={budget.tenant}")
    return " ".join(said) or "all calls"


def scope_from(pairs: Mapping[str, str]) -> dict[str, str]:
    """A scope in the order in which members are named, whatever the order it was written in."""
    known = {name: pairs[name] for name in FIELDS if name in pairs}
    return known | {name: pairs[name] for name in sorted(pairs) if name not in known}


def is_exact(dimension: str, wanted: str) -> bool:
    """Whether just one value of the dimension fits."""
    return dimension != "model" and not wanted.endswith(EACH)


def _fits(dimension: str, wanted: str, value: str) -> bool:
    if dimension == "model":
        return fnmatchcase(value, wanted)
    return value.startswith(wanted.removesuffix(EACH)) if wanted.endswith(EACH) else value == wanted
