"""The kinds of tasks: how each writes a prompt, works out its answer from the text, goes wrong, and is compared.

Knows nothing of models and their skill.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import msgspec

from farthing.upstream.simulator import facts

Slots = Mapping[str, str]

STEPS = "Think step by step, then end with 'Answer: ' and the result."
BARE = "Give the result only."
"""How a task may ask for its answer."""


class Kind(msgspec.Struct, frozen=True):
    write: Callable[[random.Random], str]
    """A new prompt."""
    solve: Callable[[str], str | None]
    """The right answer; None for a prompt of another kind."""
    spoil: Callable[[str, str, random.Random], str]
    """A wrong answer that looks right; from the right one and the prompt."""
    accepts: Callable[[str, str], bool]
    """Whether an answer says the same as the right one."""


# How answers are compared.


def _plain(text: str) -> str:
    return re.sub(r"[\s\"'`*]+", " ", text).strip(" .!,;:").casefold()


def _same_words(gold: str, answer: str) -> bool:
    return _plain(gold) == _plain(answer)


def _same_number(gold: str, answer: str) -> bool:
    numbers = re.findall(r"-?\d+(?:\.\d+)?", answer.replace(",", ""))
    return bool(numbers) and float(numbers[-1]) == float(gold)


def _same_letter(gold: str, answer: str) -> bool:
    found = re.search(r"\b([A-D])\b", answer)
    return found is not None and found[1] == gold


def _same_fields(gold: str, answer: str) -> bool:
    try:
        return bool(msgspec.json.decode(gold) == msgspec.json.decode(answer))
    except msgspec.DecodeError:
        return False


def _same_list(gold: str, answer: str) -> bool:
    return [_plain(part) for part in gold.split(",")] == [_plain(part) for part in answer.split(",")]


def _says_all(gold: str, answer: str) -> bool:
    """A summary may be worded as it likes, but must name team, size, direction and reason."""
    found = _SUMMARY.fullmatch(gold)
    if found is None:
        return False
    said = _plain(answer)
    direction = (
        ("rose", "grew", "up", "increase") if found["direction"] == "rose" else ("fell", "dropped", "down", "decrease")
    )
    wanted = (found["team"], found["metric"], found["reason"])
    return (
        all(_plain(part) in said for part in wanted)
        and re.search(rf"\b{found['percent']}\b", said) is not None
        and any(word in said for word in direction)
    )


# Templates: written by filling slots in, read by the expression that the same text gives.


class Template:
    """A text with {slots}; a slot of one letter is a whole number, any other a few words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.landmark = max(re.split(r"\{\w+\}|\n", text), key=len)
        """Its longest fixed part: where that is missing, the rest need not be looked for."""
        parts = re.split(r"\{(\w+)\}", text)
        pattern, seen = "", set()
        for at, part in enumerate(parts):
            if at % 2 == 0:
                pattern += r"\s+".join(re.escape(word) for word in re.split(r"\s+", part))
            elif part in seen:
                pattern += f"(?P={part})"
            else:
                seen.add(part)
                pattern += rf"(?P<{part}>{'-?[0-9]+' if len(part) == 1 else '[^.,?!;:]{1,60}?'})"
        self.pattern = re.compile(pattern)

    def fill(self, **slots: object) -> str:
        return self.text.format(**slots)

    def read(self, prompt: str) -> Slots | None:
        found = self.pattern.search(prompt) if self.landmark in prompt else None
        return found.groupdict() if found else None


class Sum(msgspec.Struct, frozen=True):
    """A problem with a number as its answer."""

    template: Template
    result: Callable[[Mapping[str, int]], int]
    ranges: dict[str, tuple[int, int]]

    def write(self, dice: random.Random) -> str:
        slots: dict[str, object] = {name: dice.randint(*span) for name, span in self.ranges.items()}
        return self.template.fill(name=dice.choice(facts.NAMES), thing=dice.choice(facts.THINGS), **slots)

    def solve(self, prompt: str) -> str | None:
        slots = self.template.read(prompt)
        if slots is None:
            return None
        return str(self.result({name: int(slot) for name, slot in slots.items() if len(name) == 1}))


def _sum(text: str, result: Callable[[Mapping[str, int]], int], **ranges: tuple[int, int]) -> Sum:
    return Sum(Template(text), result, ranges)


_PROBLEMS = (
    _sum("{name} buys {a} boxes with {b} {thing} each and gives {c} away. How many {thing} are left?",
         lambda n: n["a"] * n["b"] - n["c"], a=(3, 19), b=(6, 48), c=(2, 17)),
    _sum("{name} reads {a} pages a day for {b} days and then {c} pages a day for {d} days. How many pages is that?",
         lambda n: n["a"] * n["b"] + n["c"] * n["d"], a=(8, 60), b=(3, 14), c=(8, 60), d=(3, 14)),
    _sum("A warehouse holds {a} {thing}. On Monday {b} go out and {c} come in; on Tuesday twice as many go out as on Monday. "
         "How many {thing} are there on Tuesday evening?",
         lambda n: n["a"] - 3 * n["b"] + n["c"], a=(400, 999), b=(11, 90), c=(5, 120)),
    _sum("{name} pays {a} euros a month for {b} months, and a fee of {c} euros at the start. How many euros is that in all?",
         lambda n: n["a"] * n["b"] + n["c"], a=(9, 140), b=(4, 36), c=(10, 95)),
    _sum("A train has {a} wagons with {b} seats. {c} seats are taken and {d} more are reserved. How many seats are free?",
         lambda n: n["a"] * n["b"] - n["c"] - n["d"], a=(5, 14), b=(48, 90), c=(20, 160), d=(5, 60)),
    _sum("{name} has {a} {thing}, which is {b} more than {c} friends have each. How many {thing} do all of them have together?",
         lambda n: n["a"] + n["c"] * (n["a"] - n["b"]), a=(30, 90), b=(3, 25), c=(2, 6)),
)  # fmt: skip
_PROGRAMS = (
    _sum("x = {a}\nfor i in range({b}):\n    x += i * {c}\nprint(x)",
         lambda n: n["a"] + n["c"] * n["b"] * (n["b"] - 1) // 2, a=(1, 50), b=(3, 12), c=(2, 9)),
    _sum("print(sum(n for n in range({a}, {b}) if n % {c} == 0))",
         lambda n: sum(i for i in range(n["a"], n["b"]) if i % n["c"] == 0), a=(1, 20), b=(25, 60), c=(2, 7)),
    _sum("n, steps = {a}, 0\nwhile n > 1:\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n    steps += 1\nprint(steps)",
         lambda n: _collatz(n["a"]), a=(5, 40)),
    _sum("def f(n):\n    return 1 if n < 2 else f(n - 1) + {a} * f(n - 2)\n\nprint(f({b}))",
         lambda n: _recurrence(n["a"], n["b"]), a=(1, 4), b=(4, 9)),
    _sum("grid = [[(row * {a} + column) % {b} for column in range({c})] for row in range({d})]\nprint(sum(map(max, grid)))",
         lambda n: sum(max((r * n["a"] + c) % n["b"] for c in range(n["c"])) for r in range(n["d"])),
         a=(2, 7), b=(5, 13), c=(2, 6), d=(3, 6)),
)  # fmt: skip


def _collatz(n: int) -> int:
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def _recurrence(factor: int, n: int) -> int:
    before, last = 1, 1
    for _ in range(n - 1):
        before, last = last, last + factor * before
    return last


def _write_problem(dice: random.Random) -> str:
    return f"{dice.choice(_PROBLEMS).write(dice)} {dice.choice((STEPS, BARE))}"


def _solve_problem(prompt: str) -> str | None:
    return next((result for one in _PROBLEMS if (result := one.solve(prompt)) is not None), None)


def _write_program(dice: random.Random) -> str:
    program = dice.choice(_PROGRAMS).write(dice)
    return f"What does this Python program print? {dice.choice((STEPS, BARE))}\n\n```python\n{program}\n```"


def _solve_program(prompt: str) -> str | None:
    if "What does this Python program print?" not in prompt:
        return None
    return next((result for one in _PROGRAMS if (result := one.solve(prompt)) is not None), None)


def _near_number(gold: str, prompt: str, dice: random.Random) -> str:
    return str(int(gold) + dice.choice((-10, -2, -1, 1, 2, 9, 10, 11)))


# Classification and sentiment: each text has one sentence that decides.

_LABELS = tuple(facts.TICKETS)
_TICKET = f"Classify this support ticket as one of: {', '.join(_LABELS)}. Answer with the label alone.\n\nTicket: "
_REVIEW = "Is the sentiment of this review positive, negative or neutral? Answer with one word.\n\nReview: "


def _about(groups: Mapping[str, Sequence[str]], small_talk: Sequence[str], dice: random.Random) -> str:
    label = dice.choice(list(groups))
    deciding = dice.choice(groups[label]).format(number=dice.randint(1000, 9999), day=dice.choice(facts.DAYS))
    around = dice.sample(small_talk, dice.randint(1, min(4, len(small_talk))))
    at = dice.randint(0, len(around))
    return " ".join([*around[:at], deciding, *around[at:], f"({dice.choice(facts.NAMES)})"])


def _deciders(groups: Mapping[str, Sequence[str]]) -> list[tuple[re.Pattern[str], str]]:
    made = []
    for label, sentences in groups.items():
        for sentence in sentences:
            words = re.escape(sentence.replace("{number}", "\0").replace("{day}", "\1"))
            made.append((re.compile(words.replace("\0", r"\d+").replace("\1", r"\w+")), label))
    return made


_TICKET_DECIDERS = _deciders(facts.TICKETS)
_REVIEW_DECIDERS = _deciders(facts.REVIEWS)


def _decided(opening: str, deciders: Sequence[tuple[re.Pattern[str], str]], prompt: str) -> str | None:
    _, found, text = prompt.rpartition(opening)
    return next((label for sentence, label in deciders if sentence.search(text)), None) if found else None


def _other_of(options: Sequence[str]) -> Callable[[str, str, random.Random], str]:
    def spoil(gold: str, prompt: str, dice: random.Random) -> str:
        return dice.choice([option for option in options if option != gold])

    return spoil


# Extraction.

_ORDER = "Extract the fields order, customer, city, date and total from this message. Answer with a JSON object only.\n\nMessage: "
_MESSAGES = tuple(Template(text) for text in facts.ORDER_MESSAGES)


def _write_order(dice: random.Random) -> str:
    date = f"2025-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    return _ORDER + dice.choice(_MESSAGES).fill(
        customer=f"{dice.choice(facts.NAMES)} {dice.choice(facts.SURNAMES)}", city=dice.choice(facts.CITIES), date=date,
        order=f"{dice.choice('ABKRT')}{dice.choice('CDXZ')}-{dice.randint(10000, 99999)}",
        a=dice.randint(12, 990), b=dice.randint(10, 99),
    )  # fmt: skip


def _solve_order(prompt: str) -> str | None:
    slots = next((slots for one in _MESSAGES if (slots := one.read(prompt)) is not None), None)
    if slots is None or "Extract the fields" not in prompt:
        return None
    fields = {name: slots[name] for name in ("order", "customer", "city", "date")}
    return msgspec.json.encode({**fields, "total": float(f"{slots['a']}.{slots['b']}")}).decode()


def _spoil_order(gold: str, prompt: str, dice: random.Random) -> str:
    fields = msgspec.json.decode(gold)
    field = dice.choice(list(fields))
    fields[field] = fields["total"] * 10 if field == "total" else fields[field][:-1]
    return msgspec.json.encode(fields).decode()


# Facts and multiple choice.


def _write_fact(dice: random.Random) -> str:
    question, answers = dice.choice(list(facts.FACTS.items()))
    return f"{question.format(dice.choice(list(answers)))} Answer with the name alone."


def _read_fact(prompt: str) -> tuple[str, str] | None:
    """The question asked, and its right answer."""
    for question, answers in facts.FACTS.items():
        before, _, after = question.partition("{}")
        found = re.search(f"{re.escape(before)}([A-Z][\\w ]+?){re.escape(after)}", prompt)
        if found and found[1] in answers:
            return question, answers[found[1]]
    return None


def _solve_fact(prompt: str) -> str | None:
    read = _read_fact(prompt) if "Answer with the name alone." in prompt else None
    return read[1] if read else None


def _spoil_fact(gold: str, prompt: str, dice: random.Random) -> str:
    read = _read_fact(prompt)
    others = list(facts.FACTS[read[0]].values()) if read else [gold + "a"]
    return dice.choice([other for other in others if other != gold])


_LETTERS = "ABCD"


def _write_choice(dice: random.Random) -> str:
    question, answers = dice.choice(list(facts.FACTS.items()))
    subject = dice.choice(list(answers))
    others = [answer for answer in dict.fromkeys(answers.values()) if answer != answers[subject]]
    options = [answers[subject], *dice.sample(others, 3)]
    dice.shuffle(options)
    listed = "\n".join(f"{letter}) {option}" for letter, option in zip(_LETTERS, options, strict=True))
    return f"{question.format(subject)} Answer with the letter alone.\n{listed}"


def _solve_choice(prompt: str) -> str | None:
    read = _read_fact(prompt) if "Answer with the letter alone." in prompt else None
    if read is None:
        return None
    options = {option: letter for letter, option in re.findall(r"(?m)^([A-D])\) (.+?)\s*$", prompt)}
    return options.get(read[1])


# Logic.

_COMPARED = {"taller": "tallest", "older": "oldest", "faster": "fastest", "stronger": "strongest"}


def _write_logic(dice: random.Random) -> str:
    people = dice.sample(facts.NAMES, dice.randint(3, 6))
    word = dice.choice(list(_COMPARED))
    said = [f"{first} is {word} than {second}." for first, second in pairwise(people)]
    dice.shuffle(said)
    return f"{' '.join(said)} Who is the {_COMPARED[word]}? {dice.choice((STEPS, BARE))}"


def _solve_logic(prompt: str) -> str | None:
    asked = re.search(r"Who is the (\w+)\?", prompt)
    word = next((one for one, most in _COMPARED.items() if asked and asked[1] == most), None)
    if word is None:
        return None
    pairs = re.findall(rf"\b(\w+) is {word} than (\w+)\.", prompt)
    top = {first for first, _ in pairs} - {second for _, second in pairs}
    return top.pop() if len(top) == 1 else None


def _spoil_logic(gold: str, prompt: str, dice: random.Random) -> str:
    people: list[str] = re.findall(r"than (\w+)\.", prompt)
    return dice.choice([name for name in people if name != gold])


# Rewriting: a list in order.

_SORT = "Rewrite this list in alphabetical order, with commas between the words and nothing else: "


def _write_list(dice: random.Random) -> str:
    return _SORT + ", ".join(dice.sample(facts.WORDS, dice.randint(5, 10)))


def _solve_list(prompt: str) -> str | None:
    _, found, rest = prompt.rpartition(_SORT)
    words = re.match(r"[a-z]+(?:, [a-z]+)*", rest)
    return ", ".join(sorted(words[0].split(", "))) if found and words else None


def _spoil_list(gold: str, prompt: str, dice: random.Random) -> str:
    words = gold.split(", ")
    at = dice.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return ", ".join(words)


# Summaries.

_REPORT = "Summarise this report in one sentence that names the team, the change and its reason.\n\nReport: "
_SUMMARY = re.compile(
    r"The (?P<team>.+) team reports that its (?P<metric>.+) (?P<direction>rose|fell) by (?P<percent>\d+) percent because of (?P<reason>.+)\."
)
_CHANGE = Template("The {metric} of the {team} team {direction} by {p} percent")
_REASON = Template("The main reason was {reason}.")


def _write_report(dice: random.Random) -> str:
    around = dice.sample(facts.REPORT_SENTENCES, dice.randint(4, len(facts.REPORT_SENTENCES)))
    change = _CHANGE.fill(
        metric=dice.choice(facts.METRICS), team=dice.choice(facts.TEAMS), direction=dice.choice(("rose", "fell")),
        p=dice.randint(2, 48),
    )  # fmt: skip
    half = len(around) // 2
    reason = _REASON.fill(reason=dice.choice(facts.REASONS))
    return _REPORT + " ".join([*around[:half], f"{change} in {dice.choice(facts.MONTHS)}.", *around[half:], reason])


def _solve_report(prompt: str) -> str | None:
    change, reason = _CHANGE.read(prompt), _REASON.read(prompt)
    if change is None or reason is None or _REPORT.split("\n")[0] not in prompt:
        return None
    return (
        f"The {change['team']} team reports that its {change['metric']} {change['direction']} by {change['p']} percent "
        f"because of {reason['reason']}."
    )


def _spoil_report(gold: str, prompt: str, dice: random.Random) -> str:
    found = _SUMMARY.fullmatch(gold)
    if found is None:
        return gold[:-1]
    if dice.random() < 0.5:
        return gold.replace(f"{found['percent']} percent", f"{int(found['percent']) + dice.randint(1, 9)} percent")
    return gold.replace(found["reason"], dice.choice([reason for reason in facts.REASONS if reason != found["reason"]]))


BY_NAME: dict[str, Kind] = {
    "classification": Kind(
        lambda dice: _TICKET + _about(facts.TICKETS, facts.TICKET_SMALL_TALK, dice),
        lambda prompt: _decided(_TICKET, _TICKET_DECIDERS, prompt), _other_of(_LABELS), _same_words,
    ),
    "sentiment": Kind(
        lambda dice: _REVIEW + _about(facts.REVIEWS, facts.REVIEW_SMALL_TALK, dice),
        lambda prompt: _decided(_REVIEW, _REVIEW_DECIDERS, prompt), _other_of(tuple(facts.REVIEWS)), _same_words,
    ),
    "extraction": Kind(_write_order, _solve_order, _spoil_order, _same_fields),
    "summary": Kind(_write_report, _solve_report, _spoil_report, _says_all),
    "fact": Kind(_write_fact, _solve_fact, _spoil_fact, _same_words),
    "choice": Kind(_write_choice, _solve_choice, _other_of(_LETTERS), _same_letter),
    "arithmetic": Kind(_write_problem, _solve_problem, _near_number, _same_number),
    "logic": Kind(_write_logic, _solve_logic, _spoil_logic, _same_words),
    "code": Kind(_write_program, _solve_program, _near_number, _same_number),
    "rewrite": Kind(_write_list, _solve_list, _spoil_list, _same_list),
}  # fmt: skip
