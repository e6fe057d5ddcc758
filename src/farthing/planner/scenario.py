"""What is assumed otherwise than it is: other prices, more calls, other settings; and the values of a setting that is swept."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from math import sqrt

import msgspec

from farthing.finops.makers import maker_of
from farthing.finops.next_savings import Saving
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.model.past import PastCall
from farthing.model.plan import Amount, LeverPlan, Plan
from farthing.planner.whatif import changed
from farthing.settings import Amount as Dollars
from farthing.settings import ContractSettings, Settings
from farthing.steps.defer.asked import seconds_of

POINTS = 7
MOST_POINTS = 50


class Scenario(msgspec.Struct, frozen=True):
    """See the module. `prices`: model -> `IN/OUT`, dollars a million tokens."""

    settings: Mapping[str, str] = {}
    prices: Mapping[str, str] = {}
    growth: float = 1.0

    def words(self) -> list[str]:
        return [
            *(f"{name} = {value}" for name, value in self.settings.items()),
            *(
                f"{model} at ${price.replace('/', ' in, $')} out a million tokens"
                for model, price in self.prices.items()
            ),
            *([f"{self.growth:g} times the calls"] if self.growth != 1 else []),
        ]

    def of(self, settings: Settings, calls: Iterable[PastCall] = ()) -> Settings:
        """The settings as they are assumed. Raises BadRequest for a place, a value or a price that is none."""
        return _priced(changed(settings, self.settings), self.prices, calls)


def _priced(settings: Settings, prices: Mapping[str, str], calls: Iterable[PastCall]) -> Settings:
    """The prices hold at whoever served the model, and at its maker; before all that was agreed."""
    if not prices:
        return settings
    served: dict[str, set[str]] = {}
    for past in calls:
        served.setdefault(past.model, set()).add(past.provider)
    own = []
    for model, text in prices.items():
        into, out = _dollars(model, text)
        name = settings.models[model].model or model if model in settings.models else model
        for provider in sorted({maker_of(name, "openai.chat"), *served.get(model, ())} - {""}):
            own.append(ContractSettings(provider, [name], rates={"input": into, "output": out}))
    table = msgspec.structs.replace(settings.prices, contracts=[*own, *settings.prices.contracts])
    return msgspec.structs.replace(settings, prices=table)


def _dollars(model: str, text: str) -> tuple[Dollars, Dollars]:
    into, slash, out = text.partition("/")
    try:
        if not slash or min(Decimal(into), Decimal(out)) < 0 or not (Decimal(into) + Decimal(out)).is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise BadRequest(f"{model}={text}: a price is IN/OUT, dollars a million tokens, such as 0.15/0.60") from None
    return Dollars(into), Dollars(out)


def values_of(text: str) -> list[str]:
    """What a setting is tried at: `0.90..0.99` in seven steps, `1h..7d:4` in four, `exact,semantic`. Times stand apart by the
    same factor, numbers by the same step. Raises BadRequest."""
    if ".." not in text:
        found = [each.strip() for each in text.split(",") if each.strip()]
        return _bounded(text, found)
    span, _, count = text.partition(":")
    low, _, high = span.partition("..")
    points = int(count) if count.isascii() and count.isdigit() else POINTS if not count else 0
    if not 2 <= points <= MOST_POINTS:
        raise BadRequest(f"{text}: a sweep has 2 to {MOST_POINTS} points")
    if low[-1:].isalpha():
        return _times(text, low, high, points)
    try:
        first, last = Decimal(low), Decimal(high)
        if not (first + last).is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise BadRequest(
            f"{text}: a sweep is FROM..TO, such as 0.90..0.99, or values with commas between them"
        ) from None
    step = (last - first) / (points - 1)
    whole = first == first.to_integral() and last == last.to_integral() and abs(step) >= 1
    digits = 0 if whole else max(0, 1 - step.adjusted()) if step else 0
    values = [f"{(first + n * step).quantize(Decimal(1).scaleb(-digits)).normalize():f}" for n in range(points)]
    return _bounded(text, list(dict.fromkeys(values)))


def _times(text: str, low: str, high: str, points: int) -> list[str]:
    first, last = seconds_of(low), seconds_of(high)
    if not first or not last:
        raise BadRequest(f"{text}: a time is 90s, 15m, 6h or 2d, and more than nothing")
    each = (last / first) ** (1 / (points - 1))
    return _bounded(text, list(dict.fromkeys(f"{round(first * each**n)}" for n in range(points))))


def _bounded(text: str, found: list[str]) -> list[str]:
    if not 2 <= len(found) <= MOST_POINTS:
        raise BadRequest(f"{text}: a sweep has 2 to {MOST_POINTS} different values")
    return found


def grown(plan: Plan, growth: float) -> Plan:
    """The plan of so many times the calls: savings in proportion; what is not known of a call with
    them, and what the month's own draw adds with the square root. Caches would do a little
    better, since more repeats fall into their time."""
    if growth == 1:
        return plan
    return msgspec.structs.replace(
        plan, a_month=round(plan.a_month * growth), together=_grown(plan.together, growth),
        levers=[_lever(each, growth) for each in plan.levers],
    )  # fmt: skip


def _lever(lever: LeverPlan, growth: float) -> LeverPlan:
    return msgspec.structs.replace(
        lever,
        alone=_grown(lever.alone, growth),
        beside=_grown(lever.beside, growth),
        booked=round(lever.booked * growth),
        scenarios=[msgspec.structs.replace(each, a_month=round(each.a_month * growth)) for each in lever.scenarios],
    )


def _grown(amount: Amount, growth: float) -> Amount:
    likely, wider = amount.likely * growth, sqrt((growth + growth**2) / 2)
    return Amount(
        round(likely),
        round(likely - wider * (amount.likely - amount.low)),
        round(likely + wider * (amount.high - amount.likely)),
    )


def grown_sums(sums: Sequence[Saving], growth: float) -> list[Saving]:
    def times(nano: Nano) -> Nano:
        return round(nano * growth)

    return [
        msgspec.structs.replace(each, a_month=None if each.a_month is None else times(each.a_month), low=times(each.low), high=times(each.high))
        for each in sums
    ]  # fmt: skip
