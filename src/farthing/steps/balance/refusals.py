"""What a client hears when no deployment can take its call: which limit or outage it is, and when it will be over."""

import math
from collections.abc import Sequence

from farthing.model.call import Answer
from farthing.model.errors import BadRequest, FarthingError, RateLimited, Unavailable
from farthing.steps.balance.place import Place
from farthing.steps.balance.story import Story

_WHEN = (b"retry-after", b"retry-after-ms")


def nowhere(story: Story, places: Sequence[Place], now: float) -> FarthingError:
    """The error for a call that was sent nowhere."""
    if not places:
        return BadRequest(
            f"No deployment of the model is in the region {story.call.region!r}, where this call must be served.",
            param="model",
        )
    place, wait = story.nearest if story.nearest is not None else (places[0], 1.0)
    limited = place.state.circuit.wait(now) <= 0
    if limited:
        return RateLimited(
            f"{_all(places)} at the rate limit of its provider. Try again in {wait:.1f} s.", retry_after=wait
        )
    whys = dict.fromkeys(each.state.circuit.why for each in places if each.state.circuit.why)
    return Unavailable(
        f"{_all(places)} out of order ({'; '.join(whys)}). It is tried again in {wait:.1f} s.", retry_after=wait
    )


def tell_when(answer: Answer, wait: float) -> None:
    """A provider's own 429 says when that provider has room; another deployment may have it before, or later too."""
    if wait <= 0:
        return
    answer.headers = [header for header in answer.headers if header[0] not in _WHEN]
    answer.headers.append((b"retry-after", b"%d" % math.ceil(wait)))
    answer.headers.append((b"retry-after-ms", b"%d" % math.ceil(wait * 1000)))


def _all(places: Sequence[Place]) -> str:
    if len(places) == 1:
        return "The only deployment of this model is"
    return f"All {len(places)} deployments that can serve this call are"
