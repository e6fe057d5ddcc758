"""Bins and cells, by themselves."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from farthing.model.record import Record
from farthing.store.rollups import MONTH_US, VIEWS, bin_of, cells, measures, month_of, size_of
from farthing.store.schema import ROLLUP_SUMS
from unit.store.samples import records


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_bins_keep_the_order_and_their_middle_is_near(size: int, other: int) -> None:
    assert abs(size_of(bin_of(size)) - size) <= size * 0.032
    assert (bin_of(size) <= bin_of(other)) == (size <= other) or bin_of(size) == bin_of(other)


def test_months_begin_where_the_calendar_says() -> None:
    day = datetime(1970, 1, 1, tzinfo=UTC)
    for number in range(46_500):  # to April 2097
        moment = day + timedelta(days=number)
        first = moment.replace(day=1)
        assert month_of(number * 86_400_000_000 + 5) == (first - day).days * 86_400_000_000


@given(st.lists(records(), max_size=8))
def test_cells_are_what_summing_each_view_by_itself_gives(calls: list[Record]) -> None:
    fields = {"user_id": "user"}
    expected: dict[tuple[object, ...], Counter[int]] = {}
    for view in VIEWS:
        for call in calls:
            values = [getattr(call, fields.get(column, column)) if column else "" for column in (view.a, view.b)]
            whole = call.started_us - call.started_us % view.bucket_us
            bucket = month_of(call.started_us) if view.bucket_us == MONTH_US else whole
            cell = expected.setdefault((view.dims, bucket, call.tenant, *values, call.cost_state), Counter())
            for place, number in enumerate(measures(call)):
                cell[place] += number
    found = cells(calls)
    assert {row[:6]: list(row[6:]) for row in found} == {
        key: [sums[place] for place in range(len(ROLLUP_SUMS))] for key, sums in expected.items()
    }
    assert found == sorted(found)
