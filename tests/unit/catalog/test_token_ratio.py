import pytest

from farthing.catalog.token_ratio import TokenRatios, by_bytes, exact, plain, script_of, start_of
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage


def test_a_text_is_counted_exactly_where_that_can_be() -> None:
    pytest.importorskip("rs_bpe", reason="the extra `tokens` is not installed")
    assert exact("hello world") == 2 and plain("hello world") == 2
    assert exact("half a \ud800 pair") is not None
    assert by_bytes(5) == 2


@pytest.mark.parametrize(
    ("model", "start"),
    [("claude-opus-5-5", 1.15), ("anthropic.claude-3", 1.15), ("gemini-2.5-pro", 1.08), ("gpt-4o", 1.0), ("mine", 1.0)],
)
def test_what_is_assumed_of_a_model(model: str, start: float) -> None:
    assert start_of(model) == start and TokenRatios().ratio(model) == start


def test_the_ratio_settles_within_tens_of_calls() -> None:
    ratios = TokenRatios()
    for _ in range(40):
        ratios.learn("claude-opus-5-5", 1000, 1400)
    assert ratios.ratio("claude-opus-5-5") == pytest.approx(1.4, rel=0.03)
    assert ratios.ratio("claude-opus-5-5", "bytes") == 1.15
    assert ratios.tokens("claude-opus-5-5", "word " * 100) == pytest.approx(100 * 1.4, rel=0.05)
    assert ratios.seen("claude-opus-5-5") == 40


def test_a_model_that_changes_is_followed() -> None:
    ratios = TokenRatios()
    for reported in (1000, 1500):
        for _ in range(2000):
            ratios.learn("m", 1000, reported)
    assert ratios.ratio("m") == pytest.approx(1.5, rel=0.03)


def test_calls_with_media_teach_nothing() -> None:
    ratios = TokenRatios()
    ratios.learn("m", 50_000, 1_200)
    ratios.learn("m", 0, 10)
    assert ratios.seen("m") == 0


def test_memory_is_bounded() -> None:
    ratios = TokenRatios(most=10)
    for at in range(100):
        ratios.learn(f"m{at}", 10, 10)
    assert sum(ratios.seen(f"m{at}") for at in range(100)) <= 10


def test_it_learns_from_the_ledger() -> None:
    ratios = TokenRatios()

    def call(**more: object) -> Record:
        attempt = Attempt(1, model="gpt-4o", outcome="ok", usage=Usage(uncached_in=100, cache_read=50))
        record = Record(id="1", started_us=0, wire="openai.chat", outcome="ok", request_bytes=400, attempts=[attempt])
        for name, value in more.items():
            setattr(record, name, value)
        return record

    ratios.observe([call(), call(outcome="broken"), call(cache="exact"), call(attempts=[]), call(request_bytes=0)])
    assert ratios.seen("gpt-4o", "bytes") == 1
    assert ratios.tokens_of_bytes("gpt-4o", 400) > 100


def test_scripts_are_told_apart_and_have_ratios_of_their_own() -> None:
    texts = ["plain words", "schöne Wörter über Öl", "Привет мир", "सामान मंगलवार को आया", "货物星期二到了", ""]
    assert [script_of(text) for text in texts] == [
        "ascii", "accented", "two bytes", "mostly three bytes", "three bytes", "ascii"
    ]  # fmt: skip
    ratios = TokenRatios()
    for _ in range(40):
        ratios.learn("m", 100, 100, script="ascii")
        ratios.learn("m", 100, 250, script="three bytes")
    assert ratios.ratio("m", script="ascii") == pytest.approx(1.0, rel=0.05)
    assert ratios.ratio("m", script="three bytes") == pytest.approx(2.5, rel=0.05)
    assert ratios.ratio("m", script="accented") == ratios.ratio("m") == pytest.approx(1.75, rel=0.05)
