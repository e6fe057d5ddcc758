"""A ticket from its first call to its margin: the header, retries, embeddings, a stream, tools, an outcome; killed in between."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import PROVIDER_KEY
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator

SETTINGS = """
[transactions.tools]
crm_lookup = 0.002

[transactions.types.support_resolution]
human_dollars = 15

[transactions.types.triage]
features = ["triage"]
id_tag = "ticket"
"""
TICKET = "support_resolution/T-1042"
PATH = "/v1/farthing/transactions"


@pytest.fixture(params=["sqlite", "postgresql"])
def made(
    request: pytest.FixtureRequest, tmp_path: Path, provider: Simulator
) -> Iterator[Gateway]:  # fmt: skip
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    text = settings_text(
        store=f'url = "{url}"' if url else "",
        providers=f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "{PROVIDER_KEY}"\n', more=SETTINGS,
    )  # fmt: skip
    with gateway(tmp_path, text) as made:
        yield made


def say(made: Gateway, text: str, headers: dict[str, str], **more: object) -> None:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}
    made.request("POST", "/v1/chat/completions", content=json.dumps(body), headers=headers).read()


def report(made: Gateway) -> dict[str, Any]:
    return {each["type"]: each for each in made.get(PATH).json()["types"]}


def test_a_ticket_from_its_first_call_to_what_it_saved(made: Gateway) -> None:
    ticket = {"x-farthing-transaction": TICKET, "x-farthing-user": "ana"}
    say(made, "Where is my order?", {**ticket, "x-farthing-tag-tools": "crm_lookup=2"})
    say(made, "And now?", ticket, stream=True)
    say(made, "Again. [[simulate: status-500]]", ticket)
    vectors = {"model": "text-embedding-3-small", "input": "Where is my order?"}
    made.request("POST", "/v1/embeddings", content=json.dumps(vectors), headers=ticket)
    say(made, "Which queue?", {"x-farthing-feature": "triage", "x-farthing-tag-ticket": "T-1042"})

    def gathered() -> bool:
        found = report(made)
        return [(found.get(name) or {}).get("calls") for name in ("support_resolution", "triage")] == [4, 1]

    eventually(gathered, "the calls are gathered")
    made.stop(signal.SIGKILL)
    made.start()
    body = {"costs": [{"tool": "courier", "dollars": "0.25", "id": "c-1"}]}
    for _ in range(2):
        assert made.post(f"{PATH}/{TICKET}/costs", body).status_code in (200, 201)
    assert made.post(f"{PATH}/{TICKET}/outcome", {"outcome": "resolved", "revenue_dollars": 3}).status_code == 200
    found = report(made)
    unit = found["support_resolution"]
    (one,) = [made.get(f"{PATH}/{TICKET}").json()]
    assert (unit["succeeded"], unit["calls"], unit["errors"], unit["tools"]) == (1, 4, 1, 3)
    assert one["tool_cost"]["nano_dollars"] == 254_000_000
    rows = made.farthing_json("report", "--by", "feature", "--json")
    cost = sum(row["cost"]["nano_dollars"] for row in rows["rows"])
    assert one["cost"]["nano_dollars"] + found["triage"]["cost"]["nano_dollars"] == cost
    assert (one["user"], one["outcome"]) == ("ana", "resolved")
    assert {each["name"] for each in unit["drivers"] if each["kind"] == "tool"} == {"crm_lookup", "courier"}
    shown = made.farthing("unit", "report", "support_resolution").stdout
    assert "by hand $15.00" in shown and "triage" not in shown
