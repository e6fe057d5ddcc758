"""`farthing selfhost measure`: a load test of a server, with what a million tokens costs there; kept for plans."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from farthing.cli.common import Number, config_option, print_json, print_table
from farthing.cli.selfhost_common import measurements_file, seconds, settings_of, today
from farthing.model.errors import FarthingError
from farthing.selfhost import gpus, points
from farthing.selfhost.asking import PATIENCE_S, Target, check
from farthing.selfhost.formats import ENGINES, FORMATS
from farthing.selfhost.measure import MOST_FAILED, Level, Plan, calls_of
from farthing.selfhost.measure import measure as run
from farthing.selfhost.points import Measured
from farthing.upstream.http1 import Http1Client


def _levels(ctx: click.Context, param: click.Parameter, given: str) -> tuple[int, ...]:
    try:
        found = tuple(sorted({int(each) for each in given.split(",")}))
    except ValueError:
        found = ()
    if not found or found[0] < 1 or found[-1] > 4096:
        raise click.BadParameter("write callers at once with commas between: 1,8,64", ctx, param)
    return found


@click.command("measure", short_help="Load test a server; plans are calibrated by it.")
@click.argument("url")
@click.option("--model", required=True, help="What the server calls the model.")
@click.option("--key", default="", metavar="env:NAME", help="The API key, if it wants one: the variable that holds it.")
@click.option("--input", "taken", type=click.IntRange(8, 1_000_000), default=512, show_default=True, help="Tokens of a prompt.")  # fmt: skip
@click.option("--output", "written", type=click.IntRange(2, 100_000), default=128, show_default=True, help="Most tokens of an answer.")  # fmt: skip
@click.option("--callers", callback=_levels, default="1,4,16,64", show_default=True, help="Calls at once, one level after the other.")  # fmt: skip
@click.option("--ignore-eos", is_flag=True, help="Ask for answers of full length (vLLM, SGLang).")
@click.option("--gpu", "gpu_name", default="", help="The GPU it runs on: the measurement is then kept for plans.")
@click.option("--gpus", "count", type=click.IntRange(1, 64), default=1, show_default=True, help="GPUs of the replica.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="bf16", show_default=True, help="Of its weights.")  # fmt: skip
@click.option("--engine", type=click.Choice(ENGINES), default="vllm", show_default=True, help="What serves it.")
@click.option("--gpu-hour", type=Number(0), default=None, help="Dollars of a GPU hour, for the cost of a million tokens.")  # fmt: skip
@click.option("--patience", type=click.IntRange(1, 86_400), default=int(PATIENCE_S), show_default=True, help="Seconds after which a call has failed.")  # fmt: skip
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def measure(
    url: str, model: str, key: str, taken: int, written: int, callers: tuple[int, ...], ignore_eos: bool, gpu_name: str,
    count: int, format_: str, engine: str, gpu_hour: float | None, patience: int, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Load test the OpenAI-compatible server at URL (with the version: http://127.0.0.1:8000/v1).

    Each level makes three calls a caller, with prompts that no cache knows. The speed is of the time in which all callers
    were busy. With --gpu two or more levels, best of different lengths, calibrate `farthing selfhost fit` and `farthing tco`.

    Calls that fail are counted and are in no figure. What is measured is shown and kept, however the rest ends; levels of which
    a tenth of the calls failed are not kept.
    """
    check(url)
    gpu = gpus.gpu(gpu_name) if gpu_name else None
    file = measurements_file(config, settings_of(config)) if gpu is not None else None
    if file is not None:
        points.check(file)  # before minutes of work are lost to it
    target = Target(url, model, _key(key), {"ignore_eos": True} if ignore_eos else {}, patience)
    levels: list[Level] = []
    trouble: BaseException | None = None
    try:
        asyncio.run(_measured(target, Plan(taken, written, callers), levels.append))
    except (FarthingError, KeyboardInterrupt) as error:
        trouble = error
    if as_json and (levels or trouble is None):
        print_json({"model": model, "levels": [_for_machines(each, count, gpu_hour) for each in levels]})
    elif levels:
        _print(levels, count, gpu_hour)
    holding = [each for each in levels if each.holds]
    for each in levels:
        if not each.holds:
            click.echo(
                f"{each.callers} at once: over {MOST_FAILED:.0%} of the calls failed, so it is not kept: {each.trouble}",
                err=True,
            )
    if gpu is not None and file is not None and holding:
        points.add(file, [_kept(each, model, gpu.name, count, format_, engine) for each in holding])
        click.echo(f"Kept in {file}: plans for {count} {gpu.name} with {format_} on {engine} go by it.", err=True)
    if trouble is not None:
        raise _ended(url, trouble, len(levels), callers)


class _Stopped(click.ClickException):
    exit_code = 130


def _ended(url: str, trouble: BaseException, done: int, callers: tuple[int, ...]) -> click.ClickException:
    """How far it came, and how to go on."""
    why = trouble.message if isinstance(trouble, FarthingError) else "stopped"
    left = ",".join(map(str, callers[done:]))
    more = f" {done} of {len(callers)} levels are measured; the rest: --callers {left}" if done else ""
    kind = _Stopped if isinstance(trouble, KeyboardInterrupt) else click.ClickException
    return kind(f"{url}: {why}{'.' if more and not why.endswith('.') else ''}{more}")


def _key(given: str) -> str:
    if not given:
        return ""
    kind, _, name = given.partition(":")
    if kind != "env" or not os.environ.get(name):
        raise click.UsageError("--key is env:NAME, a variable that is set: a key on the command line is seen by others")
    value = os.environ[name].strip()
    if not value.isprintable() or not value.isascii():
        raise click.UsageError(
            f"what {name} holds is no key: there is a line break or a letter in it that no header takes"
        )
    return value


async def _measured(target: Target, plan: Plan, found: Callable[[Level], None]) -> None:
    """Each level is `found` as soon as it is there."""
    client = Http1Client()
    with _progress() as bar:
        tasks = {each: bar.add_task(f"{each} at once", total=calls_of(each)) for each in plan.levels}
        try:
            async for level in run(
                client, target, plan, lambda callers, done: bar.update(tasks[callers], completed=done)
            ):
                found(level)
        finally:
            await client.close()


def _progress() -> Progress:
    """On the error output, so that the result can be piped."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip


def _dollars(level: Level, count: int, gpu_hour: float | None) -> float | None:
    """A million output tokens, prompts included, while the server is as busy as it was here."""
    return None if gpu_hour is None or not level.tokens_s else gpu_hour * count / (level.tokens_s * 3600) * 1e6


def _for_machines(level: Level, count: int, gpu_hour: float | None) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(level)
    return shown | {"dollars_a_million_output": _dollars(level, count, gpu_hour)}


def _print(levels: Sequence[Level], count: int, gpu_hour: float | None) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("at once", "tok/s", "in", "out", "first token", "p99", "each next", "p99", "failed", "$ / 1M out"):
        table.add_column(title, justify="right")
    for each in levels:
        dollars = _dollars(each, count, gpu_hour)
        table.add_row(
            f"{each.callers:,}", f"{each.tokens_s:,.0f}", f"{each.input_tokens:,.0f}", f"{each.output_tokens:,.0f}",
            *(seconds(value) for value in (*each.ttft, *each.tpot)), f"{each.failures} of {each.calls}",
            "?" if dollars is None else f"${dollars:,.2f}",
        )  # fmt: skip
    print_table(table)
    if gpu_hour is None:
        click.echo("Say --gpu-hour to see what a million tokens costs.")


def _kept(level: Level, model: str, gpu: str, count: int, format_: str, engine: str) -> Measured:
    return Measured(
        model, gpu, count, format_, engine, today(), level.input_tokens, level.output_tokens, level.callers, level.tokens_s,
        *level.ttft, *level.tpot,
    )  # fmt: skip
