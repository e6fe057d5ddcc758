"""CPU of the gateway per call, with keys, tags, limits, pricing and the ledger on, beside nginx and a bare Python relay.

A request is 5 KB, an answer 2 KB of JSON or 14 KB of events in 50 chunks, which arrive in one read (burst) or one by one
(paced, 256 streams at once). All subjects run in turn, repeat by repeat, so that ratios are taken from the same minute.
"""

import sqlite3
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from harness.harness import CHAT, MESSAGES, Run, Running, Unfit, Wire, mock, prepare
from harness.report import Report, options
from harness.subjects import CHAT_BY_CLAUDE, MESSAGES_BY_GPT, configured, farthing_with_tls, nginx, relay60

MODES = ("json", "burst", "paced")
BARS = {"json": 120.0, "burst": 250.0, "paced": 1200.0}
"""CPU microseconds a call, the client's format being the provider's."""
TRANSLATION_MOST = 2.0
"""Times the CPU of the same call untranslated."""
WIRES = {"chat": CHAT, "messages": MESSAGES}
TRANSLATED = {"chat to Claude": CHAT_BY_CLAUDE, "messages to GPT": MESSAGES_BY_GPT}
UNTRANSLATED = {"chat to Claude": "chat", "messages to GPT": "messages"}
QUICK_S = 45.0
"""After so many seconds no further repeat begins."""

Case = tuple[str, str, str]
"""Subject, wire, mode."""


class Measurement:
    """The runs of all subjects, repeat by repeat."""

    def __init__(self, *, quick: bool) -> None:
        self.repeats, self.seconds, self.warm_up_s = (3, 0.5, 0.2) if quick else (5, 3.0, 1.0)
        self.until = time.monotonic() + QUICK_S if quick else float("inf")
        self.runs: dict[Case, list[Run]] = defaultdict(list)

    def measure(self, subjects: list[tuple[Running, dict[str, Wire]]]) -> None:
        cases = [
            (subject, name, wire, mode) for subject, wires in subjects for name, wire in wires.items() for mode in MODES
        ]
        for subject, _, wire, mode in cases:
            subject.run(wire, mode, seconds=self.warm_up_s)
        for _ in range(self.repeats):
            for subject, name, wire, mode in cases:
                if time.monotonic() < self.until:
                    self.runs[subject.name, name, mode].append(subject.run(wire, mode, seconds=self.seconds))

    def cpu_us(self, subject: str, wire: str, mode: str) -> list[float]:
        return [run.cpu_us for run in self.runs[subject, wire, mode]]

    def ratios(self, above: Case, below: Case) -> list[float]:
        """Pairs of the same repeat."""
        pairs = zip(self.runs[above], self.runs[below], strict=False)
        return [one.cpu_us / other.cpu_us for one, other in pairs]


def report(measured: Measurement) -> Report:
    result = Report("gateway_cpu")
    for subject in ("nginx", "relay60"):
        for mode in MODES:
            result.add(f"{subject} {mode}", "us/call", measured.cpu_us(subject, "chat", mode))
    for wire in WIRES:
        for mode in MODES:
            result.add(f"{wire} {mode}", "us/call", measured.cpu_us("farthing", wire, mode), BARS[mode])
    for wire in TRANSLATED:
        for mode in MODES:
            result.add(f"{wire} {mode}", "us/call", measured.cpu_us("farthing", wire, mode))
    for wire, plain in UNTRANSLATED.items():
        for mode in MODES:
            ratios = measured.ratios(("farthing", wire, mode), ("farthing", plain, mode))
            result.add(f"{wire} {mode}, times untranslated", "x", ratios, TRANSLATION_MOST)
    for mode in MODES:
        result.add(f"chat {mode}, TLS both sides", "us/call", measured.cpu_us("farthing with TLS", "chat", mode))
    for peer in ("nginx", "relay60"):
        for mode in MODES:
            ratios = measured.ratios(("farthing", "chat", mode), (peer, "chat", mode))
            result.add(f"chat {mode}, times {peer}", "x", ratios)
    result.troubles += troubles(measured)
    return result


def troubles(measured: Measurement) -> list[str]:
    """A gateway that drops calls looks cheap."""
    found = []
    for (subject, wire, mode), runs in measured.runs.items():
        if bad := sum(run.bad for run in runs):
            error = next((run.first_error for run in runs if run.first_error), "cut or not answered")
            found.append(f"{subject}, {wire} {mode}: {bad} calls not answered well; the first: {error}")
    return found


def ledger_trouble(folder: Path, gateway: Running) -> list[str]:
    """Each call answered must be a row with a price, or metering was left out of the measurement."""
    with sqlite3.connect(folder / "farthing.db") as ledger:
        rows, priced = ledger.execute("SELECT count(*), count(*) FILTER (WHERE cost > 0) FROM calls").fetchone()
    if rows == priced == gateway.answered:
        return []
    return [f"{gateway.answered} calls were answered, but the ledger has {rows}, of which {priced} have a cost"]


def main() -> int:
    quick = options(__doc__.splitlines()[0]).quick
    measured = Measurement(quick=quick)
    try:
        prepare("nginx")
        with ExitStack() as stack:
            port = stack.enter_context(mock())
            setup = stack.enter_context(configured(f"http://127.0.0.1:{port}"))
            gateway = stack.enter_context(setup.up())
            subjects = [
                (stack.enter_context(nginx(port)), {"chat": CHAT}),
                (stack.enter_context(relay60(port)), {"chat": CHAT}),
                (gateway, WIRES | TRANSLATED),
                (stack.enter_context(farthing_with_tls(port)), {"chat": CHAT}),
            ]
            measured.measure(subjects)
            lost = ledger_trouble(setup.folder, gateway)
    except Unfit as error:
        print(f"gateway_cpu: {error}", file=sys.stderr)
        result = report(measured)
        result.troubles.append(str(error).splitlines()[0])
        return result.close()
    result = report(measured)
    result.troubles += lost
    return result.close()


if __name__ == "__main__":
    sys.exit(main())
