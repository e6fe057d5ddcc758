"""The words of a whole answer, for whoever judges it. What is no text is left out."""

from typing import Any

from farthing.wire.replay.told import objects, read


def words_of(format: str, whole: bytes) -> str:
    """The text that a person would read; empty if there is none, or the answer cannot be read."""
    try:
        answer = read(whole)
        if format == "openai.chat":
            return "".join(
                str(choice.get("message", {}).get("content") or "") for choice in objects(answer.get("choices"))
            )
        if format == "anthropic.messages":
            return _texts(answer.get("content"), "text")
        return "".join(_texts(item.get("content"), "output_text") for item in objects(answer.get("output")))
    except (ValueError, AttributeError):
        return ""


def _texts(parts: Any, kind: str) -> str:
    if not isinstance(parts, list):
        return ""
    return "".join(str(part.get("text") or "") for part in objects(parts) if part.get("type") == kind)
