"""Templates: what kind of work a prompt template does, named in the settings or learned from its calls.

A template is learned where its calls were seen to do one kind of work again and again; the first call that is seen to do
another one ends that. Memory is bounded and kept apart by tenant, so that nobody's prompts drive out another's; another
gateway learns for itself. Knows nothing of how a call's kind of work is seen.
"""

from collections.abc import Mapping
from typing import NamedTuple

from farthing.settings.tree import TemplateRoutingSettings

LEARN_FROM = 20
"""Calls with a kind of work that was seen, before a template is trusted."""
AGREEMENT = 0.95
"""Share of these that must agree."""
SEEN = 0.25
"""Share of all its calls in which any kind of work must have been seen: a template whose calls mostly could not be told is
left to its calls."""
UNTOLD = 50
"""Calls of which not one could be told, after which a template's calls are not looked into: they are served by the safe tier
anyway, and a look is most of what choosing a model costs. The first that can be told ends that."""
FADE_AT = 400
"""Looks at which all counts are halved, so that what was long ago counts less."""
LOOK_AGAIN = 32
"""Of so many calls of a learned template one is looked at all the same."""
MOST = 2_000
"""Templates of one tenant in memory; the one not looked at for longest goes first."""


class Known(NamedTuple):
    """What is known of a template, and why."""

    task: str
    why: str


class _Counts:
    """What was seen in one template's calls."""

    __slots__ = ("calls", "known", "looks", "seen")

    def __init__(self) -> None:
        self.looks = 0
        self.seen: dict[str, int] = {}
        """Calls by kind of work; what could not be told is only in `looks`."""
        self.calls = 0
        """Since the last look."""
        self.known: Known | None = None

    def add(self, task: str) -> None:
        if self.known is not None and task and task != self.known.task:
            self.seen, self.looks = {}, 0
        self.looks += 1
        if task:
            self.seen[task] = self.seen.get(task, 0) + 1
        if self.looks >= FADE_AT:
            self.looks //= 2
            self.seen = {name: count // 2 for name, count in self.seen.items() if count > 1}
        self.known = self._judged()

    def _judged(self) -> Known | None:
        told = sum(self.seen.values())
        if not told and self.looks >= UNTOLD:
            return Known("", f"none of {self.looks} calls of its template could be told")
        if told < LEARN_FROM or told < SEEN * self.looks:
            return None
        task, count = max(self.seen.items(), key=lambda item: item[1])
        if count < AGREEMENT * told:
            return None
        return Known(task, f"{count} of {told} calls of its template that could be told")


class Templates:
    """See the module."""

    def __init__(self, named: Mapping[str, TemplateRoutingSettings] | None = None) -> None:
        self._named = {
            template.fingerprint: Known(template.task, f"template '{name}' of the settings")
            for name, template in (named or {}).items()
            if template.task
        }
        self._counts: dict[str, dict[str, _Counts]] = {}
        """By tenant."""

    def find(self, tenant: str, template: str) -> Known | None:
        """The kind of work of a template; None where it must be looked for in the call, now and then also to see whether
        what was learned still holds."""
        named = self._named.get(template)
        if named is not None:
            return named
        counts = self._counts.get(tenant, _NONE).get(template)
        if counts is None or counts.known is None:
            return None
        counts.calls += 1
        if counts.calls % LOOK_AGAIN == 0:
            return None
        return counts.known

    def learn(self, tenant: str, template: str, task: str) -> None:
        """A call of the template was looked at; `task` is empty if its kind of work could not be told."""
        if template in self._named:
            return
        own = self._counts.setdefault(tenant, {})
        counts = own.pop(template, None)
        if counts is None:
            counts = _Counts()
            if len(own) >= MOST:
                del own[next(iter(own))]
        own[template] = counts
        counts.add(task)

    def __len__(self) -> int:
        return sum(map(len, self._counts.values()))


_NONE: dict[str, _Counts] = {}
