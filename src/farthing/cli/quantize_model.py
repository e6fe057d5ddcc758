"""`farthing quantize FOLDER`: plan, quantize, measure before and after, and the gate."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from farthing.cli import toml_text
from farthing.cli.common import print_json, print_table, printable
from farthing.selfhost.gpus import gpu as gpu_named
from farthing.selfhost.quantize.answers import cases_of
from farthing.selfhost.quantize.backends import BACKENDS, environments, probe
from farthing.selfhost.quantize.card import VERDICTS, card, loss_words
from farthing.selfhost.quantize.choosing import Wanted
from farthing.selfhost.quantize.planning import Plan, model_of, plan
from farthing.selfhost.quantize.report import Report, Tried, saved
from farthing.selfhost.quantize.running import Asked
from farthing.selfhost.quantize.running import run as run_stages
from farthing.selfhost.quantize.schemes import CPU, SCHEMES
from farthing.selfhost.quantize.serving import Served, command, deployment, provider
from farthing.selfhost.quantize.texts import text_of

PROVIDER = "own"


class Percent(click.ParamType[float]):
    """`3%` or `3`, given to the library as 0.03."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            found = float(str(value).strip().removesuffix("%"))
        except ValueError:
            found = -1.0
        if not 0 <= found <= 100:
            self.fail(f"{value!r} is no share; write 3%", param, ctx)
        return found / 100


@click.command("model", short_help="Plan, quantize, measure before and after.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--bits",
    type=click.Choice(["4", "8", "auto"]),
    default="auto",
    show_default=True,
    help="auto: as few as lose little enough.",
)
@click.option("--gpu", default="H100", show_default=True, help="What it will be served on; `cpu` for none.")
@click.option(
    "--engine",
    type=click.Choice(["vllm", "sglang", "llama.cpp", "ollama"]),
    default="vllm",
    show_default=True,
    help="What will serve it.",
)
@click.option(
    "--workload",
    type=click.Choice(["sync", "batch"]),
    default="sync",
    show_default=True,
    help="Few streams at once, or many.",
)
@click.option(
    "--max-loss",
    "budget",
    type=Percent(),
    default="3%",
    show_default=True,
    help="What may be lost: of the eval set's right answers, else of perplexity.",
)
@click.option(
    "--gate",
    type=click.Choice(["shown", "seen"]),
    default="shown",
    show_default=True,
    help="Whether the whole 95 % interval must be within it, or the loss itself.",
)
@click.option(
    "--scheme",
    "schemes",
    multiple=True,
    metavar="NAME",
    help=f"By name; repeat for what is tried next: {', '.join(SCHEMES)}.",
)
@click.option("--compare", is_flag=True, help="Try all, not only until one passes.")
@click.option(
    "--method",
    type=click.Choice(["rtn", "gptq"]),
    help="How W4A16 rounds: to nearest, or calibrated on the text. Default: gptq.",
)
@click.option(
    "--group", type=click.IntRange(0), default=0, help="Weights that share a scale. 0: the most that divide each row."
)
@click.option(
    "--tensor-parallel",
    "parallel",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="GPUs that a replica is split over.",
)
@click.option(
    "--text",
    type=click.Path(path_type=Path),
    help="Plain text to measure (and calibrate) on. Default: the help pages of Python.",
)
@click.option(
    "--tokens", type=click.IntRange(1000), default=20_000, show_default=True, help="Of the text that are foretold."
)
@click.option(
    "--eval",
    "evalset",
    type=click.Path(path_type=Path),
    help="An eval set, JSON lines with `prompt` and `answer` (as in `farthing routes eval`).",
)
@click.option("--out", type=click.Path(path_type=Path), help="Where the result goes. Default: FOLDER-quantized.")
@click.option("--name", default="", help="The model's name for callers. Default: the folder's.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Of the back-end. Default: one a core.")
@click.option(
    "--run-on",
    "device",
    type=click.Choice(["auto", "cpu"]),
    default="auto",
    show_default=True,
    help="auto: a GPU of this machine, if there is one.",
)
@click.option("--plan-only", is_flag=True, help="Say what would be done and what its files would weigh.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def run(
    folder: Path, bits: str, gpu: str, engine: str, workload: str, budget: float, gate: Any, schemes: tuple[str, ...], compare: bool, method: str | None,
    group: int, parallel: int, text: Path | None, tokens: int, evalset: Path | None, out: Path | None, name: str,
    threads: int | None, device: str, plan_only: bool, as_json: bool,
) -> None:  # fmt: skip
    """Give the model in FOLDER (config.json and safetensors) fewer bits, and measure what that loses.

    The scheme is picked for the GPU, the engine and the workload. Model, perplexity of a text, answers to an eval set, memory
    and speed are measured before and after; with --bits auto the next scheme is tried where one lost too much. What passed
    gets a model card, a command that serves it and an entry for farthing.toml. A run that was ended goes on when the same
    command is given again. The exit status is 1 where nothing passed.
    """
    served_on = None if gpu.lower() == CPU else gpu_named(gpu)
    model = model_of(folder)
    target = out or folder.absolute().with_name(f"{folder.absolute().name}-quantized")
    found = plan(
        model,
        Wanted(bits, served_on, engine, workload, budget, schemes),
        target,
        method=method or "",
        group=group,
        parallel=parallel,
    )
    if plan_only:
        _show_plan(found, as_json, engine)
        return
    if not as_json:
        _print_plan(found, err=True)
    if found.troubles:
        raise click.ClickException("it cannot start: " + "; ".join(found.troubles))
    backend = BACKENDS[found.steps[0].scheme.backend]
    there = asyncio.run(probe(backend, environments()))
    if not there.is_ready:
        missing = f" ({', '.join(there.missing)})" if there.missing and not there.trouble else ""
        raise click.ClickException(
            f"the back-end {backend.name} is not ready: {there.trouble or 'packages are missing'}{missing}\n{there.install}"
        )
    asked = Asked(
        model=model, plan=found, out=target, backend=backend, found=there, text=text_of(text),
        cases=cases_of(evalset) if evalset else (), tokens=tokens, budget=budget, gate=gate, engine=engine,
        gpu=served_on.name if served_on else "", workload=workload, threads=threads or os.cpu_count() or 1, device=device, compare=compare,
    )  # fmt: skip
    report = _with_progress(asked)
    shown = _written(report, target, name or found.name, parallel)
    if as_json:
        print_json({**msgspec.to_builtins(report), "passed": report.chosen is not None, "files": shown})
    else:
        _print(report, shown)
    if report.chosen is None:
        raise click.exceptions.Exit(1)


def _with_progress(asked: Asked) -> Report:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[of]}"), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("starts", total=None, of="")

        def told(what: str, done: int, total: int) -> None:
            known = total > 1
            bar.update(
                task,
                description=printable(what),
                completed=done,
                total=total if known else None,
                of=f"{done} of {total}" if known else "",
            )

        return asyncio.run(run_stages(asked, told))


def _written(report: Report, out: Path, name: str, parallel: int) -> dict[str, str]:
    """The report, and for what passed its card and settings: name to path."""
    files = {"report": str(out / "report.json")}
    (out / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    for tried in report.tried:
        served, settings = _served(report, tried, name, parallel)
        place = out / tried.scheme / "README.md"
        place.write_text(card(report, tried, served, settings), encoding="utf-8")
        if tried is report.chosen:
            (out / "farthing.toml").write_text(settings, encoding="utf-8")
            files |= {"card": str(place), "settings": str(out / "farthing.toml"), "serve": command(served)}
    if report.chosen is None:
        (out / "farthing.toml").unlink(missing_ok=True)
    return files


def _served(report: Report, tried: Tried, name: str, parallel: int) -> tuple[Served, str]:
    served = Served(
        report.engine,
        name,
        f"{name}-{tried.scheme.lower()}",
        tried.where,
        parallel,
        not report.gpu,
        report.folder if SCHEMES[tried.scheme].gguf else "",
    )
    tables = [
        toml_text.table(f"providers.{PROVIDER}", provider(served)),
        toml_text.table(f"models.{toml_text.key(name)}.deployments", deployment(served, PROVIDER), array=True),
    ]
    return served, "\n".join(tables)


def _show_plan(found: Plan, as_json: bool, engine: str) -> None:
    if as_json:
        print_json(_for_machines(found))
        return
    _print_plan(found)


def _for_machines(found: Plan) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(found)
    sizes = [found.before, *(step.size for step in found.steps)]
    for size, each in zip(sizes, [shown["before"], *(step["size"] for step in shown["steps"])], strict=True):
        each |= {"weights": size.weights, "total": size.total}
    return shown


def _print_plan(found: Plan, err: bool = False) -> None:
    say: Callable[[str], None] = lambda text: click.echo(printable(text), err=err)  # noqa: E731
    say(f"{found.name}: {found.parameters / 1e6:,.1f} M parameters; {found.chosen.why}.")
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for title in ("matrices", "embeddings", "rest", "all files", "less", "GPUs"):
        table.add_column(title, justify="right")
    table.add_column("how")
    for name, size, gpus, how in (
        ("as it is", found.before, found.gpus_before, ""),
        *((each.scheme.name, each.size, each.gpus, f"{each.scheme.backend}, {each.method}" + (f", groups of {each.group}" if each.group else "")) for each in found.steps),
    ):  # fmt: skip
        less = f"{100 * saved(found.before.total, size.total):.1f} %" if how else ""
        table.add_row(
            name,
            _mb(size.matrices),
            _mb(size.embeddings),
            _mb(size.rest + size.overhead + size.beside),
            _mb(size.total),
            less,
            str(gpus or "-"),
            how,
        )
    if err:
        Console(stderr=True, markup=False, highlight=False, width=200).print(table)
    else:
        print_table(table)
    for name, why in found.chosen.refused.items():
        say(f"not {name}: {why}")
    say(
        f"It needs {_mb(found.disk)} of disk ({_mb(found.disk_free)} are free) and {_mb(max(each.memory for each in found.steps))} of memory"
        + (f" ({_mb(found.memory_free)} are free)." if found.memory_free else ".")
    )
    if found.doubt:
        say(f"Note: {found.doubt}.")
    for trouble in found.troubles:
        say(f"It cannot start: {trouble}.")


def _mb(value: int) -> str:
    return f"{value / 1e6:,.1f} MB" if value < 10e9 else f"{value / 1e9:,.1f} GB"


def _print(report: Report, files: dict[str, str]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("scheme")
    for title in ("metric", "before", "after", "lost", "95 % within", "of"):
        table.add_column(title, justify="right")
    for tried in report.tried:
        for loss in filter(None, (tried.perplexity, tried.task)):
            table.add_row(tried.scheme, *loss_words(loss))
    print_table(table)
    for tried in report.tried:
        before, after = report.before, tried.used
        click.echo(
            f"{tried.scheme}: files {_mb(before.files)} -> {_mb(tried.files)} (plan {100 * tried.off:+.2f} %), memory {_mb(before.memory)} -> "
            f"{_mb(after.memory)}, {before.tokens_s:,.1f} -> {after.tokens_s:,.1f} tok/s by the tool; "
            f"{'passed' if tried.passed else 'did not pass'}: {VERDICTS[tried.verdict]} ({100 * report.budget:g} %)"
        )
    chosen = report.chosen
    if chosen is None:
        click.echo(f"Nothing passed; what was made is kept below {Path(files['report']).parent}.")
        return
    click.echo(f"\nServe it:  {files['serve']}\nSettings:  {files['settings']}\nCard:      {files['card']}")
