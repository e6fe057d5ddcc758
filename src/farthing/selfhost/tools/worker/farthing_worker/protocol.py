"""How a worker talks with Farthing: its work is a JSON file, its progress and result are JSON lines on the standard output.

Whatever a tool prints goes to the error output, which Farthing keeps as a log. A worker whose standard input ends is no
longer wanted, however Farthing ended, and ends at once.
"""

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

Say = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is."""


class Refused(Exception):
    """What a worker itself says is wrong with its job: nobody needs to see where."""


def serve(work: Callable[[dict[str, Any], Say], dict[str, Any]]) -> None:
    """Do the work of the file that the command line names. The exit status is 0 if it has a result."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_farthing, daemon=True).start()

    def write(line: dict[str, Any]) -> None:
        lines.write(json.dumps(line) + "\n")
        lines.flush()

    def say(what: str, done: int, total: int) -> None:
        write({"what": what, "done": done, "total": total})

    try:
        result = work(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), say)
    except Refused as error:
        write({"error": str(error), "plain": True})
        sys.exit(1)
    except BaseException as error:
        traceback.print_exc()
        write({"error": f"{type(error).__name__}: {error}"[:2000]})
        sys.exit(1)
    write({"result": result})
    lines.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # some tools leave threads that never end


def _end_with_farthing() -> None:
    while os.read(0, 4096):
        pass
    os._exit(3)
