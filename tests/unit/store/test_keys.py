"""Keys in the store, and the ring in memory that calls are checked against."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing

import pytest

from farthing.model.errors import Unavailable
from farthing.model.principal import Key
from farthing.store import KeyRing, Store, StoreError, hash_of, new_id, new_secret, open_store


def a_key(secret: str, **changes: object) -> Key:
    fields: dict[str, object] = {
        "id": new_id(), "name": "laptop", "hash": hash_of(secret), "tenant": "acme", "tags": {"team": "growth", "env": "dev"},
        "pinned": ("team",), "models": ("gpt-*",), "requests_per_minute": 60, "tokens_per_minute": 9000,
        "created_us": time.time_ns() // 1000,
    }  # fmt: skip
    return Key(**(fields | changes))  # type: ignore[arg-type]


def test_secrets_are_long_different_and_safe_to_type() -> None:
    secrets = {new_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert all(secret.startswith("fk-") and len(secret) == 46 and secret.isascii() for secret in secrets)


async def test_a_key_comes_back_without_its_secret(store: Store) -> None:
    secret = new_secret()
    key = a_key(secret, role="admin")
    await store.add_key(key)
    assert await store.keys() == [key] and await store.key(key.id) == key
    assert await store.find_key(hash_of(secret)) == key
    assert await store.find_key(hash_of("fk-wrong")) is None
    assert secret not in repr(await store.keys())
    for other in (a_key(secret), a_key(new_secret(), id=key.id)):
        with pytest.raises(ValueError, match="there already"):
            await store.add_key(other)


@pytest.mark.parametrize("substitute", [None, True, False])
async def test_a_key_keeps_what_it_says_of_routing(store: Store, substitute: bool | None) -> None:
    key = a_key(new_secret(), substitute=substitute, region="eu")
    await store.add_key(key)
    assert await store.key(key.id) == key
    assert (await store.live_keys())[1] == [key]


async def test_a_revoked_key_opens_nothing_and_stays_listed(store: Store) -> None:
    secret = new_secret()
    key = a_key(secret)
    await store.add_key(key)
    assert await store.revoke_key(key.id)
    assert not await store.revoke_key(key.id)
    assert not await store.revoke_key("key-nobody")
    assert await store.find_key(hash_of(secret)) is None
    assert [found.revoked_us > 0 for found in await store.keys()] == [True]
    assert not await store.rotate_key(key.id, hash_of(new_secret()))


async def test_a_rotated_key_keeps_its_id_and_the_former_secret_for_its_grace(store: Store) -> None:
    first, second, third = new_secret(), new_secret(), new_secret()
    key = a_key(first)
    await store.add_key(key)
    assert await store.rotate_key(key.id, hash_of(second), grace_s=60)
    former = await store.find_key(hash_of(first))
    assert former is not None and former.id == key.id and former.expires_us > time.time() * 1e6
    found = await store.find_key(hash_of(second))
    assert found is not None and found.id == key.id and found.expires_us == 0
    assert await store.rotate_key(key.id, hash_of(third))
    assert await store.find_key(hash_of(first)) is None
    assert await store.find_key(hash_of(second)) is None
    assert len(await store.keys()) == 1


@pytest.fixture
async def ring(store: Store) -> AsyncIterator[KeyRing]:
    ring = KeyRing(store, refresh_s=0.05)
    await ring.load()
    yield ring
    await ring.close()


async def _soon(true: object) -> None:
    for _ in range(3000):
        if callable(true) and true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def test_the_ring_follows_the_store(store: Store, ring: KeyRing) -> None:
    secret, new = new_secret(), new_secret()
    key = a_key(secret)
    assert ring.find(hash_of(secret)) is None and len(ring) == 0
    await store.add_key(key)
    await _soon(lambda: ring.find(hash_of(secret)) == key)
    await store.rotate_key(key.id, hash_of(new))
    await _soon(lambda: ring.find(hash_of(secret)) is None and ring.find(hash_of(new)) is not None)
    await store.revoke_key(key.id)
    await _soon(lambda: ring.find(hash_of(new)) is None)


async def test_a_key_expires_by_the_clock(store: Store) -> None:
    secret = new_secret()
    await store.add_key(a_key(secret, expires_us=1_000_000))
    now = 0.5
    ring = KeyRing(store, now=lambda: now)
    await ring.refresh()
    assert ring.find(hash_of(secret)) is not None
    now = 1.0
    assert ring.find(hash_of(secret)) is None
    assert await ring.look_up(hash_of(secret)) is None


async def test_a_new_key_works_at_once(store: Store) -> None:
    ring = KeyRing(store)
    await ring.refresh()
    secret = new_secret()
    await store.add_key(a_key(secret))
    assert ring.find(hash_of(secret)) is None
    assert await ring.look_up(hash_of(secret)) is not None
    assert ring.find(hash_of(secret)) is not None


async def test_what_this_process_changes_holds_at_once(store: Store) -> None:
    ring = KeyRing(store, refresh_s=3600)
    await ring.load()
    assert ring.empty
    secret, new = new_secret(), new_secret()
    key = a_key(secret)
    await store.add_key(key)
    assert not ring.empty and ring.find(hash_of(secret)) is not None
    await store.rotate_key(key.id, hash_of(new))
    assert ring.find(hash_of(secret)) is None and ring.find(hash_of(new)) is not None
    await store.revoke_key(key.id)
    assert ring.find(hash_of(new)) is None and not ring.empty
    await ring.close()


async def test_the_first_key_of_another_process_closes_the_gateway(store: Store, url: str) -> None:
    """By itself before the usual refresh, and at once where a call carries a key, even one that nobody made."""
    ring, asked = KeyRing(store, refresh_s=3600, closing_s=0.05), KeyRing(store, refresh_s=3600)
    await asked.refresh()
    await ring.load()
    other = await open_store(url)
    await other.add_key(a_key(new_secret()))
    await other.close()
    await _soon(lambda: not ring.empty)
    assert asked.empty
    assert await asked.look_up(hash_of("fk-that-nobody-made")) is None
    assert not asked.empty
    await ring.close()


async def test_a_change_of_a_key_is_made_though_the_ring_cannot_be_refreshed(store: Store) -> None:
    counted = Counted(store)
    ring = KeyRing(counted, refresh_s=3600)
    await ring.load()
    counted.broken = True
    key = a_key(new_secret())
    await store.add_key(key)
    assert await store.key(key.id) == key and ring.trouble == "the store is away"
    await ring.close()


async def test_many_calls_at_once_with_a_new_key_wait_for_one_look_up(store: Store) -> None:
    counted = Counted(store)
    ring = KeyRing(counted)
    await ring.refresh()
    secret = new_secret()
    await store.add_key(a_key(secret))
    found = await asyncio.gather(*(ring.look_up(hash_of(secret)) for _ in range(50)))
    assert None not in found
    assert counted.asked == 1


async def test_a_call_that_leaves_does_not_end_the_look_up_of_others(store: Store) -> None:
    ring = KeyRing(store)
    await ring.refresh()
    secret = new_secret()
    await store.add_key(a_key(secret))
    first, second = (asyncio.create_task(ring.look_up(hash_of(secret))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None


class Counted:
    """The store, with its look-ups counted, and broken at will."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = 0
        self.loads = 0
        self.broken = False

    def when_keys_change(self, tell: Callable[[], Awaitable[None]]) -> None:
        self._store.when_keys_change(tell)

    async def find_key(self, secret_hash: bytes) -> Key | None:
        self.asked += 1
        self._or_break()
        return await self._store.find_key(secret_hash)

    async def key_changes(self) -> int:
        self._or_break()
        return await self._store.key_changes()

    async def live_keys(self) -> tuple[int, list[Key]]:
        self.loads += 1
        return await self._store.live_keys()

    def _or_break(self) -> None:
        if self.broken:
            raise StoreError("the store is away")


async def test_a_flood_of_wrong_keys_stays_out_of_the_store(store: Store) -> None:
    counted = Counted(store)
    ring = KeyRing(counted, lookups_per_s=5, most_unknown=100)
    await ring.refresh()
    for _ in range(50):
        assert await ring.look_up(hash_of("fk-always-the-same")) is None
    assert counted.asked == 1
    for place in range(2000):
        assert await ring.look_up(hash_of(f"fk-{place}")) is None
    assert counted.asked < 15
    assert len(ring._unknown) <= 100


async def test_keys_are_read_again_only_when_they_changed(store: Store) -> None:
    counted = Counted(store)
    ring = KeyRing(counted)
    for _ in range(3):
        await ring.refresh()
    assert counted.loads == 1
    await store.add_key(a_key(new_secret()))
    await ring.refresh()
    assert counted.loads == 2


async def test_a_store_that_lost_its_keys_does_not_open_the_gateway(store: Store) -> None:
    secret = new_secret()
    await store.add_key(a_key(secret))
    ring = KeyRing(store)
    await ring.refresh()
    with closing(store.connect()) as connection:
        connection.execute("DELETE FROM keys")
        connection.execute("UPDATE marks SET n = 0 WHERE name = 'keys'")
    await ring.refresh()
    assert not ring.empty and ring.find(hash_of(secret)) is not None
    assert "lost its keys" in ring.trouble


async def test_known_keys_work_while_the_store_is_away(store: Store) -> None:
    secret = new_secret()
    await store.add_key(a_key(secret))
    counted = Counted(store)
    ring = KeyRing(counted, refresh_s=0.02)
    await ring.load()
    counted.broken = True
    await _soon(lambda: ring.trouble == "the store is away")
    assert await ring.look_up(hash_of(secret)) is not None
    with pytest.raises(Unavailable):
        await ring.look_up(hash_of("fk-other"))
    counted.broken = False
    await _soon(lambda: not ring.trouble)
    assert await ring.look_up(hash_of("fk-other")) is None
    await ring.close()
