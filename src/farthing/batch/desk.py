"""What the parts of the worker share: the store, the name under which this gateway holds work, jobs as they were handed in,
and who is told of what has ended. Knows nothing of what the parts do.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from farthing.batch.leasing import LEASE_S
from farthing.batch.news import News
from farthing.model.batch import Job
from farthing.model.clock import SYSTEM, Clock
from farthing.model.record import Record
from farthing.store import Store
from farthing.store.batch import jobs
from farthing.store.batch.rows import PLAIN
from farthing.store.sealing import Wrapping

MOST_JOBS = 2000


class Desk:
    """See the module. `committed` hears of records that the worker has written."""

    def __init__(
        self, store: Store, holder: str, new_id: Callable[[], str], committed: Callable[[Sequence[Record]], None],
        news: News, wrapping: Wrapping = PLAIN, clock: Clock = SYSTEM,
    ) -> None:  # fmt: skip
        self.store = store
        self.holder = holder
        self.new_id = new_id
        self.committed = committed
        self.news = news
        self.wrapping = wrapping
        self.clock = clock
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    @property
    def now_us(self) -> int:
        return self.clock.now_us()

    @property
    def until_us(self) -> int:
        """Until when what is taken now is held."""
        return self.clock.now_us() + int(LEASE_S * 1e6)

    async def job(self, job_id: str) -> Job | None:
        """As it was handed in; its counts and its state may be old. None: there is none. Raises StoreError."""
        found = self._jobs.get(job_id)
        if found is not None:
            self._jobs.move_to_end(job_id)
            return found
        found = await self.store.do(lambda connection: jobs.get(connection, job_id))
        if found is not None:
            self._jobs[job_id] = found
            if len(self._jobs) > MOST_JOBS:
                self._jobs.popitem(last=False)
        return found
