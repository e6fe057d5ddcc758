"""Measures a model: how well it foretells a text, what it answers to an eval set, how fast it is, and its memory.

Each finding is a line of a file the moment it is there; what the file has already is not measured again.
"""

import json
import statistics
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from .loading import gpu_peak_bytes, load, peak_bytes, prompt, tokenizer, tokens
from .protocol import Say, serve

REPEATS = 3
PROMPT, WRITTEN = 64, 32
"""Tokens of a timed answer."""

Write = Callable[[dict[str, Any]], None]


def measure(job: dict[str, Any], say: Say) -> dict[str, Any]:
    """`model`, `tokenizer`, `text`, `block`, `blocks`, `first` (tokens of the text that are left out), `items` (a JSON file
    of messages, or nothing), `found` (the file of lines)."""
    file = Path(job["found"])
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    blocks = [at for at in range(job["blocks"]) if at not in {line.get("block") for line in lines}]
    items = json.loads(Path(job["items"]).read_text(encoding="utf-8")) if job["items"] else []
    left = [at for at in range(len(items)) if at not in {line.get("item") for line in lines}]
    timed = any("speed" in line for line in lines)
    if not blocks and not left and timed:
        return {}
    say("loads the model", 0, 1)
    tools = peak_bytes()
    model, words = load(job), tokenizer(job)
    text = Path(job["text"]).read_text(encoding="utf-8")
    ids = tokens(words, text, job["first"], job["blocks"] * job["block"])
    with file.open("a", encoding="utf-8") as out, torch.inference_mode():

        def write(line: dict[str, Any]) -> None:
            out.write(json.dumps(line) + "\n")
            out.flush()

        for at in blocks:
            say("perplexity", at, job["blocks"])
            write(_block(model, ids[at * job["block"] : (at + 1) * job["block"]], at))
        for at in left:
            say("eval set", at, len(items))
            write(_answer(model, words, items[at], at))
        if not timed:
            say("speed", 0, 1)
            write(_speed(model, ids or prompt(words, items[0]["messages"])))
        write({"memory": peak_bytes() - tools, "gpu_memory": gpu_peak_bytes()})
    return {}


def _block(model: Any, ids: list[int], at: int) -> dict[str, Any]:
    began = time.perf_counter()
    given = torch.tensor([ids], device=model.device)
    scores = model(given).logits[0, :-1].float()
    loss = torch.nn.functional.cross_entropy(scores, given[0, 1:], reduction="sum")
    nll = float(loss) if torch.isfinite(loss) else None  # JSON has no word for what is no number
    digest = blake2b(repr(ids).encode(), digest_size=8).hexdigest()
    return {
        "block": at,
        "nll": nll,
        "tokens": len(ids) - 1,
        "of": digest,
        "seconds": time.perf_counter() - began,
    }


def _answer(model: Any, words: Any, item: dict[str, Any], at: int) -> dict[str, Any]:
    ids = torch.tensor([prompt(words, item["messages"])], device=model.device)
    out = _write(model, ids, item["max_tokens"])[0, ids.shape[1] :]
    text = words.decode(out, skip_special_tokens=True)
    return {"item": at, "text": text, "cut": int(out.shape[0]) >= item["max_tokens"]}


def _write(model: Any, ids: Any, most: int, least: int = 0) -> Any:
    return model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=most, min_new_tokens=least, do_sample=False,
        pad_token_id=0,
    )  # fmt: skip


def _speed(model: Any, ids: list[int]) -> dict[str, Any]:
    given = torch.tensor([ids[:PROMPT]], device=model.device)
    _write(model, given, 2, 2)
    found = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        _write(model, given, WRITTEN, WRITTEN)
        found.append(WRITTEN / (time.perf_counter() - began))
    return {"speed": statistics.median(found)}


if __name__ == "__main__":
    serve(measure)
