"""No tenant waits for another one's pile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.fairness import Claim, Turns, share

costs = st.lists(st.integers(0, 5_000), min_size=1, max_size=60)


def claims(of: dict[str, list[int]]) -> list[Claim[tuple[str, int]]]:
    return [Claim((tenant, n), tenant, cost, n) for tenant, each in of.items() for n, cost in enumerate(each)]


@given(
    st.dictionaries(st.sampled_from("abcd"), costs, min_size=2, max_size=4), st.integers(1, 40), st.integers(1, 3_000),
    st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.5, 1.0, 3.0]), max_size=4),
)  # fmt: skip
def test_nobody_who_waits_gets_much_less_than_another(
    of: dict[str, list[int]], lines: int, quantum: int, weights: dict[str, float]
) -> None:
    """Also over many calls with few lines each; each line goes once."""
    waiting = {claim.line: claim for claim in claims(of)}
    turns, got, count = Turns(), dict.fromkeys(of, 0), len(waiting)
    dearest = {tenant: max(each) for tenant, each in of.items()}
    while waiting:
        found = share(waiting.values(), turns, lines=lines, quantum=quantum, weights=weights)
        assert len(found) == min(lines, len(waiting))
        for claim in found:
            del waiting[claim.line]
            got[claim.tenant] += claim.cost
            count -= 1
        backlogged = {claim.tenant for claim in waiting.values()}
        for one in backlogged:
            for other in backlogged:
                mine, theirs = weights.get(one, 1.0), weights.get(other, 1.0)
                bound = quantum + 2 / min(mine, theirs) + dearest[one] / mine + dearest[other] / theirs
                rounds = len(of[one]) + len(of[other])
                assert got[other] / theirs - got[one] / mine <= bound + rounds * 2 / min(mine, theirs)
    assert count == 0


def test_a_huge_job_does_not_keep_a_small_one_waiting() -> None:
    of = {"huge": [100] * 10_000, "small": [100] * 5}
    found = share(claims(of), Turns(), lines=20, quantum=100)
    assert sum(claim.tenant == "small" for claim in found) == 5


def test_within_a_tenant_priority_then_deadline() -> None:
    of = [Claim(1, "t", 1, 50), Claim(2, "t", 1, 10), Claim(3, "t", 1, 99, priority=5)]
    assert [claim.line for claim in share(of, Turns(), lines=3, quantum=10)] == [3, 2, 1]


def test_a_line_far_dearer_than_a_quantum_is_no_long_loop() -> None:
    (found,) = share([Claim(1, "t", 10**15, 0)], Turns(), lines=1, quantum=1)
    assert found.line == 1


def test_who_has_nothing_waiting_saves_up_nothing() -> None:
    turns = Turns()
    share(claims({"a": [1], "b": [1] * 50}), turns, lines=10, quantum=1_000)
    assert "a" not in turns.left
    assert share([], turns, lines=5, quantum=1) == [] and turns.left == {}


def test_a_quantum_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        share(claims({"a": [1]}), Turns(), lines=1, quantum=0)
    with pytest.raises(ValueError, match="above 0"):
        share(claims({"a": [1]}), Turns(), lines=1, quantum=1, weights={"a": 0.0})
