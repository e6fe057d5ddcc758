"""Measurements of own servers, kept in a file: what was served on what, and how fast it was. `fit` and `tco` calibrate by them."""

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.calibrate import Point
from farthing.selfhost.roofline import Load


class Measured(msgspec.Struct, frozen=True):
    """One level of one load test."""

    model: str
    gpu: str
    gpus: int
    """Of the replica."""
    format: str
    engine: str
    on: date
    input_tokens: float
    output_tokens: float
    callers: int
    tokens_s: float
    """Of the whole replica."""
    ttft_p50: float
    ttft_p99: float
    tpot_p50: float
    tpot_p99: float


def read(file: Path) -> list[Measured]:
    """All measurements; none where there is no file yet. Raises BadRequest."""
    if not file.is_file():
        return []
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[Measured])
    except (OSError, msgspec.MsgspecError) as error:
        raise BadRequest(f"{file.name} holds no measurements: {error}") from None


def add(file: Path, found: Sequence[Measured]) -> None:
    """Keep these beside what is there. Raises BadRequest for a file that holds something else."""
    every = [*read(file), *found]
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(every), indent=1) + b"\n")
        fresh.replace(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BadRequest(f"{file} cannot be written: {error.strerror}") from None


def check(file: Path) -> None:
    """Raises BadRequest if measurements can be added to no such file."""
    read(file)
    if not os.access(file.parent, os.W_OK):
        raise BadRequest(f"{file} cannot be written: {file.parent} is no folder of yours")


def of_serving(
    found: Sequence[Measured], gpu: str, gpus: int, format_: str, engine: str, model: str = ""
) -> list[Point]:
    """Those of one kind of replica, as what calibrates. `model` empty: whichever it was."""
    return [
        Point(Load(each.input_tokens, each.output_tokens, each.callers), each.tokens_s)
        for each in found
        if (each.gpu, each.gpus, each.format, each.engine) == (gpu, gpus, format_, engine)
        and model in ("", each.model)
        and each.tokens_s > 0
    ]  # fmt: skip
