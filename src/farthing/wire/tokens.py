"""Tokens guessed from bytes, where no provider counted them. Knows no tokenizer and no model.

The rules, for a request's body as it travels (JSON, UTF-8):

- A data URL's base64 payload is not text; each one counts as one image of `IMAGE_TOKENS`.
- `likely_input`: one token for every 4 bytes of the rest, as English prose in today's tokenizers (4.2 to 4.8 bytes);
  the JSON around it makes up for code, which is denser.
- `most_input`: two tokens for every 5 bytes. Chinese, Japanese, code and numbers stay below it (2.5 to 4 bytes a
  token); text made to break tokenizers does not.
- Output: one token for every 4 bytes of the deltas that passed, and at least one a delta.
"""

import re

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire.lenient import anything, member, tidy

IMAGE_TOKENS = 1_600
"""What the largest image costs after the usual scaling down."""
MOST_A_BYTE, LEAST_A_BYTE = 1.5, 0.05
"""Tokens of a byte of text, in any language and tokenizer: what a provider reports beyond that is not of the text."""

_PAYLOAD = re.compile(rb";base64,[A-Za-z0-9+/=_\\-]*|\"data\"\s*:\s*\"[A-Za-z0-9+/=_\\-]{256,}\"")


def told_ratio(tokens: int, size: int) -> float:
    """Tokens of a byte of a prompt of this size, as its provider has reported them, within what a text can have."""
    return min(max(tokens / max(1, size), LEAST_A_BYTE), MOST_A_BYTE)


def likely_input(body: bytes) -> int:
    """Input tokens of a request as they are likely to be, rounded up."""
    text, images = _text_and_images(body)
    return (text + 3) // 4 + images * IMAGE_TOKENS


def most_input(body: bytes) -> int:
    """Input tokens of a request as an upper estimate, for what must be set aside before it is sent."""
    text, images = _text_and_images(body)
    return (text * 2 + 4) // 5 + images * IMAGE_TOKENS


def input_range(body: bytes) -> tuple[int, int]:
    """Both at once: `likely_input` and `most_input`."""
    text, images = _text_and_images(body)
    return (text + 3) // 4 + images * IMAGE_TOKENS, (text * 2 + 4) // 5 + images * IMAGE_TOKENS


def likely_output(text_bytes: int, deltas: int) -> int:
    """Output tokens of what a stream delivered: `text_bytes` of UTF-8 in `deltas` pieces."""
    return max((text_bytes + 3) // 4, deltas)


def bounded(count: int, ask: Ask) -> int:
    """Output tokens, never above what the request allows for all its answers together."""
    return count if ask.max_output is None else min(count, ask.max_output * ask.choices)


def text_size(value: object) -> int:
    """Bytes of generated text in a delta, whatever its shape: every string but names of types, ids and signatures."""
    if type(value) is dict and len(value) == 1 and type(text := value.get("content")) is str:
        return len(text) if text.isascii() else len(text.encode())
    size = 0
    heap = [value]
    while heap:
        item = heap.pop()
        if isinstance(item, str):
            size += len(item) if item.isascii() else len(item.encode())
        elif isinstance(item, dict):
            heap.extend(part for name, part in item.items() if name not in _NOT_TEXT)
        elif isinstance(item, list):
            heap.extend(item)
    return size


_NOT_TEXT = frozenset(
    {"role", "id", "type", "object", "signature", "obfuscation", "data", "encrypted_content", "format"}
)


def whole_estimate(request_body: bytes, answer_body: bytes, ask: Ask, content: str) -> Reading:
    """The reading of a whole answer that has no usage: by the sizes of both. `content` names the member that holds what
    was generated; of a body that is no JSON every byte counts."""
    answer = anything(answer_body)
    size = len(answer_body) if answer is None else text_size(member(answer, content))
    usage = Usage(uncached_in=likely_input(request_body), out=bounded(likely_output(size, 0), ask))
    return Reading(usage=usage, estimated=True, model=tidy(member(answer, "model")))


def _text_and_images(body: bytes) -> tuple[int, int]:
    if body.rfind(b"base64") < 0 or (body.rfind(b";base64,") < 0 and body.rfind(b'"base64"') < 0):
        return len(body), 0
    sizes = [match.end() - match.start() for match in _PAYLOAD.finditer(body)]
    return len(body) - sum(sizes), len(sizes)
