"""Which calls nobody seems to have waited for, and what their batch price would save at most; on both engines."""

from farthing.finops.next_savings import can_wait
from farthing.finops.patience import LEAST, Seen, patient, shares
from farthing.model.record import Decision, Record
from farthing.model.usage import Usage
from farthing.settings import BatchSettings, FeatureBatchSettings
from farthing.store import Store
from farthing.store.rollups import DAY_US
from unit.finops.test_next_savings import a_month, known, price, row, sums

MINUTE_US = 60_000_000


def seen(at_min: int, session: str = "", *, stream: bool = False, deferred: bool = False) -> Seen:
    return Seen(at_min * MINUTE_US, MINUTE_US, stream, session, deferred)


def test_streams_talks_and_what_waited_already_are_left_out() -> None:
    assert patient([seen(0), seen(0), seen(1, stream=True), seen(1, deferred=True)]) == 2
    assert patient([seen(0, "a"), seen(5, "a"), seen(60, "a"), seen(3, "b")]) == 2, (
        "5 minutes after is a talk, an hour is none"
    )
    assert patient([seen(60, "a"), seen(0, "a")]) == 2 and patient([]) == 0


async def test_the_latest_calls_of_a_feature_are_looked_at(store: Store) -> None:
    calls = [
        Record(
            f"{feature}-{no}", 20_000 * DAY_US + no, "openai.chat", feature=feature, stream=feature == "chat",
            decisions=[Decision("defer", "batch")] if feature == "night" and no % 2 else [],
        )
        for feature in ("chat", "night", "rare")
        for no in range(LEAST if feature != "rare" else 3)
    ]  # fmt: skip
    await store.write(calls)
    found = await store.do(lambda each: shares(each, ["chat", "night", "rare", "none"], 0, 20_001 * DAY_US, "default"))
    assert found == {"chat": 0.0, "night": 0.5}


def in_batch(model: str, usage: Usage) -> int | None:
    whole = price(model, usage)
    return whole // 2 if whole is not None and model != "middle" else None


def test_the_bound_is_that_share_at_the_batch_price() -> None:
    given = sums(
        features=[row("night", cost=20_000_000), row("chat")], by_feature=[row("night", "big"), row("night", "middle")]
    )
    given = given._replace(patient={"night": 0.9, "chat": 0.8})
    (found,) = can_wait(given, known(in_batch=in_batch))
    assert (found.a_month, found.low, found.high) == (None, 0, a_month(4_500_000)), (
        "nine tenths of half of what big cost"
    )
    assert found.lever == "batching" and '[batch.features."night"]\ndeadline_s = 21600' in found.setting
    assert "90 % of the latest are neither streamed" in found.what and found.where == {"feature": "night"}


def test_nothing_is_said_where_it_waits_already_or_nobody_has_batches() -> None:
    given = sums(features=[row("night")], by_feature=[row("night", "big")])._replace(patient={"night": 1.0})
    assert list(can_wait(given, known(in_batch=in_batch)))
    assert not list(can_wait(given, known()))
    assert not list(can_wait(given, known(in_batch=in_batch, batch=BatchSettings(deadline_s=60))))
    night = BatchSettings(features={"night": FeatureBatchSettings(deadline_s=60)})
    assert not list(can_wait(given, known(in_batch=in_batch, batch=night)))
    assert not list(can_wait(given._replace(patient={}), known(in_batch=in_batch)))
