"""Takes the results of a shard as they come, in any order, and settles each line with its own: exactly once, however often
they are fetched. Knows nothing of files and of when a shard is finished.
"""

import asyncio
from collections.abc import Mapping

from farthing.batch.desk import Desk
from farthing.batch.settling import Outcome, Settler, again, may_try_again, outcome
from farthing.batch.walks import Walks
from farthing.model.batch import LINE_ENDS, Line, Sent, Shard
from farthing.store.batch import lines
from farthing.upstream.batches import BatchApi
from farthing.upstream.batches.api import Look, Result, call_of

AT_ONCE = 200
"""Results that are settled together."""


class Fetcher:
    """See the module."""

    def __init__(self, desk: Desk, walks: Walks, settler: Settler) -> None:
        self._desk = desk
        self._walks = walks
        self._settler = settler

    async def settle(self, api: BatchApi, shard: Shard, look: Look) -> None:
        """All results that there are. Raises UpstreamError, Refused and StoreError; what was settled before that is."""
        chunk: dict[str, Result] = {}
        async for result in api.results(shard, look):
            call_id = call_of(shard.id, result.custom_id)
            if call_id:
                chunk[call_id] = result
            if len(chunk) >= AT_ONCE:
                await self._settle(shard, chunk)
                chunk = {}
        if chunk:
            await self._settle(shard, chunk)

    async def _settle(self, shard: Shard, results: Mapping[str, Result]) -> None:
        desk = self._desk
        runs = await desk.store.do(lambda c: lines.of_calls(c, list(results), wrapping=desk.wrapping))
        outcomes: list[Outcome] = []
        for line, sent in runs:
            outcomes.append(await self._outcome(shard, line, sent, results[line.call_id]))
            await asyncio.sleep(0)  # calls of people go between
        if outcomes:
            await self._settler.keep(outcomes)

    async def _outcome(self, shard: Shard, line: Line, sent: Sent, result: Result) -> Outcome:
        job = await self._desk.job(line.job)
        if job is None or (not result.status and may_try_again(line, self._desk.now_us)):
            return again(line, line.call_id, self._desk.now_us)
        if line.state in LINE_ENDS:
            late = await self._walks.late(line, job, shard, sent, result.status, result.body)
            return Outcome(line, line.call_id, line.state, record=late)
        settled = await self._walks.settle(line, job, shard, sent, result.status, result.body)
        return outcome(line, line.call_id, settled, self._desk.now_us)
