"""What the requests of a file have that costs depend on, summed up while they are read: small, whatever the file's size.

Requests of one model and about the same length, with the same bound and template, are one group. Knows nothing of prices.
"""

from collections.abc import Iterable, Iterator

import msgspec

from farthing.batch.prompts.requests import Prepared
from farthing.wire.asked import asked
from farthing.wire.tokens import input_range

MOST_GROUPS = 400
"""Above it, requests that differ are taken together."""


class Group(msgspec.Struct):
    """See the module."""

    model: str
    requests: int = 0
    in_tokens: int = 0
    """Of all of them, as likely as can be told from their bytes."""
    most_in_tokens: int = 0
    max_output: int | None = None
    """What one of them allows, of all its choices each; None: no bound of its own."""
    choices: int = 1
    template: str = ""
    vectors: bool = False
    """They ask for embeddings, which have no output."""


def tally(requests: Iterable[Prepared], wire: str) -> tuple[Group, ...]:
    """The groups of all requests."""
    groups: dict[tuple[object, ...], Group] = {}
    for _ in counted(requests, wire, groups):
        pass
    return tuple(groups.values())


def counted(
    requests: Iterable[Prepared], wire: str, groups: dict[tuple[object, ...], Group]
) -> Iterator[Prepared]:  # fmt: skip
    """The same requests, while `groups` are summed up."""
    for each in requests:
        known = asked(wire, each.body)
        likely, most = (known.in_tokens, known.most_in_tokens) if known is not None else input_range(each.body)
        many = len(groups) >= MOST_GROUPS
        template = known.template if known is not None and not many else ""
        bound = each.ask.max_output
        size = 0 if many else likely.bit_length()
        key = (each.ask.model, size, bound, each.ask.choices, template)
        group = groups.get(key)
        if group is None:
            vectors = wire == "openai.embeddings"
            group = groups[key] = Group(each.ask.model, 0, 0, 0, bound, each.ask.choices, template, vectors)
        group.requests += 1
        group.in_tokens += likely
        group.most_in_tokens += most
        yield each
