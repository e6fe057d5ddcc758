"""Who may use the pages that are not model endpoints: what each page needs, and whom it lets through. All of it is here.

Four kinds of keys, each of which may what those before it may: one without a role sees its own calls; a viewer reads its
tenant's reports, budgets, alerts and routes; an editor changes its tenant's budgets, alerts and routes; an administrator
may all, also keys. The tenant is the wall: `?tenant=NAME` is for administrators of the tenant `default` alone. Pages about
the gateway as a whole are for keys of `default`. Without keys there is only the gateway's own machine, which may all.
"""

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farthing.model.errors import BadRequest, NotAllowed, NotFound
from farthing.model.principal import OPERATOR, Key, Role, has_role
from farthing.settings import is_loopback
from farthing.steps.identify import VALUE_LIMIT, Keys, key_of_caller


class Need(NamedTuple):
    """What a page wants of whoever comes."""

    role: Role
    """At least. Empty: any key, and the page tells it of its own calls only."""
    whole: bool = False
    """It is about the gateway as a whole: for keys of the tenant `default` only."""
    everywhere: bool = False
    """It tells of, or changes, what is other tenants' too: for those who may see these."""


OWN, VIEWER, EDITOR, ADMIN = Need(""), Need("viewer"), Need("editor"), Need("admin")

NEEDS: dict[str, Need] = {
    "GET /v1/models": OWN,
    "GET /v1/models/{model}": OWN,
    "GET /v1/farthing/calls": OWN,
    "GET /v1/farthing/calls/{call_id}": OWN,
    "POST /v1/farthing/feedback": OWN,
    "POST /v1/files": OWN,
    "GET /v1/files": OWN,
    "GET /v1/files/{file_id}": OWN,
    "DELETE /v1/files/{file_id}": OWN,
    "GET /v1/files/{file_id}/content": OWN,
    "POST /v1/batches": OWN,
    "GET /v1/batches": OWN,
    "GET /v1/batches/{batch_id}": OWN,
    "POST /v1/batches/{batch_id}/cancel": OWN,
    "POST /v1/messages/batches": OWN,
    "GET /v1/messages/batches": OWN,
    "GET /v1/messages/batches/{batch_id}": OWN,
    "DELETE /v1/messages/batches/{batch_id}": OWN,
    "POST /v1/messages/batches/{batch_id}/cancel": OWN,
    "GET /v1/messages/batches/{batch_id}/results": OWN,
    "GET /v1/farthing/jobs": OWN,
    "POST /v1/farthing/jobs": OWN,
    "POST /v1/farthing/jobs/quote": OWN,
    "GET /v1/farthing/jobs/{job_id}/results": OWN,
    "GET /v1/farthing/jobs/{job_id}": OWN,
    "GET /v1/farthing/jobs/{job_id}/answer": OWN,
    "GET /v1/farthing/jobs/{job_id}/events": OWN,
    "POST /v1/farthing/jobs/{job_id}/cancel": OWN,
    "POST /v1/farthing/jobs/{job_id}/promote": OWN,
    "GET /v1/farthing/report": VIEWER,
    "GET /v1/farthing/reports/metrics": VIEWER,
    "GET /v1/farthing/reports/forecast": VIEWER,
    "GET /v1/farthing/reports/phases": VIEWER,
    "GET /v1/farthing/reports/waiting": VIEWER,
    "GET /v1/farthing/prompts/doctor": VIEWER,
    "POST /v1/farthing/transactions/{type}/{id}/outcome": OWN,
    "POST /v1/farthing/transactions/{type}/{id}/costs": OWN,
    "GET /v1/farthing/transactions": VIEWER,
    "GET /v1/farthing/transactions/{type}": VIEWER,
    "GET /v1/farthing/transactions/{type}/{id}": VIEWER,
    "GET /v1/farthing/status": Need("viewer", whole=True),
    "GET /v1/farthing/budgets": VIEWER,
    "GET /v1/farthing/budgets/{budget_id}": VIEWER,
    "PUT /v1/farthing/budgets/{budget_id}": EDITOR,
    "DELETE /v1/farthing/budgets/{budget_id}": EDITOR,
    "POST /v1/farthing/budgets/{budget_id}/raise": EDITOR,
    "GET /v1/farthing/alerts": VIEWER,
    "GET /v1/farthing/alerts/{alert_id}": VIEWER,
    "POST /v1/farthing/alerts/{alert_id}/ack": EDITOR,
    "GET /v1/farthing/alerts/mutes": VIEWER,
    "POST /v1/farthing/alerts/mutes": EDITOR,
    "DELETE /v1/farthing/alerts/mutes/{mute_id}": EDITOR,
    "GET /v1/farthing/routes": VIEWER,
    "GET /v1/farthing/routes/proposals": Need("viewer", whole=True),
    "GET /v1/farthing/routes/history": Need("viewer", whole=True),
    "POST /v1/farthing/routes/apply": Need("editor", whole=True),
    "POST /v1/farthing/routes/reject": Need("editor", whole=True),
    "POST /v1/farthing/routes/undo": Need("editor", whole=True),
    "GET /v1/farthing/exports/focus": VIEWER,
    "GET /v1/farthing/exports/statement": VIEWER,
    "GET /v1/farthing/corrections": VIEWER,
    "POST /v1/farthing/corrections": EDITOR,
    "POST /v1/farthing/reconcile": Need("admin", whole=True, everywhere=True),
    "POST /v1/farthing/reconcile/corrections": Need("admin", whole=True, everywhere=True),
    "GET /v1/farthing/rerates": Need("viewer", whole=True),
    "POST /v1/farthing/rerates": Need("admin", whole=True, everywhere=True),
    "GET /v1/farthing/keys": ADMIN,
    "POST /v1/farthing/keys": ADMIN,
    "POST /v1/farthing/keys/{key_id}/revoke": ADMIN,
    "POST /v1/farthing/keys/{key_id}/rotate": ADMIN,
    "GET /v1/farthing/audit": ADMIN,
    "GET /metrics": Need("admin", whole=True, everywhere=True),
}
"""By method and address."""


class Pass(msgspec.Struct, frozen=True):
    """Whom the guard let through, and into whose data."""

    key: Key | None
    tenant: str
    """Whose data the page is to tell of or change."""
    person: str = ""
    """Who signed in as a person: `key` then stands for them and is in no store, and their own calls are those that name
    this user."""

    def may(self, role: Role) -> bool:
        return has_role(self.key, role)

    @property
    def everywhere(self) -> bool:
        """Whether it may see all tenants."""
        return self.key is None or (self.key.tenant == OPERATOR and self.may("admin"))

    @property
    def who(self) -> str:
        """For people, and for what keeps who did what."""
        if self.person:
            return f"{self.person} (signed in)"
        return f"key {self.key.name} ({self.key.id})" if self.key is not None else "somebody on this machine"


Page = Callable[[Request, Pass], Awaitable[Response]]


class Guard:
    """Lets callers through to the pages, by `NEEDS` and the settings' `server.admin`."""

    def __init__(self, keys: Keys, admin: str) -> None:
        self._keys = keys
        self._admin = admin

    def page(self, path: str, method: str, answer: Page) -> Route:
        """A guarded page. Raises KeyError for one that `NEEDS` does not know, so that none is open by mistake."""
        need = NEEDS[f"{method} {path.replace(':path', '')}"]

        async def guarded(request: Request) -> Response:
            return await answer(request, await self.enter(request, need))

        return Route(path, guarded, methods=[method], name=f"{method} {path}")

    async def enter(self, request: Request, need: Need) -> Pass:
        """Whoever sent the request. Raises NotFound where admin pages are off, NotAuthenticated, NotAllowed, BadRequest."""
        if need.role and (self._admin == "off" or (self._admin == "loopback" and not is_loopback(peer_of(request)))):
            raise NotFound("There is nothing at this address.")
        return self.let_in(request, await self.caller(request), need)

    def let_in(self, request: Request, key: Key | None, need: Need, person: str = "") -> Pass:
        """Whoever has this key. Raises NotAllowed, BadRequest."""
        if not has_role(key, need.role):
            raise NotAllowed(f"This needs a key of the role {need.role} (`farthing keys create --role {need.role}`).")
        entered = Pass(key, key.tenant if key is not None else OPERATOR, person)
        if need.whole and entered.tenant != OPERATOR:
            raise NotAllowed(f"This is about the gateway as a whole: it needs a key of the tenant {OPERATOR!r}.")
        if need.everywhere and not entered.everywhere:
            raise NotAllowed(f"This tells of all tenants: it needs an admin key of the tenant {OPERATOR!r}.")
        return _into_tenant(entered, request)

    async def caller(self, request: Request) -> Key | None:
        """The key of the request; None where the gateway has no keys. Raises NotAuthenticated, NotAllowed."""
        return await key_of_caller(self._keys, dict(request.scope["headers"]), peer_of(request), time.time_ns() // 1000)

    async def administrator(self, request: Request) -> Key | None:
        """The key of an administrator; None where the gateway has no keys."""
        return (await self.enter(request, ADMIN)).key


def _into_tenant(entered: Pass, request: Request) -> Pass:
    """The tenant that the query asks for, through the wall where that is allowed."""
    asked = request.query_params.get("tenant", entered.tenant)
    if asked == entered.tenant:
        return entered
    if not entered.everywhere:
        raise NotAllowed(f"Other tenants are for admin keys of the tenant {OPERATOR!r}.", param="tenant")
    if not asked or len(asked) > VALUE_LIMIT or not asked.isprintable() or asked == "*":
        raise BadRequest("tenant is the name of one tenant.", param="tenant")
    return msgspec.structs.replace(entered, tenant=asked)


def peer_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""
