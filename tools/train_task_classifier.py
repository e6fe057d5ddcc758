"""Trains the task classifier on the prompts of `task_corpus`, all of them written for it, and packs its weights.

Needs numpy and scipy (`pip install scipy`), which Farthing itself does not. The same corpus gives the same weights, up to
the order of additions of the machine's linear algebra.

Whole families of phrasings are held out in turn. On these the temperature and the two limits of abstention are set: as
much as possible is answered while at most `TOO_SMALL` of all prompts go to too small a tier.
"""

import sys
from pathlib import Path

import click
import numpy as np
from scipy import optimize, sparse
from task_corpus.corpus import Prompt, corpus

from farthing.steps.task.classifier import MIDDLE, TIER_OF, WEIGHTS, Header, packed
from farthing.steps.task.features import ROWS, WORD_ROWS, features
from farthing.wire.asked import is_code
from farthing.wire.human import words_of_person

EACH = 60
FOLDS = 6
RIDGE_WORDS, RIDGE_SHAPE = 3.0e-5, 2.0e-4
TOO_SMALL = 0.015
"""Less than a third of what is promised, since real traffic is further from the corpus than its families are from each other."""
RIGHT = 0.8
"""Least share of the kinds of work given that are right, on families held out."""
ITERATIONS = 90


class Data:
    """The corpus as matrices."""

    def __init__(self, prompts: list[Prompt]) -> None:
        self.labels = sorted({prompt.label for prompt in prompts})
        self.families = [prompt.family for prompt in prompts]
        self.truth = np.array([self.labels.index(prompt.label) for prompt in prompts])
        seen = []
        for prompt in prompts:
            text, instructions = words_of_person(prompt.text), words_of_person(prompt.instructions)
            quoted = len(prompt.text) - len(text) > 20
            seen.append(features(text, instructions, code=is_code(text), quoted=quoted))
        self.both = (
            _scaled([each.words for each in seen])
            + _scaled([each.edges for each in seen])
            + _matrix([each.shape for each in seen])
        ).tocsr()
        sizes = {family: self.families.count(family) for family in set(self.families)}
        per_label = np.bincount(self.truth)
        weight = np.array([1 / np.sqrt(sizes[family]) for family in self.families]) / np.sqrt(per_label[self.truth])
        self.weight = weight / weight.mean()


def _matrix(rows: list[set[int]]) -> sparse.csr_matrix:
    lengths = [len(row) for row in rows]
    columns = np.array([column for row in rows for column in sorted(row)])
    return sparse.csr_matrix(
        (np.ones(len(columns)), columns, np.concatenate(([0], np.cumsum(lengths)))), shape=(len(rows), ROWS)
    )


def _scaled(rows: list[set[int]]) -> sparse.csr_matrix:
    return sparse.diags([1 / np.sqrt(max(1, len(row))) for row in rows]) @ _matrix(rows)


def fitted(data: Data, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of a multinomial regression on those prompts."""
    matrix, truth, weight = data.both[which], data.truth[which], data.weight[which]
    labels = len(data.labels)
    wanted = np.zeros((len(truth), labels))
    wanted[np.arange(len(truth)), truth] = 1
    ridge = np.where(np.arange(ROWS) < WORD_ROWS, RIDGE_WORDS, RIDGE_SHAPE)[:, None]
    total = weight.sum()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        table, bias = flat[:-labels].reshape(-1, labels), flat[-labels:]
        shares = softmax(matrix @ table + bias)
        miss = (shares - wanted) * weight[:, None] / total
        value = -(weight * np.log(shares[np.arange(len(truth)), truth] + 1e-12)).sum() / total
        value += 0.5 * float((ridge * table * table).sum())
        return value, np.concatenate(((matrix.T @ miss + ridge * table).ravel(), miss.sum(axis=0)))

    start = np.zeros(ROWS * labels + labels)
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}).x
    return found[:-labels].reshape(-1, labels), found[-labels:]


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def held_out_scores(data: Data) -> np.ndarray:
    """Scores of each prompt by a model that saw no prompt of its family."""
    names = sorted(set(data.families))
    np.random.default_rng(3).shuffle(names)
    fold_of = {name: at % FOLDS for at, name in enumerate(names)}
    folds = np.array([fold_of[family] for family in data.families])
    scores = np.zeros((len(data.truth), len(data.labels)))
    for fold in range(FOLDS):
        table, bias = fitted(data, np.flatnonzero(folds != fold))
        held = np.flatnonzero(folds == fold)
        scores[held] = data.both[held] @ table + bias
        click.echo(f"fold {fold + 1} of {FOLDS}: {np.mean(scores[held].argmax(axis=1) == data.truth[held]):.3f} right")
    return scores


def best_temperature(scores: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """The one with the best likelihood."""

    def loss(temperature: float) -> float:
        shares = softmax(scores / temperature)
        return -float((weight * np.log(shares[np.arange(len(truth)), truth] + 1e-12)).sum())

    return float(optimize.minimize_scalar(loss, bounds=(0.3, 5), method="bounded").x)


def limits(shares: np.ndarray, data: Data) -> tuple[float, float, dict[str, float]]:
    """The two limits that answer most while few go to too small a tier; and what they do."""
    tiers = np.array([TIER_OF[label] for label in data.labels])
    likely = shares.argmax(axis=1)
    top = shares.max(axis=1)
    risk = (shares * (tiers[None, :] > tiers[likely][:, None])).sum(axis=1)
    nothing = np.array([label == "none" for label in data.labels])[likely]
    weight = data.weight / data.weight.sum()
    best: tuple[float, float, float, dict[str, float]] | None = None
    for least in np.arange(0.3, 0.95, 0.02):
        for most in np.geomspace(0.005, 0.5, 40):
            given = (top >= least) & (risk <= most) & ~nothing
            too_small = float((weight * (given & (tiers[likely] < tiers[data.truth]))).sum())
            answered = float((weight * given).sum())
            right = float((weight * (given & (likely == data.truth))).sum()) / max(answered, 1e-9)
            if too_small <= TOO_SMALL and right >= RIGHT and (best is None or answered > best[0]):
                best = (
                    answered,
                    float(least),
                    float(most),
                    {"too small": too_small, "abstained": 1 - answered, "right of answered": right},
                )
    if best is None:
        raise click.ClickException("no limits hold too small tiers down")
    return best[1], best[2], best[3]


def quantised(table: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights as whole numbers from -127 to 127, and what one is worth. The few largest are cut."""
    scale = float(np.quantile(np.abs(table[np.abs(table) > 1e-9]), 0.9995)) / 127
    return np.clip(np.rint(table / scale), -127, 127).astype(int), scale


@click.command()
@click.option("--each", default=EACH, show_default=True, help="Prompts of a family.")
@click.option("--seed", default=7, show_default=True, help="Of the corpus.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=WEIGHTS, help="Where the weights go.")
def main(each: int, seed: int, out: Path) -> None:
    """Train, set the limits on held-out families, write the weights."""
    data = Data(corpus(each, seed))
    click.echo(f"{len(data.truth)} prompts, {len(set(data.families))} families, {len(data.labels)} labels")
    scores = held_out_scores(data)
    temperature = best_temperature(scores, data.truth, data.weight)
    least, most, does = limits(softmax(scores / temperature), data)
    click.echo(f"temperature {temperature:.2f}, least {least:.2f}, most too small {most:.3f}")
    click.echo("families held out: " + ", ".join(f"{name} {value:.3f}" for name, value in does.items()))
    table, bias = fitted(data, np.arange(len(data.truth)))
    words, word_scale = quantised(table[:WORD_ROWS])
    shape, shape_scale = quantised(table[WORD_ROWS:])
    merged = np.concatenate((words, shape))
    header = Header(
        labels=data.labels, word_scale=word_scale, shape_scale=shape_scale, bias=[float(value) for value in bias],
        temperature=temperature, least=least, most_too_small=most,
    )  # fmt: skip
    out.write_bytes(packed(header, (merged + MIDDLE).astype(np.uint8).tobytes()))
    click.echo(f"{out.name}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
