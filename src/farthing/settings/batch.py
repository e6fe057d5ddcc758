"""Settings of work that can wait."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from farthing.settings.values import Amount, Secret, StoreUrl

Seconds = Annotated[float, Meta(ge=0, le=10_000_000)]


def _doc(text: str, *, ge: int | None = None, le: int | None = None) -> Meta:
    return Meta(description=text, ge=ge, le=le)


class FeatureBatchSettings(msgspec.Struct, frozen=True):
    """One feature, where it differs."""

    deadline_s: Annotated[Seconds, _doc("As `batch.deadline_s`.")] = 0.0


class ScheduleSettings(msgspec.Struct, frozen=True):
    """A recurring job: a file of prompts, or the rows of a query, handed in again and again, by one gateway each time."""

    file: Annotated[
        str,
        _doc(
            "The file, as `farthing batch submit` takes it, relative to the settings file. `{date}` is the day on which it is due, "
            "`{yesterday}` the one before, `{time}` its hour and minute, `{name}` the schedule's name."
        ),
    ] = ""
    query: Annotated[
        str, _doc("In place of a file: a SELECT, each row of which is asked. The same words in braces stand in it.")
    ] = ""
    database: Annotated[
        StoreUrl, _doc("Where the query is asked, as in `store.url`, or `env:NAME`. It is only read.")
    ] = StoreUrl()
    at: Annotated[str, _doc("When, each day: `02:00`, or `02:00, 14:30`.")] = ""
    cron: Annotated[str, _doc("When, in cron's five fields, in place of `at`: `0 2 * * mon-fri`.")] = ""
    zone: Annotated[str, _doc("Time zone of both. Empty: `batch.zone`.")] = ""
    template: Annotated[str, _doc("What to ask of each row, where the file is a table.")] = ""
    model: Annotated[str, _doc("The model that rows are asked of.")] = ""
    max_tokens: Annotated[int, _doc("The longest answer to a row. 0: as the template says.", ge=0, le=1_000_000)] = 0
    deadline: Annotated[str, _doc("When all must be done, from its start on: `30m`, `6h`, `2d`.")] = "24h"
    patience: Annotated[
        str, _doc("How late it may start, where no gateway ran or its file was not there. After that it is missed.")
    ] = "1h"
    output: Annotated[
        str, _doc("The file for results, `.jsonl` or `.csv`; with the same words in braces. Empty: none.")
    ] = ""
    max_cost: Annotated[Amount, _doc("Most dollars that it may cost each time. 0: no limit.")] = Amount()
    priority: Annotated[int, _doc("Higher goes first within the tenant.", ge=-100, le=100)] = 0
    tenant: Annotated[str, _doc("Whose it is.")] = "default"
    feature: Annotated[str, _doc("The feature that it serves, for the ledger.")] = ""
    team: Annotated[str, _doc("The team that owns it.")] = ""
    project: Annotated[str, _doc("The project.")] = ""
    tags: Annotated[dict[str, str], _doc("Tags of your own.")] = {}


class BatchSettings(msgspec.Struct, frozen=True):
    """Batches, and calls that can wait: they go to providers' batch APIs at half price where that meets their deadline."""

    worker: Annotated[bool, _doc("Whether this gateway works the queue. Off: it only takes jobs in.")] = True
    ways: Annotated[
        list[Literal["batch", "flex", "now", "local"]],
        _doc(
            "How lines may be worked: a provider's batch, its flex tier, an ordinary call, our own server's idle slots."
        ),
    ] = msgspec.field(default_factory=lambda: ["batch", "flex", "now", "local"])
    deadline_s: Annotated[
        Seconds, _doc("Seconds that every call may wait although it does not say so. 0: only those that do.")
    ] = 0.0
    hold_s: Annotated[
        Seconds,
        _doc(
            "Seconds that a connection is held for an answer; then its client is told to ask again. Keep it below the time-outs "
            "of clients (the official SDKs: 600) and of proxies between them and Farthing."
        ),
    ] = 540.0
    left: Annotated[
        Literal["cancel", "keep"],
        _doc("What becomes of a held call whose client leaves before it was sent anywhere."),
    ] = "cancel"
    hold_out_percent: Annotated[
        float,
        Meta(
            ge=0,
            le=50,
            description="Sessions in a hundred whose calls go at once although they may wait, to measure it.",
        ),
    ] = 0.0
    webhooks: Annotated[
        list[str],
        _doc(
            "Addresses that answers may be posted to, with `*` for any part: `https://hooks.example.com/*`. One whose host has a "
            "`*` must lead to the open internet. Empty: none."
        ),
    ] = []
    late_percent: Annotated[
        float,
        Meta(ge=0.01, le=50, description="Deadlines in a hundred that may be missed; what is likelier is promoted."),
    ] = 0.5
    linger_s: Annotated[Seconds, _doc("Seconds that lines wait for others to share a provider's batch.")] = 60.0
    look_s: Annotated[
        float,
        Meta(
            ge=0.05, le=600, description="Seconds between looks at a young batch at its provider; later up to a minute."
        ),
    ] = 5.0
    lag_s: Annotated[
        Seconds,
        _doc(
            "Seconds after which a batch that is not on its provider's list was never created: lists lag behind. Before that "
            "nothing is sent again whose creation was cut off."
        ),
    ] = 120.0
    at_once: Annotated[int, _doc("Lines that are worked at the same time as ordinary calls.", ge=1, le=10_000)] = 16
    max_file_mb: Annotated[
        int, _doc("Largest file of requests, or list of them in one body, in MiB; above it: 413.", ge=1, le=4096)
    ] = 256
    max_stored_mb: Annotated[
        int, _doc("Most MiB of files that a tenant keeps at a time; a file too many: 413.", ge=1, le=10_000_000)
    ] = 20_480
    max_requests: Annotated[int, _doc("Most requests of one batch.", ge=1, le=1_000_000)] = 100_000
    keep_s: Annotated[Seconds, _doc("Seconds that results are kept.")] = 29 * 86_400.0
    drop: Annotated[
        Literal["expiry", "delivery"], _doc("When prompts and answers are dropped: after `keep_s`, or once fetched.")
    ] = "expiry"
    encryption_key: Annotated[
        Secret, _doc("Encrypts prompts and answers at rest, such as `env:FARTHING_QUEUE_KEY`. Empty: not encrypted.")
    ] = Secret()
    webhook_secret: Annotated[Secret, _doc("Signs what is posted to webhooks of jobs.")] = Secret()
    dollars_a_day: Annotated[Amount, _doc("Most that lines may cost in a day; the rest waits. 0: no limit.")] = Amount()
    hours: Annotated[
        dict[str, str],
        _doc('When lines that go to a provider alone are sent: `{ "own" = "22:00-06:00" }`. Others: at any hour.'),
    ] = {}
    zone: Annotated[str, _doc("Time zone of `hours` and of days.")] = "UTC"
    features: Annotated[dict[str, FeatureBatchSettings], _doc("By feature, where it differs.")] = {}
    schedules: Annotated[dict[str, ScheduleSettings], _doc("Recurring jobs.")] = {}
