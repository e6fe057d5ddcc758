"""Which business transaction a call belongs to, and what the tools cost that it names: the rules and the price list of the
settings, made ready for the way of a call. Knows nothing of what is summed."""

from fractions import Fraction

import msgspec

from farthing.model.call import Call
from farthing.model.errors import BadRequest
from farthing.model.money import NANO_PER_DOLLAR, Nano, nano_from_dollars
from farthing.model.principal import Principal
from farthing.model.transaction import ToolUse, joined_name, split_name
from farthing.settings import TransactionSettings, TransactionTypeSettings
from farthing.steps.identify import clean

MOST_USES = 10_000
"""Uses of a tool that one call or post can name."""
MOST_TOOLS = 32
"""Tools that one call can name."""

_FIELDS = ("user", "team", "project")


class Gatherer:
    """Tells for each call its transaction and its tools. Empty where the settings say nothing: nobody need ask it."""

    def __init__(self, settings: TransactionSettings) -> None:
        self._tools = {name: nano_from_dollars(amount) for name, amount in settings.tools.items()}
        self._tag = settings.tools_tag
        self._by_feature: dict[str, list[tuple[str, TransactionTypeSettings]]] = {}
        self._by_tags: list[tuple[str, TransactionTypeSettings]] = []
        for name, rule in settings.types.items():
            for feature in rule.features:
                self._by_feature.setdefault(feature, []).append((name, rule))
            if rule.tags and not rule.features:
                self._by_tags.append((name, rule))

    def __bool__(self) -> bool:
        return bool(self._tools or self._by_feature or self._by_tags)

    def __call__(self, call: Call) -> None:
        """Set the call's transaction, unless it names one with its type, and its tools."""
        principal = call.principal
        if not split_name(principal.transaction)[0]:
            name = self._named(principal, call.id)
            if name:
                call.principal = msgspec.structs.replace(principal, transaction=name)
        said = principal.tags.get(self._tag)
        if said and self._tools:
            call.tools = self.tools(said)

    def _named(self, principal: Principal, call_id: str) -> str:
        for rules in (self._by_feature.get(principal.feature, ()), self._by_tags):
            for kind, rule in rules:
                if all(_fits(principal.tags.get(tag, ""), value) for tag, value in rule.tags.items()):
                    id_ = _tag(principal, rule.id_tag) if rule.id_tag else principal.transaction or call_id
                    if id_:
                        return clean(joined_name(kind, id_))
        return ""

    def tools(self, said: str) -> list[ToolUse]:
        """What a tag says: names with a count each, 1 where none is said. What cannot be read is one use of what it says."""
        found = []
        for part in said.split(",")[:MOST_TOOLS]:
            name, equals, count = part.rpartition("=")
            name, count = name.strip(), count.strip()
            if not equals or not (count.isascii() and count.isdigit()) or len(count) > 5:
                name, count = part.strip(), "1"
            uses = min(int(count), MOST_USES)
            if name and uses:
                found.append(self.priced(name, uses))
        return found

    def priced(self, name: str, count: int) -> ToolUse:
        """Uses of a tool at the price list; their cost is unknown where it has none."""
        price = self._tools.get(name)
        return ToolUse(name, count, None if price is None else count * price)

    def price_of(self, name: str) -> Nano:
        """Of one use. Raises BadRequest where the price list has none."""
        if name not in self._tools:
            known = ", ".join(sorted(self._tools)) or "none yet"
            raise BadRequest(f"The price list [transactions.tools] has no {name!r}; it has: {known}.", param="tool")
        return self._tools[name]


def _fits(value: str, wanted: str) -> bool:
    return value == wanted or (wanted == "*" and bool(value))


def _tag(principal: Principal, name: str) -> str:
    value: str = getattr(principal, name) if name in _FIELDS else principal.tags.get(name, "")
    return value


def human_cost(settings: TransactionTypeSettings, hourly_rate: str) -> Nano | None:
    """What one transaction costs by hand; None where nobody said. `hourly_rate` is used where the type has none."""
    if dollars := nano_from_dollars(settings.human_dollars):
        return dollars
    rate = nano_from_dollars(settings.hourly_rate) or nano_from_dollars(hourly_rate)
    minutes = nano_from_dollars(settings.human_minutes)  # scaled by 1e9 as dollars are: exact
    return round(Fraction(rate * minutes, 60 * NANO_PER_DOLLAR)) if rate and minutes else None


def hourly_rate_of(kind: str, settings: TransactionSettings) -> Nano | None:
    """What an hour of a person costs for this type; None where nobody said."""
    own = settings.types.get(kind)
    return (nano_from_dollars(own.hourly_rate) if own else 0) or nano_from_dollars(settings.hourly_rate) or None


def human_cost_of(kind: str, settings: TransactionSettings) -> Nano | None:
    """`human_cost` of a type by its name."""
    own = settings.types.get(kind)
    return human_cost(own, settings.hourly_rate) if own else None
