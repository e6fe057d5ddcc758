"""From what was typed to the case that is compared: demand from the ledger, prices from the book, speed from the roofline."""

import time
from pathlib import Path

import click
import msgspec

from farthing.cli.common import load_settings, with_store
from farthing.cli.selfhost_common import measured_of, model_of, offers_of, today
from farthing.finops.makers import maker_of
from farthing.model.errors import BadRequest
from farthing.prices.configured import configured_book
from farthing.selfhost.formats import format_named
from farthing.selfhost.gpu_prices import Offer, offers_for
from farthing.selfhost.gpus import gpu
from farthing.selfhost.tco.api_side import ApiPrices, Extras, prices_of
from farthing.selfhost.tco.demand import PROFILES, Demand
from farthing.selfhost.tco.fleet import Goal, Replica, Sizing
from farthing.selfhost.tco.from_ledger import read_demand
from farthing.selfhost.tco.own_side import Own, Premises
from farthing.selfhost.tco.report import Case
from farthing.selfhost.tco.speed import as_said, replica_for
from farthing.settings import Settings
from farthing.store import Store


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
    async def work(store: Store) -> Demand:
        return await store.do(
            lambda connection: read_demand(
                connection, given.since, time.time_ns() // 1000, tenant=given.tenant, where=where, batch_share=given.batch_share
            )
        )  # fmt: skip

    found = with_store(settings, work)
    return found if given.cached is None else msgspec.structs.replace(found, cached_share=given.cached)


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
        return as_said(given.tokens_s, given.gpus or 1)
    if given.own is None:
        raise click.UsageError("Say --own MODEL (its folder or config.json), or --tokens-s as measured.")
    shape, weights = model_of(given.own)
    return replica_for(
        demand, shape, format_named(given.format_), gpu(given.gpu), Goal(given.ttft, given.tpot), engine=given.engine,
        gpus=given.gpus, weights=weights, measured=measured_of(config, settings.selfhost),
    )  # fmt: skip
