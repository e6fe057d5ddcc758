"""The ways in and out: `/sign-in` with a key, `/sign-in/link` with a link that works once, `/sign-in/oidc` through a provider
of identities, `/sign-out`. What goes wrong is said on the sign-in page."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from farthing.dashboard.access import links
from farthing.dashboard.access.attempts import Attempts
from farthing.dashboard.access.cookies import Cookies
from farthing.dashboard.access.door import Door, Visit
from farthing.dashboard.access.sessions import Identity, Sessions
from farthing.dashboard.forms import Form, read_form, require_own, require_same_origin, token
from farthing.dashboard.page import Page
from farthing.dashboard.rendering import SECURITY, Rendering, theme_of
from farthing.gateway.guard import OWN, peer_of
from farthing.model.errors import BadRequest, FarthingError, NotAllowed, NotAuthenticated, Unavailable
from farthing.model.principal import KEY_PREFIX, Key
from farthing.steps.identify import Keys
from farthing.store import Store, StoreError
from farthing.store.spent import spend

VISIT = "farthing-visit"
"""Cookie of somebody who is not signed in, to whom the sign-in form belongs."""
ASKED = "farthing-asked"
"""Cookie with what must come back from the provider of identities."""
AWAY_S = 900
"""How long somebody may be away at the provider."""
LONGEST_NEXT = 2_000


class Asked(Protocol):
    """What must come back from a provider; a struct."""

    state: str


class Provider(Protocol):
    """A provider of identities; see `oidc`."""

    async def ask(self, redirect_uri: str) -> tuple[str, Any]: ...
    async def identity(self, answer: Mapping[str, str], asked: Any, redirect_uri: str) -> Identity: ...


class Oidc(msgspec.Struct, frozen=True):
    provider: Any
    """A `Provider`."""
    asked: type[Any]
    label: str
    public_url: str
    """Where people reach the pages; empty: where they are now."""

    def back(self, request: Request) -> str:
        """Where the provider sends people, and must know to be ours."""
        base = self.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
        return f"{base}/sign-in/oidc/back"


class SignIn:
    """`routes` is what the gateway adds to its own."""

    def __init__(
        self, door: Door, sessions: Sessions, keys: Keys, store: Store, attempts: Attempts, cookies: Cookies,
        rendering: Rendering, now_us: Callable[[], int], oidc: Oidc | None = None,
    ) -> None:  # fmt: skip
        self._door = door
        self._sessions = sessions
        self._keys = keys
        self._store = store
        self._attempts = attempts
        self._cookies = cookies
        self._rendering = rendering
        self._now_us = now_us
        self._oidc = oidc

    def routes(self) -> list[Route]:
        found = [
            Route("/sign-in", self._said(self._form), methods=["GET"]),
            Route("/sign-in", self._said(self._with_key), methods=["POST"]),
            Route(links.PATH, self._said(self._link), methods=["GET"]),
            Route(links.PATH, self._said(self._with_link), methods=["POST"]),
            Route("/sign-out", self._said(self._out), methods=["POST"]),
        ]
        if self._oidc is not None:
            found += [
                Route("/sign-in/oidc", self._said(self._away), methods=["GET"]),
                Route("/sign-in/oidc/back", self._said(self._back), methods=["GET"]),
            ]
        return found

    def _said(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                self._door.require_open(request)
                return await answer(request)
            except StoreError:
                return await self._shown(request, Unavailable("Nobody can sign in right now.", retry_after=5))
            except FarthingError as error:
                return await self._shown(request, error)

        return answered

    async def _form(self, request: Request) -> Response:
        next_page = safe_next(request.query_params.get("next", "/"))
        try:
            await self._door.enter(request, OWN)
        except (NotAuthenticated, NotAllowed):
            return await self._shown(request)
        return _to(next_page)  # already in, or on the machine of a gateway without keys

    async def _with_key(self, request: Request) -> Response:
        form = await self._own_form(request)
        self._attempts.begin(request)
        key = await self._key(form.get("key", "").strip())
        self._attempts.succeeded(request)
        return self._in(request, key, safe_next(form.get("next", "/")))

    async def _key(self, secret: str) -> Key:
        secret_hash = sha256(secret.encode(errors="replace")).digest()
        key = (self._keys.find(secret_hash) or await self._keys.look_up(secret_hash)) if _may_be(secret) else None
        if key is None:
            raise NotAuthenticated("This key is not known here. It may be misspelt, revoked or expired.")
        return key

    async def _link(self, request: Request) -> Response:
        """Whoever opens the link on purpose is in at once. Where another page leads to it, they are asked first: it may
        want them signed in as somebody else."""
        said, key = await self._pass(request.query_params.get("pass", ""))
        if request.headers.get("sec-fetch-site") == "none":
            return await self._used(request, said, key)
        return await self._shown(request, link={"pass": request.query_params["pass"], "name": key.name})

    async def _with_link(self, request: Request) -> Response:
        form = await self._own_form(request)
        said, key = await self._pass(form.get("pass", ""))
        return await self._used(request, said, key)

    async def _pass(self, text: str) -> tuple[dict[str, Any], Key]:
        said = self._door.signer.read("link", text, self._now_us(), links.LASTS_S)
        key = await self._sessions.key(said["key"], said["mark"], self._now_us()) if said is not None else None
        if said is None or key is None:
            raise NotAuthenticated("This link is over. `farthing dashboard link` makes another one.")
        return said, key

    async def _used(self, request: Request, said: dict[str, Any], key: Key) -> Response:
        now_us = self._now_us()
        until_us = now_us + links.LASTS_S * 1_000_000
        if not await self._store.do(lambda connection: spend(connection, said["id"], until_us, now_us)):
            raise NotAuthenticated("This link was used before. `farthing dashboard link` makes another one.")
        return self._in(request, key, "/")

    async def _away(self, request: Request) -> Response:
        assert self._oidc is not None
        address, asked = await self._oidc.provider.ask(self._oidc.back(request))
        kept = {**msgspec.to_builtins(asked), "next": safe_next(request.query_params.get("next", "/"))}
        response = RedirectResponse(address, 303, headers=SECURITY)
        self._cookies.set(response, request, ASKED, self._door.signer.sign("asked", kept, self._now_us()), AWAY_S)
        return response

    async def _back(self, request: Request) -> Response:
        assert self._oidc is not None
        kept = self._door.signer.read("asked", self._cookies.get(request, ASKED), self._now_us(), AWAY_S)
        if kept is None:
            raise BadRequest("This sign-in took too long, or began in another browser. Sign in again.")
        asked = msgspec.convert({name: kept[name] for name in self._oidc.asked.__struct_fields__}, self._oidc.asked)
        who = await self._oidc.provider.identity(request.query_params, asked, self._oidc.back(request))
        response = self._in(request, who, safe_next(kept["next"]))
        self._cookies.drop(response, request, ASKED)
        return response

    async def _out(self, request: Request) -> Response:
        form = await read_form(request)
        try:
            visit: Visit = await self._door.enter(request, OWN)
        except NotAuthenticated:
            return _to("/sign-in")
        require_own(request, form, self._door.signer, visit.id, self._now_us())
        response = _to("/sign-in")
        await self._sessions.end(response, request, visit.id, self._now_us())
        return response

    def _in(self, request: Request, who: Key | Identity, next_page: str) -> Response:
        response = _to(next_page)
        self._sessions.begin(response, request, who, self._now_us())
        self._cookies.drop(response, request, VISIT)
        return response

    async def _own_form(self, request: Request) -> Form:
        require_same_origin(request)
        form = await read_form(request)
        visit_id = self._cookies.get(request, VISIT)
        if not visit_id:
            raise NotAllowed("Signing in needs cookies. Allow them for this address, and try again.")
        require_own(request, form, self._door.signer, f"before {visit_id}", self._now_us())
        return form

    async def _shown(
        self, request: Request, error: FarthingError | None = None, link: Mapping[str, str] | None = None
    ) -> Response:
        visit_id = self._cookies.get(request, VISIT) or secrets.token_hex(12)
        next_page = safe_next(request.query_params.get("next", "/"))
        values = {
            "page": PAGE, "problem": error.message if error is not None else "", "next": next_page, "link": link,
            "token": token(self._door.signer, f"before {visit_id}", self._now_us()),
            "oidc": {"label": self._oidc.label, "href": f"/sign-in/oidc?{urlencode({'next': next_page})}"} if self._oidc else None,
            "is_off": error is not None and error.status == 404, "peer": peer_of(request),
        }  # fmt: skip
        status = error.status if error is not None else 200
        response = await self._rendering.page("sign_in.html", values, status, theme_of(request))
        if error is not None and error.retry_after:
            response.headers["retry-after"] = f"{error.retry_after:.0f}"
        if status != 404:
            self._cookies.set(response, request, VISIT, visit_id, 24 * 3600)
        return response


async def _nothing(_: Any) -> Mapping[str, Any]:
    return {}


PAGE = Page("sign_in", "/sign-in", "Sign in", OWN, _nothing, filters=())


def safe_next(said: str) -> str:
    """An address of ours to go on to; the first page for anything that could lead elsewhere."""
    plain = said.isprintable() and "\\" not in said and len(said) <= LONGEST_NEXT
    try:
        parts = urlsplit(said)
    except ValueError:
        return "/"
    ours = said.startswith("/") and not said.startswith("//") and not parts.scheme and not parts.netloc
    return said if plain and ours and not parts.path.startswith("/sign-") else "/"


def _may_be(secret: str) -> bool:
    return secret.startswith(KEY_PREFIX) and len(secret) <= 200


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, headers=SECURITY)
