"""What a month of own GPUs costs, served or idle: a rented hour is paid whole, so utilisation is no factor of this bill.

    rented       GPUs x dollars an hour x paid hours (730: all of them)
    own premises GPUs x price / months of use + power x 730 x dollars a kWh x what cooling adds + space
    beside it    storage, network, engineers, evaluation, once-off training spread over its months

Dollars for planning. Knows nothing of demand and APIs.
"""

from typing import Literal

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.tco.demand import HOURS


class Premises(msgspec.Struct, frozen=True):
    """GPUs that are bought. Dollars."""

    price: float
    """Of a GPU with its share of the server."""
    months: float = 36.0
    watts: float = 1000.0
    """Drawn by a GPU with its share of the server, idle or not: it is sized for, and mostly drawn, all month."""
    dollars_kwh: float = 0.12
    overhead: float = 1.4
    """What cooling makes of a watt (PUE)."""
    space: float = 50.0
    """A GPU and month."""


class Own(msgspec.Struct, frozen=True):
    """What own serving costs. Dollars."""

    gpu_hour: float = 0.0
    """A GPU and hour, rented, before a discount."""
    kind: Literal["on-demand", "spot", "reserved", "premises"] = "on-demand"
    discount: float = 0.0
    """Off `gpu_hour`, as a share: for reservations."""
    lost: float = 0.0
    """Share of the hours in which spot GPUs are gone and others, at `gpu_hour_instead`, serve."""
    gpu_hour_instead: float = 0.0
    premises: Premises | None = None
    storage_gb: float = 0.0
    storage_gb_month: float = 0.05
    egress_gb: float = 0.0
    """A month, at the demand as given."""
    egress_per_gb: float = 0.09
    engineers: float = 1.0
    """Full-time people whom own serving needs. Never silently none."""
    salary: float = 180_000.0
    """A year, with all that an employer pays."""
    share: float = 1.0
    """Of their time."""
    evaluation: float = 0.0
    """A month."""
    training: float = 0.0
    """Once, spread over `training_months`."""
    training_months: float = 12.0

    def __post_init__(self) -> None:
        if self.kind == "premises" and self.premises is None:
            raise BadRequest("GPUs on own premises need their price")
        if self.kind != "premises" and self.gpu_hour <= 0:
            raise BadRequest("the price of a GPU hour is not known; say it")
        if not (0 <= self.discount < 1 and 0 <= self.lost <= 1):
            raise BadRequest("discounts and shares are between 0 and 1")


class OwnCost(msgspec.Struct, frozen=True):
    """Dollars a month, by what they are for."""

    gpus: float
    """Rent, or amortisation."""
    power: float
    space: float
    storage: float
    egress: float
    engineers: float
    evaluation: float
    training: float

    @property
    def total(self) -> float:
        return self.fixed + self.egress

    @property
    def fixed(self) -> float:
        """What does not grow with the calls as long as the fleet stays."""
        return self.gpus + self.power + self.space + self.storage + self.engineers + self.evaluation + self.training


def own_cost(own: Own, gpus: int, volume: float = 1.0, gpu_hours: float | None = None) -> OwnCost:
    """The month's bill for so many GPUs, spares included. `volume`: the demand over that which `egress_gb` is of.
    `gpu_hours`: paid in the month, where the fleet follows the hours; else all hours of all GPUs."""
    hours = gpus * HOURS if gpu_hours is None else gpu_hours
    place = own.premises if own.kind == "premises" else None
    return OwnCost(
        gpus=gpus * place.price / place.months if place else hours * hour_price(own),
        power=gpus * place.watts / 1000 * HOURS * place.dollars_kwh * place.overhead if place else 0.0,
        space=gpus * place.space if place else 0.0,
        storage=own.storage_gb * own.storage_gb_month, egress=own.egress_gb * own.egress_per_gb * volume,
        engineers=own.engineers * own.salary / 12 * own.share, evaluation=own.evaluation,
        training=own.training / own.training_months,
    )  # fmt: skip


def hour_price(own: Own) -> float:
    """Dollars of a paid GPU hour, discounts and lost spot hours included."""
    rented = own.gpu_hour * (1 - own.discount)
    return rented * (1 - own.lost) + own.gpu_hour_instead * own.lost
