"""Pages as routes: how each is let in, narrowed and answered, and what an error looks like."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

import pytest

from farthing.dashboard.page import Page
from farthing.dashboard.pages import PAGES
from farthing.dashboard.site import FILES, HEADINGS, PIECE
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.gateway.guard import OWN, VIEWER
from farthing.model.errors import BadRequest, FarthingError, NotFound, Unavailable
from farthing.settings import ServerSettings, Settings
from farthing.store import StoreError
from unit.dashboard.visitors import a_place


async def overview(view: View) -> dict[str, Any]:
    """What it was asked, as a table of the overview's template."""
    match view.query.get("fail"):
        case "store":
            raise StoreError("disk /var/secret is gone")
        case "found":
            raise NotFound("No such thing.")
        case "bad":
            raise BadRequest("Not so.")
    rows = [Row((f"{name}={value}", 1)) for name, value in view.where_calls.items()]
    return {"table": Table("asked", "Asked", (Column("where", "Where"), Column("n", "N", "count")), rows)}


SHOWN = (Page("plain", "/plain", "Plain", OWN, overview), Page("viewers", "/viewers", "Viewers", VIEWER, overview))


def lines(text: str) -> set[str]:
    return {row[0] for row in csv.reader(io.StringIO(text))}


async def test_a_table_is_downloaded_as_it_is_narrowed(tmp_path: Path) -> None:
    async with a_place(tmp_path, shown=SHOWN) as place:
        answer = await place.visitor().web.get("/plain/csv/asked?feature=a&outcome=error")
        assert answer.status_code == 200
        assert lines(answer.text) == {"where", "feature=a", "outcome=error", "tenant=default"}
        assert answer.headers["content-disposition"] == 'attachment; filename="farthing-plain-asked.csv"'
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await place.visitor().web.get("/plain/csv/nothing")).status_code == 404


@pytest.mark.parametrize(("fail", "status"), [("store", 503), ("found", 404), ("bad", 400)])
async def test_errors_are_pages_that_name_nothing_of_the_machine(tmp_path: Path, fail: str, status: int) -> None:
    async with a_place(tmp_path, shown=SHOWN) as place:
        answer = await place.visitor().web.get(f"/plain?fail={fail}")
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert HEADINGS[status] in answer.text
        assert "/var/secret" not in answer.text
        assert (await place.visitor().web.get(f"/plain/csv/asked?fail={fail}")).status_code == status


async def test_a_page_lets_in_whom_it_is_for(tmp_path: Path) -> None:
    async with a_place(tmp_path, shown=SHOWN) as place:
        own, viewer = await place.add_key("own"), await place.add_key("viewer", role="viewer")
        assert (await place.visitor(own).web.get("/viewers/csv/asked")).status_code == 403
        assert (await place.visitor(viewer).web.get("/viewers/csv/asked")).status_code == 200
        sent_away = await place.visitor().web.get("/plain?period=7d")
        assert sent_away.status_code == 303
        assert sent_away.headers["location"] == "/sign-in?next=%2Fplain%3Fperiod%3D7d"


async def test_a_key_without_a_role_is_held_to_its_own_whatever_it_asks(tmp_path: Path) -> None:
    async with a_place(tmp_path, shown=SHOWN) as place:
        own = await place.add_key("own")
        answer = await place.visitor(own).web.get("/plain/csv/asked?key=key-other&tenant=default")
        assert lines(answer.text) == {"where", "key=key-own", "tenant=default"}
        assert (await place.visitor(own).web.get("/plain/csv/asked?tenant=other")).status_code == 403


async def test_an_address_that_cannot_be_read_is_a_bad_request(tmp_path: Path) -> None:
    async with a_place(tmp_path, shown=SHOWN) as place:
        web = place.visitor().web
        for query in ("period=never", f"user={'x' * 2_000}", "tenant=", "tenant=%00", "tenant=*"):
            assert (await web.get(f"/plain/csv/asked?{query}")).status_code == 400, query


async def test_pages_for_roles_are_nowhere_where_they_are_switched_off(tmp_path: Path) -> None:
    settings = Settings(server=ServerSettings(admin="off"))
    async with a_place(tmp_path, settings, shown=SHOWN) as place:
        assert (await place.visitor().web.get("/viewers")).status_code == 404


def test_no_two_pages_share_a_name_or_an_address() -> None:
    assert len({page.name for page in PAGES}) == len({page.path for page in PAGES}) == len(PAGES)
    assert all(page.path.startswith("/") and page.title for page in PAGES)


def test_each_error_that_people_meet_has_a_heading() -> None:
    for error in (BadRequest, NotFound, Unavailable):
        assert issubclass(error, FarthingError) and error.status in HEADINGS


async def test_a_long_file_comes_whole_in_pieces_and_many_are_made_one_after_another(tmp_path: Path) -> None:
    rows = [Row((f"ü, {number}",)) for number in range(20_000)]
    under_way = most = 0

    async def long(view: View) -> dict[str, Any]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return {"table": Table("all", "All", (Column("word", "Word"),), rows)}

    async with a_place(tmp_path, shown=(Page("plain", "/plain", "Plain", OWN, long),)) as place:
        web = place.visitor().web
        answers = await asyncio.gather(*(web.get("/plain/csv/all") for _ in range(6)))
        assert most <= FILES
        for answer in answers:
            assert len(answer.text) > 2 * PIECE
            assert [line[0] for line in csv.reader(io.StringIO(answer.text))] == [
                "word",
                *(row.values[0] for row in rows),
            ]
