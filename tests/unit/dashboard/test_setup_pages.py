"""Keys, settings and the audit log: what they say, what can be done there, and for whom they are."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farthing.dashboard import known_settings
from farthing.model.money import Nano
from farthing.model.record import Record
from farthing.settings import (
    AlertChannelSettings,
    AlertSettings,
    DashboardSettings,
    OidcSettings,
    OtelSettings,
    ProviderSettings,
    Secret,
    ServerSettings,
    Settings,
    StoreSettings,
    StoreUrl,
)
from unit.dashboard.visitors import Place, Visitor, a_place

HOSTILE = '<script>alert(1)</script>"\u202e\N{PILE OF POO}'
SECRETS = Settings(
    server=ServerSettings(port=4999),
    store=StoreSettings(url=StoreUrl("postgresql://farthing:hidden-1@db/ledger?password=hidden-2")),
    providers={"openai": ProviderSettings(api_key=Secret("hidden-3"), headers={"x-team": Secret("hidden-4")}, proxy=Secret("http://u:hidden-5@proxy"))},
    alerts=AlertSettings(channels={"ops": AlertChannelSettings(kind="slack", url=Secret("https://hooks/hidden-6"))}),
    otel=OtelSettings(headers={"authorization": Secret("hidden-7")}),
    dashboard=DashboardSettings(oidc=OidcSettings(client_secret=Secret("hidden-8"))),
)  # fmt: skip


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path, Settings(dashboard=DashboardSettings(enabled="on"))) as made:
        yield made


async def chief(place: Place) -> Visitor:
    return place.visitor(await place.add_key("chief", role="admin"))


def secret_in(text: str) -> str:
    found = re.search(r'<code class="copy">(fk-[^<]+)</code>', text)
    assert found is not None
    return found[1]


class TestKeys:
    async def test_one_is_made_and_its_secret_shown_once(self, place: Place) -> None:
        visitor = await chief(place)
        answer = await visitor.send(
            "/keys", "/keys/create", name="support bot", role="viewer", team="support", user="", pinned="yes",
            models="gpt-5*, claude-*", rpm="1,000", tpm="", expires="2090-01-31",
        )  # fmt: skip
        assert answer.status_code == 200
        secret = secret_in(answer.text)
        (key,) = [key for key in await place.store.keys() if key.name == "support bot"]
        assert (key.role, key.tags, key.pinned, key.models) == (
            "viewer",
            {"team": "support"},
            ("team",),
            ("gpt-5*", "claude-*"),
        )
        assert (key.requests_per_minute, key.tokens_per_minute, key.tenant) == (1000, 0, "default")
        assert key.expires_us == 3_789_590_400_000_000  # the end of that day, UTC
        text = await visitor.open("/keys")
        assert (
            "support bot" in text and secret not in text and "farthing-said" not in answer.headers.get("set-cookie", "")
        )
        await place.keys.refresh()
        assert (await place.visitor(secret).web.get("/keys")).status_code == 403

    async def test_what_makes_no_key_is_told_beside_what_was_typed(self, place: Place) -> None:
        visitor = await chief(place)
        for wrong, words in (
            ({"name": ""}, "needs a name"), ({"rpm": "many"}, "whole number"), ({"expires": "tomorrow"}, "is a date"),
            ({"expires": "2020-01-01"}, "over already"), ({"role": "king"}, "makes no key"), ({"team": "a\tb"}, "one line"),
            ({"tpm": "9" * 40}, "whole number"), ({"name": "x" * 200}, "makes no key"),
        ):  # fmt: skip
            answer = await visitor.send("/keys", "/keys/create", **({"name": "kept <words>"} | wrong))
            assert answer.status_code == 400 and words in answer.text, (wrong, answer.status_code)
            assert "name" in wrong or 'value="kept &lt;words&gt;"' in answer.text
        assert [key.name for key in await place.store.keys()] == ["chief"]

    async def test_one_is_revoked(self, place: Place) -> None:
        visitor = await chief(place)
        await place.add_key("old")
        answer = await visitor.send("/keys", "/keys/revoke", id="key-old")
        assert answer.status_code == 200 and "The key old is revoked." in answer.text
        key = await place.store.key("key-old")
        assert key is not None and key.revoked_us
        again = await visitor.send("/keys", "/keys/revoke", id="key-old")
        assert again.status_code == 400 and "was revoked before" in again.text

    async def test_one_gets_a_new_secret(self, place: Place) -> None:
        visitor = await chief(place)
        old = await place.add_key("bot", role="admin")
        secret = secret_in((await visitor.send("/keys", "/keys/rotate", id="key-bot", grace="0")).text)
        await place.keys.refresh()
        assert (await place.visitor(old).web.get("/keys")).status_code == 303
        await place.visitor(secret).open("/keys")
        assert (await visitor.send("/keys", "/keys/rotate", id="key-bot", grace="99999")).status_code == 400

    async def test_keys_of_other_tenants_are_out_of_reach(self, place: Place) -> None:
        theirs = place.visitor(await place.add_key("their chief", role="admin", tenant="b"))
        await place.add_key("bot-of-us")
        text = await theirs.open("/keys")
        assert "their chief" in text and "bot-of-us" not in text
        for action in ("revoke", "rotate"):
            assert (await theirs.send("/keys", f"/keys/{action}", id="key-bot-of-us")).status_code == 404
        await theirs.open("/keys?tenant=default", 403)
        key = await place.store.key("key-bot-of-us")
        assert key is not None and not key.revoked_us

    async def test_what_a_key_cost_and_when_it_was_used_last(self, place: Place) -> None:
        visitor, now = await chief(place), place.now_us()
        day = 86_400 * 10**6
        calls = [
            Record(
                f"c{n}", now - n * day, "openai.chat", key_id="key-chief", cost=Nano(5 * 10**9), cost_state="computed"
            )
            for n in (0, 40)
        ]
        await place.store.write(calls)
        text = await visitor.open("/keys?period=7d")
        assert "$5.00" in text and "key=key-chief" in text
        csv = await visitor.open("/keys/csv/keys?period=90d")
        assert csv.splitlines()[1].endswith(",2,10.000000000") and csv.splitlines()[1].startswith(
            "chief,key-chief,valid,admin"
        )

    async def test_the_first_key_closes_the_gateway_and_the_page_says_so(self, place: Place) -> None:
        visitor = place.visitor()
        assert "With the first key" in await visitor.open("/keys")
        answer = await visitor.send("/keys", "/keys/create", name="first", role="admin")
        assert "sign in with an admin key" in answer.text
        await place.keys.refresh()
        assert (await visitor.web.get("/keys")).status_code == 303
        await place.visitor(secret_in(answer.text)).open("/keys")

    async def test_hostile_names_are_text(self, place: Place) -> None:
        visitor = await chief(place)
        await place.add_key("odd", tags={"team": HOSTILE}, models=(HOSTILE,))
        text = await visitor.open("/keys")
        assert "<script>alert" not in text and "&lt;script&gt;" in text

    async def test_a_form_of_another_visit_does_nothing(self, place: Place) -> None:
        visitor = await chief(place)
        other = place.visitor(await place.add_key("second chief", role="admin"))
        token = re.search(r'name="_token" value="([^"]+)"', await other.open("/keys"))
        assert token is not None
        assert (await visitor.post("/keys/revoke", _token=token[1], id="key-chief")).status_code == 403
        place.later_us = 25 * 3600 * 10**6
        assert (await other.post("/keys/revoke", _token=token[1], id="key-chief")).status_code == 403
        place.later_us = 0
        assert (await other.post("/keys/revoke", _token=token[1], id="key-chief")).status_code == 303

    async def test_bodies_that_are_no_form_are_refused(self, place: Place) -> None:
        visitor = await chief(place)
        for content, kind, status in (
            (b"{}", "application/json", 400), (b"a=1&" * 1_000, "application/x-www-form-urlencoded", 400),
            (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413), (b"\xff%ff=%00", "application/x-www-form-urlencoded", 403),
            (b"", "text/plain", 400),
        ):  # fmt: skip
            answer = await visitor.web.post("/keys/create", content=content, headers={"content-type": kind})
            assert answer.status_code == status, kind


class TestSettings:
    async def test_no_secret_is_on_the_page(self, tmp_path: Path) -> None:
        async with a_place(tmp_path, SECRETS) as place:
            for path in ("/settings", "/settings?show=all", "/settings/csv/settings?show=all"):
                text = await place.visitor().open(path)
                assert "hidden-" not in text
                assert "providers.openai.api_key" in text and "server.port" in text and "4999" in text
            assert "postgresql://farthing:***@db/ledger" in text

    def test_every_setting_has_its_words(self) -> None:
        found = list(known_settings.lines(SECRETS))
        assert len(found) > 130 and all(line.what for line in found if "timeouts" not in line.name)
        assert len({line.name for line in found}) == len(found)

    def test_what_is_as_by_default_does_not_differ(self) -> None:
        assert [line for line in known_settings.lines(Settings()) if line.is_changed] == []
        changed = {line.name for line in known_settings.lines(SECRETS) if line.is_changed}
        assert {"server.port", "store.url", "otel.headers", "dashboard.oidc.client_secret"} <= changed
        assert "server.host" not in changed


class TestAudit:
    async def test_changes_are_told_with_who_made_them(self, place: Place) -> None:
        visitor = await chief(place)
        await visitor.send("/keys", "/keys/create", name="bot")
        text = await visitor.open("/audit?period=7d")
        assert "key chief (key-chief)" in text and "made" in text and "name: bot" in text

    async def test_it_is_narrowed_and_turned_over(self, place: Place) -> None:
        visitor = await chief(place)
        for n in range(60):
            await place.add_key(f"k{n}")
        first = await visitor.open("/audit?period=7d&kind=key")
        assert first.count("<time") == 50 or first.count('scope="row"') == 50
        older = re.search(r'href="(/audit[^"]*before_no=[^"]*)"', first)
        assert older is not None
        second = await visitor.open(older[1].replace("&amp;", "&"))
        assert second.count('scope="row"') == 11 and "Newest" in second
        one = await visitor.open("/audit?period=7d&target=key-k7")
        assert one.count('scope="row"') == 1
        assert "Nothing was changed" in await visitor.open("/audit?period=7d&kind=budget")
        await visitor.open("/audit?kind=nonsense", 400)
        await visitor.open("/audit?before_no=-1", 400)

    async def test_tenants_see_their_own(self, place: Place) -> None:
        theirs = place.visitor(await place.add_key("their chief", role="admin", tenant="b"))
        await place.add_key("bot-of-us")
        text = await theirs.open("/audit?period=7d")
        assert "their chief" in text and "bot-of-us" not in text


@pytest.mark.parametrize(
    ("role", "tenant", "open_to"),
    [
        ("", "default", set()), ("viewer", "default", set()), ("editor", "default", set()),
        ("admin", "default", {"/keys", "/settings", "/audit"}), ("admin", "b", {"/keys", "/audit"}),
    ],
)  # fmt: skip
async def test_who_sees_what_and_is_told_clearly(place: Place, role: str, tenant: str, open_to: set[str]) -> None:
    await place.add_key("someone", role=role, tenant=tenant)
    visitor = place.visitor(peer="10.0.0.7")
    await visitor.send("/sign-in", "/sign-in", follow=False, key="fk-someone")
    menu = await visitor.open("/calls")
    for path in ("/keys", "/settings", "/audit"):
        assert (f'href="{path}"' in menu) == (path in open_to)
        text = await visitor.open(path, 200 if path in open_to else 403)
        assert path in open_to or "Not for" in text
    if not role:
        assert "yours sees its own calls only" in await visitor.open("/keys", 403)
