"""An eval set as a model on this machine is put to it, and which of its answers are right.

The same file and the same checks as where models are compared over the network (`quality.evalset`). Knows nothing of models.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from farthing.model.errors import BadRequest
from farthing.quality.evalset import Case, EvalError, is_good, read

ANSWER = 256
"""Tokens that an answer may have where its case does not say."""
MOST = 4096


def cases_of(file: Path) -> list[Case]:
    """Those that can be told right from wrong. Raises BadRequest where the file cannot be used."""
    try:
        with file.open("rb") as lines:
            cases = read(lines)
    except OSError as error:
        raise BadRequest(f"{file}: {error.strerror}") from None
    except EvalError as error:
        raise BadRequest(f"{file}: {error}") from None
    told = [case for case in cases if case.answers or case.check not in ("auto", "none", "")]
    if not told:
        raise BadRequest(f"{file}: no line has an `answer` or a `check`, so no answer can be told right from wrong")
    return told


def items_of(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """What a worker asks."""
    return [{"messages": list(case.messages), "max_tokens": _most(case.body)} for case in cases]


def _most(body: Mapping[str, Any]) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return min(value, MOST)
    return ANSWER


def is_right(case: Case, text: str, cut: bool) -> bool | None:
    """None where nobody can tell. An answer that was cut counts by what it says."""
    request = msgspec.json.encode({**case.body, "model": "own", "messages": case.messages, "stream": False})
    finish = "length" if cut and not case.answers else "stop"
    answer = msgspec.json.encode(
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}]}
    )
    return is_good(case, request, answer)
