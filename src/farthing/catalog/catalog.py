"""The models at hand: which stand for which tier, what each can do, and why one cannot serve a call.

Tiers are as the settings list them. Where they list none of a tier, each provider brings the first model of its ladder
(`models.json`) that has a price: providers in the order of the settings, so that the first provider's flagship is the
one that quality is compared with. Knows nothing of what calls cost, and of how good answers are.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from farthing.catalog.facts import CAPABILITIES, KINDS, Kind, ModelFacts, facts_of, shipped
from farthing.model.asked import Asked
from farthing.model.call import Deployment
from farthing.model.errors import UnknownModel
from farthing.model.routes import ROUTED, TIERS, Tier
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.settings import ModelSettings, Problem, Settings, SettingsError

SMALLEST_CONTEXT = 8_192
"""Tokens that any chat model of today takes: all that a model of unknown size is trusted with."""
MEMORY = 4_096
"""Names that are remembered; callers choose them."""

Served = Callable[[str], Sequence[Deployment]]
"""Where a model is served, the deployment first whose price counts. Raises UnknownModel."""

_NOTHING = Asked()
_TOKEN = Usage(uncached_in=1)
_PHRASES = {
    "tools": "call tools", "schema": "keep to a JSON schema", "images": "see images", "audio": "hear audio",
    "files": "read files", "reasoning": "think before it answers",
}  # fmt: skip
assert tuple(_PHRASES) == CAPABILITIES


class Catalog:
    """Made once from the settings. `lists` names each provider's price list, in the order of the settings."""

    def __init__(
        self, book: PriceBook, settings: Settings, served: Served, lists: Mapping[str, str],
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._book = book
        self._settings = settings
        self._served = served
        self.lists = dict(lists)
        self._now_us = now_us
        self._facts: dict[str, ModelFacts] = {}
        self._places: dict[str, tuple[Deployment, ...]] = {}
        self._held = (_NOTHING, _NOTHING.needs)
        self._listed = {kind: tuple(getattr(settings.routing, kind)) for kind in KINDS}
        self._of_kind = {kind: self._models_of(kind) for kind in KINDS}
        if not self._of_kind["flagship"]:
            self._of_kind |= dict.fromkeys(TIERS, ())
        self._tiers: dict[Tier, tuple[str, ...]] = {tier: self._of_kind[tier] for tier in TIERS}

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]:
        """The models of each tier. All are empty where nothing stands for the flagship."""
        return self._tiers

    @property
    def embeddings(self) -> tuple[str, ...]:
        """Models that make vectors, the one to take first."""
        return self._of_kind["embedding"]

    @property
    def reference(self) -> str:
        """The model that quality is compared with; empty if there is none."""
        return next(iter(self._of_kind["flagship"]), "")

    def choices(self) -> tuple[str, ...]:
        """Names that callers may ask for although they are no models: `auto`, and the tiers that are not empty."""
        if not self.reference:
            return ()
        filled = [tier for tier in TIERS if self._tiers[tier]]
        names = ("auto", *(f"auto:{tier}" for tier in filled), *filled)
        return tuple(name for name in names if name in ROUTED and name not in self._settings.models)

    def tier_of(self, model: str) -> Kind | None:
        """The tier that `model` stands for here, or else belongs to by what is known of it."""
        return self.stands_for(model) or self.facts(model).tier

    def stands_for(self, model: str) -> Kind | None:
        """The tier that chooses from `model` among others; None where none does."""
        return next((kind for kind in KINDS if model in self._of_kind[kind]), None)

    def facts(self, model: str) -> ModelFacts:
        """What is known of a model by the name that callers ask for: settings, then the price lists, then our data."""
        found = self._facts.get(model)
        if found is None:
            found = self._look_up(model)
            if len(self._facts) >= MEMORY:
                self._facts.clear()
            self._facts[model] = found
        return found

    def places(self, model: str) -> tuple[Deployment, ...]:
        """Where a model is served; empty where nobody serves it."""
        found = self._places.get(model)
        if found is None:
            try:
                found = tuple(self._served(model))
            except UnknownModel:
                found = ()
            if len(self._places) >= MEMORY:
                self._places.clear()
            self._places[model] = found
        return found

    def name_at(self, provider: str, model: str) -> str:
        """The name by which callers get the provider's model; empty where they cannot."""
        for name in (model, f"{provider}/{model}"):
            places = self.places(name)
            if places and places[0].provider == provider and places[0].model == model:
                return name
        return ""

    def name_there(self, model: str) -> str:
        """What the model is called at the first provider that serves it, as attempts have it."""
        places = self.places(model)
        return places[0].model if places else model

    def missing(self, model: str, asked: Asked, max_output: int | None = None, region: str = "") -> str:
        """Why `model` cannot serve such a call, in words; empty if it can."""
        facts = self.facts(model)
        tokens = max(asked.most_in_tokens, asked.in_tokens)
        context = facts.context if facts.context is not None else SMALLEST_CONTEXT
        if region and all(place.region.lower() != region.lower() for place in self.places(model)):
            return f"not known to be served in {region}"
        if tokens + (max_output or 0) > context:
            if facts.context is None:
                return f"context is not known, and about {tokens:,} tokens are more than any model takes"
            more = f" and {max_output:,} of output" if max_output and tokens <= context else ""
            return f"context of {context:,} tokens is too small for about {tokens:,}{more}"
        if max_output and facts.max_output is not None and max_output > facts.max_output:
            return f"it writes at most {facts.max_output:,} tokens, {max_output:,} are asked for"
        lacking = self._needs_of(asked) - facts.can
        if lacking:
            return f"not known to {' and '.join(words for name, words in _PHRASES.items() if name in lacking)}"
        return ""

    def _needs_of(self, asked: Asked) -> frozenset[str]:
        """Worked out once for all the models that one call is held against."""
        if asked is not self._held[0]:
            self._held = (asked, asked.needs)
        return self._held[1]

    def check(self) -> None:
        """Raises SettingsError for a tier that nobody would serve, and for capabilities that there are not."""
        found = list(self.problems())
        if found:
            raise SettingsError("", found)

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the tiers that settings list, and with what they say that models can; tiers that they leave
        to us are never wrong."""
        for name, own in self._settings.models.items():
            for word in own.can:
                if word not in CAPABILITIES:
                    cure = f"Write some of {', '.join(CAPABILITIES)}."
                    yield Problem(0, f"models.{name}.can", f"{word!r} is nothing that calls ask for", cure)
        for kind, models in self._listed.items():
            for model in models:
                problem = self._stranded(model)
                if problem is not None:
                    yield Problem(0, f"routing.{kind}", *problem)
            if models and all(self._is_denied(model) for model in models):
                yield Problem(0, f"routing.{kind}", "routing.deny leaves no model in it", "Deny less, or list others.")
        if any(self._listed[tier] for tier in TIERS) and not self.reference:
            cure = 'Write flagship = ["MODEL"]: it is what quality is compared with.'
            yield Problem(0, "routing.flagship", "there is no flagship model", cure)

    def _stranded(self, model: str) -> tuple[str, str] | None:
        """What keeps a listed model from ever being chosen, and the cure."""
        places = self.places(model)
        if model in ROUTED and model not in self._settings.models:
            return f"{model!r} is a name for a choice, not a model", "List models."
        if not places:
            return f"no provider serves {model!r}", 'Add its provider, or write "PROVIDER/MODEL".'
        if not self.has_price(places[0]):
            cure = "Add a contract or a rate card below [prices], or `price_as` to the model."
            return f"no price is known for {model!r}, so that nobody can say what it saves", cure
        return None

    def has_price(self, place: Deployment) -> bool:
        """Whether what a deployment costs is known."""
        name = place.price_as or place.model
        return self._book.price(place.prices, name, _TOKEN, at_us=self._now_us()).state != "unpriced"

    def _models_of(self, kind: Kind) -> tuple[str, ...]:
        models = self._listed[kind] or tuple(self._prefilled(kind))
        return tuple(model for model in dict.fromkeys(models) if not self._is_denied(model))

    def _prefilled(self, kind: Kind) -> Iterator[str]:
        """One model of each provider that has a ladder; of two providers with the same one, the first."""
        ladders = shipped().ladders
        for price_list in dict.fromkeys(self.lists.values()):
            for provider in (name for name, its in self.lists.items() if its == price_list):
                rungs = ladders.get(price_list, {}).get(kind, ())
                found = next((name for rung in rungs if (name := self._usable(provider, rung))), "")
                if found:
                    yield found
                    break

    def _usable(self, provider: str, model: str) -> str:
        """The name of a provider's model that routing may choose; empty for one that it may not."""
        name = self.name_at(provider, model)
        return name if name and self.has_price(self.places(name)[0]) and not self._is_denied(name) else ""

    def _is_denied(self, model: str) -> bool:
        return any(fnmatchcase(model, pattern) for pattern in self._settings.routing.deny)

    def _look_up(self, model: str) -> ModelFacts:
        own = self._settings.models.get(model, ModelSettings())
        places = self.places(model)
        known = [facts_of(place.price_as or place.model) for place in places] or [facts_of(model)]
        contexts = [self._context(place, facts) for place, facts in zip(places, known, strict=False)]
        outputs = [facts.max_output for facts in known if facts.max_output is not None]
        return ModelFacts(
            tier=known[0].tier,
            context=own.context or _least(contexts) or (known[0].context if not places else None),
            max_output=min(outputs, default=None),
            can=frozenset(own.can) or frozenset.intersection(*(facts.can for facts in known)),
            verbosity=known[0].verbosity,
            left_out=known[0].left_out,
        )

    def _context(self, place: Deployment, facts: ModelFacts) -> int | None:
        card = self._book.card(place.prices, place.price_as or place.model)
        return card.context_window if card is not None and card.context_window else facts.context


def _least(contexts: Sequence[int | None]) -> int | None:
    """The smallest, which every deployment has; None where one is not known."""
    known = [context for context in contexts if context is not None]
    return min(known) if known and len(known) == len(contexts) else None
