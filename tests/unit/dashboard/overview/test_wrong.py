"""What is wrong now: each thing in a line, the worst first, nothing twice, and nothing for those who may not see it."""

import re
from pathlib import Path
from typing import Literal

from farthing.dashboard.overview.wrong import SHOWN, Wrong, _budget, _channel, _deployment, by_topic
from farthing.dashboard.pages import PAGES, overview
from farthing.model.budget import Budget
from farthing.model.record import Record
from farthing.steps.balance.health import DeploymentState
from farthing.store import Store
from farthing.store.alerts import Alerts, Change, ChannelState, Standing
from farthing.store.budgets import Standing as Spent
from farthing.store.store import now_us
from unit.dashboard.visitors import Place, Sketches, a_place

DOLLAR = 10**9


def standing(id_: str, **more: object) -> Standing:
    values = {
        "tenant": "default", "rule": "day_spend", "scope_kind": "feature", "scope": "agent", "state": "alert",
        "text": "Feature agent has spent $20 today.", "cause": "91 % of the rise is model opus", "since_us": 5, "seen_us": 86_400_000_005,
    } | more  # fmt: skip
    return Standing(id_, **values)  # type: ignore[arg-type]


async def raised(place: Place, *standings: Standing) -> None:
    await Alerts(place.store).decide(lambda known, mutes: Change(standings))


async def a_call(store: Store, **more: object) -> None:
    values = {"cost": 5, "baseline": 5, "cost_state": "computed", "status": 200, "outcome": "ok"} | more
    record = Record(id=f"c-{values}", started_us=now_us(), wire="openai.chat", model_asked="m", **values)  # type: ignore[arg-type]
    await store.write([record])


def spent(of: int, limit: int, **more: object) -> Spent:
    values = {
        "window": "2026-11",
        "from_us": 0,
        "until_us": 0,
        "resets_us": 0,
        "reserved": 0,
        "lost": 0,
        "left": limit - of,
    }
    return Spent("b", "", limit=limit, spent=of, **(values | more))  # type: ignore[arg-type]


def test_a_budget_says_what_is_left_and_what_happens() -> None:
    near = _budget(Budget(id="b", amount=10 * DOLLAR), spent(9 * DOLLAR, 10 * DOLLAR), 1)
    assert (near.level, near.text) == ("warn", "90 % of $10.00 is spent; $1.00 is left.")
    over = _budget(Budget(id="b", amount=10), spent(12, 10), 1)
    assert (over.level, over.text.partition("; ")[2]) == ("bad", "nothing is left; it refuses calls.")
    soft = _budget(Budget(id="b", amount=10, hard=False, unit="calls"), spent(12, 10), 1)
    assert (soft.level, soft.text) == ("warn", "120 % of 10 calls is spent; nothing is left; it only watches.")


def test_a_deployment_without_a_substitute_is_worse() -> None:
    def line(instead: tuple[str, ...]) -> Wrong:
        return _deployment(
            DeploymentState(
                "openai/m",
                "openai",
                "m",
                "open",
                0,
                0.0,
                0.0,
                0,
                5,
                1.0,
                "five failures in a row",
                7,
                3.0,
                ("m",),
                instead,
            )
        )

    assert line(()).level == "bad"
    assert line(("other",)).level == "warn"
    assert line(("other",)).cause == "Five failures in a row. other answers meanwhile."
    assert "3.0 s" in line(()).text
    assert _channel(ChannelState("slack", waiting=2, error="no answer")).cause == "No answer."


async def test_alerts_are_told_with_their_cause_and_their_calls(tmp_path: Path) -> None:
    async with a_place(tmp_path, shown=(overview.PAGE,), studio=Sketches()) as place:
        await a_call(place.store)
        await raised(
            place,
            standing("a", scope="<script>alert(1)</script>"),
            standing("b", rule="waste", state="warn", scope="small", text="A trifle.", cause=""),
            standing("c", state="ok", text="It is over."),
            standing("d", text="Nobody wants to hear this.", scope="muted"),
        )
        await Alerts(place.store).mute(
            "default", rule="", scope="feature:muted", until_us=place.now_us() + 10**12, who="me", why=""
        )
        text = await place.visitor().open("/")
        assert "Feature agent has spent $20 today." in text
        assert "91 % of the rise is model opus." in text
        assert text.index("spent $20 today") < text.index("A trifle.")
        assert "It is over." not in text
        assert "Nobody wants to hear this." not in text
        assert "1 muted" in text
        assert "<script>alert" not in text
        assert (
            "/calls?feature=small&amp;period=1970-01-02" in text or "/calls?period=1970-01-02&amp;feature=small" in text
        )


def test_lines_of_one_topic_are_one_trouble_and_what_needs_an_act_comes_first() -> None:
    def line(topic: str, level: Literal["bad", "warn"], title: str) -> Wrong:
        return Wrong(topic, level, title, "", "", "", "/", "calls")

    found = by_topic([line("budget", "warn", "a"), line("waste", "bad", "b"), line("cost", "warn", "c"), line("budget", "bad", "d")])  # fmt: skip
    assert [(each.worst.title, [also.title for also in each.also]) for each in found] == [("b", []), ("d", ["a"]), ("c", [])]  # fmt: skip


async def test_three_troubles_are_told_and_the_others_are_named_and_counted(tmp_path: Path) -> None:
    rules = ("day_spend", "waste", "errors", "cheap_tier", "drift")
    every = [
        standing(f"{rule}-{no}", rule=rule, scope="" if no == 0 else f"f{no}", text=f"Told {rule} {no}.", at_stake=100 - no)
        for rule in rules for no in range(12)
    ]  # fmt: skip
    async with a_place(tmp_path, shown=PAGES, studio=Sketches()) as place:
        await a_call(place.store)
        await raised(place, *every)
        text = await place.visitor().open("/")
        assert len(re.findall(r"Told \w+ 0\.", text)) == SHOWN
        assert not re.findall(r"Told \w+ [1-9]", text)
        assert "feature (none)." in text
        told = sum(int(more) for more in re.findall(r"and (\d+) others", text))
        assert re.search(r'And <a href="/alerts[^"]*">\d+ more</a>:', text)
        assert SHOWN + told + 4 * len(re.findall(r"and \d+ others", text)) == len(every)


async def test_calls_without_a_cost_are_told_once(tmp_path: Path) -> None:
    async with a_place(tmp_path, shown=(overview.PAGE,), studio=Sketches()) as place:
        await a_call(place.store)
        assert "No alert is open" in await place.visitor().open("/")
        await a_call(place.store, cost=0, baseline=0, cost_state="unpriced")
        text = await place.visitor().open("/")
        assert "1 of 2 calls have no known price" in text
        await raised(place, standing("a", rule="unpriced", text="No price is known for 1 call."))
        assert "have no known price" not in await place.visitor().open("/")


async def test_those_who_see_their_own_calls_see_no_one_else_s_troubles(tmp_path: Path) -> None:
    async with a_place(tmp_path, shown=(overview.PAGE,), studio=Sketches()) as place:
        own = await place.add_key("own")
        await a_call(place.store, key_id="key-own", feature="mine", cost=3_000_000_000, baseline=4_000_000_000)
        await a_call(place.store, key_id="key-other", feature="theirs", cost=5_000_000_000, baseline=5_000_000_000)
        await raised(place, standing("a"))
        text = await place.visitor(own).open("/")
        assert "$3.00" in text
        for words in ("theirs", "$5.00", "$8.00", "Feature agent", "Open alerts"):
            assert words not in text
        viewer = await place.add_key("viewer", role="viewer")
        text = await place.visitor(viewer).open("/")
        assert "$8.00" in text
        assert "Feature agent" in text
