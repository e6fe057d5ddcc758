from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from farthing.prices.card import CardFile, check_cards, ladder_of, read_cards, unit_name


def test_a_price_is_pico_dollars_a_unit() -> None:
    assert ladder_of("uncached_in", Decimal("0.0028")) == ((0, Decimal(2_800)),)
    assert ladder_of("web_search", Decimal(10)) == ((0, Decimal(10_000_000_000)),)
    assert ladder_of("audio_second", Decimal("0.36")) == ((0, Decimal(100_000_000)),)


def test_bands_are_sorted_and_start_at_0() -> None:
    amount = {"200000": Decimal(6), "0": Decimal(3)}
    assert ladder_of("out", amount) == ((0, Decimal(3_000_000)), (200_000, Decimal(6_000_000)))
    with pytest.raises(ValueError, match="out: bands start at 0"):
        ladder_of("out", {"200000": Decimal(6)})
    with pytest.raises(ValueError, match="out: invalid literal"):
        ladder_of("out", {"many": Decimal(6)})


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity"])
def test_no_amount(amount: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        ladder_of("out", Decimal(amount))


def test_units_have_names_that_people_use() -> None:
    assert (unit_name("input"), unit_name("output"), unit_name("w1h")) == ("uncached_in", "out", "w1h")
    with pytest.raises(ValueError, match="'tokens' is no unit; known are input, output, uncached_in"):
        unit_name("tokens")


def test_files_in_json_and_toml_say_the_same_exactly(tmp_path: Path) -> None:
    json, toml = tmp_path / "a.json", tmp_path / "a.toml"
    json.write_text(
        '{"provider": "acme", "models": [{"id": "m", "prices": [{"rates": {"input": 0.1, "output": "5.5"},'
        ' "valid_from": "2026-01-01"}]}]}'
    )
    toml.write_text(
        'provider = "acme"\n[[models]]\nid = "m"\n'
        "[[models.prices]]\nvalid_from = 2026-01-01\n[models.prices.rates]\ninput = 0.1\noutput = 5.5\n"
    )
    assert read_cards(json) == read_cards(toml)
    assert read_cards(toml).models[0].prices[0].rates == {"input": Decimal("0.1"), "output": Decimal("5.5")}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "a.json: "),
        ("a.json", '{"provider": "acme", "model": []}', "unknown field `model`"),
        (
            "a.json",
            '{"provider": "acme", "models": [{"id": "m", "prices": [{"rates": {"out": "x"}}]}]}',
            r"\$.models\[0\]",
        ),
        ("a.toml", "provider = ", "a.toml: "),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=said):
        read_cards(tmp_path / name)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"prices": [{"rates": {"tokens": "1"}}]}, "acme.json: model m: 'tokens' is no unit"),
        ({"prices": [{"rates": {"out": {"5": "1"}}}]}, "model m: out: bands start at 0"),
        ({"match": {"regex": "("}}, r"model m: regex '\('"),
    ],
)
def test_a_persons_file_is_checked_whole(members: dict[str, object], said: str) -> None:
    file = msgspec.convert({"provider": "acme", "models": [{"id": "m", **members}]}, CardFile, strict=False)
    with pytest.raises(ValueError, match=said):
        check_cards(file, "acme.json")
