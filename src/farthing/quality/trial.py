"""What a control on trial does to answers and to what they cost, from the sessions that got it and those that did not; and whether
it is to be on or off. Pure; knows nothing of stores, and of what the controls are.

**What counts.** Bad answers: those that fail their check or that people find bad; cut at a length limit; asked for again by the
same session soon after; refused by the provider. Each is a share of its own, and each may be worse by the margin that
routing's quality floor leaves. And what is to fall: output tokens, or for what changes the input, the cost.

**Looks.** All intervals hold at every look together (`two_arms.at_any_look`): gateways look every few minutes for as long as calls
come, nobody knows beforehand how many that will be, and harm should end at once, so that a plan of fixed looks would be late
where it matters and wrong where traffic is other than planned. They are clustered by session, and nothing is said of fewer
than 20 groups of sessions in either arm.

    off    some share of bad answers is shown to be worse by more than the margin, or calls are shown to cost more
    on     every share that matters is shown not to be, and tokens are shown to have fallen
    trial  neither; then there is a word about what is missing

Only a share of answers that says something of their content (checks, people) lets a control be on. One that is on keeps
a few sessions without it, and goes off when harm is shown later.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from farthing.quality.holdout import COST_SCALE, Effect
from farthing.quality.two_arms import Cell, at_any_look, at_one_look, compare
from farthing.store.controls import ControlSums, State

DAYS_OF_A_PHASE = 1_000_000
"""So many day numbers lie between two phases: days with another share are not taken together."""
DAY_US = 86_400_000_000
HARM_SCALE = 0.1
"""Size of harm that looks for harm are tuned to; those for its absence are tuned to the margin."""
LEAST_ANSWERS = 50
"""Looked at in each arm, below which a control is not switched on, however alike they are."""


class Bad(NamedTuple):
    """One way in which answers are bad."""

    name: str
    worse: str
    """In words, where it is shown."""
    of: Callable[[ControlSums], tuple[int, int]]
    """How many there are, and how many of them are bad."""


CHECKED = Bad("checks", "more answers fail their check", lambda each: (each.checked, each.check_bad))
JUDGED = Bad("people", "people find more answers bad", lambda each: (each.judged, each.judged_bad))
CUT = Bad("cut", "more answers are cut at a length limit", lambda each: (each.answers, each.cut))
AGAIN = Bad("asked again", "more is asked again", lambda each: (each.calls, each.asked_again))
FAILED = Bad("failed", "more calls fail at the provider", lambda each: (each.calls, each.failed))
CONTENT, FORM = (CHECKED, JUDGED), (CUT, AGAIN, FAILED)


class Shown(msgspec.Struct, frozen=True):
    """What is shown of one control for one kind of calls."""

    state: State
    """What is to hold from now on."""
    why: str
    treated: int
    """Calls with it, and without it."""
    untreated: int
    tokens: Effect | None = None
    """On output tokens a call, as a share: -0.4 is 40 % fewer."""
    cost: Effect | None = None
    bad: dict[str, Effect] = {}
    """On each share of bad answers, in points / 100."""
    needed: int | None = None
    """Calls that are still needed, at a guess; None where nobody can say."""


def judge(sums: Sequence[ControlSums], state: State, margin: float, *, by_cost: bool = False) -> Shown:
    """See the module. `margin`: how much larger a share of bad answers may be; `by_cost`: cost is what is to fall."""
    treated = sum(each.calls for each in sums if each.treated)
    untreated = sum(each.calls for each in sums if not each.treated)
    calls = compare(_cells(sums, lambda each: (each.calls, 0)))
    tokens, cost = (
        _relative(sums, lambda each: (each.counted, each.out_tokens)),
        _relative(sums, lambda each: (each.priced, each.cost)),
    )
    bad = {each.name: _share(sums, each, margin) for each in (*CONTENT, *FORM)}
    effects = {name: each.effect for name, each in bad.items() if each.effect is not None}
    known = Shown(state, "", treated, untreated, tokens, cost, effects)
    if state == "off":
        return msgspec.structs.replace(known, why="it was shown to do harm")
    if calls is None or calls.few:
        fewest = 0 if calls is None else min(calls.treated_clusters, calls.untreated_clusters)
        why = f"cannot be shown yet with {treated + untreated:,} calls: {fewest} groups of sessions in the smaller arm"
        return msgspec.structs.replace(known, why=why)
    harm = _harm(bad, cost, margin)
    if harm:
        return msgspec.structs.replace(known, state="off", why=harm)
    if state == "on":
        return msgspec.structs.replace(known, why="it does no harm that could be shown")
    missing = _missing(bad, cost if by_cost else tokens, margin, "cost" if by_cost else "output tokens")
    if not missing:
        what = cost if by_cost else tokens
        assert what is not None, "it is shown to have fallen"
        fell = f"{-what.value:.0%} {'lower cost' if by_cost else 'fewer output tokens'} a call"
        return msgspec.structs.replace(known, state="on", why=f"{fell}, and answers are not worse by {margin:.1%}")
    needed = _needed(treated + untreated, missing)
    more = f"; some {needed:,} more would do" if needed else ""
    why = f"cannot be shown yet with {treated + untreated:,} calls: {missing[0].why}{more}"
    return msgspec.structs.replace(known, why=why, needed=needed)


def _cells(sums: Sequence[ControlSums], of: Callable[[ControlSums], tuple[int, int]]) -> list[Cell]:
    return [
        Cell(each.phase * DAYS_OF_A_PHASE + each.day_us // DAY_US, not each.treated, each.group, *of(each))
        for each in sums
    ]  # fmt: skip


def _relative(sums: Sequence[ControlSums], of: Callable[[ControlSums], tuple[int, int]]) -> Effect | None:
    compared = compare(_cells(sums, of))
    if compared is None or compared.few or compared.untreated <= 0:
        return None
    one = compared.ratio_interval(at_one_look(compared))
    always = compared.ratio_interval(at_any_look(compared, compared.ratio_variance, COST_SCALE))
    return Effect(compared.ratio - 1, one[0] - 1, one[1] - 1, always[0] - 1, always[1] - 1)


class _Share(NamedTuple):
    """What is shown of one share of bad answers."""

    effect: Effect | None = None
    """Where enough was looked at for its interval to be trusted."""
    harm: float = -1.0
    """How much larger it is at least, by the interval that is tuned to harm."""
    looked_at: float = 0.0
    """In the smaller arm."""


_Shares = dict[str, _Share]


def _share(sums: Sequence[ControlSums], what: Bad, margin: float) -> _Share:
    compared = compare(_cells(sums, what.of), is_share=True)
    if compared is None or compared.few:
        return _Share()
    variance = compared.difference_variance
    one = compared.difference_interval(at_one_look(compared))
    always = compared.difference_interval(at_any_look(compared, variance, margin))
    harm, _ = compared.difference_interval(at_any_look(compared, variance, max(margin, HARM_SCALE)))
    looked_at = min(compared.treated_n, compared.untreated_n)
    return _Share(Effect(compared.difference, *one, *always), harm, looked_at)


def _harm(bad: _Shares, cost: Effect | None, margin: float) -> str:
    """What is shown to be worse; empty for nothing."""
    for each in (*CONTENT, *FORM):
        effect, harm, _ = bad[each.name]
        if effect is not None and harm > margin:
            return f"{each.worse}: {effect.value:+.1%}, and at least {harm:+.1%}"
    if cost is not None and cost.always_low > 0:
        return f"calls cost more with it: {cost.value:+.0%}"
    return ""


class _Missing(NamedTuple):
    why: str
    effect: Effect | None = None
    room: float = 0.0
    """What half of its interval may be at most."""


def _missing(bad: _Shares, what: Effect | None, margin: float, named: str) -> list[_Missing]:
    """What keeps it from being on."""
    found = []
    contents = [bad[each.name] for each in CONTENT]
    if not any(_is_enough(one, margin) for one in contents):
        likeliest = next((each.effect for each in contents if each.effect is not None), None)
        if likeliest is None:
            found.append(_Missing("too few answers of both arms were checked or judged"))
        else:
            found.append(_Missing("quality is not known closely enough", likeliest, margin - likeliest.value))
    for each in FORM:
        effect = bad[each.name].effect
        if effect is None or effect.always_high > margin:
            room = margin - effect.value if effect is not None else 0.0
            found.append(_Missing(f"whether {each.worse} is not known closely enough", effect, room))
    if what is None or what.always_high >= 0:
        found.append(_Missing(f"{named} may not have fallen", what, -what.value if what is not None else 0.0))
    return found


def _is_enough(one: _Share, margin: float) -> bool:
    return one.effect is not None and one.effect.always_high <= margin and one.looked_at >= LEAST_ANSWERS


def _needed(calls: int, missing: Sequence[_Missing]) -> int | None:
    """Calls until all that is missing is shown, if what was seen so far is the truth. An interval narrows with the root of the
    calls."""
    factor = 1.0
    for each in missing:
        if each.effect is None or each.room <= 0 or not math.isfinite(each.effect.always_half):
            return None
        factor = max(factor, (each.effect.always_half / each.room) ** 2)
    more = math.ceil(calls * factor) - calls
    return more if 0 < more < 10**9 else None
