"""`GET /v1/farthing/openapi.json`: the gateway's endpoints for people and machines: who may use each, what it takes, what it
answers.

Bodies and answers are described from the very types that read and write them; who may do what comes from the guard. The
bodies of model endpoints are the providers' own and much larger than what is said here: fields that the gateway does not
know pass through untouched, so each body is described by what every provider asks for.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing import __version__
from farthing.batch.prompts.costing import Quote
from farthing.finops.posts import CostsBody, OutcomeBody
from farthing.finops.reconcile.job import READERS
from farthing.gateway import (
    admin,
    alerts,
    batches,
    budgets,
    corrections,
    exports,
    feedback,
    job_files,
    jobs,
    rerate,
)
from farthing.gateway import routes as table
from farthing.gateway.guard import NEEDS, Need
from farthing.model.budget import Budget
from farthing.model.principal import OPERATOR, ROLES, Key
from farthing.model.record import Record
from farthing.quality.proposals import Move
from farthing.quality.review import Shown
from farthing.steps.balance.health import DeploymentState
from farthing.store import CallRow, Change, ReportRow, Version
from farthing.store.alerts import ChannelState, Mute
from farthing.store.alerts import Standing as Alert
from farthing.store.audit import KINDS, AuditEntry
from farthing.store.budgets import Standing
from farthing.store.corrections import Correction
from farthing.store.reading import DIMENSIONS, FILTERS
from farthing.wire import FORMATS
from farthing.wire.format import Format

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
MOMENT: Json = {"type": "integer", "minimum": 0, "description": "Microseconds since 1970 (UTC)."}
NANO: Json = {"type": "integer", "description": "Nano-dollars."}
ANYTHING: Json = {"type": "object"}
MESSAGES: Json = {"type": "array", "items": {"type": "object"}, "minItems": 1}
BODIES: dict[str, Json] = {
    "openai.chat": {"required": ["model", "messages"], "properties": {"messages": MESSAGES}},
    "openai.responses": {"required": ["model", "input"], "properties": {"input": {}}},
    "openai.embeddings": {"required": ["model", "input"], "properties": {"input": {}}},
    "anthropic.messages": {
        "required": ["model", "messages", "max_tokens"],
        "properties": {"messages": MESSAGES, "max_tokens": COUNT},
    },
    "anthropic.count_tokens": {"required": ["model", "messages"], "properties": {"messages": MESSAGES}},
}
QUERY: dict[str, Json] = {
    "since_us": MOMENT, "until_us": MOMENT, "limit": {"type": "integer", "minimum": 1},
    "state": {"type": "string", "enum": ["open", "all"]}, "kind": {"type": "string", "enum": list(KINDS)},
    "provider": {"type": "string", "enum": sorted(READERS)},
}  # fmt: skip
"""What is in a query and no plain text."""
SPAN = ("since_us", "until_us")
SCOPE = tuple(DIMENSIONS)
ERRORS = {
    "400": "The body, the query or a header cannot be used; the message says why.",
    "401": "No key, or one that is not known, revoked or expired.",
    "402": "A budget is used up, and its policy says 402.",
    "403": "The key may not do this.",
    "404": "No such thing here, or none that is this key's.",
    "405": "The address does not take this method.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "429": "A limit or a budget is used up; Retry-After says when to come back.",
    "502": "The provider could not be reached, or broke off.",
    "503": "The gateway is stopping, or cannot read or keep its ledger.",
    "504": "The provider took too long.",
}
OF_PAGES = ("400", "401", "403", "404", "405", "503")
OF_BODIES = ("408", "413")

_TYPES = (
    batches.NewBatch, job_files.NewJob, job_files.NewQuote, Quote, corrections.NewCorrection, rerate.NewRerate, Correction, admin.NewKey, alerts.Ack, alerts.NewMute, budgets.NewBudget, budgets.NewRaise, feedback.Said, table.Which, OutcomeBody,
    CostsBody, Key, Record, CallRow, ReportRow, Budget, Standing, Alert, Mute, ChannelState, Shown, Version, Move, Change,
    DeploymentState, AuditEntry,
)  # fmt: skip
_REFERENCES, SCHEMAS = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
_OF: dict[type, Json] = dict(zip(_TYPES, _REFERENCES, strict=True))


def routes() -> list[Route]:
    document = openapi()

    async def show(request: Request) -> Response:
        return JSONResponse(document)

    return [Route("/v1/farthing/openapi.json", show)]


def openapi() -> Json:
    """The document, version 3.1."""
    paths: dict[str, Json] = {format.path: {"post": _call(format)} for format in FORMATS.values()}
    for operations in (
        _callers(),
        _batches(),
        _jobs(),
        _keys(),
        _reports(),
        _budgets(),
        _alerts(),
        _routes(),
        _transactions(),
        _exports(),
        _bills(),
        _gateway(),
    ):
        for place, operation in operations.items():
            method, _, path = place.partition(" ")
            at = [
                {"name": name, "in": "path", "required": True, "schema": TEXT} for name in re.findall(r"{(.*?)}", path)
            ]
            whole = operation | {"parameters": [*at, *operation["parameters"]]}
            paths.setdefault(path, {})[method.lower()] = _guarded(whole, NEEDS.get(place))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Farthing gateway", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
        "security": [{}, {"bearer": []}, {"header": []}],
    }


def _schemas() -> dict[str, Json]:
    """The types as they are shown: a key without the hash of its secret, a call with its cost in words too."""
    key = {**SCHEMAS["Key"], "properties": {**SCHEMAS["Key"]["properties"]}}
    del key["properties"]["hash"]
    key["required"] = [name for name in key["required"] if name != "hash"]
    attempt = SCHEMAS["Attempt"]
    shown = {**attempt["properties"], "raw_usage": TEXT, "cost_dollars": TEXT}
    record = SCHEMAS["Record"]
    dollars = {"cost_dollars": TEXT, "baseline_dollars": TEXT}
    return SCHEMAS | {
        "Key": key,
        "Attempt": {**attempt, "properties": shown},
        "Record": {**record, "properties": record["properties"] | dollars},
        "Error": {
            "type": "object",
            "description": "In the shape that the client's SDK expects, with a code that stays.",
        },
    }


def _callers() -> dict[str, Json]:
    return {
        "GET /v1/models": _page("Models that callers can ask for", ANYTHING, query=("limit", "after_id", "before_id")),
        "GET /v1/models/{model}": _page("One model", ANYTHING),
        "GET /v1/farthing/calls": _page(
            "The newest calls; `before` of an answer leads to the next page",
            _fields(data=_list(CallRow), before={"type": ["string", "null"]}),
            query=(*SPAN, *(name for name in FILTERS if name != "tenant"), "limit", "before"),
        ),
        "GET /v1/farthing/calls/{call_id}": _page("What a call cost, and why", _OF[Record]),
        "POST /v1/farthing/feedback": _page(
            "Say whether a call's answer was good",
            _fields(call_id=TEXT, verdict=TEXT, answers_dropped=COUNT),
            body=feedback.Said,
        ),
    }


def _jobs() -> dict[str, Json]:
    base = "/v1/farthing/jobs"
    moment = {"type": ["integer", "null"], "description": "Microseconds since 1970 (UTC)."}
    number = {"type": ["number", "null"]}
    counts = _fields(total=COUNT, done=COUNT, failed=COUNT, expired=COUNT, cancelled=COUNT)
    job = _fields(
        id=TEXT, state={"type": "string", "enum": list(jobs.STATES)}, origin={"type": "string", "enum": list(jobs.ORIGINS)},
        name=TEXT, created_us=MOMENT, deadline_us=MOMENT, started_us=moment, ended_us=moment, expires_us=moment,
        seconds_left=number, lines=counts, position=number, expected_us=moment, expected_by_us=moment, cost_nano=NANO, cost_dollars=TEXT,
        saved_nano=NANO, saved_dollars=TEXT, url=TEXT, answer_url=TEXT,
    )  # fmt: skip
    pages = {
        f"GET {base}": _page(
            "Jobs, the newest first; `after` of an answer leads to the next page",
            _fields(data={"type": "array", "items": job}, after={"type": ["string", "null"]}),
            query=("state", "origin", "after", "limit"),
        ),
        f"POST {base}": _page("Have the requests of an uploaded file worked", job, body=job_files.NewJob, status="201"),
        f"POST {base}/quote": _page("What requests will cost, before they are handed in", _OF[Quote], body=job_files.NewQuote),
        f"GET {base}/{{job_id}}/results": _page(
            "What became of each line of a file, as lines of JSON; `after`: behind the line of that number", TEXT,
            query=("after",), media="application/x-ndjson",
        ),
        f"GET {base}/{{job_id}}": _page("One job: where it is, when it must be done, what it cost",
            {"allOf": [job, _fields(errors={"type": "array", "items": ANYTHING}, dropped=FLAG)]},
        ),
        f"GET {base}/{{job_id}}/answer": _page(
            "The answer of a call that waited, with the status that it has; 202 and the job while there is none. `wait`: so long",
            ANYTHING, query=("wait",), also="202",
        ),
        f"GET {base}/{{job_id}}/events": _page(
            "The job whenever it has changed, as server-sent events, until it has ended", TEXT, media="text/event-stream"
        ),
        f"POST {base}/{{job_id}}/cancel": _page("End what is not sent yet", job),
        f"POST {base}/{{job_id}}/promote": _page(
            "Have it done at once, at the price of that", {"allOf": [job, _fields(promoted=COUNT)]}
        ),
    }  # fmt: skip
    for each in pages[f"GET {base}"]["parameters"]:
        if each["name"] in ("state", "origin"):
            each["schema"] = {"type": "string", "enum": list(jobs.STATES if each["name"] == "state" else jobs.ORIGINS)}
    return pages


def _batches() -> dict[str, Json]:
    """The providers' own shapes, of which only what is asked for is described."""
    form = _fields(purpose={"type": "string", "enum": ["batch"]}, file={"type": "string", "format": "binary"})
    form["properties"] |= {"expires_after[anchor]": TEXT, "expires_after[seconds]": COUNT}
    upload = _page("Upload a file of requests (JSON lines), kept 30 days or as `expires_after` says", ANYTHING)
    upload["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    upload["responses"] |= _errors(OF_BODIES)
    requests = {"type": "array", "items": _fields(custom_id=TEXT, params=ANYTHING), "minItems": 1}
    openai, anthropic = "/v1/batches", "/v1/messages/batches"
    return {
        "POST /v1/files": upload,
        "GET /v1/files": _page("Files, the newest first", ANYTHING, query=("purpose", "after", "limit", "order")),
        "GET /v1/files/{file_id}": _page("One file", ANYTHING),
        "DELETE /v1/files/{file_id}": _page("Delete a file; with results, what lines were answered is gone", ANYTHING),
        "GET /v1/files/{file_id}/content": _page("What is in a file", TEXT, media="application/octet-stream"),
        f"POST {openai}": _page("Have the requests of a file worked by a deadline", ANYTHING, body=batches.NewBatch),
        f"GET {openai}": _page("Batches, the newest first", ANYTHING, query=("after", "limit")),
        f"GET {openai}/{{batch_id}}": _page("One batch", ANYTHING),
        f"POST {openai}/{{batch_id}}/cancel": _page("End a batch; what is finished stays", ANYTHING),
        f"POST {anthropic}": _page(
            "Have requests worked within 24 hours", ANYTHING,
            body={"type": "object", "required": ["requests"], "properties": {"requests": requests}},
        ),
        f"GET {anthropic}": _page("Batches, the newest first", ANYTHING, query=("before_id", "after_id", "limit")),
        f"GET {anthropic}/{{batch_id}}": _page("One batch", ANYTHING),
        f"DELETE {anthropic}/{{batch_id}}": _page("Delete a batch that has ended", ANYTHING),
        f"POST {anthropic}/{{batch_id}}/cancel": _page("End a batch; what is finished stays", ANYTHING),
        f"GET {anthropic}/{{batch_id}}/results": _page("The results, a line each", TEXT, media="application/x-jsonl"),
    }  # fmt: skip


def _keys() -> dict[str, Json]:
    secret = _fields(id=TEXT, secret=TEXT)
    return {
        "GET /v1/farthing/keys": _page("Keys", _data(Key)),
        "POST /v1/farthing/keys": _page(
            "Make a key; its secret is shown once", {"allOf": [_OF[Key], secret]}, body=admin.NewKey, status="201"
        ),
        "POST /v1/farthing/keys/{key_id}/revoke": _page("Revoke a key", _fields(id=TEXT, revoked=FLAG)),
        "POST /v1/farthing/keys/{key_id}/rotate": _page("Give a key a new secret, shown once", secret),
        "GET /v1/farthing/audit": _page(
            "Who changed what when, the newest first; `before` is the number of the last entry seen",
            _data(AuditEntry),
            query=(*SPAN, "kind", "target", "before", "limit"),
        ),
    }


def _reports() -> dict[str, Json]:
    span = {"since_us": MOMENT, "until_us": MOMENT}
    rows = {"type": "array", "items": ANYTHING}
    amount = _fields(nano_dollars=NANO, dollars=TEXT)
    return {
        "GET /v1/farthing/report": _page("What was spent", _data(ReportRow), query=("by", *SPAN)),
        "GET /v1/farthing/reports/metrics": _page(
            "The six metrics, each with its denominator, target, trend and verdict",
            _fields(
                **span, tenant=TEXT, where=ANYTHING, calls=COUNT, cost=NANO, calls_without_cost=COUNT, own_calls=COUNT,
                metrics=rows, features=rows,
            ),
            query=(*SPAN, *SCOPE),
        ),
        "GET /v1/farthing/reports/forecast": _page(
            "What the month will have cost, with an interval",
            _fields(now_us=MOMENT, by=TEXT, interval={"type": "number"}, total=ANYTHING, rows=rows, left_out=COUNT),
            query=("by", *SCOPE),
        ),
        "GET /v1/farthing/reports/phases": _page(
            "Spending on AI by phase of each project",
            _fields(**span, bands=ANYTHING, projects=rows, total=ANYTHING),
            query=SPAN,
        ),
        "GET /v1/farthing/reports/waiting": _page(
            "Work that can wait: the queue, deadlines met by way, what waiting saved, how long providers' batches take",
            _fields(
                **span, now_us=MOMENT, tenant=TEXT, queue=ANYTHING, tenants=rows, ages=rows, left=rows, ways=rows,
                lever=ANYTHING, lines_ended=COUNT, deadlines_met=COUNT,
                deadlines_met_share={"type": ["number", "null"]}, turn_rounds=rows,
            ),
            query=SPAN,
        ),
        "GET /v1/farthing/prompts/doctor": _page(
            "What keeps providers' prompt caches from being read, the dearest first",
            _fields(
                **span, calls_looked_at=COUNT, tokens_looked_at=COUNT, lost=amount, month=amount, findings=rows,
            ),
            query=(*SPAN, "feature"),
        ),
    }  # fmt: skip


def _budgets() -> dict[str, Json]:
    budget = {"allOf": [_OF[Budget], _fields(standings=_list(Standing))]}
    return {
        "GET /v1/farthing/budgets": _page(
            "Budgets, and where they stand", _fields(data={"type": "array", "items": budget})
        ),
        "GET /v1/farthing/budgets/{budget_id}": _page("One budget with its members", budget),
        "PUT /v1/farthing/budgets/{budget_id}": _page(
            "Make a budget (201), or replace it (200)", budget, body=budgets.NewBudget, also="201"
        ),
        "DELETE /v1/farthing/budgets/{budget_id}": _page("Remove a budget", _fields(id=TEXT, removed=FLAG)),
        "POST /v1/farthing/budgets/{budget_id}/raise": _page("More for a time", budget, body=budgets.NewRaise),
    }


def _alerts() -> dict[str, Json]:
    happened = _fields(at_us=MOMENT, what=TEXT, who=TEXT, text=TEXT)
    calls = {"type": "array", "items": ANYTHING}
    more = _fields(history={"type": "array", "items": happened}, calls=calls)
    standings = {**_data(Alert), "properties": {"data": _list(Alert), "channels": _list(ChannelState)}}
    return {
        "GET /v1/farthing/alerts": _page(
            "What is out of order; state=all: also what is over", standings, query=("state",)
        ),
        "GET /v1/farthing/alerts/{alert_id}": _page(
            "One alert, its history, the newest calls of what it is about", {"allOf": [_OF[Alert], more]}
        ),
        "POST /v1/farthing/alerts/{alert_id}/ack": _page("Say that somebody deals with it", _OF[Alert], body=alerts.Ack),
        "GET /v1/farthing/alerts/mutes": _page("Mutes that hold", _data(Mute)),
        "POST /v1/farthing/alerts/mutes": _page(
            "Let nobody be told for a while", _OF[Mute], body=alerts.NewMute, status="201"
        ),
        "DELETE /v1/farthing/alerts/mutes/{mute_id}": _page("End a mute", _fields(id=TEXT, ended=FLAG)),
    }  # fmt: skip


def _routes() -> dict[str, Json]:
    move = {"allOf": [_OF[Move], _fields(text=TEXT)]}
    proposal = {"allOf": [_OF[Version], _fields(moves={"type": "array", "items": move})]}
    base = "/v1/farthing/routes"
    return {
        f"GET {base}": _page("The routing table that holds", _fields(version=COUNT, made_us=MOMENT, data=_list(Shown))),
        f"GET {base}/proposals": _page(
            "Changes of the table that evidence proposes", _fields(data={"type": "array", "items": proposal})
        ),
        f"GET {base}/history": _page("What was done to the table, by whom", _data(Change), query=("limit",)),
        f"POST {base}/apply": _page("Let a proposal hold", _fields(version=COUNT), body=table.Which),
        f"POST {base}/reject": _page("Put a proposal away", _fields(rejected=COUNT), body=table.Which),
        f"POST {base}/undo": _page("Go back before the version that holds", _fields(version=COUNT), body=table.Which),
    }


def _transactions() -> dict[str, Json]:
    base = "/v1/farthing/transactions"
    rows = {"type": "array", "items": ANYTHING}
    report = _fields(since_us=MOMENT, until_us=MOMENT, means=ANYTHING, types=rows, plans=rows, users=rows)
    named: Json = {"type": TEXT, "id": TEXT}
    return {
        f"GET {base}": _page("What business transactions cost", report, query=SPAN),
        f"GET {base}/{{type}}": _page("What transactions of a type cost", report, query=SPAN),
        f"GET {base}/{{type}}/{{id}}": _page("One transaction", _fields(**named)),
        f"POST {base}/{{type}}/{{id}}/outcome": _page(
            "Say how a transaction ended", _fields(**named, outcome=TEXT), body=OutcomeBody
        ),
        f"POST {base}/{{type}}/{{id}}/costs": _page(
            "Add what tools cost a transaction (201); 200 if all were there already",
            _fields(**named, added=COUNT, repeated=COUNT, ids={"type": "array", "items": TEXT}),
            body=CostsBody, status="201", also="200",
        ),
    }  # fmt: skip


def _exports() -> dict[str, Json]:
    base = "/v1/farthing/exports"
    span = ("month", *SPAN)
    pages = {
        f"GET {base}/focus": _page(
            "The ledger as a FOCUS data set", TEXT, query=(*span, "focus", "token_kinds"), media="text/csv"
        ),
        f"GET {base}/statement": _page(
            "What each team or project pays, as a table, a page to print, or JSON",
            TEXT, query=(*span, "by", "shared", "spread_unnamed", "lines", "title", "format"), media="text/csv",
        ),
    }  # fmt: skip
    for page in pages.values():
        for each in page["parameters"]:
            if each["name"] in exports.described():
                each["schema"] = {"type": "string", "enum": list(exports.described()[each["name"]])}
    content = pages[f"GET {base}/statement"]["responses"]["200"]["content"]
    content |= {"text/html": {"schema": TEXT}, "application/json": {"schema": ANYTHING}}
    return pages


def _bills() -> dict[str, Json]:
    base = "/v1/farthing"
    amount = _fields(nano_dollars=NANO, dollars=TEXT)
    rows = {"type": "array", "items": ANYTHING}
    compared = _fields(provider=TEXT, bill=amount, ledger=amount, corrections=amount, gap=amount, posted=COUNT, causes=rows, lines=rows)  # fmt: skip
    priced = _fields(preview=_fields(looked_at=COUNT, calls=COUNT, cost_before=amount, cost_after=amount, changes=rows), run={"type": ["object", "null"]})  # fmt: skip
    query = ("provider", *SPAN)
    return {
        f"GET {base}/corrections": _page(
            "Corrections of the ledger for these days", _fields(data=_list(Correction), total=NANO), query=SPAN
        ),
        f"POST {base}/corrections": _page(
            "Post a correction; none is ever changed",
            _OF[Correction], body=corrections.NewCorrection, status="201",
        ),
        f"POST {base}/reconcile": _with_file(
            _page("A provider's export, the body as it was saved, against the ledger", compared, query=query)
        ),
        f"POST {base}/reconcile/corrections": _with_file(
            _page(
                "The same, and the corrections that close the gap are posted (201)", compared, query=(*query, "reason"),
                also="201",
            )
        ),
        f"GET {base}/rerates": _page("Runs that priced calls anew", _fields(data=rows)),
        f"POST {base}/rerates": _page(
            "What pricing calls anew would change; with dry_run false it is done (201)", priced, body=rerate.NewRerate,
            also="201",
        ),
    }  # fmt: skip


def _with_file(page: Json) -> Json:
    page["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    page["responses"] |= _errors(OF_BODIES)
    return page


def _gateway() -> dict[str, Json]:
    return {
        "GET /v1/farthing/status": _page(
            "How the deployments are, as this worker sees them",
            _fields(process=COUNT, workers=COUNT, data=_list(DeploymentState)),
        ),
        "GET /v1/farthing/openapi.json": _page("This document", ANYTHING),
        "GET /health/live": _page("The process answers", ANYTHING),
        "GET /health/ready": _page("The gateway can serve calls", ANYTHING),
        "GET /metrics": _page("Series for Prometheus", TEXT, media="text/plain"),
    }


def _guarded(operation: Json, need: Need | None) -> Json:
    """Who may use it, in words and for machines: `x-farthing-role` is the least role, `own` for any key."""
    if need is None:
        return operation | {"security": [{}], "x-farthing-role": "none"}
    if not need.role:
        words = "Any key; one without a role is told of its own calls only."
    else:
        words = f"Keys of the role {' or '.join(ROLES[ROLES.index(need.role) :])}."
        words += f" Keys of the tenant `{OPERATOR}` only." if need.whole else ""
    parameters = operation["parameters"]
    if not need.whole:
        about = {"description": f"Another tenant, for administrators of `{OPERATOR}`."}
        parameters = [*parameters, {"name": "tenant", "in": "query", "schema": TEXT, **about}]
    return operation | {
        "description": words, "x-farthing-role": need.role or "own", "x-farthing-whole-gateway": need.whole,
        "parameters": parameters,
    }  # fmt: skip


def _call(format: Format) -> Json:
    body = BODIES[format.name]
    properties = {"model": TEXT, "stream": FLAG, **body["properties"]}
    schema = {"type": "object", **body, "properties": properties}
    page = _page(f"A call in the format {format.name}; plain, or a stream of server-sent events", ANYTHING, body=schema)
    page["responses"] |= _errors(ERRORS)
    page["parameters"] = []
    return page | {"x-farthing-role": "own"}


def _page(
    summary: str, answer: Json, *, query: tuple[str, ...] = (), body: type | Json | None = None, status: str = "200",
    also: str = "", media: str = "application/json",
) -> Json:  # fmt: skip
    """An operation. `also` is another status of the same answer."""
    good = {"description": "As it says.", "content": {media: {"schema": answer}}}
    errors = (*OF_PAGES, *(OF_BODIES if body is not None else ()))
    page: Json = {
        "summary": summary,
        "parameters": [{"name": name, "in": "query", "schema": QUERY.get(name, TEXT)} for name in query],
        "responses": {status: good, **({also: good} if also else {}), **_errors(errors)},
    }
    if body is not None:
        schema = _OF[body] if isinstance(body, type) else body
        page["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return page


def _errors(codes: Iterable[str]) -> Json:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {code: {"description": ERRORS[code], "content": content} for code in codes}


def _fields(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(kind: type) -> Json:
    return {"type": "array", "items": _OF[kind]}


def _data(kind: type) -> Json:
    return _fields(data=_list(kind))
