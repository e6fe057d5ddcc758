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
from harness.report import Figure, Report, options
from harness.subjects import CHAT_BY_CLAUDE, MESSAGES_BY_GPT, configured, farthing_with_tls, nginx, relay60

MODES = ("json", "burst", "paced")
BARS = {"json": 120.0, "burst": 250.0, "paced": 1200.0}
"""CPU microseconds a call, the client's format being the provider's."""
TRANSLATION_MOST = 2.0
"""Times the CPU of the same call untranslated."""
WIRES = {"chat": CHAT, "messages": MESSAGES}
TRANSLATED = {"chat to Claude": CHAT_BY_CLAUDE, "messages to GPT": MESSAGES_BY_GPT}
UNTRANSLATED = {"chat to Claude": "chat", "messages to GPT": "messages"}
QUICK_S, QUICK_TLS_S = 42.0, 6.0
"""After so many seconds, and so many more for TLS, no further repeat begins."""
REFERENCE_NGINX_US = 13.0
"""What nginx takes for a whole answer on the machine whose figures, and those of other gateways, set the bars."""

QUIET = 0.25
"""Repeats in which others took more than this share of the subject's core do not decide: their caches cost it time."""

Case = tuple[str, str, str]
"""Subject, wire, mode."""


class Measurement:
    """The runs of all subjects, round by round."""

    def __init__(self, *, quick: bool) -> None:
        self.repeats, self.rounds, self.seconds, self.warm_up_s = (3, 4, 0.4, 0.1) if quick else (5, 15, 3.0, 1.0)
        self.translated_modes = ("json", "burst") if quick else MODES
        self.tls_repeats = 1 if quick else 5
        self.until = time.monotonic() + QUICK_S if quick else float("inf")
        self.runs: dict[Case, dict[int, Run]] = defaultdict(dict)
        """By round."""

    def plain(self, nginx: Running, relay60: Running, farthing: Running) -> None:
        cases = [(peer, "chat", CHAT, mode) for peer in (nginx, relay60) for mode in MODES]
        cases += [(farthing, name, wire, mode) for name, wire in WIRES.items() for mode in MODES]
        cases += [(farthing, name, wire, mode) for name, wire in TRANSLATED.items() for mode in self.translated_modes]
        self._measure(cases, self.repeats)

    def tls(self, farthing: Running) -> None:
        self.until += QUICK_TLS_S
        self._measure([(farthing, "chat", CHAT, mode) for mode in MODES], self.tls_repeats)

    def _measure(self, cases: list[tuple[Running, str, Wire, str]], repeats: int) -> None:
        """Rounds over all cases, until each round that is wanted was quiet. A round is measured whole, for its ratios."""
        for subject, _, wire, mode in cases:
            subject.run(wire, mode, seconds=self.warm_up_s)
        for number in range(self.rounds):
            for subject, name, wire, mode in cases:
                if len(self._quiet((subject.name, name, mode))) < repeats and time.monotonic() < self.until:
                    self.runs[subject.name, name, mode][number] = subject.run(wire, mode, seconds=self.seconds)

    def _quiet(self, case: Case) -> dict[int, Run]:
        return {number: run for number, run in self.runs[case].items() if run.quiet(QUIET)}

    def cpu(self, name: str, case: Case, most: float | None = None) -> Figure:
        """CPU of a case a call."""
        quiet = self._quiet(case)
        repeats = [run.cpu_us for run in (quiet or self.runs[case]).values()]
        return Figure(name, "us/call", repeats, most, noisy=not quiet and bool(repeats))

    def times(self, name: str, above: Case, below: Case, most: float | None = None) -> Figure:
        """The ratio of two cases in the same round."""
        pairs = [
            (run, self.runs[below][number]) for number, run in self.runs[above].items() if number in self.runs[below]
        ]
        quiet = [pair for pair in pairs if all(run.quiet(QUIET) for run in pair)]
        repeats = [one.cpu_us / other.cpu_us for one, other in quiet or pairs]
        return Figure(name, "x", repeats, most, noisy=not quiet and bool(repeats))


def report(measured: Measurement) -> Report:
    result = Report("gateway_cpu")
    for peer in ("nginx", "relay60"):
        result.add(*(measured.cpu(f"{peer} {mode}", (peer, "chat", mode)) for mode in MODES))
    for wire in WIRES:
        result.add(*(measured.cpu(f"{wire} {mode}", ("farthing", wire, mode), BARS[mode]) for mode in MODES))
    for wire, plain in UNTRANSLATED.items():
        for mode in measured.translated_modes:
            case, untranslated = ("farthing", wire, mode), ("farthing", plain, mode)
            result.add(measured.cpu(f"{wire} {mode}", case))
            result.add(measured.times(f"{wire} {mode}, times untranslated", case, untranslated, TRANSLATION_MOST))
    result.add(*(measured.cpu(f"chat {mode}, TLS both sides", ("farthing with TLS", "chat", mode)) for mode in MODES))
    for peer in ("nginx", "relay60"):
        for mode in MODES:
            result.add(measured.times(f"chat {mode}, times {peer}", ("farthing", "chat", mode), (peer, "chat", mode)))
    nginx_us = measured.cpu("", ("nginx", "chat", "json"))
    slower = [cpu_us / REFERENCE_NGINX_US for cpu_us in nginx_us.repeats]
    result.add(Figure("this machine, times the one of the bars", "x", slower, noisy=nginx_us.noisy))
    result.troubles += troubles(measured)
    return result


def troubles(measured: Measurement) -> list[str]:
    """A gateway that drops calls looks cheap."""
    found = []
    for (subject, wire, mode), runs in measured.runs.items():
        if bad := sum(run.bad for run in runs.values()):
            error = next((run.first_error for run in runs.values() if run.first_error), "cut or not answered")
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
            with setup.up() as gateway, nginx(port) as proxy, relay60(port) as relay:
                measured.plain(proxy, relay, gateway)
                lost = ledger_trouble(setup.folder, gateway)
            with farthing_with_tls(port) as gateway:
                measured.tls(gateway)
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
