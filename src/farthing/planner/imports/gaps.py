"""What cannot be said of calls for lack of text, times or tags, in words. Knows no terminal."""

from farthing.store.past_calls import Told


def gaps(told: Told) -> list[str]:
    """What cannot be said of these calls, and why."""
    if not told.calls:
        return []
    found = []
    unknown = told.calls - told.usage
    if unknown:
        found.append(f"{unknown:,} calls without usage: what they cost is unknown, not zero")
    unpriced = told.usage - told.priced
    if unpriced:
        found.append(
            f"{unpriced:,} calls of models without a price: see `farthing report --by model` and [prices] in the settings"
        )
    if not told.texts:
        if told.digests:
            found.append(
                "only digests of prompts: exact repeats can be judged, a semantic cache, routing by content and prompts cannot"
            )
        else:
            found.append("no prompts: caches, routing by content and what prompts waste cannot be judged")
    elif told.texts * 10 < told.calls * 9:
        found.append(
            f"prompts of {100 * told.texts // told.calls} % of the calls only: what needs text is judged on these"
        )
    if not told.features:
        found.append("no features: cost cannot be split by what it is for; --map feature=COLUMN says which column does")
    if not told.users:
        found.append("no users: cost by user cannot be said")
    if not told.sessions:
        found.append("no sessions: provider caches and hold-outs by conversation cannot be judged, intervals are wider")
    if not told.durations:
        found.append("no durations: waiting for batches, hedges and rate limits cannot be judged")
    if not told.limits:
        found.append("no output limits: whether max_tokens is too large cannot be judged")
    return found
