"""A record as rows of the tables, and back. Also mends what no database can hold. Knows no SQL.

Every engine gets the same rows: text without NUL and lone surrogates, whole numbers that still fit when millions of them
are summed.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from farthing.model.record import Attempt, Decision, PricedLine, Record, Saving
from farthing.model.usage import Usage
from farthing.store.engine import Row
from farthing.store.schema import ATTEMPT_COLUMNS, CALL_COLUMNS, STATES

BIGGEST = 10**15
"""Above this a number of one call (tokens, nano-dollars: $1M, microseconds: 31 years) is nonsense that a sum must not
see; 9,000 calls as big as this still fit the database's 64 bits."""

LATEST_US = 4 * 10**15
"""The year 2096."""

LONGEST_NAME = 256
"""Characters of a text that is a key of rollups and indexes; PostgreSQL cannot index much more."""

LONGEST_TEXT = 4000

_json = msgspec.json.Encoder()
_tags = msgspec.json.Decoder(dict[str, str])
_counts = msgspec.json.Decoder(dict[str, int])
_lines = msgspec.json.Decoder(list[PricedLine])
_flags = msgspec.json.Decoder(list[str])
_arms = msgspec.json.Decoder(dict[str, bool])
_decisions = msgspec.json.Decoder(list[Decision])


def call_row(record: Record) -> Row:
    """The columns of `schema.CALL_COLUMNS`."""
    return (
        record.id, record.started_us, record.wire, record.model_asked, record.model, record.provider,
        record.deployment, record.tenant, record.key_id, record.team, record.project, record.user, record.feature,
        record.task, record.transaction, _packed(record.tags), int(record.stream), record.status, record.outcome,
        record.error, record.cost_state, record.cost, record.baseline, saved(record), record.in_tokens,
        record.cached_tokens, record.out_tokens, record.first_byte_us, record.duration_us, record.cache,
        _packed(record.decisions), record.trace, record.tier, record.template, record.session, _packed(record.arms),
        record.request_bytes,
    )  # fmt: skip


def saved(record: Record) -> int:
    """Nano-dollars that all levers took off."""
    return sum([saving.saved for saving in record.savings]) if record.savings else 0


_UNITS = (
    "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in", "out",
    "reasoning", "audio_out", "image_out",
)  # fmt: skip
_NO_USAGE = (None,) * 14 + ("",)


def attempt_row(call_id: str, attempt: Attempt) -> Row:
    """The columns of `schema.ATTEMPT_COLUMNS`."""
    return (
        call_id, attempt.no, attempt.part, attempt.provider, attempt.deployment, attempt.model,
        attempt.served_model, attempt.status,
        attempt.outcome, attempt.started_us, attempt.first_byte_us, attempt.duration_us,
        *(_NO_USAGE if attempt.usage is None else _usage_row(attempt.usage)),
        attempt.raw_usage, attempt.tier, attempt.geo, int(attempt.estimated), attempt.cost_state, attempt.cost,
        attempt.list_cost, attempt.reported_cost,
        _packed(attempt.lines), attempt.price_version, _packed(attempt.flags), attempt.error,
    )  # fmt: skip


def _usage_row(usage: Usage) -> Row:
    return (
        usage.uncached_in, usage.cache_read, usage.w5m, usage.w1h, usage.w30m, usage.w12h, usage.audio_in,
        usage.image_in, usage.cached_audio, usage.tool_in, usage.out, usage.reasoning, usage.audio_out,
        usage.image_out, _packed(usage.requests),
    )  # fmt: skip


def saving_rows(record: Record) -> list[Row]:
    """The columns of `schema.SAVING_COLUMNS`, in the order of the levers."""
    return [
        (record.id, place, saving.lever, saving.before, saving.after, saving.overhead, int(saving.estimated))
        for place, saving in enumerate(record.savings)
    ]


def record_of(call: Row, attempts: Sequence[Row], savings: Sequence[Row]) -> Record:
    """The record that made these rows."""
    (
        id_, started_us, wire, model_asked, model, provider, deployment, tenant, key_id, team, project, user, feature,
        task, transaction, tags, stream, status, outcome, error, cost_state, cost, baseline, _saved, in_tokens,
        cached_tokens, out_tokens, first_byte_us, duration_us, cache, decisions, trace, tier, template, session, arms,
        request_bytes,
    ) = call  # fmt: skip
    return Record(
        id=id_, started_us=started_us, wire=wire, model_asked=model_asked, model=model, provider=provider,
        deployment=deployment, tenant=tenant, key_id=key_id, team=team, project=project, user=user, feature=feature,
        task=task, transaction=transaction, tags=_tags.decode(tags) if tags else {}, stream=bool(stream),
        status=status, outcome=outcome, error=error, cost_state=cost_state, cost=cost, baseline=baseline,
        in_tokens=in_tokens, cached_tokens=cached_tokens, out_tokens=out_tokens, first_byte_us=first_byte_us,
        duration_us=duration_us, cache=cache, attempts=[_attempt_of(row) for row in attempts],
        savings=[Saving(row[2], row[3], row[4], row[5], bool(row[6])) for row in savings],
        decisions=_decisions.decode(decisions) if decisions else [], trace=trace, tier=tier,
        template=template, session=session, arms=_arms.decode(arms) if arms else {}, request_bytes=request_bytes,
    )  # fmt: skip


def _attempt_of(row: Row) -> Attempt:
    (
        _call_id, no, part, provider, deployment, model, served_model, status, outcome, started_us, first_byte_us,
        duration_us, *usage, raw_usage, tier, geo, estimated, cost_state, cost, list_cost, reported_cost, lines,
        price_version, flags, error,
    ) = row  # fmt: skip
    return Attempt(
        no=no, part=part, provider=provider, deployment=deployment, model=model, served_model=served_model,
        status=status, outcome=outcome, started_us=started_us, first_byte_us=first_byte_us, duration_us=duration_us,
        usage=_usage_of(usage), estimated=bool(estimated), raw_usage=bytes(raw_usage), tier=tier, geo=geo,
        cost_state=cost_state, cost=cost, list_cost=list_cost, reported_cost=reported_cost,
        lines=_lines.decode(lines) if lines else [], price_version=price_version,
        flags=_flags.decode(flags) if flags else [], error=error,
    )  # fmt: skip


def _usage_of(columns: list[Any]) -> Usage | None:
    *units, requests = columns
    if units[0] is None:
        return None
    return Usage(**dict(zip(_UNITS, units, strict=True)), requests=_counts.decode(requests) if requests else {})


def lines_of(text: str) -> list[PricedLine]:
    """What an attempt's column `lines` says."""
    return _lines.decode(text) if text else []


def counts_of(text: str) -> dict[str, int]:
    """What an attempt's column `requests` says."""
    return _counts.decode(text) if text else {}


def _packed(value: object) -> str:
    """JSON of a list, map or nothing: the empty text for an empty one."""
    return _json.encode(value).decode() if value else ""


_CALL_AT = {name: place for place, name in enumerate(CALL_COLUMNS)}
_ATTEMPT_AT = {name: place for place, name in enumerate(ATTEMPT_COLUMNS)}

_NAMES = (
    "id", "wire", "model_asked", "model", "provider", "deployment", "tenant", "key_id", "team", "project", "user_id",
    "feature", "task", "transaction_id", "cache", "tier", "template", "session",
)  # fmt: skip
_CALL_NUMBERS = (
    "status", "cost", "baseline", "in_tokens", "cached_tokens", "out_tokens", "first_byte_us", "duration_us",
    "request_bytes",
)  # fmt: skip
_ATTEMPT_TEXTS = ("provider", "deployment", "model", "served_model", "outcome", "tier", "geo", "price_version", "error")
_ATTEMPT_NUMBERS = (
    "attempt_no", "part_no", "status", "first_byte_us", "duration_us", "cost", "list_cost", "reported_cost"
)  # fmt: skip


def sound(calls: Sequence[Row], attempts: Sequence[Row], savings: Sequence[Row]) -> bool:
    """Whether every engine can hold these rows as they are. Looks at whole columns, which costs a quarter of looking at
    each row. Raises TypeError where a value is of the wrong type."""
    return (
        _calls_sound(list(zip(*calls, strict=True)))
        and (not attempts or _attempts_sound(attempts, list(zip(*attempts, strict=True))))
        and all(_clean(row[2]) and max(map(abs, row[3:6])) <= BIGGEST for row in savings)
    )


def _calls_sound(columns: Sequence[Row]) -> bool:
    names = [columns[_CALL_AT[name]] for name in _NAMES]
    errors = columns[_CALL_AT["error"]]
    return (
        all(len(max(names_, key=len)) <= LONGEST_NAME for names_ in names)
        and len(max(errors, key=len)) <= LONGEST_TEXT
        and len(max(columns[_CALL_AT["trace"]], key=len)) <= LONGEST_TEXT
        and _clean("".join(map("".join, (*names, errors, columns[_CALL_AT["outcome"]], columns[_CALL_AT["trace"]]))))
        and all(_in_range(columns[_CALL_AT[name]]) for name in _CALL_NUMBERS)
        and _in_range(columns[_CALL_AT["started_us"]], LATEST_US)
        and _STATES.issuperset(columns[_CALL_AT["cost_state"]])
    )


def _attempts_sound(attempts: Sequence[Row], columns: Sequence[Row]) -> bool:
    texts = [columns[_ATTEMPT_AT[name]] for name in _ATTEMPT_TEXTS]
    first_unit = _ATTEMPT_AT["uncached_in"]
    return (
        all(len(max(text, key=len)) <= LONGEST_TEXT for text in texts)
        and _clean("".join(map("".join, texts)))
        and all(_in_range(columns[_ATTEMPT_AT[name]]) for name in _ATTEMPT_NUMBERS)
        and all(_in_range(units) for units in columns[first_unit : first_unit + len(_UNITS)])
        and _in_range(columns[_ATTEMPT_AT["started_us"]], LATEST_US)
        and _STATES.issuperset(columns[_ATTEMPT_AT["cost_state"]])
        and len({row[:3] for row in attempts}) == len(attempts)
    )


_STATES = frozenset(STATES)


def _in_range(numbers: Row, biggest: int = BIGGEST) -> bool:
    """None is for a number that nobody knows."""
    if not any(numbers):
        return True
    known = numbers if None not in numbers else tuple(filter(None, numbers))
    return bool(max(known) <= biggest and min(known) >= 0)


def _clean(text: str) -> bool:
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def mended(record: Record) -> Record:
    """A copy of the record that every engine can hold.

    Characters that no database keeps become U+FFFD and long texts are cut. A number that no call can have makes the
    amounts unknown rather than wrong; a decision tells what was there. Times and durations below zero become zero.
    """
    plain = msgspec.to_builtins(record, builtin_types=(bytes,))
    nonsense: list[str] = []
    fixed: Record = msgspec.convert(_mended(plain, "", nonsense), Record)
    _cut_names(fixed)
    _number(fixed.attempts)
    if nonsense:
        _amounts_unknown(fixed)
        what = "; ".join(nonsense)[:LONGEST_TEXT]
        fixed.decisions = [*fixed.decisions, Decision("store", "amounts unknown", f"numbers out of range: {what}")]
    return fixed


def _mended(value: Any, path: str, nonsense: list[str]) -> Any:
    if isinstance(value, str):
        return mended_text(value)
    if isinstance(value, dict):
        return {
            mended_text(key): _mended(item, f"{path}.{key}" if path else key, nonsense) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_mended(item, f"{path}[{place}]", nonsense) for place, item in enumerate(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return _mended_number(value, path, nonsense)
    return value


def mended_text(text: str, limit: int = LONGEST_TEXT) -> str:
    """The text without what no database keeps, and not longer than `limit`."""
    if not _clean(text):
        text = text.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _mended_number(value: int, path: str, nonsense: list[str]) -> int:
    if path.endswith("_us"):
        return min(max(value, 0), LATEST_US if path.endswith("started_us") else BIGGEST)
    signed = path.startswith("savings") or path.endswith("rate")
    if -BIGGEST <= value <= BIGGEST and (value >= 0 or signed):
        return value
    nonsense.append(f"{mended_text(path, 100)}={_short(value)}")
    return 0


def _short(value: int) -> str:
    return str(value) if value.bit_length() <= 200 else f"a number of {value.bit_length()} bits"


def _cut_names(record: Record) -> None:
    for name in (
        "id", "wire", "model_asked", "model", "provider", "deployment", "tenant", "key_id", "team", "project", "user",
        "feature", "task", "transaction", "cache", "tier", "template", "session",
    ):  # fmt: skip
        setattr(record, name, mended_text(getattr(record, name), LONGEST_NAME))


def _number(attempts: list[Attempt]) -> None:
    """Give each attempt a number of its own, which is its key, where two have the same."""
    if len({(attempt.no, attempt.part) for attempt in attempts}) < len(attempts):
        for no, attempt in enumerate(attempts, 1):
            attempt.no, attempt.part = no, 0


def _amounts_unknown(record: Record) -> None:
    record.cost_state = "unknown"
    record.cost = record.baseline = 0
    record.savings = []
    for attempt in record.attempts:
        attempt.cost_state = "unknown"
        attempt.cost = attempt.list_cost = 0
        attempt.reported_cost = None
        attempt.flags = [*attempt.flags, "numbers_out_of_range"]
