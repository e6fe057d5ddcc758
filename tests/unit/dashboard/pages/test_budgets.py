"""The page on budgets: what it says of each, and what can be done there by whom."""

import csv
import io
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from browser import company
from farthing.model.budget import EACH, OVERHEAD, Budget
from farthing.model.charge import Charge
from farthing.model.record import Record
from farthing.model.windows import window_at
from farthing.store import Store
from farthing.store.budgets import Budgets
from unit.dashboard.visitors import Place, Visitor, a_place

DOLLAR = 10**9
HOSTILE = '<script>alert(1)</script>"\u202e'


async def budgets_of(store: Store) -> None:
    now = time.time_ns() // 1000
    budgets = Budgets(store)
    month = window_at(Budget("x", 1).period, now)
    await budgets.put(Budget("full", 10 * DOLLAR, scope={"team": "a"}))
    await budgets.put(Budget("soft", 10 * DOLLAR, hard=False, scope={"team": "a", "feature": "f*"}))
    await budgets.put(Budget("each", 5 * DOLLAR, scope={"user": EACH}))
    await budgets.put(Budget("tokens", 1_000_000, unit="tokens", window="rolling 24h"))
    await budgets.put(Budget("theirs", DOLLAR, tenant="b"))
    await budgets.declare([Budget("filed", 7 * DOLLAR), Budget(OVERHEAD, 155 * DOLLAR, scope={"feature": "farthing *"}, tenant=EACH, hard=False, note="own calls")])  # fmt: skip
    charges = [Charge("full", "", month.id, "", 11 * DOLLAR), Charge("soft", "", month.id, "", 9 * DOLLAR)]
    charges += [Charge("each", user, month.id, "", cost * DOLLAR) for user, cost in ((HOSTILE, 1), ("bob", 4))]
    await store.write(
        [Record("c1", now, "openai.chat", cost=11 * DOLLAR, cost_state="computed", team="a", charges=charges)]
    )


async def editor(place: Place) -> Visitor:
    return place.visitor(await place.add_key("ed", role="editor"))


async def sheet(visitor: Visitor) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO(await visitor.open("/budgets/csv/budgets")))
    return {row["budget"]: row for row in rows}


async def test_where_each_stands_the_fullest_first(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=budgets_of) as place:
        text = await place.visitor().open("/budgets")
        places = [text.index(f">{name}</a></h2>") for name in ("full", "soft", "each", "filed", "tokens")]
        assert places == sorted(places) and ">theirs<" not in text
        assert "used up: refuses calls" in text and "near its end" in text and "settings file" in text
        assert (
            "the fullest of 2 members" in text and ">bob<" in text and "built in" in text and "what this is for" in text
        )
        rows = await sheet(place.visitor())
        assert (rows["full"]["spent"], rows["full"]["left"], rows["full"]["used"]) == ("$11.00", "$0.00", "1.1")
        assert rows["tokens"]["pace"] == "no window to pace against" and rows["tokens"]["limit"] == "1.0M tokens"
        assert "calls?period=" in text and "team=a" in text and "feature=f%2A" not in text


async def test_a_forecast_is_that_of_its_calls(tmp_path: Path) -> None:
    async def filled(store: Store) -> None:
        await company.fill(store, time.time_ns() // 1000, 40)

    async with a_place(tmp_path, before=filled) as place:
        rows = await sheet(place.visitor())
        assert "at the end of" in rows["company"]["forecast"] and "chance to end above" in rows["company"]["forecast"]
        assert rows["each-user"]["forecast"] == "not forecast"
        again = await sheet(place.visitor())
        assert again["company"]["forecast"] == rows["company"]["forecast"]
        text = await place.visitor().open("/budgets?budget=company")
        assert "gateway-1" in text and "lives" in text
        text = await place.visitor().open("/budgets?budget=support")
        assert "launch of the new help centre" in text and "is a raise until" in text


async def test_one_with_its_members(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=budgets_of) as place:
        text = await place.visitor().open("/budgets?budget=each")
        assert "&lt;script&gt;" in text and "<script>alert" not in text
        assert "user=bob" in text and "No gateway holds any of it now." in text and "It was never raised." in text
        text = await place.visitor().open(f"/budgets?budget={OVERHEAD}")
        assert "What this is for" in text and "No member has spent anything" in text
        text = await place.visitor().open("/budgets?budget=filed")
        assert "[budgets.filed]" in text and "/budgets/remove" not in text and "/budgets/raise" in text
        await place.visitor().open("/budgets?budget=nobody", 404)


async def test_one_is_made_changed_raised_and_removed(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        visitor, budgets = await editor(place), Budgets(place.store)
        assert "No budget of yours yet" in await visitor.open("/budgets")
        answer = await visitor.send(
            "/budgets", "/budgets/make", name="support", amount="$1,500.50", unit="money", window="quarter", fiscal_start="04-01",
            zone="Europe/Berlin", team="support", user="*", tags="plan=pro, region = eu", soft="yes", roll_over="yes", exceeded="downgrade",
            max_call="2", cover="likely", no_confirm="yes", when_unavailable="serve", payment_required="yes", note="of the board",
        )  # fmt: skip
        assert answer.status_code == 200 and "The budget support is made" in answer.text
        made = await budgets.one("support")
        assert made is not None and (made.amount, made.tenant, made.source) == (1_500_500_000_000, "default", "store")
        assert made.scope == {"team": "support", "user": "*", "plan": "pro", "region": "eu"}
        assert (made.window, made.zone, made.fiscal_start, made.roll_over, made.hard, made.exceeded) == (
            "quarter", "Europe/Berlin", "04-01", True, False, "downgrade",
        )  # fmt: skip
        assert (made.max_call, made.cover, made.confirm, made.when_unavailable, made.payment_required) == (
            2 * DOLLAR, "likely", False, "serve", True,
        )  # fmt: skip
        page = "/budgets?budget=support"
        answer = await visitor.send(
            page, "/budgets/change", id="support", amount="20", unit="money", window="month", note="of the board"
        )
        changed = await budgets.one("support")
        assert changed is not None and (changed.amount, changed.hard, changed.scope) == (20 * DOLLAR, True, {})
        last = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
        answer = await visitor.send(page, "/budgets/raise", id="support", amount="5", until=last, reason="launch")
        assert "is $25.00 until" in answer.text and "in force" in answer.text
        raised = await budgets.one("support")
        assert (
            raised is not None
            and raised.allowed_at(place.now_us()) == 25 * DOLLAR
            and raised.raises[0].by == "key ed (key-ed)"
        )
        answer = await visitor.send(page, "/budgets/remove", id="support")
        assert "is removed" in answer.text and await budgets.one("support") is None


async def test_what_makes_no_budget_is_told_beside_what_was_typed(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=budgets_of) as place:
        visitor = await editor(place)
        for wrong, words in (
            ({"name": ""}, "name is up to 48"), ({"name": "a b"}, "name is up to 48"), ({"name": "full"}, "is taken"), ({"name": "theirs"}, "is taken"),
            ({"amount": "many"}, "no amount of dollars"), ({"amount": ""}, "Say how much"), ({"amount": "-5"}, "not negative"),
            ({"amount": "9" * 80}, "makes no budget"), ({"unit": "apples"}, "dollars, tokens or calls"), ({"unit": "calls", "amount": "1.5"}, "whole number"),
            ({"window": "decade"}, "no window"), ({"zone": "Mars/Base"}, "time zone"), ({"fiscal_start": "13-01", "window": "quarter"}, "fiscal"),
            ({"tags": "pro"}, "name=value"), ({"tags": "team=x", "team": "y"}, "each name once"), ({"exceeded": "explode"}, "makes no budget"),
            ({"team": "a\tb"}, "one line"), ({"max_call": "x"}, "no amount"), ({"note": "x" * 300}, "makes no budget"),
        ):  # fmt: skip
            answer = await visitor.send(
                "/budgets", "/budgets/make", **({"name": "kept", "amount": "5", "feature": HOSTILE[:-1]} | wrong)
            )
            assert answer.status_code == 400 and words in answer.text, (wrong, answer.status_code, words)
            assert "<script>alert" not in answer.text and "&lt;script&gt;alert" in answer.text
        last = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
        for wrong, words in (
            ({"until": ""}, "needs a last day"), ({"until": "2020-01-01"}, "over already"), ({"amount": "0"}, "more than nothing"),
            ({"reason": " "}, "needs a reason"), ({"reason": "a\tb"}, "no raise"), ({"amount": "1e30"}, "no raise"),
        ):  # fmt: skip
            said = {"id": "full", "amount": "5", "until": last, "reason": "x"} | wrong
            answer = await visitor.send("/budgets?budget=full", "/budgets/raise?budget=full", **said)
            assert answer.status_code in (400, 200) and words in answer.text, (wrong, answer.text[-500:])


async def test_what_belongs_to_others_or_to_the_file_cannot_be_changed(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=budgets_of) as place:
        visitor, budgets = await editor(place), Budgets(place.store)
        for name, status in (("theirs", 404), (OVERHEAD, 404), ("nobody", 404), ("filed", 400)):
            for action in ("change", "remove"):
                answer = await visitor.send("/budgets", f"/budgets/{action}", id=name, amount="1")
                assert answer.status_code == status, (name, action)
        assert "declared in farthing.toml" in (await visitor.send("/budgets", "/budgets/remove", id="filed")).text
        assert {each.id for each in await budgets.every()} == {
            "full",
            "soft",
            "each",
            "tokens",
            "theirs",
            "filed",
            OVERHEAD,
        }
        last = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
        answer = await visitor.send("/budgets", "/budgets/raise", id="filed", amount="1", until=last, reason="launch")
        assert "is $8.00 until" in answer.text
        viewer = place.visitor(await place.add_key("v", role="viewer"))
        text = await viewer.open("/budgets?budget=full")
        assert "/budgets/change" not in text and "This needs the role editor." in text
        assert "Make a budget" not in await viewer.open("/budgets")
        theirs = place.visitor(await place.add_key("t", role="editor", tenant="b"))
        assert ">theirs</a>" in await theirs.open("/budgets") and ">full</a>" not in await theirs.open("/budgets")
        await theirs.open("/budgets?budget=full", 404)
        await place.visitor(await place.add_key("own")).open("/budgets", 403)


@pytest.mark.parametrize("query", ["budget=%00", "budget=" + "x" * 5_000, "budget=..%2F..", "budget=%F0%9F%92%B8"])
async def test_odd_addresses(tmp_path: Path, query: str) -> None:
    async with a_place(tmp_path) as place:
        await place.visitor().open(f"/budgets?{query}", 404)
