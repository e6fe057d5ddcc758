"""AutoRound to GGUF, which llama.cpp and Ollama serve: rounds to nearest, needs no llama.cpp and no data."""

from typing import Any

import torch
from auto_round import AutoRound

from .loading import on_gpu, peak_bytes
from .protocol import Say, serve


def quantize(job: dict[str, Any], say: Say) -> dict[str, Any]:
    """`model`, `out`, `threads`, `scheme` (q8_0, q4_k_m...). What it would tune on comes from a hub; so it does not tune."""
    torch.set_num_threads(int(job["threads"]))
    say("loads, quantizes and saves", 0, 1)
    scheme = f"gguf:{job['scheme']}"
    more = {} if on_gpu(job) else {"device_map": "cpu"}
    AutoRound(job["model"], scheme=scheme, iters=0, disable_opt_rtn=True, **more).quantize_and_save(
        job["out"], format=scheme
    )
    return {"memory": peak_bytes()}


if __name__ == "__main__":
    serve(quantize)
