"""What a call says of waiting."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Ask, Call
from farthing.model.errors import BadRequest
from farthing.model.principal import Key, Principal
from farthing.steps.defer.asked import DAY_S, LONGEST_S, MOST_KEPT, Wish, Wishes, deadline_us, kept_headers, seconds_of

NOW_US = 1_790_000_000_000_000
WISHES = Wishes(hold_s=100.0, allows=lambda url: url.startswith("https://hooks."))
POLICY = Wishes(hold_s=100.0, deadline_s=60.0, features={"night": 7200.0, "chat": 0.0})


def call(wire: str = "openai.chat", tier: str = "", feature: str = "", key: Key | None = None, **headers: str) -> Call:
    sent = {f"x-farthing-{name}".encode(): value.encode("latin-1") for name, value in headers.items()}
    made = Call(
        id="c-1", wire=wire, headers=sent, peer="", body=b"{}", ask=Ask("m", tier=tier), started_us=NOW_US, started=0.0
    )  # fmt: skip
    made.key, made.principal = key, Principal(feature=feature)
    return made


def seconds(wish: Wish | None) -> float | None:
    return None if wish is None else (wish.deadline_us - NOW_US) / 1e6


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("15m", 900), ("6h", 21_600), ("2d", 172_800), ("1.5H", 5400), ("0", 0), ("now", 0), ("0s", 0)],
)
def test_times(text: str, expected: float) -> None:
    assert seconds_of(text) == expected


@pytest.mark.parametrize("text", ["", "6", "h", "-1h", "1w", "1h30m", "six hours", "1 h", "9" * 40 + "s", "\u0661h"])
def test_what_is_no_time(text: str) -> None:
    assert seconds_of(text) is None
    with pytest.raises(BadRequest):
        deadline_us(text, NOW_US)


def test_instants() -> None:
    wanted = NOW_US + 3_600_000_000
    for text in ("2026-09-21T15:13:20Z", "2026-09-21T15:13:20+00:00", "2026-09-21T17:13:20+02:00"):
        assert deadline_us(text, NOW_US - 0) == 1_790_003_600_000_000 == wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-09-21T15:13:20", "time zone"), ("2026-09-21T13:13:20Z", "has passed"), ("2030-01-01T00:00:00Z", "30 days"),
        ("31d", "30 days"), ("0001-01-01T00:00:00+23:59", "cannot be read"),
    ],
)  # fmt: skip
def test_deadlines_that_cannot_be(text: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        deadline_us(text, NOW_US)


@given(st.text(max_size=80))
def test_whatever_is_sent_is_a_deadline_or_a_bad_request(text: str) -> None:
    try:
        found = deadline_us(text, NOW_US)
    except BadRequest:
        return
    assert found == 0 or NOW_US <= found <= NOW_US + LONGEST_S * 1e6


def test_a_call_that_says_nothing_does_not_wait() -> None:
    assert WISHES.of(call()) is None
    assert WISHES.of(call(tier="auto")) is None


def test_the_header_goes_first() -> None:
    wish = WISHES.of(call(tier="flex", deadline="6h"))
    assert wish == Wish(NOW_US + 21_600_000_000, "hold", "", "flex", named=True)
    assert POLICY.of(call(deadline="now")) is None
    assert WISHES.of(call(tier="batch", deadline="0")) is None


def test_a_service_tier_is_held_and_done_within_the_hold() -> None:
    for tier in ("batch", "flex"):
        wish = WISHES.of(call(tier=tier))
        assert wish is not None and wish.wait == "hold" and wish.tier == tier and not wish.named
        assert seconds(wish) == 90.0


def test_a_job_or_a_webhook_alone_waits_for_a_day() -> None:
    job, posted = WISHES.of(call(wait="job")), WISHES.of(call(webhook="https://hooks.example.com/a"))
    assert seconds(job) == seconds(posted) == DAY_S
    assert job is not None and job.wait == "job"
    assert posted is not None and posted.webhook == "https://hooks.example.com/a" and posted.wait == "hold"


def test_policies_wait_no_longer_than_connections_are_held() -> None:
    assert seconds(POLICY.of(call())) == 60.0
    assert seconds(POLICY.of(call(feature="night"))) == 90.0
    assert POLICY.of(call(feature="chat")) is None
    assert seconds(POLICY.of(call(feature="night", wait="job"))) == 7200.0


def test_a_key_can_carry_a_deadline() -> None:
    def of(tag: str) -> float | None:
        return seconds(WISHES.of(call(key=Key("k", "k", b"", tags={"deadline": tag}))))

    assert (of("30s"), of("6h"), of("now"), of("Friday")) == (30.0, 90.0, None, None)


def test_formats_that_cannot_wait_do_not() -> None:
    assert POLICY.of(call("anthropic.count_tokens", deadline="6h")) is None
    for wire in ("openai.responses", "openai.embeddings", "anthropic.messages"):
        assert WISHES.of(call(wire, deadline="6h")) is not None


@pytest.mark.parametrize("headers", [{"wait": "later"}, {"webhook": "https://evil.example/"}, {"deadline": ""}])
def test_headers_that_cannot_be_used_are_refused(headers: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        WISHES.of(call(**headers))


def test_no_secret_is_kept_of_headers() -> None:
    sent = {
        b"authorization": b"Bearer x",
        b"x-api-key": b"k",
        b"api-key": b"k",
        b"cookie": b"c",
        b"anthropic-beta": b"b",
    }
    sent |= {b"x-farthing-feature": b"f", b"x-farthing-deadline": b"6h", b"x-farthing-wait": b"job"}
    assert kept_headers(sent) == {"anthropic-beta": "b", "x-farthing-feature": "f"}
    many = {b"x-farthing-tag-%d" % number: b"v" * 9000 for number in range(500)}
    kept = kept_headers(many)
    assert len(kept) == MOST_KEPT and all(len(value) <= 1024 for value in kept.values())


def test_flex_is_left_to_a_provider_that_knows_it() -> None:
    knows = Wishes(hold_s=100.0, flexes=lambda model: True)
    assert knows.of(call(tier="flex")) is None and knows.of(call(tier="batch")) is not None
    wish = knows.of(call(tier="flex", deadline="6h"))
    assert wish is not None and wish.tier == "flex"
