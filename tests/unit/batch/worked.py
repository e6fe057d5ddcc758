"""A worker of the queue for tests: takes lines and ends them with an answer that the test gives."""

import json
import time

from farthing.model.batch import Line, LineState
from farthing.model.record import Record
from farthing.store import Store, writing
from farthing.store.batch import lines
from farthing.store.engine import Connection
from unit.store.batch.samples import begun

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "blue"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
).encode()  # fmt: skip


async def work(
    store: Store, *, answer: bytes = ANSWER, status: int = 200, state: LineState = "done", limit: int = 100
) -> list[Line]:  # fmt: skip
    """End the lines that wait now, each with a call of its own that cost 2 instead of 4 nano-dollars."""
    now_us = time.time_ns() // 1000

    def work_off(connection: Connection) -> list[Line]:
        lines.waiting(connection, now_us)
        taken = lines.take(connection, now_us=now_us, holder="w", until_us=now_us + 60_000_000, limit=limit)
        for line in taken:
            call_id = f"call-of-{line.job}"
            record = Record(
                call_id,
                now_us,
                line.wire,
                model="gpt-4o-mini",
                status=status,
                cost=2,
                baseline=4,
                cost_state="computed",
            )
            with connection.transaction():
                begun(connection, line, call_id, now_us=now_us)
                writing.write(connection, [record])
                ended = lines.Ended(line.job, line.no, call_id, state, status, answer, 2, 4)
                lines.settle(connection, [ended], now_us)
        return taken

    return await store.do(work_off)
