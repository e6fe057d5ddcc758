"""`farthing demo`: a company's month through the gateway while one watches, what it cost, and where to look further."""

import asyncio
import gc
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from farthing.cli.common import Number
from farthing.demo import calendar
from farthing.demo.company import FEATURES, TEAMS, USERS
from farthing.demo.live import Live
from farthing.demo.stage import Stage, StartFailed, staged
from farthing.demo.story import Plot, Story
from farthing.demo.story import Progress as Told

FOLDER = Path(".farthing/demo")
LIVE_PIECES = 20
"""What the company does over HTTP under --once."""
console = Console(highlight=False)


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the figures instead of going on until Ctrl-C.")
@click.option("--port", type=click.IntRange(1, 65535), default=4141, show_default=True, help="Port of the gateway.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed, another month.")
@click.option(
    "--scale",
    type=Number(0.01, 10),
    default=1.0,
    show_default=True,
    help="Size of the company; 0.1 is a tenth.",
)
@click.option(
    "--latency", type=Number(0), default=0.2, show_default=True,
    help="How slow the simulated models of the live traffic are; 1 is as slow as real ones.",
)  # fmt: skip
def command(once: bool, port: int, seed: int, scale: float, latency: float) -> None:
    """Show the gateway at work: no key, no network, no cost.

    A simulated provider, a real gateway, and thirty days of a small furniture shop that ends today: strategies are switched on
    one after another, a feature is launched, a retry loop runs for a day, a provider is down for an hour. The history is
    written in about a minute while the gateway runs; then the shop's teams go on working over HTTP, with both SDKs.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a small model is learned on one core as fast as on all
    logging.getLogger("farthing").addHandler(logging.NullHandler())  # what the story's gateway warns of, pages show
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as the server does: a month makes much, and hardly any in circles
    try:
        asyncio.run(_show(once, port, seed, scale, latency))
    except StartFailed as error:
        raise click.ClickException(
            f"{error}\nIs something else on port {port}? Try: farthing demo --port 4199"
        ) from None
    except KeyboardInterrupt:
        console.print("\nThe demo has ended. Its ledger stays in .farthing/demo until the next one.")


async def _show(once: bool, port: int, seed: int, scale: float, latency: float) -> None:
    async with staged(FOLDER, port, latency, seed) as stage:
        console.print(
            f"Open [bold]{await stage.pages()}[/] in a browser; the link signs you in, once.\n"
            f"The gateway is at {stage.url}, in front of simulated providers. A furniture shop with {len(FEATURES)} features, {len(TEAMS)} teams and {USERS} users; its last thirty days are "
            "being written while you look.",
            soft_wrap=True,
        )
        story = Story(Plot(FOLDER, stage.keys, time.time_ns() // 1000, seed, scale))
        await _tell(story)
        live = Live(stage.url, stage.keys, seed=seed if once else None)
        if once:
            await live.work(LIVE_PIECES, pause_s=0.05)
            await asyncio.sleep(0.5)  # the ledger writes in batches, five a second
        await _figures(stage, story)
        if not once:
            console.print("\nThe shop goes on working, slowly; Ctrl-C ends it.")
            await live.work()


async def _tell(story: Story) -> None:
    """Play the story behind a progress line; each turn of it stays on the screen."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[calls]:,} calls"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("day 1", total=calendar.DAYS + 1, calls=0)
        said = {""}
        days = set(() if console.is_terminal else range(4, calendar.DAYS, 5))  # where nobody sees the bar move

        def told(now: Told) -> None:
            if now.day in days:
                days.remove(now.day)
                console.print(f"  day {now.day + 1}, {now.calls:,} calls", soft_wrap=True)
            progress.update(bar, description=f"day {now.day + 1}", completed=now.day, calls=now.calls)
            if now.what not in said:
                said.add(now.what)
                console.print(f"  day {now.day + 1}: {now.what}", soft_wrap=True)

        await story.play(told)
        progress.update(bar, description="thirty days", completed=calendar.DAYS + 1)


async def _figures(stage: Stage, story: Story) -> None:
    for arguments in (("--by", "feature"), ("levers",), ("proof",)):
        await asyncio.to_thread(_report, stage, arguments)
    console.print(f"\n{story.progress.calls:,} calls were sent, {story.progress.refused:,} refused.")
    _where_to_look(stage, await stage.pages())


def _report(stage: Stage, arguments: tuple[str, ...]) -> None:
    whole = ["report", *arguments, "--config", str(stage.settings)]
    console.print(f"\n[dim]$ farthing {' '.join(whole)}[/]", soft_wrap=True)
    subprocess.run([sys.executable, "-m", "farthing", *whole], check=True)


LOOK = (
    ("what was out of order", "alerts list --all"),
    ("where the month ends", "report forecast"),
    ("six metrics and targets", "report metrics"),
    ("a resolved ticket", "unit report support_resolution"),
    ("what is good enough", "routes show"),
    ("who spent it", "report --by user"),
    ("budgets", "budgets list"),
    ("the newest calls", "calls"),
    ("one call's cost card", "explain CALL_ID"),
)


def _where_to_look(stage: Stage, pages: str) -> None:
    config = f"--config {stage.settings}"
    console.print("\n[bold]Look further[/]")
    console.print(f"  {'in a browser':<24} {pages}", soft_wrap=True)
    for what, command in LOOK:
        console.print(f"  {what:<24} farthing {command} {config}", soft_wrap=True)
    console.print(f"  {'a call of your own':<24} ", end="")
    console.print(
        f"curl {stage.url}/v1/chat/completions -H 'authorization: Bearer {stage.keys['sales']}' "
        """-H 'content-type: application/json' -d '{"model":"auto","messages":[{"role":"user","content":"Hello"}]}'""",
        soft_wrap=True, markup=False,
    )  # fmt: skip
