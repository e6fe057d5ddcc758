"""The document says what the endpoints do: every one is in it with its role, and real answers are as it says."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from farthing.gateway.guard import NEEDS
from farthing.gateway.openapi import openapi
from farthing.model.batch import File, Job, Line
from farthing.model.record import Attempt, Record
from farthing.model.routes import ANY, Cell, Table
from farthing.store import Routes
from farthing.store.alerts import Alerts, Change, Notice, Standing
from farthing.store.batch import files, jobs, lines
from farthing.store.engine import Connection
from unit.batch.test_deferred import BODY, call, wish
from unit.batch.worked import work
from unit.gateway.batch_site import BOUNDARY, form, message
from unit.gateway.test_pages import Site, a_site

validators = pytest.importorskip("jsonschema_rs")
DOCUMENT = openapi()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, each in DOCUMENT["paths"].items()
    for method, operation in each.items()
}
BURNING = Standing("a1", "default", "day_spend", "feature", "agent", "alert", text="It burns.", seen_us=10**15)
BILL = (
    b'{"data":[{"start_time":1000000000,"results":[{"object":"organization.costs.result","amount":{"value":"0.5","currency":"usd"},'
    b'"line_item":"gpt-4o-2024-08-06, input","project_id":null}]}]}'
)
SENT: dict[str, tuple[str, object]] = {
    **{
        f"{place}{more}": ("JOB", None)
        for place, more in (
            ("GET /v1/farthing/jobs/{job_id}", ""),
            ("GET /v1/farthing/jobs/{job_id}", "/answer"),
            ("GET /v1/farthing/jobs/{job_id}", "/events"),
            ("POST /v1/farthing/jobs/{job_id}", "/cancel"),
            ("POST /v1/farthing/jobs/{job_id}", "/promote"),
        )
    },
    **{
        f"{method} /v1/files/{{file_id}}{more}": ("file-1", None)
        for method, more in (("GET", ""), ("DELETE", ""), ("GET", "/content"))
    },
    "POST /v1/farthing/jobs": (
        "",
        {"input_file_id": "file-1", "format": "openai.chat", "deadline": "2h", "max_cost_nano": 5},
    ),
    "POST /v1/farthing/jobs/quote": ("", {"groups": [{"model": "gpt-4o-mini", "requests": 3, "in_tokens": 90}]}),
    "GET /v1/farthing/jobs/{job_id}/results": ("job-f", None),
    "POST /v1/files": ("", form(b"{}")),
    "POST /v1/batches": ("", {"input_file_id": "file-1", "endpoint": "/v1/responses", "completion_window": "24h"}),
    "GET /v1/batches/{batch_id}": ("batch_1", None),
    "POST /v1/batches/{batch_id}/cancel": ("batch_1", None),
    "POST /v1/messages/batches": ("", {"requests": [message("a")]}),
    **{
        f"{method} /v1/messages/batches/{{batch_id}}{more}": ("msgbatch_1", None)
        for method, more in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/results"))
    },
    "POST /v1/farthing/keys": ("", {"name": "x", "role": "viewer", "tags": {"team": "t"}}),
    "POST /v1/farthing/keys/{key_id}/revoke": ("key-old", None),
    "POST /v1/farthing/keys/{key_id}/rotate": ("key-new", None),
    "GET /v1/farthing/calls/{call_id}": ("c-1", None),
    "POST /v1/farthing/feedback": ("", {"call_id": "c-1", "verdict": "good", "score": 0.5}),
    "GET /v1/models/{model}": ("gpt-4o", None),
    "PUT /v1/farthing/budgets/{budget_id}": ("b-2", {"amount": 5, "scope": {"user": "*"}}),
    "POST /v1/farthing/budgets/{budget_id}/raise": ("b-1", {"amount": 5, "until_us": 3 * 10**15, "reason": "launch"}),
    "GET /v1/farthing/budgets/{budget_id}": ("b-1", None),
    "DELETE /v1/farthing/budgets/{budget_id}": ("b-1", None),
    "GET /v1/farthing/alerts/{alert_id}": ("a1", None),
    "POST /v1/farthing/alerts/{alert_id}/ack": ("a1", {"who": "ana"}),
    "POST /v1/farthing/alerts/mutes": ("", {"for_s": 60, "rule": "day_spend"}),
    "DELETE /v1/farthing/alerts/mutes/{mute_id}": ("MUTE", None),
    "POST /v1/farthing/routes/apply": ("", {"version": 2}),
    "POST /v1/farthing/routes/reject": ("", {"version": 2}),
    "POST /v1/farthing/routes/undo": ("", {"version": 1}),
    "POST /v1/farthing/transactions/{type}/{id}/outcome": ("t", {"outcome": "resolved"}),
    "POST /v1/farthing/transactions/{type}/{id}/costs": ("t", {"costs": [{"tool": "search", "dollars": "0.01"}]}),
    "POST /v1/farthing/corrections": ("", {"day_us": 10**15, "amount": -5, "reason": "a credit", "provider": "openai"}),
    "POST /v1/farthing/reconcile": ("?provider=openai", BILL),
    "POST /v1/farthing/reconcile/corrections": ("?provider=openai&reason=the+bill", BILL),
    "POST /v1/farthing/rerates": ("", {"since_us": 0, "until_us": 2 * 10**15, "dry_run": False}),
    "GET /v1/farthing/transactions/{type}": ("known", None),
    "GET /v1/farthing/transactions/{type}/{id}": ("known", None),
}
"""What the address names, or its query, and the body; each is one that works."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as made:
        yield made


async def filled(site: Site) -> tuple[str, str]:
    """A site that has some of everything; the ids of a mute and of a job."""
    attempt = Attempt(1, provider="openai", model="gpt-4o", raw_usage=b"{}", cost=9, cost_state="computed")
    await site.store.write(
        [Record("c-1", 10**15 + 1, "openai.chat", model="gpt-4o", cost=9, baseline=9, cost_state="computed", feature="agent",
                attempts=[attempt])]
    )  # fmt: skip
    for name in ("old", "new", "boss"):
        await site.add(name, role="admin" if name == "boss" else "")
    await Alerts(site.store).decide(lambda known, mutes: Change([BURNING], [Notice("raised", BURNING, ("log",))]))
    mute = await Alerts(site.store).mute("default", rule="", scope="", until_us=3 * 10**15, who="", why="")
    await site("PUT", "/v1/farthing/budgets/b-1", key="fk-boss", body=b'{"amount":5}')
    posted = b'{"costs":[{"tool":"search","dollars":"0.01"}]}'
    await site("POST", "/v1/farthing/transactions/known/known/costs", key="fk-boss", body=posted)
    routes, cell = Routes(site.store), Cell("small-1", 0.99, 0.97, 400, "measured")
    await routes.apply(await routes.propose(Table(cells={(ANY, "task:qa"): {"small-1": cell}}), "", ""), "ana")
    await routes.propose(Table(cells={(ANY, "task:rag"): {"small-1": cell}}), "why", "")
    await site.store.do(handed_in)
    job = await site.deferred.submit(call(), BODY, wish(wait="job"))
    await work(site.store)
    return mute.id, job.id


def handed_in(connection: Connection) -> None:
    """A file, a batch that waits for it, and a message batch that has ended."""
    files.create(connection, File("file-1", "default", "batch", "a.jsonl", 1, "key-boss"))
    files.append(connection, "file-1", b"{}")
    files.finish(connection, "file-1")
    jobs.add(connection, Job("batch_1", "openai", "openai.chat", "default", 1, 2, "key-boss", input_file="file-1"))
    jobs.add(connection, Job("msgbatch_1", "anthropic", "anthropic.messages", "default", 1, 2, "key-boss"))
    lines.add(connection, [Line("msgbatch_1", 0, "a", "default", "m", 2, 2, body=b"{}")])
    jobs.validated(connection, "msgbatch_1", 1, 1)
    jobs.add(connection, Job("job-f", "file", "openai.chat", "default", 1, 2, "key-boss", input_file="file-1"))
    lines.add(connection, [Line("job-f", 0, "a", "default", "m", 2, 2, body=b"{}")])
    jobs.validated(connection, "job-f", 1, 1)
    for name in ("msgbatch_1", "job-f"):
        lines.settle(connection, [lines.Ended(name, 0, "", "done", 200, b"{}", 0, 0)], 2)


def resolved(schema: object) -> Any:
    """A schema that stands by itself: with the document's parts beside it."""
    return {"allOf": [schema], "components": DOCUMENT["components"]}


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for each in value.values():
            yield from references(each)
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def test_each_endpoint_has_its_role() -> None:
    for place, need in NEEDS.items():
        assert OPERATIONS[place]["x-farthing-role"] == (need.role or "own"), place
        assert OPERATIONS[place]["summary"] and OPERATIONS[place]["description"], place
    open_to_all = {place for place, operation in OPERATIONS.items() if operation["x-farthing-role"] == "none"}
    assert open_to_all == {"GET /v1/farthing/openapi.json", "GET /health/live", "GET /health/ready"}


def test_every_reference_leads_somewhere() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    found = set(references(DOCUMENT))
    assert len(found) > 20
    assert all(each.removeprefix("#/components/schemas/") in schemas for each in found)


def test_parameters_of_addresses_are_named() -> None:
    for place, operation in OPERATIONS.items():
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"{(.*?)}", place)), place


@pytest.mark.parametrize("place", NEEDS)
async def test_an_answer_is_what_the_document_says(site: Site, place: str) -> None:
    mute, job = await filled(site)
    operation, (named, body) = OPERATIONS[place], SENT.get(place, ("", None))
    method, _, path = place.partition(" ")
    address = re.sub(r"{.*?}", named.replace("MUTE", mute).replace("JOB", job), path)
    address += named if named.startswith("?") else ""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    if body is not None and not isinstance(body, bytes):
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert validators.is_valid(resolved(schema), body), place
        assert not validators.is_valid(resolved(schema), {"no such field": 1})
    kind = f"multipart/form-data; boundary={BOUNDARY}" if place == "POST /v1/files" else "application/json"
    status, _, said = await site(method, address, key="fk-boss", body=content, content_type=kind)
    assert 200 <= status < 300, said
    documented = operation["responses"][str(status)]["content"]
    if "application/json" in documented and "text/csv" not in documented:
        validators.validate(resolved(documented["application/json"]["schema"]), json.loads(said))
    else:
        assert said.decode()


@pytest.mark.parametrize("place", [place for place in NEEDS if "{" in place and not place.startswith("PUT")])
async def test_refusals_are_in_the_document_too(site: Site, place: str) -> None:
    method, _, path = place.partition(" ")
    for key, address in (("fk-boss", re.sub(r"{.*?}", "none", path)), ("fk-wrong", re.sub(r"{.*?}", "none", path))):
        await site.add("boss", role="admin") if key == "fk-boss" else None
        status, _, _ = await site(method, address, key=key, body=b"[]")
        assert f"{status}" in OPERATIONS[place]["responses"], (place, status)
