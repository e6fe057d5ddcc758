"""A call, as tests of steps have it."""

from unit.steps.conftest import make_call  # noqa: F401  (a fixture)
