"""The page on spend: figures as the report has them, the way deeper, order, parts, and names that callers made up."""

import csv
import io
import re
import time
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from browser import company, oddities
from farthing.dashboard import formats
from farthing.model.money import exact_dollars
from farthing.model.record import Record
from farthing.store import Store
from unit.dashboard.visitors import Sketches, Visitor, a_place

DAYS = 9


async def filled(store: Store) -> None:
    now = time.time_ns() // 1000
    batch = list(company.records(now, DAYS))
    for start in range(0, len(batch), 1_000):
        await store.write(batch[start : start + 1_000])
    await store.write(list(oddities.records(now)))


async def rows(visitor: Visitor, query: str) -> list[dict[str, str]]:
    answer = await visitor.web.get(f"/spend/csv/spend?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def links(text: str, path: str) -> list[dict[str, list[str]]]:
    found = [urlsplit(unescape(each)) for each in re.findall(r'href="([^"]+)"', text)]
    return [parse_qs(each.query, keep_blank_values=True) for each in found if each.path == path]


async def test_figures_are_those_of_the_report(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled, studio=Sketches()) as place:
        visitor = place.visitor()
        found = {row["feature"]: row for row in await rows(visitor, "period=7d")}
        reported = await place.store.report("feature", place.now_us() - 6 * 86_400_000_000, tenant="default")
        assert set(found) == {each.key for each in reported}
        for each in reported:
            row = found[each.key]
            assert row["cost"] == exact_dollars(each.cost)
            assert (row["calls"], row["errors"], row["out_tokens"]) == (
                f"{each.calls}",
                f"{each.errors}",
                f"{each.out_tokens}",
            )
            assert row["saved"] == exact_dollars(each.saved)
            assert row["calls_without_cost"] == f"{each.calls_without_cost}"
        assert abs(sum(float(row["share"]) for row in found.values()) - 1) < 1e-9


async def test_order_search_and_the_period_before_are_in_the_address(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled, studio=Sketches()) as place:
        visitor = place.visitor()
        calls = [int(row["calls"]) for row in await rows(visitor, "period=7d&by=user&sort=-calls")]
        assert calls == sorted(calls, reverse=True) and len(calls) > 60
        names = [row["user"] for row in await rows(visitor, "period=7d&by=user&sort=user&q=USER-00")]
        assert names == sorted(names) and names and all("user-00" in name for name in names)
        assert [row["day"] for row in await rows(visitor, "period=7d&by=day")] == sorted(
            row["day"] for row in await rows(visitor, "period=7d&by=day")
        )
        compared = await rows(visitor, "period=7d&compare=before&by=feature")
        assert {"cost_before", "change"} <= set(compared[0])
        hit_rates = [row["hit_rate"] for row in await rows(visitor, "period=7d&by=feature&sort=-hit_rate")]
        assert hit_rates[-1] == "" != hit_rates[0]  # none stands last
        assert await rows(visitor, "period=7d&by=feature&sort=-nonsense") == await rows(visitor, "period=7d")


async def test_each_value_leads_deeper_and_each_figure_to_its_calls(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled, studio=Sketches()) as place:
        visitor = place.visitor()
        text = await visitor.open("/spend?period=7d&by=feature&compare=before")
        assert {"period": ["7d"], "compare": ["before"], "feature": ["support chat"], "by": ["model"]} in links(
            text, "/spend"
        )
        assert {"period": ["7d"], "compare": ["before"], "feature": [""], "by": ["model"]} in links(text, "/spend")
        assert {"period": ["7d"], "compare": ["before"], "feature": ["support chat"]} in links(text, "/calls")
        text = await visitor.open("/spend?period=7d&feature=support+chat&by=model")
        assert {"period": ["7d"], "feature": ["support chat"], "model": ["gpt-5.4-mini"], "by": ["provider"]} in links(
            text, "/spend"
        )
        text = await visitor.open("/spend?period=7d&feature=support+chat&model=gpt-5.4-mini&by=user")
        assert "these are of the single calls, all of them" in text
        assert {
            "period": ["7d"],
            "feature": ["support chat"],
            "model": ["gpt-5.4-mini"],
            "user": ["user-001"],
        } in links(text, "/calls")
        assert "<svg" in text


async def test_single_calls_come_to_the_same_as_sums(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled, studio=Sketches()) as place:
        visitor = place.visitor()
        whole = await rows(visitor, "period=today&feature=support+chat&by=user")
        apart = await rows(visitor, "period=today&feature=support+chat&team=support&by=user")
        assert whole == apart


async def test_a_long_table_is_shown_in_parts_and_downloaded_whole(tmp_path: Path) -> None:
    async def many(store: Store) -> None:
        at = time.time_ns() // 1000
        await store.write(
            [Record(f"c{n}", at, "openai.chat", user=f"user {n}", cost_state="computed", cost=n) for n in range(120)]
        )

    async with a_place(tmp_path, before=many, studio=Sketches()) as place:
        visitor = place.visitor()
        assert len(await rows(visitor, "by=user&period=7d")) == 120
        first = await visitor.open("/spend?by=user&period=7d")
        last = await visitor.open("/spend?by=user&period=7d&page=3")
        assert "user 119<" in first and "user 19<" not in first and "user 19<" in last
        assert "1 of 3" in first and 'rel="next"' in first and 'rel="next"' not in last and 'rel="prev"' in last
        assert "$0.0000071" in first and "$0.0000071" in last  # the total, on each part
        for page in ("0", "-1", "999999999999", "x", "٣"):
            await visitor.open(f"/spend?by=user&period=7d&page={page}")
        assert "11 of 120" in await visitor.open("/spend?by=user&period=7d&q=user+11&page=9")


async def test_parts_of_a_table_are_those_of_its_file(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled, studio=Sketches()) as place:
        visitor = place.visitor()
        for by in ("user", "user,feature", "feature,model", "provider"):
            for sort in ("-cost", "-calls", "-out_tokens", "-saved", "user", "cost_per_call"):
                query = f"period=7d&by={by}&sort={sort}&compare=before"
                names = [row[by.partition(",")[0]] for row in await rows(visitor, query)]
                for page in (1, 2, 99):
                    text = await visitor.open(f"/spend?{query}&page={page}")
                    shown = re.findall(r'<th scope="row" class="text">(.*?)</th>', text, re.S)[:-1]
                    start = (min(page, -(-len(names) // 50)) - 1) * 50
                    assert [unescape(re.sub(r"<[^>]*>", "", each)).strip() for each in shown] == [
                        formats.said(each) for each in names[start : start + 50]
                    ]


async def test_many_values_that_cost_alike_are_drawn_as_one(tmp_path: Path) -> None:
    async def alike(store: Store) -> None:
        at = time.time_ns() // 1000
        await store.write(
            [
                Record(f"c{n}", at, "openai.chat", user=f"u{n}", feature=f"f{n % 20}", cost_state="computed", cost=7)
                for n in range(500)
            ]
        )

    async with a_place(tmp_path, before=alike, studio=Sketches()) as place:
        visitor = place.visitor()
        text = await visitor.open("/spend?period=7d&by=user")
        assert "Spend by day</figcaption>" in text
        text = await visitor.open("/spend?period=7d&by=feature")
        assert "Spend by day, by feature</figcaption>" in text and "most of it f0 (5 %), f1 (5 %), f10 (5 %)" in text


async def test_names_that_callers_made_up_are_words(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled, studio=Sketches()) as place:
        visitor = place.visitor()
        for name in ("feature", "team", "user", "project", "model", "task"):
            text = await visitor.open(f"/spend?period=90d&by={name}")
            assert "<script>document" not in text and "<img src=x" not in text
        text = await visitor.open("/spend?period=90d&by=model&feature=" + "%3Cscript%3E" * 20)
        assert "No calls of this scope" in text and "<script>&" not in text
        assert any(row["team"] == "'+1" for row in await rows(visitor, "period=90d&by=team"))


async def test_what_cannot_be_asked_is_said(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        visitor = place.visitor()
        for by in ("nonsense", "feature,feature", "feature,model,user", "", ",", "hour", "tenant"):
            await visitor.open(f"/spend?by={by}", 400)
        text = await visitor.open("/spend")
        assert "point a client at this gateway" in text
        assert "Nothing to draw" in text


async def test_it_is_for_viewers(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled, studio=Sketches()) as place:
        own, other = await place.add_key("own"), await place.add_key("other", role="viewer", tenant="other")
        await place.visitor(own).open("/spend", 403)
        assert await rows(place.visitor(other), "period=90d") == []
