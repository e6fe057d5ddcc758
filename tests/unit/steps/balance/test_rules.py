import pytest

from farthing.model.call import Answer
from farthing.model.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from farthing.steps.balance.opening import BadStart
from farthing.steps.balance.rules import asked_pause, of_failure
from unit.steps.balance.scene import error


def marks(status: int, body: bytes = b"", **headers: str) -> set[str]:
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    verdict = of_failure(Answer(status, told, body))
    names = ("again", "elsewhere", "limited", "fault", "burdens", "overflow", "filtered")
    return {name for name in names if getattr(verdict, name)} | ({"lasts"} if verdict.lasts_s else set())


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (400, b'{"error":{"message":"temperature is too high"}}', set()),
        (404, b"", {"elsewhere"}),
        (401, b"", {"elsewhere", "fault", "lasts"}),
        (402, b"", {"elsewhere", "fault", "lasts"}),
        (403, b"", {"elsewhere", "fault", "lasts"}),
        (408, b"", {"again", "elsewhere", "fault", "burdens"}),
        (409, b"", {"again", "elsewhere"}),
        (429, b"", {"again", "elsewhere", "limited"}),
        (429, error("insufficient_quota"), {"elsewhere", "fault", "lasts"}),
        (400, b'{"error":{"message":"Your credit balance is too low to access the API"}}', {"elsewhere", "fault", "lasts"}),
        (500, b"", {"again", "elsewhere", "fault", "burdens"}),
        (529, b"", {"again", "elsewhere", "fault", "burdens"}),
        (501, b"", {"elsewhere", "fault"}),
        (400, error("context_length_exceeded"), {"overflow"}),
        (400, b'{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}', {"overflow"}),
        (400, error("content_filter"), {"filtered"}),
        (405, b"", set()),
    ],
)  # fmt: skip
def test_by_status_and_words(status: int, body: bytes, wanted: set[str]) -> None:
    assert marks(status, body) == wanted


def test_a_provider_s_no() -> None:
    assert "again" not in marks(500, x_should_retry="false")
    assert "again" in marks(500, x_should_retry="true")


def test_errors_of_ours() -> None:
    assert of_failure(UpstreamUnreachable("x")).again and not of_failure(UpstreamUnreachable("x")).burdens
    for failure in (UpstreamError("x"), UpstreamTimeout("x")):
        assert not of_failure(failure).again and of_failure(failure).elsewhere


@pytest.mark.parametrize(
    ("kinds", "elsewhere"),
    [(("", "overloaded_error"), True), (("", "api_error"), True), (("rate_limit_exceeded", "tokens"), True),
     (("", "invalid_request_error"), False), (("", "never heard of"), True)],
)  # fmt: skip
def test_the_first_event(kinds: tuple[str, str], elsewhere: bool) -> None:
    verdict = of_failure(BadStart(Answer(200, []), kinds, b"{}"))
    assert verdict.elsewhere is elsewhere and not verdict.again and "stream" in verdict.why


def test_how_long_it_asks_to_wait() -> None:
    assert asked_pause(Answer(503, [(b"retry-after", b"2")])) == 2
    assert asked_pause(UpstreamError("x")) is None
