"""GPUs by any of their names; prices with date and source, from our table and from catalogues of others."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from farthing.model.errors import BadRequest
from farthing.selfhost import gpu_prices
from farthing.selfhost.gpu_prices import OLD_DAYS, Listed, Offer, offers_for
from farthing.selfhost.gpus import as_of, every, find, gpu, sources


def test_every_gpu_has_what_the_arithmetic_needs_and_a_source() -> None:
    assert len(every()) >= 30
    assert as_of() <= date.today()
    for each in every():
        assert each.memory_gb > 0 and each.bandwidth_gb_s > 0 and each.tflops16 > 0 and each.link_gb_s > 0, each.name
        letters = {part.strip()[0] for part in each.source.split(";") if len(part.strip()) == 1 or ": " in part}
        assert letters and {each.source.strip()[0]} <= set(sources()), each.name


def test_dense_peaks_double_where_bits_halve() -> None:
    for each in every():
        if each.vendor == "NVIDIA" and each.architecture in ("Ada", "Hopper", "Blackwell"):
            assert each.tflops8 == pytest.approx(2 * each.tflops16, rel=0.02), each.name


@pytest.mark.parametrize(
    ("name", "found"),
    [("h100", "H100"), ("NVIDIA H100-SXM-80GB", "H100"), ("A100-80GB", "A100"), ("a100 40gb", "A100 40GB"), ("H200 SXM 141GB", "H200"),
     ("RTX4090", "RTX 4090"), ("AMD Instinct MI300X", "MI300X"), ("gaudi2", "Gaudi 2"), ("L40S", "L40S")],
)  # fmt: skip
def test_spellings(name: str, found: str) -> None:
    assert gpu(name).name == found


def test_no_two_gpus_share_a_name() -> None:
    names = [name for each in every() for name in (each.name, *each.aliases)]
    assert all(find(name) for name in names)
    assert {find(name).name for name in names} == {each.name for each in every()}  # type: ignore[union-attr]
    for each in every():
        assert gpu(each.name) is each


def test_an_unknown_one_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadRequest, match="did you mean H100"):
        gpu("H1000")


def test_prices_warn_after_thirty_days() -> None:
    offer = Offer("H100", "on-demand", 1.0, 2.0, 3.0, 5, date(2026, 1, 1), "list")
    assert offer.warning(date(2026, 1, 1) + timedelta(OLD_DAYS)) == ""
    assert "31 days old (2026-01-01, list)" in offer.warning(date(2026, 1, 1) + timedelta(OLD_DAYS + 1))


def test_the_shipped_prices_are_of_known_gpus() -> None:
    for each in gpu_prices.shipped():
        assert gpu(each.gpu).name == each.gpu
        assert 0 < each.low <= each.median <= each.high < 20
        assert each.source and each.offers > 0
    assert offers_for(gpu("H100"), gpu_prices.shipped()).median == pytest.approx(2.59)  # type: ignore[union-attr]
    assert offers_for(gpu("Max 1550"), gpu_prices.shipped()) is None


def test_skypilot_catalogues_are_read_per_gpu(tmp_path: Path) -> None:
    file = tmp_path / "vms.csv"
    file.write_text(
        "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region,GpuInfo,Arch\n"
        "p5.48xlarge,H100,8.0,192,2048,98.32,32.0,us-east-1,{},x86_64\n"
        "g6.xlarge,L4,1,4,16,0.8048,,us-east-1,{},x86_64\n"
        "m5.large,,,2,8,0.096,0.03,us-east-1,,x86_64\n"
        "a2,A100-80GB,1,12,170,5.07,1.2,r,{},x86_64\n"
        "x,Unknown9000,1,4,16,1,1,r,{},x86_64\n"
    )
    assert gpu_prices.skypilot(file) == [
        Listed("H100", "on-demand", 12.29), Listed("H100", "spot", 4.0), Listed("L4", "on-demand", 0.8048),
        Listed("A100", "on-demand", 5.07), Listed("A100", "spot", 1.2),
    ]  # fmt: skip


def test_gpuhunt_catalogues_say_memory_and_spot_apart(tmp_path: Path) -> None:
    file = tmp_path / "hunt.csv"
    file.write_text(
        "instance_name,location,price,cpu,memory,gpu_vendor,gpu_count,gpu_name,gpu_memory,spot,disk_size\n"
        "a,eu,1.5,8,64,nvidia,1,A100,40,False,\nb,eu,4.0,8,64,nvidia,2,A100,80,True,\nc,eu,9,8,64,nvidia,0,,,False,\n"
        "d,eu,2,8,64,nvidia,1,H100,13,False,\n"
    )
    assert gpu_prices.gpuhunt(file) == [Listed("A100 40GB", "on-demand", 1.5), Listed("A100", "spot", 2.0)]


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "no.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(BadRequest, match="has no column AcceleratorName"):
        gpu_prices.skypilot(file)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(BadRequest, match="no GPU prices"):
        gpu_prices.read(tmp_path / "bad.json")


def test_what_was_imported_is_read_back(tmp_path: Path) -> None:
    offers = gpu_prices.summed([Listed("H100", "spot", 1.0), Listed("H100", "spot", 3.0)], date(2026, 11, 1), "mine")
    gpu_prices.write(tmp_path / "p.json", offers)
    assert gpu_prices.read(tmp_path / "p.json") == (Offer("H100", "spot", 1.0, 2.0, 3.0, 2, date(2026, 11, 1), "mine"),)
