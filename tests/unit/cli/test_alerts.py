"""`farthing alerts` in a folder with a ledger."""

import asyncio
import json
import time
from pathlib import Path

from farthing.model.record import Record
from farthing.store import open_store
from farthing.store.alerts import Alerts, Change, Notice, Standing
from stores import ready
from unit.cli.conftest import Farthing
from unit.finops.alerts.spending import DAY_US
from unit.finops.alerts.traffic_of import burning, weeks

FIRE = Standing(
    "a1", "default", "day_spend", "feature", "ag\x1b[2Jent", "alert", "2026-11-25", "It burns.", at_stake=5 * 10**9,
    since_us=10**15, changed_us=10**15,
)  # fmt: skip


def with_fire(folder: Path, channel: str = "log") -> None:
    async def write() -> None:
        store = await open_store(ready(folder))
        alerts = Alerts(store)
        await alerts.decide(lambda known, mutes: Change([FIRE], [Notice("raised", FIRE, (channel,))]))
        (parcel,) = await alerts.due([channel])
        await alerts.failed(parcel, "HTTP 503")
        await store.close()

    asyncio.run(write())


def test_the_list_shows_what_is_open_and_channels_in_trouble(farthing: Farthing, folder: Path) -> None:
    with_fire(folder, "ops")
    result = farthing("alerts", "list")
    assert (
        "a1" in result.output
        and "It burns." in result.output
        and "$5.00" in result.output
        and "\x1b" not in result.output
    )
    assert "The channel ops does not deliver: HTTP 503; 1 message waits." in result.output
    told = json.loads(farthing("alerts", "list", "--json").output)
    assert told["alerts"][0]["id"] == "a1" and told["channels"][0]["waiting"] == 1
    assert json.loads(farthing("alerts", "list", "--tenant", "acme", "--json").output)["alerts"] == []


def test_acknowledge_and_show(farthing: Farthing, folder: Path) -> None:
    with_fire(folder)
    assert farthing("alerts", "ack", "nobody").exit_code == 1
    assert "Acknowledged: day_spend" in farthing("alerts", "ack", "a1", "--who", "ana").output
    shown = farthing("alerts", "show", "a1").output
    assert "Acknowledged by ana" in shown and "raised" in shown and "acknowledged" in shown
    assert "alert, acknowledged" in farthing("alerts", "list").output
    assert json.loads(farthing("alerts", "show", "a1", "--json").output)["alert"]["acked_by"] == "ana"
    assert farthing("alerts", "show", "nobody").exit_code == 1


def test_mutes_begin_and_end(farthing: Farthing, folder: Path) -> None:
    with_fire(folder)
    made = json.loads(
        farthing("alerts", "mute", "--rule", "day_spend", "--for", "2h", "--why", "a test", "--json").output
    )
    assert abs(made["until_us"] / 1e6 - time.time() - 7200) < 60
    assert "alert, muted" in farthing("alerts", "list").output and "a test" in farthing("alerts", "list").output
    assert farthing("alerts", "mute", "--end", made["id"]).exit_code == 0
    assert farthing("alerts", "mute", "--end", made["id"]).exit_code == 1
    assert farthing("alerts", "mute", "--for", "soon").exit_code == 2
    assert farthing("alerts", "mute", "--rule", "no_such").exit_code == 2


def test_a_test_message_says_whether_it_arrived(farthing: Farthing, folder: Path) -> None:
    assert "took a test message" in farthing("alerts", "test", "log").output
    assert "There is no channel ops" in farthing("alerts", "test", "ops").output
    (folder / "farthing.toml").write_text('[alerts.channels.ops]\nkind = "slack"\nurl = "http://127.0.0.1:9/SECRET"\n')
    result = farthing("alerts", "test", "ops")
    assert result.exit_code == 1 and "did not take it" in result.output and "SECRET" not in result.output
    told = farthing("alerts", "test", "ops", "--json")
    assert told.exit_code == 1 and json.loads(told.stdout)["delivered"] is False


def test_the_back_test_says_what_would_have_fired(farthing: Farthing, folder: Path) -> None:
    async def write() -> None:
        store = await open_store(ready(folder))
        await store.write([*weeks(30), *burning(24)])
        await store.close()

    asyncio.run(write())
    result = farthing("alerts", "backtest", "--since", "2025-11-18", "--until", "2025-11-26")
    assert "day_spend" in result.output and "feature agent" in result.output and "would have fired" in result.output
    told = json.loads(farthing("alerts", "backtest", "--since", "2025-11-18", "--until", "2025-11-26", "--json").output)
    assert told["until_us"] - told["since_us"] == 8 * DAY_US
    assert {each["day"] for each in told["alerts"] if each["finding"]["rule"] == "day_spend"} == {"2025-11-25"}
    quiet = farthing("alerts", "backtest", "--since", "2025-11-20", "--until", "2025-11-22", "--tenant", "acme")
    assert quiet.output == "No alert would have fired.\n"


def test_the_digest_of_a_week(farthing: Farthing, folder: Path) -> None:
    today = time.time_ns() // 1000 // DAY_US * DAY_US
    calls = [
        Record(
            f"c-{days}", today - days * DAY_US, "openai.chat", model="big", feature="agent", cost=days * 10**9,
            baseline=days * 10**9, cost_state="computed",
        )
        for days in (1, 2, 10)
    ]  # fmt: skip

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write(calls)
        await store.close()

    asyncio.run(write())
    shown = farthing("alerts", "digest").stdout
    assert "Spent $3.00 on 2 calls, 70 % less than in the week before ($10.00, 1 call)." in shown
    assert "Feature agent: -$7.00" in shown and "No alert was told." in shown
    told = json.loads(farthing("alerts", "digest", "--json", "--until", "7d").stdout)
    assert told["cost"] == 10 * 10**9 and told["movers"][0]["feature"] == "agent"
    assert "Spent $0.00 on 0 calls" in farthing("alerts", "digest", "--tenant", "b").stdout
