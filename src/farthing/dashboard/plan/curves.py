"""A swept setting as charts: what all calls come to at each value, and how many the cache answers or another model. Of the same
shape on the page and in the file that is sent."""

from collections.abc import Sequence
from typing import Any

from farthing.dashboard.charts.chart import Chart
from farthing.finops.plans.document import Sweep
from farthing.model.money import show_dollars

LEAST_SHARE = 0.0005
"""Below it a share is not drawn."""
CACHED, MOVED = "answered by the cache", "answered by another model"


def charts_of(sweeps: Sequence[Sweep]) -> list[Chart]:
    return [chart for sweep in sweeps for chart in _charts(sweep)]


def _charts(sweep: Sweep) -> list[Chart]:
    names = sweep.names()
    cost = [
        {"x": name, "y": point.cost / 1e9, "name": "a month", "said": f"{sweep.setting} {name}: {show_dollars(point.cost)} a month"}
        for name, point in zip(names, sweep.points, strict=True)
    ]  # fmt: skip
    found = [
        Chart(
            "curve",
            f"Cost a month by {sweep.setting}, everything on",
            _said(sweep, names),
            cost,
            {"unit": "$", "setting": sweep.setting},
        )
    ]
    shares: list[dict[str, Any]] = []
    for name, series in (
        (CACHED, [each.hits for each in sweep.points]),
        (MOVED, [each.moved for each in sweep.points]),
    ):
        if max(series) >= LEAST_SHARE:
            shares += [
                {"x": at, "y": share, "name": name, "said": f"{sweep.setting} {at}: {100 * share:.1f} % {name}"}
                for at, share in zip(names, series, strict=True)
            ]
    if shares:
        found.append(
            Chart(
                "curve",
                f"Share of the calls by {sweep.setting}",
                _shares_said(sweep, names),
                shares,
                {"unit": "%", "setting": sweep.setting},
            )
        )
    return found  # fmt: skip


def _said(sweep: Sweep, names: Sequence[str]) -> str:
    cheapest = min(range(len(names)), key=lambda at: sweep.points[at].cost)
    first, last = sweep.points[0], sweep.points[-1]
    return (
        f"{sweep.setting} from {names[0]} to {names[-1]}: {show_dollars(first.cost)} to {show_dollars(last.cost)} a month; "
        f"least at {names[cheapest]} with {show_dollars(sweep.points[cheapest].cost)}."
    )


def _shares_said(sweep: Sweep, names: Sequence[str]) -> str:
    first, last = sweep.points[0], sweep.points[-1]
    return (
        f"At {names[0]} the cache answers {100 * first.hits:.1f} % and another model {100 * first.moved:.1f} %; "
        f"at {names[-1]} {100 * last.hits:.1f} % and {100 * last.moved:.1f} %."
    )
