"""OpenAI's `/v1/chat/completions`, as OpenAI and DeepSeek speak it: what is accepted, what is answered, what is streamed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from farthing.upstream.simulator import errors, models, openai_prompt, seeds
from farthing.upstream.simulator.answers import Question, Reply, Tool
from farthing.upstream.simulator.models import Model
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

_ROLES = ("developer", "system", "user", "assistant", "tool", "function")
_KNOWN: dict[str, Kinds] = {
    "messages": list, "model": str, "audio": dict, "frequency_penalty": (int, float), "function_call": (str, dict),
    "functions": list, "logit_bias": dict, "logprobs": bool, "max_completion_tokens": int, "max_tokens": int,
    "metadata": dict, "modalities": list, "moderation": dict, "n": int, "parallel_tool_calls": bool, "prediction": dict,
    "presence_penalty": (int, float), "prompt_cache_key": str, "prompt_cache_options": dict, "prompt_cache_retention": str,
    "reasoning_effort": str, "response_format": dict, "safety_identifier": str, "seed": int, "service_tier": str,
    "stop": (str, list), "store": bool, "stream": bool, "stream_options": dict, "temperature": (int, float),
    "tool_choice": (str, dict), "tools": list, "top_logprobs": int, "top_p": (int, float), "user": str, "verbosity": str,
    "web_search_options": dict,
}  # fmt: skip
_FINISH = {"stop": "stop", "sequence": "stop", "length": "length", "tools": "tool_calls", "filter": "content_filter"}
_MOST_CHOICES = 128


class OpenAIChat:
    family: Literal["openai"] = "openai"
    id_prefix = "chatcmpl-"
    known: Mapping[str, Kinds] = _KNOWN

    def read(self, body: Json) -> Asked:
        model = chat_model(body)
        messages = body.get("messages")
        if not isinstance(messages, list):
            raise bad("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
        if not messages:
            raise bad(
                "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array "
                "instead.", "messages", "empty_array",
            )  # fmt: skip
        _check_tool_turns(messages)
        prompt = openai_prompt.Prompt(model)
        functions = [an_object(tool.get("function")) for tool in list_of_objects(body, "tools")]
        prompt.tools(functions)
        schema = _wanted_schema(body)
        if schema:
            prompt.json(schema)
        said = [_message(prompt, message, f"messages.[{at}]") for at, message in enumerate(messages)]
        points = prompt.end(body.get("prompt_cache_options"))
        question = Question(
            model=model,
            prompt=next((text for role, text in reversed(said) if role == "user"), ""),
            context=msgspec.json.encode([messages, functions, body.get("response_format")]),
            tools=[Tool(str(one.get("name", "")), an_object(one.get("parameters"))) for one in functions],
            choice=_tool_choice(body),
            parallel=body.get("parallel_tool_calls") is not False,
            results=trailing_results(said),
            schema=schema,
            max_output=_limit(body, model),
            stop=_stop(body),
            effort=str(body.get("reasoning_effort") or ""),
        )
        check_context(model, len(prompt.ids), "messages")
        return Asked(
            body=body,
            question=question,
            prompt=len(prompt.ids),
            scope=str(body.get("prompt_cache_key") or ""),
            ids=prompt.ids,
            points=points,
            retention=str(body.get("prompt_cache_retention") or ""),
            audio=prompt.audio,
            choices=_choices(body),
            tier=served_tier(body),
        )

    def answer(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None) -> Json:
        made = _frame(asked, "chat.completion")
        made["choices"] = [
            {
                "index": at,
                "message": _spoken(asked, reply, at),
                "logprobs": None,
                "finish_reason": _FINISH[reply.finish],
            }
            for at, reply in enumerate(replies)
        ]
        if spent is not None:
            made["usage"] = usage(asked.question.model, spent)
        return made

    def pieces(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None, shape: UsageShape) -> Iterator[Piece]:
        asked_for = an_object(asked.body.get("stream_options")).get("include_usage") is True
        meter = usage(asked.question.model, spent) if spent is not None and asked_for else None
        inside = meter if shape in ("everywhere",) else None
        frame = _frame(asked, "chat.completion.chunk")
        if asked_for:
            frame["usage"] = inside
        for at, reply in enumerate(replies):
            yield Piece(_chunk(frame, at, {"role": "assistant", "content": "" if not reply.calls else None}), "start")
            for delta in _deltas(asked, reply, at):
                yield Piece(_chunk(frame, at, delta))
            last = at == len(replies) - 1
            if last and meter and shape in ("with-choices", "twice", "everywhere"):
                frame["usage"] = meter
            yield Piece(_chunk(frame, at, {}, _FINISH[reply.finish]), "end")
        if meter and shape in ("", "twice"):
            yield Piece(sse({**frame, "choices": [], "usage": meter}), "end")
        yield Piece(b"data: [DONE]\n\n", "end")

    def error_piece(self, refusal: Refusal) -> bytes:
        return sse(errors.shape(refusal, "openai"))


def usage(model: Model, spent: Spent) -> Json:
    details: Json = {"cached_tokens": spent.cache.read, "audio_tokens": spent.audio}
    thought: Json = {"reasoning_tokens": spent.reasoning}
    made: Json = {
        "prompt_tokens": spent.prompt,
        "completion_tokens": spent.output,
        "total_tokens": spent.prompt + spent.output,
    }
    if model.maker == "deepseek":
        made["prompt_tokens_details"] = {"cached_tokens": spent.cache.read}
        made["prompt_cache_hit_tokens"] = spent.cache.read
        made["prompt_cache_miss_tokens"] = spent.prompt - spent.cache.read
        return {**made, "completion_tokens_details": thought} if model.thinks != "never" else made
    if model.cache == "breakpoints":
        details["cache_write_tokens"] = spent.cache.written
    thought |= {"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    return {**made, "prompt_tokens_details": details, "completion_tokens_details": thought}


def bad(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    return Refusal(400, "invalid_request_error", message, param=param, code=code)


def chat_model(body: Json) -> Model:
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise bad("you must provide a model parameter")
    model = models.find(name, "openai")
    if model is None:
        raise unknown_model(name)
    if model.embeds:
        raise Refusal(404, "invalid_request_error", "This is not a chat model and thus not supported in the "
                      "v1/chat/completions endpoint.", param="model")  # fmt: skip
    return model


def unknown_model(name: str) -> Refusal:
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Refusal(404, "invalid_request_error", message, code="model_not_found")


def check_context(model: Model, prompt: int, param: str) -> None:
    if prompt > model.context:
        raise bad(
            f"This model's maximum context length is {model.context} tokens. However, your messages resulted in {prompt} "
            "tokens. Please reduce the length of the messages.", param, "context_length_exceeded",
        )  # fmt: skip


def list_of_objects(body: Json, name: str) -> list[Json]:
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise bad(f"Invalid type for '{name}': expected an array of objects.", name, "invalid_type")
    return found


def served_tier(body: Json) -> str:
    """The tier that serves, as answers name it: `auto` is standard, `fast` comes back as priority."""
    tier = body.get("service_tier") or "default"
    return {"auto": "default", "fast": "priority"}.get(tier, tier) if isinstance(tier, str) else "default"


def trailing_results(said: Sequence[tuple[str, str]]) -> list[str]:
    """What tools gave back since anyone else spoke."""
    results: list[str] = []
    for role, text in reversed(said):
        if role != "tool":
            break
        results.insert(0, text)
    return results


def positive(body: Json, name: str) -> int | None:
    found = body.get(name)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool):
        raise bad(f"Invalid type for '{name}': expected an integer.", name, "invalid_type")
    if found < 1:
        raise bad(
            f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {found} instead.",
            name, "integer_below_min_value",
        )  # fmt: skip
    return found


def _limit(body: Json, model: Model) -> int | None:
    old, new = positive(body, "max_tokens"), positive(body, "max_completion_tokens")
    if old is not None and model.maker == "openai" and model.thinks != "never":
        raise bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens", "unsupported_parameter",
        )  # fmt: skip
    limit = new if new is not None else old
    if limit is not None and limit > model.max_output:
        raise bad(
            f"max_tokens is too large: {limit}. This model supports at most {model.max_output} completion tokens, "
            f"whereas you provided {limit}.", "max_tokens", "invalid_value",
        )  # fmt: skip
    return limit


def _choices(body: Json) -> int:
    wanted = positive(body, "n") or 1
    if wanted > _MOST_CHOICES:
        raise bad(f"Invalid 'n': integer above maximum value. Expected a value <= {_MOST_CHOICES}.", "n")
    return wanted


def _stop(body: Json) -> list[str]:
    stop = body.get("stop")
    if stop is None:
        return []
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or len(stops) > 4 or not all(isinstance(one, str) for one in stops):
        raise bad("Invalid 'stop': expected a string or an array of at most 4 strings.", "stop", "invalid_type")
    return stops


def _wanted_schema(body: Json) -> Json | None:
    wanted = body.get("response_format")
    if not isinstance(wanted, dict):
        return None
    if wanted.get("type") == "json_object":
        return {}
    if wanted.get("type") != "json_schema":
        return None
    inner = wanted.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, dict) else None
    if not isinstance(schema, dict):
        raise bad("Missing required parameter: 'response_format.json_schema'.", "response_format.json_schema")
    return schema


def _tool_choice(body: Json) -> str:
    choice = body.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        named = choice.get("function")
        return str(named.get("name", "auto")) if isinstance(named, dict) else "auto"
    return str(choice)


def _check_tool_turns(messages: list[Any]) -> None:
    """Each tool call is answered right after; each answer belongs to a call."""
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or str(message.get("role")) not in _ROLES:
            raise bad(f"Invalid value for 'messages[{at}].role'.", f"messages[{at}].role", "invalid_value")
        if message["role"] == "tool":
            if str(message.get("tool_call_id")) not in open_calls:
                raise bad(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.", f"messages.[{at}].role",
                )  # fmt: skip
            open_calls.discard(str(message["tool_call_id"]))
            continue
        if open_calls:
            break
        calls = message.get("tool_calls")
        open_calls = (
            {str(call.get("id")) for call in calls if isinstance(call, dict)} if isinstance(calls, list) else set()
        )
    if open_calls:
        raise bad(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(sorted(open_calls))}", "messages",
        )  # fmt: skip


def _message(prompt: openai_prompt.Prompt, message: Json, where: str) -> tuple[str, str]:
    """Count one message; returns its role and text."""
    role = str(message["role"])
    prompt.open(role)
    if isinstance(message.get("name"), str):
        prompt.text(message["name"])
    text = _content(prompt, message.get("content"), where)
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = an_object(an_object(call).get("function"))
        prompt.call(str(function.get("name", "")), str(function.get("arguments", "")))
    prompt.close()
    return role, text


def _content(prompt: openai_prompt.Prompt, content: Any, where: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        prompt.text(content)
        return content
    if not isinstance(content, list):
        raise bad(f"Invalid type for '{where}.content': expected one of a string or array of objects.", "messages")
    return "\n".join(text for at, part in enumerate(content) if (text := _part(prompt, part, f"{where}.content[{at}]")))


def _part(prompt: openai_prompt.Prompt, part: Any, where: str) -> str:
    kind = an_object(part).get("type")
    inner = part.get(kind) if isinstance(kind, str) else None
    text = ""
    if kind in ("text", "refusal") and isinstance(inner, str):
        text = inner
        prompt.text(text)
    elif kind == "image_url" and isinstance(inner, dict):
        prompt.image(str(inner.get("url", "")), str(inner.get("detail", "auto")))
    elif kind == "input_audio" and isinstance(inner, dict):
        prompt.sound(str(inner.get("data", "")))
    elif kind == "file" and isinstance(inner, dict):
        prompt.file(str(inner.get("file_data") or inner.get("file_id") or ""))
    else:
        raise bad(f"Invalid value for '{where}.type'.", where, "invalid_value")
    prompt.breakpoint(part.get("prompt_cache_breakpoint"))
    return text


def _frame(asked: Asked, kind: str) -> Json:
    model = asked.question.model
    frame: Json = {"id": asked.id, "object": kind, "created": asked.created, "model": model.name}
    if model.maker == "openai":
        frame["service_tier"] = asked.tier
    frame["system_fingerprint"] = f"fp_{seeds.number(model.id):x}"[:13]
    return frame


def _call_id(asked: Asked, choice: int, at: int) -> str:
    return "call_" + seeds.name(24, asked.id, choice, at)


def _spoken(asked: Asked, reply: Reply, choice: int) -> Json:
    message: Json = {"role": "assistant", "content": None if reply.calls else reply.text, "refusal": None}
    if asked.question.model.maker == "deepseek":
        del message["refusal"]
        if reply.thought:
            message["reasoning_content"] = reply.thought
    else:
        message["annotations"] = []
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": _call_id(asked, choice, at),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for at, call in enumerate(reply.calls)
        ]
    return message


def _deltas(asked: Asked, reply: Reply, choice: int) -> Iterator[Json]:
    if asked.question.model.maker == "deepseek":
        for word in words(reply.thought):
            yield {"reasoning_content": word}
    for at, call in enumerate(reply.calls):
        head = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [{"index": at, "id": _call_id(asked, choice, at), "type": "function", "function": head}]}
        for word in words(call.arguments):
            yield {"tool_calls": [{"index": at, "function": {"arguments": word}}]}
    for word in words(reply.text):
        yield {"content": word}


def _chunk(frame: Json, choice: int, delta: Json, finish: str | None = None) -> bytes:
    choices = [{"index": choice, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return sse({**frame, "choices": choices})
