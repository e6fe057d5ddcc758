"""The models weighed for one call: which can and may serve it, what each is expected to cost, and which is chosen by the
table or an operator's lock.

Calls alike, in the same few seconds, are weighed once: what is weighed depends on the kind of call, not on its words.
Sizes count in steps of a sixteenth of their power of two, rounded up where they must fit a context window.
"""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from farthing.model.asked import Asked
from farthing.model.call import Call
from farthing.model.errors import NoModelFits
from farthing.model.money import Nano
from farthing.model.principal import may_use
from farthing.model.routes import TIERS, Table, Tier
from farthing.steps.route.choose import Candidate, Choice, choose
from farthing.steps.route.policy import Policy
from farthing.steps.route.telling import in_full
from farthing.steps.route.wish import Wish

KEEP_S = 5.0
MOST = 4_096
"""Kinds of calls that are remembered."""
NOBODY = Asked()

Scopes = tuple[str, ...]


class Models(Protocol):
    """What models there are, and what they can do."""

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]: ...
    def missing(self, model: str, asked: Asked, max_output: int | None, region: str) -> str:
        """Why `model` cannot serve such a call, in words; empty if it can."""


class Costs(Protocol):
    """What calls are expected to cost."""

    def of(
        self, model: str, call: Call, scopes: Scopes, *, warm: bool = False, longer: float = 1.0
    ) -> Nano | None:  # fmt: skip
        """Nano-dollars of such a call at `model`; `warm`: its earlier turns lie in the provider's cache; `longer`: its answer
        is so many times as long as usual. None where no price is known."""


class Weighed(NamedTuple):
    """What came of it."""

    candidates: tuple[Candidate, ...]
    chosen: Candidate
    runner_up: str
    why: str
    """One sentence."""
    lines: str
    """Below the sentence: all that was weighed."""
    locked: bool


class Scales:
    """See the module. `table` gives the one that holds."""

    def __init__(
        self, models: Models, costs: Costs, table: Callable[[], Table], clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._models = models
        self._costs = costs
        self._table = table
        self._clock = clock
        self._known: dict[tuple[object, ...], tuple[float, Table, Weighed]] = {}

    def weigh(self, call: Call, wish: Wish, policy: Policy, scopes: Scopes) -> Weighed:
        """Raises NoModelFits with what removed each model."""
        kind, now, table = _kind(call, wish, policy, scopes), self._clock(), self._table()
        known = self._known.get(kind)
        if known is not None and known[1] is table and now - known[0] < KEEP_S:
            return known[2]
        weighed = self._weigh(call, wish, policy, scopes, table)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[kind] = now, table, weighed
        return weighed

    def tier_of(self, model: str) -> Tier | None:
        """The tier that `model` stands for; None for one of no tier."""
        return next((tier for tier, models in self._models.tiers().items() if model in models), None)

    def reference(self, tier: Tier) -> str:
        """The model of `tier` that others are compared with; empty if there is none."""
        return next(iter(self._models.tiers().get(tier, ())), "")

    def fits(self, call: Call, model: str, policy: Policy) -> bool:
        """Whether `model`, of whichever tier, can and may serve the call."""
        return not self._unfit(call, model, _rounded(call.asked or NOBODY), policy)

    def _weigh(self, call: Call, wish: Wish, policy: Policy, scopes: Scopes, table: Table) -> Weighed:
        candidates, removed = self._candidates(call, wish, policy, scopes)
        if not candidates:
            raise _nothing_fits(removed)
        tenant = call.principal.tenant
        floor = _floor(table, tenant, scopes, wish, policy)
        lock = policy.lock or table.lock(tenant, scopes)
        if lock:
            choice = _locked(lock, candidates, removed, wish)
        else:
            choice = choose(table, candidates, tenant, scopes, floor, task=call.task, textbook=policy.textbook)
        chosen = next(each for each in candidates if each.model == choice.model)
        lines = in_full(table, candidates, removed, tenant, scopes, floor, choice.runner_up)
        return Weighed(tuple(candidates), chosen, choice.runner_up, choice.why, lines, bool(lock))

    def _candidates(
        self, call: Call, wish: Wish, policy: Policy, scopes: Scopes
    ) -> tuple[list[Candidate], dict[str, str]]:  # fmt: skip
        """The models that can and may serve the call, with what each is expected to cost; and why the others do not."""
        found: list[Candidate] = []
        removed: dict[str, str] = {}
        asked = _rounded(call.asked or NOBODY)
        for tier, models in self._models.tiers().items():
            if tier not in wish.tiers:
                continue
            for model in models:
                why = self._unfit(call, model, asked, policy)
                cost = None if why else self._costs.of(model, call, scopes)
                if why:
                    removed[model] = why
                elif cost is None:
                    removed[model] = "no price is known"
                elif policy.most_nano and cost > policy.most_nano:
                    removed[model] = "expected to cost more than a call of this task may"
                else:
                    found.append(Candidate(model, tier, cost))
        if wish.kind == "substitute":
            found = self._cheaper_than_named(call, wish.model, found, scopes)
        return found, removed

    def _unfit(self, call: Call, model: str, asked: Asked, policy: Policy) -> str:
        if policy.forbids(model):
            return "denied by policy"
        if not may_use(call.key, model):
            return "not allowed for the key"
        return self._models.missing(model, asked, call.ask.max_output, call.region)

    def _cheaper_than_named(
        self, call: Call, named: str, found: list[Candidate], scopes: Scopes
    ) -> list[Candidate]:  # fmt: skip
        """The model that was named, and those that cost less."""
        cost = self._costs.of(named, call, scopes)
        own = Candidate(named, self.tier_of(named) or TIERS[-1], cost if cost is not None else 0)
        if cost is None:
            return [own]
        return [*(each for each in found if each.cost < cost and each.model != named), own]


def by_cost(candidate: Candidate) -> Nano:
    """For sorting."""
    return candidate.cost


def _kind(call: Call, wish: Wish, policy: Policy, scopes: Scopes) -> tuple[object, ...]:
    """All that weighing depends on, but the table and the time."""
    asked, ask, key = call.asked or NOBODY, call.ask, call.key
    return (
        wish, id(policy), call.principal.tenant, scopes, call.task, asked.needs, _step(asked.in_tokens),
        _step(asked.most_in_tokens), ask.max_output, ask.choices, ask.tier, key.models if key is not None else None,
        call.region,
    )  # fmt: skip


def _step(tokens: int) -> int:
    """Rounded up to a sixteenth of its power of two."""
    size = 1 << max(0, tokens.bit_length() - 5)
    return -(-tokens // size) * size


def _rounded(asked: Asked) -> Asked:
    """As large as any call of its kind."""
    return msgspec.structs.replace(
        asked, in_tokens=_step(asked.in_tokens), most_in_tokens=_step(asked.most_in_tokens)
    )  # fmt: skip


def _floor(table: Table, tenant: str, scopes: Scopes, wish: Wish, policy: Policy) -> float:
    """As a share of the flagship's quality; who named a model gets one that is as good as that."""
    named = table.cell(tenant, scopes, wish.model) if wish.kind == "substitute" else None
    return policy.floor * min(1.0, named.quality) if named is not None else policy.floor


def _locked(lock: str, candidates: list[Candidate], removed: dict[str, str], wish: Wish) -> Choice:
    found = [each for each in candidates if lock in (each.model, each.tier)]
    if not found and wish.kind == "substitute":
        return Choice(
            wish.model, None, "", f"{wish.model} as asked: {lock}, which is locked, is not cheaper or cannot serve it"
        )
    if not found:
        reason = removed.get(lock, "it cannot serve this call")
        raise _nothing_fits({**removed, lock: f"locked by the operator, but {reason}"})
    return Choice(min(found, key=by_cost).model, None, "", f"locked to {lock} by the operator")


def _nothing_fits(removed: Mapping[str, str]) -> NoModelFits:
    if not removed:
        return NoModelFits(
            "No model can be chosen: there are no tiers. Name models under [routing] in farthing.toml, or ask for a model by "
            "its name.",
            param="model",
        )
    why = ", ".join(f"{model} ({reason})" for model, reason in removed.items())
    return NoModelFits(f"No model of the tiers fits this call; removed: {why}.", param="model")
