"""Fit the prior of the routing table on public outcomes and write it into the package.

    python tools/fit_prior.py FOLDER

FOLDER holds routing/outcomes.jsonl.gz and routing/prices.json, as `bench/routing.py` reads them. Only a few numbers are
written: by tier and task, the mean share of the flagship's quality and how sure it is.
"""

import sys
from pathlib import Path

import msgspec

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from farthing.quality.prior import Prior, TierPrior, fit  # noqa: E402
from routing_data.kinds import seen_of  # noqa: E402
from routing_data.outcomes import read  # noqa: E402

TARGET = ROOT / "src" / "farthing" / "quality" / "prior.json"
SOURCE = "recorded answers of models of 2023 and 2024: WildEval/ZeroEval, TIGER-AI-Lab/MMLU-Pro, lm-sys/RouteLLM"


def rounded(prior: Prior) -> Prior:
    def tier(each: TierPrior) -> TierPrior:
        tasks = {task: (round(mean, 4), round(variance, 6)) for task, (mean, variance) in each.tasks.items()}
        return TierPrior(
            round(each.mean, 4), round(each.variance, 6), round(each.between, 6), round(each.spread, 4), tasks
        )  # fmt: skip

    return Prior({name: tier(each) for name, each in prior.tiers.items()}, prior.source)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write(__doc__ or "")
        return 2
    data = read(Path(arguments[0]))
    prior = fit([each for pool in data.pools for each in seen_of(pool)], SOURCE)
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(rounded(prior)), indent=1) + b"\n")
    sys.stdout.write(TARGET.read_text("utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
