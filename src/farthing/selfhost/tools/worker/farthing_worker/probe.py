"""Says which versions of packages are installed here: `python -m farthing_worker.probe NAME...`."""

import json
import sys
from importlib.metadata import PackageNotFoundError, version


def versions(names: list[str]) -> dict[str, str]:
    """Empty for what is missing. Nothing is imported: that would take seconds."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"python": sys.version.split()[0], "packages": versions(sys.argv[1:])}) + "\n")
