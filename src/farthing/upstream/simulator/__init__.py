"""A provider to try things on: speaks OpenAI's and Anthropic's wires, counts and caches as they do, fails on request.

    async with running(SimulatorSettings(seed=7)) as url:
        client = AsyncOpenAI(base_url=f"{url}/v1", api_key="any")

Equal seeds and requests give equal answers. Models answer the tasks of `tasks` at the skill of their tier; how to ask for
a fault is told in `faults`. Needs the extra `tokens`. Knows nothing of the gateway.
"""

from farthing.upstream.simulator.app import create_app, running, serve
from farthing.upstream.simulator.settings import SimulatorSettings

__all__ = ["SimulatorSettings", "create_app", "running", "serve"]
