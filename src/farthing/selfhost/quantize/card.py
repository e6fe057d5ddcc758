"""The model card: what was made of what, what it lost, how that was measured, and how it is served. Markdown.

Says also what was not measured. Knows nothing of where it is written to.
"""

from farthing.selfhost.quantize.losses import Loss
from farthing.selfhost.quantize.report import Report, Tried, engine_speaks, saved
from farthing.selfhost.quantize.schemes import SCHEMES
from farthing.selfhost.quantize.sizes import shown
from farthing.selfhost.serving import Use

VERDICTS = {
    "kept": "shown to be within what may be lost",
    "lost": "shown to be beyond what may be lost",
    "open": "neither shown to be within what may be lost nor to be beyond it",
}


def card(report: Report, tried: Tried, use: Use) -> str:
    """The whole file."""
    parts = [
        f"# {use.served}",
        f"{report.model} at {SCHEMES[tried.scheme].bits} bits ({tried.scheme}{_group(tried)}, {_METHODS[tried.method]}), made by "
        f"{report.backend} {report.versions.get(_MAIN[report.backend], '')} from `{report.folder}`.",
        "## What it lost",
        _losses(report, tried),
        f"It is {VERDICTS[tried.verdict]}: {100 * report.budget:g} % of the {_NAMES[tried.decisive.metric]}, with 95 % confidence."
        + ("" if tried.passed else " **It did not pass.**"),
        "## Size and memory",
        _sizes(report, tried),
        f"The speed was {engine_speaks(SCHEMES[tried.scheme])}. Memory is that of the process at its peak, beside what its tools take; they may unpack what an engine leaves packed.",
        "## Serve it",
        f"```bash\n{use.command}\n```",
        "Then, in `farthing.toml`:",
        f"```toml\n{use.settings.rstrip()}\n```",
        "## How it was measured",
        f"- The same tokens before and after, in blocks of which each is foretold by itself; text: {report.text}.",
        _calibration(tried, report),
        f"- Chosen for {report.engine} on {report.gpu or 'a CPU'}, {report.workload}: {report.why}.",
        "- Not measured: other languages and long contexts, and the speed of the engine on its GPU; "
        "`farthing selfhost measure` does that.",
        "- Versions: " + ", ".join(f"{name} {version}" for name, version in report.versions.items()) + ".",
    ]
    return (
        "\n\n".join(part for part in parts if part).replace("\n\n- ", "\n- ").replace("measured\n- ", "measured\n\n- ")
        + "\n"
    )


_METHODS = {"rtn": "rounded to nearest", "gptq": "calibrated by GPTQ", "awq": "calibrated by AWQ"}
_NAMES = {"perplexity": "perplexity", "task": "share of right answers"}
_MAIN = {"torchao": "torchao", "llm-compressor": "llmcompressor", "auto-round": "auto-round"}


def _group(tried: Tried) -> str:
    return f" in groups of {tried.group}" if tried.group else ""


def _losses(report: Report, tried: Tried) -> str:
    lines = ["| | before | after | lost | 95 % within | of |", "|---|---|---|---|---|---|"]
    for loss in (tried.perplexity, tried.task):
        if loss is not None:
            lines.append("| " + " | ".join(loss_words(loss)) + " |")
    return "\n".join(lines)


def loss_words(loss: Loss) -> tuple[str, ...]:
    """Metric, before, after, loss, interval, and of what."""
    plain = loss.metric == "perplexity"
    values = [f"{each:,.3f}" if plain else f"{100 * each:.1f} %" for each in (loss.before, loss.after)]
    return (
        "perplexity" if plain else "right answers", *values, f"{100 * loss.loss:+.2f} %",
        f"{100 * loss.low:+.2f} to {100 * loss.high:+.2f} %", f"{loss.n:,} {'tokens' if plain else 'items'}",
    )  # fmt: skip


def _sizes(report: Report, tried: Tried) -> str:
    before, after = report.before, tried.used
    lines = ["| | before | after | less |", "|---|---|---|---|"]
    rows = [
        ("matrices that were quantized", tried.matrices_before, tried.matrices),
        ("all files", before.files, tried.files),
        ("memory at most", before.memory, after.memory),
        ("memory of the GPU at most", before.gpu_memory, after.gpu_memory),
    ]
    lines += [
        f"| {name} | {shown(one)} | {shown(other)} | {100 * saved(one, other):.1f} % |"
        for name, one, other in rows
        if one
    ]
    lines.append(f"| tokens a second, one stream | {before.tokens_s:,.1f} | {after.tokens_s:,.1f} | |")
    return "\n".join(lines) + f"\n\nThe plan said {shown(tried.predicted.total)} ({100 * tried.off:+.2f} %)."


def _calibration(tried: Tried, report: Report) -> str:
    if tried.method == "rtn":
        return "- Nothing was calibrated."
    return f"- Calibrated on the first part of {report.text}, which is not measured."
