"""Own GPUs in the ledger: used and idle hours by hand, on both engines; calls priced by their share of the paid hours."""

from datetime import date
from pathlib import Path

import pytest

from farthing.cli.common import load_settings
from farthing.finops.selfhosted import standing
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.prices.configured import configured_book
from farthing.settings import Amount, OwnDeploymentSettings
from farthing.settings.own_rates import dollars_a_million
from farthing.store import Store
from farthing.store.served import Served, served

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
START_US = 20_000 * DAY_US
NAME = "own/llama-8b"
OWN = OwnDeploymentSettings(
    gpus=2, dollars_per_gpu_hour=Amount("3.6"), tokens_per_second=1000.0, input_weight=0.1, cached_weight=0.0
)


def test_a_day_by_hand() -> None:
    """24 h x 2 x $3.60 = $172.80. A busy token is $7.20 / 3.6 M = $2 a million: 0.8 M out and 2 M in at a tenth: $2."""
    hours = [Served(START_US + HOUR_US, 40, 2_000_000, 5_000_000, 800_000, 1, 0)]
    found = standing(NAME, OWN, hours, START_US, START_US + DAY_US)
    assert (found.paid, found.gpus, found.used) == (172_800_000_000, 172_800_000_000, 2_000_000_000)
    assert found.idle == 170_800_000_000
    assert found.utilisation == pytest.approx(2 / 172.8)
    assert found.busiest == pytest.approx(1.0 / 3.6)
    assert (found.per_call, found.per_call_with_idle) == (50_000_000, 4_320_000_000)
    assert found.per_million == 216_000_000_000
    assert (found.gpu_hours, found.without_usage) == (48.0, 1)


def test_hours_that_are_not_paid_and_days_before_and_after_are_in_no_bill() -> None:
    first = date(2024, 10, 5)  # the day after START
    own = OwnDeploymentSettings(
        gpus=1, dollars_per_gpu_hour=Amount("1"), tokens_per_second=10.0, hours_a_week=84.0,
        other_dollars_a_month=Amount("730"), valid_from=first, valid_to=first,
    )  # fmt: skip
    early = Served(START_US + HOUR_US, 1, 0, 0, 1000, 0, 5)
    found = standing(NAME, own, [early], START_US, START_US + 7 * DAY_US)
    assert (found.gpus, found.paid) == (12_000_000_000, 36_000_000_000)
    assert (found.attempts, found.used, found.per_call, found.in_ledger) == (0, 0, None, 0)
    assert found.idle == found.gpus


def test_more_than_the_stated_speed_shows_as_less_than_no_idle_time() -> None:
    hours = [Served(START_US, 1, 0, 0, 36_000_000, 0, 0)]
    found = standing(NAME, OWN, hours, START_US, START_US + HOUR_US)
    assert found.idle < 0 and found.utilisation == pytest.approx(10) == found.busiest


def _record(call_id: str, at_us: int, deployment: str, usage: Usage | None, cost: int = 7) -> Record:
    attempt = Attempt(no=1, provider="own", deployment=deployment, model="llama-8b", status=200, usage=usage, cost=cost)
    return Record(
        id=call_id, started_us=at_us, wire="openai.chat", model_asked="llama", model="llama-8b", provider="own",
        deployment=deployment, status=200, cost=cost, baseline=cost, attempts=[attempt],
    )  # fmt: skip


async def test_what_a_deployment_served_is_read_by_hour(store: Store) -> None:
    used = Usage(uncached_in=100, cache_read=30, out=50, reasoning=20)
    records = [
        _record("a", START_US + 1, NAME, used), _record("b", START_US + 2, NAME, None),
        _record("c", START_US + HOUR_US, NAME, used), _record("d", START_US + 3, "own/other", used),
        _record("e", START_US + DAY_US, NAME, used),
    ]  # fmt: skip
    await store.write(records)
    found = await store.do(lambda connection: served(connection, NAME, START_US, START_US + DAY_US))
    assert found == [
        Served(START_US, 2, 100, 30, 50, 1, 14), Served(START_US + HOUR_US, 1, 100, 30, 50, 0, 7),
    ]  # fmt: skip


TOML = """
[providers.own]
kind = "vllm"
base_url = "http://127.0.0.1:8000/v1"

[models.llama]
[[models.llama.deployments]]
provider = "own"
model = "llama-8b"

[selfhost.deployments."own/llama-8b"]
gpus = 2
dollars_per_gpu_hour = 3.6
tokens_per_second = 1000
input_weight = 0.1
cached_weight = 0.01
"""


@pytest.mark.parametrize("only", [None, {"prices"}])
def test_calls_at_it_cost_their_share_of_the_paid_hours(tmp_path: Path, only: set[str] | None) -> None:
    file = tmp_path / "farthing.toml"
    file.write_text(TOML)
    book = configured_book(load_settings(file, only=only).prices)
    priced = book.price(
        "own", "llama-8b", Usage(uncached_in=1_000_000, cache_read=1_000_000, out=1_000_000), at_us=START_US
    )
    assert (priced.state, priced.nano) == ("computed", 2_000_000_000 + 200_000_000 + 20_000_000)
    off = tmp_path / "off.toml"
    off.write_text(TOML + "price_calls = false\n")
    assert not load_settings(off, only=only).prices.contracts


def test_the_ledger_and_the_standing_agree_to_the_rounding_of_rates(tmp_path: Path) -> None:
    file = tmp_path / "farthing.toml"
    file.write_text(TOML)
    settings = load_settings(file)
    own = settings.selfhost.deployments[NAME]
    usage = Usage(uncached_in=12_345, cache_read=678, out=9_012)
    priced = configured_book(settings.prices).price("own", "llama-8b", usage, at_us=START_US)
    found = standing(NAME, own, [Served(START_US, 1, 12_345, 678, 9_012, 0, priced.nano)], START_US, START_US + HOUR_US)
    assert found.used == pytest.approx(priced.nano, abs=10) == found.in_ledger


def test_rates_are_whole_pico_dollars() -> None:
    odd = OwnDeploymentSettings(gpus=3, dollars_per_gpu_hour=Amount("2.47"), tokens_per_second=777.0)
    assert str(dollars_a_million(odd)) == "2.649078"


def test_a_label_that_no_deployment_has_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "farthing.toml"
    file.write_text(TOML)
    assert not [each for each in load_settings(file).warnings() if "selfhost" in each]
    file.write_text(TOML.replace('deployments."own/llama-8b"', 'deployments."nobody/x"'))
    (warning,) = [each for each in load_settings(file).warnings() if "selfhost" in each]
    assert 'selfhost.deployments."nobody/x"' in warning
