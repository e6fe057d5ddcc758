from hypothesis import given
from hypothesis import strategies as st

from farthing.model.usage import Reading, Usage

COUNTS = st.integers(0, 10**9)
TOKENS = [
    "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in", "out",
    "audio_out", "image_out",
]  # fmt: skip


@given(st.fixed_dictionaries(dict.fromkeys(TOKENS, COUNTS)), COUNTS)
def test_every_unit_is_in_one_bucket(counts: dict[str, int], reasoning: int) -> None:
    usage = Usage(**counts, reasoning=reasoning)
    assert usage.total_in + usage.total_out == sum(counts.values())
    assert Reading(usage=usage, reported_total=sum(counts.values())).adds_up
    assert not Reading(usage=usage, reported_total=sum(counts.values()) + 1).adds_up
    assert usage.cached_in + usage.written <= usage.total_in


def test_what_was_not_reported_is_no_mismatch() -> None:
    assert Reading().adds_up
    assert Reading(usage=Usage(out=1)).adds_up
