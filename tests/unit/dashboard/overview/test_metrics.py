"""Metrics as cards, and cost by feature: the report's figures, said with their denominators."""

from starlette.datastructures import QueryParams

from farthing.dashboard.filters import filters_of
from farthing.dashboard.overview import metrics
from farthing.dashboard.view import View
from farthing.finops.metrics import Beside, FeatureCost, Metric, Metrics, Target
from farthing.finops.metrics.facts import Scope
from farthing.finops.trend import Trend
from farthing.gateway.guard import Pass

RISES = Trend(1.0, 0.5, 1.5, 100.0, 30, 0.0)


class NoSources:
    """A page's figures need none."""

    @staticmethod
    def now_us() -> int:
        return 10**15


def view() -> View:
    query = QueryParams("period=7d")
    return View("/", {}, query, filters_of(query, 10**15), Pass(None, "default"), NoSources())  # type: ignore[arg-type]


def metric(name: str = "cache_hit_rate", verdict: str = "met", **more: object) -> Metric:
    values = {
        "title": "a metric", "unit": "share", "numerator": 30, "numerator_means": "hits", "denominator": 120,
        "denominator_means": "calls", "target": Target("at least 20 %", least=0.2), "verdict": verdict,
    } | more  # fmt: skip
    return Metric(name, **values)  # type: ignore[arg-type]


def found(*metrics_: Metric, features: tuple[FeatureCost, ...] = (), calls: int = 1, **where: str) -> Metrics:
    return Metrics(Scope(0, 1, "", where), 1, calls, 1, 0, 0, metrics_, features)


def test_a_card_says_value_target_verdict_and_what_is_divided() -> None:
    beside = (Beside("of cacheable", 30, 60, "what it means"), Beside("nothing", 0, 0, "nothing"))
    days = tuple((day, day / 10) for day in range(3))
    (card,) = metrics.cards(view(), found(metric(beside=beside, daily=days, notes=("a note",), trend=RISES)))
    assert (card.value, card.target, card.verdict, card.look) == ("25.0 %", "at least 20 %", "met", "good")
    assert card.note == "30 (hits) over 120 (calls)"
    assert card.beside == [("of cacheable", "50.0 %", "what it means")]
    assert "polyline" in card.line
    assert card.trend == "rises 30 % a month"
    assert card.href == "/calls?period=7d"


def test_money_is_money_and_nothing_to_divide_by_is_no_zero() -> None:
    cost = metric("cost_per_query", unit="dollars", numerator=3 * 10**9, denominator=2)
    none = metric(unit="share", numerator=0, denominator=0, verdict="too little data")
    cards = metrics.cards(view(), found(cost, none))
    assert [card.value for card in cards] == ["$1.50", "–"]  # noqa: RUF001
    assert cards[1].look == ""


def test_rising_is_bad_for_cost_and_good_for_efficiency() -> None:
    def look(name: str, verdict: str) -> str:
        return metrics.cards(view(), found(metric(name, verdict)))[0].look

    assert (look("cost_per_query", "rising"), look("token_efficiency", "rising")) == ("bad", "good")
    assert (look("cost_per_query", "falling"), look("token_efficiency", "falling")) == ("good", "bad")
    assert (look("tier_mix", "missed"), look("tier_mix", "too close to tell"), look("x", "no trend")) == (
        "bad",
        "warn",
        "",
    )


def test_features_have_their_share_their_change_and_are_cut_where_they_are_many() -> None:
    def feature(no: int) -> FeatureCost:
        return FeatureCost(f"f{no}", 100 - no, 0, 10, 5, 1 if no == 0 else 0, RISES if no == 0 else None)

    many = found(features=tuple(feature(no) for no in range(30)))
    table = metrics.features(view(), many, {"f0": 50, "gone": 9}, "last week", is_so_far=True)
    assert table.rows[0].values == (
        "f0",
        100,
        100 / sum(100 - no for no in range(30)),
        1.0,
        20.0,
        5,
        "rises 30 % a month",
        1,
    )
    assert table.rows[0].href == "/spend?period=7d&feature=f0"
    assert table.rows[1].values[3] is None, "there is nothing to compare with"
    assert table.rows[-1].values[0] == "10 others"
    assert sum(row.values[1] for row in table.rows) == sum(100 - no for no in range(30))
    assert table.more == "/spend?period=7d"
    assert table.note == "Change: against last week. Today is not over."


def test_a_scope_without_features_says_so() -> None:
    assert "Features are not kept apart for team" in metrics.features(view(), found(team="a"), None, "x", False).empty
    assert metrics.features(view(), found(calls=0), None, "x", False).empty == "No calls in this period."


def test_the_file_has_all_of_it() -> None:
    assert "a metric,0.25,share,30,120,at least 20 %,met,\r\n" in metrics.table(found(metric())).csv()
