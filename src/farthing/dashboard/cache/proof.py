"""How often semantic hits are wrong at most, by feature, and what was near and not given. Without what was asked and answered."""

from collections.abc import Sequence
from urllib.parse import quote

from farthing.dashboard.cache.reading import LOOKED_AT, NearMisses
from farthing.dashboard.formats import count, percent
from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.steps.cache.calibration import FAIR
from farthing.steps.cache.near import NOT_SERVED
from farthing.steps.cache.standing import Standing
from farthing.store.entries import Verdict

REASONS = {
    "number": "another number, date or amount", "negation": "one says not", "question": "another kind of question",
    "antonym": "the opposite", "name": "another name", "small word": "a small word that turns the meaning",
    "modality": "may, must and can differ", "tense": "another time", "person": "another person", "owner": "somebody else's",
    "one or many": "one against many", "content": "a word that the other has not", "relation": "who does what to whom",
    "order": "another order of words", "too few verdicts": "too few verdicts yet to give hits so far apart",
    "drawn for a check": "let through, and drawn to be checked: the model was asked anyway",
    "unlinked": "people took the link back", NOT_SERVED: "let through, but too old, or by a model that may not answer any more",
}  # fmt: skip
NOT_REFUSED = ("too few verdicts", "drawn for a check", NOT_SERVED)
"""Reasons that are not the guard's."""


def bounds(view: View, found: Sequence[Standing]) -> Table:
    columns = (
        Column("feature", "Feature"), Column("state", "Semantic hits"), Column("verdicts", "Verdicts", "count"), Column("wrong", "Wrong", "count"),
        Column("share", "Wrong hits", "percent"), Column("at_least", "At least", "percent"),
        Column("at_most", "At most", "percent", "95 % confidence, the judge's own errors reckoned in: this must be below the limit."),
        Column("limit", "Limit", "percent"), Column("missing", "Verdicts missing", "count", "At least so many more, none of them wrong, until hits are given."),
        Column("judge", "The judge lets pass", "percent", "Of wrong answers, at most; tried on answers to other questions."),
        Column("mismatches", "Trials missing", "count", "Of the judge, until it counts as fair."),
    )  # fmt: skip
    limit = view.sources.settings.cache.wrong_hits_percent / 100
    judge = "" if view.sources.settings.cache.judge else " No judge is set (judge = \"MODEL\" below [cache]), so only people's verdicts come."  # fmt: skip
    return Table(
        "bounds", "How often a semantic hit is wrong", columns, [_bound(view, each, limit) for each in found],
        empty="No feature's cache is semantic, and no hit was judged yet.",
        note=f"A feature's semantic hits are given from the similarity on at which at most {percent(limit)} are wrong.{judge}",
    )  # fmt: skip


def _bound(view: View, each: Standing, limit: float) -> Row:
    low, high = each.interval if each.verdicts else (None, None)
    serves = each.allowed.serves
    reckoned = each.probes.errors.false_yes_most
    values = (
        each.feature, f"given from similarity {each.allowed.similarity:.3f}" if serves else "not given yet", each.verdicts, each.wrong,
        each.wrong / each.verdicts if each.verdicts else UNKNOWN, low, high, limit, each.missing or None,
        reckoned, None if serves or reckoned <= FAIR else each.probes.missing,
    )  # fmt: skip
    return Row(values, href=view.href(feature=each.feature), mark="good" if serves else "")


def near(view: View, found: Sequence[NearMisses], looked_at: int) -> Table:
    columns = (
        Column("reason", "Refused by"), Column("means", "What differs", "prose"), Column("count", "Times", "count"),
        Column("share", "Share", "percent"),
    )  # fmt: skip
    all_ = sum(each.times for each in found)
    rows = [
        Row(
            (each.reason if each.reason in NOT_REFUSED else f"guard: {each.reason}", REASONS.get(each.reason, ""), each.times, each.times / all_),
            href=view.href(f"/calls/{quote(each.last, safe='')}"),
        )
        for each in found
    ]  # fmt: skip
    whose = f"Of the newest {count(looked_at)} calls" + (
        " of the period" if looked_at < LOOKED_AT else "; no sums of it are kept"
    )
    return Table(
        "near", "Near misses: close, and not given", columns, rows,
        note=f"{whose}. Each line leads to its newest call.",
        empty="No call had a near answer that was not given. Only semantic caches look for near ones.",
    )  # fmt: skip


def wrong(view: View, found: Sequence[Verdict]) -> Table:
    columns = (
        Column("at", "When (UTC)", "moment"), Column("entry", "Answer"), Column("feature", "Feature"), Column("similarity", "Similarity", "exact"),
        Column("source", "Who says so"),
    )  # fmt: skip
    who = {"shadow": "the judge, before it was given", "judge": "the judge", "feedback": "people"}
    rows = [
        Row(
            (each.at_us, each.entry_id, each.scope, f"{each.similarity:.3f}", who.get(each.source, each.source)),
            href=view.href(f"/calls/{quote(each.call_id, safe='')}"), mark="bad" if each.source == "feedback" else "",
        )
        for each in found
    ]  # fmt: skip
    return Table(
        "wrong", "Answers that were found wrong", columns, rows, empty="No verdict says that a stored answer was wrong."
    )
