"""Where a call may go, for controls that must know whether every model there takes them."""

from collections.abc import Sequence

from farthing.model.call import Deployment
from farthing.model.errors import UnknownModel
from farthing.steps.shape.control import Places


def deployments(places: Places, models: Sequence[str]) -> list[Deployment]:
    """Everywhere the call may go; empty where one of the models is not known."""
    try:
        return [place for model in models for place in places(model)]
    except UnknownModel:
        return []
