"""Calls that a page may meet and that are not like most: with all that a cost card can show, and with words of callers that
are markup, endless, written from right to left, or no text at all. They lie two months back, so that sums of other tests
hardly feel them.

`python tests/browser/oddities.py sqlite:////tmp/x/farthing.db` adds them to a ledger.
"""

import asyncio
import sys
from collections.abc import Iterator

import msgspec

from farthing.model.arms import MODEL_SELECTION, SEMANTIC_CACHE
from farthing.model.charge import Charge
from farthing.model.record import Attempt, Decision, PricedLine, Record, Saving
from farthing.model.usage import Usage
from farthing.store import open_store
from farthing.store.rollups import DAY_US
from farthing.store.store import now_us

DAYS_AGO = 61
RICH, HOSTILE, UNPRICED, HIT, REFUSED, CUT_OFF, FORMULA = (
    f"call-{number:011x}{number:016x}" for number in range(0x11, 0x18)
)
SCRIPT = "<script>document.title='taken'</script>"
IMAGE = "\"><img src=x onerror=\"document.title='taken'\">'--></style>"
FEATURE = f"{SCRIPT} & {{{{ 7*7 }}}}"
USER = "\u202eمستخدم عربي\u202c"
LONG = "A very long word" * 700
RAW = b'{"prompt_tokens":1200,"completion_tokens":80,"prompt_tokens_details":{"cached_tokens":1000}}'


def records(now: int) -> Iterator[Record]:
    at = now - now % DAY_US - DAYS_AGO * DAY_US + DAY_US // 2
    yield _rich(at)
    yield _hostile(at + 1_000_000)
    yield _plain(at + 2_000_000, UNPRICED, cost_state="unpriced")
    yield _hit(at + 3_000_000)
    yield msgspec.structs.replace(
        _plain(at + 4_000_000, REFUSED), status=429, outcome="error", error="the budget 'support' is used up",
        attempts=[], in_tokens=0, out_tokens=0, cost_state="computed",
    )  # fmt: skip
    yield msgspec.structs.replace(_plain(at + 5_000_000, CUT_OFF), outcome="interrupted", cost_state="unknown")
    yield msgspec.structs.replace(_plain(at + 6_000_000, FORMULA), user='=HYPERLINK("http://127.0.0.1")', team="+1")


def _rich(at: int) -> Record:
    """Two attempts, a contract, three levers of which one cost more than it brought, budgets in two units."""
    lost = Attempt(
        1, provider="openai", deployment="openai/eu", model="gpt-5.4-mini", outcome="timeout", status=0, started_us=at + 4_000,
        duration_us=900_000, cost_state="computed", error="no first byte within 0.9 s",
    )  # fmt: skip
    lines = [
        PricedLine("uncached_in", 200, 675_000, 750_000), PricedLine("cache_read", 1_000, 75_000), PricedLine("out", 80, 4_500_000),
        PricedLine("web_search", 1, 3),
    ]  # fmt: skip
    won = Attempt(
        2, provider="openai", deployment="openai/us", model="gpt-5.4-mini", served_model="gpt-5.4-mini-2026-03-01", status=200,
        started_us=at + 910_000, first_byte_us=240_000, duration_us=1_300_000, geo="us", tier="priority",
        usage=Usage(uncached_in=200, cache_read=1_000, out=80, reasoning=30, requests={"web_search": 1}), raw_usage=RAW,
        cost_state="computed", cost=570_000, list_cost=585_000, reported_cost=571_000, lines=lines,
        price_version="openai/gpt-5.4-mini@2026-03-01", flags=["family_rate", "reported_cost_differs"],
    )  # fmt: skip
    savings = [
        Saving(SEMANTIC_CACHE, 5_000_000, 5_000_000, 40_000),
        Saving(MODEL_SELECTION, 5_000_000, 570_000, 0, estimated=True),
        Saving("request routing", 570_000, 530_000),
    ]
    return Record(
        id=RICH, started_us=at, wire="openai.chat", model_asked="auto", model="gpt-5.4-mini", provider="openai",
        deployment="openai/us", key_id="key-support", team="support", project="helpdesk", user="user-001",
        feature="support chat", task="qa", tier="mid", template="0123456789abcdef", session="talk-rich",
        transaction="support_resolution/T-rich", tags={"plan": "pro", "order": "7"}, stream=True, status=200, outcome="ok",
        cost_state="computed", cost=570_000, baseline=570_000 + sum(each.saved for each in savings), in_tokens=1_200,
        cached_tokens=1_000, out_tokens=80, first_byte_us=1_150_000, duration_us=2_230_000, cache="miss",
        trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", request_bytes=5_120,
        arms={MODEL_SELECTION: False, SEMANTIC_CACHE: True}, attempts=[lost, won], savings=savings,
        decisions=[
            Decision("task", "qa", "by the fingerprint of its template"), Decision("cache", "miss", "nothing like it is known"),
            Decision("route", "gpt-5.4-mini", "the cheapest that clears the floor\ngpt-4.1-nano: 0.94 of 0.95\ngpt-5.4: clears it, 4 times as dear"),
            Decision("balance", "openai/gpt-5.4-mini", "the cheapest with room"),
            Decision("balance", "openai/gpt-5.4-mini too", "no first byte in time; the next by price"),
        ],
        charges=[Charge("company", "", "2026-01", "", 570_000), Charge("tokens of support", "support", "2026-01-01", "", 1_280)],
    )  # fmt: skip


def _hostile(at: int) -> Record:
    attempt = Attempt(
        1, provider="openai", deployment=IMAGE, model=IMAGE, served_model=SCRIPT, status=500, outcome="error", started_us=at,
        duration_us=1_000, usage=Usage(uncached_in=10, out=1, requests={IMAGE: 1}), raw_usage=f"{{not json {SCRIPT}\0".encode() + b"\xff",
        cost_state="computed", cost=1_000, list_cost=1_000, lines=[PricedLine(SCRIPT, 10, 100_000)], price_version=IMAGE,
        flags=[SCRIPT], tier=IMAGE, geo=SCRIPT, error=f"{LONG}{SCRIPT}\0\r\n\x1b[31m",
    )  # fmt: skip
    return Record(
        id=HOSTILE, started_us=at, wire="openai.chat", model_asked=IMAGE, model=IMAGE, provider="openai", deployment=IMAGE,
        key_id="key-shared", team="🦆💸" * 20, project=IMAGE, user=USER, feature=FEATURE, task=f"{SCRIPT}\0", tier="small",
        template=SCRIPT, session=LONG, transaction=IMAGE, tags={SCRIPT: IMAGE, LONG: LONG, "\0": "\ud800", "": "🦆"}, status=500,
        outcome="error", error=f"{LONG} {IMAGE}\0", cost_state="computed", cost=1_000, baseline=2_000, in_tokens=10, out_tokens=1,
        duration_us=1_000, trace=IMAGE, attempts=[attempt], savings=[Saving(SCRIPT, 2_000, 1_000)], arms={IMAGE: True},
        decisions=[Decision(SCRIPT, IMAGE, f"{LONG}\n{SCRIPT}: {IMAGE}\n\0: {USER}"), Decision("\0", "", "")],
        charges=[Charge(IMAGE, SCRIPT, LONG, "", 1_000)],
    )  # fmt: skip


def _hit(at: int) -> Record:
    return msgspec.structs.replace(
        _plain(at, HIT), cache="semantic", attempts=[], cost=0, baseline=90_000,
        savings=[Saving(SEMANTIC_CACHE, 90_000, 0)],
    )  # fmt: skip


def _plain(at: int, id_: str, cost_state: str = "computed") -> Record:
    known = cost_state == "computed"
    usage = Usage(uncached_in=20, out=20)
    attempt = Attempt(
        1, provider="openai", deployment="openai/gpt-5.4-mini", model="gpt-5.4-mini", status=200, started_us=at, duration_us=50_000,
        usage=usage, cost_state="computed" if known else "unpriced", flags=[] if known else ["no_price"],
    )  # fmt: skip
    return Record(
        id=id_, started_us=at, wire="openai.chat", model_asked="gpt-5.4-mini", model="gpt-5.4-mini", provider="openai",
        feature="support chat", team="support", user="user-001", status=200, in_tokens=20, out_tokens=20, duration_us=60_000,
        cost_state="computed" if known else "unpriced", attempts=[attempt],
    )  # fmt: skip


async def main(url: str) -> None:
    store = await open_store(url)
    await store.write(list(records(now_us())))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
