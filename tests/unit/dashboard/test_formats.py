"""Figures as people read them."""

import pytest

from farthing.dashboard import formats


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (None, formats.NONE), (0, "$0.00"), (12_345_678_000_000, "$12,346"), (-2_000_000_000_000, "-$2,000"), (999_994_000_000, "$999.99"),
        (1_500_000_000, "$1.50"), (12_300_000, "$0.0123"), (1_000, "$0.0000010"), (1.6, "$0.0000000020"),
    ],
)  # fmt: skip
def test_money(nano: float | None, shown: str) -> None:
    assert formats.money(nano) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, formats.NONE), (0, "0"), (9_999, "9,999"), (12_345, "12.3k"), (123_456, "123k"), (4_560_000, "4.6M"), (2_000_000_000, "2.0B"), (-12_345, "-12.3k")],
)  # fmt: skip
def test_count(number: float | None, shown: str) -> None:
    assert formats.count(number) == shown


@pytest.mark.parametrize(
    ("us", "shown"),
    [(None, formats.NONE), (0, "0 µs"), (999, "999 µs"), (1_500, "2 ms"), (1_500_000, "1.5 s"), (180_000_000, "3 min"), (3 * 3_600_000_000, "3 h"),
     (72 * 3_600_000_000, "3 days")],
)  # fmt: skip
def test_duration(us: float | None, shown: str) -> None:
    assert formats.duration(us) == shown


def test_change() -> None:
    assert formats.change(110, 100) == "+10 %"
    assert formats.change(99, 100) == "-1.0 %"
    assert formats.change(5, 0) == ""


def test_percent() -> None:
    assert formats.percent(0.1234) == "12.3 %"
    assert formats.percent(0.5, 0) == "50 %"
    assert formats.percent(None) == formats.NONE


def test_moments_are_utc_and_none_is_none() -> None:
    assert formats.moment(1_000_000) == "1970-01-01 00:00:01"
    assert formats.iso(1_000_000) == "1970-01-01T00:00:01+00:00"
    assert (formats.moment(0), formats.iso(0)) == (formats.NONE, "")


def test_who_said_nothing_has_a_word() -> None:
    assert formats.said("") == "(none)"
    assert formats.said("x") == "x"


def test_a_templates_digest_is_short() -> None:
    assert formats.scope("template:8f1e90d386343d1f") == "template:8f1e90d3"
    for whole in ("task:classification", "template:my-own-name-of-it", "template:8f1e90d3"):
        assert formats.scope(whole) == whole
