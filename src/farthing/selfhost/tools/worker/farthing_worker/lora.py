"""LoRA by peft and transformers: small matrices are trained beside a model that stays as it is, and are added to it at the end.

The loss is on the answers alone. Where it stands is kept every minute, so that a training that was ended goes on; what a step
does follows from its number, so that it ends as if it had never been ended.
"""

import json
import os
import random
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from transformers import AutoModelForCausalLM, AutoTokenizer

from .loading import gpu_peak_bytes, on_gpu, peak_bytes, prompt
from .protocol import Refused, Say, serve

KEEP_S = 60.0
"""Seconds between two states that are kept."""
TOGETHER = 2048
"""Tokens that go through the model at once, padding included; a longer example goes alone."""
WARM = 0.05
"""Share of the steps in which the rate rises; then it falls to nothing."""
LARGEST = 1.0
"""Norm that gradients are cut to."""
TIMED = 3
"""Batches by which the time is foretold."""
IGNORED = -100
"""Stands for a token that is not learned."""


class Example(NamedTuple):
    ids: list[int]
    asked: int
    """Tokens before the answer."""


def tune(job: dict[str, Any], say: Say) -> dict[str, Any]:
    """`model`, `data` (JSON lines of messages), `epochs`, `rank`, `rate`, `batch`, `length`, `seed`, `threads`, `device`; to
    foretell its time `only` = "estimate", else `kept` (file of the state), `adapter` and `out` (folders)."""
    torch.set_num_threads(int(job["threads"]))
    say("reads the data", 0, 1)
    words = AutoTokenizer.from_pretrained(job["model"])
    examples, left_out = read(words, job)
    say("loads the model", 0, 1)
    model, learned = load(job)
    steps = job["epochs"] * -(-len(examples) // job["batch"])
    sizes = {
        "examples": len(examples), "left_out": left_out, "tokens": sum(len(each.ids) for each in examples), "steps": steps,
        "parameters": sum(each.numel() for each in model.parameters()), "learned": sum(each.numel() for each in learned),
    }  # fmt: skip
    if job.get("only") == "estimate":
        return {
            **sizes,
            **timed(model, learned, examples, job, say),
            "memory": peak_bytes(),
            "gpu_memory": gpu_peak_bytes(),
        }
    done = train(model, learned, examples, steps, job, say)
    say("saves", steps, steps)
    model.save_pretrained(job["adapter"])
    merged = model.merge_and_unload().to(torch.bfloat16)
    merged.save_pretrained(job["out"])
    words.save_pretrained(job["out"])
    return {**sizes, **done, "memory": peak_bytes(), "gpu_memory": gpu_peak_bytes()}


def read(words: Any, job: dict[str, Any]) -> tuple[list[Example], int]:
    """The examples that are short enough, and how many were not. Raises Refused where none is."""
    found, left_out = [], 0
    with open(job["data"], encoding="utf-8") as lines:
        for line in lines:
            each = example(words, json.loads(line)["messages"])
            if len(each.ids) <= job["length"]:
                found.append(each)
            else:
                left_out += 1
    if not found:
        raise Refused(f"all {left_out:,} examples are longer than {job['length']:,} tokens")
    return found, left_out


def example(words: Any, messages: list[dict[str, Any]]) -> Example:
    """Ends as the model's own form for chats ends an answer."""
    before = prompt(words, messages[:-1])
    if getattr(words, "chat_template", None):
        whole = words.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
        if whole[: len(before)] == before:
            return Example([int(each) for each in whole], len(before))
    answer = words(str(messages[-1]["content"]), add_special_tokens=False)["input_ids"]
    ends = [] if words.eos_token_id is None else [int(words.eos_token_id)]
    return Example([*before, *map(int, answer), *ends], len(before))


def load(job: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The model with the matrices that are trained, at 32 bits on a CPU, which has no fast arithmetic for 16."""
    torch.manual_seed(job["seed"])
    gpu = on_gpu(job)
    model = AutoModelForCausalLM.from_pretrained(
        job["model"], dtype=torch.bfloat16 if gpu else torch.float32, device_map="cuda:0" if gpu else "cpu"
    )
    how = LoraConfig(
        r=job["rank"], lora_alpha=2 * job["rank"], lora_dropout=0.05, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    tuned = get_peft_model(model, how).train()
    return tuned, [each for each in tuned.parameters() if each.requires_grad]


def timed(model: Any, learned: list[Any], examples: list[Example], job: dict[str, Any], say: Say) -> dict[str, Any]:
    """Seconds a token of real steps, whose result is thrown away."""
    optimizer = torch.optim.AdamW(learned, lr=0.0, weight_decay=0.0)
    found = []
    for at in range(TIMED + 1):  # the first one is slower
        say("times some steps", at, TIMED + 1)
        batch = random.Random(f"{job['seed']}:timed:{at}").choices(examples, k=job["batch"])
        began = time.perf_counter()
        learn(model, learned, optimizer, batch)
        found.append((time.perf_counter() - began) / sum(len(each.ids) for each in batch))
    found = found[1:]
    return {"token_s": [min(found), statistics.median(found), max(found)]}


def train(
    model: Any, learned: list[Any], examples: list[Example], steps: int, job: dict[str, Any], say: Say
) -> dict[str, Any]:
    """All steps that are not done yet."""
    optimizer = torch.optim.AdamW(learned, lr=job["rate"], weight_decay=0.0)
    kept = Path(job["kept"])
    state: dict[str, Any] = {"step": 0, "seconds": 0.0, "losses": []}
    if kept.exists():
        state = torch.load(kept, weights_only=True, map_location=model.device)
        set_peft_model_state_dict(model, state.pop("adapter"))
        optimizer.load_state_dict(state.pop("optimizer"))
    an_epoch = -(-len(examples) // job["batch"])
    began = last = time.monotonic()
    before = state["seconds"]
    for step in range(state["step"], steps):
        say("trains", step, steps)
        torch.manual_seed(job["seed"] * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = job["rate"] * rate_at(step, steps)
        batch = batch_of(examples, step, an_epoch, job)
        state["losses"].append(learn(model, learned, optimizer, batch))
        state |= {"step": step + 1, "seconds": before + time.monotonic() - began}
        if time.monotonic() - last > KEEP_S or step + 1 == steps:
            keep(kept, state | {"adapter": get_peft_model_state_dict(model), "optimizer": optimizer.state_dict()})
            last = time.monotonic()
    losses = state["losses"]
    return {
        "seconds": state["seconds"], "loss_first": statistics.fmean(losses[:an_epoch]),
        "loss_last": statistics.fmean(losses[-an_epoch:]),
    }  # fmt: skip


def batch_of(examples: list[Example], step: int, an_epoch: int, job: dict[str, Any]) -> list[Example]:
    """Each epoch has each example once, in an order of its own."""
    epoch, at = divmod(step, an_epoch)
    order = list(range(len(examples)))
    random.Random(f"{job['seed']}:{epoch}").shuffle(order)
    return [examples[each] for each in order[at * job["batch"] : (at + 1) * job["batch"]]]


def rate_at(step: int, steps: int) -> float:
    warm = max(1, round(WARM * steps))
    return (step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm)


def learn(model: Any, learned: list[Any], optimizer: Any, batch: list[Example]) -> float:
    """One step; the mean loss of a learned token before it. Raises Refused for a loss that is no number."""
    targets = sum(len(each.ids) - each.asked for each in batch)
    total = 0.0
    for part in parts(sorted(batch, key=lambda each: len(each.ids))):
        ids, mask, labels = padded(part, model.device)
        scores = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
        loss = (
            torch.nn.functional.cross_entropy(
                scores.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
            )
            / targets
        )
        loss.backward()
        total += float(loss.detach())
    if total != total:
        raise Refused("the loss is no number any more; a lower --rate may help")
    torch.nn.utils.clip_grad_norm_(learned, LARGEST)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total


def parts(batch: list[Example]) -> list[list[Example]]:
    """Of a batch, shortest first, what goes through the model together."""
    found: list[list[Example]] = []
    for each in batch:
        if found and (len(found[-1]) + 1) * len(each.ids) <= TOGETHER:
            found[-1].append(each)
        else:
            found.append([each])
    return found


def padded(part: list[Example], device: Any) -> tuple[Any, Any, Any]:
    """Tokens, which of them are there, and which of them are learned."""
    longest = max(len(each.ids) for each in part)
    rows = [(each.ids, longest - len(each.ids), each.asked) for each in part]
    ids = [row + [0] * short for row, short, _ in rows]
    mask = [[1] * len(row) + [0] * short for row, short, _ in rows]
    labels = [[IGNORED] * asked + row[asked:] + [IGNORED] * short for row, short, asked in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device), torch.tensor(labels, device=device)


def keep(file: Path, state: dict[str, Any]) -> None:
    part = file.with_name(file.name + ".part")
    torch.save(state, part)
    os.replace(part, file)


if __name__ == "__main__":
    serve(tune)
