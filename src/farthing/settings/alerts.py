"""The settings of alerts: what is looked at, who is told. Read by `tree`; what a rule does is for `finops.alerts`."""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from farthing.settings.values import Amount, Secret, Url


class RuleDefault(NamedTuple):
    """What a rule is about, and the thresholds that hold unless settings say otherwise; None: it has no such one."""

    about: str
    times: float | None = None
    percent: float | None = None
    dollars: str | None = None


ALERT_RULES = {
    "day_spend": RuleDefault("A day costs more than `times` its seven-day average.", times=2.0),
    "unusual_spend": RuleDefault("A day costs more than its weekday, level and noise explain (`sensitivity`)."),
    "young_spend": RuleDefault("Something with less than 14 days of history costs `dollars` in a day.", dollars="50"),
    "single_call": RuleDefault("One call costs more than `dollars`.", dollars="1"),
    "budget_level": RuleDefault("50, 80 and 100 % of a budget are spent; `percent` is the middle one.", percent=80.0),
    "burn_rate": RuleDefault("A budget goes so fast that 2, 5 or 10 % of it are gone in an hour, six hours, three days."),
    "budget_forecast": RuleDefault("A budget ends above its limit with a chance of more than `percent`.", percent=50.0),
    "drift": RuleDefault(
        "What a call of a feature costs, or its tokens, rise by `percent` in weeks, or its calls move to dearer models, and that "
        "is worth `dollars` a month.",
        percent=25.0, dollars="50",
    ),
    "newcomer": RuleDefault("A model or a key that was never used before costs `dollars` in a day.", dollars="1"),
    "price_change": RuleDefault("A price of a model in use changes by more than `percent`.", percent=0.0),
    "cache_hits": RuleDefault("Fewer than `percent` of a week's cacheable calls are cache hits.", percent=30.0),
    "cheap_tier": RuleDefault("Fewer than `percent` of a week's routed calls are on the small tier.", percent=70.0),
    "waste": RuleDefault(
        "Retries and hedges cost more than `percent` of a day, and `dollars`.", percent=5.0, dollars="1"
    ),
    "errors": RuleDefault("More than `percent` of a day's calls fail.", percent=20.0),
    "unpriced": RuleDefault("Calls whose cost is not known."),
    "no_data": RuleDefault("Something that always has calls at this time of the week has none."),
}  # fmt: skip
"""Every rule, by its name in `[alerts.rules.NAME]`."""

Hours = Annotated[float, Meta(ge=0, le=1_000)]


class AlertChannelSettings(msgspec.Struct, frozen=True):
    """One place where alerts go. NAME is yours. Without any, they go to the log."""

    kind: Annotated[
        Literal["log", "webhook", "slack", "apprise"],
        Meta(
            description="`webhook`: signed JSON; `slack`: an incoming webhook; `apprise`: e-mail and a hundred more (extra `alerts`)."
        ),
    ]
    url: Annotated[
        Secret, Meta(description="Where to send: the webhook's address, or an apprise URL such as `mailto://...`.")
    ] = Secret()
    secret: Annotated[Secret, Meta(description="Signs a webhook's messages (HMAC-SHA256). Empty: not signed.")] = (
        Secret()
    )
    least: Annotated[
        Literal["warn", "alert"], Meta(description="`alert`: only what is severe, and its end; `warn`: all.")
    ] = "warn"
    rules: Annotated[list[str], Meta(description="Only these rules. Empty: all.")] = []
    tenant: Annotated[str, Meta(description="Only this tenant's alerts. Empty: all tenants.")] = ""


class AlertRuleSettings(msgspec.Struct, frozen=True):
    """One rule, where it differs. NAME is one of the rules of the how-to."""

    on: Annotated[bool, Meta(description="Whether it is looked at.")] = True
    times: Annotated[
        float,
        Meta(ge=0, le=1_000, description="Its threshold, for rules that compare with an average. 0: its default."),
    ] = 0.0
    percent: Annotated[float, Meta(ge=0, le=1_000, description="Its threshold in percent. 0: its default.")] = 0.0
    dollars: Annotated[Amount, Meta(description="Its threshold in dollars. Empty: its default.")] = Amount()
    by: Annotated[
        list[Literal["total", "feature", "team", "model", "user"]],
        Meta(description="What it looks at each of. Empty: as `alerts.by`."),
    ] = []
    channels: Annotated[list[str], Meta(description="Only these channels hear of it. Empty: all that want it.")] = []


class AlertDigestSettings(msgspec.Struct, frozen=True):
    """A message a week: spending beside the week before and what moved it, alerts, savings, budgets near their end."""

    on: Annotated[bool, Meta(description="Whether it is sent.")] = True
    weekday: Annotated[
        Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        Meta(description="The day on which it is sent; it is of the seven whole UTC days before."),
    ] = "monday"
    hour: Annotated[int, Meta(ge=0, le=23, description="The hour of that day, in `zone`.")] = 9
    zone: Annotated[str, Meta(description="Time zone of day and hour, such as `Europe/Berlin`.")] = "UTC"
    channels: Annotated[
        list[str], Meta(description='Only these channels. Empty: all with `least = "warn"` and without `rules`.')
    ] = []


class AlertSettings(msgspec.Struct, frozen=True):
    """What is noticed by itself, and who is told. Everything has a default; without channels alerts go to the log."""

    on: Annotated[bool, Meta(description="Whether the gateway looks for alerts.")] = True
    sensitivity: Annotated[
        Literal["low", "normal", "high"],
        Meta(description="How far from usual spending must be: `low` is told of less, `high` of more."),
    ] = "normal"
    by: Annotated[
        list[Literal["total", "feature", "team", "model", "user"]],
        Meta(description="What daily spending is looked at for each of."),
    ] = msgspec.field(default_factory=lambda: ["total", "feature", "team", "model"])
    floor_dollars: Annotated[Amount, Meta(description="A day's excess below this is not worth a message.")] = Amount(5)
    floor_percent: Annotated[
        float,
        Meta(ge=0, le=100, description="The same, in percent of what all spend in a usual day; both must be met."),
    ] = 1.0
    cool_down_h: Annotated[
        Hours, Meta(description="Hours in which the same thing is not told again, unless it doubles.")
    ] = 6.0
    remind_h: Annotated[
        Hours, Meta(description="Hours after which a severe alert that nobody acknowledged is told again. 0: never.")
    ] = 24.0
    every_s: Annotated[float, Meta(ge=1, le=3_600, description="Seconds between two looks at the sums.")] = 60.0
    link: Annotated[
        Url, Meta(description="Address of this gateway for people; messages then link to what they are about.")
    ] = Url()
    digest: Annotated[AlertDigestSettings, Meta(description="The weekly digest.")] = AlertDigestSettings()
    channels: Annotated[dict[str, AlertChannelSettings], Meta(description="Who is told.")] = {}
    rules: Annotated[dict[str, AlertRuleSettings], Meta(description="By rule, where it differs.")] = {}
