"""Who looks after students in a replay, on its clock: what was captured is learned from, and those in the shadow are promoted or
taken back, as often as a gateway would. Knows nothing of plans."""

import contextlib

from farthing.app.learning import Learning
from farthing.embed import EncoderError
from farthing.settings.student import StudentSettings
from farthing.store import StoreError

HOUR_US = 3_600_000_000


class Tending:
    """See the module. Does nothing where no students are wanted."""

    def __init__(self, settings: StudentSettings, learning: Learning, now_us: int) -> None:
        self._learning = learning
        self._every_us = round(settings.train_hours * HOUR_US)
        self._trained_us = self._looked_us = now_us

    async def __call__(self, now_us: int) -> None:
        """Before the next call."""
        life = self._learning.life
        if life is None:
            return
        await life.settle()
        with contextlib.suppress(StoreError, EncoderError):  # then teachers answer
            if self._every_us and now_us - self._trained_us >= self._every_us:
                self._trained_us = now_us
                await self._learning.learn()
            if now_us - self._looked_us >= HOUR_US:
                self._looked_us = now_us
                await life.look()
