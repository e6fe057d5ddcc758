import pytest

from farthing.model.call import Ask
from farthing.wire import FORMATS
from farthing.wire.format import Format, StreamReader


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_what_it_says(name: str) -> None:
    format: Format = FORMATS[name]
    assert format.name == name
    assert format.family == name.partition(".")[0]
    assert format.path.startswith("/v1/")


@pytest.mark.parametrize("name", FORMATS)
def test_a_reader_that_was_fed_nothing(name: str) -> None:
    reader: StreamReader = FORMATS[name].stream(Ask(model="m", stream=True, wants_usage=False))
    assert reader.finish() == b""
    assert reader.estimate(b"x" * 40).estimated
    if FORMATS[name].billed:
        assert not reader.complete and not reader.ending and reader.reading().usage is None


def test_no_two_formats_share_a_path() -> None:
    assert len({format.path for format in FORMATS.values()}) == len(FORMATS)
