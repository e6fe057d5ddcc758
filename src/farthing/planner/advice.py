"""Plain things that calls of the past show and no lever does: prompts whose answer is always the same, storms of retries, limits far
above what is written, a flagship that sorts into a few labels, chat models that make vectors, features nobody waits for, keys that
could be one. Each with calls that show it, and some that speak against it. Reads each call once; changes nothing.

Amounts are what the calls at hand cost, brought to a month. Where only somebody can say whether the calls are needed it is a bound.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from farthing.finops.next_savings import CLIENT, SETTINGS, VECTORS, Risk, Saving
from farthing.finops.tiers import TierOf
from farthing.model.money import Nano
from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.steps.shape.arm import LEVER as SHAPING
from farthing.wire.said import said

LEAST_CALLS = 30
"""With fewer of a kind nothing is said of them."""
NEARLY_ALL = 0.9
"""Of a kind's calls, for something to be true of them."""
STORM, STORM_S = 3, 60.0
"""So many calls with the same words within so many seconds, at least one of which failed, are a storm."""
FAR_ABOVE = 4
"""Times the longest usual answer, for a limit to be oversized."""
LEAST_LIMIT = 1_000
LABEL_TOKENS, MOST_LABELS = 12, 20
VECTOR_LENGTH = 16
"""Numbers in a row that are no prose."""
SHOWN = 3
"""Calls that are named."""
LEAST_SHARE = 0.002
"""Of a month's cost: what brings less is not worth a line."""


class Seen(NamedTuple):
    """What is looked through."""

    calls: Sequence[PastCall]
    costs: Sequence[Nano]
    """Of each; 0 where it is not known."""
    times: float
    """From these calls to a month."""
    tier: TierOf
    book: PriceBook
    small: Sequence[tuple[str, str]]
    """Cheaper models at hand: the price list's name of the provider, and the model."""


class _Kind:
    """Calls that have something in common, by place."""

    def __init__(self) -> None:
        self.at: list[int] = []
        self.cost = 0


def advise(seen: Seen) -> list[Saving]:
    """All that is worth a line, the biggest first."""
    least = LEAST_SHARE * sum(seen.costs) * seen.times
    found = [each for look in LOOKS for each in look(seen)]
    worth = [each for each in found if each.high >= least or not each.high]
    return sorted(worth, key=lambda each: (-each.weight, each.what))


def seen_of(
    calls: Sequence[PastCall], book: PriceBook, tier: TierOf, times: float, models: Iterable[tuple[str, str]]
) -> Seen:  # fmt: skip
    costs = [_cost(book, past, past.model, past.usage) or 0 for past in calls]
    small = [(provider, model) for provider, model in models if tier(model) in ("small", "mid")]
    return Seen(calls, costs, times, tier, book, small)


def dead_prompts(seen: Seen) -> Iterator[Saving]:
    """A prompt whose answer is nearly always the same decides nothing."""
    for (feature, template), kind in _kinds(
        seen, lambda past: (past.feature, past.template) if past.template else None
    ):
        answers = [_answer(seen.calls[at]) for at in kind.at]
        known = Counter(each for each in answers if each)
        if known.total() < LEAST_CALLS or len(known) < 1:
            continue
        answer, often = known.most_common(1)[0]
        if often < NEARLY_ALL * known.total():
            continue
        same = [at for at, each in zip(kind.at, answers, strict=True) if each == answer]
        other = [at for at, each in zip(kind.at, answers, strict=True) if each and each != answer]
        yield _saving(
            seen, SHAPING, f"{feature or '(no feature)'}: {often:,} of {known.total():,} answers to the prompt {template} are the same.",
            "needs proof", "a call that always says the same decides nothing; its rare other answers may be what it is for",
            "leave the call out, or ask a rule first", CLIENT, same, other, {"feature": feature, "template": template},
        )  # fmt: skip


def retry_storms(seen: Seen) -> Iterator[Saving]:
    """The same words again and again after a failure."""
    runs: defaultdict[tuple[str, str, str, bytes], list[int]] = defaultdict(list)
    for at, past in enumerate(seen.calls):
        digest = past.prompt_digest or past.prompt
        if digest or past.attempt_of:
            runs[past.tenant, past.feature, past.user, digest or past.attempt_of.encode()].append(at)
    storms: defaultdict[str, list[int]] = defaultdict(list)
    single: defaultdict[str, list[int]] = defaultdict(list)
    for (_, feature, _, _), places in runs.items():
        storm: list[int] = []
        for at in places:
            if storm and seen.calls[at].at_us - seen.calls[storm[-1]].at_us > STORM_S * 1e6:
                _close(storm, seen, storms[feature])
                storm = []
            storm.append(at)
        _close(storm, seen, storms[feature])
        single[feature] += places if len(places) == 1 and _failed(seen.calls[places[0]]) else []
    for feature, again in storms.items():
        if again:
            yield _saving(
                seen, "request routing", f"{feature or '(no feature)'}: {len(again):,} calls say the same again within a minute of a failure.",
                "lossless", "all of them are the bound: the last of each storm may have been needed",
                "fewer retries in the client, with a pause that grows; Farthing retries by itself (`balance.attempts`)", CLIENT,
                again, single[feature], {"feature": feature}, bound=True,
            )  # fmt: skip


def _close(storm: Sequence[int], seen: Seen, into: list[int]) -> None:
    """All after the first of it, where it was one."""
    if len(storm) >= STORM and any(_failed(seen.calls[at]) for at in storm):
        into += storm[1:]


def oversized_limits(seen: Seen) -> Iterator[Saving]:
    """A limit far above what is ever written keeps room for nothing, and lets a runaway answer run."""
    for (feature,), kind in _kinds(seen, lambda past: (past.feature,) if past.max_output else None):
        wrote = sorted(usage.total_out for at in kind.at if (usage := seen.calls[at].usage) is not None)
        if len(wrote) < LEAST_CALLS:
            continue
        usual = max(1, wrote[int(0.99 * (len(wrote) - 1))])
        over = [at for at in kind.at if (seen.calls[at].max_output or 0) >= max(LEAST_LIMIT, FAR_ABOVE * usual)]
        if len(over) < NEARLY_ALL * len(kind.at):
            continue
        long = [at for at in kind.at if (usage := seen.calls[at].usage) is not None and usage.total_out > usual]
        limit = max(seen.calls[at].max_output or 0 for at in over)
        where = {"feature": feature}
        yield Saving(
            SHAPING, f"{feature or '(no feature)'}: up to {limit:,} tokens may be written, and 99 in 100 answers take at most {usual:,}.",
            None, 0, round(sum(_beyond(seen, at, usual) for at in long) * seen.times), "guarded",
            _why("the bound is what answers beyond that cost; the rest of the limit holds back budgets and rate limits", seen, over, long),
            '[prompts]\nmax_output = "learned"', SETTINGS, where, _ids(seen, over), _ids(seen, long),
        )  # fmt: skip


def _beyond(seen: Seen, at: int, usual: int) -> Nano:
    past = seen.calls[at]
    assert past.usage is not None
    short = msgspec.structs.replace(past.usage, out=min(past.usage.out, usual))
    return seen.costs[at] - (_cost(seen.book, past, past.model, short) or seen.costs[at])


def flagship_labels(seen: Seen) -> Iterator[Saving]:
    """A flagship whose answers are a few short labels."""

    def kind_of(past: PastCall) -> tuple[str, ...] | None:
        return (past.feature, past.provider, past.model) if seen.tier(past.model) == "flagship" else None

    for (feature, provider, model), kind in _kinds(seen, kind_of):
        short = [at for at in kind.at if _out(seen.calls[at]) <= LABEL_TOKENS]
        long = [at for at in kind.at if _out(seen.calls[at]) > LABEL_TOKENS]
        labels = {answer for at in short if (answer := _answer(seen.calls[at]))}
        cheaper = min(
            ((sum(_at(seen, at, each) for at in kind.at), each) for each in seen.small), default=(kind.cost, ("", ""))
        )
        if (
            len(short) < max(LEAST_CALLS, NEARLY_ALL * len(kind.at))
            or len(labels) > MOST_LABELS
            or cheaper[0] >= kind.cost
        ):
            continue
        what = f"one of {len(labels)} labels" if labels else f"at most {LABEL_TOKENS} tokens"
        yield _saving(
            seen, "model selection", f"{feature or '(no feature)'}: {model} answers {len(short):,} of {len(kind.at):,} calls with {what}.",
            "needs proof", f"{cheaper[1][1]} at {provider or 'its list price'}'s work of this size; your own calls must show it",
            "[routing]\nsubstitute = true", SETTINGS, short, long, {"feature": feature}, amount=kind.cost - cheaper[0],
        )  # fmt: skip


def chat_vectors(seen: Seen) -> Iterator[Saving]:
    """Chat models that write numbers, or compare texts."""

    def kind_of(past: PastCall) -> tuple[str, ...] | None:
        is_chat = past.wire != "openai.embeddings" and seen.tier(past.model) != "embedding"
        return (past.feature, past.model) if is_chat and (past.task == VECTORS or _is_vector(past)) else None

    for (feature, model), kind in _kinds(seen, kind_of):
        if len(kind.at) >= LEAST_CALLS:
            rest = [at for at, past in enumerate(seen.calls) if past.feature == feature and kind_of(past) is None]
            yield _saving(
                seen, "embeddings", f"{feature or '(no feature)'}: {len(kind.at):,} calls have {model} write vectors of texts.", "needs proof",
                "an embedding model does it for a hundredth; vectors that a chat model invents are not comparable",
                'model = "text-embedding-3-small" on /v1/embeddings', CLIENT, kind.at, rest, {"feature": feature}, bound=True,
            )  # fmt: skip


def unused_features(seen: Seen) -> Iterator[Saving]:
    """Features whose callers nearly always leave before the end."""
    for (feature,), kind in _kinds(seen, lambda past: (past.feature,) if past.feature else None):
        left = [at for at in kind.at if seen.calls[at].outcome == "left"]
        if len(kind.at) >= LEAST_CALLS and len(left) >= NEARLY_ALL * len(kind.at):
            stayed = [at for at in kind.at if seen.calls[at].outcome != "left"]
            yield _saving(
                seen, "request routing", f"{feature}: callers left before the end of {len(left):,} of {len(kind.at):,} answers.", "needs proof",
                "whoever leaves has not used the answer; a time-out that is too short looks the same",
                "ask when the answer is wanted, or give it more time", CLIENT, left, stayed, {"feature": feature}, bound=True,
            )  # fmt: skip


def scattered_keys(seen: Seen) -> Iterator[Saving]:
    """One feature of one team that calls with several keys: budgets, limits and answers that are shared are split by them."""
    for (_, team, feature), kind in _kinds(
        seen, lambda past: (past.tenant, past.team, past.feature) if past.key and past.feature else None
    ):
        keys = Counter(seen.calls[at].key for at in kind.at)
        if len(keys) < 3 or len(kind.at) < LEAST_CALLS:
            continue
        first = [next(at for at in kind.at if seen.calls[at].key == key) for key, _ in keys.most_common(SHOWN)]
        elsewhere = [at for at, past in enumerate(seen.calls) if past.key in keys and past.feature != feature]
        yield Saving(
            "request routing", f"{feature}{f' of {team}' if team else ''}: {len(keys)} keys call for it, the busiest {keys.most_common(1)[0][1]:,} of {len(kind.at):,} times.",
            None, 0, 0, "lossless",
            _why("nothing is saved at once; limits and budgets hold for one key, and one is quicker to replace", seen, first, elsewhere),
            "farthing keys add NAME", CLIENT, {"feature": feature}, _ids(seen, first), _ids(seen, elsewhere),
        )  # fmt: skip


Look = Callable[[Seen], Iterable[Saving]]
LOOKS: Sequence[Look] = (
    dead_prompts, retry_storms, oversized_limits, flagship_labels, chat_vectors, unused_features, scattered_keys,
)  # fmt: skip


def _kinds(seen: Seen, of: Callable[[PastCall], tuple[str, ...] | None]) -> list[tuple[tuple[str, ...], _Kind]]:
    found: defaultdict[tuple[str, ...], _Kind] = defaultdict(_Kind)
    for at, past in enumerate(seen.calls):
        name = of(past)
        if name is not None:
            kind = found[name]
            kind.at.append(at)
            kind.cost += seen.costs[at]
    return sorted(found.items())


def _saving(
    seen: Seen, lever: str, what: str, risk: Risk, why: str, setting: str, place: str, shows: Sequence[int],
    against: Sequence[int], where: dict[str, str], *, amount: Nano | None = None, bound: bool = False,
) -> Saving:  # fmt: skip
    """`amount`: of the calls at hand; None: all that those cost which show it."""
    month = round((amount if amount is not None else sum(seen.costs[at] for at in shows)) * seen.times)
    known = None if bound or risk == "needs proof" else month
    return Saving(
        lever, what, known, 0 if known is None else month, month, risk, _why(why, seen, shows, against), setting, place, where,
        _ids(seen, shows), _ids(seen, against),
    )  # fmt: skip


def _why(why: str, seen: Seen, shows: Sequence[int], against: Sequence[int]) -> str:
    named = f"{why}; such as {', '.join(_ids(seen, shows))}"
    return f"{named}; but {', '.join(_ids(seen, against))}" if against else named


def _ids(seen: Seen, places: Sequence[int]) -> list[str]:
    """The dearest of them."""
    dearest = sorted(places, key=lambda at: -seen.costs[at])[:SHOWN]
    return [seen.calls[at].id for at in dearest]


def _cost(book: PriceBook, past: PastCall, model: str, usage: Usage | None, provider: str = "") -> Nano | None:
    if usage is None or past.cached:
        return None
    priced = book.price(provider or past.provider, model, usage, tier=past.tier, geo=past.geo, at_us=past.at_us)
    return priced.nano if priced.state != "unpriced" else None


def _at(seen: Seen, at: int, small: tuple[str, str]) -> Nano:
    """What a call would have cost at a cheaper model; where that is not known, what it did."""
    past = seen.calls[at]
    cost = _cost(seen.book, past, small[1], past.usage, small[0])
    return cost if cost is not None else seen.costs[at]


def _out(past: PastCall) -> int:
    return past.usage.total_out if past.usage is not None else LABEL_TOKENS + 1


def _answer(past: PastCall) -> str:
    """Its words, or what stands for them."""
    if past.answer_digest:
        return past.answer_digest.hex()
    found = said(past.wire, past.answer) if past.answer else None
    return found.text.strip().lower() if found is not None else ""


def _is_vector(past: PastCall) -> bool:
    """Whether the answer is a list of many numbers and nothing else."""
    if len(past.answer) < VECTOR_LENGTH or b"[" not in past.answer:
        return False
    text = _answer(past)
    try:
        return len(msgspec.json.decode(text, type=list[float])) >= VECTOR_LENGTH
    except msgspec.DecodeError:
        return False


def _failed(past: PastCall) -> bool:
    return past.outcome != "ok" or past.status >= 400
