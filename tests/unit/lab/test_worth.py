from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farthing.lab.confirm import Mean
from farthing.lab.worth import DAYS, Volume, volume, worth
from farthing.model.call import Deployment
from farthing.prices import PriceBook
from farthing.store import Store, open_store
from farthing.store.rollups import DAY_US
from stores import ready
from unit.store.samples import a_record

NOW = 1_795_000_000_000_000
BOOK = PriceBook.load()
PLACE = Deployment("gpt-4o-mini", "openai", "gpt-4o-mini", "openai")
BEFORE, AFTER = Mean(1, 1, 1000, 20, 1, None), Mean(1, 1, 400, 10, 1, None)


def test_dollars_a_month() -> None:
    """gpt-4o-mini: 0.15, 0.075 read, 0.60 out for a million tokens."""
    plain = worth(BOOK, PLACE, Volume(1_000_000, 0, 0), BEFORE, AFTER, 500.0, 48_000_000_000, NOW)
    assert plain.saved == 600 * 150 * 1_000_000 + 10 * 600 * 1_000_000
    assert plain.saved_a_thousand == 96_000_000 and plain.pays_back_days == DAYS / 2
    cached = worth(BOOK, PLACE, Volume(1_000_000, 10**9, 250 * 10**6), BEFORE, AFTER, 500.0, 0, NOW)
    assert cached.prefix_cached == 0.5 and cached.saved == 600 * 112_500_000 + 10 * 600 * 1_000_000


def test_what_nobody_knows_is_not_zero() -> None:
    unknown = worth(BOOK, Deployment("x", "openai", "no-such", "openai"), Volume(10, 0, 0), BEFORE, AFTER, 1, 5, NOW)
    assert unknown.saved is None and unknown.saved_a_thousand is None and unknown.pays_back_days is None
    nobody = worth(BOOK, PLACE, Volume(0, 0, 0), BEFORE, AFTER, 1, 5, NOW)
    assert nobody.saved is None and nobody.saved_a_thousand == 96_000_000
    assert Volume(0, 0, 0).prefix_cached(0) == 0.0 and Volume(1, 9, 9).prefix_cached(3) == 1.0


def test_a_prompt_that_gets_dearer_never_pays_back() -> None:
    assert worth(BOOK, PLACE, Volume(9, 0, 0), AFTER, BEFORE, 1, 5, NOW).pays_back_days is None


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(ready(tmp_path))
    yield opened
    await opened.close()


async def test_the_volume_is_the_ledgers(store: Store) -> None:
    more = {"savings": [], "cost": 1, "baseline": 1, "in_tokens": 10, "cached_tokens": 4}
    same = {"tenant": "t", "feature": "chat", "template": "00ff00ff00ff00ff", **more}
    await store.write([
        a_record("a", started_us=NOW - DAY_US, **same), a_record("b", started_us=NOW - 2 * DAY_US, **same),
        a_record("c", started_us=NOW - 40 * DAY_US, **same), a_record("d", started_us=NOW, **{**same, "template": ""}),
        a_record("e", started_us=NOW, **{**same, "feature": "other"}), a_record("f", started_us=NOW, **{**same, "tenant": "u"}),
    ])  # fmt: skip
    by_feature = await store.do(lambda connection: volume(connection, NOW, tenant="t", feature="chat"))
    by_template = await store.do(
        lambda connection: volume(connection, NOW, tenant="t", feature="x", template="00ff00ff00ff00ff")
    )
    assert by_feature == Volume(3, 30, 12) == by_template
    assert await store.do(lambda connection: volume(connection, NOW, tenant="t")) == Volume(0, 0, 0)
