"""Picks the deployment that serves the call: which provider, and what the model is called there."""

from typing import Protocol

from farthing.model.call import Answer, Call, Deployment
from farthing.pipeline import Proceed


class Deployments(Protocol):
    """What can be chosen from."""

    def deployment(self, model: str) -> Deployment:
        """Raises UnknownModel."""


class Balance:
    """See the module."""

    name = "balance"

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        deployment = call.deployment = self._deployments.deployment(call.ask.model)
        if deployment.model != call.ask.model:
            call.trail.note(self.name, f"{deployment.provider}/{deployment.model}", "what the model's name means here")
        return await proceed(call)
