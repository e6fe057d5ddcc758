"""What the gateway adds to the latency of 256 calls at once whose provider takes 200 ms, against the provider alone.

The only benchmark here that looks at a clock on the wall, so it decides only while the gateway's core is quiet: repeats
in which other work took more than a tenth of that core do not count.
"""

import sys
import time
from contextlib import ExitStack

from harness.harness import CHAT, CONNECTIONS, SLOW_MS, Running, Unfit, load, mock, prepare, request_file
from harness.report import Figure, Report, options
from harness.subjects import configured, nginx, relay60

ADDED_P99_MOST_MS = 20.0
QUIET = 0.1
"""The most of the gateway's core that may go to others, as a share."""
RAMP_S = 0.6
"""The calls begin one by one over this time, not all in the same instant, which would measure a salvo's own queue."""
QUICK_S = 42.0


class Measurement:
    """Rounds of the provider alone and of each subject before it."""

    def __init__(self, *, quick: bool) -> None:
        self.wanted, self.tries, self.seconds = (3, 6, 2.0) if quick else (5, 20, 6.0)
        self.until = time.monotonic() + QUICK_S if quick else float("inf")
        self.added: dict[str, list[tuple[float, float]]] = {}
        """By subject: added p50 and p99 in milliseconds."""
        self.noisy = 0

    def measure(self, port: int, subjects: list[Running]) -> None:
        self.added = {subject.name: [] for subject in subjects}
        for subject in subjects:  # connections are opened, memory is touched
            subject.run(CHAT, "slow", seconds=1.0)
        for _ in range(self.tries):
            waiting = [subject for subject in subjects if len(self.added[subject.name]) < self.wanted]
            if not waiting or time.monotonic() > self.until:
                return
            self._round(port, waiting)

    def _round(self, port: int, subjects: list[Running]) -> None:
        with request_file(CHAT, "slow") as file:
            alone = load(port, CHAT.path, file, CONNECTIONS["slow"], self.seconds, ramp_s=RAMP_S)
        for subject in subjects:
            run = subject.run(CHAT, "slow", seconds=self.seconds, ramp_s=RAMP_S)
            if not run.quiet(QUIET):
                self.noisy += 1
            else:
                self.added[subject.name].append(
                    (run.p50_ms - alone["p50_us"] / 1e3, run.p99_ms - alone["p99_us"] / 1e3)
                )


def main() -> int:
    quick = options(__doc__.splitlines()[0]).quick
    measured = Measurement(quick=quick)
    result = Report("gateway_latency")
    try:
        prepare("nginx")
        with ExitStack() as stack:
            port = stack.enter_context(mock())
            setup = stack.enter_context(configured(f"http://127.0.0.1:{port}"))
            subjects = [stack.enter_context(each) for each in (setup.up(), nginx(port), relay60(port))]
            measured.measure(port, subjects)
    except Unfit as error:
        result.troubles.append(str(error))
    for name in ("nginx", "relay60", "farthing"):
        added = measured.added.get(name, [])
        most = ADDED_P99_MOST_MS if name == "farthing" else None
        result.add(Figure(f"{name}, added p50", "ms", [p50 for p50, _ in added]))
        result.add(Figure(f"{name}, added p99", "ms", [p99 for _, p99 in added], most))
    print(
        f"{CONNECTIONS['slow']} calls at once, the provider takes {SLOW_MS} ms; {measured.noisy} noisy repeats left out"
    )
    return result.close()


if __name__ == "__main__":
    sys.exit(main())
