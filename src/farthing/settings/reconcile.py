"""Settings of comparing the ledger with providers' bills."""

from typing import Annotated

import msgspec
from msgspec import Meta


class ReconcileSettings(msgspec.Struct, frozen=True):
    """How providers' bills are held against the ledger; see `farthing reconcile`."""

    tolerance_percent: Annotated[
        float, Meta(ge=0, le=100, description="Difference in percent of the bill below which all is well.")
    ] = 1.0
    keys: Annotated[
        dict[str, str],
        Meta(
            description="A provider's id of a key, project or workspace, and the NAME of the provider here that uses it. With any of "
            "them, what other ids used is traffic outside the gateway."
        ),
    ] = {}
    models: Annotated[
        dict[str, str], Meta(description="What a bill calls a model or a meter, and the model's name in the ledger.")
    ] = {}
