"""What each page needs of whoever comes: every endpoint is tried with every role, from both sides of the tenants' wall."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farthing.gateway.guard import NEEDS, Guard
from farthing.model.principal import ROLES
from farthing.model.record import Record
from farthing.model.routes import ANY, Cell, Table
from farthing.store import Routes
from unit.gateway.test_pages import Site, a_site

TENANTS = ("default", "b")
REFUSED = (401, 403)


PLACES = ("/v1/farthing", "/v1/models", "/v1/files", "/v1/batches", "/v1/messages/batches", "/metrics")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as made:
        yield made


async def status_of(site: Site, place: str, key: str, query: str = "") -> int:
    method, _, path = place.partition(" ")
    status, _, _ = await site(method, re.sub(r"{.*?}", "some", path) + query, key=key, body=b"{}")
    return status


def test_every_page_is_in_the_table_and_no_other(site: Site) -> None:
    served = {
        f"{method} {route.path.replace(':path', '')}"  # type: ignore[attr-defined]
        for route in site.app.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
        if route.path.startswith(PLACES)  # type: ignore[attr-defined]
    }
    assert served - {"GET /v1/farthing/openapi.json"} == set(NEEDS)


def test_a_page_that_the_table_does_not_know_is_not_made(site: Site) -> None:
    async def answer(request: Any, entered: Any) -> Any: ...

    with pytest.raises(KeyError):
        Guard(site.keys, "on").page("/v1/farthing/secrets", "GET", answer)


@pytest.mark.parametrize("place", NEEDS)
async def test_each_role_at_each_page(site: Site, place: str) -> None:
    need = NEEDS[place]
    for tenant in TENANTS:
        for role in ROLES:
            key = await site.add(f"{tenant}-{role}", role=role, tenant=tenant)
            enough = ROLES.index(role) >= ROLES.index(need.role)
            through = enough and (tenant == "default" or not need.whole)
            status = await status_of(site, place, key)
            assert (status not in REFUSED) == through, (place, tenant, role, status)
            assert status < 500
            over = await status_of(site, place, key, "?tenant=c")
            assert (over not in REFUSED) == (through and (tenant, role) == ("default", "admin")), (place, tenant, role)
            assert over < 500
    assert await status_of(site, place, "") == 401
    assert await status_of(site, place, "fk-wrong") == 401


@pytest.mark.parametrize("place", [place for place, need in NEEDS.items() if need.role])
async def test_pages_of_roles_are_absent_elsewhere(site: Site, place: str) -> None:
    method, _, path = place.partition(" ")
    chief = await site.add("chief", role="admin")
    assert (await site(method, re.sub(r"{.*?}", "some", path), key=chief, peer="10.0.0.9"))[0] == 404


async def test_without_keys_the_own_machine_may_all(site: Site) -> None:
    for place in NEEDS:
        assert await status_of(site, place, "") not in REFUSED
        assert await status_of(site, place, "", "?tenant=b") not in REFUSED


@pytest.mark.parametrize("tenant", ["", "*", "%00", "%1b[2J", "x" * 200])
async def test_tenants_that_are_none(site: Site, tenant: str) -> None:
    chief = await site.add("chief", role="admin")
    for page in ("keys", "budgets", "alerts", "report", "calls", "audit"):
        assert (await site("GET", f"/v1/farthing/{page}?tenant={tenant}", key=chief))[0] == 400


def call(call_id: str, key: str, tenant: str = "default") -> Record:
    return Record(call_id, 10**15, "openai.chat", key_id=f"key-{key}", tenant=tenant, cost_state="computed")


async def listed(site: Site, key: str, query: str = "") -> list[str]:
    status, _, body = await site("GET", f"/v1/farthing/calls{query}", key=key)
    assert status == 200, body
    return [each["id"] for each in json.loads(body)["data"]]


async def test_calls_are_seen_by_their_key_by_viewers_of_the_tenant_and_by_the_chief(site: Site) -> None:
    mine, other = await site.add("mine"), await site.add("other")
    viewer, chief = await site.add("viewer", role="viewer"), await site.add("chief", role="admin")
    foreign = await site.add("foreign", role="admin", tenant="b")
    await site.store.write([call("c-mine", "mine"), call("c-other", "other"), call("c-b", "b", "b")])
    assert await listed(site, mine) == ["c-mine"]
    assert await listed(site, mine, "?key=key-other") == ["c-mine"], "the filter is not the wall"
    assert sorted(await listed(site, viewer)) == sorted(await listed(site, chief)) == ["c-mine", "c-other"]
    assert await listed(site, viewer, "?key=key-other") == ["c-other"]
    assert await listed(site, foreign) == await listed(site, chief, "?tenant=b") == ["c-b"]
    seen = {
        (name, each)
        for name, key in {"mine": mine, "other": other, "viewer": viewer, "chief": chief, "foreign": foreign}.items()
        for each in ("c-mine", "c-other", "c-b")
        if (await site("GET", f"/v1/farthing/calls/{each}", key=key))[0] == 200
    }
    assert seen == {
        ("mine", "c-mine"), ("other", "c-other"), ("viewer", "c-mine"), ("viewer", "c-other"), ("chief", "c-mine"),
        ("chief", "c-other"), ("chief", "c-b"), ("foreign", "c-b"),
    }  # fmt: skip


async def test_lists_of_calls_have_pages(site: Site) -> None:
    await site.store.write([call(f"c-{number}", "a") for number in range(5)])
    _, _, body = await site("GET", "/v1/farthing/calls?limit=2")
    first = json.loads(body)
    rest = await listed(site, "", f"?before={first['before']}")
    assert sorted([each["id"] for each in first["data"]] + rest) == [f"c-{number}" for number in range(5)]
    assert await listed(site, "", "?until_us=1000000000000000") == []
    for odd in ("limit=x", "before=1e3.c", "since_us=-1", "until_us=" + "9" * 40, "limit=%C2%B2"):
        assert (await site("GET", f"/v1/farthing/calls?{odd}"))[0] == 400


async def test_feedback_on_another_s_call_is_for_editors(site: Site) -> None:
    await site.store.write([call("c-mine", "mine")])
    body = b'{"call_id":"c-mine","verdict":"bad"}'
    for role, status in (("", 404), ("viewer", 404), ("editor", 200), ("admin", 200)):
        key = await site.add(f"one-{role}", role=role)
        assert (await site("POST", "/v1/farthing/feedback", key=key, body=body))[0] == status


async def test_budgets_stay_within_their_tenant(site: Site) -> None:
    editor, theirs = await site.add("editor", role="editor"), await site.add("theirs", role="editor", tenant="b")
    chief = await site.add("chief", role="admin")
    path, body = "/v1/farthing/budgets", b'{"amount":5}'
    assert (await site("PUT", f"{path}/ours", key=editor, body=body))[0] == 201
    assert (await site("PUT", f"{path}/ours", key=theirs, body=body))[0] == 400, "the name is taken"
    assert (await site("GET", f"{path}/ours", key=theirs))[0] == 404
    assert (await site("DELETE", f"{path}/ours", key=theirs))[0] == 404
    assert (await site("PUT", f"{path}/made-for-b?tenant=b", key=chief, body=body))[0] == 201
    assert (await site("GET", f"{path}/made-for-b", key=theirs))[0] == 200
    assert (await site("GET", f"{path}/made-for-b", key=editor))[0] == 404


async def test_the_routing_table_is_changed_by_editors_as_far_as_it_is_theirs(site: Site) -> None:
    editor, chief = await site.add("editor", role="editor"), await site.add("chief", role="admin")
    kept, path = Routes(site.store), "/v1/farthing/routes"
    cell = Cell("small-1", 0.99, 0.97, 400, "measured", why="of the tenant b")
    for tenant, key, status in (("b", editor, 403), ("b", chief, 200), (ANY, editor, 200)):
        cells = {**(await kept.active()).cells, (tenant, "task:qa"): {"small-1": cell}}
        version = await kept.propose(Table(cells=cells), "of the tenant b", "farthing")
        _, _, shown = await site("GET", f"{path}/proposals", key=editor)
        (proposal,) = json.loads(shown)["data"]
        assert proposal["why"] == "" and all(move["tenant"] == ANY for move in proposal["moves"])
        for step in ("reject", "apply") if status == 403 else ("apply",):
            done, _, _ = await site("POST", f"{path}/{step}", key=key, body=json.dumps({"version": version}).encode())
            assert done == status, (tenant, step)
    _, _, shown = await site("GET", path, key=editor)
    assert {row["tenant"] for row in json.loads(shown)["data"]} == {ANY}
    _, _, shown = await site("GET", f"{path}/history", key=editor)
    assert "tenant b" not in shown.decode()
    _, _, shown = await site("GET", f"{path}/history", key=chief)
    assert "tenant b" in shown.decode()


async def test_what_was_done_over_http_is_in_the_audit_log(site: Site) -> None:
    chief = await site.add("chief", role="admin")
    await site.add("editor", role="editor")
    _, _, made = await site("POST", "/v1/farthing/keys", key=chief, body=b'{"name":"web","role":"viewer"}')
    key = json.loads(made)
    assert key["role"] == "viewer"
    await site("POST", f"/v1/farthing/keys/{key['id']}/revoke", key=chief)
    await site("PUT", "/v1/farthing/budgets/x", key="fk-editor", body=b'{"amount":5}')
    more = b'{"amount":7,"until_us":3000000000000000,"reason":"launch"}'
    await site("POST", "/v1/farthing/budgets/x/raise", key="fk-editor", body=more)
    await site("POST", "/v1/farthing/alerts/mutes", key="fk-editor", body=b'{"for_s":60,"who":"chief"}')
    _, _, body = await site("GET", "/v1/farthing/audit?limit=5", key=chief)
    assert [(each["who"], each["kind"], each["what"]) for each in json.loads(body)["data"]] == [
        ("key editor (key-editor)", "mute", "made"),
        ("key editor (key-editor)", "budget", "raised"),
        ("key editor (key-editor)", "budget", "made"),
        ("key chief (key-chief)", "key", "revoked"),
        ("key chief (key-chief)", "key", "made"),
    ]
    assert key["secret"] not in body.decode() and "hash" not in body.decode()
    _, _, body = await site("GET", f"/v1/farthing/audit?kind=key&target={key['id']}", key=chief)
    assert [each["what"] for each in json.loads(body)["data"]] == ["revoked", "made"]
    _, _, body = await site("GET", "/v1/farthing/audit?tenant=b", key=chief)
    assert json.loads(body)["data"] == []
    for odd in ("kind=secret", "limit=0", "before=x", "since_us=x", "limit=" + "9" * 50):
        assert (await site("GET", f"/v1/farthing/audit?{odd}", key=chief))[0] == 400


@pytest.mark.parametrize(
    ("body", "role"),
    [(b'{"name":"x"}', ""), (b'{"name":"x","admin":true}', "admin"), (b'{"name":"x","role":"editor"}', "editor")],
)
async def test_keys_of_a_role(site: Site, body: bytes, role: str) -> None:
    status, _, made = await site("POST", "/v1/farthing/keys", body=body)
    assert (status, json.loads(made)["role"]) == (201, role)


@pytest.mark.parametrize("body", [b'{"name":"x","role":"chief"}', b'{"name":"x","role":"viewer","admin":true}'])
async def test_roles_that_are_none(site: Site, body: bytes) -> None:
    assert (await site("POST", "/v1/farthing/keys", body=body))[0] == 400
