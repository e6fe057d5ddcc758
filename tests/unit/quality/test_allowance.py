"""What a day's looking at quality may cost, and how tenants share it."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.quality.allowance import DAY_S, UNKNOWN, Allowance
from unit.quality.worlds import DOLLAR


class Time:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def use_up(allowance: Allowance, tenant: str, cost: int = DOLLAR // 100) -> int:
    """What the tenant gets if it asks on and on."""
    spent = 0
    while allowance.may(tenant):
        allowance.spend(cost, tenant)
        spent += cost
    return spent


def test_a_cost_that_is_not_known_is_not_nothing() -> None:
    allowance = Allowance(DOLLAR, lambda: 0.0)
    allowance.spend(None, "t")
    assert allowance.left == DOLLAR - UNKNOWN
    allowance.spent_by_all({"t": DOLLAR})
    assert allowance.left == 0
    allowance.spent_by_all({"t": 5})
    assert allowance.left == 0


def test_who_is_alone_has_it_all() -> None:
    assert use_up(Allowance(DOLLAR, Time()), "a") == DOLLAR
    assert use_up(Allowance(0, Time()), "a") == 0


def test_one_tenant_leaves_the_others_their_share() -> None:
    allowance = Allowance(DOLLAR, Time())
    assert allowance.may("small") and allowance.may("other")
    assert use_up(allowance, "large") == DOLLAR * 34 // 100, "a third, and the call that was under way"
    assert use_up(allowance, "small") >= DOLLAR * 33 // 100
    assert allowance.may("other")


def test_what_others_leave_is_borrowed_as_the_day_goes() -> None:
    time = Time()
    allowance = Allowance(DOLLAR, time)
    assert allowance.may("idle")
    half = use_up(allowance, "busy")
    time.now = DAY_S / 2
    assert half + use_up(allowance, "busy") == DOLLAR * 3 // 4
    assert allowance.may("idle"), "what is left is for the one that has not had its share"
    time.now = DAY_S - 1
    assert use_up(allowance, "busy") > 0 and allowance.left == 0


def test_a_new_day_knows_who_was_there_yesterday_and_forgets_them_the_day_after() -> None:
    time = Time()
    allowance = Allowance(DOLLAR, time)
    assert allowance.may("a") and allowance.may("b")
    time.now = DAY_S
    assert use_up(allowance, "a") == DOLLAR // 2
    time.now = 2 * DAY_S
    assert use_up(allowance, "a") == DOLLAR
    time.now = 9 * DAY_S
    assert use_up(allowance, "b") == DOLLAR


def test_what_other_gateways_spent_is_the_tenant_s_own() -> None:
    allowance = Allowance(DOLLAR, Time())
    allowance.spent_by_all({"a": DOLLAR // 2, "b": 0})
    assert not allowance.may("a") and allowance.may("b")


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, DOLLAR // 5), st.floats(0, 3 * DAY_S)), max_size=60))
def test_nobody_is_let_in_when_all_is_spent(asks: list[tuple[str, int, float]]) -> None:
    time = Time()
    allowance = Allowance(DOLLAR, time)
    for tenant, cost, at in sorted(asks, key=lambda each: each[2]):
        time.now = at
        left = allowance.left
        if allowance.may(tenant):
            assert left > 0
            allowance.spend(cost, tenant)
