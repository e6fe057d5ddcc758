"""Tables of one's own, CSV or JSON lines: rows into calls of the past by a mapping of columns. A total of tokens alone is no
usage: what was input and what was output then stays unknown."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from farthing.model.errors import BadRequest
from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.planner.imports import texts, usages
from farthing.planner.imports.mapping import Column, Mapping_, dollars, getter, is_yes
from farthing.planner.imports.names import place_of, wire_of
from farthing.planner.imports.reading import Layout
from farthing.planner.imports.values import (
    BadRow,
    between,
    count,
    decimal,
    duration,
    embedded,
    id_of,
    name,
    tags_of,
    when,
)

NAME = "plain"
_UNITS = {"milliseconds": 1_000, "microseconds": 1, "seconds": 1_000_000}
_TEXTS = ("user", "feature", "team", "project", "tenant", "key", "task", "session")
_FINE = frozenset(("ok", "success", "succeeded", "completed", "complete", "true", "200", "done", "stop", "0"))


class Plain:
    """Reads rows by one mapping. Rows of a CSV come as lists in the order of its columns."""

    def __init__(self, mapping: Mapping_, layout: Layout) -> None:
        fields = mapping.fields
        self._csv = layout.kind == "csv"
        self._places = {name: place for place, name in enumerate(layout.columns)}
        self._constants = mapping.constants
        self._at = self._get("at", fields)
        self._offset = self._get("offset", fields)
        self._offset_unit = 1_000 if fields.get("offset", Column("")).how.startswith("milli") else 1_000_000
        self._start = self._begun()
        self._day_first = fields.get("at", Column("")).how == "day/month/year"
        self._model, self._provider = self._get("model", fields), self._get("provider", fields)
        self._names = [(field, get) for field in _TEXTS if (get := self._get(field, fields)) is not None]
        self._tags = [(tag, self._of(column)) for tag, column in mapping.tags.items()]
        self._rest = {
            field: get for field in (
                "id", "end", "usage", "input", "output", "total", "cached", "written", "written_1h", "reasoning", "cost", "latency",
                "first_byte", "tags", "tier", "status", "error", "max_output", "prompt", "answer", "gateway_cache", "retry_of",
            ) if (get := self._get(field, fields)) is not None
        }  # fmt: skip
        self._cost_in = fields["cost"].how if "cost" in fields else ""
        self._latency = _UNITS.get(fields["latency"].how, 1) if "latency" in fields else 1
        self._first_byte = _UNITS.get(fields["first_byte"].how, 1) if "first_byte" in fields else 1
        beside = any(each in fields and fields[each].how.startswith("beside") for each in ("cached", "written"))
        self._inside: bool | None = False if beside else None
        self._kind = "embedding" if "embedding" in self._constants.get("task", "") else "completion"

    def _get(self, field: str, fields: dict[str, Column]) -> Callable[[Any], Any] | None:
        if field in self._constants:
            value = self._constants[field]
            return lambda row: value
        return self._of(fields[field].column) if field in fields else None

    def _begun(self) -> int | None:
        """When the log began, for times that are counted from there. Raises BadRequest for what is no time."""
        try:
            return when(self._constants["start"]) if "start" in self._constants else None
        except BadRow as why:
            raise BadRequest(f"start: {why}; write --map start==2026-10-01") from None

    def _moment(self, row: Any) -> int:
        if self._at is not None:
            return when(self._at(row), day_first=self._day_first)
        if self._offset is None or self._start is None:
            raise BadRow("no column says the time")
        found = decimal(self._offset(row))
        if found is None or not 0 <= found < 10**12:
            raise BadRow("it says no time since the start")
        return self._start + int(found * self._offset_unit)

    def _of(self, column: str) -> Callable[[Any], Any]:
        if not self._csv:
            return getter(column)
        if column in self._places:
            return itemgetter(self._places[column])
        outer, _, inner = column.partition(".")
        place, get = self._places[outer], getter(inner)

        def inside(row: Sequence[str]) -> Any:
            found = embedded(row[place])
            return get(found) if isinstance(found, dict) else None

        return inside

    def read(self, row: Any, where: str) -> PastCall:
        """Raises BadRow."""
        if self._model is None:
            raise BadRow("no column says the model")
        rest = self._rest
        at = self._moment(row)
        said = name(self._model(row)).strip()
        if not said:
            raise BadRow("it names no model")
        provider, model = place_of(name(self._provider(row)) if self._provider is not None else "", said)
        wire = wire_of(provider, "embedding" if "embed" in model else self._kind)
        call = PastCall(id="", at_us=at, model=model, provider=provider, wire=wire, source=NAME)
        for field, get in self._names:
            if text := get(row):
                setattr(call, field, name(text))
        if not call.tenant:
            call.tenant = "default"
        call.id = id_of(rest["id"](row) if "id" in rest else "", where)
        self._use(call, row)
        self._times(call, row)
        self._ending(call, row)
        if "cost" in rest:
            call.reported_cost = dollars(rest["cost"](row), self._cost_in)
        if self._tags or "tags" in rest:
            call.tags = self._tagged(row)
        if "max_output" in rest:
            call.max_output = count(rest["max_output"](row), "max_output")
        if "gateway_cache" in rest:
            call.cached = is_yes(rest["gateway_cache"](row))
        if "retry_of" in rest:
            call.attempt_of = name(rest["retry_of"](row))
        if "prompt" in rest:
            call.prompt, call.wire = texts.request(rest["prompt"](row), model, wire)
            call.max_output = call.max_output or texts.limit_of(embedded(rest["prompt"](row)))
        if "answer" in rest:
            call.answer = texts.answer(rest["answer"](row), call.wire)
        return call

    def _use(self, call: PastCall, row: Any) -> None:
        rest = self._rest
        if "tier" in rest:
            tier = name(rest["tier"](row)).lower()
            call.tier = tier if tier in ("flex", "priority", "batch") else ""
        if "usage" in rest:
            found = embedded(rest["usage"](row))
            if isinstance(found, dict):
                reading = usages.of_object(found, provider=call.provider, model=call.model)
                call.usage, call.raw_usage, call.flags = reading.usage, reading.raw, list(reading.flags)
                call.tier = call.tier or reading.tier
                return
        sent = count(rest["input"](row), "input tokens") if "input" in rest else None
        made = count(rest["output"](row), "output tokens") if "output" in rest else None
        if "total" in rest and (sent is None) != (made is None):
            sent, made = _completed(sent, made, count(rest["total"](row), "total tokens"))
        if call.wire == texts.EMBEDDINGS and sent is not None:
            made = made or 0
        if sent is None or made is None:
            call.flags = usages.half(sent, made) or (
                ["only_total_tokens"] if "total" in rest and rest["total"](row) else []
            )
            return
        if "cached" not in rest and "written" not in rest and "reasoning" not in rest:
            call.usage = Usage(uncached_in=sent, out=made)
            return
        read, written, w1h, reasoning = (
            count(rest[field](row), f"{field} tokens") or 0 if field in rest else 0
            for field in ("cached", "written", "written_1h", "reasoning")
        )
        call.usage = usages.flat(
            sent, made, read=read, written=max(written, w1h), w1h=w1h, reasoning=reasoning,
            bucket=usages.writes_to(call.provider, call.model), inside=self._inside,
        )  # fmt: skip

    def _times(self, call: PastCall, row: Any) -> None:
        rest = self._rest
        if "latency" in rest:
            call.duration_us = duration(rest["latency"](row), self._latency)
        if not call.duration_us and "end" in rest:
            call.duration_us = between(call.at_us, rest["end"](row))
        if "first_byte" in rest:
            call.first_byte_us = duration(rest["first_byte"](row), self._first_byte)

    def _ending(self, call: PastCall, row: Any) -> None:
        rest = self._rest
        status = rest["status"](row) if "status" in rest else None
        error = rest["error"](row) if "error" in rest else None
        text = str(status).strip().lower() if status not in (None, "") else ""
        if text.isdigit() and 100 <= int(text) < 600:
            call.status = int(text)
        failed = call.status >= 400 or (text != "" and not call.status and text not in _FINE)
        if error not in (None, "", False, {}, []) and str(error).strip().lower() not in ("false", "none", "null", "0"):
            failed = True
            call.error = name(error if isinstance(error, str) else "error")
        if failed:
            call.outcome = "error"

    def _tagged(self, row: Any) -> dict[str, str]:
        tags = tags_of(self._rest["tags"](row)) if "tags" in self._rest else {}
        for tag, get in self._tags:
            if text := name(get(row)):
                tags[tag] = text
        return tags


def _completed(sent: int | None, made: int | None, total: int | None) -> tuple[int | None, int | None]:
    """The one that lacks, from the total."""
    if total is None:
        return sent, made
    if sent is None and made is not None and total >= made:
        return total - made, made
    if made is None and sent is not None and total >= sent:
        return sent, total - sent
    return sent, made
