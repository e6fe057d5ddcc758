"""The page on alerts: what is open with what is behind it, what can be done, the rules in words, and a replay on demand."""

import csv
import io
import re
import time
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from browser import company
from farthing.settings import AlertChannelSettings, AlertRuleSettings, AlertSettings, Secret, Settings
from farthing.store import Store
from farthing.store.alerts import Alerts, Change, Notice, Standing
from unit.dashboard.visitors import Place, Visitor, a_place

HOUR = 3_600_000_000
HOSTILE = '<script>alert(1)</script>"\u202e'
DOWN = AlertChannelSettings(kind="webhook", url=Secret("http://127.0.0.1:9/secret-path"))


def standings(now: int) -> list[Standing]:
    base = Standing("a1", "default", "day_spend", "feature", "agent", "warn", "today", "It is dear.", "80 % is model big", at_stake=5 * 10**9, since_us=now - HOUR, seen_us=now, changed_us=now)  # fmt: skip
    return [
        base,
        msgspec.structs.replace(base, id="a2", rule="errors", scope=HOSTILE, state="alert", text=f"{HOSTILE} fails", also=(HOSTILE,), at_stake=0),
        msgspec.structs.replace(base, id="a3", rule="budget_level", scope_kind="budget", scope="each (bob)", at_stake=0),
        msgspec.structs.replace(base, id="a4", rule="waste", state="ok", text="It was wasteful."),
        msgspec.structs.replace(base, id="a5", tenant="b", text="It is theirs."),
        msgspec.structs.replace(base, id="a6", rule="no_data", scope_kind="total", scope="", state="no-data", text="Silence.", at_stake=0),
    ]  # fmt: skip


async def filled(store: Store) -> None:
    now = time.time_ns() // 1000
    found = standings(now)
    notices = [Notice("raised", found[0], ("log",)), Notice("resolved", found[3]), Notice("digest", msgspec.structs.replace(found[0], id="d", text="A week.\nAll well."))]  # fmt: skip
    await Alerts(store, lambda: now).decide(lambda known, mutes: Change(found, notices))


async def editor(place: Place) -> Visitor:
    return place.visitor(await place.add_key("ed", role="editor"))


async def test_open_ones_first_with_what_is_behind_them(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        text = await place.visitor().open("/alerts")
        places = [text.index(word) for word in ("errors: feature", "day spend: feature agent", "budget level:", "no data: all spending", "What happened", "It was wasteful.")]  # fmt: skip
        assert places[:4] == sorted(places[:4]) and "It is theirs." not in text
        assert "80 % is model big." in text and "<b>$5.00</b> at stake" in text
        assert "/calls?period=" in text and "feature=agent" in text and "/budgets?budget=each" in text
        assert "<script>alert" not in text and "&lt;script&gt;alert" in text and "weekly digest" in text
        assert f"feature={quote(HOSTILE, safe='')}" in text.replace("+", "%20")
        one = await place.visitor().open("/alerts?alert=a1")
        assert "What happened to it" in one and "told first" in one
        await place.visitor().open("/alerts?alert=a5", 404)


async def test_long_lists_are_in_parts(tmp_path: Path) -> None:
    async def many(store: Store) -> None:
        now = time.time_ns() // 1000
        base = standings(now)[0]
        named = [msgspec.structs.replace(base, id=f"o{no}", scope=f"open {no:03}") for no in range(60)]
        gone = [msgspec.structs.replace(base, id=f"g{no}", scope=f"gone {no:03}", state="ok") for no in range(120)]
        notices = [Notice("raised", msgspec.structs.replace(base, id="o1", text=f"told {no:03}")) for no in range(130)]
        await Alerts(store, lambda: now).decide(lambda known, mutes: Change([*named, *gone], notices))

    async with a_place(tmp_path, before=many) as place:
        visitor = place.visitor()
        first = await visitor.open("/alerts")
        assert first.count("alert-row") == 25 and "told 129" in first and "told 079" not in first
        assert len(re.findall(r"gone \d", first)) == 50 and "1 of 3" in first
        for address in ("/alerts", "/alerts?alert=o1"):
            told: list[str] = []
            while address:
                text = await visitor.open(address)
                told += re.findall(r"told (\d{3})", text[text.index('id="history"') :])
                older = re.search(r'href="(/alerts[^"#]*before_no=[^"#]*)#history" rel="next"', text)
                address = older[1].replace("&amp;", "&") if older else ""
            assert told == [f"{no:03}" for no in reversed(range(130))] and "⇤ Newest" in text
        last = await visitor.open("/alerts?open=3&over=3&before_no=31")
        assert last.count("alert-row") == 10 and len(re.findall(r"gone \d", last)) == 20 and "told 029" in last
        assert 'href="/alerts?open=2&amp;over=3&amp;before_no=31#open"' in last
        for name, count in (("over", 120), ("history", 130)):
            rows = list(csv.DictReader(io.StringIO(await visitor.open(f"/alerts/csv/{name}?over=2&before_no=31"))))
            assert len(rows) == count
        await visitor.open("/alerts?before_no=x", 400)


async def test_acknowledge_mute_and_unmute(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        visitor, alerts = await editor(place), Alerts(place.store)
        answer = await visitor.send("/alerts", "/alerts/acknowledge", id="a1")
        assert (
            "Acknowledged: day spend: feature agent." in answer.text and "key ed (key-ed) looks after it" in answer.text
        )
        for wrong in ("a4", "a5", "none"):
            assert (await visitor.send("/alerts", "/alerts/acknowledge", id=wrong)).status_code == 400
        answer = await visitor.send("/alerts?alert=a1", "/alerts/mute?alert=a1", rule="day_spend", scope="feature:agent", why="load test", **{"for": "4h"})  # fmt: skip
        assert "Muted until" in answer.text and "Nobody is told until" in answer.text
        (mute,) = await alerts.mutes("default")
        assert (mute.rule, mute.scope, mute.why, mute.who) == (
            "day_spend",
            "feature:agent",
            "load test",
            "key ed (key-ed)",
        )
        assert abs(mute.until_us - place.now_us() - 4 * HOUR) < HOUR / 10
        assert "Found, but muted" in await visitor.open("/alerts") and "load test" in await visitor.open("/alerts")
        theirs = place.visitor(await place.add_key("t", role="editor", tenant="b"))
        assert (await theirs.send("/alerts", "/alerts/unmute", id=mute.id)).status_code == 404
        assert "The mute has ended." in (await visitor.send("/alerts", "/alerts/unmute", id=mute.id)).text
        assert (await visitor.send("/alerts", "/alerts/unmute", id=mute.id)).status_code == 404
        answer = await visitor.send(
            "/alerts", "/alerts/mute", rule="", scope="total", until="2027-03-31", **{"for": "1h"}
        )
        assert "every rule, total:" in answer.text and "2027-04-01 00:00:00" in answer.text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"rule": "nonsense"}, "rule is one of"), ({"scope": "agent"}, "KIND:NAME"), ({"scope": "planet:earth"}, "KIND:NAME"), ({"for": "soon"}, "90m, 12h or 7d"),
        ({"until": "2020-01-01"}, "over already"), ({"until": "2099-01-01"}, "a year at most"), ({"why": "a\nb"}, "one line"), ({"scope": "feature:\u202e"}, "one line"),
        ({"for": "99999d"}, "a year at most"), ({"why": "x" * 600}, "no mute"),
    ],
)  # fmt: skip
async def test_what_is_no_mute(tmp_path: Path, said: dict[str, str], words: str) -> None:
    async with a_place(tmp_path) as place:
        answer = await (await editor(place)).send(
            "/alerts", "/alerts/mute", **({"for": "1h", "rule": "", "scope": ""} | said)
        )
        assert answer.status_code == 400 and words in answer.text
        assert await Alerts(place.store).mutes() == []


async def test_rules_channels_and_a_test_message(tmp_path: Path) -> None:
    settings = Settings(
        alerts=AlertSettings(
            channels={"ops": DOWN, "quiet": AlertChannelSettings(kind="log", least="alert", rules=["errors"])},
            rules={"cheap_tier": AlertRuleSettings(on=False), "errors": AlertRuleSettings(percent=33.0)},
        )
    )  # fmt: skip
    async with a_place(tmp_path, settings, before=filled) as place:
        visitor = await editor(place)
        text = await visitor.open("/alerts")
        assert "More than 33 % of a day&#39;s calls fail." in text and "secret-path" not in text
        rows = {row["rule"]: row for row in csv.DictReader(io.StringIO(await visitor.open("/alerts/csv/rules")))}
        assert (rows["cheap_tier"]["state"], rows["errors"]["state"]) == ("no, changed", "yes, changed")
        assert (rows["errors"]["channels"], rows["waste"]["channels"]) == ("ops, quiet", "ops")
        rows = {row["channel"]: row for row in csv.DictReader(io.StringIO(await visitor.open("/alerts/csv/channels")))}
        assert (
            rows["log"]["kind"] == "gone"
            and rows["log"]["waiting"] == "1"
            and rows["quiet"]["wants"].startswith("alerts, and their end")
        )
        answer = await visitor.send("/alerts", "/alerts/test", channel="ops")
        assert (
            answer.status_code == 400
            and "The channel ops did not take it" in answer.text
            and "secret-path" not in answer.text
        )
        assert "took a test message" in (await visitor.send("/alerts", "/alerts/test", channel="quiet")).text
        assert (await visitor.send("/alerts", "/alerts/test", channel="none")).status_code == 404
        theirs = place.visitor(await place.add_key("t", role="editor", tenant="b"))
        assert 'id="channels"' not in await theirs.open("/alerts")
        assert (await theirs.send("/alerts", "/alerts/test", channel="quiet")).status_code == 403


async def test_a_replay_only_when_asked(tmp_path: Path) -> None:
    async def month(store: Store) -> None:
        await company.fill(store, time.time_ns() // 1000, 30)

    async with a_place(tmp_path, before=month) as place:
        visitor = place.visitor(await place.add_key("v", role="viewer"))
        text = await visitor.open("/alerts")
        assert "would have fired" not in text.replace("What would have fired", "") and place.backtests._kept == {}
        assert "Acknowledge<" not in text and "/alerts/mute" not in text
        await place.backtests.of("default", *_span(place, 30), wait_s=60)
        text = await visitor.open("/alerts?backtest=30")
        assert "These alerts would have fired in the last 30 days" in text and "day spend" in text
        rows = list(csv.DictReader(io.StringIO(await visitor.open("/alerts/csv/each?backtest=30"))))
        assert {"day_spend", "unpriced"} <= {row["rule"] for row in rows}
        await visitor.open("/alerts?backtest=31", 400)
        await place.visitor(await place.add_key("own")).open("/alerts", 403)


def _span(place: Place, days: int) -> tuple[int, int]:
    day = 24 * HOUR
    until = place.now_us() - place.now_us() % day
    return until - days * day, until


async def test_a_calm_ledger(tmp_path: Path) -> None:
    async with a_place(tmp_path, Settings(alerts=AlertSettings(on=False))) as place:
        text = await place.visitor().open("/alerts")
        assert "Nothing is out of order." in text and "does not look for alerts" in text and "Nothing is muted." in text
