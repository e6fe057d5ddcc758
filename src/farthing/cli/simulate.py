"""`farthing simulate`: starts a simulated provider."""

from typing import BinaryIO

import click
import msgspec

from farthing.cli.common import Number, split_pairs
from farthing.upstream.simulator import SimulatorSettings, serve
from farthing.upstream.simulator.faults import FAULTS, UnknownFault
from farthing.upstream.simulator.prompt_truth import Truth


def _shares(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    try:
        shares = {name: float(share) for name, share in split_pairs(given).items()}
    except ValueError:
        raise click.BadParameter("write NAME=SHARE, such as status-500=0.01", ctx, param) from None
    if any(not 0 <= share <= 1 for share in shares.values()):
        raise click.BadParameter("a share is between 0 and 1", ctx, param)
    return shares


def _truth(ctx: click.Context, param: click.Parameter, given: BinaryIO | None) -> Truth | None:
    if given is None:
        return None
    try:
        return msgspec.json.decode(given.read(), type=Truth)
    except msgspec.MsgspecError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@click.command("simulate", epilog=f"Faults: {', '.join(FAULTS)}.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=4142, show_default=True, help="Port to listen on.")
@click.option("--seed", type=int, default=0, show_default=True, help="Answers, delays and faults follow from it.")
@click.option(
    "--latency",
    type=Number(0),
    default=0.0,
    show_default=True,
    help="1 is as slow as real models, 0 does not wait.",
)
@click.option("--rpm", type=click.IntRange(0), default=0, show_default=True, help="Requests a minute; 0: no limit.")
@click.option("--tpm", type=click.IntRange(0), default=0, show_default=True, help="Tokens a minute; 0: no limit.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    callback=_shares,
    metavar="NAME=SHARE",
    help="A fault and the share of calls that it hits; repeat.",
)
@click.option("--batch-seconds", type=Number(0), default=0.0, show_default=True, help="How long a batch takes.")
@click.option(
    "--truth",
    type=click.File("rb"),
    callback=_truth,
    help="JSON that says on which words of a prompt its answers depend, to try the prompt lab on.",
)
@click.option("--strict", is_flag=True, help="Refuse fields that the real provider does not know.")
def command(
    host: str, port: int, seed: int, latency: float, rpm: int, tpm: int, faults: dict[str, float], batch_seconds: float,
    truth: Truth | None, strict: bool,
) -> None:  # fmt: skip
    """Start a provider to try things on: it speaks OpenAI's and Anthropic's wires and costs nothing.

    Point a gateway at it: OPENAI_API_KEY=any OPENAI_BASE_URL=http://127.0.0.1:4142/v1 farthing up
    """
    settings = SimulatorSettings(
        seed=seed, latency=latency, requests_per_minute=rpm, tokens_per_minute=tpm, faults=faults,
        batch_seconds=batch_seconds, truth=truth, strict=strict,
    )  # fmt: skip
    try:
        serve(settings, host=host, port=port, announce=_announce)
    except UnknownFault as error:
        raise click.UsageError(str(error)) from None
    except KeyboardInterrupt:
        pass  # Ctrl-C is how it ends


def _announce(url: str) -> None:
    click.echo(f"The simulator serves {url} (OpenAI clients: {url}/v1). Ctrl-C ends it.", err=True)
