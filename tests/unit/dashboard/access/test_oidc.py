"""Sign-in through a provider of identities: a real one from a package, and one of our own that lies in every way it can."""

import base64
import hashlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from farthing.dashboard.access.oidc import Asked, Provider, identity_of
from farthing.model.errors import BadRequest, FarthingError, NotAllowed, Unavailable
from farthing.model.record import Record
from farthing.settings import DashboardSettings, OidcSettings, Secret, Settings, Url
from unit.dashboard.visitors import Place, Visitor, a_place

BACK = "http://localhost/sign-in/oidc/back"
ROLES: Any = {"finops": "admin", "engineering": "viewer"}


def settings_for(issuer: str, **more: Any) -> OidcSettings:
    fields: dict[str, Any] = {
        "client_id": "farthing",
        "client_secret": Secret("s3cret"),
        "roles": ROLES,
        "other_role": "own",
    }
    return OidcSettings(issuer=Url(issuer), **(fields | more))


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # A provider in a process of its own, since its package warns and debugs.
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--require-nonce",
        "true",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 30
    while True:
        try:
            httpx2.get(f"{issuer}/.well-known/openid-configuration")
            break
        except httpx2.TransportError:
            assert process.poll() is None and time.monotonic() < until, "the provider did not start"
            time.sleep(0.05)
    people = {
        "ada": {"email": "ada@example.com", "email_verified": True, "groups": ["finops", "choir"]},
        "bob": {"email": "bob@example.com", "groups": ["choir"]},
        "eve": {"email": "ada@example.com", "email_verified": False, "groups": ["finops"]},
    }
    for name, claims in people.items():
        httpx2.put(f"{issuer}/users/{name}", json=claims).raise_for_status()
    yield issuer
    process.terminate()
    process.wait(10)


class TestRealProvider:
    """The package `oidc-provider-mock` in a process of its own."""

    @pytest.fixture
    async def place(self, issuer: str, tmp_path: Path) -> AsyncIterator[Place]:
        said = DashboardSettings(enabled="on", oidc=settings_for(issuer))
        async with a_place(tmp_path, Settings(dashboard=said)) as made:
            await made.add_key("chief", role="admin")
            yield made

    async def sign_in(self, place: Place, person: str, next_page: str = "/calls") -> tuple[Visitor, httpx2.Response]:
        visitor = place.visitor(peer="10.0.0.7")
        assert "Single sign-on" in await visitor.open(f"/sign-in?next={next_page}")
        away = await visitor.web.get(f"/sign-in/oidc?next={next_page}")
        assert away.status_code == 303
        async with httpx2.AsyncClient() as there:  # the person, at the provider
            answer = await there.post(away.headers["location"], data={"sub": person})
        back = urlsplit(answer.headers["location"])
        return visitor, await visitor.web.get(f"{back.path}?{back.query}")

    async def test_who_is_in_a_group_has_its_role(self, place: Place) -> None:
        visitor, answer = await self.sign_in(place, "ada")
        assert (answer.status_code, answer.headers["location"]) == (303, "/calls"), answer.text
        text = await visitor.open("/keys")
        assert "ada@example.com" in text and "Sign out" in text
        await visitor.send("/keys", "/keys/create", name="bot")
        assert "ada@example.com (signed in)" in await visitor.open("/audit?period=7d")

    async def test_others_see_their_own_calls_by_their_address(self, place: Place) -> None:
        now = place.now_us()
        await place.store.write(
            [
                Record("call-1", now, "openai.chat", user="bob@example.com", model_asked="gpt-of-bob"),
                Record("call-2", now, "openai.chat", user="ada@example.com", model_asked="gpt-of-ada"),
                Record("call-3", now, "openai.chat", model_asked="gpt-of-nobody"),
            ]
        )
        visitor, answer = await self.sign_in(place, "bob")
        assert answer.status_code == 303
        text = await visitor.open("/calls")
        assert "gpt-of-bob" in text and "gpt-of-ada" not in text and "gpt-of-nobody" not in text
        text = await visitor.open("/calls?user=ada@example.com")
        assert "gpt-of-ada" not in text
        for path in ("/", "/calls/call-1"):
            await visitor.open(path)
        await visitor.open("/calls/call-2", 404)
        await visitor.open("/keys", 403)

    async def test_an_address_that_is_not_verified_is_nobody(self, place: Place) -> None:
        visitor, answer = await self.sign_in(place, "eve")
        assert answer.status_code == 403 and "has not verified" in answer.text
        assert (await visitor.web.get("/")).status_code == 303

    async def test_an_answer_works_once_and_in_the_browser_that_asked(self, place: Place, issuer: str) -> None:
        visitor = place.visitor(peer="10.0.0.7")
        away = await visitor.web.get("/sign-in/oidc")
        async with httpx2.AsyncClient() as there:
            answer = await there.post(away.headers["location"], data={"sub": "ada"})
        back = urlsplit(answer.headers["location"])
        stranger = place.visitor(peer="10.0.0.66")
        assert (await stranger.web.get(f"{back.path}?{back.query}")).status_code == 400  # never asked
        await stranger.web.get("/sign-in/oidc")
        theirs = await stranger.web.get(f"{back.path}?{back.query}")
        assert theirs.status_code == 400 and "not the answer" in theirs.text  # asked for something else
        assert (await visitor.web.get(f"{back.path}?{back.query}")).status_code == 303
        assert (await visitor.web.get(f"{back.path}?{back.query}")).status_code == 400

    async def test_who_changes_their_mind_is_told(self, place: Place) -> None:
        visitor = place.visitor(peer="10.0.0.7")
        away = await visitor.web.get("/sign-in/oidc")
        state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
        answer = await visitor.web.get(f"/sign-in/oidc/back?error=access_denied&state={state}")
        assert answer.status_code == 403 and "access_denied" in answer.text

    async def test_other_settings_end_the_session(self, place: Place, issuer: str, tmp_path: Path) -> None:
        visitor, _ = await self.sign_in(place, "ada")
        cookie = visitor.web.cookies["farthing-session"]
        for roles, status in ((ROLES, 200), ({"finops": "viewer"}, 303)):
            said = DashboardSettings(enabled="on", oidc=settings_for(issuer, roles=roles))
            async with a_place(tmp_path, Settings(dashboard=said)) as later:
                again = later.visitor(peer="10.0.0.7")
                again.web.cookies.set("farthing-session", cookie)
                assert (await again.web.get("/calls")).status_code == status


class Liar:
    """A provider whose every answer can be made wrong."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.published: list[Any] = [self.key]
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.signing: Any = self.key
        self.claims: dict[str, Any] = {}
        self.about: dict[str, Any] = {}
        self.more: dict[str, Any] = {}
        self.token_status = 200
        self.challenge = self.nonce = ""
        self.form: dict[str, str] = {}
        self.authorization = ""
        self.id_token: Any = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._about)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.issuer = f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def _about(self, _: web.Request) -> web.Response:
        said = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "jwks_uri": f"{self.issuer}/jwks",
            "token_endpoint": f"{self.issuer}/token", "userinfo_endpoint": f"{self.issuer}/userinfo",
        }  # fmt: skip
        return web.json_response(said | self.about)

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet(self.published).as_dict(private=False))

    async def _userinfo(self, _: web.Request) -> web.Response:
        return web.json_response({"sub": "u1"} | self.more)

    async def _token(self, request: web.Request) -> web.Response:
        self.form = {name: str(value) for name, value in (await request.post()).items()}
        self.authorization = request.headers.get("authorization", "")
        if self.token_status != 200:
            return web.json_response({"error": "invalid_grant"}, status=self.token_status)
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": "farthing", "sub": "u1", "exp": now + 300, "iat": now, "nonce": self.nonce,
            "email": "ada@example.com", "groups": ["finops"],
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(self.header, claims, self.signing) if self.id_token is None else self.id_token
        return web.json_response({"id_token": token, "access_token": "at", "token_type": "Bearer"})


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    made = Liar()
    await made.start()
    yield made
    await made.runner.cleanup()


async def signed_in(liar: Liar, answer: dict[str, str] | None = None, asked: Asked | None = None, **more: Any) -> Any:
    provider = Provider(settings_for(liar.issuer, **more))
    try:
        address, made = await provider.ask(BACK)
        query = parse_qs(urlsplit(address).query)
        liar.nonce, liar.challenge = query["nonce"][0], query["code_challenge"][0]
        given = {"code": "c", "state": made.state} if answer is None else answer
        return await provider.identity(given, asked or made, BACK)
    finally:
        await provider.close()


class TestLiar:
    async def test_it_can_also_tell_the_truth(self, liar: Liar) -> None:
        found = await signed_in(liar)
        assert (found.person, found.role, found.tenant) == ("ada@example.com", "admin", "default")
        verifier = liar.form["code_verifier"]
        assert (
            base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=") == liar.challenge
        )
        assert (
            len(verifier) >= 43
            and liar.form["redirect_uri"] == BACK
            and liar.form["grant_type"] == "authorization_code"
        )
        assert base64.b64decode(liar.authorization.removeprefix("Basic ")) == b"farthing:s3cret"

    async def test_a_secret_is_sent_as_the_provider_wants_it(self, liar: Liar) -> None:
        liar.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        await signed_in(liar)
        assert (liar.form["client_id"], liar.form["client_secret"], liar.authorization) == ("farthing", "s3cret", "")
        liar.about = {}
        await signed_in(liar, client_secret=Secret())
        assert (liar.form["client_id"], "client_secret" in liar.form, liar.authorization) == ("farthing", False, "")

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "https://other.example"}, {"iss": None}, {"aud": "somebody"}, {"aud": None}, {"aud": ["farthing", "b"]},
            {"aud": ["farthing", "b"], "azp": "b"}, {"aud": ["b", "c"]}, {"exp": 1}, {"exp": None}, {"exp": "soon"},
            {"nonce": "other"}, {"nonce": None}, {"iat": int(time.time()) + 10_000}, {"nbf": int(time.time()) + 10_000},
            {"sub": None},
        ],
    )  # fmt: skip
    async def test_a_token_that_is_not_for_this_sign_in_is_refused(self, liar: Liar, claims: dict[str, Any]) -> None:
        liar.claims = claims
        with pytest.raises(BadRequest, match="ID token"):
            await signed_in(liar)

    async def test_a_token_that_others_signed_is_refused(self, liar: Liar) -> None:
        public = liar.key.as_pem(private=False)
        for header, key in (
            ({"alg": "RS256", "kid": "one"}, RSAKey.generate_key(2048, {"kid": "one"})),
            ({"alg": "ES256", "kid": "one"}, ECKey.generate_key("P-256", {"kid": "one"})),
            ({"alg": "HS256", "kid": "one"}, OctKey.import_key(base64.b64encode(public).decode(), {"kid": "one"})),
        ):
            liar.header, liar.signing = header, key
            with pytest.raises(BadRequest):
                await signed_in(liar)

    async def test_a_token_without_a_signature_is_refused(self, liar: Liar) -> None:
        def part(said: Any) -> str:
            return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")

        claims = {
            "iss": liar.issuer,
            "aud": "farthing",
            "sub": "u1",
            "exp": 2**31,
            "iat": 1,
            "email": "ada@example.com",
        }
        for token in (
            f"{part({'alg': 'none'})}.{part(claims)}.", f"{part({'alg': 'RS256', 'kid': 'one'})}.{part(claims)}.", "", "x", "a.b.c",
            {"a": 1}, 7, "\u00e9.\u00e9.\u00e9", part([]) * 3,
        ):  # fmt: skip
            liar.id_token = token
            with pytest.raises(BadRequest):
                await signed_in(liar)

    async def test_a_new_key_of_the_provider_is_looked_up(self, liar: Liar) -> None:
        provider = Provider(settings_for(liar.issuer))
        try:
            for turn in ("one", "two"):
                liar.key = RSAKey.generate_key(2048, {"kid": turn})
                liar.published, liar.signing, liar.header = [liar.key], liar.key, {"alg": "RS256", "kid": turn}
                _, asked = await provider.ask(BACK)
                liar.nonce = asked.nonce
                provider._keys_at = float("-inf")
                assert (await provider.identity({"code": "c", "state": asked.state}, asked, BACK)).role == "admin"
        finally:
            await provider.close()

    async def test_answers_of_others_are_refused(self, liar: Liar) -> None:
        for answer, error in (
            ({"code": "c", "state": "other"}, BadRequest), ({"code": "c"}, BadRequest), ({}, BadRequest),
            ({"code": "c", "state": "s", "iss": "https://other.example"}, BadRequest),
            ({"error": "login\nrequired", "state": "s"}, NotAllowed),
        ):  # fmt: skip
            with pytest.raises(error):
                await signed_in(liar, answer, Asked("s", "n", "v"))

    async def test_what_the_token_leaves_out_is_asked_for(self, liar: Liar) -> None:
        liar.claims, liar.more = {"groups": None}, {"groups": ["engineering"], "email": "other@example.com"}
        found = await signed_in(liar)
        assert (found.person, found.role) == ("ada@example.com", "viewer")  # the token goes before
        liar.more = {"groups": ["finops"], "sub": "u2"}
        assert (await signed_in(liar)).role == ""  # of somebody else

    async def test_a_provider_that_makes_no_sense_is_unavailable(self, liar: Liar) -> None:
        for about in (
            {"issuer": "https://other.example"}, {"token_endpoint": "http://elsewhere.example/token"}, {"jwks_uri": ""},
            {"authorization_endpoint": "javascript:alert(1)"},
        ):  # fmt: skip
            liar.about = about
            with pytest.raises(Unavailable):
                await signed_in(liar)
        liar.about, liar.token_status = {}, 400
        with pytest.raises(BadRequest, match="invalid_grant"):
            await signed_in(liar)
        liar.token_status = 200
        await liar.runner.cleanup()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await signed_in(liar)


class TestClaims:
    def found(self, claims: dict[str, Any], **settings: Any) -> Any:
        return identity_of(claims, settings_for("https://login.example", **settings))

    def test_of_several_groups_the_one_that_may_most_counts(self) -> None:
        assert self.found({"email": "a@b", "groups": ["engineering", "finops"]}).role == "admin"
        assert self.found({"email": "a@b", "groups": "engineering"}).role == "viewer"
        assert self.found({"email": "a@b"}).role == ""

    def test_nobody_is_let_in_by_default(self) -> None:
        with pytest.raises(NotAllowed, match="nobody has let you in"):
            self.found({"email": "a@b", "groups": ["choir"]}, other_role="none")
        with pytest.raises(NotAllowed):
            self.found({"email": "a@b", "groups": [{"finops": 1}, None, 7]}, other_role="none")

    def test_a_claim_inside_another_is_found(self) -> None:
        said = {"email": "a@b", "realm_access": {"roles": ["finops"]}}
        assert self.found(said, role_claim="realm_access.roles").role == "admin"
        assert (
            self.found(
                {"email": "a@b", "https://x.example/roles": ["finops"]}, role_claim="https://x.example/roles"
            ).role
            == "admin"
        )

    def test_a_tenant_is_one_that_is_named(self) -> None:
        tenants = {"tenant_claim": "org", "tenants": {"acme": "a", "bolt": "b"}}
        assert self.found({"email": "a@b", "org": "acme"}, **tenants).tenant == "a"
        for org in ("default", "", None, ["acme", "bolt"], {"acme": 1}):
            with pytest.raises(NotAllowed, match="which tenant"):
                self.found({"email": "a@b", "org": org}, **tenants)

    @pytest.mark.parametrize("person", [None, "", "  ", 7, ["a@b"], "x" * 129, "a\nb", "a\0b"])
    def test_somebody_has_a_name(self, person: Any) -> None:
        with pytest.raises(NotAllowed, match="does not say your email"):
            self.found({"email": person, "groups": ["finops"]})

    @pytest.mark.parametrize("verified", [False, "false", None, 0, 1, []])
    def test_an_address_must_not_be_unverified(self, verified: Any) -> None:
        with pytest.raises(FarthingError):
            self.found({"email": "a@b", "email_verified": verified, "groups": ["finops"]})
