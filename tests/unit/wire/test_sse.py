import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farthing.wire import sse

ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


@st.composite
def event_streams(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    """Payloads, and the bytes of their events with one kind of line end."""
    end = draw(ends)
    carried = draw(st.lists(st.binary(max_size=9).filter(lambda each: not set(each) & set(b"\r\n")), max_size=6))
    written = b""
    for payload in carried:
        name = draw(st.sampled_from([b"", b"event: x" + end, b": note" + end]))
        written += name + b"data:" + draw(st.sampled_from([b" ", b""])).join([b"", payload]) + end + end
    return [payload.removeprefix(b" ") if payload else b"" for payload in carried], written


def test_the_usual_event() -> None:
    data = b'data: {"a":1}\n\n: ping\n\nevent: x\ndata: {"b":2}\n\n'
    assert list(sse.payloads(data)) == [b'{"a":1}', b'{"b":2}']
    assert list(sse.payloads_backwards(data)) == [b'{"b":2}', b'{"a":1}']


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_kind_of_line_end(end: bytes) -> None:
    data = b"event: a@@data: 1@@@data: 2@@@data: 3".replace(b"@@@", end * 2).replace(b"@@", end)
    assert list(sse.payloads(data)) == [b"1", b"2", b"3"]
    assert list(sse.payloads_backwards(data)) == [b"3", b"2", b"1"]
    assert data[: sse.boundary(data)].endswith(b"data: 2" + end * 2)


def test_data_in_several_lines_is_joined() -> None:
    assert sse.payload(b'data: {"a":\ndata: 1}\n\n') == b'{"a":\n1}'


@given(event_streams())
def test_backwards_is_forwards_reversed(made: tuple[list[bytes], bytes]) -> None:
    _, data = made
    assert list(sse.payloads_backwards(data)) == list(sse.payloads(data))[::-1]


@given(event_streams(), st.integers(0, 500))
def test_a_boundary_parts_the_events(made: tuple[list[bytes], bytes], cut: int) -> None:
    _, data = made
    head = data[: cut % (len(data) + 1)]
    end = sse.boundary(head)
    assert list(sse.payloads(data[:end])) + list(sse.payloads(data[end:])) == list(sse.payloads(data))


@given(event_streams(), st.integers(0, 500))
def test_a_span_is_the_event_around_a_place(made: tuple[list[bytes], bytes], place: int) -> None:
    _, data = made
    if data:
        place %= len(data)
    assume(data[place : place + 1].strip())
    start, end = sse.span(data, 0, place)
    assert start <= place < end
    assert len(list(sse.payloads(data[start:end]))) <= 1


def test_the_end_of_data_ends_a_span() -> None:
    assert sse.span(b"data: 1\n\ndata: 2", 0, 12) == (9, 16)
    assert sse.boundary(b"data: 2") == 0
