"""Whole events out of pieces."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import UpstreamError
from farthing.wire.translate import frames
from farthing.wire.translate.frames import Frames

EVENTS = st.sampled_from(
    [
        b"data: {}\n\n", b"event: x\ndata: 1\n\n", b": note\n\n", b"data:tight\n\n", b"data: two\ndata: lines\n\n",
        b"id: 5\nevent: x\ndata: 2\nretry: 1\n\n", b"\n\n\n", b"data: cr\r\n\r\n", b"event: none\n\n", b"data: \n\n",
    ]
)  # fmt: skip


def _fed(*pieces: bytes) -> list[bytes]:
    cutter = Frames()
    return [payload for piece in pieces for payload in cutter.feed(piece) if payload] + list(cutter.rest())


def test_what_events_carry() -> None:
    source = b": note\n\nevent: x\ndata: 1\n\ndata:2\r\n\r\ndata: a\ndata: b\n\ndata: rest"
    assert _fed(source) == [b"1", b"2", b"a\nb", b"rest"]
    assert _fed(b"data: a\ndata: b\n\n", b": note\n\n") == [b"a\nb"]
    assert _fed(b": note\n\ndata: a\ndata: b\n\n") == [b"a\nb"]


@given(st.lists(EVENTS, max_size=6), st.lists(st.integers(0, 120), max_size=6))
def test_pieces_do_not_matter(events: list[bytes], cuts: list[int]) -> None:
    source = b"".join(events)
    places = [0, *sorted(cuts), len(source)]
    assert _fed(*(source[a:b] for a, b in itertools.pairwise(places))) == _fed(source)


def test_an_event_without_an_end_is_not_kept_for_ever() -> None:
    cutter = Frames()
    piece = b"x" * (frames.LONGEST_EVENT // 4)
    with pytest.raises(UpstreamError):
        for _ in range(5):
            cutter.feed(piece)
