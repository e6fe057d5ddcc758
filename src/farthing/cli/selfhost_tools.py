"""`farthing selfhost tools`: the tools that quantize and train, each in an environment of its own, and how to get them."""

import asyncio
import shutil
import subprocess

import click
import msgspec
from rich.table import Table

from farthing.cli.common import print_json, print_table
from farthing.selfhost.tools.environments import TOOLS, Found, Tool, environments, install_commands, probe


@click.command("tools", short_help="Tools that quantize and train: what is installed.")
@click.option("--install", type=click.Choice(list(TOOLS)), help="Make the environment of one, with pip.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def tools(install: str | None, as_json: bool) -> None:
    """The tools that `farthing quantize` and `farthing distil tune` work with: which are installed in what version, what is
    missing, and the command that installs it.

    Each lives in an environment of its own (some 2 GB, more with CUDA), below the user's cache or where FARTHING_TOOLS
    says. Farthing itself never loads them.
    """
    if install is not None:
        _install(TOOLS[install])
    found = asyncio.run(_every())
    if as_json:
        print_json({"folder": str(environments()), "tools": [_for_machines(each) for each in found]})
    else:
        _print(found)


async def _every() -> list[Found]:
    return list(await asyncio.gather(*(probe(each, environments()) for each in TOOLS.values())))


def _install(tool: Tool) -> None:
    place = environments()
    try:
        place.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(place).free / 1e9
    except OSError as error:
        raise click.ClickException(f"{place}: {error.strerror}; FARTHING_TOOLS names another folder") from None
    if free < tool.disk_gb:
        raise click.ClickException(f"{tool.name} needs {tool.disk_gb} GB in {place}; {free:,.1f} GB are free.")
    for command in install_commands(tool, place):
        click.echo(" ".join(command), err=True)
        if subprocess.run(command, check=False).returncode:
            raise click.ClickException(f"{tool.name} could not be installed; the lines above say why.")


def _for_machines(found: Found) -> dict[str, object]:
    return {**msgspec.structs.asdict(found), "ready": found.is_ready}


def _print(found: list[Found]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("tool", "state", "for", "versions", "missing"):
        table.add_column(title)
    for each in found:
        versions = ", ".join(f"{name} {version}" for name, version in each.versions.items() if version)
        table.add_row(
            each.name, "ready" if each.is_ready else "not installed", each.about, versions, ", ".join(each.missing)
        )
    print_table(table)
    for each in found:
        if not each.is_ready:
            click.echo(f"{each.name}: {each.trouble or 'packages are missing'}; {each.install}")
