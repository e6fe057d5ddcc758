"""How long conversations go on once they are long, as far as earlier ones show it: counts in memory, no text.

Turns are counted from the one on that passed the limit. Of conversations that got to the turn `n` the share that got to `n + k`
is the chance that one goes on for `k` more turns, so the turns to be expected are

    E = (got to n+1 + ... + got to n+most) / got to n

A conversation that is still under way counts as if it had ended, so that rather too few are expected. Knows nothing of wires.
"""

from collections import OrderedDict

MOST_TURNS = 256
"""Turns that are told apart; later ones count as nothing."""
LEAST = 20
"""Conversations that must have been at a turn before anything is said of what follows it."""
FULL = 1_000
"""Conversations from which on all counts are halved, so that what is new weighs more."""
TENANTS = 1_000


class Lengths:
    """See the module; the same for all conversations of one tenant."""

    def __init__(self) -> None:
        self._reached: OrderedDict[str, list[float]] = OrderedDict()

    def note(self, tenant: str, turn: int) -> None:
        """A conversation is at this turn for the first time; 0 is the one that passed the limit."""
        if turn >= MOST_TURNS:
            return
        reached = self._reached.setdefault(tenant, [])
        self._reached.move_to_end(tenant)
        reached += [0.0] * (turn + 1 - len(reached))
        reached[turn] += 1
        if reached[turn] >= FULL:
            self._reached[tenant] = [each / 2 for each in reached]
        if len(self._reached) > TENANTS:
            self._reached.popitem(last=False)

    def expected(self, tenant: str, turn: int, most: float) -> float | None:
        """The turns to come after this one, of at most `most`; None where too little is known."""
        reached = self._reached.get(tenant, [])
        if turn >= len(reached) or reached[turn] < LEAST:
            return None
        later = reached[turn + 1 : turn + 1 + int(most)]
        return sum(min(1.0, each / reached[turn]) for each in later)
