"""The overview: the figures are those of the reports, each leads on, and it stands whatever callers call things."""

import csv
import io
import time
from pathlib import Path

from browser import company, oddities
from farthing.dashboard.formats import money
from farthing.dashboard.overview.welcome import welcome
from farthing.dashboard.pages import overview
from farthing.finops import forecasts
from farthing.model.money import exact_dollars
from farthing.settings import FilePath, ProviderSettings, Secret, ServerSettings, Settings, Url
from farthing.store import Store
from farthing.store.rollups import DAY_US
from unit.dashboard.visitors import Place, Sketches, Visitor, a_place

DAYS = 14
OPENAI = ProviderSettings(base_url=Url("http://127.0.0.1:9/v1"), api_key=Secret("sk-none"))


async def filled(store: Store) -> None:
    batch = list(company.records(time.time_ns() // 1000, DAYS))
    for start in range(0, len(batch), 1_000):
        await store.write(batch[start : start + 1_000])


async def table(visitor: Visitor, name: str, query: str = "period=30d") -> list[dict[str, str]]:
    answer = await visitor.web.get(f"/csv/{name}?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


async def check_figures(place: Place, visitor: Visitor) -> None:
    since = place.now_us() // DAY_US * DAY_US - 29 * DAY_US
    days = await place.store.report("day", since, tenant="default")
    text = await visitor.open("/?period=30d&compare=before")
    spent, baseline = sum(row.cost for row in days), sum(row.baseline for row in days)
    assert money(spent) in text
    assert f"{100 * (baseline - spent) / baseline:.1f} % of {money(baseline)}" in text
    month = await place.store.do(lambda each: forecasts.read(each, place.now_us(), tenant="default"))
    assert money(month.total.forecast.spent) in text
    levers = {row.lever: row for row in await place.store.levers(since, tenant="default")}
    saved = {row["lever"]: row for row in await table(visitor, "savings")}
    assert set(saved) == set(levers)
    assert all(saved[name]["saved"] == exact_dollars(row.saved) for name, row in levers.items())
    features = {row["feature"]: row["cost"] for row in await table(visitor, "features")}
    reported = await place.store.report("feature", since, tenant="default")
    assert features == {row.key: exact_dollars(row.cost) for row in reported}
    assert len(await table(visitor, "metrics")) == 6
    assert 'href="/calls?period=30d&amp;compare=before&amp;feature=coding+agent"' in text
    assert 'href="/calls?period=30d&amp;compare=before&amp;feature="' in text, "calls that said none have a way too"


async def check_scopes(visitor: Visitor) -> None:
    for query in (
        "feature=support+chat", "feature=", "team=support", "model=gpt-5.4", "task=qa", "tier=small", "key=key-legal",
        "user=user-001", "project=helpdesk", "feature=nobody", "period=today", "period=2020-01", "period=365d", "period=3650d",
    ):  # fmt: skip
        text = await visitor.open(f"/?{query}")
        assert "Welcome. No call" not in text
    assert "take the filter away" in await visitor.open("/?team=support")
    assert "Nothing was spent" in await visitor.open("/?period=2020-01")
    assert "no sums are kept" in await visitor.open("/?team=support&task=qa", 400)


async def test_figures_are_those_of_the_reports_in_every_scope(tmp_path: Path) -> None:
    settings = Settings(providers={"openai": OPENAI})
    async with a_place(tmp_path, settings, before=filled, studio=Sketches()) as place:
        visitor = place.visitor()
        await check_figures(place, visitor)
        await check_scopes(visitor)


async def test_before_the_first_call_it_says_how_to_make_one(tmp_path: Path) -> None:
    async with a_place(tmp_path, shown=(overview.PAGE,), studio=Sketches()) as place:
        text = await place.visitor().open("/")
        assert "No call has come through yet" in text
        assert 'OpenAI(base_url="http://127.0.0.1:4141/v1")' in text
        assert "curl http://127.0.0.1:4141/v1/chat/completions" in text
        assert "YOUR-FARTHING-KEY" not in text
        await place.visitor().open("/csv/features", 404)
        key = await place.add_key("viewer", role="viewer")
        assert "YOUR-FARTHING-KEY" in await place.visitor(key).open("/")


def test_the_welcome_names_an_address_that_can_be_called() -> None:
    assert welcome(ServerSettings(host="0.0.0.0", port=80), False).openai == "http://YOUR-HOST:80/v1"
    assert welcome(ServerSettings(host="::1"), False).anthropic == "http://[::1]:4141"
    assert welcome(ServerSettings(tls_cert=FilePath("x")), True).openai.startswith("https://")


async def test_names_that_callers_made_up_do_no_harm(tmp_path: Path) -> None:
    async def odd(store: Store) -> None:
        await store.write(list(oddities.records(time.time_ns() // 1000)))

    async with a_place(tmp_path, before=odd) as place:
        visitor = place.visitor()
        text = await visitor.open("/?period=90d")
        assert len(text) < 400_000
        assert "<script>document" not in text
        assert "&lt;script&gt;document" in text
        assert "cannot be drawn" not in text
        answer = await visitor.web.get("/?period=90d", headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
