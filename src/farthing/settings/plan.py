"""Settings of the plan that a gateway makes of its own calls."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class PlanSettings(msgspec.Struct, frozen=True):
    """What strategies would save on the gateway's own calls: worked out once a week, in a process of its own."""

    weekly: Annotated[bool, Meta(description="Whether a gateway makes one each week, for the page Plan.")] = True
    weekday: Annotated[
        Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        Meta(description="The day on which it is made; one that was missed is made when a gateway is back."),
    ] = "monday"
    hour: Annotated[int, Meta(ge=0, le=23, description="The hour of that day (UTC).")] = 5
    calls: Annotated[int, Meta(ge=100, le=1_000_000, description="The newest so many of the last 28 days.")] = 20_000
