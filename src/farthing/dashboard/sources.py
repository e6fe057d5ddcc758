"""What pages read from. Made by the composition root; a page takes what it needs and knows of nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field

from farthing.catalog import Catalog, Costs
from farthing.dashboard.backtests import Backtests
from farthing.dashboard.memory import Memory
from farthing.dashboard.paid_hours import PaidHours
from farthing.dashboard.proofs import Proofs
from farthing.gateway.calls import Unwritten
from farthing.model.routes import Table
from farthing.settings import Settings
from farthing.steps.balance.health import Health
from farthing.store import Store
from farthing.store.entries import Entries


@dataclass(frozen=True)
class Sources:
    settings: Settings
    store: Store
    ledger: Unwritten
    """Knows calls that are not in the store yet."""
    health: Health
    """Of the deployments, as this process sees them."""
    now_us: Callable[[], int]
    catalog: Catalog
    costs: Costs
    table: Callable[[], Table]
    """The routing table that holds."""
    proofs: Proofs
    backtests: Backtests
    settings_file: str = ""
    """Where the settings were read; empty: there is no such file."""
    memory: Memory = field(default_factory=Memory)
    entries: Entries | None = None
    """What the cache stores; None where no feature has one."""
    probing: Callable[[str, str, str], str] = lambda tenant, scope, model: ""
    """How this process looks at a model that is out of some work; see `quality.probing`."""
    nudge: Callable[[str], None] = lambda job_id: None
    """A job was changed: whoever works the queue here looks now, and who waits for this job is told."""
    paid: PaidHours | None = None
    """What the paid hours of own deployments were used for; None where no page asks."""
