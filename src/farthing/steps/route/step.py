"""The route step: which model serves a call that leaves the choice to Farthing, and what comes next if that one cannot.

In this order: what the model must be able to do and may cost, what policy forbids or locks, where the conversation is,
the measured table. A task whose answers can be checked may be tried at a cheap model first. Untreated calls of a
hold-out go to the baseline model. Knows nothing of deployments: `balance` finds one for each model.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from farthing.model.call import Answer, Call
from farthing.model.errors import BudgetExceeded, NoModelFits, NotAllowed, UpstreamError
from farthing.model.money import Nano
from farthing.model.principal import may_use
from farthing.model.record import Attempt
from farthing.model.routes import ROUTED, TIERS, Table, Tier, scopes_of
from farthing.model.usage import Usage
from farthing.pipeline import Proceed
from farthing.pipeline.listening import gather, listen
from farthing.steps.route import booking
from farthing.steps.route.cascade import Checks, worth_trying
from farthing.steps.route.choose import Candidate, choose
from farthing.steps.route.foreseen import NOTHING, Foresight, priced_anew
from farthing.steps.route.policy import Policies, Policy
from farthing.steps.route.sessions import Move, Sessions, is_up
from farthing.steps.route.weighing import Models, Scales, Scopes, Weighed, by_cost
from farthing.steps.route.wish import Wish, Wishes
from farthing.wire.asked import asked as read_asked

HEADER = b"x-farthing-route"
VECTORS = "openai.embeddings"
MOST_TARGETS = 4
"""Models that a call may go to, one after the other."""


class Costs(Protocol):
    """What calls cost, and would have cost."""

    def of(
        self, model: str, call: Call, scopes: Scopes, *, warm: bool = False, longer: float = 1.0
    ) -> Nano | None:  # fmt: skip
        """See `weighing.Costs`."""

    def output_ratio(self, model: str, other: str, tenant: str, scopes: Scopes) -> float | None:
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
        sessions: Sessions, foresight: Foresight = NOTHING, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._wishes = wishes
        self._policies = policies
        self._scales = Scales(models, costs, lambda: evidence.table, clock)
        self._costs = costs
        self._evidence = evidence
        self._checks = checks
        self._sessions = sessions
        self._foresight = foresight

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        wish = self._wishes.of(call)
        if call.walk == "settling":
            return await self._as_chosen(call, wish, proceed)
        if call.key is not None:
            call.region = call.key.region
        if wish.kind == "named":
            if wish.model:
                self._pinned_by_caller(call, wish.model)
                return await proceed(call)
            return await self._as_named(call, proceed)
        if call.wire == VECTORS:
            raise NoModelFits(
                "auto and the tiers choose among models that write answers. Name a model for embeddings: vectors of different "
                "models cannot be compared.",
                param="model",
            )
        policy = self._policies.of(call)
        call.region = _region(call.region, policy.region)
        scopes = scopes_of(call.template, call.task)
        pick = self._pick(call, wish, policy, scopes)
        call.tier, call.targets = pick.tier, (pick.model, *pick.others)
        call.trail.note(self.name, pick.model, pick.why)
        mark = len(call.trail.savings)
        lost: Nano = 0
        if pick.cheap:
            answer, lost = await self._climb(call, pick, proceed, mark)
        else:
            answer = await self._within_budget(call, proceed)
        self._note_who_took_over(call)
        self._heed(call, answer, pick.model)
        baseline = self._baseline(call, wish, policy)
        answer.on_end(lambda _: self._book(call, baseline, scopes, mark, lost))
        answer.headers.append((HEADER, _short(call, pick)))
        return answer

    def _heed(self, call: Call, answer: Answer, model: str) -> None:
        """Let those look at the answer who judge its model."""
        if self._evidence.wants(call):
            listen(call, answer, lambda whole: self._evidence.seen(call, call.target or model, whole))

    async def _as_chosen(self, call: Call, wish: Wish, proceed: Proceed) -> Answer:
        """The answer of the model that was chosen when the call was prepared for a batch; `call.targets` and `call.tier`
        say which. Nothing is chosen anew, whatever the table says by now."""
        mark = len(call.trail.savings)
        call.target = call.targets[0] if call.targets else call.ask.model
        answer = await proceed(call)
        if not call.tier:
            return answer
        scopes = scopes_of(call.template, call.task)
        baseline = call.ask.model
        if wish.kind != "named":
            if call.asked is None:
                call.asked = read_asked(call.wire, call.body)
            self._heed(call, answer, call.target)
            baseline = self._baseline(call, wish, self._policies.of(call))
        answer.on_end(lambda _: self._book(call, baseline, scopes, mark, 0))
        return answer

    async def _as_named(self, call: Call, proceed: Proceed) -> Answer:
        """The model that was asked for; a cheaper one only where a budget's policy is that."""
        mark = len(call.trail.savings)
        answer = await self._within_budget(call, proceed)
        if call.tier:
            scopes = scopes_of(call.template, call.task)
            answer.on_end(lambda _: self._book(call, call.ask.model, scopes, mark, 0))
        return answer

    async def _within_budget(self, call: Call, proceed: Proceed) -> Answer:
        """The answer; from a cheaper model where a budget has no room and its policy is to go down."""
        try:
            return await proceed(call)
        except BudgetExceeded as refused:
            if not refused.downgrade:
                raise
            return await self._go_down(call, proceed, refused)

    async def _go_down(self, call: Call, proceed: Proceed, refused: BudgetExceeded) -> Answer:
        """The dearest model that is cheaper, can do it, and finds room. Its quality is not asked for: the operator wants an
        answer rather than none. Raises `refused` if there is no such model."""
        if call.asked is None:
            call.asked = read_asked(call.wire, call.body)
        dear = call.target or call.ask.model
        scopes = scopes_of(call.template, call.task)
        try:
            weighed = self._scales.weigh(call, Wish("substitute", model=dear), self._policies.of(call), scopes)
        except NoModelFits:
            raise refused from None
        cheaper = [each for each in weighed.candidates if each.model != dear]
        for each in [] if weighed.locked else sorted(cheaper, key=by_cost, reverse=True):
            call.targets, call.tier = (each.model,), each.tier
            call.trail.note(self.name, each.model, f"the budget '{refused.budget}' has no room for {dear}")
            try:
                return await proceed(call)
            except BudgetExceeded:
                continue
        raise refused

    def still_serves(self, call: Call, model: str) -> bool:
        """Whether an answer that `model` gave may be given to `call` again."""
        if call.ask.model not in ROUTED:
            return True
        wish, policy = self._wishes.of(call), self._policies.of(call)
        cell = self._evidence.table.cell(call.principal.tenant, scopes_of(call.template, call.task), model)
        demoted = cell is not None and cell.state == "demoted"
        tier = self._scales.tier_of(model)
        return not demoted and tier in wish.tiers and not policy.forbids(model) and may_use(call.key, model)

    def _note_who_took_over(self, call: Call) -> None:
        """The last word on who serves, where the first model could not."""
        if call.targets and call.target and call.target != call.targets[0]:
            call.tier = self._scales.tier_of(call.target) or call.tier
            call.trail.note(self.name, call.target, f"it took over from {call.targets[0]}")

    def _pinned_by_caller(self, call: Call, model: str) -> None:
        if not may_use(call.key, model):
            raise NotAllowed("The key may not use the model that x-farthing-pin names.", param="x-farthing-pin")
        call.targets = (model,)
        call.trail.note(self.name, model, "pinned by the caller")

    def _pick(self, call: Call, wish: Wish, policy: Policy, scopes: Scopes) -> Pick:
        """Raises NoModelFits with what removed each model."""
        weighed = self._scales.weigh(call, wish, policy, scopes)
        if weighed.locked:
            return Pick(weighed.chosen.model, weighed.chosen.tier, f"{weighed.why}\n{weighed.lines}")
        baseline = self._baseline(call, wish, policy) if call.arms.get(booking.LEVER) else ""
        if baseline and self._scales.fits(call, baseline, policy):
            tier = self._scales.tier_of(baseline) or TIERS[-1]
            return Pick(
                baseline, tier, f"held out: it goes without routing, so that routing can be measured\n{weighed.lines}"
            )
        if policy.by_prompt:
            weighed = self._by_prompt(call, weighed, policy, scopes)
        chosen, why = weighed.chosen, weighed.why
        stay = self._stays(call, weighed, scopes) if _goes_on(call) else None
        if stay is not None:
            chosen, why = stay, f"the conversation is there and its prompt is warm; else {chosen.model}: {why}"
        if call.session:
            self._sessions.keep(call.principal.tenant, call.session, chosen.model, chosen.tier)
        waits = call.walk == "parking"  # a refused answer could be asked for again only when the batch is over
        cheap = self._cheap_first(call, weighed, policy, scopes) if stay is None and not waits else ""
        if cheap:
            why = f"{cheap} first, and {chosen.model} if the check refuses its answer; {why}"
        return Pick(chosen.model, chosen.tier, f"{why}\n{weighed.lines}", _next_best(chosen, weighed.candidates), cheap)

    def _by_prompt(self, call: Call, weighed: Weighed, policy: Policy, scopes: Scopes) -> Weighed:
        """What was weighed, with this very prompt in view; the same where nothing can be foretold of it."""
        foreseen = self._foresight.of(call, policy.floor)
        if foreseen is None:
            return weighed
        candidates = priced_anew(
            weighed.candidates, foreseen, lambda model, longer: self._costs.of(model, call, scopes, longer=longer)
        )
        choice = choose(
            self._evidence.table, candidates, call.principal.tenant, scopes, policy.floor, finer=foreseen.finer()
        )  # fmt: skip
        chosen = next(each for each in candidates if each.model == choice.model)
        return weighed._replace(chosen=chosen, why=choice.why, runner_up=choice.runner_up)

    def _stays(self, call: Call, weighed: Weighed, scopes: Scopes) -> Candidate | None:
        """The model where the conversation is, if it is to stay there."""
        chosen = weighed.chosen
        pin = self._sessions.of(call.principal.tenant, call.session) if call.session else None
        if pin is None or pin.model == chosen.model or is_up(chosen.tier, pin.tier):
            return None
        here = next((each for each in weighed.candidates if each.model == pin.model), None)
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

    def _cheap_first(self, call: Call, weighed: Weighed, policy: Policy, scopes: Scopes) -> str:
        """A cheaper model whose answer can be checked, where trying it first is worth it."""
        if policy.cascade == "off" or not self._checks.has_check(call):
            return ""
        chosen = weighed.chosen
        for each in sorted(weighed.candidates, key=by_cost):
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
                call.tier = self._scales.tier_of(pick.cheap) or call.tier
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
        return self._scales.reference(wish.tiers[-1] if wish.kind == "tier" else TIERS[-1])

    def _book(self, call: Call, baseline: str, scopes: Scopes, mark: int, lost: Nano) -> None:
        parts = booking.served(call.trail)
        if not parts or not baseline:
            return
        model = call.target or parts[0].model
        ratio = self._costs.output_ratio(baseline, model, call.principal.tenant, scopes) if model != baseline else None
        before = booking.baseline_cost(parts, baseline, self._costs.price_at, ratio)
        if before is None:
            return
        before += booking.shaped(call.trail, mark)
        saving = booking.saving(before, booking.spent(call.trail, mark), lost)
        if saving is not None:
            call.trail.savings.append(saving)


def _region(of_key: str, of_task: str) -> str:
    """Where a call must be served. Raises NoModelFits where its key and its kind of work say different places."""
    if of_key and of_task and of_key.lower() != of_task.lower():
        raise NoModelFits(
            f"No model fits this call: its key's calls must be served in {of_key}, those of its task in {of_task}.",
            param="model",
        )  # fmt: skip
    return of_key or of_task


def _goes_on(call: Call) -> bool:
    """Whether the call may be a later turn: the same first question again is no conversation."""
    asked = call.asked
    return asked is None or asked.turns > 1 or asked.tool_results or call.session != asked.prefix


def _next_best(chosen: Candidate, candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """Models that may take over: first those of the same tier, then those above, cheapest first; none below, since
    nobody has shown that it would do."""
    at = TIERS.index(chosen.tier)
    others = [each for each in candidates if each.model != chosen.model and TIERS.index(each.tier) >= at]
    others.sort(key=lambda each: (TIERS.index(each.tier), each.cost))
    return tuple(each.model for each in others[: MOST_TARGETS - 1])


def _short(call: Call, pick: Pick) -> bytes:
    """The decision for a header."""
    text = f"{call.target or pick.model}; tier={call.tier}; task={call.task or 'unknown'}"
    return text.encode("ascii", "replace") if text.isprintable() else b"?"
