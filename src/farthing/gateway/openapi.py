"""`GET /v1/farthing/openapi.json`: the gateway's endpoints for people and machines.

The bodies of model endpoints are the providers' own and much larger than what is said here: fields that the gateway does
not know pass through untouched, so each body is described by what every provider asks for.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing import __version__
from farthing.model.transaction import OUTCOMES
from farthing.store.reading import DIMENSIONS, FILTERS
from farthing.wire import FORMATS
from farthing.wire.format import Format

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
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
NEW_KEY: Json = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": TEXT,
        "tags": {"type": "object", "additionalProperties": TEXT},
        "pinned": {"type": "array", "items": TEXT},
        "models": {"type": "array", "items": TEXT},
        "requests_per_minute": COUNT,
        "tokens_per_minute": COUNT,
        "admin": {"type": "boolean"},
        "expires_us": COUNT,
    },
}
BUDGET: Json = {
    "type": "object",
    "required": ["amount"],
    "additionalProperties": False,
    "properties": {
        "amount": COUNT,
        "unit": {"type": "string", "enum": ["money", "tokens", "calls"]},
        "scope": {"type": "object", "additionalProperties": TEXT},
        "window": TEXT,
        "zone": TEXT,
        "fiscal_start": TEXT,
        "roll_over": {"type": "boolean"},
        "hard": {"type": "boolean"},
        "exceeded": {"type": "string", "enum": ["refuse", "downgrade"]},
        "payment_required": {"type": "boolean"},
        "max_call": COUNT,
        "cover": {"type": "string", "enum": ["limit", "likely"]},
        "confirm": {"type": "boolean"},
        "when_unavailable": {"type": "string", "enum": ["refuse", "serve"]},
        "note": TEXT,
    },
}
RAISE: Json = {
    "type": "object",
    "required": ["amount", "until_us", "reason"],
    "additionalProperties": False,
    "properties": {"amount": COUNT, "until_us": COUNT, "reason": TEXT, "from_us": COUNT, "by": TEXT},
}
FEEDBACK: Json = {
    "type": "object",
    "required": ["call_id", "verdict"],
    "additionalProperties": False,
    "properties": {
        "call_id": TEXT,
        "verdict": {"type": "string", "enum": ["good", "bad"]},
        "score": {"type": ["number", "null"]},
        "comment": TEXT,
    },
}
NEW_MUTE: Json = {
    "type": "object",
    "required": ["for_s"],
    "additionalProperties": False,
    "properties": {"for_s": COUNT, "rule": TEXT, "scope": TEXT, "why": TEXT, "who": TEXT},
}
ACK: Json = {"type": "object", "additionalProperties": False, "properties": {"who": TEXT}}
VERSION: Json = {
    "type": "object",
    "required": ["version"],
    "additionalProperties": False,
    "properties": {"version": {"type": "integer", "minimum": 1}},
}
OUTCOME: Json = {
    "type": "object",
    "required": ["outcome"],
    "additionalProperties": False,
    "properties": {
        "outcome": {"type": "string", "enum": list(OUTCOMES)},
        "revenue_dollars": {"type": ["number", "string", "null"]},
        "human_minutes": {"type": ["number", "string", "null"]},
        "user": TEXT,
        "plan": TEXT,
        "at_us": {"type": ["integer", "null"], "minimum": 0},
    },
}
TOOL_COST: Json = {
    "type": "object",
    "required": ["tool"],
    "additionalProperties": False,
    "properties": {
        "tool": TEXT,
        "count": {"type": "integer", "minimum": 1},
        "dollars": {"type": ["number", "string", "null"]},
        "id": TEXT,
        "at_us": {"type": ["integer", "null"], "minimum": 0},
    },
}
COSTS: Json = {
    "type": "object",
    "required": ["costs"],
    "additionalProperties": False,
    "properties": {"costs": {"type": "array", "items": TOOL_COST, "minItems": 1}},
}
SPAN = ("since_us", "until_us")
SCOPE = tuple(DIMENSIONS)
ERRORS = {
    "400": "The body or a header cannot be used; the message says why.",
    "401": "No key, or one that is not known, revoked or expired.",
    "403": "The key may not do this.",
    "404": "No such thing here.",
    "405": "The address does not take this method.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "429": "A limit is used up; Retry-After says when to come back.",
    "502": "The provider could not be reached, or broke off.",
    "503": "The gateway is stopping, or cannot keep its ledger.",
    "504": "The provider took too long.",
}


def routes() -> list[Route]:
    document = openapi()

    async def show(request: Request) -> Response:
        return JSONResponse(document)

    return [Route("/v1/farthing/openapi.json", show)]


def openapi() -> Json:
    """The document, version 3.1."""
    paths: dict[str, Json] = {format.path: {"post": _call(format)} for format in FORMATS.values()}
    paths |= {
        "/v1/models": {"get": _page("Models that callers can ask for", query=("limit", "after_id"))},
        "/v1/models/{model}": {"get": _page("One model", path=("model",))},
        "/v1/farthing/calls": {"get": _page("The newest calls", query=(*SPAN, *FILTERS, "limit", "before"))},
        "/v1/farthing/calls/{call_id}": {"get": _page("What a call cost, and why", path=("call_id",))},
        "/v1/farthing/feedback": {"post": _page("Say whether a call's answer was good", body=FEEDBACK)},
        "/v1/farthing/keys": {
            "get": _page("Keys (admin)"),
            "post": _page("Make a key (admin); its secret is shown once", body=NEW_KEY, status="201"),
        },
        "/v1/farthing/keys/{key_id}/revoke": {"post": _page("Revoke a key (admin)", path=("key_id",))},
        "/v1/farthing/keys/{key_id}/rotate": {"post": _page("Give a key a new secret (admin)", path=("key_id",))},
        "/v1/farthing/status": {"get": _page("How the deployments are, as this worker sees them (admin)")},
        "/v1/farthing/routes": {"get": _page("The routing table that holds (admin)")},
        "/v1/farthing/routes/proposals": {"get": _page("Changes of the table that evidence proposes (admin)")},
        "/v1/farthing/routes/history": {"get": _page("What was done to the table, by whom (admin)", query=("limit",))},
        "/v1/farthing/routes/apply": {"post": _page("Let a proposal hold (admin)", body=VERSION)},
        "/v1/farthing/routes/reject": {"post": _page("Put a proposal away (admin)", body=VERSION)},
        "/v1/farthing/routes/undo": {"post": _page("Go back before the version that holds (admin)", body=VERSION)},
        "/v1/farthing/report": {"get": _page("What was spent (admin)", query=("by", "since_us", "until_us"))},
        "/v1/farthing/audit": {
            "get": _page("Who changed what when (admin)", query=(*SPAN, "kind", "target", "before", "limit"))
        },
        "/v1/farthing/budgets": {"get": _page("Budgets, and where they stand (admin)")},
        "/v1/farthing/budgets/{budget_id}": {
            "get": _page("One budget with its members (admin)", path=("budget_id",)),
            "put": _page("Make a budget, or replace it (admin)", path=("budget_id",), body=BUDGET),
            "delete": _page("Remove a budget (admin)", path=("budget_id",)),
        },
        "/v1/farthing/budgets/{budget_id}/raise": {
            "post": _page("More for a time (admin)", path=("budget_id",), body=RAISE)
        },
        "/v1/farthing/alerts": {
            "get": _page("What is out of order; state=all: also what is over (admin)", query=("state",))
        },
        "/v1/farthing/alerts/{alert_id}": {
            "get": _page("One alert, its history, the newest calls of what it is about (admin)", path=("alert_id",))
        },
        "/v1/farthing/alerts/{alert_id}/ack": {
            "post": _page("Say that somebody deals with it (admin)", path=("alert_id",), body=ACK)
        },
        "/v1/farthing/alerts/mutes": {
            "get": _page("Mutes that hold (admin)"),
            "post": _page("Let nobody be told for a while (admin)", body=NEW_MUTE, status="201"),
        },
        "/v1/farthing/alerts/mutes/{mute_id}": {"delete": _page("End a mute (admin)", path=("mute_id",))},
        "/v1/farthing/reports/metrics": {"get": _page("The six metrics (admin)", query=(*SPAN, *SCOPE))},
        "/v1/farthing/reports/forecast": {"get": _page("The month's end (admin)", query=("by", *SCOPE))},
        "/v1/farthing/reports/phases": {"get": _page("AI budget by phase (admin)", query=SPAN)},
        "/v1/farthing/transactions": {"get": _page("What business transactions cost (admin)", query=SPAN)},
        "/v1/farthing/transactions/{type}": {
            "get": _page("What transactions of a type cost (admin)", path=("type",), query=SPAN)
        },
        "/v1/farthing/transactions/{type}/{id}": {"get": _page("One transaction (admin)", path=("type", "id"))},
        "/v1/farthing/transactions/{type}/{id}/outcome": {
            "post": _page("Say how a transaction ended", path=("type", "id"), body=OUTCOME)
        },
        "/v1/farthing/transactions/{type}/{id}/costs": {
            "post": _page("Add what tools cost a transaction", path=("type", "id"), body=COSTS, status="201")
        },
        "/v1/farthing/openapi.json": {"get": _page("This document")},
        "/health/live": {"get": _page("The process answers")},
        "/health/ready": {"get": _page("The gateway can serve calls")},
        "/metrics": {"get": _page("Series for Prometheus (admin)", media="text/plain")},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Farthing gateway", "version": __version__},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            }
        },
        "security": [{}, {"bearer": []}, {"header": []}],
    }


def _call(format: Format) -> Json:
    body = BODIES[format.name]
    properties = {"model": TEXT, "stream": {"type": "boolean"}, **body["properties"]}
    schema = {"type": "object", **body, "properties": properties}
    return _page(f"A call in the format {format.name}; plain, or a stream of server-sent events", body=schema)


def _page(
    summary: str, *, path: tuple[str, ...] = (), query: tuple[str, ...] = (), body: Json | None = None,
    status: str = "200", media: str = "application/json",
) -> Json:  # fmt: skip
    page: Json = {
        "summary": summary,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": TEXT} for name in path),
            *({"name": name, "in": "query", "schema": TEXT} for name in query),
        ],
        "responses": {
            status: {"description": "As it says.", "content": {media: {}}},
            **{code: {"description": text, "content": {"application/json": {}}} for code, text in ERRORS.items()},
        },
    }
    if body is not None:
        page["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return page
