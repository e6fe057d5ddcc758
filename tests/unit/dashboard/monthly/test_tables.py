"""Which alerts a report tells of, and that what is not known is not shown as nothing."""

from farthing.dashboard.monthly.tables import MOST, alerts, alerts_told, corrections, margins
from farthing.dashboard.table import UNKNOWN
from farthing.finops.units import Margin
from farthing.store.alerts import Entry, Standing, What
from farthing.store.corrections import Correction


def _entry(no: int, at_us: int, what: What, alert: str = "a", stake: int = 0, since_us: int = 10) -> Entry:
    standing = Standing(alert, "default", "day_spend", "feature", alert, "alert", text=f"{what} {stake}.", at_stake=stake, since_us=since_us)  # fmt: skip
    return Entry(no, at_us, "default", alert, what, "", standing)


def test_an_alert_counts_once_as_it_was_worst() -> None:
    told = alerts_told([_entry(3, 30, "reminder", stake=5), _entry(2, 20, "escalated", stake=9), _entry(1, 10, "raised", stake=4)], 0, 100)  # fmt: skip
    assert [(each.alert.at_stake, each.first_us, each.is_over) for each in told] == [(9, 10, False)]


def test_what_ended_is_over_and_what_opened_again_is_not() -> None:
    again = [_entry(3, 50, "raised", since_us=50, stake=1), _entry(2, 40, "resolved"), _entry(1, 10, "raised", stake=7)]
    assert [(each.first_us, each.is_over) for each in alerts_told(again, 0, 100)] == [(10, True), (50, False)]


def test_only_what_was_told_in_the_span_is_in_it() -> None:
    history = [_entry(4, 40, "acknowledged"), _entry(3, 30, "raised", "b"), _entry(2, 20, "raised", "c"), _entry(1, 10, "raised", "d")]  # fmt: skip
    assert [each.alert.id for each in alerts_told(history, 15, 30)] == ["c"]


def test_the_dearest_come_first_and_the_rest_is_counted() -> None:
    history = [_entry(no, no, "raised", f"{no}", stake=no) for no in range(MOST + 3)]
    table = alerts(alerts_told(history, 0, 100))
    assert len(table.rows) == MOST and table.rows[0].values[3] == MOST + 2 and table.note.startswith("3 more")


def test_a_margin_without_people_is_unknown_and_one_without_revenue_is_none() -> None:
    unknown = Margin("", "pro", 2, 3, 10, None, 50, 0)
    unsold = Margin("", "free", 2, 3, 10, 0, None, 0)
    known = Margin("", "team", 2, 3, 10, 5, 50, 0)
    assert [row.values[4] for row in margins([unknown, unsold, known]).rows] == [UNKNOWN, None, 35]


def test_corrections_stand_beside_and_end_in_a_sum() -> None:
    posted = [Correction(1, 0, 0, "default", "openai", "", 5, "ann", "bill"), Correction(2, 0, 0, "default", "", "", -2, "bob", "credit")]  # fmt: skip
    assert [row.values[4] for row in corrections(posted, 100).rows] == [5, -2, 3, 103]
    assert not corrections([], 100).rows
