"""Picks the deployment that serves the call, and another one when it fails, before the client has seen anything of it.

Models come from `call.targets`, else it is the one that was asked for; then what settings name as its fallbacks. A call
whose first model has one deployment that is well takes the short way: nothing is chosen, counted or timed beyond a few
sums, and the other models are looked at when that one has failed.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from farthing.model.call import Answer, Call, Ending, Proceed
from farthing.model.errors import UnknownModel, UpstreamError
from farthing.model.principal import may_use
from farthing.prices import PriceBook
from farthing.settings import BalanceSettings
from farthing.steps.balance import booking, refusals, rules
from farthing.steps.balance.choice import Chooser
from farthing.steps.balance.headroom import Ticket
from farthing.steps.balance.health import Deployments, Health
from farthing.steps.balance.hedge import Lane, good, race
from farthing.steps.balance.opening import BadStart, end, opened
from farthing.steps.balance.place import Place, State
from farthing.steps.balance.resume import can_resume, resumed
from farthing.steps.balance.retries import RetryBudget, pause_s
from farthing.steps.balance.rules import Failure, Verdict
from farthing.steps.balance.story import Story, Turn
from farthing.wire.filtered import is_filtered


class Balance:
    """See the module."""

    name = "balance"

    def __init__(
        self, deployments: Deployments, book: PriceBook, health: Health, settings: BalanceSettings,
        clock: Callable[[], float] = time.monotonic, now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep, dice: random.Random | None = None,
    ) -> None:  # fmt: skip
        self._deployments = deployments
        self._prices = book
        self._health = health
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._heeds_filters = settings.content_filter == "fallback"
        self._budget = RetryBudget(settings.retry_percent)
        self._chooser = Chooser(deployments, book, health, settings, clock, now_us, dice)

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        self._budget.calls += 1
        models = call.targets or (call.ask.model,)
        place = self._lone(models, call)
        if place is None:
            return await self._serve(Story(call, proceed, self._chain(models, call)))
        call.target = models[0]
        deployment = call.deployment = place.deployment
        if deployment.model != models[0]:
            call.trail.note(self.name, f"{deployment.provider}/{deployment.model}", "what the model's name means here")
        sent_at = self._clock()
        first = len(call.trail.attempts)
        failure: Failure
        try:
            patient = self._has_others(models) and self._settings.attempts > 1
            answer = await self._send(
                call, proceed, place.state, sent_at, None, patient=patient, filters=patient and self._heeds_filters
            )
            if answer.status < 400:
                return answer
            failure = answer
        except (UpstreamError, BadStart) as error:
            failure = error
        story = Story(call, proceed, self._chain(models, call))
        story.first = first
        story.sent(place, models[0])
        self._judge(story, place.state, failure, sent_at, None)
        return await self._serve(story)

    def _lone(self, models: tuple[str, ...], call: Call) -> Place | None:
        """The only deployment of the first model, if nothing speaks against it. Raises UnknownModel if nobody serves that
        model and there is no other."""
        if call.region:
            return None
        others = self._has_others(models)
        if others and (self._settings.hedge_after_s or self._settings.continue_streams):
            return None
        try:
            places = self._health.places(models[0])
        except UnknownModel:
            if others:
                return None
            raise
        state = places[0].state
        if len(places) > 1 or state.circuit.position != "closed" or state.max_in_flight:
            return None
        return None if state.room.watched(self._clock()) else places[0]

    def _has_others(self, models: tuple[str, ...]) -> bool:
        """Whether another model may follow the first."""
        return len(models) > 1 or bool(self._deployments.fallbacks(models[0]))

    def _chain(self, models: tuple[str, ...], call: Call) -> tuple[str, ...]:
        """All models that may serve, in their order: fallbacks only as far as the key may use them."""
        wanted = dict.fromkeys(models)
        for model in models:
            for other in self._deployments.fallbacks(model):
                if may_use(call.key, other):
                    wanted.setdefault(other)
        return tuple(wanted)

    async def _serve(self, story: Story) -> Answer:
        """Try until the call is answered, or nothing is left."""
        try:
            while story.failure is None or self._may_go_on(story):
                turn = await self._turn(story)
                if turn is None:
                    break
                answer = await self._try(story, turn)
                if answer is not None:
                    return self._answered(story, answer)
        except BaseException:
            self._book(story)
            raise
        return self._given_up(story)

    def _may_go_on(self, story: Story) -> bool:
        """Whether the latest failure may be followed by another try."""
        verdict = story.verdict
        assert verdict is not None
        if story.sends >= self._settings.attempts:
            return False
        if not (verdict.again or verdict.elsewhere or verdict.overflow or verdict.filtered):
            return False
        return not verdict.burdens or self._budget.take(self._clock())

    async def _turn(self, story: Story) -> Turn | None:
        """Wait until there is somewhere to send the call; None if that is nowhere within its patience."""
        while True:
            choice = self._chooser.choose(story)
            if choice is None:
                return None
            place, wait, begun = choice.place, choice.wait, self._clock()
            if wait > self._settings.patience_s - story.waited:
                story.nearest = place, wait
                return None
            if not choice.fit and place.state.circuit.wait(begun) > 0:
                await self._sleep(wait)
            elif not choice.fit and place.state.full:
                await place.state.turn(self._settings.patience_s - story.waited)
            else:
                ticket = place.state.room.take(self._chooser.tokens(story, place.state), begun)
                if wait > 0:
                    await self._until(place.state, ticket, wait)
                    story.waited += wait
                return Turn(place, choice.model, choice.why, ticket)
            story.waited += self._clock() - begun

    async def _until(self, state: State, ticket: Ticket, wait: float) -> None:
        """Wait for a turn that the call has already taken."""
        try:
            await self._sleep(wait)
        except asyncio.CancelledError:
            state.room.give_back(ticket, self._clock())
            raise

    async def _try(self, story: Story, turn: Turn) -> Answer | None:
        """Send the call there; None if that failed, of which the story then tells."""
        call, place = story.call, turn.place
        after = f"{story.verdict.why}; " if story.verdict is not None else ""
        story.sent(place, turn.model)
        call.trail.note(self.name, f"{place.deployment.provider}/{place.deployment.model}", after + turn.why)
        if self._settings.hedge_after_s:
            return await self._try_hedged(story, turn)
        sent_at = self._clock()
        failure: Failure
        try:
            answer = await self._send(
                call, story.proceed, place.state, sent_at, turn.ticket, patient=self._chooser.has_more(story),
                filters=self._looks_for_filters(story),
            )  # fmt: skip
            if answer.status < 400:
                return answer
            failure = answer
        except (UpstreamError, BadStart) as error:
            failure = error
        self._judge(story, place.state, failure, sent_at, turn.ticket)
        return None

    async def _try_hedged(self, story: Story, turn: Turn) -> Answer | None:
        """The same, with a second deployment asked if the first keeps one waiting too long."""
        call, sent_at = story.call, self._clock()
        second: list[tuple[Turn, Call, float]] = []

        def lane(call: Call, turn: Turn, sent_at: float) -> Lane:
            sent = self._send(
                call, story.proceed, turn.place.state, sent_at, turn.ticket, patient=True,
                filters=self._looks_for_filters(story),
            )  # fmt: skip
            return asyncio.get_running_loop().create_task(sent)

        def start_other() -> Lane | None:
            choice = self._chooser.another(story)
            if choice is None or story.sends >= self._settings.attempts or not self._budget.take(self._clock()):
                return None
            now, place = self._clock(), choice.place
            other = Turn(
                place, choice.model, choice.why, place.state.room.take(self._chooser.tokens(story, place.state), now)
            )
            twin = call.twin()
            twin.target, twin.deployment = choice.model, place.deployment
            second.append((other, twin, now))
            why = f"no answer from {turn.place.name} after {self._settings.hedge_after_s:g} s"
            call.trail.note(self.name, f"{place.deployment.provider}/{place.deployment.model} too", why)
            return lane(twin, other, now)

        one = lane(call, turn, sent_at)
        winner, loser = await race(one, start_other, self._settings.hedge_after_s)
        if loser is not None:
            other, twin, other_at = second[0]
            story.sends += 1
            story.tried[other.place.state] = story.tried.get(other.place.state, 0) + 1
            lost = (turn, call, sent_at) if winner is not one else second[0]
            self._lost(story, lost, loser)
            if winner is not one:
                story.place, story.model = other.place, other.model
                call.target, call.deployment = other.model, other.place.deployment
                turn, sent_at = other, other_at
            self._merge(story, twin, winner_is_twin=winner is not one, winner=winner)
        if good(winner):
            return winner.result()
        error = winner.exception()
        if error is not None and not isinstance(error, UpstreamError | BadStart):
            raise error
        self._judge(story, turn.place.state, error or winner.result(), sent_at, turn.ticket)
        return None

    def _lost(self, story: Story, lost: tuple[Turn, Call, float], lane: Lane) -> None:
        """The slower one: what it may have cost is booked, and how slow it was is kept."""
        turn, call, sent_at = lost
        now, state = self._clock(), turn.place.state
        if lane.cancelled():
            (state.first if call.ask.stream else state.total).add(now - sent_at, now)
            attempt = call.trail.last_attempt
            if attempt is not None and attempt.usage is None:
                booking.estimate(attempt, call.body, turn.place.deployment, self._prices)
        elif (error := lane.exception()) is not None and isinstance(error, UpstreamError | BadStart):
            self._note_failure(state, rules.of_failure(error), error, sent_at, turn.ticket)
        elif error is None and lane.result().status >= 400:
            self._note_failure(state, rules.of_failure(lane.result()), lane.result(), sent_at, turn.ticket)

    def _merge(self, story: Story, twin: Call, *, winner_is_twin: bool, winner: Lane) -> None:
        """One list of attempts, the one that answered at its end."""
        attempts = story.call.trail.attempts

        def parts_too(_: Ending) -> None:
            """A stream's parts are known at its end, and are then in the twin's own list."""
            attempts.extend(attempt for attempt in twin.trail.attempts if attempt not in attempts)

        if winner_is_twin:
            attempts.extend(twin.trail.attempts)
            booking.renumber(attempts, story.first)
            if good(winner):
                winner.result().on_end(parts_too)
        else:
            attempts[story.first : story.first] = twin.trail.attempts
            booking.renumber(attempts, story.first)

    def _looks_for_filters(self, story: Story) -> bool:
        """Whether an answer that a filter kept back would be asked for elsewhere."""
        return self._heeds_filters and self._chooser.has_more_models(story)

    async def _send(
        self, call: Call, proceed: Proceed, state: State, sent_at: float, ticket: Ticket | None, *, patient: bool,
        filters: bool,
    ) -> Answer:  # fmt: skip
        """One attempt, up to the end of a whole answer or the first content of a stream. Raises UpstreamError, BadStart,
        and what steps further in refuse, which says nothing of the deployment."""
        stream = call.ask.stream
        number = state.enter(sent_at, stream=stream)
        try:
            answer = await proceed(call)
            if answer.stream is not None:
                one = call.ask.choices == 1  # of several, others may say something later
                answer = await opened(answer, call.wire, patient=patient, filters=filters and one)
        except BaseException as error:
            state.heard(number, stream=stream)
            state.leave()
            if not isinstance(error, UpstreamError | BadStart):
                state.circuit.undecided()
            raise
        state.heard(number, stream=stream)
        now = self._clock()
        if ticket is not None and answer.status < 400:
            state.room.answered()
            state.room.learn(answer.headers, ticket, sent_at, now)
        if answer.stream is not None:
            state.first.add(now - sent_at, now)
            answer.on_end(partial(self._ended, call, state, ticket))
            return answer
        state.leave()
        if answer.status < 400:
            state.total.add(now - sent_at, now)
            if filters and is_filtered(call.wire, answer.body):
                raise BadStart(answer, filtered=True)
            self._succeeded(call, state, ticket)
        return answer

    def _ended(self, call: Call, state: State, ticket: Ticket | None, ending: Ending) -> None:
        """A stream is over that had begun well."""
        state.leave()
        if ending.outcome == "broken":
            state.failures += 1
            state.circuit.failed(self._clock(), ending.error)
        else:
            self._succeeded(call, state, ticket)

    def _succeeded(self, call: Call, state: State, ticket: Ticket | None) -> None:
        state.served += 1
        circuit = state.circuit
        if circuit.failures or circuit.position != "closed":
            circuit.succeeded()
        if ticket is not None and state.room.is_set:
            attempt = call.trail.last_attempt
            usage = attempt.usage if attempt is not None else None
            state.room.put_right(ticket, ticket.tokens if usage is None else usage.total_in + usage.total_out)

    def _judge(self, story: Story, state: State, failure: Failure, sent_at: float, ticket: Ticket | None) -> None:
        """What the failure means for the deployment, and for what may be tried next."""
        verdict = rules.of_failure(failure)
        if verdict.filtered and not self._heeds_filters:
            verdict = Verdict(verdict.why)
        if verdict.limited and story.call.sent_tier == "flex":
            verdict = Verdict(
                f"{verdict.why} of the cheap tier"
            )  # it has no room: that says nothing of other calls there
        if verdict.lasts_s and not self._chooser.has_others(story):
            # what time does not mend is for the client to hear each time, if there is nowhere else to go
            verdict = msgspec.structs.replace(verdict, fault=False)
        ticket = ticket or state.room.take(self._chooser.tokens(story, state), sent_at)
        # Where there is nowhere else to go it takes another call to show that a refusal is not about this one.
        proof = 2 if self._chooser.has_others(story) else int(story.tried[state] == 1)
        self._note_failure(state, verdict, failure, sent_at, ticket, proof=proof)
        story.failure, story.verdict = failure, verdict
        if verdict.again:
            after = rules.asked_pause(failure)
            pause = pause_s(story.tried[state]) if after is None else after
            story.again[state] = self._clock() + pause
        if verdict.overflow:
            story.barred.update(self._chooser.not_larger(story))
        elif verdict.filtered:
            story.barred.add(story.model)

    def _note_failure(
        self, state: State, verdict: Verdict, failure: Failure, sent_at: float, ticket: Ticket, *, proof: int = 2
    ) -> None:  # fmt: skip
        now = self._clock()
        if verdict.fault:
            state.failures += 1
            state.circuit.failed(now, verdict.why, for_s=verdict.lasts_s)
        else:
            state.circuit.succeeded()
        if verdict.limited:
            headers = failure.headers if isinstance(failure, Answer) else []
            state.room.refused(headers, ticket, sent_at, now, proof=proof)
        else:
            state.room.answered()
        if not isinstance(failure, BadStart) or not failure.filtered:
            state.room.put_right(ticket, 0)

    def _answered(self, story: Story, answer: Answer) -> Answer:
        place = story.place
        assert place is not None
        self._chooser.served(story, place)
        if self._settings.continue_streams and answer.stream is not None and can_resume(story.call):
            answer = resumed(answer, story, self._resume_elsewhere)
            answer.on_end(lambda _: self._book(story))
        elif story.sends > 1 or self._chooser.reference(story) is not place:
            answer.on_end(lambda _: self._book(story))
        return answer

    async def _resume_elsewhere(self, story: Story) -> Answer | None:
        """The rest of a stream that broke off is asked for; None if nobody can give it."""
        if not self._budget.take(self._clock()):
            return None
        answer = None
        while answer is None and story.sends < self._settings.attempts:
            turn = await self._turn(story)
            if turn is None:
                break
            answer = await self._try(story, turn)
        if isinstance(story.failure, BadStart):
            end(story.failure.answer)
        return answer

    def _given_up(self, story: Story) -> Answer:
        """Nothing is left: the client gets the last provider's own words, or why there were none."""
        failure = story.failure
        if isinstance(failure, BadStart):
            failure.answer.on_end(lambda _: self._book(story))
            return failure.answer
        self._book(story)
        if isinstance(failure, Answer):
            if story.verdict is not None and story.verdict.limited:
                refusals.tell_when(failure, self._chooser.soonest(story))
            return failure
        if failure is not None:
            raise failure
        places = self._chooser.all_places(story)
        if places and story.call.deployment is None:
            story.call.deployment = places[0].deployment
        raise refusals.nowhere(story, places, self._clock())

    def _book(self, story: Story) -> None:
        """Book what the attempts saved and lost, once; they have all been priced."""
        reference = self._chooser.reference(story)
        if story.place is None or reference is None:
            return
        attempts = story.call.trail.attempts[story.first :]
        saving = booking.saving(attempts, story.place.deployment, reference.deployment, self._prices)
        if saving is not None:
            story.call.trail.savings.append(saving)
