"""What the command line tells of the ledger: the sums of the calls, and one call in full."""

import csv
import io
import json
from decimal import Decimal
from typing import Any, NamedTuple

import openai
import pytest

from integration.callers import Caller
from integration.conftest import Keyed
from integration.gateways import Gateway, eventually

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
TENANT, TEAM = "report-tenant", "report-team"


class Told(NamedTuple):
    """A gateway, and the records of all calls of one tenant."""

    gateway: Gateway
    key: str
    records: list[dict[str, Any]]


@pytest.fixture(scope="module")
def told(keyed: Keyed) -> Told:
    """Two features, two models, three users; a stream, an estimate, an error, an unknown cost."""
    made = keyed.gateway.farthing_json("keys", "create", "reports", "--tenant", TENANT, "--team", TEAM, "--admin")
    caller = Caller(keyed.gateway.url, made["secret"])
    asked = [
        (GPT, "alpha", "ada", "A rope?", False), (GPT, "alpha", "grace", "A sail?", True),
        (GPT, "beta", "ada", "A mast? [[simulate: missing-usage]]", False),
        (CLAUDE, "beta", "edith", "A keel?", False), (CLAUDE, "beta", "ada", "A bow?", True),
        (GPT, "beta", "ada", "A stern? [[simulate: status-500]]", False),
        (GPT, "beta", "ada", "A hull? [[simulate: cut-stream=2]]", True),
    ]  # fmt: skip
    try:
        ids = [_call(caller, *each) for each in asked]
    finally:
        caller.close()
    return Told(keyed.gateway, made["secret"], [keyed.gateway.call(call_id, made["secret"]) for call_id in ids])


def _call(caller: Caller, model: str, feature: str, user: str, text: str, stream: bool) -> str:
    headers = {"x-farthing-feature": feature, "x-farthing-user": user, "x-farthing-project": "p"}
    messages: Any = [{"role": "user", "content": text}]
    try:
        answer: Any = caller.openai.chat.completions.create(
            model=model, messages=messages, stream=stream, extra_headers=headers
        )
        if stream:
            list(answer)
    except openai.APIError:
        assert "simulate" in text
    return caller.call_id


def report(told: Told, by: str) -> list[dict[str, Any]]:
    """The rows of the tenant, as soon as all its calls are in them."""

    def complete() -> Any:
        rows = told.gateway.farthing_json("report", "--by", by, "--tenant", TENANT)["rows"]
        return rows if sum(row["calls"] for row in rows) == len(told.records) else None

    return eventually(complete, "the report has all calls")


@pytest.mark.parametrize("by", ["feature", "user", "project", "model", "team", "feature,model"])
def test_the_report_is_the_sum_of_the_calls(told: Told, by: str) -> None:
    names = by.split(",")
    rows = report(told, by)
    for row in rows:
        mine = [record for record in told.records if all(record[name] == row[name] for name in names)]
        assert row["calls"] == len(mine)
        assert row["cost"]["nano_dollars"] == sum(record["cost"] for record in mine)
        assert row["baseline"]["nano_dollars"] == sum(record["baseline"] for record in mine)
        assert row["in_tokens"] == sum(record["in_tokens"] for record in mine)
        assert row["out_tokens"] == sum(record["out_tokens"] for record in mine)
        assert row["errors"] == sum(record["outcome"] in ("error", "broken") for record in mine)
        assert row["calls_without_cost"] == sum(record["cost_state"] == "unknown" for record in mine)
    costs = [row["cost"]["nano_dollars"] for row in rows]
    assert costs == sorted(costs, reverse=True)


def test_the_report_of_a_day_and_as_csv_and_by_http(told: Told) -> None:
    spent = sum(record["cost"] for record in told.records)
    assert sum(day["cost"]["nano_dollars"] for day in report(told, "day")) == spent
    text = told.gateway.farthing("report", "--by", "feature", "--tenant", TENANT, "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["feature"] for row in rows} == {"alpha", "beta"}
    assert sum(Decimal(row["cost_dollars"]) for row in rows) == Decimal(spent).scaleb(-9)
    (served,) = told.gateway.get("/v1/farthing/report?by=team", told.key).json()["data"]
    assert (served["cost"], served["calls"]) == (spent, len(told.records)), "the key's own tenant only"
    assert TEAM in str(served)


def test_files_over_http_are_those_of_the_command_line(told: Told) -> None:
    spent = Decimal(sum(record["cost"] for record in told.records)).scaleb(-9)
    report(told, "feature")
    for path, options, column in (
        ("focus", ("focus",), "BilledCost"), ("statement?by=team", ("statement", "--by", "team"), "cost_dollars"),
    ):  # fmt: skip
        served = told.gateway.get(f"/v1/farthing/exports/{path}", told.key)
        assert served.status_code == 200 and served.headers["content-type"].startswith("text/csv")
        assert served.text == told.gateway.farthing("export", *options, "--tenant", TENANT).stdout
        assert sum(Decimal(row[column]) for row in csv.DictReader(io.StringIO(served.text))) == spent
    page = told.gateway.get("/v1/farthing/exports/statement?format=html", told.key)
    assert page.text.startswith("<!doctype html>") and TEAM in page.text


def test_the_report_for_people(told: Told) -> None:
    report(told, "feature")
    text = told.gateway.farthing("report", "--tenant", TENANT).stdout
    assert "alpha" in text and "beta" in text and "$" in text
    assert "without cost" in text, "it says that the cost of one is not known"


def test_explain(told: Told) -> None:
    report(told, "feature")
    record = told.records[0]
    shown = told.gateway.farthing_json("explain", record["id"])
    assert shown["cost"]["nano_dollars"] == record["cost"]
    lines = shown["attempts"][0]["lines"]
    assert sum(line["count"] * line["rate"] for line in lines) == record["cost"] * 1000
    assert json.loads(shown["attempts"][0]["raw_usage"])["prompt_tokens"] == record["in_tokens"]
    text = told.gateway.farthing("explain", record["id"]).stdout
    assert record["id"] in text and record["cost_dollars"] in text and "0.15" in text and "alpha" in text
    estimated, unknown = told.records[2], told.records[6]
    assert "estimated" in told.gateway.farthing("explain", estimated["id"]).stdout
    assert "broken" in told.gateway.farthing("explain", unknown["id"]).stdout


def test_explain_a_call_that_is_not_there(told: Told) -> None:
    found = told.gateway.farthing("explain", "call-nobody", check=False)
    assert found.returncode != 0
    assert "there is no call" in found.stderr


def test_the_list_of_calls(told: Told) -> None:
    report(told, "feature")
    rows = told.gateway.farthing_json("calls", "--where", f"team={TEAM}", "--limit", "100")
    assert {row["id"]: row["cost"]["nano_dollars"] for row in rows} == {
        each["id"]: each["cost"] for each in told.records
    }
    broken = told.gateway.farthing_json("calls", "--where", f"team={TEAM}", "--where", "outcome=broken")
    assert [row["id"] for row in broken] == [told.records[6]["id"]]
