"""What can go wrong with the store, in words for whoever runs the gateway.

These are for operators: they name files, hosts and databases, never a password. The gateway turns them into an answer
that names none of these (`model/errors.py: Unavailable`).

Exception
├── StoreError          the store cannot be opened, read or written now; the message says which, why and what to do
│   ├── NewerSchema     a later version of Farthing wrote the store
│   └── Unreadable      a text was sealed with another key (`sealing.py`)
├── RowRefused          the store works, but refuses what was to be written
└── Duplicate           a call's id is there already; internal, `writing.py` answers it
"""


class StoreError(Exception):
    """The store cannot be used now. `message` says which store, what failed and what to do; it holds no password."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NewerSchema(StoreError):
    """The store was written by a later version of Farthing, whose tables this one does not know."""


class RowRefused(Exception):
    """The store refuses the content of a row. Another try with the same row cannot help; other rows can be written."""


class Duplicate(Exception):
    """A row with this key is there already."""
