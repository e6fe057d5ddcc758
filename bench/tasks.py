"""How well the task step tells kinds of work apart, and what it costs.

The classifier was trained on prompts written for it; here it meets public ones, each source as a whole unseen. A source's
prompts count as much as another's. A call is under-tiered if its kind of work is given and the textbook's tier for that is
smaller than for the true one; one that is abstained on goes to the safe tier.
"""

import contextlib
import gzip
import json
import random
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from farthing.model.call import Answer, Ask, Call, Proceed
from farthing.settings import RoutingSettings
from farthing.settings.tree import TemplateRoutingSettings
from farthing.steps.task.classifier import TIER_OF
from farthing.steps.task.step import Task
from farthing.wire.asked import asked
from harness.report import Figure, Report, options

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
UNDER_MOST, ABSTAINED_MOST = 5.0, 60.0
"""Percent of calls, in the mean of the sources."""
KNOWN_MOST_US, CLASSIFIER_MOST_US, NOTHING_MOST_US = 30.0, 1000.0, 2.0
QUICK, FULL = 60, 400
"""Prompts of a source."""


@dataclass
class Source:
    name: str
    accepted: frozenset[str]
    """Labels that are right. The smallest of their tiers is what it needs."""
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def needs(self) -> int:
        return min(TIER_OF[label] for label in self.accepted)


QUANTITATIVE = frozenset(
    (
        "abstract_algebra", "college_mathematics", "elementary_mathematics", "high_school_mathematics",
        "high_school_statistics", "college_physics", "high_school_physics", "formal_logic",
    )
)  # fmt: skip
KINDS = {
    "grade_math": ("reasoning",), "hard_math": ("reasoning",), "quant_mcq": ("reasoning",),
    "code_reasoning": ("code", "reasoning"), "knowledge_mcq": ("qa",), "mmlu_mcq": ("qa",), "short_fact": ("qa", "reasoning"),
}  # fmt: skip
"""Kinds of the routing set. Recall of facts is answering questions, whatever the form; a number to be worked out is not."""
HARD = {
    "ruin_names": ("qa", "reasoning"), "disambiguation_qa": ("qa", "reasoning"),
    "salient_translation_error_detection": ("classification", "reasoning"),
}  # fmt: skip
"""Tasks of BIG-Bench Hard that are not plainly reasoning."""
SMALL = {
    "taxonomy_animal": ("extraction", "classification"), "larger_animal": ("qa", "reasoning"), "letters_list": ("rewrite",),
    "num_to_verbal": ("rewrite",), "orthography_starts_with": ("extraction",), "singular_to_plural": ("rewrite",),
    "first_word_letter": ("extraction",),
}  # fmt: skip
CLASSIFY = (
    "Decide what the customer wants. The answer must be one of these names: {names}.",
    "Here is a message somebody sent to our assistant. To which of these intents does it belong?\n{names}\nJust write the name.",
    "intent detection -- allowed outputs: {names}",
)
EXTRACT = (
    "Find these details in the message, if they are there, and give them as JSON: {names}.",
    "Which values does the speaker name for {names}? Copy them from the message.",
    "entities to pull from the user's sentence: {names}. Leave out what is not mentioned.",
)


def sources(data: Path, most: int) -> Iterator[Source]:
    """All sources of that folder, each with at most so many prompts."""
    yield from _routing(data / "routing" / "outcomes.jsonl.gz", most)
    yield _plain(
        "gsm8k train", ("reasoning",), [row["question"] for row in _rows(data / "eval" / "gsm8k_train500.jsonl")], most
    )
    for task, rows in _by(_rows(data / "eval" / "bbh.jsonl"), "task").items():
        yield _plain(f"bbh {task}", HARD.get(task, ("reasoning",)), [row["input"] for row in rows], most)
    for task, rows in _by(_rows(data / "eval" / "small_tasks.jsonl"), "task").items():
        texts = [f"{row['instruction']}\n{row['input']}" for row in rows]
        yield _plain(f"small tasks {task}", SMALL.get(task, ()), texts, most)
    yield from _intents(data, most)
    yield from _slots(data, most)


def _routing(path: Path, most: int) -> Iterator[Source]:
    for kind, rows in _by(_rows(path), "kind").items():
        for group, some in _by(rows, "set").items():
            quantitative = [row for row in some if row.get("sub") in QUANTITATIVE]
            plain = [row for row in some if row.get("sub") not in QUANTITATIVE]
            yield _plain(f"{group} {kind}", KINDS.get(kind, ()), [row["prompt"] for row in plain], most)
            if quantitative:
                yield _plain(f"{group} {kind}, maths", ("reasoning",), [row["prompt"] for row in quantitative], most)


def _intents(data: Path, most: int) -> Iterator[Source]:
    for name in ("banking77", "clinc150", "snips"):
        rows = _rows(data / "intents" / f"{name}.jsonl")
        if rows:
            names = sorted({row["intent"] for row in rows})
            yield _instructed(name, "classification", CLASSIFY, [(row["text"], names) for row in rows], most)
    rows = _rows(data / "eval" / "nlupp.jsonl")
    if rows:
        names = sorted({intent for row in rows for intent in row["intents"]})
        yield _instructed("nlupp intents", "classification", CLASSIFY, [(row["text"], names) for row in rows], most)


def _slots(data: Path, most: int) -> Iterator[Source]:
    found = {
        "nlupp slots": [(row["text"], list(row["slots"])) for row in _rows(data / "eval" / "nlupp.jsonl")],
        "restaurant8k": [(row["text"], list(row["slots"])) for row in _rows(data / "eval" / "restaurant8k.jsonl")],
        "snips slots": [(row["text"], [slot["slot"] for slot in row["slots"]]) for row in _rows(data / "intents" / "snips.jsonl")],
    }  # fmt: skip
    for name, rows in found.items():
        if rows:
            known = sorted({slot for _, slots in rows for slot in slots})
            yield _instructed(name, "extraction", EXTRACT, [(text, known) for text, _ in rows], most)


def _plain(name: str, accepted: tuple[str, ...], texts: list[str], most: int) -> Source:
    """Prompts as they stand, half of them below a system prompt that says nothing."""
    rng = random.Random(name)
    bodies = []
    for at, text in enumerate(_some(texts, most, rng)):
        messages = [{"role": "user", "content": text}]
        if at % 2:
            messages.insert(0, {"role": "system", "content": "You are a helpful assistant."})
        bodies.append({"model": "auto", "messages": messages})
    return Source(name, frozenset(accepted), bodies)


def _instructed(
    name: str, label: str, wordings: tuple[str, ...], rows: list[tuple[str, list[str]]], most: int
) -> Source:
    """Texts below an instruction: as system prompt, or in the same message before or after the text."""
    rng = random.Random(name)
    source = Source(name, frozenset((label,)))
    for at, (text, names) in enumerate(_some(rows, most, rng)):
        wording = wordings[at % len(wordings)].format(names=", ".join(rng.sample(names, min(12, len(names)))))
        way = at // len(wordings) % 3
        if way == 0:
            messages = [{"role": "system", "content": wording}, {"role": "user", "content": text}]
        else:
            asked = f"{wording}\n\n{text}" if way == 1 else f"Message: {text}\n\n{wording}"
            messages = [{"role": "user", "content": asked}]
        source.bodies.append({"model": "auto", "messages": messages})
    return source


def _some(values: list[Any], most: int, rng: random.Random) -> list[Any]:
    return values if len(values) <= most else rng.sample(values, most)


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    raw = path.read_bytes()
    text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    return [json.loads(line) for line in text.decode().splitlines() if line]


def _by(rows: list[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


async def _proceed(call: Call) -> Answer:
    return Answer(200, [], b"{}")


def a_call(body: bytes, *, task: str = "") -> Call:
    call = Call(
        id="bench", wire="openai.chat", headers={}, peer="127.0.0.1", body=body, ask=Ask("auto"), started_us=0, started=0.0
    )  # fmt: skip
    call.task = task
    return call


def judged(report: Report, data: Path, *, quick: bool) -> None:
    print(f"{'source':<46} {'n':>5} {'right':>7} {'of given':>9} {'abstained':>10} {'under-tiered':>13}")
    tallies: list[Tally] = []
    for source in sources(data, QUICK if quick else FULL):
        if not source.accepted or not source.bodies:
            print(f"{source.name:<46} {len(source.bodies):>5}  not judged: no true label is known")
            continue
        tallies.append(_tally(source))
        print(tallies[-1])
    if not tallies:
        report.troubles.append(f"no data sets in {data}; name their folder with --data")
        return
    risky = [each for each in tallies if each.source.needs > 0]
    report.add(
        Figure("sources held out", "", [len(tallies)], needs=1),
        Figure("right, of all", "%", [_mean(each.share(each.right) for each in tallies)], needs=1),
        Figure("right, of those given", "%", [_mean(each.right_of_given for each in tallies if each.given)], needs=1),
        Figure("abstained", "%", [_mean(each.share(each.abstained) for each in tallies)], ABSTAINED_MOST, needs=1),
        Figure("under-tiered", "%", [_mean(each.share(each.under) for each in tallies)], UNDER_MOST, needs=1),
        Figure(
            "under-tiered, sources that need more than small",
            "%",
            [_mean(each.share(each.under) for each in risky)],
            UNDER_MOST,
            needs=1,
        ),
        Figure("under-tiered, the worst source", "%", [max(each.share(each.under) for each in tallies)], needs=1),
    )


@dataclass
class Tally:
    """What the step said of a source's prompts."""

    source: Source
    right: int = 0
    abstained: int = 0
    under: int = 0

    @property
    def given(self) -> int:
        return len(self.source.bodies) - self.abstained

    @property
    def right_of_given(self) -> float:
        return 100 * self.right / self.given

    def share(self, count: int) -> float:
        """In percent of all."""
        return 100 * count / len(self.source.bodies)

    def __str__(self) -> str:
        given = f"{self.right_of_given:.1f}" if self.given else "-"
        return (
            f"{self.source.name:<46} {len(self.source.bodies):>5} {self.share(self.right):>7.1f} {given:>9} "
            f"{self.share(self.abstained):>10.1f} {self.share(self.under):>13.1f}"
        )


def _tally(source: Source) -> Tally:
    """A step of its own for each, so that no source teaches templates to another."""
    step = Task(RoutingSettings(), routes=lambda call: True)
    tally = Tally(source)
    for body in source.bodies:
        call = a_call(json.dumps(body).encode())
        _walk(step, call)
        tally.abstained += not call.task
        tally.right += call.task in source.accepted
        tally.under += bool(call.task) and TIER_OF[call.task] < source.needs
    return tally


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _walk(step: Callable[[Call, Proceed], Coroutine[Any, Any, Answer]], call: Call) -> None:
    """The step has nothing to wait for, so it needs no loop."""
    with contextlib.suppress(StopIteration):
        step(call, _proceed).__await__().send(None)


INSTRUCTIONS = "You answer for the help desk. Be kind, be exact, and never promise what is not in the handbook. " * 30
WORDS = [
    "the",
    "old",
    "harbour",
    "was",
    "quiet",
    "when",
    "people",
    "of",
    "the",
    "town",
    "came",
    "down",
    "to",
    "see",
    "what",
    "had",
    "been",
    "left",
    "by",
    "the",
    "storm",
]


def costs(report: Report, *, quick: bool) -> None:
    rounds, times = (3, 300) if quick else (9, 2000)
    long = " ".join(WORDS[at % len(WORDS)] + "aeiou"[at % 5] for at in range(490))
    chat = {
        "model": "auto",
        "messages": [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": "Why? " * 300}],
    }
    known = json.dumps(chat).encode()
    bare = json.dumps(
        {"model": "auto", "messages": [{"role": "user", "content": f"Tell me about this. {long}"}]}
    ).encode()
    step = Task(RoutingSettings(), routes=lambda call: True)
    read = asked("openai.chat", known)
    named = TemplateRoutingSettings(fingerprint=read.template if read else "", task="qa")
    taught = Task(RoutingSettings(templates={"help desk": named}), routes=lambda call: True)
    off = Task(RoutingSettings(), routes=lambda call: False)
    cases: list[tuple[str, Task, Callable[[], Call], float]] = [
        ("declared, 5 KB", step, lambda: a_call(known, task="qa"), KNOWN_MOST_US),
        ("template known, 5 KB", taught, lambda: a_call(known), KNOWN_MOST_US),
        ("classifier, 500 words", step, lambda: a_call(bare), CLASSIFIER_MOST_US),
        ("nothing to look for", off, lambda: a_call(known), NOTHING_MOST_US),
    ]
    for name, one, make, most in cases:
        report.add(Figure(name, "us/call", [_cpu_us(one, make, times) for _ in range(rounds)], most))


async def _straight_on(call: Call, proceed: Proceed) -> Answer:
    """What any step costs that does nothing."""
    return await proceed(call)


def _cpu_us(step: Task, make: Callable[[], Call], times: int) -> float:
    """CPU of the step alone, without what it costs to walk through any."""
    return _walks_us(step, make, times) - _walks_us(_straight_on, make, times)


def _walks_us(
    step: Callable[[Call, Proceed], Coroutine[Any, Any, Answer]], make: Callable[[], Call], times: int
) -> float:
    calls = [make() for _ in range(times)]
    began = time.process_time()
    for call in calls:
        _walk(step, call)
    return (time.process_time() - began) / times * 1e6


def main() -> int:
    said = options(__doc__ or "")
    report = Report("tasks")
    judged(report, said.data or SHARED, quick=said.quick)
    costs(report, quick=said.quick)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
