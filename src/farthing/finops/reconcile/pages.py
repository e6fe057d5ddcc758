"""Files as they were saved: a page of JSON, a list of pages, a page a line, or CSV. Knows no provider.

Numbers stay decimals from the first digit on: no amount is ever a float.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from farthing.finops.reconcile.bill import DAY_US
from farthing.model.errors import BadRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """`rows_in` of a file. Raises BadRequest, OSError."""
    return rows_in(path.read_bytes(), path.name)


def rows_in(content: bytes, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a file: results of API pages with the `start` of their bucket, or lines of a CSV. Raises BadRequest
    that names the file and what is wrong with it."""
    text = content.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] in ("{", "["):
        yield from _from_pages(_documents(text, name), name)
    else:
        yield from _from_csv(text, name)


def _documents(text: str, name: str) -> list[Any]:
    try:
        return [json.loads(text, parse_float=Decimal)]
    except json.JSONDecodeError as whole:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise BadRequest(f"{name} is not JSON: {whole}") from None
        try:
            return [json.loads(line, parse_float=Decimal) for line in lines]
        except (json.JSONDecodeError, RecursionError):
            raise BadRequest(f"{name} is not JSON: {whole}") from None
    except RecursionError:
        raise BadRequest(f"{name} is no page of a provider's API: it is nested too deep") from None


def _from_pages(documents: list[Any], name: str) -> Iterator[dict[str, Any]]:
    for document in documents:
        for page in document if isinstance(document, list) else [document]:
            buckets = page.get("data") if isinstance(page, dict) else None
            for bucket in [page] if _is_bucket(page) else buckets if isinstance(buckets, list) else [None]:
                if not isinstance(bucket, dict) or not _is_bucket(bucket):
                    raise BadRequest(
                        f"{name} is no page of a provider's usage or cost API: it has no data with results"
                    )
                yield from _results(bucket, name)


def _is_bucket(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("results"), list)


def _results(bucket: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    start = bucket.get("starting_at") or bucket.get("start_time_iso") or bucket.get("start_time")
    for result in bucket["results"]:
        if not isinstance(result, dict):
            raise BadRequest(f"{name} has a result that is no object")
        yield {"start": start, **_flat(result)}


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"amount": {"value": 1}}` as `{"amount.value": 1}`."""
    found: dict[str, Any] = {}
    for key, each in value.items():
        if isinstance(each, dict):
            found.update(_flat(each, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = each
    return found


def _from_csv(text: str, name: str) -> Iterator[dict[str, Any]]:
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    if not reader.fieldnames or len(reader.fieldnames) < 2:
        raise BadRequest(f"{name} is neither JSON nor CSV with a line of names")
    try:
        for row in reader:
            yield {str(key): value for key, value in row.items() if key is not None and value not in (None, "")}
    except csv.Error as error:
        raise BadRequest(f"{name}, line {reader.line_num}: {error}") from None


def first_of(row: Row, *names: str) -> Any:
    """The first of these columns that says something; None where none does."""
    for name in names:
        if row.get(name) is not None:
            return row[name]
    return None


def text_of(row: Row, *names: str) -> str | None:
    found = first_of(row, *names)
    return None if found is None else str(found).strip()


def number(value: Any, what: str) -> Decimal:
    """A number from JSON or CSV; nothing is 0. Raises BadRequest that names `what`."""
    if value is None:
        return Decimal(0)
    try:
        found = Decimal(str(value).replace(",", "").strip() or "0")
    except InvalidOperation:
        raise BadRequest(f"{what}: {value!r} is not a number") from None
    if not found.is_finite() or abs(found) > 10**18:
        raise BadRequest(f"{what}: {value!r} is not a number that a bill can have")
    return found


def count(row: Row, *names: str) -> int:
    """A whole number; 0 where no such column says one. Raises BadRequest."""
    return int(number(first_of(row, *names), names[0]).to_integral_value())


def day_us(value: Any) -> int:
    """Start of the UTC day that a time of the export falls into. Raises BadRequest for what is no time."""
    moment = _moment(value)
    return (moment - _EPOCH) // timedelta(microseconds=1) // DAY_US * DAY_US


def _moment(value: Any) -> datetime:
    text = str(value).strip()
    try:
        if isinstance(value, int | Decimal) or text.isdigit():
            if len(text) == 8 and text.startswith("20"):
                return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
            return _EPOCH + timedelta(seconds=int(Decimal(text)))
        if "/" in text:
            return datetime.strptime(text.split()[0], "%m/%d/%Y").replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except (ValueError, OverflowError, InvalidOperation):
        raise BadRequest(f"{text[:40]!r} is not a day or time") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
