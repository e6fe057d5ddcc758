import base64

from farthing.model.call import Ask
from farthing.wire import tokens


def test_text_is_a_token_for_every_four_bytes() -> None:
    assert tokens.likely_input(b"x" * 400) == 100
    assert tokens.likely_input(b"x" * 401) == 101
    assert tokens.most_input(b"x" * 400) == 160


def test_the_upper_estimate_is_never_below_the_likely_one() -> None:
    for length in range(50):
        assert tokens.most_input(b"x" * length) >= tokens.likely_input(b"x" * length)


def test_an_image_counts_as_one_whatever_its_bytes() -> None:
    picture = base64.b64encode(bytes(90_000))
    openai = b'{"url":"data:image/png;base64,' + picture + b'"}'
    anthropic = b'{"type":"base64","media_type":"image/png","data":"' + picture + b'"}'
    for body in (openai, anthropic):
        assert tokens.IMAGE_TOKENS < tokens.likely_input(body) < tokens.IMAGE_TOKENS + 20


def test_output_is_at_least_a_token_a_delta() -> None:
    assert tokens.likely_output(400, 10) == 100
    assert tokens.likely_output(4, 10) == 10


def test_an_estimate_stays_below_what_the_request_allows() -> None:
    assert tokens.bounded(500, Ask(model="m")) == 500
    assert tokens.bounded(500, Ask(model="m", max_output=60)) == 60
    assert tokens.bounded(500, Ask(model="m", max_output=60, choices=3)) == 180


def test_text_in_a_delta_of_any_shape() -> None:
    assert tokens.text_size({"content": "four"}) == 4
    assert tokens.text_size({"content": "é"}) == 2
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
    assert tokens.text_size({"role": "assistant", "tool_calls": [call]}) == 11
    assert tokens.text_size({"type": "thinking_delta", "thinking": "hmm"}) == 3
    assert tokens.text_size({"type": "signature_delta", "signature": "x" * 900}) == 0
    assert tokens.text_size({"content": [{"type": "text", "text": "abc"}]}) == 3
    assert tokens.text_size("abc") == 3
    assert tokens.text_size(None) == 0
