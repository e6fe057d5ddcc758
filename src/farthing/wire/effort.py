"""How hard a model shall think, written into a request that does not say so, in the words of its format.

Only for models that are known to take it: others answer 400, or begin to think because of it. What a request says by itself
is left alone. Knows nothing of policies.
"""

from farthing.wire import splice
from farthing.wire.translate.reasoning import takes_effort, wants_budget

EFFORTS = ("minimal", "low", "medium", "high")

_SAID: dict[str, tuple[bytes, ...]] = {
    "openai.chat": (b'"reasoning_effort"', b'"reasoning"', b'"thinking"'),
    "openai.responses": (b'"reasoning"',),
    "anthropic.messages": (b'"output_config"', b'"thinking"'),
}
"""Members by which a request says it already."""


def takes(wire: str, model: str) -> bool:
    """Whether a model, by the name that its provider has for it, is known to take an effort from requests of the format."""
    if wire == "anthropic.messages":
        return "claude" in model and not wants_budget(model)
    return wire in _SAID and takes_effort(model)


def with_effort(wire: str, body: bytes, effort: str) -> bytes:
    """The body with an effort; `body` itself where it says anything about thinking. `minimal` is `low` in Messages."""
    plain = splice.has_plain_names(body)
    if any(splice.value_span(body, name, plain) is not None for name in _SAID[wire]):
        return body
    start = splice.first_member(body)
    return splice.replace(body, [(start, start, _member(wire, effort))])


def _member(wire: str, effort: str) -> bytes:
    if wire == "openai.chat":
        return b'"reasoning_effort":"%s",' % effort.encode()
    if wire == "openai.responses":
        return b'"reasoning":{"effort":"%s"},' % effort.encode()
    return b'"output_config":{"effort":"%s"},' % (b"low" if effort == "minimal" else effort.encode())
