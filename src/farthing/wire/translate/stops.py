"""Why a model stopped: Messages' `stop_reason` and chat's `finish_reason`. Knows nothing else of the two formats."""

FINISH_OF_STOP = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "stop",
}

STOP_OF_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def finish_reason(stop_reason: str) -> str:
    """Chat's word; a reason that is not known is an ordinary stop."""
    return FINISH_OF_STOP.get(stop_reason, "stop")


def stop_reason(finish: str, *, called_tools: bool, refused: bool = False) -> str:
    """Messages' word. Some hosts say `stop` after tool calls (and OpenAI does where the tool was forced), but a Messages
    client runs tools only on `tool_use`; a refusal in words is a refusal whatever the finish."""
    reason = STOP_OF_FINISH.get(finish, "end_turn")
    if reason != "end_turn":
        return reason
    if called_tools:
        return "tool_use"
    return "refusal" if refused else reason
