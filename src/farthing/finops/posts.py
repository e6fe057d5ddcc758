"""Outcomes and costs of transactions as people post them: the body of a request, and files (CSV, JSON lines) with many.
Checked and priced here; writing them is for the store."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from fractions import Fraction
from typing import Annotated, TextIO

import msgspec
from msgspec import Meta

from farthing.finops.transactions import MOST_USES, Gatherer
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.model.transaction import Outcome, ToolUse
from farthing.steps.identify import VALUE_LIMIT, clean
from farthing.store.rows import LATEST_US
from farthing.store.transaction_state import Said
from farthing.store.transactions import Cost, Post

MOST_DOLLARS = 1_000_000
MOST_MINUTES = 60 * 24 * 366
MOST_COSTS = 100
"""Costs of one post."""

Word = Annotated[str, Meta(max_length=VALUE_LIMIT)]
Moment = Annotated[int, Meta(ge=0, le=LATEST_US)]
Number = int | float | str
"""As text it is exact."""


class OutcomeBody(msgspec.Struct, forbid_unknown_fields=True):
    """How a transaction ended."""

    outcome: Outcome
    revenue_dollars: Number | None = None
    human_minutes: Number | None = None
    user: Word = ""
    plan: Word = ""
    at_us: Moment | None = None
    """When; of two outcomes the later one counts. Not given: now."""


class CostBody(msgspec.Struct, forbid_unknown_fields=True):
    """Uses of a tool: at the price list, or for dollars in all."""

    tool: Annotated[str, Meta(min_length=1, max_length=VALUE_LIMIT)]
    count: Annotated[int, Meta(ge=1, le=MOST_USES)] = 1
    dollars: Number | None = None
    id: Word = ""
    """Whoever posts a cost again with its id adds nothing."""
    at_us: Moment | None = None


class CostsBody(msgspec.Struct, forbid_unknown_fields=True):
    costs: Annotated[list[CostBody], Meta(min_length=1, max_length=MOST_COSTS)]


def said_of(body: OutcomeBody, now_us: int) -> Said:
    """Raises BadRequest for numbers that are none."""
    minutes = None if body.human_minutes is None else _number(body.human_minutes, "human_minutes", MOST_MINUTES)
    return Said(
        body.outcome, body.at_us if body.at_us is not None else now_us,
        None if body.revenue_dollars is None else nano_of(body.revenue_dollars, "revenue_dollars"),
        None if minutes is None else round(Fraction(minutes) * 60), clean(body.user), clean(body.plan),
    )  # fmt: skip


def cost_of(body: CostBody, prices: Gatherer, now_us: int, id_: str) -> Cost:
    """`id_` is used where the body has none. Raises BadRequest where neither the body nor the price list says the cost."""
    name = clean(body.tool)
    if body.dollars is None:
        use = ToolUse(name, body.count, prices.price_of(name) * body.count)
    else:
        use = ToolUse(name, body.count, nano_of(body.dollars, "dollars"))
    return Cost(clean(body.id) or id_, use, body.at_us if body.at_us is not None else now_us)


def nano_of(value: Number, name: str) -> Nano:
    """Dollars as somebody wrote them, half to even. Raises BadRequest."""
    return round(Fraction(_number(value, name, MOST_DOLLARS)) * 10**9)


def _number(value: Number, name: str, most: int) -> Decimal:
    try:
        found = Decimal(str(value)) if len(str(value)) <= 40 else Decimal("NaN")
    except DecimalException:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found <= most or found.as_tuple().exponent < -40:  # type: ignore[operator]
        raise BadRequest(f"{name} is a number from 0 to {most:,}.", param=name)
    return found


def checked_name(kind: str, id_: str) -> tuple[str, str]:
    """Type and id as calls would name them. Raises BadRequest for what no call can name."""
    kind, id_ = clean(kind), clean(id_)
    if not id_ or (not kind and "/" in id_) or "/" in kind:
        raise BadRequest("A transaction has a type without slashes, and an id.")
    if len(kind) + 1 + len(id_) > VALUE_LIMIT:
        raise BadRequest(f"Type and id of a transaction have {VALUE_LIMIT - 1} characters at most.")
    return kind, id_


COLUMNS = (
    "type", "id", "outcome", "revenue_dollars", "human_minutes", "user", "plan", "tool", "count", "dollars", "cost_id", "at",
)  # fmt: skip
"""Of a file. A row has an outcome, a tool, or both."""


def read_file(text: TextIO, name: str, prices: Gatherer, now_us: int, tenant: str) -> list[Post]:
    """Posts of a file: JSON lines if its name ends so or it begins with a brace, else CSV with a header. A cost without
    `cost_id` has its place in the file for one, so that reading the file again adds nothing. Raises BadRequest, which names
    the row."""
    found = []
    for number, row in _rows(text, name):
        try:
            found.append(_post(row, prices, now_us, tenant, f"{name}:{number}"))
        except (BadRequest, msgspec.ValidationError, ValueError) as error:
            said = error.message if isinstance(error, BadRequest) else str(error)
            raise BadRequest(f"{name}, row {number}: {said}") from None
    return found


def _rows(text: TextIO, name: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    start = text.read(1)
    rest: Iterable[str] = _prefixed(start, text)
    if name.endswith((".jsonl", ".ndjson")) or start == "{":
        for number, line in enumerate(rest, 1):
            if line.strip():
                yield number, _object(line, name, number)
        return
    table = csv.DictReader(rest)
    unknown = [each for each in table.fieldnames or () if each not in COLUMNS]
    if unknown:
        raise BadRequest(f"{name} has the column {unknown[0]!r}; known are {', '.join(COLUMNS)}.")
    for number, row in enumerate(table, 2):
        if None in row:
            raise BadRequest(f"{name}, row {number}: it has more fields than the header.")
        yield number, {key: value for key, value in row.items() if value}


def _prefixed(start: str, text: TextIO) -> Iterator[str]:
    first = True
    for line in text:
        yield start + line if first else line
        first = False
    if first and start:
        yield start


def _object(line: str, name: str, number: int) -> Mapping[str, object]:
    try:
        row = msgspec.json.decode(line, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise BadRequest(f"{name}, row {number}: {error}") from None
    unknown = [key for key in row if key not in COLUMNS]
    if unknown:
        raise BadRequest(f"{name}, row {number}: there is no {unknown[0]!r}; known are {', '.join(COLUMNS)}.")
    return row


def _post(row: Mapping[str, object], prices: Gatherer, now_us: int, tenant: str, id_: str) -> Post:
    kind, key = checked_name(str(row.get("type", "")), str(row.get("id", "")))
    at_us = _moment(row.get("at"))
    said, costs = None, []
    if "outcome" in row:
        body = {
            name: row[name] for name in ("outcome", "revenue_dollars", "human_minutes", "user", "plan") if name in row
        }
        said = said_of(msgspec.convert({**body, "at_us": at_us}, OutcomeBody, strict=False), now_us)
    if "tool" in row:
        body = {name: row[name] for name in ("tool", "count", "dollars") if name in row}
        cost_id = str(row.get("cost_id", ""))
        cost = msgspec.convert({**body, "at_us": at_us, "id": cost_id}, CostBody, strict=False)
        costs.append(cost_of(cost, prices, now_us, id_))
    if said is None and not costs:
        raise BadRequest("it has neither an outcome nor a tool")
    return Post(tenant, kind, key, costs, said)


def _moment(value: object) -> int | None:
    """A time (ISO 8601, UTC where it names no zone), or microseconds since 1970. Raises ValueError."""
    if value is None or value == "":
        return None
    if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit()):
        return int(value)
    moment = datetime.fromisoformat(str(value))
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
