"""FOCUS rows as CSV: decimals with all their digits, times in UTC, nothing for null."""

import csv
from collections.abc import Sequence
from typing import TextIO

from farthing.finops.focus.columns import Column
from farthing.finops.focus.rows import Row, shown
from farthing.finops.spreadsheet import harmless


class CsvFile:
    """Writes rows to an open text file, the names of the columns first."""

    def __init__(self, file: TextIO, columns: Sequence[Column]) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._text = [column.kind == "text" for column in columns]
        self._writer.writerow([column.name for column in columns])

    def write(self, rows: Sequence[Row]) -> None:
        self._writer.writerows(
            [harmless(shown(value)) if text else shown(value) for text, value in zip(self._text, row, strict=True)]
            for row in rows
        )

    def close(self) -> None:
        """The file is whoever opened it to close."""
