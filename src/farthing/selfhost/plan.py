"""What each format of a model would be like on each GPU: how many GPUs, how many sequences at once, how fast, for how much.

Puts memory, formats, speed and prices together; each knows nothing of the others.
"""

from collections.abc import Sequence

import msgspec

from farthing.selfhost import memory
from farthing.selfhost.calibrate import Estimate, estimate
from farthing.selfhost.formats import Format, format_named, why_not
from farthing.selfhost.gpu_prices import Offer, offers_for
from farthing.selfhost.gpus import Gpu
from farthing.selfhost.memory import Fit
from farthing.selfhost.model_config import Shape
from farthing.selfhost.points import Measured, of_serving
from farthing.selfhost.roofline import Load, Serving

MILLION = 1_000_000


class Wish(msgspec.Struct, frozen=True):
    """What is asked of a deployment."""

    load: Load
    engine: str = "vllm"
    gpus: int = 0
    """Of a replica; 0: as few as hold it."""
    kv_bits: int = 16
    weights: float = 0.0
    """Bytes of the weights as stored, where files say them."""
    context: float = 0.0
    """Tokens of the longest sequence that must fit; 0: a call's in and out."""


class Planned(msgspec.Struct, frozen=True):
    """One format on one GPU. Dollars a million output tokens, at full load; prompts are in them."""

    gpu: Gpu
    format: Format
    why_not: str
    """Empty where it can be served; then all that follows holds."""
    fit: Fit | None = None
    gained: float | None = None
    """Sequences at once over those of 16 bits on as many of these GPUs; None where these do not fit."""
    estimate: Estimate | None = None
    offer: Offer | None = None
    dollars: tuple[float, float, float] | None = None
    """At the high, expected and low speed, and the median price; None where no price is known."""
    undivided: tuple[int, ...] = ()
    """Widths of matrices whose rows do not split into whole groups: the tools need another group size."""


def plan(
    shape: Shape, gpus: Sequence[Gpu], formats: Sequence[str], wish: Wish, offers: Sequence[Offer] = (),
    points: Sequence[Measured] = (), kind: str = "on-demand",
) -> list[Planned]:  # fmt: skip
    """All pairs, in the order given. Raises BadRequest for a format, an engine or a load that is none."""
    return [
        planned(shape, gpu, format_named(name), wish, offers, points, kind) for gpu in gpus for name in formats
    ]  # fmt: skip


def planned(
    shape: Shape, gpu: Gpu, format_: Format, wish: Wish, offers: Sequence[Offer] = (), points: Sequence[Measured] = (),
    kind: str = "on-demand",
) -> Planned:  # fmt: skip
    """One pair."""
    reason = why_not(format_, gpu, wish.engine)
    if reason:
        return Planned(gpu, format_, reason)
    weights = wish.weights if format_.name == shape.stored else 0.0
    tokens = wish.load.input_tokens + wish.load.output_tokens
    if shape.context and max(tokens, wish.context) > shape.context:
        return Planned(gpu, format_, f"its context ends at {shape.context:,} tokens")
    longest = max(tokens, wish.context)
    count = wish.gpus or memory.fewest_gpus(shape, format_, gpu, longest, kv_bits=wish.kv_bits, weights=weights)
    if (
        not count
        or not memory.fit(shape, format_, gpu, count, longest, kv_bits=wish.kv_bits, weights=weights).sequences
    ):
        return Planned(gpu, format_, f"does not fit on {count or 64}")
    fit = memory.fit(shape, format_, gpu, count, tokens, kv_bits=wish.kv_bits, weights=weights)
    found = _speed(shape, Serving(gpu, format_, wish.engine, count, 1, wish.kv_bits), wish.load, fit, points)
    offer = offers_for(gpu, offers, kind)
    return Planned(
        gpu, format_, "", fit, _gained(shape, gpu, count, tokens, fit), found, offer,
        dollars_per_million(found, offer.median) if offer is not None else None,
        tuple(sorted({e.inputs for e in shape.linears if e.role != "router" and not format_.divides(e)})),
    )  # fmt: skip


def dollars_per_million(found: Estimate, dollars_an_hour: float) -> tuple[float, float, float]:
    """Dollars a million output tokens at the high, the expected and the low speed of a GPU that is never idle."""
    each = dollars_an_hour / 3600 * MILLION
    return each / found.high, each / found.tokens_s, each / found.low


def _speed(shape: Shape, serving: Serving, load: Load, fit: Fit, measured: Sequence[Measured]) -> Estimate:
    """With no more sequences at once than fit."""
    points = of_serving(measured, serving.gpu.name, serving.gpus, serving.format.name, serving.engine)
    found = estimate(shape, serving, load, points)
    if found.batch <= fit.sequences:
        return found
    return estimate(shape, serving, load._replace(batch=fit.sequences), points)


def _gained(shape: Shape, gpu: Gpu, count: int, tokens: float, fit: Fit) -> float | None:
    plain = memory.fit(shape, format_named("bf16"), gpu, count, tokens).sequences
    return fit.sequences / plain if plain else None
