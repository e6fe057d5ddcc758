"""Bytes to values and back, for each format that clients and providers speak. No network, no prices."""

from farthing.wire.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from farthing.wire.format import Format, StreamReader
from farthing.wire.openai_chat import OpenAIChat
from farthing.wire.openai_embeddings import OpenAIEmbeddings
from farthing.wire.openai_responses import OpenAIResponses
from farthing.wire.recorded import read_recorded

_ALL: tuple[Format, ...] = (
    OpenAIChat(), OpenAIResponses(), OpenAIEmbeddings(), AnthropicMessages(), AnthropicCountTokens()
)  # fmt: skip

FORMATS: dict[str, Format] = {each.name: each for each in _ALL}
"""Every format by name."""

__all__ = ["FORMATS", "Format", "StreamReader", "read_recorded"]
