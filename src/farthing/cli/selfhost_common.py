"""What the commands about own models have in common: models, GPUs, prices and measurements as options and settings."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click

from farthing.cli.common import load_settings
from farthing.selfhost import gpu_prices, points, tensors
from farthing.selfhost.gpu_prices import Offer
from farthing.selfhost.model_config import Shape, read
from farthing.selfhost.points import Measured
from farthing.settings import SelfhostSettings


def settings_of(config: Path | None) -> SelfhostSettings:
    return load_settings(config, only={"selfhost"}).selfhost


def measurements_file(config: Path | None, settings: SelfhostSettings) -> Path:
    """Beside the settings file, unless it is absolute."""
    return (config.parent if config is not None else Path()) / settings.measurements


def reports_folder(config: Path | None) -> Path:
    """Beside the settings file, unless it is absolute."""
    return (config.parent if config is not None else Path()) / settings_of(config).reports


def offers_of(settings: SelfhostSettings) -> list[Offer]:
    """The user's prices before ours: of two for one GPU the newer one holds."""
    return gpu_prices.known(settings.gpu_prices)


def measured_of(config: Path | None, settings: SelfhostSettings) -> list[Measured]:
    return points.read(measurements_file(config, settings))


def model_of(where: Path) -> tuple[Shape, float]:
    """A model's shape, and the bytes of its weights where files say them (else 0)."""
    shape = read(where)
    return shape, float(tensors.stored_bytes(where)) if where.is_dir() else 0.0


def today() -> date:
    return datetime.now(UTC).date()


def warn_of(offers: Sequence[Offer | None]) -> None:
    """Say on the error output which prices are old, each once."""
    said = {each.warning(today()) for each in offers if each is not None} - {""}
    if len(said) > 1:
        oldest = min((each for each in offers if each is not None), key=lambda each: each.as_of)
        said = {
            f"{len(said)} GPU prices are over {gpu_prices.OLD_DAYS} days old, the oldest of {oldest.as_of} ({oldest.source})"
        }
    for text in said:
        click.echo(f"Warning: {text}; `farthing selfhost prices import` reads newer ones.", err=True)


def gigabytes(value: float) -> str:
    return f"{value / 1e9:,.1f} GB"


def seconds(value: float) -> str:
    return f"{value:,.2f} s" if value >= 1 else f"{value * 1000:,.0f} ms"
