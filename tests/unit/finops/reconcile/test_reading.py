"""Exports as providers write them, small and by hand: what is in each class, and what is refused in words."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.reconcile import anthropic, azure, openai
from farthing.finops.reconcile.azure import meter_words
from farthing.finops.reconcile.bill import ANY, CREDIT, OTHER, Bill
from farthing.finops.reconcile.job import READERS, read_bill
from farthing.finops.reconcile.openai import line_item
from farthing.finops.reconcile.pages import day_us, rows_of
from farthing.model.errors import BadRequest

DAY = 1_790_812_800_000_000


def _counts(bill: Bill) -> dict[str, int]:
    return {line.unit: line.count for line in [*bill.usage, *bill.quantities]}


def _openai(*results: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"start": DAY // 1_000_000, **result} for result in results]


def test_openai_input_holds_cached_and_written() -> None:
    bill = openai.read(
        _openai(
            {
                "input_tokens": 10_000, "input_cached_tokens": 4_000, "input_cache_write_tokens": 2_500,
                "input_cache_write_12h_tokens": 500, "input_audio_tokens": 300, "input_cached_audio_tokens": 100,
                "input_image_tokens": 200, "output_tokens": 900, "output_audio_tokens": 50, "num_model_requests": 7,
                "model": "gpt-5.6", "batch": False, "service_tier": "default", "api_key_id": "key_1", "project_id": "proj_1",
            }
        )
    )  # fmt: skip
    assert _counts(bill) == {
        "uncached_in": 3_000, "cache_read": 3_900, "cached_audio": 100, "w30m": 2_000, "w12h": 500, "audio_in": 300,
        "image_in": 200, "out": 850, "audio_out": 50,
    }  # fmt: skip
    assert {(line.day_us, line.model, line.tier, line.key) for line in bill.usage} == {(DAY, "gpt-5.6", "", "key_1")}
    assert [each.count for each in bill.requests] == [7]


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ({"batch": True}, "batch"), ({"batch": False}, ""), ({"service_tier": "flex-tier"}, "flex"), ({}, ANY),
        ({"service_tier": "incentivized-tier", "batch": False}, "incentivized"), ({"service_tier": "priority"}, "priority"),
    ],
)  # fmt: skip
def test_openai_tiers(said: dict[str, Any], tier: str) -> None:
    bill = openai.read(_openai({"input_tokens": 1, "output_tokens": 0, "model": "gpt-5", **said}))
    assert [line.tier for line in bill.usage] == [tier]


def test_openai_classes_that_are_more_than_the_total_are_noted() -> None:
    bill = openai.read(_openai({"input_tokens": 5, "input_cached_tokens": 9, "output_tokens": 1, "model": "m"}))
    assert _counts(bill) == {"cache_read": 9, "out": 1}
    assert "more than their total" in bill.notes[0]


@pytest.mark.parametrize(
    ("item", "means"),
    [
        ("gpt-4o-mini-2024-07-18, input", ("gpt-4o-mini-2024-07-18", "", "uncached_in")),
        ("gpt-5, input_tokens", ("gpt-5", "", "uncached_in")),
        ("gpt-5, cached input", ("gpt-5", "", "cache_read")),
        ("gpt-5, cached_input_tokens", ("gpt-5", "", "cache_read")),
        ("gpt-5 batch, output", ("gpt-5", "batch", "out")),
        ("gpt-5, batch output", ("gpt-5", "batch", "out")),
        ("gpt-5.6, cache write 12h input", ("gpt-5.6", "", "w12h")),
        ("gpt-5.6, cache_write_input_tokens", ("gpt-5.6", "", "w30m")),
        ("gpt-4o-audio-preview, audio output", ("gpt-4o-audio-preview", "", "audio_out")),
        ("web search tool calls", (ANY, "", "web_search")),
        ("assistants api | file search", (ANY, "", "file_search")),
        ("code interpreter", (ANY, "", OTHER)),
    ],
)
def test_openai_line_items(item: str, means: tuple[str, str, str]) -> None:
    assert line_item(item) == means


def test_openai_costs_are_floats_in_dollars(tmp_path: Path) -> None:
    page = {
        "object": "page", "data": [
            {"object": "bucket", "start_time": DAY // 1_000_000, "end_time": DAY // 1_000_000 + 86_400, "results": [
                {"object": "organization.costs.result", "amount": {"value": 0.1, "currency": "usd"},
                 "line_item": "gpt-5-mini-2025-08-07, input", "quantity": 400.0, "quantity_unit": "1000_tokens"},
                {"object": "organization.costs.result", "amount": {"value": -2.5, "currency": "usd"}, "line_item": "credit"},
            ]}
        ],
    }  # fmt: skip
    path = tmp_path / "costs.json"
    path.write_text(json.dumps(page))
    bill = read_bill("openai", [path])
    assert [(line.pico, line.unit) for line in bill.costs] == [(10**11, "uncached_in"), (-25 * 10**11, CREDIT)]
    assert [(line.count, line.model) for line in bill.quantities] == [(400_000, "gpt-5-mini-2025-08-07")]
    with pytest.raises(BadRequest, match="eur"):
        openai.read(_openai({"amount.value": 1, "amount.currency": "eur"}))


def test_anthropic_costs_are_texts_in_cents() -> None:
    row = {
        "starting_at": "2026-10-01T00:00:00Z", "currency": "USD", "amount": "123.45", "cost_type": "tokens",
        "model": "claude-haiku-4-5-20251001", "service_tier": "batch", "token_type": "cache_creation.ephemeral_1h_input_tokens",
    }  # fmt: skip
    (line,) = anthropic.read([row]).costs
    assert (line.pico, line.unit, line.tier, line.day_us) == (1_234_500_000_000, "w1h", "batch", DAY)
    assert line.bound == 50_000_000, "half of the last cent's hundredth"
    (line,) = anthropic.read([{"start": "2026-10-01T00:00:00Z", "amount": "7", "cost_type": "web_search"}]).costs
    assert (line.pico, line.unit, line.model) == (70_000_000_000, "web_search", ANY)


def test_anthropic_usage_is_disjoint_already(tmp_path: Path) -> None:
    page = {
        "data": [{"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z", "results": [{
            "uncached_input_tokens": 1_500, "cache_creation": {"ephemeral_1h_input_tokens": 1_000, "ephemeral_5m_input_tokens": 500},
            "cache_read_input_tokens": 200, "output_tokens": 500, "server_tool_use": {"web_search_requests": 10},
            "api_key_id": None, "workspace_id": "wrkspc_1", "model": "claude-sonnet-4-5", "service_tier": "standard",
            "context_window": "0-200k"}]}],
        "has_more": False, "next_page": None,
    }  # fmt: skip
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(page))
    bill = read_bill("anthropic", [path])
    assert _counts(bill) == {
        "uncached_in": 1_500, "w1h": 1_000, "w5m": 500, "cache_read": 200, "out": 500, "web_search": 10
    }  # fmt: skip
    assert {(line.tier, line.key) for line in bill.usage} == {("", "wrkspc_1")}


def test_anthropic_csv_of_the_console_is_in_dollars(tmp_path: Path) -> None:
    (tmp_path / "tokens.csv").write_text(
        "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
        "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
        "usage_output_tokens,web_search_count\n2026-10-01,claude-haiku-4-5-20251001,gateway,Default,standard,≤ 200k,"
        '"1,000",20,30,40,50,0\n'
    )
    (tmp_path / "cost.csv").write_text(
        "usage_date_utc,model,workspace,api_key,usage_type,token_type,cost_usd\n"
        "2026-10-01,claude-haiku-4-5-20251001,Default,gateway,standard,output_tokens,0.25\n"
    )
    bill = read_bill("anthropic", [tmp_path / "tokens.csv", tmp_path / "cost.csv"])
    assert _counts(bill) == {"uncached_in": 1_000, "w5m": 20, "w1h": 30, "cache_read": 40, "out": 50}
    assert [(line.pico, line.unit) for line in bill.costs] == [(250_000_000_000, "out")]


@pytest.mark.parametrize(
    ("meter", "means"),
    [
        ("gpt-4o-mini-0718-Inp-glbl Tokens", ("gpt-4o-mini", "", "uncached_in")),
        ("gpt-4o-mini-0718-cached-Inp-glbl Tokens", ("gpt-4o-mini", "", "cache_read")),
        ("gpt-4o-0806-Outp-regnl Tokens", ("gpt-4o", "", "out")),
        ("gpt 4.1 mini cchd Inp glbl 1M Tokens", ("gpt-4.1-mini", "", "cache_read")),
        ("gpt 4o 0806 Batch Outp glbl Tokens", ("gpt-4o", "batch", "out")),
        ("GPT 5 Inp Data Zone", ("gpt-5", "", "uncached_in")),
        ("text-embedding-3-small-glbl Tokens", ("text-embedding-3-small", "", "uncached_in")),
        ("Provisioned Managed Throughput Unit", (ANY, "", OTHER)),
    ],
)
def test_azure_meters(meter: str, means: tuple[str, str, str]) -> None:
    assert meter_words(meter) == means


AZURE = (
    "Date,MeterCategory,MeterName,Quantity,UnitOfMeasure,CostInBillingCurrency,BillingCurrency,ResourceId\n"
    "10/01/2026,Azure OpenAI,gpt-4o-mini-0718-Inp-glbl Tokens,1234.5,1K,0.185175,USD,/subscriptions/1/accounts/Prod-EU\n"
    "10/01/2026,Virtual Machines,D2 v3,24,1 Hour,5,USD,/x/vm\n"
)
FOCUS = (
    "BilledCost,BillingCurrency,ChargePeriodStart,ServiceName,x_SkuMeterName,ConsumedQuantity,ConsumedUnit,ResourceName\n"
    "0.185175,USD,2026-10-01T00:00:00Z,Azure OpenAI,gpt-4o-mini-0718-Inp-glbl Tokens,1.2345,1M Tokens,Prod-EU\n"
)


@pytest.mark.parametrize("text", [AZURE, FOCUS, "\ufeff" + AZURE, AZURE.replace(",", ";")])
def test_azure_exports_of_both_shapes(text: str, tmp_path: Path) -> None:
    path = tmp_path / "cost.csv"
    path.write_text(text, encoding="utf-8")
    bill = read_bill("azure", [path])
    (cost,), (units,) = bill.costs, bill.quantities
    assert (cost.pico, cost.day_us, cost.model, cost.unit, cost.key) == (185_175_000_000, DAY, "gpt-4o-mini", "uncached_in", "prod-eu")  # fmt: skip
    assert (units.count, units.unit) == (1_234_500, "uncached_in")
    assert bill.notes == ([] if text is FOCUS else ["1 lines are for other Azure services and were left out"])


def test_azure_in_another_currency_needs_dollars(tmp_path: Path) -> None:
    path = tmp_path / "cost.csv"
    path.write_text(AZURE.replace("USD", "EUR"))
    with pytest.raises(BadRequest, match=r"cost\.csv: amounts are in EUR; export the column CostInUsd"):
        read_bill("azure", [path])
    path.write_text(AZURE.replace("USD", "EUR").replace("ResourceId", "CostInUsd").replace("/subscriptions/1/accounts/Prod-EU", "0.2"))  # fmt: skip
    assert next(line.pico for line in read_bill("azure", [path]).costs) == 2 * 10**11


@pytest.mark.parametrize("shape", ["page", "list", "lines", "bucket"])
def test_pages_however_they_were_saved(shape: str, tmp_path: Path) -> None:
    buckets = [
        {"start_time": DAY // 1_000_000 + day * 86_400, "results": [{"input_tokens": 5, "output_tokens": 1, "model": "m"}]}
        for day in range(2)
    ]  # fmt: skip
    pages = [{"data": [bucket]} for bucket in buckets]
    texts = {
        "page": json.dumps({"data": buckets}, indent=1), "list": json.dumps(pages),
        "lines": "\n".join(map(json.dumps, pages)), "bucket": json.dumps(buckets),
    }  # fmt: skip
    path = tmp_path / "x.json"
    path.write_text(texts[shape])
    assert read_bill("openai", [path]).usage[-1].day_us == DAY + 86_400_000_000
    assert len(read_bill("openai", [path]).usage) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"), ('{"a": 1}', "no page"), ("[1, 2]", "no page"), ('{"data": [{"results": [3]}]}', "no object"),
        ("just words", "neither JSON nor CSV"), ("", "neither JSON nor CSV"), ('{"data": []}', "no lines"),
        ('{"data": [{"start_time": 1, "results": [{"x": 1}]}]}', "no export of OpenAI"),
        ('{"data": [{"start_time": "soon", "results": [{"input_tokens": 1}]}]}', "'soon' is not a day"),
        ('{"data": [{"start_time": 1, "results": [{"input_tokens": "many"}]}]}', "not a number"),
        ('{"data": [{"start_time": 1, "results": [{"input_tokens": 1e99}]}]}', "a bill can have"),
        ('{"data": [{"start_time": 1, "results": [{"uncached_input_tokens": 1}]}]}', "of Anthropic's"),
        ("[" * 100_000, "too deep"),
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused_in_words(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BadRequest, match=said):
        read_bill("openai", [path])


_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just({}) | st.just([])
_names = st.sampled_from(
    ["input_tokens", "output_tokens", "amount", "amount.value", "start_time", "token_type", "line_item", "model", "batch",
     "MeterName", "Cost", "Date", "Quantity", "UnitOfMeasure", "cost_type", "service_tier", "results", "quantity_unit"]
)  # fmt: skip


@given(st.lists(st.dictionaries(_names, _values, max_size=8), max_size=3), st.sampled_from(sorted(READERS)))
def test_no_file_makes_anything_but_a_refusal(tmp_path_factory: Any, results: list[Any], provider: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps({"data": [{"start_time": 1_790_812_800, "results": results}]}))
    try:
        read_bill(provider, [path])
    except BadRequest as refused:
        assert refused.message


def test_days_as_exports_write_them() -> None:
    for text in (
        "2026-10-01",
        "2026-10-01T00:00:00Z",
        "20261001",
        "10/01/2026",
        "10/01/2026 00:00:00",
        str(DAY // 10**6),
    ):
        assert day_us(text) == DAY, text
    assert datetime.fromtimestamp(DAY / 1e6, UTC).date().isoformat() == "2026-10-01"
    assert azure.read([]).empty


def test_rows_say_when_their_bucket_began(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"data": [{"starting_at": "2026-10-01T00:00:00Z", "results": [{"amount": {"value": 1.10}}]}]}')
    (row,) = rows_of(path)
    assert row["start"] == "2026-10-01T00:00:00Z" and str(row["amount.value"]) == "1.10", "decimals, never floats"
