"""A bank of tasks whose right answers are known, and how well each model does them.

`bank` writes thousands of them from templates; `gold_answer` reads a prompt and works out the answer, so that whoever sees
a prompt (a test, the quality estimator, the demo) can score what a model said: `is_right`. `skill` is the probability that
a model is right on a kind of task; whether it is right on one prompt follows from seed, model and prompt. Hard prompts are
hard for all models: most of the luck is shared between them. `Skills` are those of one provider: set, and changed on the way.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec

from farthing.upstream.simulator import seeds, task_kinds
from farthing.upstream.simulator.models import MODELS, Model

SKILL: dict[str, dict[str, float]] = {
    "classification": {"small": 0.930, "mid": 0.965, "flagship": 0.975},
    "sentiment": {"small": 0.950, "mid": 0.970, "flagship": 0.975},
    "extraction": {"small": 0.940, "mid": 0.975, "flagship": 0.985},
    "summary": {"small": 0.900, "mid": 0.950, "flagship": 0.965},
    "fact": {"small": 0.900, "mid": 0.960, "flagship": 0.985},
    "choice": {"small": 0.820, "mid": 0.920, "flagship": 0.965},
    "arithmetic": {"small": 0.800, "mid": 0.940, "flagship": 0.985},
    "logic": {"small": 0.720, "mid": 0.900, "flagship": 0.970},
    "code": {"small": 0.660, "mid": 0.880, "flagship": 0.965},
    "rewrite": {"small": 0.920, "mid": 0.970, "flagship": 0.985},
}
"""Kind -> tier -> probability of a right answer; a model's `edge` is added."""

KINDS = tuple(SKILL)
_SHARED_LUCK = 0.7
"""Share of prompts on which all models have the same luck."""


class Task(msgspec.Struct, frozen=True):
    kind: str
    prompt: str
    gold: str


def bank(count: int, seed: int = 0, kinds: Sequence[str] = KINDS) -> Iterator[Task]:
    """So many tasks, the kinds in turn; another seed, other tasks."""
    for number in range(count):
        yield make(kinds[number % len(kinds)], seed, number)


def make(kind: str, seed: int, number: int) -> Task:
    prompt = task_kinds.BY_NAME[kind].write(seeds.dice("task", kind, seed, number))
    gold = task_kinds.BY_NAME[kind].solve(prompt)
    if gold is None:
        raise ValueError(f"the bank cannot solve its own task: {prompt!r}")
    return Task(kind, prompt, gold)


def kind_of(prompt: str) -> str | None:
    """The kind of a task of the bank, also where other text stands around it."""
    found = _solved(prompt)
    return found[0] if found else None


def gold_answer(prompt: str) -> str | None:
    """The right answer to a task of the bank; None for any other prompt."""
    found = _solved(prompt)
    return found[1] if found else None


def is_right(prompt: str, answer: str) -> bool | None:
    """Whether an answer is right, however it is wrapped (a sentence, JSON, a code fence); None for an unknown prompt."""
    found = _solved(prompt)
    return task_kinds.BY_NAME[found[0]].accepts(found[1], _unwrapped(answer)) if found else None


_LONGEST = 20_000
"""Characters; no task of the bank is longer."""


@lru_cache(maxsize=512)
def _solved(prompt: str) -> tuple[str, str] | None:
    """Kind and right answer."""
    if len(prompt) > _LONGEST:
        return None
    for name, kind in task_kinds.BY_NAME.items():
        gold = kind.solve(prompt)
        if gold is not None:
            return name, gold
    return None


class Skills:
    """How well the models of one provider do. `given` is kind -> model or tier -> probability, where it differs from
    SKILL; a tier's gets the model's edge, a model's is meant as it is."""

    def __init__(self, given: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self._given = given or {}
        self.tuned: dict[str, dict[str, float]] = {}
        """By model of a customer's own: kind -> probability."""
        self.shifts: dict[str, float] = {}
        """By model: what is added from now on. Nothing in an answer tells of it."""

    def of(self, model: Model, kind: str) -> float:
        """The probability that the model answers a task of that kind right."""
        given = self._given.get(kind, {})
        known = self.tuned.get(model.id, {}).get(kind, given.get(model.id))
        if known is None:
            known = given.get(model.tier, SKILL[kind][model.tier]) + model.edge
        return min(0.995, max(0.02, known + self.shifts.get(model.id, 0.0)))


_DEFAULT = Skills()


def skill(model: Model | str, kind: str) -> float:
    """The probability by default that the model answers a task of that kind right. KeyError for a model that there is not."""
    return _DEFAULT.of(MODELS[model] if isinstance(model, str) else model, kind)


def attempt(prompt: str, model: Model, seed: int, skills: Skills = _DEFAULT) -> str | None:
    """What the model answers to a task of the bank, right or wrong; None for any other prompt."""
    found = _solved(prompt)
    if found is None:
        return None
    name, gold = found
    task = " ".join(_MARKER.sub("", prompt).split())
    shared = seeds.unit(seed, "shared", task) < _SHARED_LUCK
    luck = seeds.unit(seed, "luck", task, "" if shared else model.id)
    return _said(prompt, gold) if luck < skills.of(model, name) else wrong(prompt, model, seed)


def wrong(prompt: str, model: Model, seed: int) -> str | None:
    """What the model answers to a task where it is wrong; None for a prompt that is no task."""
    found = _solved(prompt)
    if found is None:
        return None
    name, gold = found
    task = " ".join(_MARKER.sub("", prompt).split())
    return _said(prompt, task_kinds.BY_NAME[name].spoil(gold, prompt, seeds.dice(seed, "wrong", task, model.id)))


_MARKER = re.compile(r"\[\[simulate:[^\]]*\]\]")


def _said(prompt: str, result: str) -> str:
    if task_kinds.STEPS not in prompt:
        return result
    numbers = re.findall(r"\d+", prompt)[:6]
    shown = f"The question gives {', '.join(numbers)}. " if numbers else ""
    return (
        f"Let me go through it in order. {shown}I take the statements one after the other and keep what each of them "
        f"changes, then I check that nothing is left out.\nAnswer: {result}"
    )


def _unwrapped(answer: str) -> str:
    """The answer itself: what stands behind `Answer:`, in a code fence, or in the only field of a JSON object."""
    text = answer.strip()
    fenced = re.search(r"```\w*\n(.*?)```", text, re.DOTALL)
    text = fenced[1].strip() if fenced else text
    named = re.findall(r"(?im)^\W*answer:\s*(.+?)\s*$", text)
    text = named[-1] if named else text
    if text.startswith("{"):
        try:
            fields = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
        for name in ("answer", "result", "label", "category", "sentiment", "summary"):
            if isinstance(fields, dict) and isinstance(fields.get(name), (str, int)):
                return str(fields[name])
        if isinstance(fields, dict) and len(fields) == 1:
            return str(next(iter(fields.values())))
    return text
