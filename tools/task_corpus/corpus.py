"""The corpus: families of phrasings put to work on texts, with system prompts, options, tags and the rest of real prompts."""

import random
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from task_corpus import banks, families
from task_corpus.banks import document, filled
from task_corpus.puzzles import PUZZLES


class Prompt(NamedTuple):
    label: str
    family: str
    """Those of one family are held out together."""
    instructions: str
    text: str


NOTHING = "none"
"""The label of prompts that no kind of work should be seen in."""


def corpus(each: int, seed: int = 7) -> list[Prompt]:
    """About `each` prompts of each family, the same for the same seed."""
    rng = random.Random(seed)
    found: dict[tuple[str, str, str, str], Prompt] = {}
    for label, family, made in _families(rng):
        share = each if label != "qa" or family != "facts" else 4 * each
        for _ in range(share):
            instructions, text = made()
            prompt = Prompt(label, f"{label}/{family}", instructions, text)
            found.setdefault(prompt, prompt)
    return list(found.values())


def _families(rng: random.Random) -> Iterator[tuple[str, str, "_Maker"]]:
    over_texts = {
        "classification": families.CLASSIFICATION, "extraction": families.EXTRACTION,
        "summarisation": families.SUMMARISATION, "rewrite": families.REWRITE,
    }  # fmt: skip
    for label, group in over_texts.items():
        for name, (kinds, phrasings) in group.items():
            yield label, name, _Maker(rng, phrasings, tuple(kinds.split()))
    for name, (kinds, phrasings) in families.QA_CONTEXT.items():
        yield "qa", name, _Maker(rng, phrasings, tuple(kinds.split()))
    yield "qa", "facts", _Maker(rng, banks.FACTS)
    yield "qa", "facts 2", _Maker(rng, banks.FACTS[::2], polite=True)
    for part in range(5):
        yield "qa", f"choice {part}", _Maker(rng, [], choices=banks.CHOICES[part::5])
    plain = {
        "creative": families.CREATIVE, "code": families.CODE_WRITE, "embedding": families.EMBEDDING,
        "reasoning": {**families.WORD_PROBLEMS, **families.MATHS, **families.ANALYSIS}, NOTHING: families.NONE,
    }  # fmt: skip
    for label, bare in plain.items():
        for name, phrasings in bare.items():
            yield label, name, _Maker(rng, phrasings, polite=label in ("creative", "code"))
    for name, phrasings in families.CODE_GIVEN.items():
        yield "code", f"given {name}", _Maker(rng, phrasings, code=True)
    for name, phrasings in families.PUZZLES.items():
        yield "reasoning", f"puzzle {name}", _Maker(rng, phrasings, options=0.5)
        yield "reasoning", f"puzzle {name}, long", _Maker(rng, phrasings, options=0.5, setting=True)
    for name, make in PUZZLES.items():
        yield "reasoning", f"made {name}", _Maker(rng, [], puzzle=make)
    for part in range(4):
        yield "reasoning", f"choice {part}", _Maker(rng, families.QUANT_MCQ[part::4], options=1.0)
    yield "reasoning", "problems with options", _Maker(rng, _all(families.WORD_PROBLEMS), options=1.0)
    yield "reasoning", "maths with options", _Maker(rng, _all(families.MATHS), options=1.0)


def _all(groups: dict[str, list[str]]) -> list[str]:
    return [phrasing for group in groups.values() for phrasing in group]


_ASKS = ("Please ", "Can you ", "Could you please ", "I need you to ", "I'd like you to ", "Hey, ", "", "", "", "")
_STEPS = (
    "\nThink step by step.", "\nLet's think step by step.", "\nShow your work.", "\nGive only the final answer.",
    "\nAnswer:", "\nPut the final answer in \\boxed{}.", "", "", "", "", "",
)  # fmt: skip
_SETTINGS = (
    "The following paragraph describes a situation. The statements are consistent. ",
    "Read carefully and answer the question at the end. ", "Here is a puzzle. ", "Consider the following. ", "",
)  # fmt: skip
_TAGS = ("text", "document", "message", "input", "article", "email")
_HEADS = (
    "Text:",
    "Input:",
    "Message:",
    "Document:",
    "Here it is:",
    "User:",
    "Sentence:",
    "Review:",
    "Customer:",
    "###",
)
_ENDS = ("", "", "", "\nReturn JSON.", "\nAnswer:", "\nOutput:", "\nNo explanation.", "\nBe brief.")


_SAME = (
    "message|text|utterance|query|request|comment|post|sentence|input|passage|snippet|statement",
    "document|article|report|page|file|paper|note|letter", "classify|categorise|categorize|label|sort|tag|assign",
    "category|class|label|type|group|intent|bucket|tag", "categories|classes|labels|types|groups|intents|tags|options",
    "extract|pull out|get|find|identify|retrieve|collect|pick out|capture|note", "fields|values|details|attributes|keys|entries|items|slots|entities",
    "answer|reply|respond|return|output|say|write|give", "only|just|exactly|solely", "choose|select|pick|decide on",
    "summarise|summarize|sum up|recap|condense|digest", "summary|synopsis|overview|recap|abstract|digest",
    "short|brief|concise|compact|quick", "rewrite|rephrase|reword|reformulate|paraphrase|restate", "translate|render|put",
    "correct|fix|repair|improve|polish|edit", "write|compose|draft|create|make up|produce|pen", "story|tale|narrative",
    "function|method|routine|procedure|program|script", "bug|error|mistake|fault|problem", "explain|describe|clarify|walk me through",
    "customer|user|client|caller|guest|speaker|sender", "following|given|attached|below", "determine|decide|tell me|work out|figure out",
    "similar|alike|close in meaning|related", "relevant|fitting|useful|pertinent", "rank|order|sort|arrange",
    "calculate|compute|work out|determine|find", "how many|what number of", "list|enumerate|name|give me",
)  # fmt: skip
_SYNONYMS = {word: group.split("|") for group in _SAME for word in group.split("|") if " " not in word}


def _reworded(phrase: str, rng: random.Random) -> str:
    """The phrasing with some of its words put otherwise; what is in braces stays."""
    if rng.random() < 0.4:
        return phrase
    words = _SPLIT.split(phrase)
    for at, word in enumerate(words):
        same = _SYNONYMS.get(word.lower())
        if same is not None and rng.random() < 0.5:
            chosen = rng.choice(same)
            words[at] = chosen.capitalize() if word[:1].isupper() else chosen
    return "".join(words)


_SPLIT = re.compile(r"(\{[^}]*\}|[^\W\d_]+)")


class _Maker:
    """Makes prompts of one family."""

    def __init__(
        self, rng: random.Random, phrasings: list[str], kinds: tuple[str, ...] = (), *, code: bool = False,
        polite: bool = False, options: float = 0.0, setting: bool = False,
        choices: list[tuple[str, tuple[str, ...]]] | None = None,
        puzzle: Callable[[random.Random], str] | None = None,
    ) -> None:  # fmt: skip
        self._rng = rng
        self._phrasings = phrasings
        self._kinds = tuple(kind for kind in kinds if kind != "none")
        self._code = code
        self._polite = polite
        self._options = options
        self._setting = setting
        self._choices = choices
        self._puzzle = puzzle

    def __call__(self) -> tuple[str, str]:
        rng = self._rng
        if self._choices is not None:
            return self._system(), self._multiple_choice()
        if self._puzzle is not None:
            return self._system(), self._puzzle(rng) + rng.choice(_STEPS)
        phrase = self._slots(_reworded(rng.choice(self._phrasings), rng))
        if self._code:
            return self._about_code(phrase)
        if self._kinds:
            return self._about_text(phrase)
        if self._options and rng.random() < self._options:
            phrase += self._numbered(
                [
                    filled(rng.choice(("{n}", "{big}", "{dec}", "{name}", "{n}/{k}", "-{k}")), rng)
                    for _ in range(rng.randint(3, 6))
                ]
            )
        if self._setting:
            phrase = rng.choice(_SETTINGS) + phrase
        if self._polite and rng.random() < 0.5:
            phrase = rng.choice(_ASKS) + phrase[0].lower() + phrase[1:]
        if self._options or rng.random() < 0.1:
            phrase += rng.choice(_STEPS)
        return self._system(), phrase

    def _system(self) -> str:
        return filled(self._rng.choice(families.SYSTEMS), self._rng) if self._rng.random() < 0.4 else ""

    def _slots(self, phrase: str) -> str:
        rng = self._rng
        labels, fields = rng.choice(families.LABEL_SETS), rng.choice(families.FIELD_SETS)
        riddles = rng.sample(banks.RIDDLES, 3)
        for name, value in {
            "labels_lines": "\n".join(f"- {label}" for label in labels), "fields_lines": "\n".join(f"{field}:" for field in fields),
            "labels": ", ".join(labels), "fields": ", ".join(fields), "field": rng.choice(fields),
            "riddle": riddles[0], "riddle2": riddles[1], "riddle3": riddles[2],
        }.items():  # fmt: skip
            phrase = phrase.replace("{" + name + "}", value)
        while "{fact}" in phrase or "{fact2}" in phrase:
            phrase = phrase.replace("{fact}", rng.choice(banks.FACTS), 1).replace("{fact2}", rng.choice(banks.FACTS), 1)
        for kind in ("story", "log", "contract", "science", "de", "fr", "es"):
            for slot in ("{" + kind + "}", "{" + kind + "2}"):
                if slot in phrase:
                    phrase = phrase.replace(slot, document(rng, (kind,), 1, 6))
        kinds = self._kinds or ("news", "support", "review", "listing", "science")
        for slot in ("{doc}", "{doc2}", "{doc3}"):
            while slot in phrase:
                phrase = phrase.replace(slot, document(rng, kinds, 1, 3), 1)
        return filled(phrase, rng)

    def _about_text(self, phrase: str) -> tuple[str, str]:
        rng = self._rng
        if "\nText:" in phrase or "->" in phrase or "\nInput:" in phrase or "\nQ:" in phrase:
            return self._system(), phrase
        text = document(rng, self._kinds, 1, 3 if "listing" in self._kinds else rng.choice((3, 8, 14)))
        end = rng.choice(_ENDS) if rng.random() < 0.4 else ""
        asked = rng.choice(_ASKS) + phrase[0].lower() + phrase[1:] if rng.random() < 0.2 else phrase
        way = rng.random()
        if way < 0.3:
            return phrase + end, text
        if way < 0.4:
            tag = rng.choice(_TAGS)
            return self._system(), f"{asked}{end}" if rng.random() < 0.5 else f"<{tag}>{text}</{tag}>\n{asked}{end}"
        if way < 0.6:
            return self._system(), f"{text}\n\n{asked}{end}"
        if way < 0.8:
            return self._system(), f"{asked}\n{rng.choice(_HEADS)} {text}{end}"
        return self._system(), f"{asked}\n\n{text}{end}"

    def _about_code(self, phrase: str) -> tuple[str, str]:
        rng = self._rng
        source = rng.choice(banks.CODE)
        if rng.random() < 0.5:
            source = f"```{rng.choice(('python', 'js', '', 'sql'))}\n{source}\n```"
        if rng.random() < 0.2:
            source = f"[CODE]\n{source}\n[/CODE]"
        if rng.random() < 0.15:
            return phrase, source
        return self._system(), f"{phrase}\n\n{source}" if rng.random() < 0.6 else f"{source}\n\n{phrase}"

    def _multiple_choice(self) -> str:
        rng = self._rng
        choices = self._choices or [("", ())]
        stem, options = rng.choice(choices)
        others = [option for _, more in rng.sample(choices, min(3, len(choices))) for option in more]
        shown = list(dict.fromkeys((*options, *(others if rng.random() < 0.4 else ()))))[:10]
        rng.shuffle(shown)
        if rng.random() < 0.25:
            stem = document(rng, ("medical", "contract", "science", "news"), 1, 4) + " " + stem
        before = rng.choice(
            ("", "", "", "Answer the following multiple choice question.\n", "The following is a question about law.\n")
        )
        end = rng.choice(("", "", "\nAnswer:", "\nAnswer with the letter only.", "\nThe correct option is"))
        return before + stem + self._numbered(shown) + end

    def _numbered(self, options: list[str]) -> str:
        rng = self._rng
        style = rng.choice(("{}. ", "({}) ", "{}) ", "{}: "))
        head = rng.choice(("\n", "\n", "\nOptions:\n", "\nChoices:\n"))
        letters = rng.choice(("ABCDEFGHIJ", "ABCDEFGHIJ", "abcdefghij", "1234567890"))
        return head + "\n".join(style.format(letters[at]) + option for at, option in enumerate(options))
