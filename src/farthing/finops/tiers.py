"""Which tier a model of the ledger belongs to: as settings list it, else by what is known of it. Knows nothing of calls."""

from collections.abc import Callable
from fnmatch import fnmatchcase

from farthing.catalog.facts import KINDS, facts_of
from farthing.settings import Settings

STUDENT = "student"

TierOf = Callable[[str], str]
"""small, mid, flagship, embedding, student; empty for a model of which nothing is known."""


def tier_of(settings: Settings) -> TierOf:
    """How models, by their names at the providers, are sorted into tiers."""
    listed: dict[str, str] = {}
    for kind in KINDS:
        for name in getattr(settings.routing, kind):
            own = settings.models.get(name)
            there = {name.rpartition("/")[2], name} if own is None else {own.model or name}
            if own is not None:
                there |= {each.model or name for each in own.deployments}
            for model in there:
                listed.setdefault(model, kind)
    known: dict[str, str] = {}

    def tier(model: str) -> str:
        found = known.get(model)
        if found is None:
            is_student = any(fnmatchcase(model, pattern) for pattern in settings.finops.students)
            found = known[model] = STUDENT if is_student else listed.get(model) or facts_of(model).tier or ""
        return found

    return tier
