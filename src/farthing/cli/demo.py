"""`farthing demo`: a company's morning through the gateway, then what it cost and where to look further."""

import asyncio
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from farthing.demo.company import CALLS
from farthing.demo.morning import work
from farthing.demo.stage import Stage, StartFailed, staged

FOLDER = Path(".farthing/demo")
console = Console(highlight=False)


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the figures instead of serving until Ctrl-C.")
@click.option("--port", type=click.IntRange(1, 65535), default=4141, show_default=True, help="Port of the gateway.")
@click.option(
    "--latency", type=click.FloatRange(0), default=0.05, show_default=True,
    help="How slow the simulated models are; 1 is as slow as real ones.",
)  # fmt: skip
def command(once: bool, port: int, latency: float) -> None:
    """Show the gateway at work: no key, no network, no cost.

    A simulated provider, a real gateway, and a company whose teams use both SDKs: a support chat, a help page, a ticket queue, invoice
    fields, weekly reports and a coding agent.
    """
    try:
        asyncio.run(_show(once, port, latency))
    except StartFailed as error:
        raise click.ClickException(
            f"{error}\nIs something else on port {port}? Try: farthing demo --port 4199"
        ) from None
    except KeyboardInterrupt:
        console.print("\nThe demo has ended. Its ledger stays in .farthing/demo until the next one.")


async def _show(once: bool, port: int, latency: float) -> None:
    async with staged(FOLDER, port, latency) as stage:
        console.print(
            f"The gateway is at [bold]{stage.url}[/], in front of a simulated OpenAI and Anthropic.", soft_wrap=True
        )
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("A company's morning", total=CALLS)
            await work(stage.url, stage.keys, lambda: progress.advance(bar))
        await asyncio.sleep(0.5)  # the ledger writes in batches, five a second
        for by in ("feature", "model"):
            await asyncio.to_thread(_report, stage, by)
        _where_to_look(stage)
        if not once:
            console.print("\nIt goes on serving; Ctrl-C ends it.")
            await asyncio.Event().wait()


def _report(stage: Stage, by: str) -> None:
    arguments = ["report", "--by", by, "--config", str(stage.settings)]
    console.print(f"\n[dim]$ farthing {' '.join(arguments)}[/]", soft_wrap=True)
    subprocess.run([sys.executable, "-m", "farthing", *arguments], check=True)


def _where_to_look(stage: Stage) -> None:
    config = f"--config {stage.settings}"
    console.print("\n[bold]Look further[/]")
    console.print(f"  who spent it           farthing report --by user {config}", soft_wrap=True)
    console.print(f"  for machines           farthing report --by team --json {config}", soft_wrap=True)
    console.print(f"  the newest calls       farthing calls {config}", soft_wrap=True)
    console.print(f"  one call's cost card   farthing explain CALL_ID {config}", soft_wrap=True)
    console.print("  a call of your own     ", end="")
    console.print(
        f"curl {stage.url}/v1/chat/completions -H 'authorization: Bearer {stage.keys['sales']}' "
        """-H 'content-type: application/json' -d '{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hello"}]}'""",
        soft_wrap=True, markup=False,
    )  # fmt: skip
