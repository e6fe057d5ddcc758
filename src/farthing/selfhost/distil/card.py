"""The model card of a model that was tuned here: from what, on what, how well it does what its teacher did, how it is served.

Markdown. Says also what was not measured. Knows nothing of where it is written to.
"""

from farthing.selfhost.distil.tuning import Agreement, Report
from farthing.selfhost.serving import Use

VERDICTS = {
    "better": "shown to be better than before",
    "worse": "shown to be worse than before",
    "open": "neither shown to be better than before nor to be worse",
}


def card(report: Report, use: Use) -> str:
    """The whole file."""
    wish, foretold, change = report.wish, report.estimate, report.change
    return "\n\n".join(
        [
            f"# {report.name}",
            f"`{report.base}`, trained further by LoRA (rank {wish.rank}, {wish.epochs} epochs, rate {wish.rate:g}, batches of {wish.batch}, seed {wish.seed}) "
            f"on {foretold.examples:,} captured calls{f' of {report.task}' if report.task else ''}, as {report.teacher or 'the model of then'} answered them.",
            "## How well it does that",
            agreements(report),
            f"It is {VERDICTS[change.verdict]}: {points(change.difference)} points ({points(change.low)} to {points(change.high)}, 95 %, paired) on "
            f"{change.cases:,} calls that it was not trained on; {change.better:,} became right, {change.worse:,} wrong.{_floor(report)}",
            "## What it took",
            f"{lasted(report.seconds)} on the machine that trained it, {report.memory / 1e9:,.1f} GB of memory"
            + (f", {report.gpu_memory / 1e9:,.1f} GB of its GPU's" if report.gpu_memory else "")
            + f". A learned token's loss fell from {report.loss_first:.3f} to {report.loss_last:.3f} nats (means of the first and the last epoch).",
            "## Serve it",
            f"```bash\n{use.command}\n```",
            "Then, in `farthing.toml`:",
            f"```toml\n{use.settings.rstrip()}\n```",
            "## How it was measured",
            "- The teacher's answers of then count as right; how often it would agree with itself is not in that.\n"
            "- Greedy answers by transformers, not by the engine that will serve it: `farthing distil evaluate` asks that.\n"
            "- The merged model is whole, at 16 bits; `adapter` beside it has what was learned alone.\n"
            "- Not measured: other kinds of work, which a model that is tuned for one may do worse than before.\n"
            "- Versions: " + ", ".join(f"{name} {version}" for name, version in report.versions.items()) + ".",
        ]
    ) + "\n"  # fmt: skip


def agreements(report: Report) -> str:
    lines = ["| | as the teacher | 95 % within | calls | tokens a second, by the tool |", "|---|---|---|---|---|"]
    for name, each in (("before", report.before), ("after", report.after)):
        lines.append(f"| {name} | {' | '.join(words(each))} |")
    return "\n".join(lines)


def words(each: Agreement) -> tuple[str, ...]:
    """Share, interval, calls and speed."""
    return (
        f"{100 * each.share:.1f} %", f"{100 * each.low:.1f} to {100 * each.high:.1f} %", f"{each.cases:,}", f"{each.tokens_s:,.1f}",
    )  # fmt: skip


def lasted(seconds: float) -> str:
    """A time for people."""
    if seconds < 120:
        return f"{seconds:,.0f} s" if seconds >= 1 else f"{seconds:.2g} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _floor(report: Report) -> str:
    if report.floor is None:
        return ""
    word = "It clears" if report.clears else "It is not shown to clear"
    return f" {word} the floor of {100 * report.floor:g} % of the teacher's quality."
