"""`farthing quantize FOLDER`: fewer bits for a model of your own: plan, quantize, measure before and after, and the gate."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from farthing.cli.common import CommandT, config_option, print_json
from farthing.cli.own_models import progress, use_of, written
from farthing.cli.quantize_shown import show_estimate, show_plan, show_report
from farthing.cli.selfhost_common import reports_folder, settings_of
from farthing.selfhost import reports
from farthing.selfhost.gpus import gpu as gpu_named
from farthing.selfhost.quantize.card import card
from farthing.selfhost.quantize.choosing import Wanted
from farthing.selfhost.quantize.estimate import Estimate, estimate
from farthing.selfhost.quantize.planning import Model, Plan, model_of, plan
from farthing.selfhost.quantize.report import Report, Tried, for_machines
from farthing.selfhost.quantize.running import Asked, run
from farthing.selfhost.quantize.schemes import CPU, SCHEMES
from farthing.selfhost.quantize.texts import text_of
from farthing.selfhost.serving import Served
from farthing.selfhost.tools.answers import cases_of
from farthing.selfhost.tools.environments import TOOLS, environments, ready


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


def _one_of(option: str, values: Sequence[str], help_: str) -> Callable[[CommandT], CommandT]:
    """An option with a few values, of which the first holds unless another is named."""

    def adds(command: CommandT) -> CommandT:
        return click.option(option, type=click.Choice(values), default=values[0], show_default=True, help=help_)(
            command
        )

    return adds


@click.command("quantize")
@click.argument("folder", type=click.Path(path_type=Path))
@config_option
@_one_of("--bits", ["auto", "4", "8"], "auto: as few as lose little enough.")
@click.option("--gpu", default="H100", show_default=True, help="What it will be served on; `cpu` for none.")
@_one_of("--engine", ["vllm", "sglang", "llama.cpp", "ollama"], "What will serve it.")
@_one_of("--workload", ["sync", "batch"], "Few streams at once, or many.")
@click.option("--max-loss", "budget", type=Percent(), default="3%", show_default=True, help="What may be lost: of the eval set's right answers, else of perplexity.")  # fmt: skip
@_one_of("--gate", ["shown", "seen"], "Whether the whole 95 % interval must be within it, or the loss itself.")
@click.option("--scheme", "schemes", multiple=True, metavar="NAME", help=f"By name; repeat for what is tried next: {', '.join(SCHEMES)}.")  # fmt: skip
@click.option("--compare", is_flag=True, help="Try all, not only until one passes.")
@click.option("--method", type=click.Choice(["rtn", "gptq", "awq"]), help="How W4A16 rounds: to nearest, or calibrated on the text. Default: gptq.")  # fmt: skip
@click.option("--group", type=click.IntRange(0), default=0, help="Weights that share a scale. 0: the most that divide each row.")  # fmt: skip
@click.option("--tensor-parallel", "parallel", type=click.IntRange(1, 64), default=1, show_default=True, help="GPUs that a replica is split over.")  # fmt: skip
@click.option("--text", type=click.Path(path_type=Path), help="Plain text to measure (and calibrate) on. Default: the help pages of Python.")  # fmt: skip
@click.option("--tokens", type=click.IntRange(1000), default=20_000, show_default=True, help="Of the text that are foretold.")  # fmt: skip
@click.option("--eval", "evalset", type=click.Path(path_type=Path), help="An eval set, JSON lines with `prompt` and `answer` (as in `farthing routes eval`).")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Where the result goes. Default: FOLDER-quantized.")
@click.option("--name", default="", help="The model's name for callers. Default: the folder's.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Of the tool. Default: one a core.")
@_one_of("--run-on", ["auto", "cpu"], "auto: a GPU of this machine, if there is one.")
@click.option("--plan-only", is_flag=True, help="Say what would be done and what its files would weigh.")
@click.option("--estimate", "estimates", is_flag=True, help="The plan, how long it may take here, and what fewer GPUs would spare.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(
    folder: Path, config: Path | None, bits: str, gpu: str, engine: str, workload: str, budget: float, gate: Any,
    schemes: tuple[str, ...], compare: bool, method: str | None, group: int, parallel: int, text: Path | None, tokens: int,
    evalset: Path | None, out: Path | None, name: str, threads: int | None, run_on: str, plan_only: bool,
    estimates: bool, as_json: bool,
) -> None:  # fmt: skip
    """Give the model in FOLDER (config.json and safetensors) fewer bits, and measure what that loses.

    The scheme is picked for the GPU, the engine and the workload. Model, perplexity of a text, answers to an eval set, memory
    and speed are measured before and after; with --bits auto the next scheme is tried where one lost too much. What passed
    gets a model card, a command that serves it and an entry for farthing.toml. A run that was ended goes on when the same
    command is given again. The exit status is 1 where nothing passed. `farthing selfhost tools` gets the tools.
    """
    kept_in = reports_folder(config)
    served_on = None if gpu.lower() == CPU else gpu_named(gpu)
    model = model_of(folder)
    target = out or folder.absolute().with_name(f"{folder.absolute().name}-quantized")
    wanted = Wanted(bits, served_on, engine, workload, budget, schemes)
    found = plan(model, wanted, target, method=method or "", group=group, parallel=parallel)
    threads = threads or os.cpu_count() or 1
    if estimates:
        show_estimate(found, _estimated(model, found, tokens, threads, name, config), as_json)
        return
    if plan_only or not as_json:
        show_plan(found, as_json, err=not plan_only)
    if plan_only:
        return
    if found.troubles:
        raise click.ClickException("it cannot start: " + "; ".join(found.troubles))
    tool = TOOLS[found.steps[0].scheme.backend]
    asked = Asked(
        model=model, plan=found, out=target, backend=tool, found=asyncio.run(ready(tool, environments())), text=text_of(text),
        cases=cases_of(evalset) if evalset else (), tokens=tokens, budget=budget, gate=gate, engine=engine,
        gpu=served_on.name if served_on else "", workload=workload, threads=threads, device=run_on, compare=compare,
    )  # fmt: skip
    with progress() as told, written(target):
        report = _kept(asyncio.run(run(asked, told)), target, name or found.name, parallel, kept_in)
    if as_json:
        print_json(for_machines(report))
    else:
        show_report(report, target)
    if report.chosen is None:
        raise click.exceptions.Exit(1)


def _estimated(model: Model, found: Plan, tokens: int, threads: int, name: str, config: Path | None) -> Estimate:
    """With the deployment that has the model's name as its label, or as what follows the provider's, where there is but one."""
    name, deployments = name or found.name, settings_of(config).deployments
    labels = [label for label in deployments if name in (label, label.partition("/")[2])]
    label = name if name in deployments else labels[0] if len(labels) == 1 else ""
    return estimate(
        model, found, tokens=tokens, threads=threads, deployment=label, own=deployments[label] if label else None
    )


def _kept(report: Report, out: Path, name: str, parallel: int, kept_in: Path) -> Report:
    """The report with how each is served; its cards, its settings and its copy for pages are written."""
    report = msgspec.structs.replace(
        report, name=name, finished_us=time.time_ns() // 1000,
        tried=tuple(_used(report, tried, out, name, parallel) for tried in report.tried),
    )  # fmt: skip
    for tried in report.tried:
        assert tried.use is not None, "it was worked out above"
        Path(tried.use.card).write_text(card(report, tried, tried.use), encoding="utf-8")
    settings = out / "farthing.toml"
    if report.chosen is not None and report.chosen.use is not None:
        settings.write_text(report.chosen.use.settings, encoding="utf-8")
    else:
        settings.unlink(missing_ok=True)
    reports.write(out / "report.json", for_machines(report))
    reports.keep(kept_in, "quantized", name, for_machines(report))
    return report


def _used(report: Report, tried: Tried, out: Path, name: str, parallel: int) -> Tried:
    tokenizer = report.folder if SCHEMES[tried.scheme].gguf else ""
    served = Served(
        report.engine, name, f"{name}-{tried.scheme.lower()}", tried.where, parallel, not report.gpu, tokenizer
    )
    return msgspec.structs.replace(tried, use=use_of(served, out / tried.scheme / "README.md"))
