"""Trains, promotes and rolls back students for ever, for tests that kill it; says on stdout what it did."""

import asyncio
import itertools
import sys

from msgspec.structs import replace

from farthing.selfhost.students.pairs import Captured
from farthing.selfhost.students.school import School
from farthing.store import open_store
from farthing.store.students import Students
from unit.selfhost.students.talk import calls

SCOPES = ("template:" + "ab" * 8, "template:" + "cd" * 8)


async def main(url: str) -> None:
    store = await open_store(url)
    kept = Students(store)
    pairs = [replace(each, template=scope.partition(":")[2]) for scope in SCOPES for each in calls(240)]

    async def read() -> list[Captured]:
        return pairs

    school = School(kept, None, read, target=0.8, traffic="closed")
    for number in itertools.count():
        for scope in SCOPES:
            say(f"trained {await school.train_all(scope)}")
            newest = (await kept.versions(tenant="acme", scope=scope))[0]
            say(f"promoted {await kept.promote('acme', scope, newest.version, 'by hand')}")
            if number % 3 == 2:
                say(f"rolled back to {await kept.rollback('acme', scope)}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
