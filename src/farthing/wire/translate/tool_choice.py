"""Which tools the model may or must call: chat's `tool_choice` and `parallel_tool_calls` against Messages' `tool_choice`."""

from farthing.model.errors import BadRequest
from farthing.wire.translate import chat_request as chat
from farthing.wire.translate import messages_request as claude
from farthing.wire.translate.refusal import Refusal

_CLAUDE_OF_CHAT = {"auto": "auto", "none": "none", "required": "any"}
_CHAT_OF_CLAUDE = {theirs: ours for ours, theirs in _CLAUDE_OF_CHAT.items()}


def for_claude(request: chat.Request) -> claude.ToolChoice | None:
    """None where Claude's default, to choose itself, is meant. Raises Refusal for a word that chat does not know."""
    choice, one_by_one = request.tool_choice, request.parallel_tool_calls is False
    if isinstance(choice, chat.NamedTool):
        return claude.ToolChoice("tool", choice.function.name, one_by_one or None)
    if choice is not None and choice not in _CLAUDE_OF_CHAT:
        raise Refusal("tool_choice", "must be auto, none, required or one function", BadRequest)
    kind = _CLAUDE_OF_CHAT[choice or "auto"]
    if kind == "none":
        return claude.ToolChoice(kind) if request.tools else None
    if kind == "auto" and not (one_by_one and request.tools):
        return None
    return claude.ToolChoice(kind, None, one_by_one or None)


def for_chat(choice: claude.ToolChoice) -> str | chat.NamedTool:
    """Raises Refusal for a word that Messages does not know, or a name that is missing."""
    if choice.type == "tool":
        if choice.name is None:
            raise Refusal("tool_choice.name", "is missing", BadRequest)
        return chat.NamedTool(chat.FunctionName(choice.name))
    if choice.type not in _CHAT_OF_CLAUDE:
        raise Refusal("tool_choice.type", "must be auto, any, tool or none", BadRequest)
    return _CHAT_OF_CLAUDE[choice.type]
