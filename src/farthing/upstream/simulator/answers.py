"""What a model answers: the same question to the same model gets the same answer.

In this order: results of tools are answered with text; a prompt that asks for a tool gets calls whose arguments satisfy
the tool's schema; a wanted JSON schema gets JSON of it, a comparison of two answers an honest verdict (`judging`); a task
of the bank (`tasks`) is answered at the model's skill, where settings say so by the prompt's words (`prompt_truth`);
anything else gets plausible prose. Knows nothing of wires: they turn a request into a `Question` and a `Reply` into bytes.
"""

import random
import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from farthing.upstream.simulator import judging, prose, schema_values, seeds, tasks, tokens
from farthing.upstream.simulator.models import Model
from farthing.upstream.simulator.settings import SimulatorSettings

_EFFORT_TOKENS = {
    "none": 0, "minimal": 0, "low": 96, "medium": 320, "high": 960, "xhigh": 1920, "max": 3200
}  # fmt: skip
_LENGTHS = {"small": 90, "mid": 120, "flagship": 150}
"""Tokens of an ordinary answer."""
_LONGEST_SHOWN_THOUGHT = 120
_CALL_OVERHEAD = 9
"""Tokens around a tool call."""
_MOST_CALLS = 4
_VERBS = frozenset(("get", "list", "find", "search", "look", "call", "make", "create", "tool", "with", "from", "fetch"))


class Tool(msgspec.Struct, frozen=True):
    name: str
    schema: dict[str, Any] = {}


class Question(msgspec.Struct):
    """A request, whatever its wire."""

    model: Model
    prompt: str
    """The text of the last user message."""
    context: bytes
    """Stands for all that the model sees; other bytes, other answer."""
    tools: list[Tool] = []
    choice: str = "auto"
    """auto, none, required, or the name of the one tool to call."""
    parallel: bool = True
    results: list[str] = []
    """What tools gave back, where they were the last to speak."""
    schema: dict[str, Any] | None = None
    """The JSON schema that the answer must satisfy; {} for any object."""
    max_output: int | None = None
    """Tokens as the provider counts them, reasoning included."""
    stop: list[str] = []
    effort: str = ""
    """How hard to think; empty where the request does not say."""
    budget: int | None = None
    """The most tokens to think."""


class ToolUse(msgspec.Struct, frozen=True):
    name: str
    arguments: str
    """JSON."""


class Reply(msgspec.Struct):
    text: str = ""
    calls: list[ToolUse] = []
    thought: str = ""
    """What of its thinking a model shows."""
    reasoning: int = 0
    """Tokens spent thinking; a part of `output`."""
    output: int = 0
    finish: Literal["stop", "length", "tools", "sequence", "filter"] = "stop"
    stop: str = ""
    """The sequence at which it stopped."""


class Mind(msgspec.Struct, frozen=True):
    """What answers depend on beside the question."""

    settings: SimulatorSettings
    skills: tasks.Skills


def answer(question: Question, mind: Mind, variant: int = 0) -> Reply:
    """`variant` tells the choices of one request apart (`n`)."""
    dice = seeds.dice(mind.settings.seed, question.model.id, question.context, variant)
    reasoning = _reasoning(question, dice)
    limit = question.max_output if question.max_output is not None else question.model.max_output
    reply = Reply(reasoning=min(reasoning, limit))
    if reasoning:
        reply.thought = prose.text(dice, question.prompt, min(reasoning, _LONGEST_SHOWN_THOUGHT) // 2)
    if reasoning >= limit:
        return _ended(reply, limit, "length")
    calls = _calls(question, dice)
    if calls:
        return _with_calls(question, reply, calls, limit)
    return _with_text(question, reply, _text(question, dice, mind), limit)


def spoken(model: Model, text: str) -> int:
    """Tokens of an output, as the model's provider counts them."""
    return tokens.claude_count(text) if model.maker == "anthropic" else tokens.count(text)


def _ended(reply: Reply, output: int, finish: Literal["stop", "length", "tools", "sequence"]) -> Reply:
    reply.output = output
    reply.finish = finish
    return reply


def _with_calls(question: Question, reply: Reply, calls: list[ToolUse], limit: int) -> Reply:
    output = reply.reasoning + sum(
        _CALL_OVERHEAD + spoken(question.model, call.name) + spoken(question.model, call.arguments) for call in calls
    )
    if output > limit:
        return _ended(reply, limit, "length")
    reply.calls = calls
    return _ended(reply, output, "tools")


def _with_text(question: Question, reply: Reply, text: str, limit: int) -> Reply:
    finish: Literal["stop", "length", "sequence"] = "stop"
    found = [(at, stop) for stop in question.stop if stop and (at := text.find(stop)) >= 0]
    if found:
        at, reply.stop = min(found)
        text, finish = text[:at], "sequence"
    room = limit - reply.reasoning
    output = spoken(question.model, text)
    if output > room:
        claude = question.model.maker == "anthropic"
        text, finish, output, reply.stop = tokens.cut(text, room * 20 // 23 if claude else room), "length", room, ""
    reply.text = text
    return _ended(reply, reply.reasoning + output, finish)


def _reasoning(question: Question, dice: random.Random) -> int:
    thinks = question.model.thinks
    asked = question.effort or ("medium" if thinks == "always" else "none")
    if thinks == "never":
        return 0
    typical = _EFFORT_TOKENS.get(asked, _EFFORT_TOKENS["medium"])
    spent = int(typical * dice.uniform(0.4, 1.8))
    if question.budget is not None:
        spent = min(spent, question.budget)
    return spent


def _text(question: Question, dice: random.Random, mind: Mind) -> str:
    if question.schema is not None:
        return _structured(question, dice, mind)
    if question.results:
        return _about_results(question.results)
    known = _attempt(question, mind)
    if known is not None:
        truth = mind.settings.truth
        return known if truth is None else truth.worded(known, question.prompt, question.context, dice)
    return prose.text(dice, question.prompt, _length(question, dice, mind.settings.spread))


def _attempt(question: Question, mind: Mind) -> str | None:
    """The answer to a task of the bank, by the model's skill and by the words that the prompt needs; None for any other."""
    seed, truth = mind.settings.seed, mind.settings.truth
    known = tasks.attempt(question.prompt, question.model, seed, mind.skills)
    if known is None or truth is None:
        return known
    fate = truth.fate(seed, question.prompt, question.context)
    if fate == "lost" or (fate == "turned" and tasks.is_right(question.prompt, known)):
        return tasks.wrong(question.prompt, question.model, seed)
    return tasks.gold_answer(question.prompt) if fate == "turned" else known


def _length(question: Question, dice: random.Random, spread: float) -> int:
    typical = _LENGTHS[question.model.tier]
    prompt = question.prompt.lower()
    if _asked(("one sentence", "briefly", "short", "shortly", "in a word", "concise"), prompt):
        typical //= 4
    if _asked(("in detail", "detailed", "essay", "report", "article", "step by step"), prompt):
        typical *= 3
    return int(typical * (dice.lognormvariate(0.0, spread) if spread else dice.uniform(0.6, 1.5)))


def _asked(words: Sequence[str], prompt: str) -> bool:
    """Whether one of them is in it as words of their own."""
    return any(word in prompt and re.search(rf"\b{word}\b", prompt) is not None for word in words)


def _about_results(results: list[str]) -> str:
    if len(results) == 1:
        return f"According to the tool, the result is: {results[0][:600]}"
    listed = "\n".join(f"{at}. {result[:400]}" for at, result in enumerate(results, 1))
    return f"The tools returned the following:\n{listed}"


def _structured(question: Question, dice: random.Random, mind: Mind) -> str:
    field = judging.field_of(question.schema)
    verdict = judging.verdict(question.prompt, mind.settings, dice) if field else None
    if verdict is not None:
        return msgspec.json.encode({field: verdict}).decode()
    known = _attempt(question, mind) or ""
    hints = _hints(question.prompt)
    hints.answer = known
    made = schema_values.value(question.schema or {"type": "object"}, dice, hints)
    if isinstance(made, dict) and known.startswith("{"):
        made = _with_fields(made, known)
    return msgspec.json.encode(made).decode()


def _with_fields(made: dict[str, Any], known: str) -> dict[str, Any]:
    """The fields of an extraction go where the schema has the same names and types."""
    fields = msgspec.json.decode(known)
    same = {name: fields[name] for name, old in made.items() if isinstance(fields.get(name), type(old))}
    return {**made, **same}


def _calls(question: Question, dice: random.Random) -> list[ToolUse]:
    if not question.tools or question.choice == "none":
        return []
    named = [tool for tool in question.tools if tool.name == question.choice]
    if named:
        wanted = named
    elif question.results and question.choice == "auto":
        return []
    else:
        wanted = [tool for tool in question.tools if _asks_for(question.prompt, tool)]
        if not wanted and question.choice == "required":
            wanted = question.tools[:1]
    calls = [use for tool in wanted for use in _uses(tool, question, dice)]
    return calls[: _MOST_CALLS if question.parallel else 1]


def _asks_for(prompt: str, tool: Tool) -> bool:
    """Whether the prompt names the tool, or the noun in its name (`weather` of `get_weather`)."""
    if tool.name in prompt:
        return True
    said = {word.lower().rstrip("s") for word in re.findall(r"[^\W\d_]+", prompt)}
    parts = [part.lower() for part in re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", tool.name) if len(part) >= 4]
    return any(part.rstrip("s") in said for part in parts if part not in _VERBS)


def _uses(tool: Tool, question: Question, dice: random.Random) -> list[ToolUse]:
    """One call; one for each name in the prompt where the tool takes a single text ("weather in Paris and Rome")."""
    hints = _hints(question.prompt)
    required = tool.schema.get("required")
    one_text = isinstance(required, list) and len(required) == 1 and _is_text(tool.schema, required[0])
    names = hints.words if one_text and question.parallel and len(hints.words) > 1 else [None]
    return [_use(tool, dice, hints if name is None else schema_values.Hints(words=[name])) for name in names]


def _use(tool: Tool, dice: random.Random, hints: schema_values.Hints) -> ToolUse:
    made = schema_values.value(tool.schema or {"type": "object"}, dice, hints)
    return ToolUse(tool.name, msgspec.json.encode(made).decode())


def _is_text(schema: dict[str, Any], name: object) -> bool:
    properties = schema.get("properties")
    inner = properties.get(name) if isinstance(properties, dict) else None
    return isinstance(inner, dict) and inner.get("type") == "string" and "enum" not in inner


def _hints(prompt: str) -> schema_values.Hints:
    """Quoted texts and capitalised names inside sentences, and numbers."""
    prompt = prompt[-4000:]
    quoted = re.findall(r"[\"'`]([^\"'`\n]{1,60})[\"'`]", prompt)
    names = re.findall(r"(?<=[^.!?:\n] )[A-Z][a-z]+(?: [A-Z][a-z]+)*", prompt)
    numbers = [float(found) for found in re.findall(r"(?<![\w.])\d{1,12}(?:\.\d{1,6})?(?![\w.]*\w)", prompt)]
    return schema_values.Hints(words=list(dict.fromkeys(quoted + names)), numbers=numbers)
