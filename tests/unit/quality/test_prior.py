import pytest

from farthing.quality.prior import LEAST_SPREAD, Seen, fit, shipped
from farthing.quality.shrinking import lower


def seen(kind: str, share: float, task: str = "qa") -> Seen:
    return Seen("mid", task, kind, share, 0.1)


def test_a_task_is_drawn_to_the_mean_of_all_kinds() -> None:
    prior = fit([seen("a", 0.8), seen("b", 1.0, "code")]).tiers["mid"]
    assert prior.mean == pytest.approx(0.9)
    assert 0.8 < prior.of("qa").mean < 0.9 < prior.of("code").mean < 1.0
    assert prior.spread == pytest.approx(0.1)


def test_pools_of_one_kind_are_one_kind() -> None:
    once = fit([seen("a", 0.8), seen("b", 1.0)])
    assert fit([seen("a", 0.7), seen("a", 0.9), seen("b", 1.0)]).tiers["mid"].mean == once.tiers["mid"].mean


def test_a_task_without_outcomes_is_less_sure_than_any_other() -> None:
    prior = fit([seen("a", 0.8), seen("b", 1.0, "code"), seen("c", 0.9, "code")]).tiers["mid"]
    assert prior.of("classification").variance > prior.of("qa").variance > prior.of("code").variance


def test_kinds_that_agree_do_not_make_sure() -> None:
    assert fit([seen("a", 0.9), seen("b", 0.9)]).tiers["mid"].between == LEAST_SPREAD


def test_one_kind_is_not_enough() -> None:
    with pytest.raises(ValueError, match="two kinds"):
        fit([seen("a", 0.9)])


def test_the_flagship_has_no_prior() -> None:
    prior = fit([seen("a", 0.9), seen("b", 0.8), Seen("flagship", "qa", "a", 1.0, 0.0)])
    assert set(prior.tiers) == {"mid"}


def test_what_is_shipped_lets_nobody_through_above_93_percent() -> None:
    prior = shipped()
    for task in ("qa", "reasoning", "code", "classification", ""):
        assert lower(prior.tier("mid").of(task)) < 0.935
        assert lower(prior.tier("small").of(task)) < 0.7
    assert min(lower(prior.tier("mid").of(task)) for task in ("qa", "reasoning", "code")) > 0.85
    assert prior.tier("flagship") is prior.tier("mid")
