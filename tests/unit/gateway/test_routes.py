"""The routing table over HTTP: what is shown to whom, and what an administrator may change."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farthing.model.routes import ANY, Cell, Table
from farthing.store import Routes
from unit.gateway.test_pages import Site, a_site

PATH = "/v1/farthing/routes"
QA = Table(
    cells={
        (ANY, "task:qa"): {"small-1": Cell("small-1", 0.99, 0.97, 400, "measured", why="400 comparisons")},
        ("acme", "task:qa"): {"small-1": Cell("small-1", 0.9, 0.8, 90, "demoted")},
    }
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as made:
        yield made


async def get(site: Site, path: str = "", key: str = "") -> Any:
    status, _, body = await site("GET", PATH + path, key=key)
    assert status == 200, body
    return json.loads(body)


async def post(site: Site, path: str, body: object, key: str = "") -> tuple[int, Any]:
    status, _, said = await site("POST", PATH + path, key=key, body=json.dumps(body).encode())
    return status, json.loads(said)


async def test_before_anything_was_applied_the_prior_is_shown(site: Site) -> None:
    shown = await get(site)
    assert (shown["version"], [(row["model"], row["may_serve"]) for row in shown["data"]]) == (
        0, [("small-1", False), ("mid-1", True)],
    )  # fmt: skip
    assert (await get(site, "/proposals"))["data"] == [] and (await get(site, "/history"))["data"] == []


async def test_a_proposal_is_shown_with_its_moves_applied_and_undone_by_name(site: Site) -> None:
    admin = await site.add("boss", role="admin")
    version = await Routes(site.store).propose(QA, "why not", "farthing")
    (proposal,) = (await get(site, "/proposals", admin))["data"]
    assert proposal["version"] == version
    kinds = {(move["kind"], move["tenant"], move["scope"], move["after"]["model"]) for move in proposal["moves"]}
    assert ("promote", ANY, "task:qa", "small-1") in kinds
    assert all(move["text"][0] in "+-" for move in proposal["moves"])
    assert await post(site, "/apply", {"version": version}, admin) == (200, {"version": version})
    assert (await get(site, "", admin))["version"] == version
    assert (await post(site, "/apply", {"version": version}, admin))[0] == 400, "it holds already"
    assert await post(site, "/undo", {"version": version}, admin) == (200, {"version": 0})
    assert (await post(site, "/undo", {"version": version}, admin))[0] == 400
    changes = (await get(site, "/history?limit=2", admin))["data"]
    assert [(change["what"], change["who"]) for change in changes] == [
        ("undo", "key boss (key-boss)"),
        ("apply", "key boss (key-boss)"),
    ]


async def test_a_proposal_can_be_put_away(site: Site) -> None:
    version = await Routes(site.store).propose(QA, "", "farthing")
    assert await post(site, "/reject", {"version": version}) == (200, {"rejected": version})
    assert (await post(site, "/reject", {"version": version}))[0] == 400
    assert (await get(site, "/proposals"))["data"] == []
    assert (await get(site, "/history"))["data"][0]["who"] == "somebody on this machine"


async def test_another_tenant_sees_its_own_and_changes_nothing(site: Site) -> None:
    theirs = await site.add("theirs", role="admin", tenant="other")
    routes = Routes(site.store)
    version = await routes.propose(QA, "", "")
    await routes.apply(version, "")
    assert {row["tenant"] for row in (await get(site, "", theirs))["data"]} == {ANY}
    acme = await site.add("acme", role="admin", tenant="acme")
    assert {row["tenant"] for row in (await get(site, "", acme))["data"]} == {ANY, "acme"}
    for path in ("/proposals", "/history"):
        assert (await site("GET", PATH + path, key=theirs))[0] == 403
    for path in ("/apply", "/reject", "/undo"):
        assert (await post(site, path, {"version": version}, theirs))[0] == 403


async def test_only_administrators(site: Site) -> None:
    plain = await site.add("plain")
    for key, status in ((plain, 403), ("", 401)):
        assert (await site("GET", PATH, key=key))[0] == status
        assert (await post(site, "/undo", {"version": 1}, key))[0] == status
    assert (await site("GET", PATH, key=plain, peer="10.0.0.9"))[0] == 404


@pytest.mark.parametrize("path", ["/apply", "/reject", "/undo"])
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"version": 0}', b'{"version": "1"}', b'{"version": 1e400}', b'{"version": 9, "x": 1}',
             b'{"version": 99999999999999999999999}', b'{"version": 7}'],
)  # fmt: skip
async def test_odd_bodies(site: Site, path: str, body: bytes) -> None:
    assert (await site("POST", PATH + path, body=body))[0] in (400, 404)


@pytest.mark.parametrize("limit", ["", "0", "-1", "x", "1001", "²", "9" * 30])
async def test_odd_limits(site: Site, limit: str) -> None:
    assert (await site("GET", f"{PATH}/history?limit={limit}".replace("²", "%C2%B2")))[0] == 400
