"""The task step: what a call asks for, which kind of work it is, what its turns have in common, and in which arms it is.

The kind of work comes from the first that knows it: declared (by the caller, the key or the feature's settings), the
prompt template, the structure of the request, the classifier. Where none does it stays empty, which counts as hard: the
safe tier. It changes nothing in the request.
"""

from collections.abc import Callable, Mapping

from farthing.model.arms import DRAWN_LATER, LEVERS, MODEL_SELECTION, Draw
from farthing.model.asked import Asked
from farthing.model.call import Answer, Call
from farthing.model.routes import TASKS
from farthing.pipeline import Proceed
from farthing.settings import RoutingSettings
from farthing.steps.task.classifier import TIER_OF, Classifier
from farthing.steps.task.structure import CODE, is_agent, structure
from farthing.steps.task.template import Templates
from farthing.wire.asked import asked as read_asked
from farthing.wire.lenient import tidy

HEADER = b"x-farthing-session"
SESSION_LIMIT = 128
"""Characters of a session's name."""
SAME_AS = {
    "summarization": "summarisation", "summarize": "summarisation", "summarise": "summarisation", "summary": "summarisation",
    "classify": "classification", "extract": "extraction", "translate": "rewrite", "translation": "rewrite",
    "coding": "code", "question answering": "qa", "q&a": "qa", "embed": "embedding", "embeddings": "embedding",
}  # fmt: skip
"""Other names that callers give to our own kinds of work."""
SMALL_TIER = 0
SAYS_SOMETHING = 90
"""Characters of instructions below which a template is left to its calls: many kinds of work begin with "You are a helpful
assistant." """
HARDER = 0.5
"""Probability of harder work above which the words overrule the form of an answer."""


Read = Callable[[str, bytes], Asked | None]
"""As `wire.asked.asked`."""


class Task:
    """See the module. `routes` says whether Farthing chooses a call's model; `hold_outs` are shares (0 to 1) by lever,
    those that are active only."""

    name = "task"

    def __init__(
        self, settings: RoutingSettings, hold_outs: Mapping[str, float] | None = None, *,
        routes: Callable[[Call], bool], templates: Templates | None = None, classifier: Classifier | None = None,
        read: Read = read_asked,
    ) -> None:  # fmt: skip
        self._routes = routes
        self._looks = settings.tasks_of != "none"
        self._looks_at_all = settings.tasks_of == "all"
        self._features = {name: feature.task for name, feature in settings.features.items() if feature.task}
        self._own_names = frozenset(settings.tasks)
        self._draws = tuple(Draw(lever) for lever in LEVERS if lever not in DRAWN_LATER)
        self.hold_out(hold_outs or {})
        self._templates = templates or Templates(settings.templates)
        self._classifier = classifier or Classifier()
        self._read = read

    def hold_out(self, shares: Mapping[str, float], salt: str = "") -> None:
        """Draw with these shares and this salt from the next call on."""
        for draw in self._draws:
            draw.hold_out(shares, salt)
        self._routed_arms = tuple(draw for draw in self._draws if draw.share > 0)
        # only routed calls are drawn for routing
        self._other_arms = tuple(draw for draw in self._routed_arms if draw.lever != MODEL_SELECTION)

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        routed = self._routes(call)
        session = call.headers.get(HEADER, b"")
        if session:
            call.session = tidy(session[: 4 * SESSION_LIMIT].decode("utf-8", "replace"), SESSION_LIMIT).strip()
        if routed or self._looks_at_all:
            self._look(call, looks=self._looks_at_all or self._looks)
        arms = self._routed_arms if routed else self._other_arms
        if arms:
            self._draw(call, arms)
        return await proceed(call)

    def _look(self, call: Call, *, looks: bool) -> None:
        asked = call.asked = self._read(call.wire, call.body)
        if asked is not None:
            call.template = asked.template
            call.session = call.session or tidy(asked.cache_key, SESSION_LIMIT) or asked.prefix
        if looks:
            self._name_task(call, asked)

    def _draw(self, call: Call, arms: tuple[Draw, ...]) -> None:
        """Whether the call goes without a lever. A call that nobody looked into is drawn by its session's name, its user,
        or by itself: a conversation's beginning is worth no parse to a call that is not routed."""
        unit = call.unit
        call.arms = {draw.lever: draw.holds_out(unit) for draw in arms}

    def _name_task(self, call: Call, asked: Asked | None) -> None:
        """Give the call its kind of work, and say which rule did."""
        task, why = self._declared(call)
        if not task and asked is not None:
            task, why = self._seen(call.principal.tenant, asked)
        call.task = task
        if why:
            call.trail.note(self.name, task or "unknown", why)

    def _declared(self, call: Call) -> tuple[str, str]:
        if call.task:
            return self._named(call.task), "declared by the caller or its key"
        task = self._features.get(call.principal.feature, "") if self._features else ""
        return (self._named(task), f"the settings of feature '{call.principal.feature}'") if task else ("", "")

    def _named(self, task: str) -> str:
        """Our own name for a kind of work, where another one was declared and the settings do not know that."""
        if task in TASKS or task in self._own_names:
            return task
        lowered = task.lower()
        return lowered if lowered in TASKS else SAME_AS.get(lowered, task)

    def _seen(self, tenant: str, asked: Asked) -> tuple[str, str]:
        known = self._templates.find(tenant, asked.template)
        if known is not None:
            return known.task, known.why
        task, why = self._looked_for(asked)
        if asked.fields or len(asked.instructions) >= SAYS_SOMETHING:
            self._templates.learn(tenant, asked.template, task)
        return task, why

    def _looked_for(self, asked: Asked) -> tuple[str, str]:
        """By structure, then by words."""
        form = structure(asked)
        if form is not None and not form.unless:
            return form.task, form.why
        guess = self._classifier.guess(asked.text, asked.instructions, code=asked.code, quoted=asked.quoted > 0)
        if form is not None:
            if guess.likely not in form.unless or guess.probability < HARDER:
                return form.task, form.why
            if guess.label:
                return guess.label, f"its words, {guess.probability:.0%} likely"
            return "", f"{form.why}, but its words look like {guess.likely}"
        if not guess.label:
            if asked.code:
                return CODE, "there is source text in the ask"
            likely = f"{guess.likely} {guess.probability:.0%}" if guess.likely else "there are no words to go by"
            return "", f"the classifier abstained: {likely}"
        if TIER_OF[guess.label] == SMALL_TIER and is_agent(asked):
            return "", f"an agent with {asked.tools} tools, though its words look like {guess.label}"
        return guess.label, f"its words, {guess.probability:.0%} likely"
