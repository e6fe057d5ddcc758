"""The service tier of a request, written into its bytes; all else stays as it came. Knows nothing of what tiers cost."""

from farthing.wire import splice

WIRES = frozenset(("openai.chat", "openai.responses"))
"""Formats whose requests name a tier that changes when they are worked and what they cost."""
_NAME = b'"service_tier"'


def with_service_tier(body: bytes, tier: str) -> bytes:
    """The body with this tier, whatever it said before."""
    value = b'"%s"' % tier.encode()
    place = splice.value_span(body, _NAME, splice.has_plain_names(body))
    if place is not None:
        return splice.replace(body, [(*place, value)])
    start = splice.first_member(body)
    return splice.replace(body, [(start, start, _NAME + b":" + value + b",")])
