"""The settings: values, secrets, and mistakes reported with line, key and cure."""

from datetime import date
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from farthing.settings import Secret, Settings, SettingsError, is_loopback, load, parse, shown_url

KEYED = '[providers.openai]\napi_key = "sk-1"\n'


def problems(text: str, environ: dict[str, str] | None = None) -> list[tuple[int, str, str, str]]:
    with pytest.raises(SettingsError) as caught:
        parse(text, environ or {})
    return [(at.line, at.key, at.problem, at.cure) for at in caught.value.problems]


def test_keys_of_the_environment_are_enough() -> None:
    settings = parse(
        "", {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a", "ANTHROPIC_BASE_URL": "https://proxy.test/"}
    )
    assert settings.providers["openai"].api_key.reveal() == "sk-o"
    assert settings.providers["openai"].base_url == ""
    assert settings.providers["anthropic"].base_url == "https://proxy.test/v1"
    assert settings.server.port == 4141


def test_without_file_and_keys_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"no provider is configured\n.*OPENAI_API_KEY.*farthing init"):
        load(None, {})


def test_a_file_without_providers_uses_the_keys_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "farthing.toml"
    file.write_text("[server]\nport = 5000\n")
    settings = load(file, {"OPENAI_API_KEY": "sk-o"})
    assert settings.server.port == 5000
    assert list(settings.providers) == ["openai"]


def test_a_file_is_found_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "farthing.toml").write_text(KEYED)
    assert list(load(None, {}).providers) == ["openai"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no\.toml: there is no such file"):
        load(tmp_path / "no.toml", {})


def test_a_whole_tree_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    (tmp_path / "cards.json").write_text("{}")
    text = """
[server]
host = "0.0.0.0"
workers = 2
header_timeout_s = 5

[store]
url = "sqlite:///data/ledger.db"

[providers.openai]
api_key = "env:KEY"
headers = { "x-team" = "env:TEAM" }
timeouts.connect_s = 2.5

[providers.mine]
kind = "vllm"
base_url = "http://10.0.0.1:8000/v1/"
api_key = "file:key"

[models."gpt-5.fast"]
provider = "mine"
model = "llama"

[[prices.contracts]]
provider = "openai"
percent_off = 12.5

[[prices.contracts]]
provider = "anthropic"
rates = { input = 2.40, output = "12" }
valid_from = 2026-01-01

[prices]
files = ["cards.json"]
"""
    file = tmp_path / "farthing.toml"
    file.write_text(text)
    settings = load(file, {"KEY": "sk", "TEAM": "blue"})
    assert settings.server.header_timeout_s == 5.0
    assert settings.store.url.reveal() == f"sqlite:///{tmp_path}/data/ledger.db"
    openai, mine = settings.providers["openai"], settings.providers["mine"]
    assert openai.headers["x-team"].reveal() == "blue"
    assert openai.timeouts.connect_s == 2.5
    assert openai.timeouts.idle_s == 120.0
    assert (mine.api_key.reveal(), mine.base_url) == ("from-file", "http://10.0.0.1:8000/v1")
    assert settings.models["gpt-5.fast"].provider == "mine"
    first, second = settings.prices.contracts
    assert first.percent_off == "12.5"
    assert second.rates == {"input": "2.40", "output": "12"}
    assert second.valid_from == date(2026, 1, 1)
    assert settings.prices.files == [str(tmp_path / "cards.json")]
    assert settings.warnings() == [
        "providers.mine.base_url: keys and prompts travel unencrypted over http; use https",
        "server.host: 0.0.0.0 is open to other machines without TLS; set tls_cert and tls_key",
    ]


def test_the_default_store_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "farthing.toml").write_text(KEYED)
    assert load(tmp_path / "farthing.toml", {}).store.url.reveal() == f"sqlite:///{tmp_path}/farthing.db"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.000000001", "0.000000001"), ("1e-9", "0.000000001"), ("1e3", "1000"), ("2.50", "2.50"), ("0.0", "0.0"), ("7", "7"),
        ("'0.10'", "0.10"),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_it_is_meant(written: str, read: str) -> None:
    assert parse(f"[budgets.b]\namount = {written}\n" + KEYED, {}).budgets["b"].amount == read


@pytest.mark.parametrize("written", ["-1", "-0.000000001", "nan", "inf", "1e99999999", "1e-99999999", "'1e-9'", "''"])
def test_what_is_no_amount_is_refused(written: str) -> None:
    [(line, key, problem, _)] = problems(f"[budgets.b]\namount = {written}")
    assert (line, key) == (2, "budgets.b.amount") and "is not an amount" in problem


def test_all_mistakes_are_reported_at_once_with_line_key_and_cure() -> None:
    text = """
[server]
prot = 4141
port = 70000
host = [
  "a",
]
workers = "x"

[porviders.openai]

[[prices.contracts]]
provider = "openai"

[[prices.contracts]]
provider = "openai"
rates = { input = "abc" }
"""
    assert problems(text) == [
        (3, "server.prot", "there is no such setting", "Did you mean port?"),
        (4, "server.port", "must be at most 65535, not 70000", "TCP port; 0 takes a free one."),
        (
            5,
            "server.host",
            "must be text in quotes, not a list",
            "Address to listen on. Other than loopback, keys are needed.",
        ),
        (8, "server.workers", "must be a whole number, not text", "Processes that share the port and the store."),
        (10, "porviders", "there is no such setting", "Did you mean providers?"),
        (17, "prices.contracts[2].rates.input", "'abc' is not an amount", "Write a plain number, such as 2.50."),
    ]


@pytest.mark.parametrize(
    ("text", "line", "key", "problem", "cure"),
    [
        ("port = 1", 1, "port", "no such setting", "belongs below [server]"),
        ("\n\nx = ", 3, "", "not TOML", "key = value"),
        ('x = "abc', 1, "", "not TOML", "in quotes"),
        ("server = 3", 1, "server", "must be a table, not a whole number", "[server]"),
        ("[models.fast]\nmodel = 'm'\n" + KEYED, 1, "models.fast", "not said where", "provider ="),
        ("[models.fast]\nprovider = 'opnai'\nmodel='m'\n" + KEYED, 2, "models.fast.provider", "no provider", "openai?"),
        ("[server]\nadmin = 'maybe'", 2, "server.admin", "maybe", "this machine"),
        ("[server]\nbody_timeout_s = nan", 2, "server.body_timeout_s", "", "Seconds"),
        ("[server]\nbody_timeout_s = inf", 2, "server.body_timeout_s", "at most", "Seconds"),
        ("[server]\nport = 4141.5", 2, "server.port", "whole number", "TCP port"),
        ("[server]\nport = true", 2, "server.port", "whole number, not true or false", "TCP port"),
        ("[server]\ntls_cert = 'no.pem'", 2, "server.tls_cert", "no file no.pem", "relative"),
        ("[store]\nurl = 'mysql://me:hush@h/d'\n", 2, "store.url", "'mysql://me:***@h/d' is no store", "postgresql"),
        ("[store]\nurl = ''\n" + KEYED, 2, "store.url", "must not be empty", "sqlite"),
        ("[prices]\nallow_unpriced = 1", 2, "prices.allow_unpriced", "true or false, not a whole", "unknown"),
        ("[prices]\nfiles = 'a.json'", 2, "prices.files", "a list, not text", "Rate card"),
    ],
)
def test_a_mistake_is_explained(text: str, line: int, key: str, problem: str, cure: str) -> None:
    environ = {} if KEYED in text else {"OPENAI_API_KEY": "k"}
    first = problems(text, environ)[0]
    assert first[:2] == (line, key)
    assert problem in first[2]
    assert cure in first[3]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('base_url = "htp://x"', "is not an http or https address"),
        ('base_url = "https://"', "is not an http or https address"),
        ('base_url = "https://h:99999/"', "is not an http or https address"),
        ('base_url = "https://me:hush@h/v1"', "an address holds no credentials"),
        ('base_url = "https://h/v1?key=hush"', "an address holds no credentials"),
        ('base_url = "https://h/v1#x"', "has characters that no address has"),
        ('base_url = "http://localhost:4141/v1"', "is this gateway itself"),
        ('api_key = "env:NOPE"', "the environment has no NOPE"),
        ('api_key = "file:nope"', "nope cannot be read: no such file"),
        ('api_key = "a\\nb"', "line breaks or control characters"),
        ("api_key = 7", "must be text in quotes, not a whole number"),
        ('headers = { "x y" = "1" }', "is no name of a header"),
        ('proxy = "http://p:1"', "knows no proxies"),
    ],
)
def test_a_provider_with_a_mistake(line: str, problem: str) -> None:
    found = problems(f"[providers.openai]\n{line}\n")
    assert found[0][0] == 2
    assert problem in found[0][2]
    assert "hush" not in str(found)


def test_no_secret_is_shown() -> None:
    text = """
[store]
url = "postgresql://me:hush@h/d"
[providers.openai]
api_key = "hush"
headers = { authorization = "hush" }
client = "aiohttp"
proxy = "http://me:hush@p:1"
[otel]
headers = { key = "hush" }
"""
    settings = parse(text, {})
    assert "hush" not in f"{settings!r} {settings} {settings.store.url} {settings.providers['openai'].api_key!s}"
    assert settings.store.url.reveal() == "postgresql://me:hush@h/d"


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert not Secret()


def test_passwords_are_left_out_of_addresses() -> None:
    assert shown_url("postgresql://me:hush@h/d") == "postgresql://me:***@h/d"
    assert shown_url("postgresql://me@h/d") == "postgresql://me@h/d"
    assert shown_url("sqlite:///a@b:c.db") == "sqlite:///a@b:c.db"


def test_a_public_server_is_warned_of() -> None:
    settings = parse('[server]\nhost="::"\nadmin="on"\n[prices]\nallow_unpriced=true\n', {"OPENAI_API_KEY": "k"})
    assert len(settings.warnings()) == 3


@pytest.mark.parametrize(
    ("host", "yes"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x", False)]
)
def test_loopback(host: str, yes: bool) -> None:
    assert is_loopback(host) is yes


def test_a_command_reads_only_the_tables_it_needs() -> None:
    text = '[providers.openai]\napi_key = "env:NOPE"\n[server]\nprot = 1\n[store]\nurl = "sqlite:///a.db"\n'
    settings = parse(text, {}, only={"store"})
    assert settings.store.url.reveal() == "sqlite:///a.db"
    assert settings.providers == {}
    with pytest.raises(SettingsError, match=r"store\.url"):
        parse('[store]\nurl = "x"\n', {}, only={"store"})


def test_kinds_of_providers_are_checked_against_those_that_are_known() -> None:
    kinds = {"openai": "https://api.test/v1", "vllm": ""}
    assert parse('[providers.mine]\nkind = "openai"\n', {}, kinds=kinds).providers["mine"].kind == "openai"
    with pytest.raises(SettingsError, match=r"2: providers\.mine\.kind: 'opnai' is no kind.*\n.*kind = \"openai\""):
        parse('[providers.mine]\nkind = "opnai"\n', {}, Path("a.toml"), kinds=kinds)
    with pytest.raises(SettingsError, match=r"1: providers\.vllm\.base_url: is missing"):
        parse("[providers.vllm]\n", {}, Path("a.toml"), kinds=kinds)


def test_an_address_may_come_from_the_environment() -> None:
    settings = parse('[providers.azure]\nbase_url = "env:BASE"\n', {"BASE": "https://mine.test/"})
    assert settings.providers["azure"].base_url == "https://mine.test"
    assert problems('[providers.azure]\nbase_url = "env:BASE"\n', {"BASE": "mine"})[0][1] == "providers.azure.base_url"


@pytest.mark.parametrize(
    ("openai", "anthropic", "wanted"),
    [
        ("https://o.test/v1", "https://a.test", ("https://o.test/v1", "https://a.test/v1")),
        ("https://o.test", "https://a.test/v1/", ("https://o.test/v1", "https://a.test/v1")),
        ("https://o.test/deep/api", "https://a.test/deep", ("https://o.test/deep/api", "https://a.test/deep/v1")),
    ],
)
def test_addresses_of_the_sdks_get_their_version(openai: str, anthropic: str, wanted: tuple[str, str]) -> None:
    environ = {
        "OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "OPENAI_BASE_URL": openai, "ANTHROPIC_BASE_URL": anthropic
    }  # fmt: skip
    providers = parse("", environ).providers
    assert (providers["openai"].base_url, providers["anthropic"].base_url) == wanted


@given(st.text(max_size=200))
def test_any_text_gives_settings_or_an_explained_error(text: str) -> None:
    try:
        assert isinstance(parse(text, {"OPENAI_API_KEY": "k"}), Settings)
    except SettingsError as error:
        assert all(at.problem for at in error.problems)


VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["url", "models", "a b", "timeouts"]), inner)
    ),
    max_leaves=6,
)


@given(
    st.sampled_from(["server", "store", "providers", "models", "prices", "logs"]),
    st.sampled_from(["host", "x", "files", "url", "openai", "contracts"]),
    VALUES,
)
def test_any_value_gives_settings_or_an_explained_error(section: str, key: str, value: object) -> None:
    text = tomlkit.dumps({section: {key: value}})
    try:
        parse(text, {"OPENAI_API_KEY": "k"})
    except SettingsError as error:
        assert all(at.problem for at in error.problems)


def test_what_is_kept_in_the_open_is_warned_of() -> None:
    kept = '[capture]\nfeatures = ["triage"]\n'
    keys = {"OPENAI_API_KEY": "sk-123456"}
    assert [each.split(":")[0] for each in parse(kept + "redact = false", keys).warnings()] == [
        "capture.encryption_key", "capture.redact",
    ]  # fmt: skip
    assert parse(kept + f'encryption_key = "{"00" * 32}"', keys).warnings() == []
    assert parse("[capture]\nredact = false", keys).warnings() == []
