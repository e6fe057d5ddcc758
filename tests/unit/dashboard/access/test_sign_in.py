"""Signing in and out: who gets in, for how long, and what does not help whoever should not."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from farthing.dashboard.access.links import sign_in_link
from farthing.dashboard.access.sign_in import safe_next
from farthing.dashboard.signing import SECRET, Signer
from farthing.settings import DashboardSettings, ServerSettings, Settings
from farthing.store import hash_of
from farthing.store.secret import secret
from unit.dashboard.visitors import Place, Visitor, a_place, token_in

OPEN = Settings(dashboard=DashboardSettings(enabled="on"))
HOUR_US = 3600 * 10**6


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path, OPEN) as made:
        await made.add_key("chief", role="admin")
        yield made


async def signed_in(place: Place, name: str = "chief", peer: str = "10.0.0.7") -> Visitor:
    visitor = place.visitor(peer=peer)
    answer = await visitor.send("/sign-in", "/sign-in", follow=False, key=f"fk-{name}")
    assert answer.status_code == 303, answer.text
    return visitor


async def test_whoever_is_not_in_is_led_to_the_sign_in_and_back(place: Place) -> None:
    visitor = place.visitor(peer="10.0.0.7")
    answer = await visitor.web.get("/?period=7d")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2F%3Fperiod%3D7d")
    token = token_in(await visitor.open(answer.headers["location"]))
    answer = await visitor.post("/sign-in", _token=token, key="fk-chief", next="/?period=7d")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?period=7d")
    assert "Sign out" in await visitor.open("/?period=7d")
    answer = await visitor.web.get("/sign-in?next=/calls")
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls")


async def test_the_cookie_is_out_of_reach_and_holds_no_secret(place: Place) -> None:
    visitor = place.visitor()
    answer = await visitor.send("/sign-in", "/sign-in", follow=False, key="fk-chief")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("farthing-session="))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie and "Max-Age=43200" in cookie
    assert "fk-chief" not in cookie and hash_of("fk-chief").hex() not in cookie


async def test_over_tls_the_cookie_is_for_tls_and_this_host_alone(tmp_path: Path) -> None:
    behind = msgspec.structs.replace(OPEN, dashboard=DashboardSettings(enabled="on", url="https://ai.example.com"))  # type: ignore[arg-type]
    async with a_place(tmp_path, behind) as place:
        await place.add_key("chief", role="admin")
        for base in ("http://gateway.internal", "https://ai.example.com"):
            visitor = place.visitor(base=base)
            token = token_in((await visitor.web.get("/sign-in")).text)
            raw = {"cookie": "; ".join(f"{each.name}={each.value}" for each in visitor.web.cookies.jar)}
            answer = await visitor.post("/sign-in", headers=raw, _token=token, key="fk-chief")
            cookie = next(each for each in answer.headers.get_list("set-cookie") if "farthing-session=" in each)
            assert cookie.startswith("__Host-farthing-session=") and "Secure" in cookie and "Path=/" in cookie


async def test_a_wrong_key_is_told_and_the_right_one_after_it_works(place: Place) -> None:
    visitor = place.visitor(peer="10.0.0.8")
    answer = await visitor.send("/sign-in", "/sign-in", key="fk-wrong", next="/calls")
    assert answer.status_code == 401 and "not known here" in answer.text and "fk-wrong" not in answer.text
    assert (await visitor.send("/sign-in", "/sign-in", follow=False, key="fk-chief")).status_code == 303


async def test_guessing_is_slow_for_each_address_and_for_all(place: Place) -> None:
    visitor = place.visitor(peer="10.0.0.9")
    token = token_in(await visitor.open("/sign-in"))
    seen = [(await visitor.post("/sign-in", _token=token, key=f"fk-{n}")).status_code for n in range(12)]
    assert seen == [401] * 10 + [429] * 2
    answer = await visitor.post("/sign-in", _token=token, key="fk-chief")
    assert answer.status_code == 429 and "Try again in" in answer.text and int(answer.headers["retry-after"]) >= 1
    await signed_in(place, peer="10.0.0.10")  # others are not held up
    seen = []
    for n in range(13):
        other = place.visitor(peer=f"10.0.1.{n}")
        token = token_in(await other.open("/sign-in"))
        seen += [(await other.post("/sign-in", _token=token, key="fk-wrong")).status_code for _ in range(10)]
    assert seen.count(401) < 125 and seen[-1] == 429


async def test_a_form_from_elsewhere_signs_nobody_in(place: Place) -> None:
    visitor, stranger = place.visitor(peer="10.0.0.7"), place.visitor(peer="10.0.0.66")
    token = token_in(await visitor.open("/sign-in"))
    theirs = token_in(await stranger.open("/sign-in"))
    for sent, headers in (
        ({"_token": theirs}, {}), ({"_token": "x"}, {}), ({}, {}),
        ({"_token": token}, {"sec-fetch-site": "cross-site"}), ({"_token": token}, {"sec-fetch-site": "same-site"}),
        ({"_token": token}, {"origin": "https://evil.example"}), ({"_token": token}, {"origin": "null"}),
    ):  # fmt: skip
        answer = await visitor.post("/sign-in", headers=headers, key="fk-chief", **sent)
        assert answer.status_code == 403, (sent, headers)
        assert not any("session" in each for each in answer.headers.get_list("set-cookie"))


async def test_a_session_that_was_there_before_is_not_taken_over(place: Place) -> None:
    """Fixation: whatever cookie somebody planted, signing in begins a session of its own."""
    await place.add_key("mallory")
    mallory = await signed_in(place, "mallory")
    planted = mallory.web.cookies["farthing-session"]
    victim = place.visitor(peer="10.0.0.7")
    token = token_in(await victim.open("/sign-in"))
    victim.web.cookies.set("farthing-session", planted)
    answer = await victim.post("/sign-in", _token=token, key="fk-chief")
    cookies = [each for each in answer.headers.get_list("set-cookie") if each.startswith("farthing-session=")]
    assert len(cookies) == 1 and planted not in cookies[0]
    assert "<span>mallory</span>" in await mallory.open("/")  # still who they were


async def test_a_cookie_that_was_changed_or_made_up_is_nothing(place: Place) -> None:
    value = (await signed_in(place)).web.cookies["farthing-session"]
    body, _, signature = value.rpartition(".")
    other = Signer("another secret").sign("session", {"id": "x", "key": "key-chief", "mark": ""}, place.now_us())
    signer = Signer(await place.store.do(lambda each: secret(each, SECRET)))
    link = signer.sign(
        "link", {"id": "x", "key": "key-chief", "mark": signer.mark(hash_of("fk-chief"))}, place.now_us()
    )
    for forged in (
        body,
        f"{body}.",
        f"{body}x.{signature}",
        value[:-1],
        f".{value}",
        other,
        link,
        "null",
        "{}",
        "\x01",
        "é",
    ):
        stranger = place.visitor(peer="10.0.0.7")
        answer = await stranger.web.get("/", headers={"cookie": f"farthing-session={forged}".encode()})  # type: ignore[dict-item]
        assert answer.status_code == 303, forged


async def test_a_session_ends_with_its_key(place: Place) -> None:
    visitor = await signed_in(place)
    await visitor.open("/")
    await place.store.revoke_key("key-chief")
    await place.keys.refresh()
    assert (await visitor.web.get("/")).status_code == 303


async def test_a_session_ends_when_the_key_has_another_secret(place: Place) -> None:
    visitor = await signed_in(place)
    await place.store.rotate_key("key-chief", hash_of("fk-new"), grace_s=60)
    await place.keys.refresh()
    await visitor.open("/")  # as long as the former secret works
    await place.store.rotate_key("key-chief", hash_of("fk-newer"))
    await place.keys.refresh()
    assert (await visitor.web.get("/")).status_code == 303
    await signed_in(place, "newer")


async def test_a_session_ends_when_the_key_expires_and_when_its_time_is_over(place: Place) -> None:
    await place.add_key("brief", role="viewer", expires_us=place.now_us() + HOUR_US)
    brief, chief = await signed_in(place, "brief"), await signed_in(place)
    place.later_us = 2 * HOUR_US
    assert (await brief.web.get("/")).status_code == 303
    await chief.open("/")
    place.later_us = 12 * HOUR_US + 10**6
    assert (await chief.web.get("/")).status_code == 303


async def test_signing_out_ends_the_session_also_for_a_copy_of_the_cookie(place: Place) -> None:
    visitor, thief = await signed_in(place), place.visitor(peer="10.0.0.66")
    thief.web.cookies.set("farthing-session", visitor.web.cookies["farthing-session"])
    await thief.open("/")
    assert (await visitor.post("/sign-out", _token="x")).status_code == 403  # from elsewhere
    answer = await visitor.send("/", "/sign-out", follow=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    for each in (visitor, thief):
        assert (await each.web.get("/")).status_code == 303


async def test_one_that_came_in_a_moment_ago_is_known_to_other_workers(place: Place) -> None:
    visitor = await signed_in(place)
    place.keys._keys.clear()  # another worker has not heard of the key yet
    await visitor.open("/")


class TestWithoutKeys:
    async def test_the_own_machine_needs_no_sign_in(self, tmp_path: Path) -> None:
        async with a_place(tmp_path, OPEN) as place:
            assert "Sign out" not in await place.visitor().open("/")
            assert (await place.visitor().web.get("/sign-in")).headers["location"] == "/"

    async def test_others_do_not_get_in(self, tmp_path: Path) -> None:
        async with a_place(tmp_path, OPEN) as place:
            await place.visitor(peer="10.0.0.7").open("/", 403)
            await place.visitor(base="http://evil.example").open("/", 403)

    async def test_a_proxy_on_this_machine_lets_nobody_in(self, tmp_path: Path) -> None:
        async with a_place(tmp_path, OPEN) as place:
            answer = await place.visitor().web.get("/", headers={"x-forwarded-for": "10.0.0.7"})
            assert answer.status_code == 303


@pytest.mark.parametrize(
    ("enabled", "admin", "here", "there"),
    [
        ("admin", "loopback", 303, 404), ("admin", "on", 303, 303), ("admin", "off", 404, 404),
        ("on", "off", 303, 303), ("off", "on", 404, 404), ("loopback", "on", 303, 404),
    ],
)  # fmt: skip
async def test_for_whom_there_are_pages(tmp_path: Path, enabled: str, admin: str, here: int, there: int) -> None:
    settings = Settings(server=ServerSettings(admin=admin), dashboard=DashboardSettings(enabled=enabled))  # type: ignore[arg-type]
    async with a_place(tmp_path, settings) as place:
        await place.add_key("chief", role="admin")
        assert (await place.visitor().web.get("/")).status_code == here
        assert (await place.visitor(peer="10.0.0.7").web.get("/")).status_code == there
        assert (await place.visitor(peer="10.0.0.7").web.get("/sign-in")).status_code == (200 if there == 303 else 404)
        forwarded = await place.visitor().web.get("/", headers={"x-forwarded-for": "10.0.0.7"})
        assert forwarded.status_code == there


class TestLinks:
    async def link(self, place: Place) -> str:
        signer = Signer(await place.store.do(lambda each: secret(each, SECRET)))
        key = await place.store.key("key-chief")
        assert key is not None
        return sign_in_link(signer, "", key, place.now_us())

    async def test_one_that_is_opened_on_purpose_works_once(self, place: Place) -> None:
        link, visitor = await self.link(place), place.visitor(peer="10.0.0.7")
        answer = await visitor.web.get(link, headers={"sec-fetch-site": "none"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        await visitor.open("/")
        again = await place.visitor().web.get(link, headers={"sec-fetch-site": "none"})
        assert again.status_code == 401 and "used before" in again.text

    async def test_where_another_page_leads_to_it_it_asks_first(self, place: Place) -> None:
        link, visitor = await self.link(place), place.visitor(peer="10.0.0.7")
        text = await visitor.open(link)
        assert "signs you in as <b>chief</b>" in text
        assert (await visitor.web.get("/")).status_code == 303
        answer = await visitor.post("/sign-in/link", _token=token_in(text), **{"pass": link.partition("=")[2]})
        assert answer.status_code == 303
        await visitor.open("/")

    async def test_it_is_over_soon_and_with_its_key(self, place: Place) -> None:
        link = await self.link(place)
        place.later_us = 601 * 10**6
        await place.visitor().open(link, 401)
        place.later_us = 0
        await place.store.revoke_key("key-chief")
        await place.keys.refresh()
        await place.visitor().open(link, 401)
        await place.visitor().open("/sign-in/link", 401)


@pytest.mark.parametrize(
    "said",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "evil", "", "/\n/evil.example",
     "///evil.example", "/\t/evil.example", "http:evil.example", "/sign-out", "/sign-in?next=/", "/" * 3_000, "//[", " //evil.example"],
)  # fmt: skip
def test_nobody_is_led_elsewhere(said: str) -> None:
    assert safe_next(said) == "/"


@pytest.mark.parametrize("said", ["/", "/calls?feature=a%2Fb&period=7d", "/calls/abc", "/?next=https://evil.example"])
def test_pages_of_ours_are_gone_on_to(said: str) -> None:
    assert safe_next(said) == said


async def test_no_site_may_frame_the_sign_in(place: Place) -> None:
    for path in ("/sign-in", "/sign-in?next=/calls", "/"):
        headers = (await place.visitor().web.get(path)).headers
        assert headers["x-frame-options"] == "DENY" and "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "same-origin"
