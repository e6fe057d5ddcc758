"""OpenAI's `/v1/responses`: what is accepted, what is answered, what is streamed; earlier responses are remembered."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from farthing.upstream.simulator import openai_prompt, seeds
from farthing.upstream.simulator.answers import Question, Reply, Tool
from farthing.upstream.simulator.models import Model
from farthing.upstream.simulator.openai_chat import (
    bad,
    chat_model,
    check_context,
    list_of_objects,
    positive,
    served_tier,
    trailing_results,
)
from farthing.upstream.simulator.wire import (
    Asked,
    Json,
    Kinds,
    Piece,
    Refusal,
    Spent,
    UsageShape,
    an_object,
    sse,
    words,
)

_KNOWN: dict[str, Kinds] = {
    "background": bool, "context_management": list, "conversation": (str, dict), "include": list, "input": (str, list),
    "instructions": (str, list), "max_output_tokens": int, "max_tool_calls": int, "metadata": dict, "model": str,
    "moderation": dict, "parallel_tool_calls": bool, "previous_response_id": str, "prompt": dict, "prompt_cache_key": str,
    "prompt_cache_options": dict, "prompt_cache_retention": str, "reasoning": dict, "safety_identifier": str,
    "service_tier": str, "store": bool, "stream": bool, "stream_options": dict, "temperature": (int, float), "text": dict,
    "tool_choice": (str, dict), "tools": list, "top_logprobs": int, "top_p": (int, float), "truncation": str, "user": str,
}  # fmt: skip
_LEAST_OUTPUT = 16
_INCOMPLETE = {"length": "max_output_tokens", "filter": "content_filter"}
_ITEM_SPEAKERS = {"function_call_output": "tool", "custom_tool_call_output": "tool"}


class OpenAIResponses:
    family: Literal["openai"] = "openai"
    id_prefix = "resp_"
    known: Mapping[str, Kinds] = _KNOWN

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._stored: OrderedDict[str, tuple[Json, list[Json]]] = OrderedDict()
        """Id -> the response, and the whole conversation up to its end."""

    def read(self, body: Json) -> Asked:
        model = chat_model(body)
        items = [*self._earlier(body), *_items(body)]
        _check_tool_turns(items)
        prompt = openai_prompt.Prompt(model)
        tools = list_of_objects(body, "tools")
        functions = [tool for tool in tools if tool.get("type") == "function"]
        prompt.tools(tools)
        schema = _wanted_schema(body)
        if schema:
            prompt.json(schema)
        said = _read_instructions(prompt, body) + [_item(prompt, item, f"input[{at}]") for at, item in enumerate(items)]
        points = prompt.end(body.get("prompt_cache_options"))
        check_context(model, len(prompt.ids), "input")
        return Asked(
            body={**body, "input": items},
            question=Question(
                model=model,
                prompt=next((text for role, text in reversed(said) if role == "user"), ""),
                context=msgspec.json.encode([body.get("instructions"), items, tools, body.get("text")]),
                tools=[Tool(str(one.get("name", "")), an_object(one.get("parameters"))) for one in functions],
                choice=_tool_choice(body),
                parallel=body.get("parallel_tool_calls") is not False,
                results=trailing_results(said),
                schema=schema,
                max_output=_limit(body, model),
                effort=str(an_object(body.get("reasoning")).get("effort") or ""),
            ),
            prompt=len(prompt.ids),
            scope=str(body.get("prompt_cache_key") or ""),
            ids=prompt.ids,
            points=points,
            retention=str(body.get("prompt_cache_retention") or ""),
            audio=prompt.audio,
            tier=served_tier(body),
        )

    def answer(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None) -> Json:
        reply = replies[0]
        why = _INCOMPLETE.get(reply.finish)
        made = _frame(asked, "incomplete" if why else "completed")
        made["output"] = _output(asked, reply)
        made["incomplete_details"] = {"reason": why} if why else None
        made["completed_at"] = asked.created
        made["usage"] = usage(asked.question.model, spent) if spent is not None else None
        self._keep(asked, made)
        return made

    def pieces(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None, shape: UsageShape) -> Iterator[Piece]:
        numbers = iter(range(1 << 30))

        def event(kind: str, what: Literal["start", "delta", "end"], **more: Any) -> Piece:
            return Piece(sse({"type": kind, "sequence_number": next(numbers), **more}, kind), what)

        begun = _frame(asked, "in_progress")
        yield event("response.created", "start", response=begun)
        yield event("response.in_progress", "start", response=begun)
        whole = self.answer(asked, replies, spent)
        for at, item in enumerate(whole["output"]):
            yield event("response.output_item.added", "start", output_index=at, item=_opened(item))
            where = {"item_id": item["id"], "output_index": at}
            for kind, what, more in _item_events(item):
                yield event(kind, what, **where, **more)
            yield event("response.output_item.done", "end", output_index=at, item=item)
        yield event(f"response.{whole['status']}", "end", response=whole)

    def error_piece(self, refusal: Refusal) -> bytes:
        error = {"type": "error", "sequence_number": 99_999, "message": refusal.message, "param": None}
        return sse({**error, "code": refusal.code or refusal.kind}, "error")

    def stored(self, name: str) -> Json:
        """A response that was kept. Raises Refusal."""
        if name not in self._stored:
            raise Refusal(404, "invalid_request_error", f"Response with id '{name}' not found.")
        return self._stored[name][0]

    def delete(self, name: str) -> Json:
        self.stored(name)
        del self._stored[name]
        return {"id": name, "object": "response", "deleted": True}

    def _earlier(self, body: Json) -> list[Json]:
        name = body.get("previous_response_id")
        if not name:
            return []
        if name not in self._stored:
            raise bad(f"Previous response with id '{name}' not found.", "previous_response_id",
                      "previous_response_not_found")  # fmt: skip
        return self._stored[name][1]

    def _keep(self, asked: Asked, made: Json) -> None:
        if asked.body.get("store") is False:
            return
        spoken = [item for item in made["output"] if item["type"] != "reasoning"]
        self._stored[made["id"]] = (made, [*asked.body["input"], *spoken])
        while len(self._stored) > self._kept:
            self._stored.popitem(last=False)


def usage(model: Model, spent: Spent) -> Json:
    cache = spent.cache
    details: Json = {"cached_tokens": cache.read, "cache_write_tokens": cache.written}
    if model.cache == "breakpoints":
        details["cache_write_tokens_details"] = {"ttl_30m_tokens": cache.w30m, "ttl_12h_tokens": cache.w12h}
    return {
        "input_tokens": spent.prompt,
        "input_tokens_details": details,
        "output_tokens": spent.output,
        "output_tokens_details": {"reasoning_tokens": spent.reasoning},
        "total_tokens": spent.prompt + spent.output,
    }


def _items(body: Json) -> list[Json]:
    given = body.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if given is None:
        raise bad("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    return list_of_objects(body, "input")


def _limit(body: Json, model: Model) -> int | None:
    limit = positive(body, "max_output_tokens")
    if limit is not None and limit < _LEAST_OUTPUT:
        raise bad(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {_LEAST_OUTPUT}, but got "
            f"{limit} instead.", "max_output_tokens", "integer_below_min_value",
        )  # fmt: skip
    return min(limit, model.max_output) if limit is not None else None


def _wanted_schema(body: Json) -> Json | None:
    text = body.get("text")
    wanted = text.get("format") if isinstance(text, dict) else None
    if not isinstance(wanted, dict):
        return None
    if wanted.get("type") == "json_object":
        return {}
    schema = wanted.get("schema")
    if wanted.get("type") != "json_schema":
        return None
    if not isinstance(schema, dict):
        raise bad("Missing required parameter: 'text.format.schema'.", "text.format.schema")
    return schema


def _tool_choice(body: Json) -> str:
    choice = body.get("tool_choice") or "auto"
    return str(choice.get("name", "auto")) if isinstance(choice, dict) else str(choice)


def _check_tool_turns(items: Sequence[Json]) -> None:
    called = {str(item.get("call_id")) for item in items if item.get("type") == "function_call"}
    given = {str(item.get("call_id")) for item in items if item.get("type") == "function_call_output"}
    for name in called - given:
        raise bad(f"No tool output found for function call {name}.", "input")
    for name in given - called:
        raise bad(f"No tool call found for function call output with call_id {name}.", "input")


def _read_instructions(prompt: openai_prompt.Prompt, body: Json) -> list[tuple[str, str]]:
    instructions = body.get("instructions")
    if not isinstance(instructions, str) or not instructions:
        return []
    prompt.open("developer")
    prompt.text(instructions)
    prompt.close()
    return [("developer", instructions)]


def _item(prompt: openai_prompt.Prompt, item: Json, where: str) -> tuple[str, str]:
    """Count one item; returns who speaks and the text."""
    kind = str(item.get("type") or "message")
    if kind == "message":
        role = str(item.get("role", "user"))
        prompt.open(role)
        text = _content(prompt, item.get("content"), f"{where}.content")
        prompt.close()
        return role, text
    if kind == "function_call":
        prompt.open("assistant")
        prompt.call(str(item.get("name", "")), str(item.get("arguments", "")))
        prompt.close()
        return "assistant", ""
    if kind in _ITEM_SPEAKERS:
        prompt.open("tool")
        text = _content(prompt, item.get("output"), f"{where}.output")
        prompt.close()
        return "tool", text
    if kind != "reasoning":
        prompt.json(item)
    return "assistant", ""


def _content(prompt: openai_prompt.Prompt, content: Any, where: str) -> str:
    if isinstance(content, str):
        prompt.text(content)
        return content
    if not isinstance(content, list):
        raise bad(f"Invalid type for '{where}': expected one of an array of objects or string.", where, "invalid_type")
    return "\n".join(text for at, part in enumerate(content) if (text := _part(prompt, part, f"{where}[{at}]")))


def _part(prompt: openai_prompt.Prompt, part: Any, where: str) -> str:
    kind = an_object(part).get("type")
    text = ""
    if kind in ("input_text", "output_text", "refusal", "text"):
        text = str(part.get("text") or part.get("refusal") or "")
        prompt.text(text)
    elif kind == "input_image":
        prompt.image(str(part.get("image_url") or part.get("file_id") or ""), str(part.get("detail", "auto")))
    elif kind == "input_audio" and isinstance(part.get("input_audio"), dict):
        prompt.sound(str(part["input_audio"].get("data", "")))
    elif kind == "input_file":
        prompt.file(str(part.get("file_data") or part.get("file_id") or part.get("file_url") or ""))
    else:
        raise bad(f"Invalid value: '{kind}'. Supported values are: 'input_text', 'input_image', 'output_text', 'refusal', "
                  "'input_file', 'input_audio'.", where, "invalid_value")  # fmt: skip
    prompt.breakpoint(part.get("prompt_cache_breakpoint"))
    return text


def _frame(asked: Asked, status: str) -> Json:
    body, model = asked.body, asked.question.model
    return {
        "id": asked.id,
        "object": "response",
        "created_at": asked.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": model.name,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {
            "effort": asked.question.effort or None,
            "summary": an_object(body.get("reasoning")).get("summary"),
        },
        "service_tier": asked.tier,
        "store": body.get("store") is not False,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
        "user": body.get("user"),
    }


def _output(asked: Asked, reply: Reply) -> list[Json]:
    def name(prefix: str, at: int = 0) -> str:
        return prefix + seeds.name(32, asked.id, prefix, at)

    items: list[Json] = []
    if reply.reasoning:
        asked_for = an_object(asked.body.get("reasoning")).get("summary")
        summary = [{"type": "summary_text", "text": reply.thought}] if asked_for and reply.thought else []
        items.append({"id": name("rs_"), "type": "reasoning", "summary": summary})
    if reply.text:
        text = {"type": "output_text", "annotations": [], "logprobs": [], "text": reply.text}
        status = "incomplete" if reply.finish == "length" else "completed"
        items.append({"id": name("msg_"), "type": "message", "status": status, "content": [text], "role": "assistant"})
    for at, call in enumerate(reply.calls):
        items.append(
            {
                "id": name("fc_", at), "type": "function_call", "status": "completed", "arguments": call.arguments,
                "call_id": "call_" + seeds.name(24, asked.id, at), "name": call.name,
            }
        )  # fmt: skip
    return items


def _opened(item: Json) -> Json:
    """An item as it stands when its stream starts."""
    blank = {"status": "in_progress", "content": [], "summary": [], "arguments": ""}
    return {key: blank.get(key, part) for key, part in item.items()}


def _item_events(item: Json) -> Iterator[tuple[str, Literal["start", "delta", "end"], Json]]:
    """The events between an item's `added` and `done`: name, place, fields."""
    if item["type"] == "function_call":
        kind = "response.function_call_arguments"
        for word in words(item["arguments"]):
            yield f"{kind}.delta", "delta", {"delta": word}
        yield f"{kind}.done", "end", {"arguments": item["arguments"], "name": item["name"]}
    elif item["type"] == "message":
        part = item["content"][0]
        place = {"content_index": 0}
        yield "response.content_part.added", "start", {**place, "part": {**part, "text": ""}}
        for word in words(part["text"]):
            yield "response.output_text.delta", "delta", {**place, "delta": word, "logprobs": []}
        yield "response.output_text.done", "end", {**place, "text": part["text"], "logprobs": []}
        yield "response.content_part.done", "end", {**place, "part": part}
    else:
        for part in item["summary"]:
            place = {"summary_index": 0}
            kind = "response.reasoning_summary"
            yield f"{kind}_part.added", "start", {**place, "part": {**part, "text": ""}}
            for word in words(part["text"]):
                yield f"{kind}_text.delta", "start", {**place, "delta": word}
            yield f"{kind}_text.done", "start", {**place, "text": part["text"]}
            yield f"{kind}_part.done", "start", {**place, "part": part}
