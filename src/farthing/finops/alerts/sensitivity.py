"""The one knob of the rules about unusual spending, and the floors below which nobody wants to hear of it."""

import msgspec

from farthing.model.money import NANO_PER_DOLLAR, Nano


class Sensitivity(msgspec.Struct, frozen=True):
    """How far from usual a day must be. `bench/alerts.py` measures what each setting finds and how often it cries wolf."""

    z: float
    """Robust standard deviations above what is expected."""
    ratio: float
    """Times the expected."""
    percent: float
    """The least excess, in percent of what all spend in a usual day; the floor in money stands beside it."""


SENSITIVITIES = {
    "low": Sensitivity(8.0, 1.8, 2.0),
    "normal": Sensitivity(6.0, 1.5, 1.0),
    "high": Sensitivity(4.5, 1.4, 0.5),
}


class Floors(msgspec.Struct, frozen=True):
    """An excess must pass both: an amount, and a percentage of a usual day of all."""

    amount: Nano = 5 * NANO_PER_DOLLAR
    percent: float = 1.0

    def least(self, usual_total: Nano) -> Nano:
        """The excess that is worth a message where all spend `usual_total` in a day."""
        return max(self.amount, int(usual_total * self.percent / 100))
