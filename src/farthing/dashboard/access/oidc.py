"""Sign-in through a provider of identities: OpenID Connect's code flow with PKCE, and what the provider's claims make of
somebody here. Knows nothing of cookies and pages."""

import base64
import hashlib
import json
import secrets
import ssl
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from farthing.dashboard.access.sessions import Identity
from farthing.model.errors import BadRequest, NotAllowed, Unavailable
from farthing.model.principal import OPERATOR, ROLES, Role
from farthing.settings import OidcSettings, is_loopback
from farthing.steps.identify import VALUE_LIMIT

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
"""With public keys alone, so that nobody can sign with what is known to all."""
KNOWN_S = 3600.0
"""How long what the provider says of itself is believed."""
ASK_AGAIN_S = 30.0
"""Between two looks for a key that is not among those known."""
LEEWAY_S = 60
LARGEST = 2**20
"""Bytes of an answer of the provider."""


class Asked(msgspec.Struct, frozen=True):
    """What must come back with the answer; kept by the browser until then."""

    state: str
    nonce: str
    verifier: str


def oidc_mark(settings: OidcSettings) -> str:
    """What tells these settings from others: who was let in by others signs in again."""
    said = [
        settings.issuer, settings.client_id, settings.user_claim, settings.role_claim, sorted(settings.roles.items()),
        settings.other_role, settings.tenant_claim, sorted(settings.tenants.items()),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


class Provider:
    """The provider that the settings name. Methods raise Unavailable if it cannot be reached or makes no sense."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._web: aiohttp.ClientSession | None = None
        self._about: dict[str, Any] = {}
        self._keys = KeySet([])
        self._about_at = self._keys_at = float("-inf")

    async def close(self) -> None:
        if self._web is not None:
            await self._web.close()

    async def ask(self, redirect_uri: str) -> tuple[str, Asked]:
        """Where to send somebody who wants to sign in."""
        about = await self._metadata()
        asked = Asked(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": redirect_uri,
            "scope": " ".join(self._settings.scopes), "state": asked.state, "nonce": asked.nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        at = str(about["authorization_endpoint"])
        return f"{at}{'&' if urlsplit(at).query else '?'}{urlencode(query)}", asked

    async def identity(self, answer: Mapping[str, str], asked: Asked, redirect_uri: str) -> Identity:
        """Whoever comes back from there. Raises BadRequest for an answer to something else, NotAllowed for somebody who
        is not let in."""
        about = await self._metadata()
        if not secrets.compare_digest(answer.get("state", "").encode(), asked.state.encode()):
            raise BadRequest("This is not the answer to this sign-in. Sign in again.")
        if answer.get("iss", about["issuer"]) != about["issuer"]:
            raise BadRequest("This answer is of another provider. Sign in again.")
        if "code" not in answer:
            raise NotAllowed(f"The provider did not sign you in: {_word(answer.get('error', 'it gave no reason'))}.")
        tokens = await self._tokens(answer["code"], asked.verifier, redirect_uri)
        claims = await self._claims(tokens.get("id_token", ""), asked.nonce)
        if any(found(claims, name) is None for name in self._wanted()):
            claims = {**await self._more(tokens.get("access_token", ""), claims["sub"]), **claims}
        return identity_of(claims, self._settings)

    def _wanted(self) -> Iterable[str]:
        return [
            name for name in (self._settings.user_claim, self._settings.role_claim, self._settings.tenant_claim) if name
        ]

    async def _tokens(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        about, client_id, secret = self._about, self._settings.client_id, self._settings.client_secret.reveal()
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        headers = {}
        ways = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and "client_secret_basic" in ways:
            pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": client_id} | ({"client_secret": secret} if secret else {})
        status, said = await self._ask("POST", str(about["token_endpoint"]), data=fields, headers=headers)
        if status != 200:
            raise BadRequest(f"The provider refused the sign-in: {_word(said.get('error', status))}. Sign in again.")
        return said

    async def _claims(self, id_token: Any, nonce: str) -> dict[str, Any]:
        """What a token says, if the provider signed it, for us, now, and for this sign-in."""
        if not isinstance(id_token, str) or not id_token:
            raise BadRequest("The provider gave no ID token. It must be asked for the scope openid.")
        registry = jwt.JWTClaimsRegistry(
            now=int(time.time()), leeway=LEEWAY_S, iss={"essential": True, "value": self._about["issuer"]},
            aud={"essential": True, "value": self._settings.client_id}, exp={"essential": True}, iat={"essential": True},
            sub={"essential": True}, nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        try:
            token = await self._decoded(id_token)
            registry.validate(token.claims)
        except (JoseError, ValueError) as error:
            raise BadRequest(f"The provider's ID token does not hold: {_word(error)}. Sign in again.") from None
        claims = dict(token.claims)
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self._settings.client_id:
            raise BadRequest("The provider's ID token is for somebody else. Sign in again.")
        return claims

    async def _decoded(self, id_token: str) -> jwt.Token:
        """Raises JoseError, ValueError. A key that is not known may be a new one."""
        try:
            return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if time.monotonic() - self._keys_at < ASK_AGAIN_S:
                raise
        status, said = await self._ask("GET", str(self._about["jwks_uri"]))
        if status != 200:
            raise Unavailable("The provider of identities does not tell its keys.", retry_after=ASK_AGAIN_S)
        self._keys, self._keys_at = KeySet.import_key_set(said), time.monotonic()  # type: ignore[arg-type]
        return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)

    async def _more(self, access_token: Any, subject: str) -> dict[str, Any]:
        """What the provider tells of somebody beside the token, where it has an address for that."""
        at = self._about.get("userinfo_endpoint")
        if not at or not isinstance(access_token, str):
            return {}
        status, said = await self._ask("GET", str(at), headers={"authorization": f"Bearer {access_token}"})
        return said if status == 200 and said.get("sub") == subject else {}

    async def _metadata(self) -> dict[str, Any]:
        if time.monotonic() - self._about_at < KNOWN_S:
            return self._about
        issuer = self._settings.issuer
        status, about = await self._ask("GET", f"{issuer}/.well-known/openid-configuration")
        if status != 200 or str(about.get("issuer", "")).rstrip("/") != issuer:
            raise Unavailable("The provider of identities does not say what it should of itself.", retry_after=30)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            where = urlsplit(str(about.get(name, "")))
            if where.scheme != "https" and not (where.scheme == "http" and is_loopback(where.hostname or "")):
                raise Unavailable(f"The provider's {name} is no https address.", retry_after=30)
        self._about, self._about_at = about, time.monotonic()
        return about

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of an answer."""
        if self._web is None:
            trust = ssl.create_default_context(cafile=self._settings.ca_file or None)
            self._web = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trust), timeout=aiohttp.ClientTimeout(total=10)
            )
        try:
            async with self._web.request(method, url, allow_redirects=False, **options) as answer:
                body = b""
                async for part in answer.content.iter_any():
                    body += part
                    if len(body) > LARGEST:
                        raise ValueError("too long")
                said = json.loads(body) if body else {}
                return answer.status, said if isinstance(said, dict) else {}
        except ValueError:
            return answer.status, {}
        except (aiohttp.ClientError, TimeoutError):
            raise Unavailable("The provider of identities cannot be reached. Try again soon.", retry_after=10) from None


def identity_of(claims: Mapping[str, Any], settings: OidcSettings) -> Identity:
    """What the settings make of somebody's claims. Raises NotAllowed."""
    person = found(claims, settings.user_claim)
    if not isinstance(person, str) or not person.strip() or not person.isprintable() or len(person) > VALUE_LIMIT:
        raise NotAllowed(f"The provider does not say your {settings.user_claim}, by which you are known here.")
    asked_of = (settings.user_claim, settings.role_claim, settings.tenant_claim)
    verified = claims.get("email_verified", True)
    if "email" in asked_of and verified is not True and verified != "true":
        raise NotAllowed("The provider has not verified your e-mail address.")
    return Identity(person.strip(), _role(claims, settings), _tenant(claims, settings), oidc_mark(settings))


def _role(claims: Mapping[str, Any], settings: OidcSettings) -> Role:
    values = _values(claims, settings.role_claim)
    roles: list[str] = [settings.roles[value] for value in values if value in settings.roles]
    if settings.other_role != "none":
        roles.append(settings.other_role)
    if not roles:
        raise NotAllowed("You are signed in there, but nobody has let you in here. Ask whoever runs this gateway.")
    return max((_named(role) for role in roles), key=ROLES.index)


def _tenant(claims: Mapping[str, Any], settings: OidcSettings) -> str:
    if not settings.tenant_claim:
        return OPERATOR
    tenants = {settings.tenants[each] for each in _values(claims, settings.tenant_claim) if each in settings.tenants}
    if len(tenants) != 1:
        raise NotAllowed("It is not said which tenant you belong to. Ask whoever runs this gateway.")
    return tenants.pop()


def _named(role: str) -> Role:
    return next((each for each in ROLES if each == role), "")


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    value = found(claims, name)
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def found(claims: Mapping[str, Any], name: str) -> Any:
    """A claim, also one inside another: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _word(said: object) -> str:
    """Some of what a provider says, as one short line."""
    return "".join(char if char.isprintable() else " " for char in str(said)[:120])
