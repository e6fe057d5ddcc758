"""What is taken out of texts, and what is left alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.steps.capture.redaction import _NEEDS_ANY, _RULES, finds, is_card, is_iban, redact

TAKEN_OUT = {
    "email": [
        "ana.b+news@mail.example.co.uk", "o'neil@example.org", "jürgen@müller-gmbh.de", "A_1%x@sub.dom.example",
        "ana%40example.org",
    ],
    "card": [
        "4111 1111 1111 1111", "4111-1111-1111-1111", "5500005555555559", "378282246310005", "6011 1111 1111 1117",
        "3530111333300000", "4111\u00a01111\u00a01111\u00a01111", "4111  1111  1111  1111", "4111.1111.1111.1111", "4111_1111_1111_1111",
        "4111\u20111111\u20111111\u20111111", "3782\u2009822463\u200910005",
    ],
    "iban": [
        "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR14 2004 1010 0505 0001 3M02 606", "NL91ABNA0417164300",
        "ch93 0076 2011 6238 5295 7",
    ],
    "ip": ["192.168.17.4", "8.8.8.8", "2001:db8:85a3::8a2e:370:7334", "fe80::1ff:fe23:4567:890a", "::ffff:10.1.2.3"],
    "phone": [
        "+49 30 901820", "+44 (0)20 7946 0958", "+1-202-555-0143", "0049 171 1234567", "030 / 1234567", "(202) 555-0143",
        "202-555-0143", "01711234567", "+33 1 42 68 53 00", "089-123 456 78",
        "+49\u00a0171\u00a01234567", "1-800-555-0199", "01 23 45 67 89", "202\u2011555\u20110143",
    ],
    "secret": [
        "sk-proj-AbCdEf0123456789AbCdEf0123456789", "sk-ant-api03-AAAAbbbbCCCCdddd1111", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0123456789_abcdefghij", "AKIAIOSFODNN7EXAMPLE", "AIzaSyA-0123456789abcdefghijklmnopqrstu",
        "xoxb-123456789012-abcdefghijkl", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----", "glpat-abcdefghij0123456789",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dcXX",
    ],
}  # fmt: skip

LEFT_ALONE = [
    "Order 4111 1111 1111 1112 of 2026-11-25 at 14:03:22", "Invoice 2026-000123 over 1,234,567.89 EUR",
    "version 10.2.3 and 1.2.3.4.5", "item 1234567890123456", "25.11.2026", "2026-11-25 10", "call get_it() at line 1200",
    "DE00370400440532013000", "the ratio is 16:9 or 4:3", "std::vector<int>::iterator", "user @home", "a@b",
    "the password is required", "my secret: none", "0.123456789", "tel. 110", "ISBN 978-3-16-148410-0", "12:34:56",
    "Order 12345678", "api_key = {{KEY}}", "from 300 400 to 500", "sk-learn is a library", "Basic training starts now",
    "#100200300", "x+12345678901", "3.14159265358979",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "said"), [(kind, each) for kind, texts in TAKEN_OUT.items() for each in texts])
def test_it_is_taken_out_wherever_it_stands(kind: str, said: str) -> None:
    for before, after in (("", ""), ("Reach me: ", "."), ('{"it": "', '"}'), ("(", ")"), ("Zahlung an ", ", bitte")):
        done = redact(before + said + after)
        assert said not in done.text and sum(done.found.values()) == 1 and kind in done.found, done
        assert done.text.startswith(before) and f"[{kind}]" in done.text


@pytest.mark.parametrize("said", LEFT_ALONE)
def test_other_numbers_and_words_stay(said: str) -> None:
    assert redact(said) == (said, {}) and not finds(said)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("http://192.168.17.4:8080/x", "http://[ip]:8080/x"),
        ("tel:+491711234567", "tel:[phone]"),
        ("No.4111111111111111", "No.[card]"),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key=[secret]"),
        ("pwd=geheim123", "pwd=[secret]"),
        ("AccountName=a;AccountKey=abcd1234abcd1234==", "AccountName=a;AccountKey=[secret]"),
        ('secret_key = "abcdefgh"', 'secret_key = "[secret]"'),
        ("token=abcdef1234567890", "token=[secret]"),
        ("max_tokens: 4096000000000000000", "max_tokens: 4096000000000000000"),
        ("password: hunter2!x", "password: [secret]"),
        ('"api_key": "abc123def"', '"api_key": "[secret]"'),
        ("Authorization: Bearer abcdefghij0123456789", "Authorization: Bearer [secret]"),
        ("postgresql://bob:pa55word@db.example.org/x", "postgresql://bob:[secret]@db.example.org/x"),
        ("Passwort lautet Geheim123", "Passwort lautet [secret]"),
    ],
)
def test_only_the_secret_itself_goes(said: str, left: str) -> None:
    assert redact(said).text == left


def test_what_was_redacted_stays_as_it_is() -> None:
    once = redact(
        "mail ana@example.org, call +49 30 901820, key sk-proj-AbCdEf0123456789AbCdEf0123456789, password: xy12345"
    ).text
    assert redact(once) == (once, {})


def test_check_digits() -> None:
    assert is_card("4242424242424242") and not is_card("4242424242424241") and not is_card("0000000000000000")
    assert is_iban("DE89370400440532013000") and not is_iban("DE89370400440532013001")


@given(st.text(max_size=300))
def test_any_text_is_read_and_read_again_to_the_same(text: str) -> None:
    redact(redact(text).text)


@pytest.mark.parametrize(
    "piece",
    [
        "a@",
        "1 ",
        "1.1.",
        "::",
        "+1 ",
        "eyJa.",
        "sk-",
        "password: ",
        "x://a:",
        "DE12",
        "0123 ",
        "-----BEGIN PRIVATE KEY-----",
        "a.b-",
    ],
)
def test_hostile_texts_take_no_longer(piece: str) -> None:
    begun = time.process_time()
    redact(piece * (60_000 // len(piece)))
    assert time.process_time() - begun < 2


@given(st.text(alphabet="ab1@:=-_./+~ \nBearsckxoKGINPRVTEYl", max_size=60))
def test_texts_that_are_passed_by_hold_nothing(text: str) -> None:
    """The first look says no only where each pattern says no."""
    if _NEEDS_ANY.search(text) is None:
        assert not any(pattern.search(text) and kind != "card" for kind, pattern, _ in _RULES)


@pytest.mark.parametrize(("kind", "said"), [(kind, said) for kind, all_said in TAKEN_OUT.items() for said in all_said])
def test_nothing_known_is_passed_by(kind: str, said: str) -> None:
    assert _NEEDS_ANY.search(said) is not None
