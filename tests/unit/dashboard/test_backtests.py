"""Replays of the rules: what the command line says, worked out beside the pages and kept for an hour."""

import time
from pathlib import Path

from browser import company
from farthing.dashboard.backtests import Backtests, replayed
from farthing.finops.alerts.backtest import backtest
from farthing.finops.alerts.catalog import rules_for, single_call_limit
from farthing.settings import AlertChannelSettings, AlertRuleSettings, AlertSettings, Secret
from farthing.store import open_store
from farthing.store.alerts import Alerts
from farthing.store.rollups import DAY_US

SETTINGS = AlertSettings(
    channels={"ops": AlertChannelSettings(kind="slack", url=Secret("https://hooks/hidden"))},
    rules={"unpriced": AlertRuleSettings(on=False)},
)  # fmt: skip


async def test_it_is_what_the_command_says_and_is_kept(tmp_path: Path) -> None:
    url, now = f"sqlite:///{tmp_path}/farthing.db", time.time_ns() // 1000
    until = now - now % DAY_US
    since = until - 20 * DAY_US
    store = await open_store(url)
    await company.fill(store, now, 30)
    wanted = await backtest(
        Alerts(store), rules_for(SETTINGS), single_call_limit(SETTINGS), since, until, tenant="default"
    )
    assert wanted and "day_spend" in {each.finding.rule for each in wanted}
    await store.close()
    clock = [0.0]
    made = Backtests(url, SETTINGS, lambda: clock[0])
    try:
        assert await made.of("default", since, until, wait_s=60) == wanted
        (tmp_path / "farthing.db").unlink()
        assert await made.of("default", since, until, wait_s=60) == wanted, "kept"
        assert await made.of("default", since, until + DAY_US, wait_s=0.0001) is None, "not known at once"
        clock[0] = 3_601.0
        assert await made.of("nobody", since, until, wait_s=60) == []
    finally:
        made.close()


def test_channels_and_their_secrets_do_not_go_along(tmp_path: Path) -> None:
    made = Backtests(f"sqlite:///{tmp_path}/x.db", SETTINGS)
    _, sent = made._work.args
    assert sent.channels == {} and sent.rules == SETTINGS.rules
    assert replayed(f"sqlite:///{tmp_path}/x.db", sent, "", 0, DAY_US) == []
