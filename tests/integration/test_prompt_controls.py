"""Controls on trial, from calls and feedback to what is switched on and off."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from farthing.upstream.simulator.prompt_truth import Truth
from farthing.upstream.simulator.settings import SimulatorSettings
from farthing.upstream.simulator.tasks import bank, is_right
from integration.conftest import PROVIDER_KEY
from integration.gateways import Gateway, gateway, settings_text
from integration.ledger import known_draws
from integration.upstreams import simulator

BRIEF = "nothing but the label"
GOOD, BAD = f"Write {BRIEF}.", f"Write {BRIEF}, at once, do not think."
TRUTH = Truth(brief=BRIEF, harms={"do not think": 0.7})
SETTINGS = f"""
[prompts.features.kind]
shorter = "{GOOD}"
trial = ["shorter"]
[prompts.features.harsh]
shorter = "{BAD}"
trial = ["shorter"]
[routing]
quality_floor = 0.8
hold_out_percent = 0
"""
CALLS = 200


def one(made: Gateway, feature: str, number: int, prompt: str) -> tuple[str, bool, int]:
    """The call's id, whether its answer is right, and how many tokens it had. The caller says what it thinks of it."""
    body = {"model": "gpt-4o-mini", "messages": [
        {"role": "system", "content": "You sort tickets."}, {"role": "user", "content": prompt}]}  # fmt: skip
    answer = made.post("/v1/chat/completions", body, x_farthing_feature=feature, x_farthing_session=f"s{number}")
    said = answer.json()
    right = is_right(prompt, said["choices"][0]["message"]["content"].rpartition("Answer: ")[2])
    return answer.headers["x-farthing-call-id"], right, said["usage"]["completion_tokens"]


def judge(made: Gateway, call_id: str, right: bool) -> None:
    made.call(call_id)
    verdict = {"call_id": call_id, "verdict": "good" if right else "bad"}
    assert made.post("/v1/farthing/feedback", verdict).status_code == 200


def rows(made: Gateway) -> dict[str, dict[str, Any]]:
    return {row["scope"]: row for row in made.farthing_json("prompts", "controls")}


def test_a_harmful_hint_is_switched_off_and_a_harmless_one_on(tmp_path: Path) -> None:
    prompts = [task.prompt for task in bank(CALLS, seed=4, kinds=["classification"])]
    with simulator(SimulatorSettings(seed=5, truth=TRUTH)) as provider:
        where = f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "{PROVIDER_KEY}"\n'
        with gateway(tmp_path, settings_text(providers=where, more=SETTINGS), before=known_draws) as made:
            assert "No control" in made.farthing("prompts", "controls").stdout
            for feature in ("kind", "harsh"):
                with ThreadPoolExecutor(4) as pool:
                    calls = list(pool.map(lambda at, name=feature: one(made, name, at, prompts[at]), range(CALLS)))
                    list(pool.map(lambda call: judge(made, call[0], call[1]), calls))
            decided = [each for each in made.call(calls[0][0])["decisions"] if each["step"] == "trial"]
            assert decided[0]["what"].startswith("shorter ")
            made.stop()
            found = rows(made)
            assert found["feature:kind"]["state"] == "on", made.farthing("prompts", "controls").stdout
            assert found["feature:kind"]["output_tokens"]["high"] < 0
            assert found["feature:harsh"]["state"] == "off" and "people" in found["feature:harsh"]["why"]
            assert "feature:harsh of default: off" in made.farthing("prompts", "controls").stdout
            made.start()
            after = [one(made, "kind", number, prompts[number]) for number in range(40)]
            assert sum(tokens < 15 for _, _, tokens in after) > 28, "nine sessions in ten get it now"
            call_id, _, _ = one(made, "harsh", 7, prompts[7])
            notes = [each["what"] for each in made.call(call_id)["decisions"] if each["step"] == "output"]
            assert notes == ["without: a hint to be shorter"]
            made.stop()
            made.farthing("prompts", "controls", "--again", "shorter", "--scope", "feature:harsh")
            assert "feature:harsh" not in rows(made)
