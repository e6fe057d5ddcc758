import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farthing.model.call import Deployment, Headers
from farthing.steps.balance.headroom import Room, retry_after, seconds_of, told
from farthing.store.buckets import Buckets
from farthing.upstream.simulator.rate_limits import span


def room(**settings: int) -> Room:
    return Room(Deployment("a/m", "a", "m", "openai", **settings), Buckets())  # type: ignore[arg-type]


def openai(limit: int, left: int, reset: str = "0s") -> Headers:
    return [
        (b"x-ratelimit-limit-tokens", b"%d" % limit), (b"x-ratelimit-remaining-tokens", b"%d" % left),
        (b"x-ratelimit-reset-tokens", reset.encode()),
    ]  # fmt: skip


def test_both_families_of_headers() -> None:
    requests, tokens = told(
        [(b"x-ratelimit-limit-requests", b"60"), (b"x-ratelimit-remaining-requests", b"59"), *openai(1000, 400, "36s")]
    )
    assert requests == (60, 59, 0.0) and tokens == (1000, 400, 36.0)
    names = ("tokens", "input-tokens", "output-tokens", "requests")
    claude = [(f"anthropic-ratelimit-{name}-{what}".encode(), b"100" if what == "limit" else b"%d" % left)
              for left, name in enumerate(names, 50) for what in ("limit", "remaining")]  # fmt: skip
    assert told(claude) == ((100, 53, 0.0), (100, 50, 0.0))
    assert told([(b"content-type", b"text/plain")]) == (None, None)
    assert told([(b"x-ratelimit-limit-tokens", b"many"), (b"x-ratelimit-remaining-tokens", b"1")]) == (None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6ms", 0.006), ("1.2s", 1.2), ("6m0s", 360), ("1h2m3s", 3723), ("x", 0), ("", 0), ("1..2s", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text.encode()) == pytest.approx(seconds)


@given(st.floats(0, 1e5))
def test_durations_as_the_simulator_writes_them(seconds: float) -> None:
    assert seconds_of(span(seconds).encode()) == pytest.approx(seconds, abs=0.51e-3)


def test_when_to_come_back() -> None:
    assert retry_after([(b"retry-after", b"7"), (b"retry-after-ms", b"6500")]) == 6.5
    assert retry_after([(b"retry-after", b"7")]) == 7
    assert retry_after([(b"retry-after", b"Wed, 21 Oct 2026 07:28:00 GMT")]) is None
    assert retry_after([(b"retry-after", b"nan")]) is None and retry_after([]) is None


def test_what_the_provider_tells_less_what_was_sent_since() -> None:
    one = room()
    assert one.wait(10**9, 0.0) == 0
    ticket = one.take(100, 0.0)
    later = one.take(50, 0.1)
    one.learn(openai(6000, 200, "58s"), ticket, 0.0, 0.5)  # 100 a second flow back
    assert one.share(0.5) == pytest.approx((200 + 50 - 50) / 6000)
    assert one.wait(200, 0.5) == pytest.approx(0.0) and one.wait(300, 0.5) == pytest.approx(1.0)
    one.learn(openai(6000, 6000), ticket, -5.0, 0.6)  # old news
    assert one.wait(300, 0.5) == pytest.approx(1.0)
    one.give_back(later, 0.5)
    assert one.wait(250, 0.5) == pytest.approx(0.0)


def test_calls_queue_by_taking_ahead() -> None:
    one = room()
    one.learn(openai(600, 0, "60s"), one.take(0, 0.0), 0.0, 0.0)
    waits = []
    for _ in range(3):
        waits.append(one.wait(10, 0.0))
        one.take(10, 0.0)
    assert waits == pytest.approx([1, 2, 3])


def test_how_far_estimates_are_off_is_learned() -> None:
    one, left, now = room(), 100_000.0, 0.0
    for _ in range(40):
        ticket = one.take(100, now)
        left -= 300
        one.learn(openai(1_000_000, int(left), "3600s"), ticket, now, now)
        now += 0.001
    one.learn(openai(1_000_000, 299, "3600s"), one.take(0, now), now, now)
    assert one.wait(100, now) > 0 and one.wait(80, now) == 0


def test_a_refusal_that_the_levels_explain_and_one_that_they_do_not() -> None:
    one = room()
    ticket = one.take(100, 0.0)
    one.refused([*openai(6000, 40, "60s"), (b"retry-after-ms", b"600")], ticket, 0.0, 0.0)
    assert one.wait(100, 0.0) == pytest.approx(0.604, abs=0.05) and one.wait(20, 0.0) == 0
    one = room()
    one.refused([(b"retry-after", b"3")], one.take(1, 0.0), 0.0, 0.0)
    assert one.wait(1, 0.0) == 3 and one.wait(1, 3.0) == 0 and one.share(0.0) == 0
    one = room()
    one.refused([], one.take(1, 0.0), 0.0, 0.0)
    assert one.wait(1, 0.0) == 1
    assert one.watched(60.0) and not one.watched(100.0)


def test_limits_of_the_settings_are_put_right_afterwards() -> None:
    one = room(tokens_per_minute=600)
    ticket = one.take(600, 0.0)
    assert one.wait(10, 0.0) == pytest.approx(1.0, abs=0.05)
    one.put_right(ticket, 100)
    assert one.wait(400, 0.0) == 0 and one.share(0.0) == pytest.approx(500 / 600, abs=0.01)


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 400), st.booleans()), max_size=40))
@example(
    [(0.0, 12, False), (1.1875, 164, True), (0.0, 21, False), (1.25, 1, True), (0.0, 33, False), (0.0, 394, False)]
)
def test_with_true_headers_no_more_is_sent_than_the_provider_admits(steps: list[tuple[float, int, bool]]) -> None:
    """One call at a time, estimates right: what is sent when there is no wait is never refused."""
    one, level, now = room(), 600.0, 0.0
    one.learn(openai(600, 600), one.take(0, 0.0), 0.0, 0.0)
    for pause, tokens, answers in steps:
        now += pause
        level = min(600.0, level + pause * 10)
        if one.wait(tokens, now) > 0:
            continue
        ticket = one.take(tokens, now)
        level -= tokens
        assert level >= -1e-6
        if answers:
            one.learn(openai(600, int(level), f"{(600 - level) / 10:.3f}s"), ticket, now, now)
