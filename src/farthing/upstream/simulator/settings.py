"""What can be set on the simulator. Plain values; the defaults are those of a test: no delays, no faults, no limits."""

import msgspec

from farthing.upstream.simulator.prompt_truth import Truth


class Turnround(msgspec.Struct, frozen=True):
    """How long batches take, in seconds; log-normal."""

    median: float
    p90: float
    stuck: float = 0.0
    """Share of batches that are never begun, and expire."""


class SimulatorSettings(msgspec.Struct, frozen=True):
    seed: int = 0
    """Answers, ids, delays and scheduled faults follow from it."""
    latency: float = 0.0
    """Scale of the delays: 1.0 is as slow as real models, 0 does not wait at all."""
    requests_per_minute: int = 0
    """For each key and model; 0 means that no call is refused (the headers then tell of a large limit)."""
    tokens_per_minute: int = 0
    faults: dict[str, float] = {}
    """The share of calls that each fault hits, as {"status-500": 0.01, "cut-stream": 0.005}; see `faults`."""
    batch_seconds: float = 0.0
    """How long a batch takes from its creation to its end, by the simulator's clock."""
    batch_turnround: dict[str, Turnround] = {}
    """The same as a distribution, by model; "" is any other model. Where it says nothing, `batch_seconds` holds."""
    batch_window: float = 86_400.0
    """Seconds until an unfinished batch expires (Azure's never do)."""
    batch_enqueued_tokens: dict[str, int] = {}
    """Model ("": any other) -> input tokens in all batches of a customer that are not over; four bytes count as one. A batch
    above it fails its validation. Anthropic has no such limit."""
    batch_list_lag: float = 0.0
    """Seconds until lists show a new batch."""
    tuning_seconds: float = 0.0
    """How long a fine-tuning job takes from its creation to its end, by the simulator's clock."""
    batch_quick: bool = False
    """Plain lines of batches get short answers that cost little to make, for load tests; see `quick`."""
    line_faults: dict[str, float] = {}
    """The share of lines of batches that each fault hits, besides those of `faults`."""
    skills: dict[str, dict[str, float]] = {}
    """Kind of task -> model or tier -> probability of a right answer, where it is not that of `tasks`."""
    truth: Truth | None = None
    """On which words of a prompt the answers to tasks depend; without it on none."""
    judge_errors: float = 0.0
    """Share of its verdicts in which a model that is asked to compare two answers is wrong."""
    judge_bias: float = 0.0
    """Share of its verdicts in which it prefers the first answer, whatever that says."""
    spread: float = 0.0
    """Sigma of the log-normal lengths of ordinary answers, whose median is the tier's. 0: all about as long."""
    chance_of_reading: float = 0.5
    """Share of calls that read what Gemini's own cache holds of their prompt, which it does not promise."""
    bills_on: bool = False
    """A stream that its client leaves is billed to its end, as some hosts do; else for what was generated until then."""
    strict: bool = False
    """Refuse fields that the real provider does not know, with its own 400."""
    max_body_bytes: int = 64 * 1024 * 1024
    """Longer bodies are answered with 413 (Anthropic: 32 MB at most)."""
    max_batch_bytes: int = 256 * 1024 * 1024
    """The same for uploads and for Anthropic's batches."""
    kept: int = 1000
    """How many responses, files and batches are remembered; the oldest go first."""
    bill_kept: int = 100_000
    """How many lines of the bill; its totals are of all."""
