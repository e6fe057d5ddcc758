"""Which scheme suits: from the bits asked for, the GPU, the engine, the workload, and what may be lost.

Few streams at once wait for memory: fewer bits are faster, and 4 bits with 16-bit arithmetic suit. Batches wait for
arithmetic: 8 bits in both suit, and 4 bits gain room alone ("Give Me BF16 or Give Me Death", arXiv 2411.02355). A published
loss is nobody's own: what is chosen here is tried, measured, and followed by the next where it lost too much. Knows
nothing of files.
"""

from collections.abc import Sequence

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.gpus import Gpu
from farthing.selfhost.quantize.schemes import SCHEMES, Scheme, scheme_named, why_not_served

TIGHT = 0.01
"""A loss below which 4 bits are not tried by themselves."""


class Wanted(msgspec.Struct, frozen=True):
    """What the user asked for."""

    bits: str
    """4, 8 or auto."""
    gpu: Gpu | None
    engine: str
    workload: str
    """sync or batch"""
    budget: float
    """What may be lost, relative."""
    schemes: tuple[str, ...] = ()
    """By name, whatever suits, in the order in which they are tried."""


class Chosen(msgspec.Struct, frozen=True):
    """What is tried, first to last, why, and what was left out."""

    schemes: tuple[Scheme, ...]
    why: str
    refused: dict[str, str]
    """Scheme to reason."""


def choose(wanted: Wanted) -> Chosen:
    """Raises BadRequest that says why nothing suits."""
    if wanted.schemes:
        return _named(wanted)
    names, why = _gguf(wanted) if wanted.engine in ("llama.cpp", "ollama") else _for_engines(wanted)
    refused = {name: why_not_served(SCHEMES[name], wanted.gpu, wanted.engine) for name in names}
    served = [SCHEMES[name] for name in names if not refused[name]]
    if not served:
        reasons = {text: ", ".join(name for name in names if refused[name] == text) for text in refused.values()}
        raise BadRequest("nothing suits: " + "; ".join(f"{which}: {text}" for text, which in reasons.items()))
    return Chosen(tuple(_first_of_bits(served, wanted)), why, {name: text for name, text in refused.items() if text})


def _named(wanted: Wanted) -> Chosen:
    schemes = tuple(dict.fromkeys(scheme_named(name) for name in wanted.schemes))
    for each in schemes:
        why = why_not_served(each, wanted.gpu, wanted.engine)
        if why:
            raise BadRequest(f"{each.name} cannot be served there: {why}")
    tools = sorted({each.backend for each in schemes})
    if len(tools) > 1:
        raise BadRequest(f"one run works with one tool; these schemes need {' and '.join(tools)}")
    return Chosen(schemes, "as was asked for", {})


def _gguf(wanted: Wanted) -> tuple[Sequence[str], str]:
    if wanted.bits == "8":
        return ["q8_0"], "llama.cpp and ollama serve GGUF"
    if wanted.bits == "4":
        return ["q4_k_m"], "llama.cpp and ollama serve GGUF"
    if wanted.budget < TIGHT:
        return ["q8_0"], f"so little may be lost (under {100 * TIGHT:g} %) that 8 bits are tried alone"
    return ["q4_k_m", "q6_k", "q8_0"], "fewest bits first, more where too much is lost"


def _for_engines(wanted: Wanted) -> tuple[Sequence[str], str]:
    eight = ["FP8", "W8A8", "W8A16"] if wanted.workload == "batch" else ["FP8", "W8A16", "W8A8"]
    if wanted.bits == "8":
        return eight, f"8 bits for {_WORDS[wanted.workload]}"
    if wanted.bits == "4":
        note = "; for batches 8 bits are faster, 4 gain room alone" if wanted.workload == "batch" else ""
        return ["W4A16"], f"4 bits for {_WORDS[wanted.workload]}{note}"
    if wanted.workload == "batch":
        return eight, "batches wait for arithmetic: 8 bits in both suit them"
    if wanted.budget < TIGHT:
        return eight, f"so little may be lost (under {100 * TIGHT:g} %) that 8 bits are tried alone"
    return ["W4A16", *eight], "single streams wait for memory: 4 bits first, 8 where too much is lost"


_WORDS = {"sync": "single streams", "batch": "batches"}


def _first_of_bits(served: Sequence[Scheme], wanted: Wanted) -> list[Scheme]:
    """Of several with as many bits the first that is served; GGUF's differ."""
    found: dict[int, Scheme] = {}
    for each in served:
        found.setdefault(each.bits, each)
    return list(found.values())
