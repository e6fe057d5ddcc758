"""Whether the cache can be read or written now: one warning when it cannot, one note when it can again."""

import logging
import time

log = logging.getLogger(__name__)

_FIRST_REST_S = 0.5
_LONGEST_REST_S = 15.0


class Health:
    """Of one side of the store. Any thread may tell it; a lost race costs a second warning at most."""

    def __init__(self, side: str, beside: "Health | None" = None) -> None:
        """`side`: what cannot be done, such as "read". What the side `beside` this one has said is not said again."""
        self._beside = beside
        if beside is not None:
            beside._beside = self
        self._side = side
        self._rest_s = 0.0
        self._until = 0.0
        self._noted: set[str] = set()
        self.trouble = ""
        """Why it cannot be done now and what to do; empty while it can."""

    @property
    def resting(self) -> bool:
        """Whether it failed a moment ago, so that trying again now would only cost time."""
        return bool(self.trouble) and time.monotonic() < self._until

    def failed(self, why: str, then: str) -> None:
        """`then`: what happens until it works again, for people."""
        self._rest_s = min(max(2 * self._rest_s, _FIRST_REST_S), _LONGEST_REST_S)
        self._until = time.monotonic() + self._rest_s
        if not self.trouble and (self._beside is None or self._beside.trouble != why):
            log.warning("the cache cannot be %s now, so %s: %s", self._side, then, why)
        self.trouble = why

    def note(self, what: str) -> None:
        """Something that is wrong but stops nothing; the same words are logged once."""
        if what not in self._noted:
            self._noted.add(what)
            log.warning(what)

    def worked(self) -> None:
        if self.trouble:
            self.trouble = ""
            self._rest_s = 0.0
            log.warning("the cache can be %s again", self._side)
