"""Holds an export of ours against the official focus-validator, in an environment of its own. For people and CI; it is big
(650 MB) and needs Python 3.12, so no test runs it.

    python3.12 -m venv /tmp/focus && /tmp/focus/bin/pip install 'focus-validator==2.2.1' 'pyarrow<22'
    .venv/bin/python tools/focus_check.py /tmp/focus              # a made-up month, as CSV and as Parquet
    .venv/bin/python tools/focus_check.py /tmp/focus FILE.csv     # an export that there is

It ends with 0 if no rule fails but one of InvoiceId-C-004 and -C-005: they are the two arms of an OR, and the validator prints
the one that does not hold as a failure.
"""

import argparse
import asyncio
import random
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from farthing.finops.focus.parquet import ParquetFile
from farthing.finops.focus.rows import Wanted, export
from farthing.finops.focus.table import CsvFile
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.rates import Contract
from farthing.steps.meter import total
from farthing.store import open_store
from farthing.store.corrections import Corrections, Entry
from farthing.store.rollups import DAY_US

APPLIES = (
    "ACCOUNT_NAMING_SUPPORTED", "NEGOTIATED_PRICING_SUPPORTED", "PUBLIC_PRICE_LIST_SUPPORTED", "USAGE_MEASUREMENT_SUPPORTED",
    "UNIT_PRICING_SUPPORTED", "SUB_ACCOUNT_SUPPORTED", "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED", "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED", "TAGGING_SUPPORTED",
)  # fmt: skip
KNOWN = {"InvoiceId-C-004-C", "InvoiceId-C-005-C"}
VERSION = "1.2.0.1"
MONTH_US = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()) * 1_000_000
DAYS = 31
MODELS = (
    ("openai", "gpt-4o-mini"), ("openai", "gpt-5"), ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-sonnet-4-5"), ("openai", "no-such-model"),
)  # fmt: skip
OWNERS = (("chat", "cx", "help"), ("agent", "platform", "ide"), ("report", "growth", "shop"), ("", "", ""))


def calls(count: int) -> list[Record]:
    """A month with contracts, hits of the cache, unpriced calls, savings, and a provider's own prices."""
    dice = random.Random(12)
    book = PriceBook.load(contracts=[Contract("anthropic", ("claude-*",), percent_off="12.5")])
    return [_call(f"call-{place}", dice, book) for place in range(count)]


def _call(id: str, dice: random.Random, book: PriceBook) -> Record:
    provider, model = dice.choice(MODELS)
    feature, team, project = dice.choice(OWNERS)
    at_us = MONTH_US + dice.randrange(DAYS * DAY_US)
    usage = Usage(
        uncached_in=dice.randrange(5_000), cache_read=dice.choice([0, 3_001]), w5m=dice.choice([0, 903]),
        out=dice.randrange(900), requests=dice.choice([{}, {"web_search": 2}]),
    )  # fmt: skip
    priced = book.price(provider, model, usage, at_us=at_us)
    attempt = Attempt(
        no=1, provider=provider, model=model, started_us=at_us, usage=usage, cost_state=priced.state, cost=priced.nano,
        list_cost=priced.list_nano, lines=priced.lines, price_version=priced.version,
    )  # fmt: skip
    if priced.state == "computed" and dice.random() < 0.1:
        attempt.cost_state, attempt.cost = "reported", priced.nano + 1_234
    hit = dice.random() < 0.1
    record = Record(
        id=id, started_us=at_us, wire="openai.chat", provider="" if hit else provider, model=model, feature=feature, team=team,
        project=project, attempts=[] if hit else [attempt], cache="exact" if hit else "",
    )  # fmt: skip
    if hit:
        record.savings = [Saving("semantic cache", priced.nano, 0)]
    elif dice.random() < 0.3:
        record.savings = [Saving("model selection", attempt.cost * 3, attempt.cost)]
    total(record)
    return record


async def made_up(folder: Path) -> list[Path]:
    """The month as both kinds of files."""
    store = await open_store(f"sqlite:///{folder}/farthing.db")
    await store.write(calls(3_000))
    entries = [Entry(MONTH_US, -1_234_567, "openai", "gpt-5"), Entry(MONTH_US + DAY_US, 20_000_000, "anthropic")]
    await Corrections(store).post(entries, who="check", reason="bill of October")
    wanted = Wanted(MONTH_US, MONTH_US + DAYS * DAY_US)
    table = ParquetFile(folder / "month.parquet", wanted.columns)
    with (folder / "month.csv").open("w", encoding="utf-8", newline="") as text:
        lines = CsvFile(text, wanted.columns)
        for file in (lines, table):
            await store.do(lambda connection, file=file: export(connection, wanted, file.write))  # type: ignore[misc]
            file.close()
    await store.close()
    return [folder / "month.csv", folder / "month.parquet"]


def failures(environment: Path, file: Path, applies: tuple[str, ...]) -> tuple[str, set[str]]:
    """The validator's sum, and the rules that failed. It finds its own data only from the folder that it lies in."""
    (home,) = environment.glob("lib/python3*/site-packages")
    command = [
        str(environment / "bin" / "focus-validator"), "--data-file", str(file.resolve()), "--validate-version", VERSION,
        "--block-download", *(("--applicability-criteria", ",".join(applies)) if applies else ()),
    ]  # fmt: skip
    said = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^Total: .*$", said, re.MULTILINE)
    if found is None:
        raise SystemExit(f"the validator said something else than usual:\n{said[-2000:]}")
    return found[0], set(re.findall(r"^\S+ ([\w-]+): FAIL", said, re.MULTILINE))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", type=Path, help="the virtual environment that has the validator")
    parser.add_argument("files", type=Path, nargs="*", help="exports; default: a made-up month")
    asked = parser.parse_args()
    accepted = True
    with tempfile.TemporaryDirectory() as folder:
        for file in asked.files or asyncio.run(made_up(Path(folder))):
            for applies in ((), APPLIES):
                sums, failed = failures(asked.environment.resolve(), file, applies)
                beyond = failed - KNOWN
                accepted = accepted and not beyond and not failed >= KNOWN
                rules = "all rules that apply here" if applies else "rules for everybody"
                sys.stdout.write(f"{file.name}, {rules}: {sums}; failed: {', '.join(sorted(failed)) or 'none'}\n")
    return 0 if accepted else 1


if __name__ == "__main__":
    sys.exit(main())
