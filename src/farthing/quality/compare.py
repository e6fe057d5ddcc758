"""Which of two answers to the same request is better: -1, 0 or 1, or no word.

In this order, and each only where the one before leaves it open:
- one was refused or cut and the other was not;
- a check that the operator named tells them apart, or passes both: it says what a good answer is;
- the check that the request itself implies tells them apart (a shape that both have says nothing yet);
- they say the same: equal words, equal JSON, equal calls of tools;
- a judge;
- without a judge, and only for answers of a closed form (labels, JSON, calls, a few words): what is not the same as the
  flagship's counts as worse, which is unfair to the other model and never to the user.

Whether there is a word at all depends on lengths and on who is there to judge, never on who is better: were only equal
pairs counted where nobody judges the others, every model would look good.
"""

from typing import Any

import msgspec

from farthing.model.asked import Asked
from farthing.model.money import Nano
from farthing.quality.checks import Checked, check
from farthing.quality.pairwise import LONGEST_ANSWER, PairJudge, can_judge
from farthing.wire.lenient import anything
from farthing.wire.said import Said, said
from farthing.wire.wanted import wanted

SHORT = 80
"""Characters of an answer that can only be right or wrong."""
_PUNCTUATION = " \t\r\n.,;:!?\"'`*"


class Compared(msgspec.Struct, frozen=True):
    difference: int | None
    """1: the first is better. None: nothing can be said."""
    why: str
    cost: Nano | None = 0
    """Of the judge; None where it is not known."""
    passed: bool | None = None
    """Whether the first passed a check, where there is one."""
    by_check: bool = False
    judge_failed: bool = False
    """There is a judge, it was asked, and it gave no word: others like this one will be lost too."""


class Pair(msgspec.Struct, frozen=True):
    """Two answers to one request, all in the client's wire. The second is the flagship's."""

    tenant: str
    format: str
    request: bytes
    first: bytes
    second: bytes
    asked: Asked | None = None
    check: str = "auto"
    """As in the settings."""
    region: str = ""
    """Where the judge must be served."""


class Comparer:
    """See the module."""

    def __init__(self, judge: PairJudge) -> None:
        self._judge = judge

    async def compare(self, pair: Pair) -> Compared:
        """Never raises."""
        first, second = said(pair.format, pair.first), said(pair.format, pair.second)
        request = wanted(pair.format, pair.request)
        if first is None or second is None or request is None:
            return Compared(None, "an answer that cannot be read")
        checks = [check(pair.check, pair.asked, pair.format, pair.request, each) for each in (pair.first, pair.second)]
        known = _by_shape(first, second) or _by_checks(*checks, named=pair.check != "auto")
        passed = checks[0].passed if checks[0] is not None else None
        if known is not None:
            by_check = all(each is not None for each in checks)
            return Compared(known[0], known[1], passed=passed, by_check=by_check)
        one, other = _shown(first), _shown(second)
        if not self._judge.there and not _is_closed(pair, request.json, first, second):
            return Compared(None, "nobody to judge", passed=passed)
        if self._judge.there and not can_judge(request.words, other, other):
            return Compared(None, "too long to be judged", passed=passed)
        if same(first, second):
            return Compared(0, "both say the same", passed=passed)
        if not self._judge.there:
            return Compared(-1, "not what the flagship says", passed=passed)
        judged = await self._judge.compare(pair.tenant, request.words, _cut(one), other, pair.region)
        failed = judged.difference is None
        why = "no judgement" if failed else "judged"
        return Compared(judged.difference, why, judged.cost, passed=passed, judge_failed=failed)


def same(first: Said, second: Said) -> bool:
    """Whether they say the same: white space, case, punctuation at the ends, and the spelling of JSON do not count."""
    if len(first.tools) != len(second.tools):
        return False
    for one, other in zip(first.tools, second.tools, strict=True):
        if one.name != other.name or not _same_json(one.arguments, other.arguments):
            return False
    if first.tools:
        return True  # what is said beside a call is for nobody's eyes
    return _plain(first.text) == _plain(second.text) or _same_json(first.text, second.text)


def _by_shape(first: Said, second: Said) -> tuple[int, str] | None:
    bad = [each.finish in ("length", "filter") or not (each.text.strip() or each.tools) for each in (first, second)]
    if bad[0] == bad[1]:
        return (0, "both were cut, refused or empty") if bad[0] else None
    return (-1, "cut, refused or empty") if bad[0] else (1, "the flagship's was cut, refused or empty")


def _by_checks(first: Checked | None, second: Checked | None, *, named: bool) -> tuple[int, str] | None:
    if first is None or second is None:
        return None
    if first.passed != second.passed:
        return (1, "only it passed the check") if first.passed else (-1, f"only the flagship's passed: {first.why}")
    if named:
        return 0, "both passed the check" if first.passed else "neither passed the check"
    return None if first.passed else (0, "neither passed the check")


def _is_closed(pair: Pair, json: bool, first: Said, second: Said) -> bool:
    """By the request and the flagship's answer alone: the other one must not decide whether it is compared."""
    if json or second.tools or (pair.asked is not None and pair.asked.labels):
        return True
    return len(second.text) <= SHORT


def _shown(answer: Said) -> str:
    calls = "".join(f"\n[calls {used.name} with {used.arguments}]" for used in answer.tools)
    return (answer.text + calls).strip()


def _cut(text: str) -> str:
    """The judge sees that there is more; were such pairs left out, only answers that ramble would gain by it."""
    mark = "\n[it goes on, too long to be shown]"
    return text if len(text) <= LONGEST_ANSWER else text[: LONGEST_ANSWER - len(mark)] + mark


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(_PUNCTUATION).casefold()


def _same_json(one: str, other: str) -> bool:
    values = [_spelled(anything(text.encode("utf-8", "replace"))) for text in (one, other)]
    return values[0] is not None and values[0] == values[1]


def _spelled(value: Any) -> bytes | None:
    if not isinstance(value, dict | list | int | float | bool):
        return None
    try:
        return msgspec.json.encode(_numbers(value), order="sorted")
    except RecursionError:
        return None


def _numbers(value: Any) -> Any:
    """1.0 is 1."""
    if isinstance(value, dict):
        return {name: _numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
