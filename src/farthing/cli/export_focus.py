"""`farthing export focus`: the ledger in the format of the FinOps Foundation."""

import sys
from collections.abc import Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from farthing.cli.common import load_without_keys, pairs_option, with_store
from farthing.cli.export_files import export_options, span, tell, whole_file
from farthing.finops.focus.columns import Version
from farthing.finops.focus.rows import Wanted, export
from farthing.finops.focus.table import CsvFile
from farthing.finops.focus.units import Kinds
from farthing.settings import Settings
from farthing.store import Store


@click.command("focus")
@export_options
@click.option(
    "--format", "shape", type=click.Choice(["csv", "parquet"]), help="Default: what the file's name says, else csv."
)
@click.option(
    "--focus", "version", type=click.Choice(["1.2", "1.3"]), default="1.2", show_default=True, help="Version of FOCUS."
)
@click.option(
    "--token-kinds", "kinds", type=click.Choice(["type", "direction"]), default="type", show_default=True,
    help="How SkuPriceDetails names kinds of tokens: x_TokenType, or x_TokenDirection and x_TokenCacheAction.",
)  # fmt: skip
@pairs_option(
    "--account", help="A provider's NAME in the settings, and the id of the account that its bills name; repeat."
)
def focus(
    config: Path | None, since: int | None, until: int | None, month: int | None, out: Path | None, tenant: str,
    shape: str | None, version: Version, kinds: Kinds, account: Mapping[str, str],
) -> None:  # fmt: skip
    """A FOCUS cost and usage data set. Default: this month, as CSV, to standard output.

    One row for each day (UTC), model, class of units, price, team, project and feature. Amounts are exact decimals.
    Parquet needs pip install 'farthing[parquet]'.
    """
    settings = load_without_keys(config, only={"store", "providers"})
    first, end = span(since, until, month)
    shape = shape or ("parquet" if out is not None and out.suffix == ".parquet" else "csv")
    wanted = Wanted(
        first, end, tenant, version, kinds, {name: each.kind or name for name, each in settings.providers.items()},
        dict(account),
    )  # fmt: skip
    if out is None:
        if shape == "parquet":
            raise click.UsageError("Parquet goes into a file: say --out FILE.parquet.")
        _write(settings, wanted, CsvFile(sys.stdout, wanted.columns))
        return
    with whole_file(out) as path:
        if shape == "parquet":
            count = _write(settings, wanted, _parquet(path, wanted))
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                count = _write(settings, wanted, CsvFile(file, wanted.columns))
    tell(f"{count:,} rows in {out}")


def _write(settings: Settings, wanted: Wanted, file: Any) -> int:
    async def work(store: Store) -> int:
        return await store.do(lambda connection: export(connection, wanted, file.write))

    with closing(file):
        return with_store(settings, work)


def _parquet(path: Path, wanted: Wanted) -> Any:
    """The library is big, and few need it."""
    try:
        module: Any = import_module("farthing.finops.focus.parquet")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("farthing"):
            raise
        raise click.ClickException(f"Parquet needs the package {error.name}: pip install 'farthing[parquet]'") from None
    return module.ParquetFile(path, wanted.columns)
