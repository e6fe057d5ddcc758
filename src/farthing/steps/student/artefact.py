"""A student as bytes: what is known of it, and its numbers. A store keeps them; no code is in them.

Vectors and weights are kept as half floats: a student of 2,800 calls takes 4.4 MB with a text encoder's vectors. Knows nothing of stores and training.
"""

import io
from typing import Any, Literal

import msgspec
import numpy as np

from farthing.steps.student.features import NAME, Sparse, Words
from farthing.steps.student.judging import Dense, Judge, Weighing

Traffic = Literal["closed", "open"]
FORM = 4
"""Of what is packed; one of another form cannot be used."""
LONGEST = 16_000
"""Characters of a text that anything is learned from."""


class _Form(msgspec.Struct):
    form: int


class Damaged(ValueError):
    """What was packed once, and is not whole any more."""


class Facts(msgspec.Struct, frozen=True):
    """What is known of a student: kept with its weights."""

    encoder: str
    """Name of the vectors that it needs; that of `features` where it makes its own."""
    answers: tuple[str, ...]
    templates: tuple[str, ...]
    traffic: Traffic
    target: float
    confidence: float
    """Of the stated agreement, 0 to 1."""
    least: float
    floor: float
    gamma: float
    pairs: int
    repeats: int
    conflicts: int
    from_us: int
    until_us: int
    left_out_agreement: float
    """Of all examples left out, answered or not."""
    answered: int
    agreed: int
    bound: float
    """Agreement on what it answers is at least so high."""
    mix: tuple[float, ...]
    """Shares of the answers in what it would say of all examples, left out one by one: for drift."""
    why_not: str = ""
    """Why it answers nothing; empty if it does."""
    redacted: bool = False
    """Whether the texts that it learned from were redacted: what it judges must be, too."""
    form: int = 1
    """Of what was packed."""
    features: tuple[str, ...] = ()
    """Whose calls it learned from, most of them first: for people."""
    contexts: tuple[str, ...] = ()
    """All that its teacher was told beside the texts, and its name as clients have it, one fingerprint for each way, with or without what
    changes in instructions from call to call; empty where there is more that changes."""
    longest: int = LONGEST
    """Characters of the longest text that it learned from: what is longer is new to it."""
    spellings: tuple[tuple[str, ...], ...] = ()
    """For each answer in how many ways its teacher spells it now; empty for those that are spelled in one."""
    models: tuple[str, ...] = ()
    """Those that the calls asked for, as clients name them; empty of a student from before this was kept."""

    @property
    def coverage(self) -> float:
        """Share of the examples that it answers."""
        return self.answered / self.pairs if self.pairs else 0.0


def pack(facts: Facts, judge: Judge) -> bytes:
    """The bytes of a student that answers."""
    arrays: dict[str, Any] = {
        "facts": np.frombuffer(msgspec.json.encode(facts), np.uint8), "said": judge.said.astype(np.int16),
        "guessed": judge.guessed.astype(np.int16),
        "weights": judge.weights.astype(np.float16), "lengths": judge.lengths, "means": judge.weighing.means, "spreads": judge.weighing.spreads,
        "signs": judge.weighing.weights,
    }  # fmt: skip
    likeness, words = judge.likeness, judge.words
    if isinstance(likeness, Dense):
        arrays |= {"vectors": likeness.rows.astype(np.float16), "mean": likeness.mean}
    elif isinstance(likeness, Sparse):
        arrays |= {
            "idf": likeness.idf.astype(np.float16), "starts": likeness.starts, "rows": likeness.rows,
            "values": likeness.values.astype(np.float16),
        }  # fmt: skip
    if isinstance(words, Words):
        arrays |= {"idf": words.idf.astype(np.float16), "table": words.table.astype(np.float16)}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def unpack(data: bytes) -> tuple[Facts, Judge]:
    """What `pack` made. Raises Damaged for anything else, ValueError for what another version of Farthing packed."""
    try:
        held = np.load(io.BytesIO(data), allow_pickle=False)
        told = held["facts"].tobytes()
        form = msgspec.json.decode(told, type=_Form).form
        found = _unpacked(msgspec.json.decode(told, type=Facts), held) if form == FORM else None
    except Exception as broken:  # damaged bytes fail in many ways, from the archive to the last array
        raise Damaged(type(broken).__name__) from None
    if found is None:
        raise ValueError("it is not a student of this version")
    return found


def _unpacked(facts: Facts, held: Any) -> tuple[Facts, Judge]:
    weights = held["weights"].astype(np.float32)
    said, guessed = (held[name].astype(np.int64) for name in ("said", "guessed"))
    idf = held["idf"].astype(np.float32)
    likeness: Dense | Sparse
    if facts.encoder == NAME:
        values = held["values"].astype(np.float32)
        likeness, words = Sparse(idf, held["starts"], held["rows"], values, len(weights)), None
    else:
        likeness = Dense(held["vectors"].astype(np.float32), held["mean"])
        words = Words(idf, held["table"].astype(np.float32))
    weighing = Weighing(held["means"], held["spreads"], held["signs"])
    judge = Judge(
        facts.answers, likeness, words, said, guessed, held["lengths"], weights, facts.gamma, weighing, facts.least,
        facts.floor,
    )  # fmt: skip
    says = words.scores("")[None] if words is not None else None
    # shapes that do not go together fail here, not at a call
    judge.judge_all(np.zeros((1, len(said)), np.float32), says)
    return facts, judge
