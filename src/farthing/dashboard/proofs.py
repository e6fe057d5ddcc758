"""What hold-outs show of a span of days."""

import time
from collections.abc import Callable
from contextlib import closing

from farthing.dashboard.worked_out import WorkedOut
from farthing.quality.holdout import Proof, prove
from farthing.store import arms, engine_for


class Proofs(WorkedOut[list[Proof]]):
    """By lever. `url` is the store's. A small ledger takes less than a page waits, once the process runs."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(proven, url, wait_s=0.5, patience_s=60.0, clock=clock)


def proven(url: str, tenant: str, since_us: int, until_us: int) -> list[Proof]:
    """Runs in the process of its own."""
    with closing(engine_for(url).connect()) as connection:
        sums = arms.sums(connection, since_us, tenant=tenant)
    return prove(each for each in sums if each.day_us < until_us)
