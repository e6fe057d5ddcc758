"""A plan with all that was worked out beside it, as it is kept and handed on: JSON of one shape, on the terminal, in the store and
for pages. Amounts are nano-dollars a month."""

import msgspec

from farthing.finops.next_savings import Saving
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.model.plan import Amount, Plan


class Point(msgspec.Struct, frozen=True):
    """What all calls would come to with one value of a setting, and everything switched on."""

    value: str
    cost: Nano
    saved: Amount
    hits: float
    """Share of the calls that Farthing's cache answers."""
    moved: float
    """Share of the calls that another model answers than without any lever."""


class Sweep(msgspec.Struct, frozen=True):
    """A setting at several values."""

    setting: str
    points: list[Point]

    def names(self) -> list[str]:
        """The values as people say them: times in minutes, hours or days."""
        is_time = self.setting.endswith(("ttl", "_s"))
        values = [each.value for each in self.points]
        return [_span(float(each)) if is_time and each.isdigit() else each for each in values]


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


class BreakEven(msgspec.Struct, frozen=True):
    """The calls of one model on own GPUs. Dollars a month: planning, not money of the ledger."""

    api: str
    own: str
    gpu: str
    calls: float
    """A month."""
    api_dollars: float
    own_dollars: float
    gpus: int
    first_calls: float | None
    """Calls a month from which on own GPUs are cheaper; None: at no volume that such a fleet serves."""
    saved_low: float
    saved_high: float
    """Of 80 % of outcomes."""
    cheaper: float
    """Share of outcomes in which they are cheaper."""

    def saved(self) -> str:
        """The interval in words."""
        return " and ".join(f"{'-' if each < 0 else ''}${abs(each):,.0f}" for each in (self.saved_low, self.saved_high))


class Outcome(msgspec.Struct, frozen=True):
    """One lever of an earlier plan, and what the ledger has booked since."""

    lever: str
    planned: Amount
    """More than was booked before, at today's traffic."""
    before: Nano
    """Booked in the days of the plan."""
    after: Nano
    """Booked since."""
    verdict: str

    @property
    def happened(self) -> Nano:
        return self.after - self.before


class Happened(msgspec.Struct, frozen=True):
    """A plan beside what happened in the days after it."""

    made_us: int
    since_us: int
    until_us: int
    traffic: float
    """What the calls would have cost without any lever, beside the days of the plan."""
    outcomes: list[Outcome]


class Document(msgspec.Struct):
    """See the module."""

    plan: Plan
    sums: list[Saving] = []
    sweeps: list[Sweep] = []
    break_even: BreakEven | None = None
    scenario: list[str] = []
    """What was assumed otherwise than it is: other prices, more calls, other settings. In words."""
    gaps: list[str] = []
    """What cannot be said of these calls, and why."""
    happened: Happened | None = None
    """How the plan before this one did."""


_decode = msgspec.json.Decoder(Document)


def packed(document: Document) -> str:
    return msgspec.json.encode(document).decode()


def unpacked(text: str | bytes) -> Document:
    """Raises BadRequest for what is no plan, such as one of another version."""
    try:
        return _decode.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"this is no plan as `farthing plan --json` writes it: {error}") from None
