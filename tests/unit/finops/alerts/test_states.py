"""The state machine: told once, again when worse, reminded, over when settled."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.states import DAY_SETTLES_US, HOUR_US, SETTLES_US, Pace, begun, found, id_of, missed, told
from farthing.store.alerts import Standing, What

PACE = Pace()
T0 = 10**15


def finding(**more: object) -> Finding:
    fields = {"level": "alert", "text": "It burns.", "at_stake": 100, "period": "d1"} | more
    return Finding("budget_level", Scope("budget", "b"), **fields)  # type: ignore[arg-type]


def walk(*steps: tuple[float, Finding | None]) -> list[What | None]:
    """What is told at each step (hour, finding)."""
    standing = begun("default", finding())
    said: list[What | None] = []
    for hour, each in steps:
        now = T0 + round(hour * HOUR_US)
        if each is not None:
            standing, what = found(standing, each, now, PACE)
            standing = told(standing, now) if what else standing
        else:
            after = missed(standing, now)
            standing, what = after if after is not None else (standing, None)
        said.append(what)
    return said


def test_it_is_told_once_for_a_period() -> None:
    assert walk((0, finding()), (0.1, finding()), (5, finding())) == ["raised", None, None]


def test_worse_and_twice_the_money_are_told_again() -> None:
    steps = (0, finding(level="warn")), (0.1, finding()), (0.2, finding(at_stake=199)), (0.3, finding(at_stake=200))
    assert walk(*steps) == ["raised", "escalated", None, "escalated"]
    assert walk((0, finding(step=500)), (1, finding(step=800)), (2, finding(step=800))) == ["raised", "escalated", None]


def test_it_is_over_when_it_settled_and_then_back_within_the_period_in_silence() -> None:
    settled = SETTLES_US / HOUR_US
    steps = (0, finding()), (0.1, None), (settled, None), (settled + 1, finding()), (8, finding(period="d2"))
    assert walk(*steps) == ["raised", None, "resolved", None, "raised"]


def test_the_cool_down_holds_for_a_new_period_too() -> None:
    steps = (0, finding()), (1, None), (2, finding(period="d2")), (5, finding(period="d2")), (6, finding(period="d2"))
    assert walk(*steps) == ["raised", "resolved", None, None, "raised"]


def test_a_severe_one_is_told_again_each_day_until_acknowledged() -> None:
    assert walk((0, finding()), (23, finding()), (24, finding()), (47, finding())) == ["raised", None, "reminder", None]
    assert walk((0, finding(level="warn")), (24, finding(level="warn"))) == ["raised", None]
    standing = told(found(begun("default", finding()), finding(), T0, PACE)[0], T0)
    acked = msgspec.structs.replace(standing, acked_us=T0 + 1, acked_by="ana")
    assert found(acked, finding(), T0 + 30 * HOUR_US, PACE)[1] is None
    assert found(acked, finding(step=9), T0 + 30 * HOUR_US, PACE)[1] is None
    assert found(acked, finding(at_stake=200), T0 + 30 * HOUR_US, PACE)[1] == "escalated"


def test_rules_about_a_day_wait_for_the_next_day_and_events_do_not_end() -> None:
    day = Standing("i", "default", "day_spend", "total", "", "alert", since_us=T0, seen_us=T0, told_us=T0)
    assert missed(day, T0 + DAY_SETTLES_US - 1) is None
    assert missed(day, T0 + DAY_SETTLES_US) == (
        msgspec.structs.replace(day, state="ok", changed_us=T0 + DAY_SETTLES_US),
        "resolved",
    )
    event = msgspec.structs.replace(day, rule="newcomer")
    after = missed(event, T0 + 24 * HOUR_US)
    assert after is not None and after[1] is None
    untold = msgspec.structs.replace(day, told_us=0)
    after = missed(untold, T0 + DAY_SETTLES_US)
    assert after is not None and after[1] is None


def test_ids_do_not_depend_on_the_process() -> None:
    assert id_of("default", "day_spend", "total", "") == id_of("default", "day_spend", "total", "")
    assert id_of("a", "b", "c", "d") != id_of("ab", "", "c", "d")


@given(
    st.lists(st.tuples(st.floats(0, 5), st.booleans(), st.integers(1, 8), st.sampled_from(["d1", "d2"])), max_size=40)
)
def test_nothing_is_told_twice_without_a_reason(steps: list[tuple[float, bool, int, str]]) -> None:
    """Between two news of one alert there is a change for the worse, an end, a new period or a day."""
    standing, hour = begun("default", finding()), 0.0
    last: Standing | None = None
    for wait, is_found, stake, period in steps:
        hour += wait
        now = T0 + round(hour * HOUR_US)
        if not is_found:
            after = missed(standing, now)
            standing = after[0] if after is not None else standing
            continue
        standing, what = found(standing, finding(at_stake=stake, period=period), now, PACE)
        if what is None:
            continue
        if last is not None and what == "raised":
            assert last.told_period != period
            assert now - last.told_us >= PACE.cool_down_us or stake >= 2 * last.told_at_stake
        if last is not None and what == "escalated":
            assert stake >= 2 * last.told_at_stake
        standing = last = told(standing, now)
