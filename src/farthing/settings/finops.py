"""The settings of reports: targets, phases, spending that is no call. Read by `tree`; what reports make of it is for
`finops`."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from farthing.settings.values import Amount

Percent = Annotated[float, Meta(ge=0, le=100)]


class ProjectFinopsSettings(msgspec.Struct, frozen=True):
    """A project's place in the AI budget. NAME is the project that calls are tagged with."""

    phase: Annotated[
        Literal["", "experimentation", "pilot", "production", "optimised"],
        Meta(
            description="Where the project stands; each phase has a usual share of inference in its AI budget. Empty: not said."
        ),
    ] = ""
    until: Annotated[
        date | None, Meta(description="Last day of the phase, after which the report asks for the next one.")
    ] = None


class LineSettings(msgspec.Struct, frozen=True):
    """Spending on AI that is no call through Farthing. One `[[finops.lines]]` each; exports are read by
    `farthing lines import`."""

    kind: Annotated[
        Literal["engineering", "fine-tuning", "gpu", "tools", "inference", "other"],
        Meta(description="What it is; `inference` is for calls that did not go through Farthing."),
    ]
    dollars_a_month: Annotated[Amount, Meta(description="What it costs in a calendar month.")]
    project: Annotated[str, Meta(description="The project that it is for. Empty: shared by all.")] = ""
    name: Annotated[str, Meta(description="What it is, in words.")] = ""
    valid_from: Annotated[date | None, Meta(description="First day. Empty: always was.")] = None
    valid_to: Annotated[date | None, Meta(description="Last day, included. Empty: goes on.")] = None


class FinopsSettings(msgspec.Struct, frozen=True):
    """What reports need to know that no call says."""

    revenue_per_user_month: Annotated[
        Amount,
        Meta(description="What a user brings in a month, in dollars; users' cost is compared with it. 0: not said."),
    ] = Amount()
    students: Annotated[
        list[str],
        Meta(description="Patterns of models that were distilled for one kind of work; tier reports count them apart."),
    ] = []
    cache_hit_percent: Annotated[
        Percent, Meta(description="Calls in a hundred that Farthing's own cache should answer.")
    ] = 30.0
    cheap_tier_percent: Annotated[
        Percent,
        Meta(description="Of a hundred calls that a model answers, those that should go to the small and mid tiers."),
    ] = 70.0
    dollars_per_query: Annotated[Amount, Meta(description="Most that a call should cost on average. 0: none set.")] = (
        Amount()
    )
    dollars_per_user_month: Annotated[
        Amount, Meta(description="Most that a user should cost in a month. 0: none set.")
    ] = Amount()
    projects: Annotated[dict[str, ProjectFinopsSettings], Meta(description="By project.")] = {}
    lines: Annotated[list[LineSettings], Meta(description="Spending on AI that is no call.")] = []
