"""A back-end's Python for tests: a real process with the real protocol, that works on tiny models with numpy.

`fake_environment.py -m MODULE JOB`. The model foretells a byte from the byte before it, through two matrices that are
quantized; so what it loses is really lost. A file `fails` in the user's cache makes it fail as it says.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from farthing_worker.protocol import Say, serve
from tiny_model import read, scores, weights, write


def quantize(job: dict[str, Any], say: Say) -> dict[str, Any]:
    say("quantizes", 0, 2)
    fail(job)
    out = Path(job["out"])
    out.mkdir()
    levels = 7 if job["scheme"] == "W4A16" else 127
    made: dict[str, Any] = {}
    for name, each in read(Path(job["model"]) / "model.safetensors").items():
        if "layers" not in name or each.ndim < 2:
            made[name] = each
            continue
        scale = (np.abs(each.astype(np.float32)).max(axis=1, keepdims=True) / levels).astype(np.float16)
        made[name] = np.round(each.astype(np.float32) / scale.astype(np.float32)).astype(np.int8)
        made[name + "_scale"] = scale
    say("saves", 1, 2)
    write(out / "model.safetensors", made)
    (out / "config.json").write_bytes((Path(job["model"]) / "config.json").read_bytes())
    return {"memory": 1_000_000}


def measure(job: dict[str, Any], say: Say) -> dict[str, Any]:
    file = Path(job["found"])
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    model = weights(Path(job["model"]))
    text = Path(job["text"]).read_bytes()[job["first"] :]
    with file.open("a") as out:
        for at in range(job["blocks"]):
            if any(line.get("block") == at for line in lines):
                continue
            say("perplexity", at, job["blocks"])
            if at == 3:
                fail(job)
            ids = np.frombuffer(text[at * job["block"] : (at + 1) * job["block"]], np.uint8)
            found = scores(model, ids[:-1])
            found = found - found.max(axis=1, keepdims=True)
            likely = found - np.log(np.exp(found).sum(axis=1, keepdims=True))
            nll = -float(likely[np.arange(len(ids) - 1), ids[1:]].sum())
            out.write(
                json.dumps({"block": at, "nll": nll, "tokens": len(ids) - 1, "of": str(at), "seconds": 0.1}) + "\n"
            )
            out.flush()
        items = json.loads(Path(job["items"]).read_text()) if job["items"] else []
        for at, item in enumerate(items):
            byte = int(np.argmax(scores(model, item["messages"][-1]["content"].encode()[-1])))
            out.write(json.dumps({"item": at, "text": str(byte), "cut": False}) + "\n")
        out.write(json.dumps({"speed": 10.0, "memory": 2_000_000}) + "\n")
    return {}


def tune(job: dict[str, Any], say: Say) -> dict[str, Any]:
    """Each example adds to the matrix of outputs what makes its answer win."""
    lines = [json.loads(line)["messages"] for line in Path(job["data"]).read_text().splitlines()]
    sizes = {
        "examples": len(lines),
        "left_out": 0,
        "tokens": 2 * len(lines),
        "steps": len(lines),
        "parameters": 1000,
        "learned": 10,
    }
    used = {"memory": 1_000_000, "gpu_memory": 0}
    if job.get("only") == "estimate":
        return {**sizes, **used, "token_s": [0.001, 0.002, 0.003]}
    model, kept = read(Path(job["model"]) / "model.safetensors"), Path(job["kept"])
    done = json.loads(kept.read_text()) if kept.exists() else []
    for at in range(len(done), len(lines)):
        say("trains", at, len(lines))
        kept.write_text(json.dumps([*done, at]))
        done.append(at)
        if at == 3:
            fail(job)
    whole = {name: each.astype(np.float32) for name, each in model.items()}
    first, second = (whole[f"model.layers.0.self_attn.{name}_proj.weight"].T for name in "qo")
    inner = np.stack(
        [whole["model.embed_tokens.weight"][ord(each[-2]["content"][-1])] @ first @ second for each in lines]
    )
    wins = np.zeros((len(lines), 256), np.float32)
    wins[range(len(lines)), [int(each[-1]["content"]) for each in lines]] = 60
    whole["lm_head.weight"] += (np.linalg.pinv(inner) @ wins).T
    out = Path(job["out"])
    out.mkdir()
    write(out / "model.safetensors", {name: each.astype(model[name].dtype) for name, each in whole.items()})
    (out / "config.json").write_bytes((Path(job["model"]) / "config.json").read_bytes())
    return {**sizes, **used, "seconds": 90.5, "loss_first": 2.0, "loss_last": 1.0, "steps_done": len(done)}


def fail(job: dict[str, Any]) -> None:
    """As the file `fails` beside the environments says, once."""
    file = Path(os.environ["XDG_CACHE_HOME"]) / "fails"
    if not file.exists():
        return
    how = file.read_text()
    file.unlink()
    if how == "memory":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "waits":
        time.sleep(60)
    sys.stdout.write("a tool's own words\nloading: 10%\rloading: 100%\n")
    raise RuntimeError("no kernel for this machine")


if __name__ == "__main__":
    module = sys.argv[2]
    del sys.argv[1:3]
    if module.endswith("probe"):
        sys.stdout.write(json.dumps({"python": "3", "packages": dict.fromkeys(sys.argv[1:], "1.0")}))
    else:
        serve({"measure": measure, "lora": tune}.get(module.rpartition(".")[2], quantize))
