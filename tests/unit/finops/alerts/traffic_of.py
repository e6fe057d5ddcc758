"""A ledger with weeks of calls for the tests of alerts: one call stands for an hour of a feature."""

from farthing.model.record import Record
from unit.finops.alerts.spending import DAY_US, DOLLAR, NOON_US

HOUR_US = 3_600_000_000
TODAY_US = NOON_US // DAY_US * DAY_US


def call(id_: str, at_us: int, dollars: float, **more: object) -> Record:
    cost = round(dollars * DOLLAR)
    fields = {
        "feature": "agent", "team": "core", "model": "big", "user": "ana", "key_id": "k1", "cost_state": "computed",
        "cost": cost, "baseline": cost,
    } | more  # fmt: skip
    return Record(id_, at_us, "openai.chat", **fields)  # type: ignore[arg-type]


def weeks(days: int = 20) -> list[Record]:
    """Each day: agent $24 on model big, chat $48 on model small, evenly; up to yesterday."""
    found = []
    for day in range(1, days + 1):
        for hour in range(0, 24, 4):
            at = TODAY_US - day * DAY_US + hour * HOUR_US
            found.append(call(f"a{day}-{hour}", at, 4.0))
            found.append(
                call(f"c{day}-{hour}", at, 8.0, feature="chat", team="shop", model="small", user="bo", key_id="k2")
            )
    return found


def burning(hours: int = 12) -> list[Record]:
    """Today until `hours` o'clock: chat as ever, agent ten times as dear, all by one user."""
    found = []
    for hour in range(0, hours, 4):
        at = TODAY_US + hour * HOUR_US
        found.append(call(f"t-a{hour}", at, 40.0, user="eve"))
        found.append(call(f"t-c{hour}", at, 8.0, feature="chat", team="shop", model="small", user="bo", key_id="k2"))
    return found
