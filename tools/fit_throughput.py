"""Fit the throughput model on published points and write it into the package.

    python tools/fit_throughput.py FOLDER

FOLDER holds gpus/throughput.csv, as `bench/throughput.py` reads it. Only coefficients are written.
"""

import sys
from pathlib import Path

import msgspec

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import numpy as np  # noqa: E402

from farthing.selfhost.gpus import FACTS, gpu  # noqa: E402
from throughput_parts import fitting, own_points  # noqa: E402
from throughput_parts.points import read  # noqa: E402

TARGET = FACTS / "throughput.json"
SOURCE = "argonne-lcf/LLM-Inference-Bench (BSD-3-Clause), NVIDIA/TensorRT-LLM documents (Apache-2.0), mlcommons/inference_results_v4.1 (Apache-2.0)"  # fmt: skip


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write(__doc__ or "")
        return 2
    points = read(Path(arguments[0]) / "gpus" / "throughput.csv")
    data = fitting.table(points)
    gpus = [cell[0] for cell in data.cells]
    miss = data.measured - fitting.left_out(data, fitting.folds_of(gpus, len(set(gpus))))
    new = fitting.of_new_gpus(data, {name: gpu(name).vendor for name in gpus}, miss)
    own = own_points.misses(points, data, fitting.folds_of(data.cells, 20), 2)
    low, high = np.quantile(own, fitting.SHARES)
    engines = {each.serving.engine for each in points}
    found = fitting.coefficients(data, fitting.learn(data), new, (float(low), float(high)), engines, SOURCE)
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    sys.stdout.write(f"{found.points} points, new GPUs {found.new}, own points {low:.3f} {high:.3f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
