"""Plans for tests, in dollars a month."""

from typing import Any

from farthing.finops.plans.document import Document
from farthing.model.plan import Amount, LeverPlan, Plan, Risk

SINCE, UNTIL = 1_790_000_000_000_000, 1_792_000_000_000_000


def dollars(likely: float, low: float | None = None, high: float | None = None) -> Amount:
    return Amount(
        *(round(each * 1e9) for each in (likely, likely if low is None else low, likely if high is None else high))
    )


def lever(name: str, risk: Risk, toml: str, likely: float, low: float, high: float, **more: Any) -> LeverPlan:
    amount = dollars(likely, low, high)
    return LeverPlan(
        name, risk, toml, "Careful.", "one setting", amount, more.pop("beside", amount), amount.likely, 3, 0, **more
    )


LEVERS = [
    lever("semantic cache", "guarded", '[cache]\nmode = "exact"\nmax_temperature = 1.0', 40, 30, 50),
    lever("model selection", "needs proof", "[routing]\nsubstitute = true", 90, 60, 120),
    lever("prompt optimisation", "lossless", '[prompts]\nlossless = "on"', 5, 1, 9),
    lever("provider caching", "lossless", '[prompts]\nprovider_caching = "auto"', 8, 6, 10),
    lever("batching", "lossless", '[batch.features."night"]\ndeadline_s = 21600', 20, 15, 25, is_bound=True),
    lever("nothing", "lossless", "[finops]\ntoo = 1", 1, -2, 4),
]  # fmt: skip


def document(**more: Any) -> Document:
    plan = Plan(
        since_us=SINCE, until_us=UNTIL, calls=1000, replayed=900, left_out={"no prompt in the log": 100}, recorded=10, base=10,
        a_month=300_000_000_000, together=dollars(120, 90, 150), levers=list(LEVERS), notes=[],
    )  # fmt: skip
    return Document(plan, **more)
