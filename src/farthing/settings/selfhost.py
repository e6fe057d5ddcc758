"""Settings of own models: what their GPUs cost, and where measurements are kept. What follows from them is for `selfhost` and
`finops`."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from farthing.settings.values import Amount, FilePath


class OwnDeploymentSettings(msgspec.Struct, frozen=True):
    """A deployment on GPUs that you pay for by the hour. NAME is its label in the ledger, such as `"own/llama-8b"`. Its calls
    cost their share of the fleet's full speed; what nobody used is shown apart (`farthing tco deployment`)."""

    gpus: Annotated[int, Meta(ge=1, le=100_000, description="GPUs that are paid for, spares included.")]
    dollars_per_gpu_hour: Annotated[Amount, Meta(description="What one costs an hour, after discounts.")]
    tokens_per_second: Annotated[
        float,
        Meta(
            gt=0,
            le=1e9,
            description="Output tokens a second of all of them at the delays you accept: `farthing selfhost measure` says it.",
        ),
    ]
    input_weight: Annotated[
        float, Meta(ge=0, le=10, description="What a token of the prompt takes of the GPUs, beside one of the answer.")
    ] = 0.1
    cached_weight: Annotated[float, Meta(ge=0, le=10, description="The same for one that the prefix cache serves.")] = (
        0.01
    )
    hours_a_week: Annotated[float, Meta(gt=0, le=168, description="Paid hours; 168: always on.")] = 168.0
    other_dollars_a_month: Annotated[
        Amount, Meta(description="Storage, network, people: paid whether it is used or not.")
    ] = Amount()
    price_calls: Annotated[
        bool, Meta(description="Whether its calls are priced by this. Off: by price lists and contracts alone.")
    ] = True
    valid_from: Annotated[date | None, Meta(description="First paid day. Empty: always was.")] = None
    valid_to: Annotated[date | None, Meta(description="Last paid day, included. Empty: goes on.")] = None


class SelfhostSettings(msgspec.Struct, frozen=True):
    """Own models: what they cost, what fits where, how fast it is."""

    gpu_prices: Annotated[
        FilePath, Meta(description="Prices that `farthing selfhost prices import` wrote; they come before ours.")
    ] = FilePath()
    measurements: Annotated[
        str, Meta(description="File to which `farthing selfhost measure` adds; plans are calibrated by it.")
    ] = "farthing-measured.json"
    reports: Annotated[
        str,
        Meta(
            description="Folder in which `farthing quantize` and `farthing distil tune` leave a report of each model."
        ),
    ] = "farthing-models"
    deployments: Annotated[dict[str, OwnDeploymentSettings], Meta(description="By label in the ledger.")] = {}
