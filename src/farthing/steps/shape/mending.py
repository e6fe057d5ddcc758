"""Repair on the way: tools in one canonical spelling, where settings want it. What it means is the same; its bytes no longer
change from call to call, so that the provider's cache can be read. Knows nothing of how tools are spelled."""

from collections.abc import Mapping

from farthing.model.call import Answer, Call
from farthing.pipeline import Proceed
from farthing.wire.repair import Repairer


class Mend:
    """See the module. `features` says for which features, where that differs from `everywhere`."""

    name = "repair"

    def __init__(self, everywhere: bool, features: Mapping[str, bool]) -> None:
        self._everywhere = everywhere
        self._features = dict(features)
        self._repairer = Repairer()

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if not self._features.get(call.principal.feature, self._everywhere):
            return await proceed(call)
        body = call.body
        made = self._repairer.repaired(call.wire, body)
        if made is body:
            return await proceed(call)
        call.trail.note(self.name, "tools in order", "so that equal tools are equal bytes to the provider's cache")
        call.body = made
        try:
            return await proceed(call)
        finally:
            call.body = body
