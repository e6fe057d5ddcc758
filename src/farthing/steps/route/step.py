"""The route step: which model serves a call that leaves the choice to Farthing, and what comes next if that one cannot.

In this order: what the model must be able to do and may cost, what policy forbids or locks, where the conversation is,
the measured table. A task whose answers can be checked may be tried at a cheap model first. Untreated calls of a
hold-out go to the baseline model. Knows nothing of deployments: `balance` finds one for each model.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from farthing.model.asked import Asked
from farthing.model.call import Answer, Call
from farthing.model.errors import NoModelFits, NotAllowed, UpstreamError
from farthing.model.money import Nano
from farthing.model.principal import may_use
from farthing.model.record import Attempt
from farthing.model.routes import ROUTED, TIERS, Table, Tier, scopes_of
from farthing.model.usage import Usage
from farthing.pipeline import Proceed
from farthing.steps.route import booking
from farthing.steps.route.cascade import Checks, worth_trying
from farthing.steps.route.choose import Candidate, choose
from farthing.steps.route.listening import gather, listen
from farthing.steps.route.policy import Policies, Policy
from farthing.steps.route.sessions import Move, Sessions, is_up
from farthing.steps.route.telling import in_full
from farthing.steps.route.wish import Wish, Wishes

HEADER = b"x-farthing-route"
MOST_TARGETS = 4
"""Models that a call may go to, one after the other."""
NOBODY = Asked()


class Models(Protocol):
    """What models there are, and what they can do."""

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]: ...
    def missing(self, model: str, asked: Asked, max_output: int | None, region: str) -> str:
        """Why `model` cannot serve such a call, in words; empty if it can."""


class Costs(Protocol):
    """What calls are expected to cost."""

    def of(self, model: str, call: Call, scopes: tuple[str, ...], *, warm: bool = False) -> Nano | None:
        """Nano-dollars of such a call at `model`; `warm`: its earlier turns lie in the provider's cache. None where no
        price is known."""

    def output_ratio(self, model: str, other: str, tenant: str, scopes: tuple[str, ...]) -> float | None:
        """How many tokens `model` writes for one that `other` writes; None where that was not seen."""

    def price_at(self, model: str, attempt: Attempt, usage: Usage) -> Nano | None:
        """What `usage` costs at `model`, at the time and service tier of `attempt`."""


class Evidence(Protocol):
    """Who looks at the quality of answers."""

    @property
    def table(self) -> Table: ...
    def wants(self, call: Call) -> bool: ...
    def seen(self, call: Call, model: str, whole: bytes) -> None: ...


class Pick(msgspec.Struct, frozen=True):
    """A model, and the reason."""

    model: str
    tier: Tier
    why: str
    """The sentence, and below it all that was weighed."""
    others: tuple[str, ...] = ()
    """Models that come next, should it fail."""
    cheap: str = ""
    """A model to try first; its answer is checked."""


class Route:
    """See the module."""

    name = "route"

    def __init__(
        self, wishes: Wishes, policies: Policies, models: Models, costs: Costs, evidence: Evidence, checks: Checks,
        sessions: Sessions,
    ) -> None:  # fmt: skip
        self._wishes = wishes
        self._policies = policies
        self._models = models
        self._costs = costs
        self._evidence = evidence
        self._checks = checks
        self._sessions = sessions

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        wish = self._wishes.of(call)
        if call.key is not None:
            call.region = call.key.region
        if wish.kind == "named":
            if wish.model:
                self._pinned_by_caller(call, wish.model)
            return await proceed(call)
        policy = self._policies.of(call)
        call.region = policy.region or call.region
        scopes = scopes_of(call.template, call.task)
        pick = self._pick(call, wish, policy, scopes)
        call.tier, call.targets = pick.tier, (pick.model, *pick.others)
        call.trail.note(self.name, pick.model, pick.why)
        mark = len(call.trail.savings)
        lost: Nano = 0
        if pick.cheap:
            answer, lost = await self._climb(call, pick, proceed, mark)
        else:
            answer = await proceed(call)
        if self._evidence.wants(call):
            listen(call, answer, lambda whole: self._evidence.seen(call, call.target or pick.model, whole))
        baseline = self._baseline(call, wish, policy)
        answer.on_end(lambda _: self._book(call, baseline, scopes, mark, lost))
        answer.headers.append((HEADER, _short(call, pick)))
        return answer

    def still_serves(self, call: Call, model: str) -> bool:
        """Whether an answer that `model` gave may be given to `call` again."""
        if call.ask.model not in ROUTED:
            return True
        wish, policy = self._wishes.of(call), self._policies.of(call)
        cell = self._evidence.table.cell(call.principal.tenant, scopes_of(call.template, call.task), model)
        demoted = cell is not None and cell.state == "demoted"
        tier = self._tier_of(model)
        return not demoted and tier in wish.tiers and not policy.forbids(model) and may_use(call.key, model)

    def _pinned_by_caller(self, call: Call, model: str) -> None:
        if not may_use(call.key, model):
            raise NotAllowed("The key may not use the model that x-farthing-pin names.", param="x-farthing-pin")
        call.targets = (model,)
        call.trail.note(self.name, model, "pinned by the caller")

    def _pick(self, call: Call, wish: Wish, policy: Policy, scopes: tuple[str, ...]) -> Pick:
        """Raises NoModelFits with what removed each model."""
        candidates, removed = self._candidates(call, wish, policy, scopes)
        if not candidates:
            raise _nothing_fits(removed)
        table, tenant = self._evidence.table, call.principal.tenant
        floor = self._floor(call, wish, policy, scopes)

        def told(sentence: str, runner_up: str = "") -> str:
            return in_full(sentence, table, candidates, removed, tenant, scopes, floor, runner_up)

        baseline = self._baseline(call, wish, policy)
        if call.arms.get(booking.LEVER):
            tier = self._tier_of(baseline) or TIERS[-1]
            return Pick(baseline, tier, told("held out: it goes without routing, so that routing can be measured"))
        lock = policy.lock or table.lock(tenant, scopes)
        if lock:
            locked = [each for each in candidates if lock in (each.model, each.tier)]
            if not locked:
                reason = removed.get(lock, "it cannot serve this call")
                raise _nothing_fits({**removed, lock: f"locked by the operator, but {reason}"})
            best = min(locked, key=_cost)
            return Pick(best.model, best.tier, told(f"locked to {lock} by the operator"))
        choice = choose(table, candidates, tenant, scopes, floor, task=call.task, textbook=policy.textbook)
        chosen = next(each for each in candidates if each.model == choice.model)
        why = choice.why
        stay = self._stays(call, chosen, candidates, policy, scopes)
        if stay is not None:
            chosen, why = stay, f"the conversation is there and its prompt is warm; else {chosen.model}: {why}"
        if call.session:
            self._sessions.keep(call.principal.tenant, call.session, chosen.model, chosen.tier)
        cheap = self._cheap_first(call, chosen, candidates, policy, scopes) if stay is None else ""
        if cheap:
            why = f"{cheap} first, and {chosen.model} if the check refuses its answer; {why}"
        runner_up = choice.runner_up if stay is None else choice.model
        return Pick(chosen.model, chosen.tier, told(why, runner_up), _next_best(chosen, candidates), cheap)

    def _candidates(
        self, call: Call, wish: Wish, policy: Policy, scopes: tuple[str, ...]
    ) -> tuple[list[Candidate], dict[str, str]]:  # fmt: skip
        """The models that can and may serve the call, with what each is expected to cost; and why the others do not."""
        found: list[Candidate] = []
        removed: dict[str, str] = {}
        asked = call.asked or NOBODY
        for tier, models in self._models.tiers().items():
            if tier not in wish.tiers:
                continue
            for model in models:
                why = self._unfit(call, model, asked, policy)
                cost = None if why else self._costs.of(model, call, scopes, warm=False)
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
        self, call: Call, named: str, found: list[Candidate], scopes: tuple[str, ...]
    ) -> list[Candidate]:  # fmt: skip
        """The model that was named, and those that cost less."""
        cost = self._costs.of(named, call, scopes, warm=False)
        tier = self._tier_of(named) or TIERS[-1]
        own = Candidate(named, tier, cost if cost is not None else 0)
        if cost is None:
            return [own]
        return [*(each for each in found if each.cost < cost and each.model != named), own]

    def _floor(self, call: Call, wish: Wish, policy: Policy, scopes: tuple[str, ...]) -> float:
        """As a share of the flagship's quality; who named a model gets one that is as good as that."""
        if wish.kind != "substitute":
            return policy.floor
        named = self._evidence.table.cell(call.principal.tenant, scopes, wish.model)
        return policy.floor * min(1.0, named.quality) if named is not None else policy.floor

    def _stays(
        self, call: Call, chosen: Candidate, candidates: list[Candidate], policy: Policy, scopes: tuple[str, ...]
    ) -> Candidate | None:  # fmt: skip
        """The model where the conversation is, if it is to stay there."""
        pin = self._sessions.of(call.principal.tenant, call.session) if call.session else None
        if pin is None or pin.model == chosen.model or is_up(chosen.tier, pin.tier):
            return None
        here = next((each for each in candidates if each.model == pin.model), None)
        if here is None or chosen.tier != pin.tier:
            return here
        costs = [
            self._costs.of(model, call, scopes, warm=warm)
            for model, warm in ((here.model, True), (chosen.model, True), (chosen.model, False))
        ]
        if any(cost is None for cost in costs):
            return here
        turns = call.asked.turns if call.asked is not None else 1
        return None if Move(*(cost or 0 for cost in costs)).pays(turns) else here

    def _cheap_first(
        self, call: Call, chosen: Candidate, candidates: list[Candidate], policy: Policy, scopes: tuple[str, ...]
    ) -> str:  # fmt: skip
        """A cheaper model whose answer can be checked, where trying it first is worth it."""
        if policy.cascade == "off" or not self._checks.has_check(call):
            return ""
        for each in sorted(candidates, key=_cost):
            if each.cost >= chosen.cost:
                break
            seen = self._checks.record_of(call.principal.tenant, scopes, each.model)
            if policy.cascade == "always" or worth_trying(seen, each.cost, chosen.cost, policy.floor):
                return each.model
        return ""

    async def _climb(self, call: Call, pick: Pick, proceed: Proceed, mark: int) -> tuple[Answer, Nano]:
        """The cheap model's answer if it passes the check, else the chosen model's; and what the first one then cost in
        vain. Streams are held back until the check has passed."""
        call.targets = (pick.cheap,)
        try:
            answer = await proceed(call)
            whole = await gather(call, answer)
            checked = self._checks.check(call, pick.cheap, whole) if whole is not None else None
            if answer.status == 200 and (checked is None or checked.passed):
                call.tier = self._tier_of(pick.cheap) or call.tier
                call.trail.note(self.name, pick.cheap, "its answer passed the check" if checked is not None else "")
                return answer, 0
            refused = checked.why if checked is not None else f"status {answer.status}"
        except UpstreamError as error:
            refused = error.message
        lost = booking.spent(call.trail, mark)
        call.trail.note(self.name, pick.model, f"the first answer was refused: {refused}")
        call.targets = (pick.model, *pick.others)
        return await proceed(call), lost

    def _baseline(self, call: Call, wish: Wish, policy: Policy) -> str:
        """The model that would have served: the one that was named, else what the feature used before, else the first
        of the tier that was asked for."""
        if wish.model:
            return wish.model
        if policy.baseline:
            return policy.baseline
        models = self._models.tiers().get(wish.tiers[-1] if wish.kind == "tier" else TIERS[-1]) or ()
        return models[0] if models else ""

    def _book(self, call: Call, baseline: str, scopes: tuple[str, ...], mark: int, lost: Nano) -> None:
        parts = booking.served(call.trail)
        if not parts or not baseline:
            return
        model = call.target or parts[0].model
        ratio = self._costs.output_ratio(baseline, model, call.principal.tenant, scopes) if model != baseline else None
        before = booking.baseline_cost(parts, baseline, self._costs.price_at, ratio)
        if before is None:
            return
        saving = booking.saving(before, booking.spent(call.trail, mark), lost)
        if saving is not None:
            call.trail.savings.append(saving)

    def _tier_of(self, model: str) -> Tier | None:
        return next((tier for tier, models in self._models.tiers().items() if model in models), None)


def _cost(candidate: Candidate) -> Nano:
    return candidate.cost


def _next_best(chosen: Candidate, candidates: list[Candidate]) -> tuple[str, ...]:
    """Models that may take over: first those of the same tier, then those above, cheapest first; none below, since
    nobody has shown that it would do."""
    at = TIERS.index(chosen.tier)
    others = [each for each in candidates if each.model != chosen.model and TIERS.index(each.tier) >= at]
    others.sort(key=lambda each: (TIERS.index(each.tier), each.cost))
    return tuple(each.model for each in others[: MOST_TARGETS - 1])


def _removed(removed: Mapping[str, str]) -> str:
    if not removed:
        return ""
    return "; removed: " + ", ".join(f"{model} ({why})" for model, why in removed.items())


def _nothing_fits(removed: Mapping[str, str]) -> NoModelFits:
    if not removed:
        return NoModelFits(
            "No model can be chosen: there are no tiers. Name models under [routing] in farthing.toml, or ask for a model by "
            "its name.",
            param="model",
        )
    return NoModelFits(f"No model of the tiers fits this call{_removed(removed)}.", param="model")


def _short(call: Call, pick: Pick) -> bytes:
    """The decision for a header."""
    text = f"{call.target or pick.model}; tier={call.tier}; task={call.task or 'unknown'}"
    return text.encode("ascii", "replace") if text.isprintable() else b"?"
