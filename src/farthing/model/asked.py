"""What a request asks for, the same for every wire: whose words, with what around them, and what a model must be able to
do to serve it. Plain values; `wire.asked` reads them, `steps` decide by them."""

import msgspec


class Asked(msgspec.Struct, frozen=True):
    text: str = ""
    """The latest ask of a person, without what tools and quotes brought; cut to its first and last few thousand
    characters. Empty if nobody asked in words."""
    template: str = ""
    """16 hex digits: fingerprint of the system prompt, the tools' names and the response format, with numbers, dates and
    ids taken out. Empty where there is none of these."""
    prefix: str = ""
    """16 hex digits: fingerprint of how the conversation began; the same for all its turns."""
    cache_key: str = ""
    """The request's own `prompt_cache_key`, or the provider's conversation that it continues."""
    turns: int = 1
    """How many times a person spoke."""
    in_tokens: int = 0
    """Input tokens as they are likely to be."""
    most_in_tokens: int = 0
    """An upper estimate of the same."""
    tools: int = 0
    """Tools that the model may use."""
    tool_results: bool = False
    """The latest message is a tool's result, not a person's."""
    schema: bool = False
    """A JSON schema is asked for, to be kept strictly or not."""
    json: bool = False
    """JSON is asked for, with or without a schema."""
    labels: tuple[str, ...] = ()
    """The only values that the answer may have, where the schema is little more than one enum."""
    images: bool = False
    audio: bool = False
    files: bool = False
    reasoning: bool = False
    """Thinking is asked for by name, effort or budget."""
    code: bool = False
    """A code fence, or what looks like source text, in the ask."""
    instructions: str = ""
    """The system prompt, cut likewise."""
    quoted: int = 0
    """Characters around the ask that are not the person's own: quotes, files, what was cut."""
    fields: int = 0
    """Values that an answer has by its schema, or by that of the one tool that must be used; 0 where there is none."""
    picks: bool = False
    """That schema is little more than one enum."""

    @property
    def needs(self) -> frozenset[str]:
        """Capabilities without which a model cannot serve the request."""
        wanted = {
            "tools": self.tools > 0, "schema": self.schema, "images": self.images, "audio": self.audio,
            "files": self.files, "reasoning": self.reasoning,
        }  # fmt: skip
        return frozenset(name for name, needed in wanted.items() if needed)
