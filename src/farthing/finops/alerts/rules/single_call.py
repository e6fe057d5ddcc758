"""One call costs more than a limit. It is told within seconds, by the ledger's own news; further ones of the same feature
and day are counted into the same alert.
"""

from collections.abc import Sequence

from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.words import number
from farthing.model.money import Nano, show_dollars
from farthing.store.alerts import Dear

NAME = "single_call"


def finding(calls: Sequence[Dear], limit: Nano, day: str, *, before: int = 0, cost_before: Nano = 0) -> Finding:
    """What to say of `calls` of one feature and day, after `before` others that cost `cost_before`."""
    dearest = max(calls, key=lambda call: (call.cost, call.id))
    count, cost = before + len(calls), cost_before + sum(call.cost for call in calls)
    feature = f" of feature {dearest.feature}" if dearest.feature else ""
    more = f" Today {number(count, 'such call')} cost {show_dollars(cost)}." if count > 1 else ""
    user = f", user {dearest.user}" if dearest.user else ""
    return Finding(
        NAME, Scope("feature", dearest.feature), day, "warn",
        f"One call{feature} cost {show_dollars(dearest.cost)}, more than {show_dollars(limit)}: call {dearest.id}, model "
        f"{dearest.model or '(none)'}{user}.{more}",
        value=cost, usual=limit, at_stake=dearest.cost, step=len(str(count)), count=count,
    )  # fmt: skip
