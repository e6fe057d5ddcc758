"""`farthing distil tune FOLDER`: LoRA on this machine, from a data set to a model that is held against its teacher and its base."""

import asyncio
import math
import os
import time
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.common import Number, config_option, load_settings, print_json, print_table
from farthing.cli.distil_common import lines_of
from farthing.cli.own_models import progress, use_of, written
from farthing.cli.report_span import percent
from farthing.cli.selfhost_common import reports_folder
from farthing.model.errors import BadRequest
from farthing.model.money import Nano, nano_from_dollars, nano_from_pico, show_dollars
from farthing.model.record import PricedLine
from farthing.prices.book import Priced
from farthing.quality.evidence import Evidence
from farthing.quality.recorder import Recorder
from farthing.quality.watch import floors_of
from farthing.selfhost import reports
from farthing.selfhost.distil.card import VERDICTS, card, lasted, points, words
from farthing.selfhost.distil.deciding import exactly, gpu_dollars, gpu_hours
from farthing.selfhost.distil.training import check_lines, record_of
from farthing.selfhost.distil.tuning import Asked, Estimate, Report, Wish, estimate, tune
from farthing.selfhost.gpu_prices import offers_for, shipped
from farthing.selfhost.gpus import Gpu
from farthing.selfhost.gpus import gpu as gpu_named
from farthing.selfhost.quantize.planning import disk_free, model_of
from farthing.selfhost.quantize.sizes import shown
from farthing.selfhost.serving import Served
from farthing.selfhost.tools.answers import cases_of
from farthing.selfhost.tools.environments import TOOLS, environments, ready
from farthing.settings import Settings
from farthing.store import Evidence as KeptEvidence
from farthing.store import open_store
from farthing.store.trainings import Training, Trainings

HERE = "this machine"
"""Who trained it, among the trainings."""
HOUR_S = 3_600


class _Dollars(click.ParamType[Nano]):
    """Dollars, exactly as typed, given to the library as nano-dollars."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Nano:
        if isinstance(value, int):
            return value
        try:
            found = nano_from_dollars(str(value).lstrip("$"))
        except ArithmeticError:
            found = -1
        if found < 0:
            self.fail(f"{value!r} are no dollars; write 2.49", param, ctx)
        return found


@click.command("tune", short_help="Train a model of your own on this machine.")
@click.argument("folder", type=click.Path(path_type=Path))
@config_option
@click.option("--data", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True, help="train.jsonl of `distil export --format openai`.")  # fmt: skip
@click.option("--eval", "evalset", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None, help="Calls for the proof. Default: eval.jsonl beside the data.")  # fmt: skip
@click.option("--most", type=click.IntRange(1), default=200, show_default=True, help="Calls of the proof, the first ones.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Where the result goes. Default: FOLDER-tuned.")  # fmt: skip
@click.option("--name", default="", help="The model's name for callers. Default: that of the folder --out.")
@click.option("--epochs", type=click.IntRange(1, 50), default=3, show_default=True, help="How often it sees the data.")
@click.option("--rank", type=click.IntRange(1, 512), default=16, show_default=True, help="Of the matrices that are learned.")  # fmt: skip
@click.option("--rate", type=Number(0, 1, min_open=True), default=2e-4, show_default=True, help="The largest learning rate.")  # fmt: skip
@click.option("--batch", type=click.IntRange(1, 1024), default=8, show_default=True, help="Examples a step.")
@click.option("--length", type=click.IntRange(16), default=1024, show_default=True, help="Tokens of an example; longer ones are left out.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Of orders and first values.")
@click.option("--task", default="", help="The kind of work, as routing names it: what is found becomes its evidence.")
@click.option("--teacher", default="", help="The model whose answers are learned; with --task.")
@click.option("--tenant", default="default", show_default=True, help="Whose evidence and spending it is.")
@click.option("--gpu", default="H100", show_default=True, help="GPU of the estimate, and that will serve it; `cpu` for none.")  # fmt: skip
@click.option("--hour", "an_hour", type=_Dollars(), default=None, help="Dollars that an hour of this machine costs; goes into the ledger.")  # fmt: skip
@click.option("--max-hours", type=Number(0), default=None, help="Do not begin if it may take longer.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Of the tool. Default: one a core.")
@click.option("--run-on", type=click.Choice(["auto", "cpu"]), default="auto", show_default=True, help="auto: a GPU of this machine, if there is one.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def tune_here(
    folder: Path, config: Path | None, data: Path, evalset: Path | None, most: int, out: Path | None, name: str, epochs: int, rank: int,
    rate: float, batch: int, length: int, seed: int, task: str, teacher: str, tenant: str, gpu: str, an_hour: Nano | None,
    max_hours: float | None, threads: int | None, run_on: str, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Train the model in FOLDER (config.json and safetensors) further on captured calls, by LoRA, on this machine.

    First it says how long that takes, by some real steps, and asks. Then it trains, and puts calls that were not trained on
    to the model before and after: how often each says what the teacher said, and the difference, with intervals. The same
    command goes on where it was ended. `farthing selfhost tools --install peft` gets what it works with.
    """
    if bool(task) != bool(teacher):
        raise click.UsageError("--task and --teacher go together: evidence is of one kind of work, against one model")
    settings = load_settings(config, only={"store", "routing", "selfhost"})
    served_on = None if gpu.lower() == "cpu" else gpu_named(gpu)
    asked = _asked(folder, data, evalset, most, out, Wish(epochs, rank, rate, batch, length, seed), threads, run_on)
    name = name or asked.out.absolute().name
    floor = floors_of(settings.routing)(f"task:{task}")[0] if task else None

    def completed(report: Report) -> Report:
        use = use_of(Served("vllm", name, name, report.where, on_cpu=served_on is None), asked.out / "README.md")
        return msgspec.structs.replace(
            report, name=name, teacher=teacher, task=task, floor=floor, cost=_cost(report, an_hour), use=use,
            finished_us=time.time_ns() // 1000,
        )  # fmt: skip

    with written(asked.out):
        with progress() as told:
            foretold = asyncio.run(estimate(asked, told))
        if not any((asked.out / each).exists() for each in ("model", "state.pt")):
            _ask(foretold, asked, served_on, max_hours, yes)
        with progress() as told:
            report = asyncio.run(
                tune(asked, told, lambda found: _register(settings, completed(found), tenant, an_hour))
            )
        report = completed(report)
        _keep(report, asked.out, reports_folder(config))
    if as_json:
        print_json({**msgspec.to_builtins(report), "clears": report.clears, "verdict": report.change.verdict})
    else:
        _show(report, asked.out)


def _asked(
    folder: Path, data: Path, evalset: Path | None, most: int, out: Path | None, wish: Wish, threads: int | None, device: str
) -> Asked:  # fmt: skip
    """Raises BadRequest, and ClickException, for what cannot begin."""
    model = model_of(folder)
    if not model.has_weights:
        raise click.ClickException(f"{folder} has no *.safetensors, so nothing can be trained")
    train = lines_of(data)
    try:
        check_lines(train)
    except BadRequest as problem:
        raise click.ClickException(f"{data}: {problem.message}") from None
    proof = evalset or data.with_name("eval.jsonl")
    if not proof.is_file():
        raise click.ClickException(
            f"{proof} is not there: `farthing distil export` writes it, --eval names another one"
        )
    tool = TOOLS["peft"]
    asked = Asked(
        model=folder, bytes16=model.bytes16, train=train, cases=cases_of(proof)[:most], wish=wish,
        out=out or folder.absolute().with_name(f"{folder.absolute().name}-tuned"), tool=tool,
        found=asyncio.run(ready(tool, environments())), threads=threads or os.cpu_count() or 1, device=device,
    )  # fmt: skip
    free = disk_free(asked.out)
    if asked.disk > free:
        raise click.ClickException(f"{shown(asked.disk)} of disk are needed in {asked.out}, {shown(free)} are free")
    return asked


def _ask(foretold: Estimate, asked: Asked, served_on: Gpu | None, max_hours: float | None, yes: bool) -> None:
    """Say what it would take. Raises ClickException where that is longer than it may be."""
    epochs = asked.wish.epochs
    time_ = foretold.seconds(epochs)
    click.echo(
        f"{foretold.parameters / 1e6:,.1f} M parameters, {foretold.learned / 1e6:,.1f} M of them learned; {foretold.examples:,} examples, "
        f"{foretold.tokens:,} tokens, {epochs} epochs, {foretold.steps:,} steps"
        + (f"; {foretold.left_out:,} examples are too long (--length)." if foretold.left_out else "."),
        err=True,
    )
    click.echo(
        f"On this machine that takes about {lasted(time_.likely)} ({lasted(time_.low)} to {lasted(time_.high)}), and then twice "
        f"{len(asked.cases):,} answers.{_elsewhere(foretold, epochs, served_on)}",
        err=True,
    )
    if max_hours is not None and time_.high > max_hours * HOUR_S:
        raise click.ClickException(f"it may take {lasted(time_.high)}, and --max-hours is {max_hours:g}")
    if not yes:
        click.confirm("Train it?", abort=True, err=True)


def _elsewhere(foretold: Estimate, epochs: int, gpu: Gpu | None) -> str:
    if gpu is None or not gpu.tflops16:
        return ""
    hours = gpu_hours(exactly(foretold.tokens), epochs, foretold.parameters, gpu.tflops16)
    offer = offers_for(gpu, shipped())
    cost = gpu_dollars(hours, offer) if offer is not None else None
    worth = f", at most ${cost.high:,.2f}" if cost is not None else ""
    return f" By its arithmetic alone one {gpu.name} takes {lasted(hours.low * HOUR_S)} to {lasted(hours.high * HOUR_S)}{worth}."


def _priced(report: Report, an_hour: Nano) -> Priced:
    """So many seconds at what an hour costs."""
    seconds, rate = math.ceil(report.seconds), (an_hour * 1_000 + HOUR_S // 2) // HOUR_S
    nano = nano_from_pico(seconds * rate)
    return Priced("computed", nano, [PricedLine("gpu_second", seconds, rate)], list_nano=nano)


def _cost(report: Report, an_hour: Nano | None) -> Nano | None:
    return None if an_hour is None else _priced(report, an_hour).nano


async def _register(settings: Settings, report: Report, tenant: str, an_hour: Nano | None) -> None:
    """A row among the trainings; one of the ledger where an hour has a price; evidence where a task was named."""
    now = time.time_ns() // 1000
    training = Training(
        f"tune-{report.key}", tenant, HERE, Path(report.base).name, "booked", model=report.name,
        tokens=report.estimate.tokens * report.wish.epochs, cost=report.cost, created_us=now - round(report.seconds * 1e6), updated_us=now,
        spec=msgspec.json.encode({"wish": report.wish, "examples": report.estimate.examples}).decode(),
    )  # fmt: skip
    store = await open_store(settings.store.url.reveal())
    try:
        await Trainings(store).begin(training)
        if an_hour is not None:
            await store.write([record_of(training, _priced(report, an_hour))])
        if report.task:
            evidence = Evidence(KeptEvidence(store))
            await evidence.refresh()
            recorder = Recorder(evidence, floors_of(settings.routing))
            for each in report.differences:
                recorder.evaluated(tenant, report.task, report.name, report.teacher, each)
            await evidence.refresh()
    finally:
        await store.close()


def _keep(report: Report, out: Path, kept_in: Path) -> None:
    """The card, the settings, the report and its copy for pages."""
    assert report.use is not None, "it was completed"
    settings = (
        f'{report.use.settings}# routing may choose it once it is in a tier: [routing] small = ["{report.name}"]\n'
    )
    Path(report.use.card).write_text(card(report, report.use), encoding="utf-8")
    (out / "farthing.toml").write_text(settings, encoding="utf-8")
    shown: dict[str, Any] = msgspec.to_builtins(report)
    reports.write(out / "report.json", shown)
    reports.keep(kept_in, "tuned", report.name, shown)


def _show(report: Report, out: Path) -> None:
    assert report.use is not None, "it was completed"
    table = Table("model", box=None, pad_edge=False)
    for title in ("as the teacher", "95 % within", "calls", "tok/s by the tool"):
        table.add_column(title, justify="right")
    for name, each in ((Path(report.base).name, report.before), (report.name, report.after)):
        table.add_row(name, *words(each))
    print_table(table)
    change = report.change
    click.echo(
        f"{report.name} is {VERDICTS[change.verdict]}: {points(change.difference)} points ({points(change.low)} to {points(change.high)}) on "
        f"{change.cases:,} calls."
    )
    if report.clears is not None and report.floor is not None:
        word = "It clears" if report.clears else "It is not shown to clear"
        click.echo(
            f"{word} the floor of {percent(report.floor)} of the teacher's quality; it is evidence for {report.task}."
        )
    click.echo(
        f"It took {lasted(report.seconds)}"
        + (
            f", {show_dollars(report.cost)} in the ledger."
            if report.cost is not None
            else "; --hour would say what that costs."
        )
    )
    click.echo(
        f"\nServe it:    {report.use.command}\nSettings:    {out / 'farthing.toml'}\nCard:        {report.use.card}"
        f"\nReport:      {out / 'report.json'}\nFewer bits:  farthing quantize {report.where}"
    )
