"""What an attempt would have used had Farthing said nothing."""

import pytest

from farthing.model.marks import ALIKE, CONTEXT, EXPLICIT, MARKED, Context, usage_without
from farthing.model.usage import Usage

USED = Usage(uncached_in=100, cache_read=1_000, w5m=50, out=7)


@pytest.mark.parametrize(
    ("flags", "without"),
    [
        ([], USED),
        ([ALIKE], USED),
        ([MARKED], Usage(uncached_in=1_150, out=7)),
        ([EXPLICIT], Usage(w30m=1_150, out=7)),
        (["later_price", f"{CONTEXT} 30"], Usage(uncached_in=800, cache_read=300, w5m=50, out=7)),
        ([Context("gemini", "m", "cachedContents/1", b"{}", 100).flag], USED),
    ],
    ids=["nothing", "alike", "marked", "explicit", "a context", "a context that is held anyway"],
)
def test_usage_without_marks(flags: list[str], without: Usage) -> None:
    assert usage_without(flags, USED) == without
