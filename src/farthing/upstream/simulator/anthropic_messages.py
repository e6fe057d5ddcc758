"""Anthropic's `/v1/messages` and `/v1/messages/count_tokens`: what is accepted, what is answered, what is streamed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from farthing.upstream.simulator import errors, media, models, seeds, tokens
from farthing.upstream.simulator.answers import Question, Reply, Tool
from farthing.upstream.simulator.models import Model
from farthing.upstream.simulator.prompt_cache import Block
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
    "max_tokens": int, "messages": list, "model": str, "cache_control": dict, "container": (str, dict),
    "context_management": dict, "diagnostics": dict, "inference_geo": str, "mcp_servers": list, "metadata": dict,
    "output_config": dict, "output_format": dict, "service_tier": str, "speed": str, "stop_sequences": list, "stream": bool,
    "system": (str, list), "temperature": (int, float), "thinking": dict, "tool_choice": dict, "tools": list, "top_k": int,
    "top_p": (int, float), "user_profile_id": str, "workspace_id": str,
}  # fmt: skip
_ROLES = ("user", "assistant", "system")
_FINISH = {
    "stop": "end_turn", "sequence": "stop_sequence", "length": "max_tokens", "tools": "tool_use", "filter": "refusal"
}  # fmt: skip
_MOST_MARKS = 4
_PER_MESSAGE = 4
_TOOLS_PROMPT = {"auto": 346, "none": 346, "any": 313, "tool": 313}
"""Tokens of the hidden system prompt that tools bring along, by `tool_choice`."""
_START_OUTPUT = 1
"""Output tokens that `message_start` reports."""


class AnthropicMessages:
    family: Literal["anthropic"] = "anthropic"
    id_prefix = "msg_01"
    known: Mapping[str, Kinds] = _KNOWN

    def read(self, body: Json) -> Asked:
        limit = body.get("max_tokens")
        if limit is None:
            raise bad("max_tokens: Field required")
        if not isinstance(limit, int) or isinstance(limit, bool):
            raise bad("max_tokens: Input should be a valid integer")
        if limit < 1:
            raise bad("max_tokens: Input should be greater than or equal to 1")
        asked = self.measure(body)
        model = asked.question.model
        if limit > model.max_output:
            raise bad(
                f"max_tokens: {limit} > {model.max_output}, which is the maximum allowed number of output tokens for "
                f"{model.name}"
            )
        if asked.prompt > model.context:
            raise bad(f"prompt is too long: {asked.prompt} tokens > {model.context} maximum")
        asked.question.max_output = limit
        _set_thinking(asked.question, body, limit)
        return asked

    def measure(self, body: Json) -> Asked:
        """What both the call and `count_tokens` need: the prompt read and counted."""
        model = _model(body)
        messages = body.get("messages")
        if not isinstance(messages, list):
            raise bad("messages: Field required" if messages is None else "messages: Input should be a valid list")
        if not messages:
            raise bad("messages: at least one message is required")
        _check_tool_turns(messages)
        tools = body.get("tools") or []
        blocks = [*_tool_blocks(tools, body.get("tool_choice")), *_system_blocks(body.get("system"))]
        schema = _wanted_schema(body)
        if schema is not None:
            blocks.append(_text_block({"schema": schema}, msgspec.json.encode(schema).decode()))
        blocks.extend(_message_blocks(model, messages, body))
        if isinstance(body.get("cache_control"), dict) and blocks:
            blocks[-1].mark = _ttl(body["cache_control"])
        _check_marks(blocks)
        return Asked(
            body=body,
            question=Question(
                model=model,
                prompt=_last_user_text(messages),
                context=msgspec.json.encode([body.get("system"), messages, tools, schema]),
                tools=[
                    Tool(str(one.get("name", "")), one["input_schema"])
                    for one in tools
                    if isinstance(one.get("input_schema"), dict)
                ],
                choice=_tool_choice(body),
                parallel=not an_object(body.get("tool_choice")).get("disable_parallel_tool_use"),
                results=_trailing_results(messages),
                schema=schema,
                stop=_stop(body),
            ),
            prompt=sum(block.tokens for block in blocks),
            scope=str(body.get("speed") or ""),
            blocks=blocks,
            tier="standard",
        )

    def answer(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None) -> Json:
        reply = replies[0]
        return {
            **_frame(asked),
            "content": [block for block, _ in _content(asked, reply)],
            "stop_reason": _FINISH[reply.finish],
            "stop_sequence": reply.stop or None,
            **({"usage": usage(asked, spent)} if spent is not None else {}),
        }

    def pieces(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None, shape: UsageShape) -> Iterator[Piece]:
        reply = replies[0]
        start, end = _stream_usage(asked, spent, shape)
        frame = {**_frame(asked), "content": [], "stop_reason": None, "stop_sequence": None, **start}
        yield Piece(_event("message_start", message=frame), "start")
        for at, (block, deltas) in enumerate(_content(asked, reply)):
            yield Piece(_event("content_block_start", index=at, content_block=_empty(block)), "start")
            if at == 0:
                yield Piece(_event("ping"), "start")
            for delta in deltas:
                yield Piece(_event("content_block_delta", index=at, delta=delta))
            yield Piece(_event("content_block_stop", index=at), "end")
        stop = {"stop_reason": _FINISH[reply.finish], "stop_sequence": reply.stop or None}
        yield Piece(_event("message_delta", delta=stop, **end), "end")
        yield Piece(_event("message_stop"), "end")

    def error_piece(self, refusal: Refusal) -> bytes:
        return sse(errors.shape(refusal, "anthropic"), "error")


def usage(asked: Asked, spent: Spent) -> Json:
    cache = spent.cache
    body = asked.body
    made: Json = {
        "input_tokens": spent.prompt - cache.read - cache.written,
        "cache_creation_input_tokens": cache.written,
        "cache_read_input_tokens": cache.read,
        "cache_creation": {"ephemeral_5m_input_tokens": cache.w5m, "ephemeral_1h_input_tokens": cache.w1h},
        "output_tokens": spent.output,
        "service_tier": asked.tier,
        "inference_geo": body.get("inference_geo") or "global",
    }
    if body.get("speed"):
        made["speed"] = body["speed"]
    if spent.reasoning:
        made["output_tokens_details"] = {"thinking_tokens": spent.reasoning}
    return made


def _stream_usage(asked: Asked, spent: Spent | None, shape: UsageShape) -> tuple[Json, Json]:
    """The usage of `message_start` and of `message_delta`.

    By default the delta repeats the input, as Anthropic does today. `output-only`: the delta has the output alone;
    `late`: the start has zeros; `split-late`: the start has the whole prompt as input, the delta its cached parts.
    """
    if spent is None:
        return {"usage": None}, {"usage": {"output_tokens": None}}
    whole = usage(asked, spent)
    start = {key: part for key, part in whole.items() if key != "output_tokens_details"}
    start["output_tokens"] = min(_START_OUTPUT, spent.output)
    inputs = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    end = {key: whole[key] for key in (*inputs, "output_tokens", "output_tokens_details") if key in whole}
    if shape == "output-only":
        end = {key: part for key, part in end.items() if key not in inputs}
    if shape in ("late", "split-late"):
        start |= dict.fromkeys(inputs, 0)
        start["cache_creation"] = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    if shape == "late":
        start["output_tokens"] = 0
    if shape == "split-late":
        start["input_tokens"] = spent.prompt
    return {"usage": start}, {"usage": end}


def bad(message: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message)


def _model(body: Json) -> Model:
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise bad("model: Field required" if name is None else "model: Input should be a valid string")
    model = models.find(name, "anthropic")
    if model is None:
        raise Refusal(404, "not_found_error", f"model: {name}")
    return model


def _set_thinking(question: Question, body: Json, limit: int) -> None:
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else "disabled"
    question.effort = "none"
    if kind not in ("enabled", "adaptive"):
        return
    if question.model.thinks == "never":
        raise bad(f"'{question.model.name}' does not support thinking.")
    if question.choice not in ("auto", "none"):
        raise bad("Thinking may not be enabled when tool_choice forces tool use.")
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    question.effort = str(effort or ("medium" if kind == "enabled" else "high"))
    if kind == "enabled":
        budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
        if not isinstance(budget, int):
            raise bad("thinking.enabled.budget_tokens: Field required")
        if budget < 1024:
            raise bad("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= limit:
            raise bad("`max_tokens` must be greater than `thinking.budget_tokens`.")
        question.budget = budget


def _wanted_schema(body: Json) -> Json | None:
    config = body.get("output_config")
    wanted = (config.get("format") if isinstance(config, dict) else None) or body.get("output_format")
    if not isinstance(wanted, dict):
        return None
    schema = wanted.get("schema")
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        raise bad("output_config.format: Input should be a json_schema with a schema")
    return schema


def _tool_choice(body: Json) -> str:
    choice = body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else "auto"
    if kind == "tool" and isinstance(choice, dict):
        return str(choice.get("name", ""))
    return {"any": "required", "none": "none"}.get(str(kind), "auto")


def _stop(body: Json) -> list[str]:
    stops = body.get("stop_sequences") or []
    if not isinstance(stops, list) or not all(isinstance(one, str) for one in stops):
        raise bad("stop_sequences: Input should be a valid list of strings")
    return stops


def _check_tool_turns(messages: list[Any]) -> None:
    """Each `tool_use` is answered in the next message; each `tool_result` belongs to one."""
    open_calls: list[str] = []
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise bad(f"messages.{at}.role: Input should be 'user' or 'assistant'")
        parts = _parts(message.get("content"), f"messages.{at}.content")
        results = [str(part.get("tool_use_id")) for part in parts if part.get("type") == "tool_result"]
        missing = [call for call in open_calls if call not in results]
        if missing:
            raise bad(
                f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
                "message."
            )
        strays = [result for result in results if result not in open_calls]
        if strays:
            raise bad(
                f"messages.{at}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(strays)}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        open_calls = [str(part.get("id")) for part in parts if part.get("type") == "tool_use"]


def _parts(content: Any, where: str) -> list[Json]:
    if isinstance(content, str):
        if not content:
            raise bad(f"{where}: content must be non-empty")
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise bad(f"{where}: Input should be a valid string or list of blocks")
    return content


def _tool_blocks(tools: Any, choice: Any) -> list[Block]:
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise bad("tools: Input should be a valid list")
    for at, tool in enumerate(tools):
        if tool.get("type") in (None, "custom") and not isinstance(tool.get("input_schema"), dict):
            raise bad(f"tools.{at}.custom.input_schema: Field required")
    blocks = [_text_block(tool, msgspec.json.encode(_unmarked(tool)).decode()) for tool in tools]
    if blocks:
        kind = choice.get("type", "auto") if isinstance(choice, dict) else "auto"
        blocks[0].tokens += _TOOLS_PROMPT.get(str(kind), 346)
    return blocks


def _system_blocks(system: Any) -> list[Block]:
    if system is None or system == "":
        return []
    return [_text_block(part, str(part.get("text", ""))) for part in _parts(system, "system")]


def _message_blocks(model: Model, messages: list[Json], body: Json) -> list[Block]:
    """The first block also stands for what makes messages, but not tools and system, another prefix."""
    blocks: list[Block] = []
    toggles = msgspec.json.encode([body.get("tool_choice"), body.get("thinking")])
    for at, message in enumerate(messages):
        for index, part in enumerate(_parts(message["content"], f"messages.{at}.content")):
            block = _part_block(model, part, f"messages.{at}.content.{index}")
            if index == 0:
                block.tokens += _PER_MESSAGE
                block.content = message["role"].encode() + block.content
            blocks.append(block)
    if blocks:
        blocks[0].content = toggles + blocks[0].content
    return blocks


def _part_block(model: Model, part: Json, where: str) -> Block:
    kind = part.get("type")
    if kind == "text":
        if not isinstance(part.get("text"), str) or not part["text"]:
            raise bad(f"{where}: text content blocks must be non-empty")
        return _text_block(part, part["text"])
    if kind in ("image", "document"):
        source = part.get("source")
        if not isinstance(source, dict):
            raise bad(f"{where}.{kind}.source: Field required")
        return _block(part, _media_tokens(model, str(kind), source))
    if kind == "tool_use":
        return _text_block(part, f"{part.get('name')}{msgspec.json.encode(part.get('input')).decode()}")
    if kind == "tool_result":
        inner = part.get("content")
        if isinstance(inner, list):
            blocks = [_part_block(model, one, f"{where}.content.{at}") for at, one in enumerate(_parts(inner, where))]
            return _block(part, _PER_MESSAGE + sum(block.tokens for block in blocks))
        return _text_block(part, str(inner or ""))
    if kind in ("thinking", "redacted_thinking"):
        return _text_block(part, str(part.get("thinking") or part.get("data") or ""))
    if isinstance(kind, str):
        return _text_block(part, msgspec.json.encode(_unmarked(part)).decode())
    raise bad(f"{where}.type: Field required")


def _media_tokens(model: Model, kind: str, source: Json) -> int:
    if source.get("type") == "text":
        return tokens.claude_count(str(source.get("data", "")))
    content = str(source.get("data") or source.get("url") or source.get("file_id") or "")
    return media.image_tokens(model, content) if kind == "image" else max(1, len(content) * 3 // 16)


def _text_block(part: Json, text: str) -> Block:
    return _block(part, tokens.claude_count(text))


def _block(part: Json, count: int) -> Block:
    mark = part.get("cache_control")
    return Block(msgspec.json.encode(_unmarked(part)), count, _ttl(mark) if isinstance(mark, dict) else "")


def _unmarked(part: Json) -> Json:
    return {key: inner for key, inner in part.items() if key != "cache_control"}


def _ttl(mark: Json) -> str:
    ttl = str(mark.get("ttl") or "5m")
    if mark.get("type") != "ephemeral" or ttl not in ("5m", "1h"):
        raise bad("cache_control: Input should be of type 'ephemeral' with a ttl of '5m' or '1h'")
    return ttl


def _check_marks(blocks: Sequence[Block]) -> None:
    marks = [block.mark for block in blocks if block.mark]
    if len(marks) > _MOST_MARKS:
        raise bad(f"A maximum of {_MOST_MARKS} blocks with cache_control may be provided. Found {len(marks)}.")
    if "1h" in marks[marks.index("5m") :] if "5m" in marks else False:
        raise bad("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")


def _last_user_text(messages: Sequence[Json]) -> str:
    for message in reversed(messages):
        texts = [str(part.get("text")) for part in _parts(message["content"], "messages") if part.get("type") == "text"]
        if message["role"] == "user" and texts:
            return "\n".join(texts)
    return ""


def _trailing_results(messages: Sequence[Json]) -> list[str]:
    parts = _parts(messages[-1]["content"], "messages")
    return [_result_text(part.get("content")) for part in parts if part.get("type") == "tool_result"]


def _result_text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def _frame(asked: Asked) -> Json:
    return {"model": asked.question.model.name, "id": asked.id, "type": "message", "role": "assistant"}


def _content(asked: Asked, reply: Reply) -> Iterator[tuple[Json, list[Json]]]:
    """Each block of the answer, and the deltas that stream it."""
    if reply.thought:
        signature = seeds.name(120, asked.id, "signature")
        deltas: list[Json] = [{"type": "thinking_delta", "thinking": word} for word in words(reply.thought)]
        deltas.append({"type": "signature_delta", "signature": signature})
        yield {"type": "thinking", "thinking": reply.thought, "signature": signature}, deltas
    if reply.text:
        yield {"type": "text", "text": reply.text}, [{"type": "text_delta", "text": word} for word in words(reply.text)]
    for at, call in enumerate(reply.calls):
        block = {
            "type": "tool_use",
            "id": "toolu_01" + seeds.name(22, asked.id, at),
            "name": call.name,
            "input": msgspec.json.decode(call.arguments),
        }
        yield block, [{"type": "input_json_delta", "partial_json": word} for word in ["", *words(call.arguments)]]


def _empty(block: Json) -> Json:
    """A block as it stands when its stream starts."""
    blank = {"thinking": "", "signature": "", "text": "", "input": {}}
    return {key: blank.get(key, part) for key, part in block.items()}


def _event(kind: str, **more: Any) -> bytes:
    return sse({"type": kind, **more}, kind)
