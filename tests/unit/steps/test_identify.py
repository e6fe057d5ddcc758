from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Call, Proceed
from farthing.model.errors import NotAllowed, NotAuthenticated
from farthing.model.principal import Key, Principal
from farthing.steps.identify import Identify, clean, principal_of, require_own_machine
from unit.steps.conftest import MakeCall

SECRET = b"fk-secret"


class Ring:
    """Keys in a dictionary, and one that only the store knows."""

    def __init__(self, *keys: Key, in_store: Key | None = None) -> None:
        self.keys = {key.hash: key for key in keys}
        self.in_store = in_store
        self.empty = not keys and in_store is None

    def find(self, secret_hash: bytes) -> Key | None:
        return self.keys.get(secret_hash)

    async def look_up(self, secret_hash: bytes) -> Key | None:
        self.empty = not self.keys and self.in_store is None
        return self.in_store if self.in_store and self.in_store.hash == secret_hash else None


def key(**fields: object) -> Key:
    return Key(**{"id": "key-1", "name": "web", "hash": sha256(SECRET).digest(), **fields})  # type: ignore[arg-type]


async def identified(call: Call, proceed: Proceed, ring: Ring) -> Principal:
    await Identify(ring)(call, proceed)
    return call.principal


@pytest.mark.parametrize(
    "header", [(b"authorization", b"Bearer " + SECRET), (b"authorization", b"bearer " + SECRET), (b"x-api-key", SECRET)]
)
async def test_the_key_comes_as_either_sdk_sends_it(
    header: tuple[bytes, bytes], make_call: MakeCall, proceed: Proceed
) -> None:
    call = make_call(headers=dict([header]))
    assert (await identified(call, proceed, Ring(key(tenant="t", tags={"team": "web"})))).team == "web"
    assert (call.principal.tenant, call.principal.key_id) == ("t", "key-1")


async def test_a_key_that_only_the_store_knows(make_call: MakeCall, proceed: Proceed) -> None:
    call = make_call(headers={b"x-api-key": SECRET})
    assert (await identified(call, proceed, Ring(in_store=key()))).key_id == "key-1"


@pytest.mark.parametrize(
    ("sent", "known", "says"),
    [
        ({}, {}, "No API key"),
        ({b"x-api-key": b"fk-other"}, {}, "not known"),
        ({b"x-api-key": SECRET}, {"revoked_us": 1}, "revoked"),
        ({b"x-api-key": SECRET}, {"expires_us": 1}, "expired"),
    ],
)
async def test_no_way_in_without_a_good_key(
    sent: dict[bytes, bytes], known: dict[str, int], says: str, make_call: MakeCall, proceed: Proceed
) -> None:
    with pytest.raises(NotAuthenticated, match=says) as caught:
        await identified(make_call(headers=sent), proceed, Ring(key(**known)))
    assert "secret" not in caught.value.message


async def test_the_first_key_counts_before_the_gateway_has_heard_of_it(make_call: MakeCall, proceed: Proceed) -> None:
    ring = Ring(in_store=key(tags={"team": "web"}))
    ring.empty = True
    assert (await identified(make_call(headers={b"x-api-key": SECRET}), proceed, ring)).team == "web"
    ring.empty = True
    with pytest.raises(NotAuthenticated):
        await identified(make_call(headers={b"x-api-key": b"fk-that-nobody-made"}), proceed, ring)


async def test_a_key_for_some_models_only(make_call: MakeCall, proceed: Proceed) -> None:
    ring = Ring(key(models=("gpt-*", "claude-haiku-*")))
    headers = {b"x-api-key": SECRET}
    await identified(make_call("gpt-5", headers=headers), proceed, ring)
    with pytest.raises(NotAllowed, match="may not use this model"):
        await identified(make_call("claude-opus-4-5", headers=headers), proceed, ring)


async def test_headers_before_metadata_before_user_before_the_key(make_call: MakeCall, proceed: Proceed) -> None:
    ring = Ring(key(tags={"team": "key", "project": "key", "user": "key", "feature": "key", "cost_centre": "7"}))
    call = make_call(
        headers={
            b"x-api-key": SECRET, b"x-farthing-feature": b"header", b"x-farthing-tag-color": b"red",
            b"x-farthing-transaction": b"order-7", b"x-farthing-task": b"extraction", b"x-farthing-tenant": b"other",
        },
        metadata={"feature": "metadata", "project": "metadata", "ticket": "9"},
        user="body",
    )  # fmt: skip
    principal = await identified(call, proceed, ring)
    assert principal == Principal(
        tenant="default", key_id="key-1", team="key", project="metadata", user="body", feature="header",
        transaction="order-7", tags={"cost_centre": "7", "ticket": "9", "color": "red"},
    )  # fmt: skip
    assert call.task == "extraction"


async def test_callers_cannot_lie_about_what_the_key_pins(make_call: MakeCall, proceed: Proceed) -> None:
    ring = Ring(key(tags={"team": "web"}, pinned=("team", "user")))
    headers = {b"x-api-key": SECRET, b"x-farthing-team": b"board", b"x-farthing-user": b"ceo"}
    principal = await identified(make_call(headers=headers, metadata={"team": "board"}), proceed, ring)
    assert (principal.team, principal.user) == ("web", "")


async def test_the_same_words_of_another_key_are_another_principal(make_call: MakeCall, proceed: Proceed) -> None:
    other = key(id="key-2", hash=sha256(b"fk-2").digest(), tags={"team": "two"})
    step = Identify(Ring(key(tags={"team": "one"}), other))
    teams = []
    for secret in (SECRET, b"fk-2", SECRET):
        call = make_call(headers={b"x-api-key": secret, b"x-farthing-feature": b"f"})
        await step(call, proceed)
        teams.append(call.principal.team)
    assert teams == ["one", "two", "one"]


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.8.8.8"])
@pytest.mark.parametrize("host", [b"localhost:4141", b"127.0.0.1:4141", b"[::1]:4141"])
def test_without_keys_the_own_machine_is_served(peer: str, host: bytes) -> None:
    require_own_machine(peer, {b"host": host, b"origin": b"http://localhost:3000"})


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("10.0.0.7", {b"host": b"localhost"}),
        ("", {b"host": b"localhost"}),
        ("127.0.0.1", {b"host": b"rebound.example"}),
        ("127.0.0.1", {b"host": b"localhost.example"}),
        ("127.0.0.1", {b"host": b"localhost", b"origin": b"https://evil.example"}),
        ("127.0.0.1", {b"host": b"localhost", b"origin": b"null"}),
        ("127.0.0.1", {b"host": b"[::1"}),
    ],
)
def test_without_keys_nobody_else_is(peer: str, headers: dict[bytes, bytes]) -> None:
    with pytest.raises(NotAllowed):
        require_own_machine(peer, headers)


@given(st.dictionaries(st.text(max_size=300), st.text(max_size=300), max_size=40))
def test_whatever_is_said_is_kept_short_and_in_one_line(said: dict[str, str]) -> None:
    principal, task = principal_of(None, said)
    words = [principal.team, principal.user, principal.feature, task, *principal.tags, *principal.tags.values()]
    assert all(len(word) <= 128 and word.isprintable() for word in words)
    assert len(principal.tags) <= 16


def test_a_line_break_cannot_be_smuggled_into_a_tag() -> None:
    assert clean("a\r\nset-cookie: x\x1b[2J") == "a  set-cookie: x [2J"


async def test_who_gathers_transactions_sees_the_call_as_it_is_known(make_call: MakeCall, proceed: Proceed) -> None:
    def gather(call: Call) -> None:
        call.principal = Principal(transaction=f"{call.principal.feature}/{call.id}")

    ring = Ring(key(tags={"feature": "triage"}))
    for _ in range(2):  # the second call finds the principal of the first
        call = make_call(headers={b"x-api-key": SECRET})
        await Identify(ring, gather)(call, proceed)
        assert call.principal.transaction == "triage/call-1"
