"""How hard a model shall think, where the request says nothing about it and every model that it may go to takes an effort."""

from collections.abc import Sequence

from farthing.model.call import Call
from farthing.steps.shape.control import Change, Places, Quiet
from farthing.steps.shape.places import deployments
from farthing.wire.effort import takes, with_effort


class Effort(Quiet):
    """See the module."""

    name = "effort"

    def __init__(self, effort: str, places: Places) -> None:
        self.key = f"effort {effort}"
        self._effort = effort
        self._places = places

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        places = deployments(self._places, models)
        if not places or not all(takes(call.wire, place.model) for place in places):
            return None
        made = with_effort(call.wire, call.body, self._effort)
        return None if made is call.body else Change(made, self.key, "the settings of the feature")
