"""What hold-outs show, worked out aside: the same as `quality.holdout` says, kept, and never waited for long."""

import time
from pathlib import Path

from browser import company
from farthing.dashboard.proofs import Proofs, proven
from farthing.dashboard.worked_out import FRESH_S
from farthing.quality.holdout import prove
from farthing.store import open_store
from farthing.store.rollups import DAY_US

DAYS = 6


async def test_it_is_what_the_estimator_says_and_is_kept_for_an_hour(tmp_path: Path) -> None:
    url, now = f"sqlite:///{tmp_path}/ledger.db", time.time_ns() // 1000
    store = await open_store(url)
    await store.write(list(company.records(now, DAYS)))
    until = now - now % DAY_US
    since = until - 3 * DAY_US
    wanted = prove(each for each in await store.arm_sums(since, tenant="default") if each.day_us < until)
    assert {each.lever for each in wanted} == {"model selection", "semantic cache"}
    assert proven(url, "default", since, until) == wanted
    seconds = 0.0
    proofs = Proofs(url, lambda: seconds)
    try:
        assert await proofs.of("default", since, until, wait_s=0.0) is None
        assert await proofs.of("default", since, until, wait_s=30.0) == wanted
        await store.write([each for each in company.records(now, DAYS, seed=4) if each.started_us < until])
        assert await proofs.of("default", since, until) == wanted
        seconds = FRESH_S + 1
        assert await proofs.of("default", since, until) == wanted, "the old is given while the new is made"
        for _ in range(3000):
            if await proofs.of("default", since, until) != wanted:
                break
            time.sleep(0.02)
            await store.key_changes()
        else:
            raise AssertionError("it is never made anew")
    finally:
        proofs.close()
        await store.close()


async def test_a_store_that_is_away_is_no_proof(tmp_path: Path) -> None:
    proofs = Proofs(f"sqlite:///{tmp_path}/none/ledger.db")
    try:
        assert await proofs.of("default", 0, 1, wait_s=30.0) is None
    finally:
        proofs.close()
