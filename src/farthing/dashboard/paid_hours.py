"""What the paid hours of own deployments were used for: the same figures as `farthing tco deployment`. Tries are read one by
one, so a process of its own does it."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing

from farthing.dashboard.worked_out import WorkedOut
from farthing.finops.selfhosted import Standing, standing
from farthing.settings import OwnDeploymentSettings
from farthing.store import engine_for
from farthing.store.served import served


class PaidHours(WorkedOut[list[Standing]]):
    """By deployment. `url` is the store's; all tenants' calls are counted, since the GPUs are paid for together."""

    def __init__(
        self, url: str, deployments: Mapping[str, OwnDeploymentSettings], clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        super().__init__(standings, url, dict(deployments), wait_s=0.5, patience_s=120.0, clock=clock)
        self.is_needed = bool(deployments)


def standings(
    url: str, deployments: Mapping[str, OwnDeploymentSettings], tenant: str, since_us: int, until_us: int
) -> list[Standing]:  # fmt: skip
    """Runs in the process of its own."""
    with closing(engine_for(url).connect()) as connection:
        return [
            standing(name, own, served(connection, name, since_us, until_us, tenant=tenant), since_us, until_us)
            for name, own in deployments.items()
        ]
