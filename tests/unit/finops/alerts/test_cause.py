"""The driver of a jump, from sums over pairs."""

from farthing.finops.alerts.cause import Change, Sums, explained
from farthing.finops.alerts.finding import TOTAL, Finding, Scope

SUMS = Sums(
    feature_model={
        ("agent", "big"): Change(1000, 90), ("agent", "small"): Change(50, 50), ("chat", "small"): Change(190, 100),
        ("batch", "big"): Change(0, 900),
    },
    user_feature={("ana", "agent"): Change(900, 20), ("bo", "agent"): Change(150, 120), ("ana", "chat"): Change(9, 9)},
    team_model={("core", "big"): Change(950, 90), ("core", "small"): Change(60, 60)},
)  # fmt: skip


def of(scope: Scope) -> Finding:
    return explained(Finding("day_spend", scope, "2025-11-25", "alert", "It jumps."), SUMS)


def test_the_total_is_taken_apart_down_to_the_user() -> None:
    """What fell (batch) does not hide what rose."""
    found = of(TOTAL)
    assert found.cause == "91 % of the rise is feature agent, 100 % of that model big, 97 % of that user ana."
    assert found.driver == ("feature", "agent")


def test_every_scope_of_one_cause_has_the_same_driver() -> None:
    assert of(Scope("feature", "agent")).driver == ("feature", "agent")
    assert of(Scope("feature", "agent")).cause == "100 % of the rise is model big, 97 % of that user ana."
    assert of(Scope("model", "big")).driver == ("feature", "agent")
    assert of(Scope("user", "ana")).driver == ("feature", "agent")
    assert of(Scope("team", "core")).driver == ("feature", "agent")
    assert of(Scope("team", "core")).cause == "100 % of the rise is model big."


def test_without_rises_nothing_is_claimed() -> None:
    found = of(Scope("team", "other"))
    assert (found.cause, found.driver) == ("", ("team", "other"))
    even = Sums({(f"f{n}", "m"): Change(2, 1) for n in range(9)})
    assert explained(Finding("day_spend", TOTAL, "d", "warn", ""), even).cause == ""
