"""The cost card: every amount exact and adding up, the way of the call, and what is said of a call that is not there."""

import re
import time
from html import unescape
from pathlib import Path

import msgspec
import pytest

from browser import oddities
from farthing.gateway.edge import new_call_id
from farthing.model.budget import Budget
from farthing.model.record import Record
from farthing.store import Store
from farthing.store.budgets import Budgets
from farthing.store.corrections import Corrections, Entry
from farthing.store.rerates import Rerates, Wanted
from unit.dashboard.visitors import a_place


async def filled(store: Store) -> None:
    await store.write(list(oddities.records(time.time_ns() // 1000)))


def words(text: str) -> str:
    """What people read."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


async def test_a_card_has_everything_and_adds_up(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        await Budgets(place.store).put(Budget(id="company", amount=10**12), who="test")
        text = words(await place.visitor().open(f"/calls/{oddities.RICH}?period=90d"))
        for said in (
            "adds up $0.005000000 + $0.000040000 - $0.004430000 - $0.000040000 = $0.000570000",
            "the lever itself spent $0.000040000", "estimated",
            "At list price the attempts would cost $0.000585000",
            "input 200 0.675 0.75 -10 % $0.000135", "input read from the provider's cache 1,000 0.075 $0.000075",
            "rounding to whole nano-dollars -$0.000000000003", "cost $0.000570000",
            "openai/gpt-5.4-mini@2026-03-01", "The provider says $0.000571000", "priced by the rate of its family",
            '"prompt_tokens": 1200', "30 of it reasoning",
            "1. gpt-5.4-mini at openai no answer in time", "no first byte within 0.9 s",
            "2. gpt-5.4-mini at openai, ran as gpt-5.4-mini-2026-03-01 answered, 200",
            "Sent there: no first byte in time; the next by price", "first byte after 240 ms, took 1.3 s",
            "the cheapest that clears the floor gpt-4.1-nano 0.94 of 0.95",
            "semantic cache held out", "model selection treated like most calls",
            "company (none) 2026-01 $0.000570000", "tokens of support support 2026-01-01 1,280 (the budget is gone",
            "plan pro", "Asked for auto ; gpt-5.4-mini ran", f"farthing explain {oddities.RICH}",
        ):  # fmt: skip
            assert said in text, said


async def test_its_values_lead_to_the_calls_that_share_them(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        text = await place.visitor().open(f"/calls/{oddities.RICH}?period=90d")
        for href in (
            "session=talk-rich",
            "feature=support+chat",
            "deployment=openai%2Fus",
        ):
            assert f'href="/calls?period=90d&amp;{href}"' in text
        assert 'href="/units/one?period=90d&amp;type=support_resolution&amp;id=T-rich"' in text
        lines = await place.visitor().web.get(f"/calls/{oddities.RICH}/csv/attempt-2")
        assert "input,200,0.675,0.75,'-10 %,$0.000135" in lines.text
        own = place.visitor(await place.add_key("support"))
        own_text = await own.open(f"/calls/{oddities.RICH}?period=90d")
        assert 'href="/calls?period=90d&amp;transaction=support_resolution%2FT-rich"' in own_text


@pytest.mark.parametrize(
    ("call_id", "said"),
    [
        (oddities.UNPRICED, "The cost is not known: no price is known"),
        (oddities.HIT, "semantic hit of our cache"),
        (oddities.HIT, "Nothing was sent: our cache answered"),
        (oddities.REFUSED, "Error the budget 'support' is used up"),
        (oddities.REFUSED, "Nothing was sent to a provider"),
        (oddities.CUT_OFF, "the gateway was stopped while it was under way"),
    ],
)
async def test_states_have_words(tmp_path: Path, call_id: str, said: str) -> None:
    async with a_place(tmp_path, before=filled) as place:
        text = words(await place.visitor().open(f"/calls/{call_id}"))
        assert said in text
        if call_id == oddities.UNPRICED:
            assert "Cost ? " in text


async def test_words_of_callers_and_providers_are_words(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        text = await place.visitor().open(f"/calls/{oddities.HOSTILE}")
        assert "<script>document" not in text and "<img src=x" not in text and "\0" not in text
        assert text.count("&lt;script&gt;") > 8 and oddities.USER in text
        for table in ("budgets", "attempt-1"):
            assert (await place.visitor().web.get(f"/calls/{oddities.HOSTILE}/csv/{table}")).status_code == 200


async def test_a_call_that_is_not_written_yet_is_there(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        record = Record(new_call_id(), place.now_us(), "openai.chat", outcome="ok", status=200, cost_state="computed")
        place.ledger.put(record)
        text = await place.visitor().open(f"/calls/{record.id}")
        assert "being written to the ledger" in text
        await place.ledger.flush()
        assert "being written to the ledger" not in await place.visitor().open(f"/calls/{record.id}")


async def test_what_to_check_when_it_is_not_there(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        visitor = place.visitor()
        text = words(await visitor.open(f"/calls/{new_call_id()}", 404))
        assert "By its name it began" in text and "may still be under way" in text
        text = words(await visitor.open("/calls/nonsense", 404))
        assert "This is not how calls are named here" in text and "Look again" not in text
        assert "There is no call <b> here" in words(await visitor.open("/calls/%3Cb%3E", 404))
        place.later_us = 2 * 3_600_000_000
        assert "under way" not in await visitor.open(f"/calls/{new_call_id()}", 404)
        assert len(await visitor.open("/calls/" + "x" * 5_000, 404)) < 6_000


async def test_it_is_for_whom_it_belongs_to(tmp_path: Path) -> None:
    async def two(store: Store) -> None:
        await store.write([
            Record("call-mine", 1_790_000_000_000_000, "openai.chat", key_id="key-own"),
            Record("call-far", 1_790_000_000_000_000, "openai.chat", key_id="key-far", tenant="far"),
        ])  # fmt: skip

    async with a_place(tmp_path, before=two) as place:
        own, other = await place.add_key("own"), await place.add_key("other")
        viewer, admin = await place.add_key("viewer", role="viewer"), await place.add_key("admin", role="admin")
        for key, call_id, status in (
            (own, "call-mine", 200), (other, "call-mine", 404), (viewer, "call-mine", 200), (viewer, "call-far", 404),
            (own, "call-far", 404), (admin, "call-far", 200),
        ):  # fmt: skip
            await place.visitor(key).open(f"/calls/{call_id}", status)


async def test_a_price_that_was_changed_and_corrections_are_told(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=filled) as place:
        record = await place.store.call(oddities.RICH)
        assert record is not None
        day = record.started_us - record.started_us % 86_400_000_000
        await Corrections(place.store).post(
            [Entry(day, 5_000_000, provider="openai"), Entry(day, 1, provider="anthropic")],
            who="ada",
            reason="the bill <b>",
        )
        rerates = Rerates(place.store)
        run = await rerates.begin(Wanted(day, day + 86_400_000_000), who="ada")

        def dearer(each: Record) -> Record:
            if each.id != record.id:
                return each
            attempts = [
                each.attempts[0],
                msgspec.structs.replace(each.attempts[1], cost=600_000, price_version="new@2026-09-01"),
            ]
            return msgspec.structs.replace(each, cost=600_000, baseline=each.baseline + 30_000, attempts=attempts)

        await rerates.step(run, dearer)
        text = words(await place.visitor().open(f"/calls/{record.id}"))
        assert f"At first it was priced at $0.000570000 by openai/gpt-5.4-mini@2026-03-01; run {run.no} of" in text
        assert "Corrections of that day" in text and "$0.0050 ada the bill <b>" in text and "$0.0000000010" not in text
