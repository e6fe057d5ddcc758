"""Work under way as a page shows it: how much is done, and how long the rest may take. A page that has any gives it as the value
`progress`."""

from typing import NamedTuple

from farthing.dashboard.view import View
from farthing.store import progress
from farthing.store.progress import Work

LEAST_SHARE = 0.02
"""Below it nothing is said of the rest."""


class Progress(NamedTuple):
    label: str
    share: float
    """Of 1."""
    left_us: int | None
    """As long as it took so far, by share; None where too little is done to say."""


async def under_way(view: View) -> list[Progress]:
    """For those who may see all of the tenant. Raises StoreError."""
    if not view.may("viewer"):
        return []
    found = await view.read(lambda connection: progress.under_way(connection, view.tenant, view.now_us))
    return [progress_of(each) for each in found]


def progress_of(work: Work) -> Progress:
    share = min(1.0, max(0.0, work.done / work.whole)) if work.whole > 0 else 0.0
    took_us = work.at_us - work.begun_us
    return Progress(work.label, share, round(took_us * (1 - share) / share) if share >= LEAST_SHARE else None)
