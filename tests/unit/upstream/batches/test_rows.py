"""Rows of output and error files, in every shape that was seen."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.upstream.batches.api import Result
from farthing.upstream.batches.rows import quoted, result, written

GOOD = {
    "id": "batch_req_123", "custom_id": "request-2", "error": None,
    "response": {"status_code": 200, "request_id": "req_123", "body": {"id": "chatcmpl-123", "object": "chat.completion"}},
}  # fmt: skip
EXPIRED = {
    "id": "batch_req_123", "custom_id": "request-3", "response": None,
    "error": {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."},
}  # fmt: skip


def read(row: object) -> Result | None:
    return result(json.dumps(row).encode())


def with_response(**changed: object) -> dict[str, object]:
    return {**GOOD, "response": {**dict(GOOD["response"]), **changed}}  # type: ignore[call-overload]


def test_a_good_row() -> None:
    found = read(GOOD)
    assert found is not None and (found.custom_id, found.status, found.error_code) == ("request-2", 200, "")
    assert json.loads(found.body) == {"id": "chatcmpl-123", "object": "chat.completion"}


@pytest.mark.parametrize(
    ("row", "status", "code"),
    [
        (EXPIRED, 0, "batch_expired"),
        (with_response(status_code=400, body={"error": {"message": "no"}}), 400, ""),
        (with_response(status_code=500, body=None), 500, ""),
        (with_response(status_code=200, body=None), 0, "no_status"),
        (with_response(status_code=0), 0, "no_status"),
        (with_response(status_code=None), 0, "no_status"),
        ({**GOOD, "response": None}, 0, "no_status"),
        ({"custom_id": "a"}, 0, "no_status"),
        ({"custom_id": "a", "error": "gone"}, 0, "gone"),
        ({"custom_id": "a", "error": {"message": "x"}}, 0, "no_status"),
        ({**GOOD, "error": {"code": "odd"}}, 200, ""),
    ],
)
def test_a_row_is_judged_by_its_status(row: object, status: int, code: str) -> None:
    found = read(row)
    assert found is not None and (found.status, found.error_code) == (status, code)


@pytest.mark.parametrize(
    "row", [b"", b"{", b"[1]", b'{"id": 1}', b'{"custom_id": 7}', b"\xff\xfe", b"[" * 5000, b"null"]
)
def test_what_cannot_be_read_is_nothing(row: bytes) -> None:
    assert result(row) is None


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), lambda i: st.dictionaries(st.text(), i)).map(
    lambda made: json.dumps({"custom_id": "a", "response": made}).encode()
))  # fmt: skip
def test_no_row_breaks_it(row: bytes) -> None:
    result(row)


@given(st.text(), st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner)))
def test_a_body_is_one_line_and_the_same(name: str, value: object) -> None:
    body = json.dumps({"value": value}, indent=2).replace("\n", "\r\n").encode()
    try:
        head = b'{"custom_id":' + quoted(name) + b',"body":'
    except UnicodeEncodeError:  # half a surrogate pair, which our own names never hold
        return
    row = written(head, body)
    assert row.count(b"\n") == 1 and row.endswith(b"\n") and b"\r" not in row
    assert msgspec.json.decode(row) == {"custom_id": name, "body": {"value": value}}
