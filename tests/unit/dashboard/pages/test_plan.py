"""The page Plan: what it says, to whom, and how a change of settings goes its way from it."""

from pathlib import Path

from farthing.finops.next_savings import Saving
from farthing.finops.plans.document import BreakEven, Document, Happened, Outcome, Point, Sweep, packed
from farthing.model.plan import Example
from farthing.settings import CacheSettings, Settings
from farthing.store import Store
from farthing.store.plans import Plans
from farthing.store.proposed_settings import SettingChanges
from unit.dashboard.visitors import Sketches, a_place
from unit.finops.plans.made import document, dollars

NOW = 1_792_100_000_000_000
ODD = '"><script>alert(1)</script>\u202e'


async def keep(store: Store, found: Document | None = None, tenants: tuple[str, ...] = ("default",)) -> None:
    await Plans(store).keep(packed(found or document()), tenants, NOW, "ana")


async def test_before_the_first_it_says_how_to_get_one(tmp_path: Path) -> None:
    async with a_place(tmp_path, studio=Sketches()) as place:
        visitor = place.visitor()
        text = await visitor.open("/plan")
        assert "No plan yet" in text and "each Monday at 05:00 UTC" in text and "farthing plan --ledger" in text
        answer = await visitor.send("/plan", "/plan/ask")
        assert "A gateway makes a plan now" in answer.text and "A plan is being made" in answer.text
        again = await visitor.post("/plan/ask", _token="x")
        assert again.status_code == 403


async def test_a_plan_is_shown_in_stages(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=keep, studio=Sketches()) as place:
        text = await place.visitor().open("/plan")
        order = ["Switch on now", "Switch on with a hold-out", "Prove first", "Say for whom"]
        places = [text.index(each) for each in order]
        assert places == sorted(places)
        assert (
            "$120.00" in text
            and "$90.00 to $150.00 in 8 of 10 months" in text
            and "100 calls were not asked again" in text
        )
        assert "Not sure to save" in text and "provider_caching" in text
        csv = await place.visitor().open("/plan/csv/levers")
        assert csv.startswith("lever,beside,") and "model selection,90" in csv
        await place.visitor().open("/plan?plan=7", status=404)
        await place.visitor().open("/plan?plan=1")


async def test_curves_sums_and_outcomes(tmp_path: Path) -> None:
    sweep = Sweep("cache.ttl", [Point("3600", 90, dollars(1), 0.1, 0.0), Point("86400", 80, dollars(2), 0.2, 0.3)])
    since = Happened(
        NOW - 1, NOW, NOW + 1, 1.5, [Outcome("semantic cache", dollars(40, 30, 50), 0, 45_000_000_000, "as planned")]
    )
    saving = Saving("embeddings", ODD, None, 0, 9_000_000_000, "lossless", ODD, ODD, ODD)
    even = BreakEven("gpt-4o", "Llama 3 8B", "H100", 1.0, 1.0, 2.0, 1, None, 0.0, 1.0, 0.5)
    found = document(sweeps=[sweep], happened=since, sums=[saving], break_even=even, gaps=[ODD], scenario=[ODD])
    found.plan.levers[0].examples = [Example(ODD, ODD, 9, 1)]

    async def kept(store: Store) -> None:
        await keep(store, found)

    async with a_place(tmp_path, before=kept, studio=Sketches()) as place:
        text = await place.visitor().open("/plan")
        assert "cache.ttl, everything on" in text and "1 h" in text and "as planned" in text and "$45.00" in text
        assert "<script>alert" not in text and "%3Cscript%3E" in text and "1.50 times" in text
        assert "1 d" in await place.visitor().open("/plan/csv/sweep-1")


async def test_a_change_is_proposed_accepted_and_known_to_be_in_force(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=keep, studio=Sketches()) as place:
        editor = place.visitor(await place.add_key("ed", role="editor"))
        chief = place.visitor(await place.add_key("chief", role="admin"))
        sent = await editor.send("/plan", "/plan/propose", lever="semantic cache", why="try it")
        assert "Change 1 is proposed" in sent.text and "try it" in sent.text and "cache.mode" in sent.text
        assert "now exact" not in sent.text
        none = await editor.send("/plan", "/plan/propose", why="nothing")
        assert none.status_code == 400 and "at least one" in none.text
        assert (await editor.send("/plan", "/plan/accept", change="1")).status_code == 403
        done = await chief.send("/plan", "/plan/accept", change="1")
        assert "Change 1 is accepted" in done.text and "farthing plan apply 1" in done.text
        assert (await chief.send("/plan", "/plan/accept", change="1")).status_code == 400
        away = await chief.send("/plan", "/plan/reject", change="1")
        assert "put away" in away.text
        (change,) = await SettingChanges(place.store).every()
        assert change.state == "rejected" and "chief" in change.decided_by


async def test_what_is_in_force_is_said_so(tmp_path: Path) -> None:
    async def proposed(store: Store) -> None:
        await SettingChanges(store).propose('[cache]\nmode = "exact"\nmax_temperature = 1.0\n', "", "ana", NOW)

    settings = Settings(cache=CacheSettings(mode="exact", max_temperature=1.0))
    async with a_place(tmp_path, settings, before=proposed, studio=Sketches()) as place:
        assert "All of it is in force" in await place.visitor().open("/plan")


async def test_who_sees_it(tmp_path: Path) -> None:
    async def both(store: Store) -> None:
        await keep(store, tenants=("default", "other"))

    async with a_place(tmp_path, before=both, studio=Sketches()) as place:
        viewer = place.visitor(await place.add_key("viewer", role="viewer"))
        text = await viewer.open("/plan")
        assert "calls of other tenants too" in text and "semantic cache" not in text and "Propose" not in text
        chief = place.visitor(await place.add_key("chief", role="admin"))
        assert "semantic cache" in await chief.open("/plan")
        await place.visitor(await place.add_key("own")).open("/plan", status=403)
        await place.visitor(await place.add_key("other", role="admin", tenant="other")).open("/plan", status=403)


async def test_one_of_another_version_is_no_error(tmp_path: Path) -> None:
    async def old(store: Store) -> None:
        await Plans(store).keep('{"plan": 1}', ["default"], NOW, "ana")

    async with a_place(tmp_path, before=old, studio=Sketches()) as place:
        assert "another version of Farthing" in await place.visitor().open("/plan")
