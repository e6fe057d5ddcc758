"""What people type into fields."""

import pytest

from farthing.dashboard.fields import end_of, seconds_of
from farthing.model.errors import BadRequest

NOW = 1_790_000_000_000_000  # 2026-09-21 13:33 UTC


def test_days_end_at_midnight() -> None:
    assert end_of("2026-09-21", NOW, "until") == 1_790_035_200_000_000
    assert end_of(" ", NOW, "until") == 0


@pytest.mark.parametrize(
    "text", ["2026-09-20", "9999-12-31", "tomorrow", "2026-13-01", "2026-09-21T10:00", "\u0662026-01-01"]
)
def test_no_last_day(text: str) -> None:
    with pytest.raises(BadRequest) as raised:
        end_of(text, NOW, "until")
    assert raised.value.param == "until"


def test_spans() -> None:
    assert [seconds_of(each, "for") for each in ("90m", "12h", " 7d ")] == [5_400, 43_200, 604_800]
    for text in ("", "7", "d", "0h", "-1h", "1w", "1.5h", "999999d", "\u0661h"):
        with pytest.raises(BadRequest):
            seconds_of(text, "for")
