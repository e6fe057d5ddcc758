"""What could be saved next: each lever's own estimate from the sums of the last four weeks, in dollars a month, with how sure
it is and the setting that switches it on. Reads rollups, and of the dearest features a few hundred calls; changes nothing,
and knows nothing of how levers work.

An estimate has an amount where the ledger itself tells it, and only a bound ("up to") where it must be tried first. A
cheaper model is held against the present one by a call of mean size, so long-context bands and contracts count; what is
saved is that share of what was really paid.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

import msgspec

from farthing.finops import labels, patience
from farthing.finops.learnable import AUDITED, SHORT_TOKENS, coverage
from farthing.finops.tiers import TierOf
from farthing.model.arms import BATCHING, DISTILLATION
from farthing.model.money import Nano
from farthing.model.routes import ANY, Cell, Table, Tier
from farthing.model.usage import Usage
from farthing.quality.errand import FEATURES as ERRANDS
from farthing.quality.errand import TASK as OVERHEAD
from farthing.settings import BatchSettings, CacheSettings, RoutingSettings, StudentSettings
from farthing.settings.capture import CaptureSettings
from farthing.store import ReportRow, reading, waste
from farthing.store.days import days
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from farthing.store.waste import WasteRow

DAYS = 28
"""Whole days that are looked at: each weekday four times."""
DAYS_A_MONTH = 365.25 / 12
LEAST_SHARE = 0.002
"""Of the spending of a month: what brings less is not worth a line."""
LEAST_CALLS = 30
"""With fewer calls of a kind nothing is said of them."""
VECTORS = "embedding"
"""The kind of work that compares texts."""
CHEAPER: tuple[Tier, ...] = ("small", "mid")
LIKELY = 0.9
"""Of the flagship's quality, by others' outcomes: below it nobody should spend money on finding out."""
LONG = 8_000
"""Tokens of input of a call above which it hardly ever repeats word by word."""
BOUND_WEIGHT = 0.25
"""Of the middle of the bounds, where there is no estimate: what is known goes before what may be."""
LOOKED_AT = 8
"""Features of which the latest calls are looked at."""
LEAST_PATIENT = 0.9
"""Of a feature's calls: the setting is about all of them, so where people wait for some it would harm."""
LEAST_LABELS = 0.9
"""Of a feature's answers: a student answers what comes from a closed set, and other answers keep it from learning."""
HOURS = 6
"""The deadline that is proposed."""
TYPICAL = 1_000
"""Tokens by which rates are compared."""

Risk = Literal["lossless", "guarded", "needs proof"]
"""Answers stay as they are; answers change, and evidence has shown them good enough; nobody has compared them yet."""


class Saving(msgspec.Struct, frozen=True):
    """One thing that could be done next. Amounts in nano-dollars a month."""

    lever: str
    what: str
    """In a sentence."""
    a_month: Nano | None
    """The estimate; None where only the bounds are known."""
    low: Nano
    high: Nano
    risk: Risk
    why: str
    """What it rests on."""
    setting: str
    """What switches it on, as it is written."""
    place: str
    """Where that is written: the settings' file, or the client."""
    where: dict[str, str] = {}
    """Which calls it is about."""
    shown_by: list[str] = []
    """Some of the calls that show it, by id."""
    against: list[str] = []
    """Some that speak against it."""

    @property
    def weight(self) -> float:
        """What it is ranked by: the estimate, or part of the middle of its bounds."""
        return self.a_month if self.a_month is not None else BOUND_WEIGHT * (self.low + self.high) / 2


class Sums(NamedTuple):
    """Of one tenant over the last whole days."""

    days: int
    work: list[ReportRow]
    """By task and model."""
    tiers: list[ReportRow]
    """By task and the tier that was chosen; those that name a model have none."""
    features: list[ReportRow]
    models: list[ReportRow]
    waste_by_model: list[WasteRow]
    waste_by_feature: list[WasteRow]
    by_feature: Sequence[ReportRow] = ()
    """By feature and model."""
    patient: Mapping[str, float] = {}
    """By feature, the share of its calls of late that nobody seems to have waited for; see `finops.patience`."""
    labels: Mapping[str, float] = {}
    """By feature with short answers, the share of those of late that may be labels; see `finops.labels`."""

    @property
    def times(self) -> float:
        """From these days to a month."""
        return DAYS_A_MONTH / self.days

    @property
    def cost(self) -> Nano:
        return sum(row.cost for row in self.features)


class Known(NamedTuple):
    """What is known of models and settings. `price`: what a usage costs at a model; `vectors`: the embedding model, and what
    so many tokens cost there."""

    tenant: str
    routing: RoutingSettings
    cache: CacheSettings
    hit_target: float
    tiers: Mapping[Tier, tuple[str, ...]]
    tier: TierOf
    table: Table
    floors: Callable[[str], Sequence[float]]
    price: Callable[[str, Usage], Nano | None]
    vectors: Callable[[int], tuple[str, Nano] | None]
    batch: BatchSettings = BatchSettings()
    in_batch: Callable[[str, Usage], Nano | None] = lambda model, usage: None
    """What a usage costs at a model in a batch of its provider; None where that has none."""
    capture: CaptureSettings = CaptureSettings()
    student: StudentSettings = StudentSettings()


def read(connection: Connection, now_us: int, tenant: str) -> Sums | None:
    """None before the first whole day with calls."""
    until = now_us - now_us % DAY_US
    since = until - DAYS * DAY_US
    seen = days(connection, since, until, tenant=tenant)
    if not seen:
        return None
    whole = (until - seen[0].day_us) // DAY_US

    def by(names: str) -> list[ReportRow]:
        return reading.report(connection, names, since, until, tenant=tenant)

    def lost(name: str) -> list[WasteRow]:
        return waste.report(connection, name, since, until, tenant=tenant)

    features = by("feature")
    dearest = [row for row in sorted(features, key=lambda row: -row.cost) if row.key and row.key not in ERRANDS]
    return Sums(
        whole, by("task,model"), by("task,tier"), features, by("model"), lost("model"), lost("feature"), by("feature,model"),
        patience.shares(connection, [row.key for row in dearest][:LOOKED_AT], since, until, tenant),
        labels.shares(connection, [row.key for row in dearest if _is_short_answered(row)][:LOOKED_AT], since, until, tenant),
    )  # fmt: skip


def estimates(sums: Sums, known: Known) -> list[Saving]:
    """All that are worth a line, the biggest first."""
    found = [each for estimate in ESTIMATES for each in estimate(sums, known)]
    least = LEAST_SHARE * sums.cost * sums.times
    worth = [each for each in found if each.high > 0 and each.high >= least]
    return sorted(worth, key=lambda each: (-each.weight, each.what))


def cheaper_models(sums: Sums, known: Known) -> Iterator[Saving]:
    """Work that names the flagship, where evidence, or others' outcomes, say that a cheaper model could do it: one line for
    each task. What was routed there is left out: that was chosen."""
    tasks: dict[str, list[ReportRow]] = {}
    for row in sums.work:
        if row.key not in (OVERHEAD, VECTORS) and known.tier(row.also) == "flagship" and row.cost > 0:
            tasks.setdefault(row.key, []).append(row)
    routed = {row.key: row.calls for row in sums.tiers if row.also == "flagship"}
    for task, rows in sorted(tasks.items()):
        calls = sum(row.calls for row in rows)
        named = max(0, calls - routed.get(task, 0))
        if named >= LEAST_CALLS:
            yield from _at_cheaper(sums, known, _Work(task, rows, named, named / calls))


class _Work(NamedTuple):
    """Calls of a task that name a flagship: so many, and which share they are of all in `rows`."""

    task: str
    rows: list[ReportRow]
    calls: int
    share: float


def _at_cheaper(sums: Sums, known: Known, work: _Work) -> Iterator[Saving]:
    shown = _best(work, known, partial(_is_shown, known, work.task)) if work.task else None
    likely = _best(work, known, partial(_is_likely, known, work.task))
    head = f"{work.task or 'Unknown work'}: {_calls(work.calls, sums)} name {_names(work.rows)}"
    where = {"task": work.task}
    if shown is not None:
        model, saved = shown
        cell = _cell(known, work.task, model)
        assert cell is not None
        amount, measured = round(saved * sums.times), cell.state == "measured"
        yield Saving(
            "model selection", f"{head}; {model} does this work well enough.",
            amount if measured else None, amount if measured else 0, amount, "guarded" if measured else "needs proof",
            f"{cell.observations:,.0f} comparisons of your calls: at least {100 * cell.lower:.1f} % of the flagship's quality"
            if measured
            else "others' outcomes clear your floor; your own calls must show it",
            "[routing]\nsubstitute = true", SETTINGS, where,
        )  # fmt: skip
    elif likely is not None:
        model, saved = likely
        cell = _cell(known, work.task, model)
        quality = f"{100 * cell.quality:.0f} % of the flagship's quality" if cell is not None else "no outcomes"
        less = saved / max(1, sum(row.cost for row in work.rows)) / work.share
        setting = f"judge = {_quoted(_judge(known))}\n" if not known.routing.judge else ""
        yield Saving(
            "model selection", f"{head}; {model} costs {100 * less:.0f} % less for them.",
            None, 0, round(saved * sums.times), "needs proof",
            f"others' outcomes: {quality}; some calls are answered twice and compared before any is moved",
            f"[routing]\n{setting}substitute = true" if work.task else '[routing]\ntasks_of = "all"', SETTINGS, where,
        )  # fmt: skip


def _judge(known: Known) -> str:
    """Answers are compared by the best model at hand."""
    return next(iter(known.tiers.get("flagship", ())), "MODEL")


def _best(work: _Work, known: Known, may: Callable[[str], bool]) -> tuple[str, Nano] | None:
    """The cheaper model that would save most on these calls, and how much of their cost."""
    found: list[tuple[Nano, str]] = []
    for model in dict.fromkeys(each for tier in CHEAPER for each in known.tiers.get(tier, ())):
        if may(model):
            saved = [_saved(row, model, known) for row in work.rows]
            found.append((round(work.share * sum(each for each in saved if each is not None)), model))
    best = max(found, default=(0, ""))
    return (best[1], best[0]) if best[0] > 0 else None


def _saved(row: ReportRow, model: str, known: Known) -> Nano | None:
    """Of the cost of a row, if `model` had answered: by its price of a call of mean size."""
    mean = _mean(row)
    now, then = known.price(row.also, mean), known.price(model, mean)
    if not now or then is None:
        return None
    return row.cost - row.cost * then // now


def _mean(row: ReportRow) -> Usage:
    """Of one call that was paid for."""
    paid = max(1, row.calls - row.cache_hits)
    return Usage(
        uncached_in=max(0, row.in_tokens - row.cached_tokens) // paid, cache_read=row.cached_tokens // paid,
        out=max(1, row.out_tokens // paid),
    )  # fmt: skip


def _cell(known: Known, task: str, model: str) -> Cell | None:
    scopes = (f"task:{task}", ANY) if task else (ANY,)
    return known.table.cell(known.tenant, scopes, model)


def _is_shown(known: Known, task: str, model: str) -> bool:
    cell = _cell(known, task, model)
    floor = max(known.floors(f"task:{task}"))
    return cell is not None and cell.state in ("measured", "prior") and cell.lower >= floor


def _is_likely(known: Known, task: str, model: str) -> bool:
    """Whether others' outcomes, or early evidence, leave a chance."""
    cell = _cell(known, task, model)
    return cell is not None and cell.state != "demoted" and cell.quality >= LIKELY


def repeats(sums: Sums, known: Known) -> Iterator[Saving]:
    """Calls that the cache was not allowed to answer. How many of them repeat only trying shows, so there is but a bound: the
    target of the hit rate, or less where the cache answers less; features that repeat more say little of others."""
    rows = [row for row in sums.features if row.key not in ERRANDS]
    hits, cacheable = sum(row.cache_hits for row in rows), sum(row.cacheable for row in rows)
    seen = cacheable >= LEAST_CALLS and hits > 0
    rate = min(hits / cacheable, known.hit_target) if seen else known.hit_target
    open_ = [
        row for row in rows if row.calls - row.cacheable >= LEAST_CALLS and _never_asked(row) > 0 and _is_short(row)
    ]
    cost, calls = sum(map(_never_asked, open_)), sum(row.calls - row.cacheable for row in open_)
    if not calls:
        return
    dearest = max(open_, key=_never_asked)
    named = [row.key or "(none)" for row in sorted(open_, key=_never_asked, reverse=True)[:3]]
    names = f": {', '.join(named)}" if named != ["(none)"] else ""
    one = f"[cache.features.{_quoted(dearest.key)}]" if seen and dearest.key else "[cache]"
    yield Saving(
        "semantic cache", f"{_calls(calls, sums)} never ask a cache, so each that repeats word by word is paid for again{names}.",
        None, 0, round(cost * rate * sums.times), "lossless",
        f"the bound is the {100 * rate:.0f} % that the cache answers where it is on"
        if rate < known.hit_target
        else f"the bound is the target of {100 * rate:.0f} %; how many repeat is known once it is on",
        f'{one}\nmode = "exact"', SETTINGS, {"feature": dearest.key},
    )  # fmt: skip


def _is_short(row: ReportRow) -> bool:
    return row.in_tokens <= LONG * max(1, row.calls - row.cache_hits)


def _never_asked(row: ReportRow) -> Nano:
    """What the calls cost that the cache was not allowed to answer."""
    paid = row.calls - row.cache_hits
    return row.cost * (row.calls - row.cacheable) // paid if paid > 0 else 0


def vectors(sums: Sums, known: Known) -> Iterator[Saving]:
    """Calls that have a chat model compare texts."""
    rows = [row for row in sums.work if row.key == VECTORS and known.tier(row.also) != "embedding"]
    calls, tokens, cost = (sum(getattr(row, name) for row in rows) for name in ("calls", "in_tokens", "cost"))
    found = known.vectors(tokens) if calls >= LEAST_CALLS else None
    if found is None or found[1] >= cost:
        return
    amount = round((cost - found[1]) * sums.times)
    yield Saving(
        "embeddings", f"{_calls(calls, sums)} have a chat model compare texts, which {found[0]} does for a fraction.",
        amount, amount, round(cost * sums.times), "needs proof",
        "priced with all of their input; texts that come again would cost nothing more",
        f'model = "{found[0]}" on /v1/embeddings', CLIENT, {"task": VECTORS},
    )  # fmt: skip


def unread_writes(sums: Sums, known: Known) -> Iterator[Saving]:
    """Input that was written to providers' caches at a surcharge and never read: writes less reads, by model."""
    reads = {row.key: row.cached_tokens for row in sums.models}
    premium = unread = 0
    for row in sums.waste_by_model:
        tokens = max(0, row.written_tokens - reads.get(row.key, 0))
        written, plain = (known.price(row.key, usage) for usage in (Usage(w5m=TYPICAL), Usage(uncached_in=TYPICAL)))
        if tokens and written is not None and plain is not None and written > plain:
            premium += (written - plain) * tokens // TYPICAL
            unread += tokens
    if not premium:
        return
    amount = round(premium * sums.times)
    yield Saving(
        "provider caching",
        f"{unread * sums.times:,.0f} tokens a month are written to providers' caches and never read.",
        amount, amount, amount, "lossless", "at least so much: each read is taken to be of something that was written",
        "no cache_control on prompts that are not sent again", CLIENT,
    )  # fmt: skip


def lost_tries(sums: Sums, known: Known) -> Iterator[Saving]:
    """Tries that were paid for and came to nothing, and answers whose client had left."""
    for name, what, setting, place in (
        ("lost_cost", "is paid for tries that came to nothing: retries, hedges, failures", "[[models.NAME.deployments]]", SETTINGS),
        ("left_cost", "is paid for answers whose client left before the end", "a longer time-out, or a lower max_tokens", CLIENT),
    ):  # fmt: skip
        total = sum(getattr(row, name) for row in sums.waste_by_feature)
        if not total:
            continue
        worst = max(sums.waste_by_feature, key=lambda row: getattr(row, name))
        share = getattr(worst, name) / total
        yield Saving(
            "request routing", f"{100 * total / max(1, sums.cost):.1f} % of the spending {what}; {100 * share:.0f} % of it in {worst.key or '(none)'}.",
            None, 0, round(total * sums.times), "lossless", "all of it is the bound: some failures cannot be helped",
            setting, place, {"feature": worst.key},
        )  # fmt: skip


def can_wait(sums: Sums, known: Known) -> Iterator[Saving]:
    """Calls that nobody seems to wait for, at the price of their provider's batches: a bound for each feature, as only its
    owner knows who waits."""
    if known.batch.deadline_s:
        return
    for row in sums.features:
        share = sums.patient.get(row.key, 0.0)
        if share < LEAST_PATIENT or row.calls < LEAST_CALLS or row.key in known.batch.features or row.key in ERRANDS:
            continue
        models = [each for each in sums.by_feature if each.key == row.key]
        saved = sum(_saved_in_batch(each, known) for each in models)
        if saved > 0:
            yield Saving(
                BATCHING, f"{row.key}: {_calls(row.calls, sums)}; {100 * share:.0f} % of the latest are neither streamed nor part of a talk.",
                None, 0, round(saved * share * sums.times), "lossless",
                "the price of the provider's batches, should all of these be able to wait; only you know whether somebody waits for them",
                f"[batch.features.{_quoted(row.key)}]\ndeadline_s = {HOURS * 3600}", SETTINGS, {"feature": row.key},
            )  # fmt: skip


def _saved_in_batch(row: ReportRow, known: Known) -> Nano:
    """Of what a feature paid at a model: by the price of a call of mean size, as it is and in a batch."""
    mean = _mean(row)
    now, then = known.price(row.also, mean), known.in_batch(row.also, mean)
    return max(0, row.cost - row.cost * then // now) if now and then is not None else 0


def can_be_learned(sums: Sums, known: Known) -> Iterator[Saving]:
    """Features whose answers are as short and as much of one length as labels, while no student may learn from them: a
    bound for each, as nobody has read yet whether the answers are a closed set."""
    for row in sums.features:
        paid = row.calls - row.cache_hits
        may_be = _is_short_answered(row) and sums.labels.get(row.key, 0.0) >= LEAST_LABELS
        if not row.key or row.key in ERRANDS or paid < LEAST_CALLS or not may_be or _is_learned(row.key, known):
            continue
        low, high = coverage(paid * sums.times)
        yield Saving(
            DISTILLATION, f"{row.key}: {_calls(paid, sums)} with answers of {row.out_tokens / row.calls:,.0f} tokens: a student may answer them.",
            None, 0, round(row.cost * sums.times * high * (1 - AUDITED)), "needs proof",
            f"on public sets a student of a month's calls answered {100 * low:.0f} to {100 * high:.0f} %; it is tried beside its teacher before it answers, and audited",
            f"[capture]\nfeatures = {_with(known.capture.features, row.key)}\n\n[student]\nmode = \"on\"", SETTINGS, {"feature": row.key},
        )  # fmt: skip


def _is_short_answered(row: ReportRow) -> bool:
    return 0 < row.out_tokens <= SHORT_TOKENS * row.calls


def _is_learned(feature: str, known: Known) -> bool:
    return known.student.mode == "on" and bool({feature, "*"} & set(known.capture.features))


def _with(names: Sequence[str], name: str) -> str:
    """As a list of TOML."""
    return msgspec.json.encode(list(names) if "*" in names else list(dict.fromkeys([*names, name]))).decode()


SETTINGS, CLIENT = "farthing.toml", "in the client"
ESTIMATES: tuple[Callable[[Sums, Known], Iterable[Saving]], ...] = (
    cheaper_models, repeats, vectors, unread_writes, lost_tries, can_wait, can_be_learned,
)  # fmt: skip


def _calls(count: int, sums: Sums) -> str:
    return f"{count * sums.times:,.0f} calls a month"


def _names(rows: Sequence[ReportRow]) -> str:
    return ", ".join(dict.fromkeys(row.also for row in sorted(rows, key=lambda row: -row.cost)))


def _quoted(name: str) -> str:
    """As a key of TOML."""
    return msgspec.json.encode(name).decode()
