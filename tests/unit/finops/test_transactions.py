"""Which transaction a call belongs to, and what its tools cost."""

from collections.abc import Mapping

import pytest

from farthing.finops.transactions import Gatherer, hourly_rate_of, human_cost_of
from farthing.model.call import Ask, Call
from farthing.model.errors import BadRequest
from farthing.model.principal import Principal
from farthing.model.transaction import ToolUse
from farthing.settings import Settings, parse

SETTINGS = """
[transactions]
hourly_rate = 60

[transactions.tools]
crm = 0.002
search = 0.01

[transactions.types.support]
features = ["support chat", "support mail"]
id_tag = "ticket"
human_minutes = 12.5

[transactions.types.triage]
features = ["triage"]
human_dollars = 15
hourly_rate = 80

[transactions.types.order]
tags = { flow = "order", shop = "*" }
id_tag = "user"
"""


def settings(text: str = SETTINGS) -> Settings:
    return parse(text, {"OPENAI_API_KEY": "any"})


def gathered(tags: Mapping[str, str] | None = None, **more: str) -> Call:
    call = Call(
        id="call-1", wire="openai.chat", headers={}, peer="", body=b"", ask=Ask(""), started_us=0, started=0.0
    )  # fmt: skip
    call.principal = Principal(tags=dict(tags or {}), **more)
    Gatherer(settings().transactions)(call)
    return call


@pytest.mark.parametrize(
    ("tags", "said", "name"),
    [
        ({"ticket": "T-1"}, {"feature": "support chat"}, "support/T-1"),
        ({}, {"feature": "support chat"}, ""),
        ({}, {"feature": "support chat", "transaction": "T-2"}, "T-2"),
        ({"ticket": "T-1"}, {"feature": "support chat", "transaction": "refund/R-1"}, "refund/R-1"),
        ({}, {"feature": "triage"}, "triage/call-1"),
        ({}, {"feature": "triage", "transaction": "T-9"}, "triage/T-9"),
        ({"flow": "order", "shop": "north"}, {"user": "ana"}, "order/ana"),
        ({"flow": "order"}, {"user": "ana"}, ""),
        ({"flow": "other", "shop": "north"}, {"user": "ana"}, ""),
        ({"ticket": "T" * 128}, {"feature": "support mail"}, "support/" + "T" * 120),
    ],
)
def test_rules(tags: dict[str, str], said: dict[str, str], name: str) -> None:
    assert gathered(tags, **said).principal.transaction == name


def test_tools_that_a_tag_names() -> None:
    assert gathered({"tools": "crm=3, search"}).tools == [
        ToolUse("crm", 3, 6_000_000),
        ToolUse("search", 1, 10_000_000),
    ]
    assert gathered({"tools": "fax=2,crm=0,=,crm=99999,a=b"}).tools == [
        ToolUse("fax", 2, None), ToolUse("=", 1, None), ToolUse("crm", 10_000, 20_000_000_000), ToolUse("a=b", 1, None),
    ]  # fmt: skip
    assert gathered({"other": "crm"}).tools == []


def test_nothing_is_asked_where_nothing_is_set() -> None:
    assert not Gatherer(settings("").transactions)
    assert Gatherer(settings().transactions)
    with pytest.raises(BadRequest, match="has no 'fax'; it has: crm, search"):
        Gatherer(settings().transactions).price_of("fax")


def test_people() -> None:
    found = settings().transactions
    assert (human_cost_of("support", found), human_cost_of("triage", found)) == (12_500_000_000, 15_000_000_000)
    assert human_cost_of("order", found) is None and human_cost_of("nothing", found) is None
    assert (hourly_rate_of("triage", found), hourly_rate_of("nothing", found)) == (80 * 10**9, 60 * 10**9)
    assert hourly_rate_of("x", settings("").transactions) is None
