"""Which column of a table of one's own says what: guessed from the columns' names and from the shape of their values, to be
shown and confirmed before anything is read. Names with dots are places inside JSON objects.

Knows no tool, and nothing of what becomes of the rows.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from farthing.model.errors import BadRequest
from farthing.planner.imports.names import place_of
from farthing.planner.imports.reading import Sample
from farthing.planner.imports.values import BadRow, count, decimal, embedded, money, name, when

FIELDS: dict[str, tuple[str, ...]] = {
    "at": (
        "at", "time", "timestamp", "ts", "date", "datetime", "createdat", "created", "starttime", "startedat", "start", "requesttime",
        "requestedat", "requesttimestamp", "eventtime", "loggedat", "calltime", "createdtime", "creationtime", "requestcreatedat",
        "when", "timeutc", "timestampms", "timems", "day",
    ),
    "offset": ("t", "ts", "tms", "tsec", "offset", "offsetms", "relativetime", "arrival", "arrivaltime", "timestamp", "time"),
    "start": (),
    "end": ("end", "endtime", "endedat", "finishedat", "completedat", "responsetime", "responsetimestamp", "responsecreatedat"),
    "id": ("id", "requestid", "callid", "uuid", "responseid", "eventid", "logid", "generationid", "spanid"),
    "model": ("model", "modelname", "modelid", "responsemodel", "requestmodel", "llmmodel", "engine", "llm", "deployment", "servedmodel"),
    "provider": ("provider", "vendor", "llmprovider", "customllmprovider", "modelprovider", "api"),
    "usage": ("usage", "tokenusage", "usageobject", "usagemetadata", "responseusage", "usagedetails"),
    "input": (
        "inputtokens", "prompttokens", "tokensin", "intokens", "input", "ntokensin", "tokensinput", "tokensprompt", "nprompttokens",
        "inputtokencount", "prompttokencount", "numinputtokens", "numprompttokens", "contexttokens", "requesttokens", "prompttoks",
        "promptlength", "inputlength",
    ),
    "output": (
        "outputtokens", "completiontokens", "tokensout", "outtokens", "output", "generatedtokens", "tokensoutput", "tokenscompletion",
        "responsetokens", "answertokens", "outputtokencount", "completiontokencount", "candidatestokencount", "numoutputtokens",
        "numcompletiontokens", "numgeneratedtokens", "completiontoks", "outputlength",
    ),
    "total": ("totaltokens", "tokens", "tokencount", "totaltokencount", "numtokens", "tokenstotal"),
    "cached": (
        "cachedtokens", "cachereadtokens", "cachereadinputtokens", "inputcachedtokens", "cachedinputtokens", "promptcachedtokens",
        "cacheread", "cachehittokens", "promptcachehittokens", "tokenscached", "cachedprompttokens", "cachedinput",
        "cached",
    ),
    "written": (
        "cachewritetokens", "cachecreationtokens", "cachecreationinputtokens", "cachewriteinputtokens", "cachewrite", "cachecreation",
        "inputcachewritetokens", "cachewrittentokens",
    ),
    "written_1h": ("ephemeral1hinputtokens", "cachewrite1htokens", "cachecreation1htokens"),
    "reasoning": ("reasoningtokens", "thinkingtokens", "thoughtstokencount", "outputreasoningtokens"),
    "cost": (
        "cost", "costusd", "totalcost", "price", "spend", "usd", "dollars", "amount", "costdollars", "totalcostusd", "spendusd", "costcents",
    ),
    "latency": (
        "latency", "latencyms", "duration", "durationms", "responsetimems", "elapsed", "elapsedms", "latencys", "latencyseconds",
        "durations", "durationseconds", "totaltimems", "totalduration", "totaltime", "delayms", "responseduration", "e2elatency",
    ),
    "first_byte": ("ttft", "timetofirsttoken", "ttftms", "timetofirsttokenms", "firsttokenms", "firsttokenlatency", "timetofirstbyte"),
    "user": (
        "user", "userid", "username", "enduser", "enduserid", "customer", "customerid", "account", "accountid", "useremail", "email",
    ),
    "feature": (
        "feature", "featurename", "app", "application", "appname", "product", "usecase", "endpoint", "service", "servicename", "component",
        "source", "operation", "tracename", "route", "module",
    ),
    "team": ("team", "teamid", "teamname", "department", "costcenter", "group", "org", "organization", "squad"),
    "project": ("project", "projectid", "projectname", "workspace", "workspaceid"),
    "tenant": ("tenant", "tenantid"),
    "key": ("apikeyid", "apikeyname", "keyid", "keyname", "apikeyhash", "keyalias", "apikeyalias"),
    "task": ("task", "tasktype", "intent", "category", "calltype"),
    "session": (
        "session", "sessionid", "conversation", "conversationid", "threadid", "thread", "chatid", "traceid", "dialogid", "runid",
    ),
    "tags": ("tags", "labels", "metadata", "properties", "requesttags"),
    "tier": ("servicetier", "tier"),
    "status": ("status", "statuscode", "httpstatus", "responsestatus", "httpcode", "code", "success", "outcome"),
    "error": ("error", "errormessage", "errortype", "errorcode", "exception"),
    "max_output": ("maxtokens", "maxoutputtokens", "maxcompletiontokens"),
    "prompt": (
        "prompt", "messages", "requestbody", "request", "question", "query", "inputtext", "prompttext", "usermessage", "input",
        "inputmessages", "userprompt", "instruction", "body",
    ),
    "answer": (
        "answer", "response", "completion", "output", "responsebody", "outputtext", "responsetext", "completiontext", "assistantmessage",
        "reply", "generation", "outputmessages",
    ),
    "gateway_cache": ("cachehit", "fromcache", "cached", "iscached", "cachestatus"),
    "retry_of": ("retryof", "attemptof", "originalrequestid", "retriedrequestid"),
}  # fmt: skip
"""What a column can say, and names that it goes by, without case and marks; the likeliest first."""

COUNTS = ("input", "output", "total", "cached", "written", "written_1h", "reasoning", "max_output")
NEEDED = ("at", "model")
_SHOWN = 48


class Column(msgspec.Struct, frozen=True):
    """A column that says something."""

    column: str
    how: str = ""
    """How its values are read: in which unit or order; empty where there is only one way."""


class Mapping_(msgspec.Struct, frozen=True):
    """What is read from which column."""

    fields: dict[str, Column]
    tags: dict[str, str] = {}
    """Name of a tag -> its column."""
    constants: dict[str, str] = {}
    """Field -> what it is in every row."""

    @property
    def lacking(self) -> list[str]:
        """Fields without which no row is a call. Times may be counted from a start that is said."""
        found = [each for each in NEEDED if each not in self.fields and each not in self.constants]
        if "at" in found and "offset" in self.fields:
            found = [each for each in found if each != "at"]
            found += [] if "start" in self.constants else ["start"]
        return found


def guess(sample: Sample, said: Mapping[str, str] | None = None) -> Mapping_:
    """The mapping of a table. `said` is what people know better: FIELD=COLUMN, FIELD==VALUE for every row, tags.NAME=COLUMN,
    FIELD= for a field that is not to be read. Raises BadRequest for a field or column that is not there."""
    said = dict(said or {})
    rows = [flat(row) for row in sample.rows]
    columns = list(dict.fromkeys([*sample.layout.columns, *(key for row in rows for key in row)]))
    fixed, tags, constants, off = _said(said, columns, sample.name)
    taken = set(fixed.values()) | set(tags.values())
    chosen: dict[str, str] = dict(fixed)
    wanted = [each for each in FIELDS if each not in chosen and each not in constants and each not in off]
    for _, field, column in sorted(_candidates(wanted, columns, rows)):
        if field not in chosen and column not in taken:
            chosen[field] = column
            taken.add(column)
    for field in ("model", "at"):
        if field in wanted and field not in chosen:
            found = _by_shape(field, [each for each in columns if each not in taken], rows)
            if found:
                chosen[field] = found
                taken.add(found)
    if "at" in chosen or "at" in constants:
        chosen.pop("offset", None)
    if "usage" in chosen and "usage" not in fixed:
        for field in COUNTS[:-1]:
            if field not in fixed:
                chosen.pop(field, None)
    ordered = sorted(chosen.items(), key=lambda each: list(FIELDS).index(each[0]))
    fields = {field: Column(column, _how(field, column, chosen, rows)) for field, column in ordered}
    return Mapping_(fields, tags, constants)


def _said(
    said: Mapping[str, str], columns: Sequence[str], file: str
) -> tuple[dict[str, str], dict[str, str], dict[str, str], set[str]]:
    fixed: dict[str, str] = {}
    tags: dict[str, str] = {}
    constants: dict[str, str] = {}
    off: set[str] = set()
    for field, column in said.items():
        tag = field.removeprefix("tags.") if field.startswith("tags.") else ""
        if not tag and field not in FIELDS:
            raise BadRequest(f"{field!r} is nothing that a column can say; write one of {', '.join(FIELDS)}, tags.NAME")
        if column.startswith("=") and not tag:
            constants[field] = column[1:]
        elif not column:
            off.add(field)
        elif column not in columns:
            raise BadRequest(f"{file} has no column {column!r}; it has {', '.join(columns[:40])}")
        elif tag:
            tags[tag] = column
        else:
            fixed[field] = column
    return fixed, tags, constants, off


def flat(row: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Objects inside a row as names with dots; the objects themselves stay too."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        if value is None or value == "":
            continue
        found[prefix + key] = value
        if isinstance(value, dict) and depth < 3:
            found.update(flat(value, f"{prefix}{key}.", depth + 1))
    return found


def getter(path: str) -> Callable[[Mapping[str, Any]], Any]:
    """What lies at a name with dots; None where nothing does."""
    names = path.split(".")

    def get(row: Mapping[str, Any]) -> Any:
        if path in row:
            return row[path]
        value: Any = row
        for each in names:
            if not isinstance(value, dict):
                return None
            value = value.get(each)
        return value

    return get if len(names) > 1 else lambda row: row.get(path)


def _candidates(
    fields: Iterable[str], columns: Iterable[str], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[int, str, str]]:
    """Each field with columns that may say it: (how unlikely, field, column). Values that are not of its shape rule it out."""
    found = []
    plain = {column: _plain(column) for column in columns}
    lasts = {column: _plain(column.rpartition(".")[2]) for column in columns}
    for field in fields:
        names = FIELDS[field]
        for column in columns:
            rank = min(
                (names.index(plain[column]) if plain[column] in names else 99),
                (50 + names.index(lasts[column]) if lasts[column] in names else 99),
            )
            values = [row[column] for row in rows if column in row]
            if rank < 99 and values and _fits(field, column, values):
                found.append((rank, field, column))
    return found


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.lower().replace("µ", "u"))


def _fits(field: str, column: str, values: Sequence[Any]) -> bool:
    """Whether most values are of the field's shape; all, where a count may look like a yes or a no."""
    good = sum(1 for value in values if _is(field, value))
    if field == "gateway_cache":
        return good == len(values)
    if field == "id" and len({str(value) for value in values}) < len(values):
        return False
    return good * 2 >= len(values)


def _is(field: str, value: Any) -> bool:
    if field in ("at", "end"):
        return _is_time(value)
    if field in COUNTS:
        return _is_count(value)
    if field == "offset":
        found = decimal(value)
        return found is not None and 0 <= found < 10**12 and not _is_time(value)
    if field in ("cost", "latency", "first_byte"):
        return decimal(value) is not None
    if field == "usage":
        inner = embedded(value)
        return isinstance(inner, dict) and any(
            "token" in key.lower() or key in ("input", "output", "total") for key in inner
        )
    if field == "tags":
        return isinstance(embedded(value), dict | list)
    if field == "gateway_cache":
        return value in (True, False) or str(value).lower() in _YES | _NO
    if field in ("prompt", "answer"):
        return decimal(value) is None
    if field == "tier":
        return str(value).lower() in ("default", "auto", "standard", "flex", "priority", "batch", "scale")
    return not isinstance(value, dict | list)


_YES = frozenset(("true", "t", "yes", "hit", "1"))
_NO = frozenset(("false", "f", "no", "miss", "0", "none", "null"))


def is_yes(value: Any) -> bool:
    return value is True or str(value).strip().lower() in _YES


def _is_time(value: Any) -> bool:
    try:
        when(value, day_first=False)
        return True
    except BadRow:
        try:
            when(value, day_first=True)
            return True
        except BadRow:
            return False


def _is_count(value: Any) -> bool:
    try:
        return count(value) is not None or value in ("", None)
    except BadRow:
        return isinstance(decimal(value), object) and str(value).strip().startswith("-")


def _by_shape(field: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A column whose name says nothing and whose values are all models that are known, or all times."""
    for column in columns:
        values = [row[column] for row in rows if column in row]
        if not values or len(values) * 2 < len(rows):
            continue
        if field == "model" and all(isinstance(each, str) and place_of("", name(each))[0] for each in values):
            return column
        if field == "at" and all(_is_time(each) for each in values):
            return column
    return ""


def _how(field: str, column: str, chosen: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    values = [row[column] for row in rows if column in row]
    if field in ("at", "end"):
        return _order(values)
    if field == "offset":
        return "milliseconds since the start" if _plain(column).endswith("ms") else "seconds since the start"
    if field in ("latency", "first_byte"):
        return _unit(_plain(column), values)
    if field == "cost":
        return "cents" if "cent" in _plain(column) else "dollars"
    if field in ("cached", "written"):
        return "beside the input" if _beside(chosen, rows) else "part of the input"
    return ""


def _order(values: Sequence[Any]) -> str:
    """Dates with slashes say by their numbers which of the two is the day, if any does."""
    slashed = [str(each).split("/") for each in values if isinstance(each, str) and "/" in each]
    if not slashed:
        return ""
    if any(parts[0].strip().isdigit() and int(parts[0]) > 12 for parts in slashed):
        return "day/month/year"
    return "month/day/year"


def _unit(plain: str, values: Sequence[Any]) -> str:
    if plain.endswith(("ms", "millis", "milliseconds")):
        return "milliseconds"
    if plain.endswith(("us", "micros", "microseconds")):
        return "microseconds"
    if plain.endswith(("sec", "secs", "seconds", "latencys", "durations")):
        return "seconds"
    numbers = sorted(found for each in values if (found := decimal(each)) is not None)
    return "milliseconds" if numbers and numbers[len(numbers) // 2] >= 60 else "seconds"


def _beside(chosen: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether reads and writes of the cache stand beside the input: where they are more than it, or all names are
    Anthropic's, whose input leaves them out."""
    parts = [chosen[each] for each in ("cached", "written") if each in chosen]
    total = chosen.get("input", "")
    for row in rows:
        sums = [int(found) for each in parts if (found := decimal(row.get(each))) is not None and found >= 0]
        sent = decimal(row.get(total))
        if sent is not None and sum(sums) > sent:
            return True
    named = {_plain(each.rpartition(".")[2]) for each in parts}
    return _plain(total.rpartition(".")[2]) == "inputtokens" and bool(
        named & {"cachereadinputtokens", "cachecreationinputtokens"}
    )


def examples(sample: Sample, column: str, most: int = 3) -> list[str]:
    """Values of a column, each once, short."""
    found: dict[str, None] = {}
    for row in sample.rows:
        value = getter(column)(row)
        if value is not None and value != "":
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            found.setdefault(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
        if len(found) >= most:
            break
    return list(found)


def unused(sample: Sample, mapping: Mapping_) -> list[str]:
    """Columns that nothing is read from."""
    taken = {each.column for each in mapping.fields.values()} | set(mapping.tags.values())
    columns = sample.layout.columns or tuple(dict.fromkeys(key for row in sample.rows for key in row))
    return [each for each in columns if each not in taken and not any(name.startswith(f"{each}.") for name in taken)]


def dollars(value: Any, how: str) -> int | None:
    return money(value, 100 if how == "cents" else 1)
