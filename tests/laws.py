"""On how many examples a law is tried. The same ones each time, so that a run says something of the change and nothing of
the dice; `FARTHING_EXAMPLES=5` tries five times as many, and others each time. Knows nothing of the laws."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("FARTHING_EXAMPLES", "1"))

settings.register_profile(
    "farthing", max_examples=40 * TIMES, derandomize=TIMES == 1, database=None,
    deadline=None,  # how long an example takes says how busy the machine is
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],  # as does the first of these
)  # fmt: skip
settings.load_profile("farthing")


def examples(count: int) -> settings:
    """Of a law whose examples are dear, or whose exceptions are rare: so many, and not as many as others have."""
    return settings(max_examples=count * TIMES)
