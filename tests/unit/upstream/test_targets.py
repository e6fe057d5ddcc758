"""Which addresses may be posted to, and what their hosts may lead to."""

import pytest

from farthing.upstream.targets import Targets

TARGETS = Targets(
    ["https://hooks.example.com/farthing/*", "https://*.example.org:8443/*", "http://127.0.0.1:9/*", "nonsense"]
)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/farthing/a?b=c",
        "https://a.example.org:8443/x",
        "http://127.0.0.1:9/",
        "HTTPS://HOOKS.example.com/farthing/",
    ],
)
def test_what_fits_a_pattern_is_allowed(url: str) -> None:
    assert TARGETS.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/farthing/a",
        "https://hooks.example.com/other",
        "https://hooks.example.com/farthing/../admin",
        "https://hooks.example.com:444/farthing/a",
        "https://user@hooks.example.com/farthing/a",
        "https://hooks.example.com@evil.example/farthing/a",
        "https://hooks.example.com\\@evil.example/farthing/a",
        "https://evil.example/?https://hooks.example.com/farthing/a",
        "https://a.example.org/x",
        "https://*.example.org:8443/x",
        "ftp://hooks.example.com/farthing/a",
        "https://hooks.example.com/farthing/a#b",
        "https://hooks.example.com/farthing/\r\nx: y",
        "https://[::1/farthing",
        "http://127.0.0.1:99999/",
        "",
        "x" * 5000,
    ],
)
def test_what_fits_none_is_not(url: str) -> None:
    assert not TARGETS.allows(url)


def test_nobody_is_allowed_without_patterns() -> None:
    assert not Targets([]).allows("https://hooks.example.com/")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.7",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "::ffff:10.0.0.7",
        "0.0.0.0",
        "224.0.0.1",
        "",
        "name",
    ],
)
def test_a_wild_host_leads_to_the_open_internet_alone(address: str) -> None:
    assert not TARGETS.may_reach("a.example.org", address)


def test_a_host_that_is_named_in_full_may_be_near() -> None:
    assert TARGETS.may_reach("127.0.0.1", "127.0.0.1") and TARGETS.may_reach("hooks.example.com", "10.0.0.7")
    assert TARGETS.may_reach("a.example.org", "8.8.8.8") and TARGETS.may_reach("a.example.org", "2606:4700::1111")
