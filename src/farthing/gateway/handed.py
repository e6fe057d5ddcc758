"""Who may see which job and file, and what is kept of the request that hands a job in. One rule for all APIs of batches.

Jobs and files hold prompts and answers: a key sees its own, an administrator those of its tenant. Knows no API's shapes.
"""

import hashlib
import uuid
from collections.abc import Sequence

from starlette.requests import Request

from farthing.gateway.guard import Pass
from farthing.model.batch import File, Job, Origin
from farthing.model.errors import BadRequest, NotFound, TooLarge
from farthing.settings import BatchSettings
from farthing.steps.identify import HEADER
from farthing.store import Store
from farthing.store.batch import files, jobs

KEPT = (b"anthropic-beta", b"anthropic-version", b"traceparent")
"""Headers of a request that count for the lines of its job too, beside our own."""
_OF_DEFERRAL = (b"x-farthing-deadline", b"x-farthing-wait", b"x-farthing-webhook")
"""Say of a call that it can wait; a batch waits anyway."""
KEPT_BYTES = 1024
"""Of one header's value."""
KEPT_HEADERS = 64
IDEMPOTENCY = "idempotency-key"
ID_LIMIT = 128


def own_key(entered: Pass) -> str:
    """Whose jobs and files are listed: this key's alone, or those of all (empty)."""
    return "" if entered.key is None or entered.may("admin") else entered.key.id


def hands_in(entered: Pass) -> str:
    """The id of the key that hands something in. Raises BadRequest through the wall between tenants."""
    if entered.key is not None and entered.key.tenant != entered.tenant:
        raise BadRequest("What is handed in is of the key's own tenant.", param="tenant")
    return entered.key.id if entered.key is not None else ""


async def own_job(store: Store, entered: Pass, job_id: str, origins: Sequence[Origin]) -> Job:
    """Raises NotFound, also for what is another's."""
    found = await store.do(lambda connection: jobs.get(connection, job_id[:ID_LIMIT], tenant=entered.tenant))
    if (
        found is None or found.origin not in origins or found.expires_us == jobs.DELETED_US
        or own_key(entered) not in ("", found.key_id)
    ):  # fmt: skip
        raise NotFound("There is no such batch, or it is not yours.")
    return found


async def own_file(store: Store, entered: Pass, file_id: str, purposes: Sequence[str]) -> File | None:
    """None for what is another's, too."""
    found = await store.do(lambda connection: files.info(connection, file_id[:ID_LIMIT], tenant=entered.tenant))
    if found is None or not found.ready or found.purpose not in purposes:
        return None
    return found if own_key(entered) in ("", found.key_id) else None


async def check_stored(store: Store, tenant: str, settings: BatchSettings) -> None:
    """Whether there is room for another file. Raises TooLarge."""
    stored = await store.do(lambda connection: files.stored(connection, tenant))
    if stored >= settings.max_stored_mb * 2**20:
        raise TooLarge(
            "The files of this tenant take all the room that it has. Delete some, or wait until they expire."
        )


def new_name(prefix: str) -> str:
    return f"{prefix}{uuid.uuid4().hex}"


def name_of_job(request: Request, entered: Pass, prefix: str) -> str:
    """The name of a new job: the same again for a request with the same `Idempotency-Key`, so that one that is sent twice
    makes one job."""
    said = request.headers.get(IDEMPOTENCY, "")
    if not said:
        return new_name(prefix)
    if len(said) > 255:
        raise BadRequest("Idempotency-Key is at most 255 characters.")
    digest = hashlib.blake2b(digest_size=16, person=b"farthing job")
    for part in (prefix, entered.tenant, entered.key.id if entered.key is not None else "", said):
        digest.update(f"{len(part)}:{part}".encode("utf-8", "surrogatepass"))
    return prefix + digest.hexdigest()


def kept_headers(request: Request) -> dict[str, str]:
    """The headers that steps read, never one with a secret. Raises BadRequest for more than anybody means to send."""
    kept: dict[str, str] = {}
    for name, value in request.scope["headers"]:
        if (name.startswith(HEADER) and name not in _OF_DEFERRAL) or name in KEPT:
            kept[name.decode("latin-1")] = value[:KEPT_BYTES].decode("latin-1")
    if len(kept) > KEPT_HEADERS:
        raise BadRequest(f"More than {KEPT_HEADERS} headers of ours are too many.")
    return kept
