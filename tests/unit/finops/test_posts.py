"""Outcomes and costs from people: checked, exact, named by row where something is wrong."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.posts import CostBody, OutcomeBody, checked_name, cost_of, nano_of, read_file, said_of
from farthing.finops.transactions import Gatherer
from farthing.model.errors import BadRequest
from farthing.settings import Amount, TransactionSettings
from farthing.store.transaction_state import Said
from farthing.store.transactions import Post

PRICES = Gatherer(TransactionSettings(tools={"crm": Amount("0.002")}))
NOW_US = 1_790_000_000_000_000


def read(text: str, name: str = "x.csv") -> list[Post]:
    return read_file(io.StringIO(text), name, PRICES, NOW_US, "acme")


CSV = """type,id,outcome,revenue_dollars,human_minutes,tool,count,dollars,at
support,T-1,resolved,4.99,1.5,,,,2026-01-02T03:04:05Z
support,T-2,failed,,,,,,
support,T-2,,,,crm,3,,
support,T-2,,,,courier,,0.123456789,
"""

JSONL = """{"type": "support", "id": "T-1", "outcome": "resolved", "revenue_dollars": 4.99, "human_minutes": 1.5, "at": "2026-01-02T03:04:05Z"}
{"type": "support", "id": "T-2", "outcome": "failed"}

{"type": "support", "id": "T-2", "tool": "crm", "count": 3}
{"type": "support", "id": "T-2", "tool": "courier", "dollars": "0.123456789"}
"""


@pytest.mark.parametrize(("text", "name"), [(CSV, "x.csv"), (JSONL, "x.jsonl"), (JSONL, "standard")])
def test_files(text: str, name: str) -> None:
    first, second, third, fourth = read(text, name)
    assert first.said == Said("resolved", 1_767_323_045_000_000, 4_990_000_000, 90)
    assert (first.tenant, first.type, first.id) == ("acme", "support", "T-1")
    assert second.said == Said("failed", NOW_US) and not second.costs
    assert [(each.use.count, each.use.cost) for each in third.costs] == [(3, 6_000_000)]
    assert fourth.costs[0].use.cost == 123_456_789 and fourth.said is None
    assert [post.costs[0].id for post in read(text, name)[2:]] == [third.costs[0].id, fourth.costs[0].id]
    assert third.costs[0].id != fourth.costs[0].id


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("type,id,result\na,b,c\n", "has the column 'result'"),
        ("type,id,outcome\na,b,done\n", "row 2: Invalid enum value 'done'"),
        ("type,id,outcome\na,,failed\n", "row 2: A transaction has a type"),
        ("type,id,outcome\na/b,c,failed\n", "row 2: A transaction has a type"),
        ("type,id,outcome\na,b\n", "row 2: it has neither"),
        ("type,id,outcome\na,b,failed,x\n", "row 2: it has more fields"),
        ("type,id,tool\na,b,fax\n", "row 2: The price list"),
        ("type,id,tool,dollars\na,b,fax,much\n", "row 2: dollars is a number"),
        ("type,id,tool,count\na,b,crm,0\n", "row 2: Expected `int` >= 1"),
        ("type,id,outcome,at\na,b,failed,soon\n", "row 2: Invalid isoformat"),
        ('{"type": "a", "id": "b", "outcome": "failed"}\n{', "row 2:"),
        ('{"type": "a", "id": "b", "result": 1}', "there is no 'result'"),
    ],
)
def test_mistakes_are_named_by_row(text: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        read(text)


def test_an_empty_file_has_no_rows() -> None:
    assert read("") == read("type,id\n") == []


@given(st.integers(0, 10**15))
def test_amounts_are_exact(nano: int) -> None:
    assert nano_of(f"{nano // 10**9}.{nano % 10**9:09d}", "x") == nano


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "-1", "1e99", "1e-99", "1" * 41, "1000001", -0.5])
def test_what_is_no_amount(value: str | float) -> None:
    with pytest.raises(BadRequest, match="is a number from 0"):
        nano_of(value, "dollars")


def test_bodies() -> None:
    assert said_of(OutcomeBody("accepted", human_minutes=0, user=" ana\n"), 7) == Said("accepted", 7, None, 0, "ana")
    cost = cost_of(CostBody("crm", 2, id="mine", at_us=5), PRICES, 7, "made")
    assert (cost.id, cost.use.cost, cost.at_us) == ("mine", 4_000_000, 5)
    assert cost_of(CostBody("fax", 2, dollars=0.1), PRICES, 7, "made").use.cost == 100_000_000
    assert checked_name(" a ", "b/c") == ("a", "b/c") and checked_name("", "b") == ("", "b")
    with pytest.raises(BadRequest):
        checked_name("", "a/b")
    with pytest.raises(BadRequest):
        checked_name("a" * 64, "b" * 64)
