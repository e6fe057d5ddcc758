"""A replica's speed at a demand's lengths, from the model, the GPU and a goal for delays; or as somebody measured it.

Puts memory, formats and the calibrated roofline together. Knows nothing of prices.
"""

from collections.abc import Sequence

from farthing.model.errors import BadRequest
from farthing.selfhost import memory
from farthing.selfhost.calibrate import Estimate, estimate
from farthing.selfhost.formats import Format, why_not
from farthing.selfhost.gpus import Gpu
from farthing.selfhost.model_config import Shape
from farthing.selfhost.points import Measured, of_serving
from farthing.selfhost.roofline import Load, Serving
from farthing.selfhost.tco.demand import Demand
from farthing.selfhost.tco.fleet import Goal, Replica, under_goal

GIVEN_SPEED = 0.15
"""How far a speed that was only said may be off, either way: what load tests of other days differ by."""


def as_said(tokens_s: float, gpus: int) -> Replica:
    """A replica whose output tokens a second somebody measured."""
    return Replica(gpus, tokens_s, tokens_s * (1 - GIVEN_SPEED), tokens_s * (1 + GIVEN_SPEED), how="as said")


def replica_for(
    demand: Demand, shape: Shape, format_: Format, gpu: Gpu, goal: Goal, *, engine: str = "vllm", gpus: int = 0,
    weights: float = 0.0, measured: Sequence[Measured] = (),
) -> Replica:  # fmt: skip
    """The replica on `gpus` GPUs (0: as few as hold it) at the largest batch that fits and meets the goal. `weights`: their
    bytes as stored, where files say them. Raises BadRequest where it is not served, does not fit, or is too slow."""
    if reason := why_not(format_, gpu, engine):
        raise BadRequest(f"{gpu.name} with {format_.name}: {reason}")
    weights = weights if shape.stored == format_.name else 0.0
    tokens = demand.input_tokens + demand.output_tokens
    count = gpus or memory.fewest_gpus(shape, format_, gpu, tokens, weights=weights)
    room = memory.fit(shape, format_, gpu, count or 64, tokens, weights=weights).sequences
    if not room:
        raise BadRequest(f"{shape.name} with {format_.name} does not fit on {count or 64} {gpu.name}")
    serving = Serving(gpu, format_, engine, count)
    points = of_serving(measured, gpu.name, count, format_.name, engine)

    def speed(batch: float) -> Estimate:
        load = Load(demand.input_tokens, demand.output_tokens, batch)
        found = estimate(shape, serving, load, points)
        return found if found.batch <= room else estimate(shape, serving, load._replace(batch=room), points)

    return under_goal(speed, goal, count)
