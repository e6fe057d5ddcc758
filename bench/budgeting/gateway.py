"""`farthing` with a clock of its own: gateway.py SECONDS ARGUMENTS... runs so many seconds ahead of this machine."""

import sys
import time

from farthing.cli.main import main

if __name__ == "__main__":
    ahead = float(sys.argv.pop(1))
    ns, seconds = time.time_ns, time.time
    time.time_ns = lambda: ns() + round(ahead * 1e9)
    time.time = lambda: seconds() + ahead
    main()
