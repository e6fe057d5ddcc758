"""Who goes first among tenants: deficit round robin (Shreedhar and Varghese, 1995), counted in what lines may cost at worst.

Each round a tenant with waiting lines is given a quantum, times its weight, and its lines go while they cost no more than
what it has. So while two tenants wait, what either gets for its weight differs from the other by at most a quantum and
the dearest line of each, whoever came first and however much each handed in. Within a tenant the higher priority goes
first, then the earlier deadline. Pure: what a tenant has left over is handed in and out.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

import msgspec

from farthing.model.money import Nano

Key = TypeVar("Key", bound=Hashable)


class Claim(msgspec.Struct, Generic[Key], frozen=True):
    """A line that waits for its turn."""

    line: Key
    tenant: str
    cost: Nano
    """At worst."""
    deadline_us: int
    priority: int = 0
    """Higher goes first within its tenant."""


class Turns(msgspec.Struct):
    """What is kept from one time to the next."""

    left: dict[str, Nano] = {}
    """Of each tenant's quanta; who has nothing waiting loses it."""
    last: str = ""
    """Who was served last: the next one begins."""


def share(
    claims: Iterable[Claim[Key]], turns: Turns, *, lines: int, quantum: Nano, weights: Mapping[str, float] | None = None
) -> list[Claim[Key]]:
    """The next `lines` claims at most, in their order; `turns` is changed. Raises ValueError for a quantum or a weight that
    is not above 0."""
    weights = weights or {}
    if quantum <= 0 or any(weight <= 0 for weight in weights.values()):
        raise ValueError("a quantum and weights are above 0")
    queues = _queues(claims)
    turns.left = {tenant: turns.left.get(tenant, 0) for tenant in queues}
    names = _from_next(sorted(queues), turns.last)
    found: list[Claim[Key]] = []
    fresh = (
        turns.last not in queues or turns.left[turns.last] <= 0 or queues[turns.last][-1].cost > turns.left[turns.last]
    )
    if not fresh:
        names = [turns.last, *(name for name in names if name != turns.last)]
    while queues and len(found) < lines:
        if fresh:
            _skip_idle_rounds(queues, turns, names, quantum, weights)
        for name in list(names):
            if fresh:
                turns.left[name] += round(quantum * weights.get(name, 1.0)) or 1
            fresh = True
            turns.last = name
            queue = queues[name]
            while queue and queue[-1].cost <= turns.left[name] and len(found) < lines:
                turns.left[name] -= queue[-1].cost
                found.append(queue.pop())
            if not queue:
                del queues[name], turns.left[name]
                names.remove(name)
            if len(found) >= lines:
                break
    return found


def _queues(claims: Iterable[Claim[Key]]) -> dict[str, list[Claim[Key]]]:
    """Of each tenant; the next one is the last."""
    queues: dict[str, list[Claim[Key]]] = {}
    for claim in claims:
        queues.setdefault(claim.tenant, []).append(claim)
    for queue in queues.values():
        queue.sort(key=lambda claim: (-claim.priority, claim.deadline_us), reverse=True)
    return queues


def _from_next(names: list[str], last: str) -> list[str]:
    after = [name for name in names if name > last]
    return after + names[: len(names) - len(after)]


def _skip_idle_rounds(
    queues: Mapping[str, list[Claim[Key]]],
    turns: Turns,
    names: Iterable[str],
    quantum: Nano,
    weights: Mapping[str, float],
) -> None:
    """All rounds at once in which nobody could go yet: a line far dearer than a quantum is no long loop."""
    rounds = min(
        (queues[name][-1].cost - turns.left[name] - 1) // (round(quantum * weights.get(name, 1.0)) or 1)
        for name in names
    )
    if rounds > 0:
        for name in names:
            turns.left[name] += rounds * (round(quantum * weights.get(name, 1.0)) or 1)
