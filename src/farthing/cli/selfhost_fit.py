"""`farthing selfhost fit`: what fits on which GPU in which format, how fast, and what a million tokens costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.common import Number, config_option, print_json, print_table
from farthing.cli.selfhost_common import gigabytes, measured_of, model_of, offers_of, seconds, settings_of, warn_of
from farthing.selfhost.formats import COMPARED, ENGINES, FORMATS
from farthing.selfhost.gpus import gpu
from farthing.selfhost.model_config import Shape
from farthing.selfhost.plan import Planned, Wish, plan
from farthing.selfhost.roofline import Load


@click.command("fit", short_help="What fits on which GPU, how fast, for how much.")
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.option("--gpu", "gpus", multiple=True, default=("H100",), show_default=True, help="A GPU; repeat.")
@click.option(
    "--format", "formats", multiple=True, help=f"A format of the weights; repeat. One of {', '.join(FORMATS)}."
)
@click.option("--gpus", "count", type=click.IntRange(0, 64), default=0, help="GPUs of a replica. 0: as few as hold it.")
@click.option("--engine", type=click.Choice(ENGINES), default="vllm", show_default=True, help="What serves it.")
@click.option("--input", "taken", type=Number(1), default=1000, show_default=True, help="Mean tokens of a prompt.")
@click.option("--output", "written", type=Number(1), default=300, show_default=True, help="Mean tokens of an answer.")
@click.option("--batch", type=Number(0), default=0, help="Calls at once. 0: as many as there is room for.")
@click.option("--context", type=Number(0), default=0, help="Tokens of the longest call that must fit.")
@click.option("--kv-bits", type=click.Choice(["8", "16"]), default="16", show_default=True, help="Of the KV cache.")
@click.option(
    "--rent", type=click.Choice(["on-demand", "spot"]), default="on-demand", show_default=True, help="Whose prices."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def fit(
    model: Path, gpus: tuple[str, ...], formats: tuple[str, ...], count: int, engine: str, taken: float, written: float,
    batch: float, context: float, kv_bits: str, rent: str, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """What MODEL, a folder with config.json (and safetensors, if they are at hand) or that file alone, needs of GPUs.

    Speed is output tokens a second and GPU at full load, with the interval that holds 80 % of published figures; your own
    measurements (`farthing selfhost measure`) narrow it. Dollars are those of a GPU that is never idle.
    """
    shape, weights = model_of(model)
    settings = settings_of(config)
    wish = Wish(Load(taken, written, batch), engine, count, int(kv_bits), weights, context)
    names = formats or tuple(dict.fromkeys((shape.stored if shape.stored in FORMATS else "bf16", *COMPARED)))
    found = plan(
        shape, [gpu(name) for name in gpus], names, wish, offers_of(settings), measured_of(config, settings), rent
    )
    if as_json:
        print_json({"model": _shape(shape), "plans": [_for_machines(each) for each in found]})
    else:
        _print(shape, found)
    warn_of([each.offer for each in found])


def _shape(shape: Shape) -> dict[str, Any]:
    return {
        "name": shape.name, "parameters": shape.parameters, "active_parameters": round(shape.active),
        "layers": shape.layers, "experts": shape.experts, "stored": shape.stored, "context": shape.context,
        "kv_elements_a_token": shape.kv_full + shape.kv_windowed, "window": shape.window,
    }  # fmt: skip


def _for_machines(each: Planned) -> dict[str, Any]:
    shown: dict[str, Any] = {"gpu": each.gpu.name, "format": each.format.name}
    if each.why_not or each.fit is None or each.estimate is None:
        return shown | {"why_not": each.why_not}
    low, expected, high = each.dollars or (None, None, None)
    return shown | {
        "gpus": each.fit.gpus, "weights_bytes": round(each.fit.weights), "room_bytes": round(each.fit.room),
        "sequences": each.fit.sequences, "sequences_gained": each.gained, "widths_not_divided": each.undivided,
        "speed": msgspec.to_builtins(each.estimate), "price": msgspec.to_builtins(each.offer),
        "dollars_a_million_output": {"low": low, "expected": expected, "high": high},
    }  # fmt: skip


def _print(shape: Shape, found: Sequence[Planned]) -> None:
    active = f", {shape.active / 1e9:,.1f} B at work on a token" if shape.is_moe else ""
    click.echo(f"{shape.name}: {shape.parameters / 1e9:,.2f} B parameters{active}, stored as {shape.stored}\n")
    table = Table(box=None, pad_edge=False)
    for title in ("GPU", "format"):
        table.add_column(title)
    for title in ("GPUs", "weights", "room", "calls at once", "beside 16 bit", "tok/s a GPU", "80 % within", "first token", "each next", "$ / 1M out"):  # fmt: skip
        table.add_column(title, justify="right")
    for each in found:
        table.add_row(*_row(each))
    print_table(table)
    for text in _notes(found):
        click.echo(text)


def _row(each: Planned) -> tuple[str, ...]:
    if each.why_not or each.fit is None or each.estimate is None:
        return each.gpu.name, each.format.name, "-", each.why_not
    speed = each.estimate
    return (
        each.gpu.name, each.format.name, f"{each.fit.gpus}", gigabytes(each.fit.weights), gigabytes(each.fit.room),
        f"{each.fit.sequences:,}", "-" if each.gained is None else f"x{each.gained:.1f}", f"{speed.tokens_s:,.0f}",
        f"{speed.low:,.0f}-{speed.high:,.0f}", seconds(speed.ttft_s), seconds(speed.tpot_s),
        "?" if each.dollars is None else f"${each.dollars[1]:,.2f}",
    )  # fmt: skip


def _notes(found: Sequence[Planned]) -> list[str]:
    notes = [f"speed: {each.estimate.method}" for each in found if each.estimate is not None]
    notes += [
        f"{each.format.name}: rows of {', '.join(map(str, each.undivided))} are no multiple of its group of {each.format.group}; quantize with a smaller one"
        for each in found
        if each.undivided
    ]
    return list(dict.fromkeys(notes))
