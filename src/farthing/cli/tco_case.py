"""From what was typed to the case that is compared: demand from the ledger, prices from the book, speed from the roofline."""

import time
from datetime import datetime
from pathlib import Path

import click
import msgspec

from farthing.cli.common import load_settings, microseconds, with_store
from farthing.cli.selfhost_common import measured_of, model_of, offers_of, today
from farthing.finops.makers import maker_of
from farthing.model.errors import BadRequest
from farthing.prices.configured import configured_book
from farthing.selfhost import memory
from farthing.selfhost.calibrate import Estimate, estimate
from farthing.selfhost.formats import format_named, why_not
from farthing.selfhost.gpu_prices import Offer, offers_for
from farthing.selfhost.gpus import gpu
from farthing.selfhost.points import of_serving
from farthing.selfhost.roofline import Load, Serving
from farthing.selfhost.tco.api_side import ApiPrices, Extras, prices_of
from farthing.selfhost.tco.demand import PROFILES, Demand, Hour, from_hours
from farthing.selfhost.tco.fleet import Goal, Replica, Sizing, under_goal
from farthing.selfhost.tco.own_side import Own, Premises
from farthing.selfhost.tco.report import Case
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.reading import report
from farthing.store.rollups import HOUR_US

GIVEN_SPEED = 0.15
"""How far a speed that was only said may be off, either way: what load tests of other days differ by."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The options, by name; see `tco_options`."""

    calls: float | None
    taken: float
    written: float
    cached: float | None
    batch_share: float
    profile: str
    from_ledger: bool
    since: int
    tenant: str
    growth: float
    api: str
    provider: str
    api_input: float | None
    api_output: float | None
    api_cached: float | None
    training_tokens: float
    epochs: float
    training_price: float
    embedded_tokens: float
    embedding_price: float
    own: Path | None
    gpu: str
    gpus: int
    format_: str
    engine: str
    tokens_s: float | None
    ttft: float
    tpot: float
    size_for: float
    headroom: float
    spares: int
    scale: bool
    most_gpus: int
    rent: str
    gpu_hour: float | None
    discount: float
    lost: float
    gpu_price: float | None
    months: float
    watts: float
    kwh: float
    storage_gb: float
    storage_price: float
    egress_gb: float
    egress_price: float
    engineers: float
    salary: float
    engineers_share: float
    evaluation: float
    own_training: float
    api_success: float
    own_success: float
    seed: int


def case_of(given: Given, config: Path | None, where: dict[str, str]) -> tuple[Case, str]:
    """The case, and what is to be said of the GPU's price. Raises BadRequest and click.UsageError for what is missing."""
    settings = load_settings(config, only={"prices", "selfhost", "store"})
    demand = _demand(given, settings, where)
    offers = offers_of(settings.selfhost)
    kind = gpu(given.gpu)
    offer = offers_for(kind, offers, "spot" if given.rent == "spot" else "on-demand")
    instead = offers_for(kind, offers)
    case = Case(
        demand=demand,
        prices=_prices(given, settings, demand),
        own=_own(given, offer, instead),
        replica=_replica(given, config, settings, demand),
        sizing=Sizing(given.size_for, given.headroom, given.spares, given.scale, given.most_gpus),
        extras=Extras(
            training_tokens=given.training_tokens, epochs=given.epochs, embedded_tokens=given.embedded_tokens
        ),
        api_success=given.api_success,
        own_success=given.own_success,
        hour_range=(offer.low, offer.high) if offer is not None and given.gpu_hour is None else None,
    )
    old = offer.warning(today()) if offer is not None and given.gpu_hour is None and given.rent != "premises" else ""
    return (
        case,
        f"Warning: {old}; say --gpu-hour, or import newer ones with `farthing selfhost prices import`." if old else "",
    )


def _demand(given: Given, settings: Settings, where: dict[str, str]) -> Demand:
    if given.from_ledger:
        found = _from_ledger(given, settings, where)
    elif given.calls is None:
        raise click.UsageError("Say --calls a month, or --from-ledger.")
    else:
        found = Demand(
            given.calls, given.taken, given.written, given.cached or 0.0, given.batch_share, PROFILES[given.profile]
        )  # fmt: skip
    return found.times(given.growth)


def _from_ledger(given: Given, settings: Settings, where: dict[str, str]) -> Demand:
    """The sums by hour of the calls; an hour that has begun is left out."""
    until = time.time_ns() // 1000 // HOUR_US * HOUR_US
    since = given.since - given.since % HOUR_US

    async def work(store: Store) -> list[Hour]:
        rows = await store.do(
            lambda connection: report(connection, "hour", since, until, tenant=given.tenant, where=where)
        )
        return [
            Hour(_hour(each.key), each.calls, each.in_tokens, each.cached_tokens, each.out_tokens) for each in rows
        ]  # fmt: skip

    hours = with_store(settings, work)
    first = min((each.hour_us for each in hours), default=since)
    said = ", ".join(f"{name} {value}" for name, value in where.items()) or "all calls"
    days = (until - first) / HOUR_US / 24
    found = from_hours(hours, first, until, given.batch_share, f"ledger, {said}, {days:.1f} days")
    return found if given.cached is None else msgspec.structs.replace(found, cached_share=given.cached)


def _hour(key: str) -> int:
    return microseconds(datetime.fromisoformat(key.replace("Z", "+00:00")))


def _prices(given: Given, settings: Settings, demand: Demand) -> ApiPrices:
    if given.api:
        book = configured_book(settings.prices)
        whose = given.provider or maker_of(given.api, "openai.chat")
        found = prices_of(book, whose, given.api, time.time_ns() // 1000, demand.input_tokens)
    elif given.api_input is not None and given.api_output is not None:
        found = ApiPrices(given.api_input, given.api_output, given.api_cached)
    else:
        raise click.UsageError("Say --api MODEL, or --api-input and --api-output.")
    if given.training_tokens and not given.training_price:
        raise click.UsageError("Training tokens need their --training-price: unknown is not free.")
    if given.embedded_tokens and not given.embedding_price:
        raise click.UsageError("Embedded tokens need their --embedding-price: unknown is not free.")
    return msgspec.structs.replace(found, training=given.training_price, embedding=given.embedding_price)


def _own(given: Given, offer: Offer | None, instead: Offer | None) -> Own:
    premises = None
    if given.rent == "premises":
        if given.gpu_price is None:
            raise click.UsageError("GPUs on own premises need their --gpu-price.")
        premises = Premises(given.gpu_price, given.months, given.watts, given.kwh)
    hour = given.gpu_hour if given.gpu_hour is not None else offer.median if offer is not None else 0.0
    if not hour and premises is None:
        raise BadRequest(f"no {given.rent} price of {given.gpu} is known; say --gpu-hour")
    return Own(
        gpu_hour=hour, kind=given.rent, discount=given.discount, lost=given.lost,  # type: ignore[arg-type]
        gpu_hour_instead=instead.median if instead is not None else hour, premises=premises, storage_gb=given.storage_gb,
        storage_gb_month=given.storage_price, egress_gb=given.egress_gb, egress_per_gb=given.egress_price,
        engineers=given.engineers, salary=given.salary, share=given.engineers_share, evaluation=given.evaluation,
        training=given.own_training,
    )  # fmt: skip


def _replica(given: Given, config: Path | None, settings: Settings, demand: Demand) -> Replica:
    if given.tokens_s is not None:
        low, high = given.tokens_s * (1 - GIVEN_SPEED), given.tokens_s * (1 + GIVEN_SPEED)
        return Replica(given.gpus or 1, given.tokens_s, low, high, how="as said")
    if given.own is None:
        raise click.UsageError("Say --own MODEL (its folder or config.json), or --tokens-s as measured.")
    shape, weights = model_of(given.own)
    kind, format_ = gpu(given.gpu), format_named(given.format_)
    if reason := why_not(format_, kind, given.engine):
        raise BadRequest(f"{kind.name} with {format_.name}: {reason}")
    weights = weights if shape.stored == format_.name else 0.0
    tokens = demand.input_tokens + demand.output_tokens
    count = given.gpus or memory.fewest_gpus(shape, format_, kind, tokens, weights=weights)
    room = memory.fit(shape, format_, kind, count or 64, tokens, weights=weights).sequences
    if not room:
        raise BadRequest(f"{shape.name} with {format_.name} does not fit on {count or 64} {kind.name}")
    serving = Serving(kind, format_, given.engine, count)
    points = of_serving(measured_of(config, settings.selfhost), kind.name, count, format_.name, given.engine)

    def speed(batch: float) -> Estimate:
        load = Load(demand.input_tokens, demand.output_tokens, batch)
        found = estimate(shape, serving, load, points)
        return found if found.batch <= room else estimate(shape, serving, load._replace(batch=room), points)

    return under_goal(speed, Goal(given.ttft, given.tpot), count)
