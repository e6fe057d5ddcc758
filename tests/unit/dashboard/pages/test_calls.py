"""The list of calls: every filter, one part after the other, files, and whose calls somebody sees."""

import csv
import io
import re
import time
from html import unescape
from pathlib import Path

from browser import company, oddities
from farthing.dashboard.filters import SCOPES
from farthing.model.record import Record
from farthing.store import Store
from unit.dashboard.visitors import Sketches, Visitor, a_place


async def filled(store: Store) -> None:
    now = time.time_ns() // 1000
    await store.write(list(company.records(now, 2)))
    await store.write(list(oddities.records(now)))


async def rows(visitor: Visitor, query: str) -> list[dict[str, str]]:
    answer = await visitor.web.get(f"/calls/csv/calls?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def listed(text: str) -> list[str]:
    """Ids, as each row leads to its call."""
    return re.findall(r'<a href="/calls/(call-[0-9a-f]+)', text)


async def test_each_filter_narrows_the_list(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        visitor = place.visitor()
        (rich,) = [row for row in await rows(visitor, "period=90d&session=talk-rich") if row["id"] == oddities.RICH]
        said = {**rich, "template": "0123456789abcdef", "deployment": "openai/us"}
        for name in SCOPES:
            found = await rows(visitor, f"period=90d&{name}={said[name]}")
            assert oddities.RICH in {row["id"] for row in found}, name
            if name in found[0]:
                assert {row[name] for row in found} == {said[name]}
        both = await rows(visitor, "period=90d&feature=support+chat&add=cost_state&is=unpriced")
        assert [row["id"] for row in both] == [oddities.UNPRICED]
        text = await visitor.open("/calls?period=90d&feature=support+chat&add=cost_state&is=unpriced")
        assert "cost_state: <b><bdi>unpriced" in text and "feature: <b><bdi>support chat" in text
        assert ">?</" in text  # its cost is not known, which is not nothing
        assert both[0]["cost"] == ""


async def test_one_part_follows_the_other_without_a_gap(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        visitor = place.visitor()
        path, seen = "/calls?period=7d&feature=ticket+triage", []
        while path:
            text = await visitor.open(path)
            seen += listed(text)
            found = re.search(r'href="([^"]+)" rel="next"', text)
            path = unescape(found[1]) if found else ""
        whole = [row["id"] for row in await rows(visitor, "period=7d&feature=ticket+triage")]
        assert seen == whole and len(set(seen)) == len(seen) > 50
        reported = await place.store.report(
            "feature", place.now_us() - 6 * 86_400_000_000, where={"feature": "ticket triage"}
        )
        assert f"{reported[0].calls} calls in all" in await visitor.open("/calls?period=7d&feature=ticket+triage")
        for before in ("x", "1.", "9" * 20 + ".x", "-1.a", "\u0663.a"):
            await visitor.open(f"/calls?before={before}", 200 if before == "1." else 400)


async def test_a_row_tells_what_was_asked_and_what_ran(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        text = await place.visitor().open("/calls?period=90d&session=talk-rich")
        for words in (
            "auto → gpt-5.4-mini",
            "support chat",
            "user-001",
            "mid",
            "$0.00057",
            "$0.0044",
            "2.2 s",
            "1,200",
        ):
            assert words in text, words
        text = await place.visitor().open("/calls?period=90d&outcome=error")
        assert '<tr class="bad">' in text and "error 429" in text


async def test_words_of_callers_are_words(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        visitor = place.visitor()
        text = await visitor.open("/calls?period=90d&team=%2B1")
        assert listed(text) == [oddities.FORMULA]
        text = await visitor.open("/calls?period=90d")
        assert oddities.HOSTILE in {row["id"] for row in await rows(visitor, "period=90d&outcome=error")}
        text = await visitor.open(f"/calls?period=90d&user={oddities.USER}&add=task&is=%3Cb%3E\"'")
        assert "&lt;b&gt;&#34;&#39;" in text and "<b>\"'" not in text
        (formula,) = await rows(visitor, "period=90d&team=%2B1")
        assert formula["user"] == '\'=HYPERLINK("http://127.0.0.1")' and formula["team"] == "'+1"
        text = await visitor.open("/calls?period=90d&add=session&is=")
        assert "session: <b><bdi>(none)" in text


async def test_somebody_without_a_role_sees_its_own(tmp_path: Path) -> None:
    async def mine(store: Store) -> None:
        await filled(store)
        at = time.time_ns() // 1000
        await store.write([
            Record("call-mine", at, "openai.chat", key_id="key-own"), Record("call-far", at, "openai.chat", tenant="far"),
        ])  # fmt: skip

    async with a_place(tmp_path, before=mine, studio=Sketches()) as place:
        own = place.visitor(await place.add_key("own"))
        far = place.visitor(await place.add_key("far", tenant="far", role="viewer"))
        admin = place.visitor(await place.add_key("admin", role="admin"))
        for query in ("period=90d", "period=90d&key=key-support", "period=90d&add=key&is=key-support"):
            assert [row["id"] for row in await rows(own, query)] == ["call-mine"]
        assert "1 call in all" in await own.open("/calls?period=90d")
        assert [row["id"] for row in await rows(far, "period=90d")] == ["call-far"]
        assert len(await rows(admin, "period=90d")) > 100
        assert [row["id"] for row in await rows(admin, "period=90d&tenant=far")] == ["call-far"]
        await own.open("/calls?tenant=far", 403)


async def test_an_empty_list_says_what_to_do(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        assert "point a client at this gateway" in await place.visitor().open("/calls")
        assert "Take a filter away" in await place.visitor().open("/calls?feature=x")
