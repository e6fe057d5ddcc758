"""`farthing up`: starts the gateway."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import click
import msgspec

from farthing.cli.common import config_option, load_settings, settings_file
from farthing.gateway.server import serve
from farthing.planner.weekly import build_for
from farthing.settings import Settings


@click.command("up")
@config_option
@click.option("--host", help="Address to listen on, instead of the settings' one.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that share the port and the store.")
def command(config: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Start the gateway. It stops on Ctrl-C, after the streams under way.

    Without a settings file it serves the providers whose keys are in the environment (OPENAI_API_KEY,
    ANTHROPIC_API_KEY).
    """
    settings = overridden(load_settings(config), host=host, port=port, workers=workers)
    for warning in settings.warnings():
        click.echo(f"warning: {warning}", err=True)
    try:
        serve(settings, build_for(settings, settings_file(config)), partial(_announce, has_pages(settings)))
    except OSError as error:
        raise click.ClickException(f"{error}. Another port: farthing up --port PORT") from None
    except KeyboardInterrupt:
        pass  # Ctrl-C is how it ends; the server passes it on once all is closed


def has_pages(settings: Settings) -> bool:
    """Whether there are pages for people: they are an extra, and can be switched off."""
    return settings.dashboard.enabled != "off" and importlib.util.find_spec("itsdangerous") is not None


def _announce(pages: bool, url: str) -> None:
    """Tell a person where to point clients and a browser; programs read the log."""
    if not sys.stderr.isatty():
        return
    click.echo(
        f"Farthing is at {url}\n  OpenAI clients:    base_url = {url}/v1\n  Anthropic clients: base_url = {url}"
        + (f"\n  Pages for people:  {url}/" if pages else ""),
        err=True,
    )


def overridden(settings: Settings, **given: str | int | None) -> Settings:
    """The settings with what the command line says instead."""
    said = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, **said))
