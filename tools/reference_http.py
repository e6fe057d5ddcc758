"""The pages of docs/reference/ about HTTP: the admin API from the gateway's OpenAPI document, and the series of `/metrics`.

It knows nothing of the other pages, and writes no file: `tools/reference.py` does."""

from collections.abc import Iterator
from typing import Any

from prometheus_client import Counter as Series
from prometheus_client.metrics import MetricWrapperBase

from farthing.gateway.metrics import Metrics
from farthing.gateway.openapi import openapi
from farthing.gateway.standings import families

Json = dict[str, Any]
Rows = list[tuple[str, ...]]

BASE = "/v1/farthing/"
PARTS = {
    "calls": "Calls", "feedback": "Calls", "files": "Batches", "batches": "Batches", "jobs": "Work that waits", "keys": "Keys and the audit log", "audit": "Keys and the audit log",
    "report": "Reports", "reports": "Reports", "prompts": "Reports", "exports": "Exports", "budgets": "Budgets", "alerts": "Alerts",
    "routes": "Routing", "transactions": "Business transactions", "corrections": "Bills and corrections",
    "reconcile": "Bills and corrections", "rerates": "Bills and corrections", "status": "The gateway itself",
    "openapi.json": "The gateway itself", "health": "The gateway itself", "metrics": "The gateway itself",
    "models": "Calls", "chat": "Model endpoints", "responses": "Model endpoints", "embeddings": "Model endpoints",
    "messages": "Model endpoints",
}  # fmt: skip
WHO = {"none": "anybody", "own": "any key"}


def api_page(made: str) -> str:
    """Every endpoint, who may use it, what it takes and what it answers."""
    document = openapi()
    parts: dict[str, list[tuple[str, Json]]] = {title: [] for title in PARTS.values()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts[PARTS[_part(path)]].append((f"{method.upper()} {path}", operation))
    missing = [place for title in parts for place, each in parts[title] if not each["summary"]]
    assert not missing, f"say what these are for: {missing}"
    schemas = document["components"]["schemas"]
    text = [
        "# Admin API\n",
        made,
        "What machines use beside the model endpoints. The same for programs, as OpenAPI 3.1: "
        "`GET /v1/farthing/openapi.json`.\n",
        "A key goes in `Authorization: Bearer KEY` or `x-api-key: KEY`. *Who* is the least [role](../howto/keys-and-tags.md#roles) "
        "that may; *any key* without a role is told of its own calls only, and *operator* means keys of the tenant `default` "
        "alone. While there are no keys, callers on the gateway's own machine may all. `server.admin` says who reaches "
        "these addresses at all.\n",
        "Moments (`..._us`) are microseconds since 1970, amounts are nano-dollars unless a name ends in `_dollars`. Errors are those of "
        "[Errors](errors.md).\n",
    ]
    for title, places in parts.items():
        text.append(f"## {title}\n\n{table(('endpoint', 'what it does', 'who'), [_row(*each) for each in places])}")
        text += [section for place, operation in places for section in _details(place, operation, schemas)]
    return "\n".join(text)


def _part(path: str) -> str:
    inner = path.removeprefix(BASE).removeprefix("/v1/").removeprefix("/")
    part = "batches" if inner.startswith("messages/batches") else inner.split("/")[0]
    assert part in PARTS, f"give {path} a part in tools/reference_http.py"
    return part


def _row(place: str, operation: Json) -> tuple[str, ...]:
    role = operation["x-farthing-role"]
    who = WHO.get(role, role) + (", operator" if operation.get("x-farthing-whole-gateway") else "")
    return f"`{place}`", operation["summary"], who


def _details(place: str, operation: Json, schemas: Json) -> Iterator[str]:
    """What it takes in its query and its body, and the fields of the answer, where that is more than nothing."""
    query = [each["name"] for each in operation["parameters"] if each["in"] == "query" and each["name"] != "tenant"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answer = next(iter(operation["responses"].values()))["content"]
    media, found = next(iter(answer.items()))
    names = _answer(found["schema"], schemas)
    if _part(place.partition(" ")[2]) in ("chat", "responses", "embeddings", "messages") or not (
        query or body or names
    ):
        return
    yield f"### `{place}`\n"
    if query:
        yield f"Query: {', '.join(f'`{name}`' for name in query)}.\n"
    if body:
        yield f"Body:\n\n{table(('field', 'type', ''), _fields(body, schemas))}"
    if names:
        yield f"Answer: {', '.join(_sentence(*each) for each in names.items())}.\n"
    elif media != "application/json":
        yield f"Answer: `{'`, `'.join(answer)}`.\n"


def _resolved(schema: Json, schemas: Json) -> Json:
    return schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _answer(schema: Json, schemas: Json) -> dict[str, list[str]]:
    """The fields of an answer, each with those of its items if it is a list."""
    whole = _resolved(schema, schemas)
    found: dict[str, list[str]] = {}
    for each in whole.get("allOf", ()):
        found |= _answer(each, schemas)
    for name, each in whole.get("properties", {}).items():
        found[name] = list(_answer(each["items"], schemas)) if each.get("type") == "array" and "items" in each else []
    return found


def _sentence(name: str, items: list[str]) -> str:
    return f"`{name}`" + (f" (each with {', '.join(f'`{item}`' for item in items)})" if items else "")


def _fields(schema: Json, schemas: Json) -> Rows:
    whole = _resolved(schema, schemas)
    required = set(whole.get("required", ()))
    return [
        (f"`{name}`", _type(each, schemas), "required" if name in required else _default(each))
        for name, each in whole.get("properties", {}).items()
    ]


def _default(schema: Json) -> str:
    default = schema.get("default")
    return (
        ""
        if default in (None, "", [], {}, ())
        else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    )


def _type(schema: Json, schemas: Json) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each, schemas) for each in schema["anyOf"]))
    whole = _resolved(schema, schemas)
    if "enum" in whole:
        return " or ".join(f"`{each}`" if each != "" else "empty" for each in whole["enum"])
    if whole.get("type") == "array":
        return f"list of {_type(whole['items'], schemas)}" if whole.get("items") else "list"
    kinds = whole.get("type", "anything")
    return " or ".join(kinds) if isinstance(kinds, list) else kinds


def metrics_page(made: str) -> str:
    """Every series of `/metrics`: its labels, its kind and what it counts."""
    own = sorted(
        (each for each in vars(Metrics(_no_ledger)).values() if isinstance(each, MetricWrapperBase)),
        key=lambda each: each._name,
    )
    rows: Rows = [
        (f"`{each._name}{'_total' if isinstance(each, Series) else ''}`", each._type, _labels(each._labelnames), each._documentation)
        for each in own
    ]  # fmt: skip
    rows += [(f"`{each.name}`", each.type, _labels(each._labelnames), each.documentation) for each in families()]
    return "\n".join(
        [
            "# Metrics\n",
            made,
            "The series of `GET /metrics`, in Prometheus' text format. [Watch](../howto/watch.md) says who may read them and what is "
            "worth an alert.\n",
            table(("series", "kind", "labels", "what it says"), rows),
            "A histogram has `_bucket`, `_sum` and `_count`. `model` is empty where no call was sent to one, so that callers cannot "
            "invent series. With several workers whichever answers sums over all of them.\n",
        ]
    )


def _no_ledger() -> Any:
    raise AssertionError("only names are read here")


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def table(titles: tuple[str, ...], rows: Rows) -> str:
    """A table of Markdown."""
    lines = [titles, ("---",) * len(titles), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
