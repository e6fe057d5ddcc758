"""Words that nobody's provider said, as answers of each format that may be told anew."""

import json

import pytest

from farthing.wire import FORMATS
from farthing.wire.replay import replay, storable
from farthing.wire.replay.spoken import SPEAKS, spoken
from farthing.wire.said import said


@pytest.mark.parametrize("format", sorted(SPEAKS))
@pytest.mark.parametrize("stream", [False, True])
def test_it_is_an_answer_like_any(format: str, stream: bool) -> None:
    whole = spoken(format, '{"way": "refund"}', "big", "call-1", 1_790_000_000)
    ask = FORMATS[format].ask(
        json.dumps({"model": "big", "messages": [], "input": "x", "stream": stream, "max_tokens": 1}).encode()
    )
    assert storable(format, whole)
    told = said(format, replay(format, whole, ask, usage="original", call_id="call-1", now=1_790_000_000))
    assert told is not None and told.text == '{"way": "refund"}' and told.finish == "stop"
