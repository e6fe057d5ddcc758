from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire.whole import WHOLE_LIMIT, WholeAnswer

ASK = Ask(model="m")


def sizes(body: bytes, ask: Ask, dialect: str) -> Reading:
    return Reading(usage=Usage(uncached_in=len(body)) if body else None)


def test_pieces_pass_as_they_are_and_are_read_as_one() -> None:
    reader = WholeAnswer(sizes, ASK, "")
    data = b"12345"
    assert reader.feed(data) is data and reader.feed(data) is data and reader.finish() == b""
    assert reader.reading().usage == Usage(uncached_in=10) and reader.complete and reader.ending


def test_what_is_too_long_passes_unread() -> None:
    reader = WholeAnswer(sizes, ASK, "")
    block = bytes(WHOLE_LIMIT // 4)
    for _ in range(5):
        assert reader.feed(block) is block
    assert reader.reading().usage is None and not reader.complete
    assert reader.estimate(b"x" * 40).usage == Usage(uncached_in=10)
