"""`farthing distil`: from calls of the ledger to a small model that does the work: what is worth it, the data set, the training
at a provider or here, the proof."""

import click

from farthing.cli.distil_candidates import candidates
from farthing.cli.distil_evaluate import evaluate
from farthing.cli.distil_export import export
from farthing.cli.distil_students import retire, rollback, students, train_students
from farthing.cli.distil_train import train, trainings
from farthing.cli.distil_tune import tune_here


@click.group("distil")
def command() -> None:
    """From captured calls to a small model of your own: what is worth it, data sets, training, proof."""


for each in (
    candidates, students, train_students, rollback, retire, export, train, tune_here, trainings, evaluate,
):  # fmt: skip
    command.add_command(each)
