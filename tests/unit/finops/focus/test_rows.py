"""The FOCUS export: every rule that the format states about columns, values and nulls, and the ledger to the last digit."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.focus.columns import columns_of
from farthing.finops.focus.rows import Row, Wanted, export, shown
from farthing.finops.focus.table import CsvFile
from farthing.finops.focus.units import METERS
from farthing.finops.lines_csv import read
from farthing.model.record import Attempt, PricedLine, Record, Saving
from farthing.model.usage import Usage
from farthing.prices.card import REQUEST_UNITS, TOKEN_UNITS
from farthing.store import Store
from farthing.store.corrections import Corrections, Entry
from farthing.store.rollups import DAY_US
from laws import examples
from unit.finops.priced import START_US, some_calls

SEPTEMBER, OCTOBER = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
WANTED = Wanted(START_US - 14 * DAY_US, START_US + 16 * DAY_US)
"""September 2026."""

MANDATORY = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodStart", "ChargePeriodEnd", "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
    "ServiceCategory", "ServiceName",
)  # fmt: skip
NEVER_NULL = set(MANDATORY) - {"ChargeClass", "PricingQuantity", "PricingUnit"}
COSTS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
PRICED_ROW = (
    "ListUnitPrice",
    "ContractedUnitPrice",
    "PricingQuantity",
    "SkuId",
    "SkuPriceId",
    "PricingCategory",
    "ConsumedQuantity",
)
law = examples(20)


async def rows_of(store: Store, wanted: Wanted = WANTED) -> list[dict[str, object]]:
    found: list[Row] = []
    count = await store.do(lambda connection: export(connection, wanted, found.extend))
    assert count == len(found)
    return [dict(zip([column.name for column in wanted.columns], row, strict=True)) for row in found]


def hold_to_rules(row: dict[str, object]) -> None:
    """The rules of FOCUS 1.2 that a single row can break."""
    assert all(row[name] is not None for name in NEVER_NULL), row
    assert row["ChargeCategory"] in ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
    assert row["ChargeClass"] in (None, "Correction")
    assert row["ChargeFrequency"] in ("One-Time", "Recurring", "Usage-Based")
    assert row["PricingCategory"] in (None, "Standard", "Dynamic", "Committed", "Other")
    assert row["BillingCurrency"] == row["PricingCurrency"] == "USD"
    assert (row["ServiceCategory"], row["ServiceSubcategory"]) == ("AI and Machine Learning", "Generative AI")
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (SEPTEMBER, OCTOBER)
    assert (row["ChargePeriodEnd"] - row["ChargePeriodStart"]).total_seconds() == 86_400  # type: ignore[operator]
    assert SEPTEMBER <= row["ChargePeriodStart"] < OCTOBER  # type: ignore[operator]
    usage = row["ChargeCategory"] == "Usage" and row["ChargeClass"] is None
    for name in PRICED_ROW:
        assert not usage or row[name] is not None, name
    if row["ChargeCategory"] != "Usage":
        assert row["ConsumedQuantity"] is None
    for quantity, unit in (("ConsumedQuantity", "ConsumedUnit"), ("PricingQuantity", "PricingUnit")):
        assert (row[quantity] is None) == (row[unit] is None)
    for of, name in (("SkuId", "SkuMeter"), ("SkuPriceId", "SkuPriceDetails"), ("SubAccountId", "SubAccountType")):
        assert (row[of] is None) == (row[name] is None), name
    for price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
        if row[price] is not None:
            assert row[price] >= 0  # type: ignore[operator]
            assert row[price] * row["PricingQuantity"] == row[cost]  # type: ignore[operator]
    if row["ListUnitPrice"] is None:
        assert row["ListCost"] == row["BilledCost"]
    for name in ("Tags", "SkuPriceDetails"):
        if row[name] is not None:
            said = json.loads(str(row[name]))
            assert all(isinstance(value, str) for value in said.values())
            assert name == "Tags" or all(key.startswith("x_") for key in said)


@law
@given(records=some_calls(), amounts=st.lists(st.integers(-(10**10), 10**10), max_size=2))
async def test_any_ledger_is_told_to_the_last_digit(store: Store, records: list[Record], amounts: list[int]) -> None:
    await store.do(_empty)
    await store.write(records)
    posted = [Entry(START_US + DAY_US * place, amount, "openai") for place, amount in enumerate(amounts)]
    if posted:
        await Corrections(store).post(posted, who="ana", reason="the bill")
    rows = await rows_of(store)
    for row in rows:
        hold_to_rules(row)
    told = [row for row in rows if row["ChargeClass"] is None]
    nano = Decimal(10**9)
    assert sum(row["BilledCost"] for row in told) * nano == sum(each.cost for each in records)  # type: ignore[misc]
    at_list = sum(
        (each.list_cost or each.cost)
        for record in records
        for each in record.attempts
        if each.cost_state not in ("unpriced", "unknown")
    )
    assert sum(row["x_ListCost"] for row in told) * nano == at_list  # type: ignore[misc]
    assert sum(row["BilledCost"] for row in rows if row["ChargeClass"]) * nano == sum(amounts)  # type: ignore[misc]
    counted = [row for row in rows if row["x_Calls"] is not None]
    assert sum(row["x_Calls"] for row in counted) == len(records)  # type: ignore[misc]
    assert sum(row["x_BaselineCost"] for row in counted) * nano == sum(each.baseline for each in records)  # type: ignore[misc]
    assert sum(row["x_SavedCost"] for row in counted) * nano == sum(  # type: ignore[misc]
        each.baseline - each.cost for each in records
    )
    used = sum(
        each.usage.total_in + each.usage.total_out
        for record in records
        for each in record.attempts
        if each.usage is not None and each.cost_state not in ("unpriced", "unknown")
    )
    tokens = [row for row in told if row["ConsumedUnit"] == "Tokens"]
    assert sum(row["ConsumedQuantity"] for row in tokens) == used  # type: ignore[misc]


def _empty(connection: object) -> None:
    for table in ("calls", "attempts", "savings", "rollups", "histograms", "lever_sums", "hold_outs", "waste", "billed_units",
                  "billed_calls", "corrections"):  # fmt: skip
        connection.execute(f"DELETE FROM {table}")  # type: ignore[attr-defined]


def a_call(*lines: PricedLine, cost: int, list_cost: int = 0, **more: object) -> Record:
    attempt = Attempt(
        no=1, provider="claude-eu", model="claude-sonnet-4-5", cost_state="computed", cost=cost, lines=list(lines),
        list_cost=list_cost or cost, tier="standard",
    )  # fmt: skip
    record = Record(
        id="one", started_us=START_US, wire="anthropic.messages", provider="claude-eu", model="claude-sonnet-4-5",
        team="cx", project="help", feature="chat", cost_state="computed", cost=cost, baseline=cost, attempts=[attempt],
    )  # fmt: skip
    for name, value in more.items():
        setattr(record, name, value)
    return record


async def test_a_row_says_what_the_format_has_columns_for(store: Store) -> None:
    await store.write(
        [a_call(PricedLine("uncached_in", 500_000, 2_700_000, 3_000_000), cost=1_350_000_000, list_cost=1_500_000_000)]
    )
    wanted = Wanted(
        WANTED.since_us, WANTED.until_us, hosts={"claude-eu": "anthropic"}, accounts={"claude-eu": "org-7"}
    )  # fmt: skip
    row, calls = await rows_of(store, wanted)
    expected = {
        "ServiceName": "Claude API", "ProviderName": "Anthropic", "PublisherName": "Anthropic",
        "InvoiceIssuerName": "Anthropic", "BillingAccountId": "org-7", "BillingAccountName": "claude-eu",
        "ChargeCategory": "Usage", "SkuMeter": "Input Tokens", "ConsumedQuantity": Decimal(500_000),
        "ConsumedUnit": "Tokens", "PricingQuantity": Decimal("0.5"), "PricingUnit": "1000000 Tokens",
        "ListUnitPrice": Decimal(3), "ContractedUnitPrice": Decimal("2.7"), "ListCost": Decimal("1.5"),
        "ContractedCost": Decimal("1.35"), "EffectiveCost": Decimal("1.35"), "BilledCost": Decimal("1.35"),
        "SkuId": "claude-sonnet-4-5-input-tokens", "SkuPriceId": "claude-sonnet-4-5-input-tokens-standard-3",
        "SubAccountId": "help", "SubAccountType": "Project", "ResourceId": "chat", "ResourceType": "Feature",
        "Tags": '{"feature": "chat", "project": "help", "team": "cx"}', "ChargePeriodStart": datetime(2026, 9, 15, tzinfo=UTC),
        "SkuPriceDetails": '{"x_Modality": "Text", "x_ModelId": "claude-sonnet-4-5", "x_TokenType": "Input"}',
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert (calls["x_Calls"], calls["BilledCost"], calls["SkuMeter"]) == (1, 0, "Calls")


async def test_savings_hits_and_unknown_costs_have_columns_of_ours(store: Store) -> None:
    hit = a_call(
        cost=0, attempts=[], cache="exact", baseline=50, savings=[Saving("semantic cache", 50, 0)], provider=""
    )
    hit.id = "hit"
    unknown = a_call(cost=0, cost_state="unpriced", feature="new")
    unknown.id = "unknown"
    unknown.attempts[0].cost_state = "unpriced"
    unknown.attempts[0].usage = Usage(out=7)
    routed = a_call(cost=0, baseline=30, savings=[Saving("model selection", 30, 0)], feature="routed")
    await store.write([hit, unknown, routed])
    rows = await rows_of(store)
    for row in rows:
        hold_to_rules(row)
    (saved,) = [row for row in rows if row["x_CacheHits"]]
    assert (saved["x_SavedCost"], saved["ProviderName"]) == (Decimal("5E-8"), "Farthing")
    (unpriced,) = [row for row in rows if row["x_UnpricedQuantity"]]
    assert (unpriced["x_UnpricedQuantity"], unpriced["BilledCost"], unpriced["ListUnitPrice"]) == (7, 0, None)
    assert [row["ResourceId"] for row in rows if row["x_CallsWithoutCost"]] == ["new"]
    assert [row["x_RouteSavedCost"] for row in rows if row["ResourceId"] == "routed"] == [Decimal("3E-8")]


async def test_corrections_of_a_tenant_are_rows_of_its_month(store: Store) -> None:
    entries = [Entry(START_US, -5_000, "openai", "gpt-5", "acme"), Entry(START_US + 30 * DAY_US, 1, tenant="acme")]
    await Corrections(store).post(entries, who="ana", reason="bill of September")
    (row,) = await rows_of(store, Wanted(WANTED.since_us, WANTED.until_us, "acme"))
    hold_to_rules(row)
    assert (row["ChargeClass"], row["BilledCost"], row["x_ModelId"]) == ("Correction", Decimal("-0.000005"), "gpt-5")
    assert row["ChargeDescription"] == "Correction 1: bill of September"
    assert await rows_of(store, Wanted(WANTED.since_us, WANTED.until_us, "other")) == []


async def test_kinds_of_tokens_can_be_told_in_the_drafts_other_way(store: Store) -> None:
    await store.write([a_call(PricedLine("w1h", 10, 6_000), PricedLine("out", 1, 15_000), cost=75)])
    wanted = Wanted(WANTED.since_us, WANTED.until_us, kinds="direction")
    details = [json.loads(str(row["SkuPriceDetails"])) for row in await rows_of(store, wanted)]
    assert {"x_TokenDirection": "Input", "x_TokenCacheAction": "Write", "x_CacheLifetime": "1h"}.items() <= details[
        1
    ].items()
    assert {"x_TokenDirection": "Output", "x_TokenCacheAction": "None"}.items() <= details[0].items()


async def test_1_3_has_the_new_names_beside_the_old(store: Store) -> None:
    await store.write([a_call(PricedLine("out", 1, 15_000), cost=15)])
    row, _ = await rows_of(store, Wanted(WANTED.since_us, WANTED.until_us, version="1.3"))
    assert (row["ServiceProviderName"], row["HostProviderName"], row["ProviderName"]) == ("claude-eu",) * 3


def test_all_mandatory_columns_are_there_and_ours_are_marked() -> None:
    for version in ("1.2", "1.3"):
        columns = columns_of(version)  # type: ignore[arg-type]
        names = [column.name for column in columns]
        assert len(set(names)) == len(names)
        assert {column.name for column in columns if column.mandatory} == set(MANDATORY)
    assert set(METERS) == {*TOKEN_UNITS, *REQUEST_UNITS}
    assert all(str(meter.scale).strip("0") == "1" for meter in METERS.values())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.0007875"), "0.0007875"), (Decimal(0), "0.0"), (Decimal("1E+3"), "1000.0"), (Decimal("-3E-12"), "-0.000000000003"),
        (None, ""), ("word", "word"), (datetime(2026, 9, 1, tzinfo=UTC), "2026-09-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_values_are_written_with_all_their_digits(value: object, text: str) -> None:
    assert shown(value) == text  # type: ignore[arg-type]


async def test_a_spreadsheet_runs_no_name_and_our_own_reader_takes_the_calls_for_inference(store: Store) -> None:
    await store.write([a_call(PricedLine("out", 1, 15_000), cost=15, feature='=HYPERLINK("x")')])
    file = io.StringIO()
    table = CsvFile(file, WANTED.columns)
    await store.do(lambda connection: export(connection, WANTED, table.write))
    file.seek(0)
    rows: Sequence[dict[str, str]] = list(csv.DictReader(file))
    assert {row["ResourceName"] for row in rows} == {'\'=HYPERLINK("x")'}
    file.seek(0)
    (line,) = {line.project: line for line in read(file, "oct.csv", with_inference=True) if line.cost}.values()
    assert (line.kind, line.cost, line.project) == ("inference", 15, "help")
