"""The form of the comparison: its fields in the address, read strictly. Sliders whose least value stands for "by itself"
say so. Knows nothing of costs."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from farthing.dashboard.own import models
from farthing.model.errors import BadRequest
from farthing.selfhost import gpus
from farthing.selfhost.formats import FORMATS, why_not

PREFIX = "of_"
"""Of the fields' names in the address, where names such as `feature` are filters already."""
LONGEST = 1_024
LABELS = {
    "feature": "Calls of", "api": "Model of the API", "own": "Own model", "gpu": "GPU", "format": "Format", "gpus": "GPUs of a replica",
    "hour": "A GPU hour", "engineers": "Engineers", "growth": "Times today's calls", "tokens_s": "Tokens a second of a replica",
}  # fmt: skip
DEFAULTS = {"own": models.DEFAULT, "gpu": "H100", "gpus": "0", "hour": "0", "engineers": "1", "growth": "1"}
ENGINE = "vllm"
AUTO = ("fp8", "w8a8", "bf16")
"""Formats in the order in which one is taken where none was chosen."""
MOST_GPUS, MOST_HOUR, MOST_ENGINEERS, MOST_GROWTH = 16, 15.0, 5.0, 100.0
"""What sliders reach; more may stand in the address."""


class Asked(NamedTuple):
    """What was asked for. 0 and empty: by itself."""

    feature: str
    api: str
    own: str
    gpu: str
    format: str
    gpus: int
    hour: float
    engineers: float
    growth: float
    tokens_s: float


def typed_of(query: Mapping[str, str]) -> dict[str, str]:
    """What stands in the fields."""
    return {name: query.get(PREFIX + name, "").strip()[:LONGEST] or DEFAULTS.get(name, "") for name in LABELS}


def asked_of(typed: Mapping[str, str]) -> Asked:
    """Raises BadRequest that names the field."""
    kind = gpus.find(typed["gpu"])
    if kind is None:
        raise _wrong("gpu", "is not known")
    if typed["own"] not in models.CONFIGS:
        raise _wrong("own", "is not among those offered; `farthing tco --own FOLDER` takes any")
    if typed["format"] and typed["format"] not in FORMATS:
        raise _wrong("format", "is not known")
    return Asked(
        typed["feature"], typed["api"], typed["own"], kind.name, typed["format"] or format_for(kind),
        int(_number(typed, "gpus", 0, 64)), _number(typed, "hour", 0, 1_000), _number(typed, "engineers", 0, 100),
        _number(typed, "growth", 0.01, 1e6), _number(typed, "tokens_s", 0, 1e7) if typed["tokens_s"] else 0.0,
    )  # fmt: skip


def format_for(gpu: gpus.Gpu) -> str:
    return next((name for name in AUTO if not why_not(FORMATS[name], gpu, ENGINE)), AUTO[-1])


def _number(typed: Mapping[str, str], name: str, least: float, most: float) -> float:
    try:
        value = float(typed[name].replace(",", ""))
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise _wrong(name, f"is a number from {least:g} to {most:,.0f}")
    return value


def _wrong(name: str, why: str) -> BadRequest:
    return BadRequest(f"{LABELS[name]} {why}.", param=name)


class Slider(NamedTuple):
    """One `<input type=range>`; `said` is its value in words."""

    name: str
    label: str
    least: str
    most: str
    step: str
    value: str
    said: str


def sliders(typed: Mapping[str, str], table_price: float | None) -> list[Slider]:
    """`table_price`: dollars of the chosen GPU's hour as the price table has it."""
    listed = f"${table_price:,.2f}, by the table" if table_price else "not in the table"
    return [
        _slider(typed, "growth", 1, MOST_GROWTH, "1", lambda value: f"{value:,.4g}"),
        _slider(typed, "hour", 0, MOST_HOUR, "0.05", lambda value: f"${value:,.2f}" if value else listed),
        _slider(typed, "gpus", 0, MOST_GPUS, "1", lambda value: f"{value:.0f}" if value else "as few as hold it"),
        _slider(typed, "engineers", 0, MOST_ENGINEERS, "0.25", lambda value: f"{value:g}"),
    ]


def _slider(
    typed: Mapping[str, str], name: str, least: float, most: float, step: str, said: Callable[[float], str]
) -> Slider:  # fmt: skip
    """Where the address goes beyond, so does the slider: sending the form again must not change what was asked."""
    try:
        value = float(typed[name].replace(",", ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        value = float(DEFAULTS[name])
    step = step if math.isclose(value / float(step), round(value / float(step)), abs_tol=1e-9) else "any"
    return Slider(name, LABELS[name], f"{min(least, value):g}", f"{max(most, value):.15g}", step, f"{value:.15g}", said(value))  # fmt: skip
