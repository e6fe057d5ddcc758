"""OpenTelemetry: a GenAI span and metrics for each call, by the semantic conventions, plus what it cost.

The conventions are about to change how tokens are counted, so both ways are here: the histogram `gen_ai.client.token.usage`,
which backends know, and the counters `gen_ai.client.inference.usage.*` with their histograms for percentiles.

Made from the ledger's batches after they are committed, so that no call waits for it. Spans carry no prompts. Needs the
extra `otel`; only `app` imports this module, and only where settings name a collector.
"""

from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from farthing.model.money import NANO_PER_DOLLAR
from farthing.model.record import Record
from farthing.settings import OtelSettings

OPERATIONS = {"openai.embeddings": "embeddings"}
"""`gen_ai.operation.name` by wire; all others are `chat`."""
PRICED = ("reported", "computed", "estimated")
"""States of a cost that is known: `gen_ai.usage.cost`, dollars as some backends read them, is left out for others."""
SEND_S = 2.0
"""How long one batch is tried: a stop waits for the last ones, and a collector that is away must not hold it up."""
Attributes = dict[str, str | int | float | bool]

COUNTED: dict[str, Callable[[Record], int]] = {
    "input_tokens": lambda record: record.in_tokens,
    "output_tokens": lambda record: record.out_tokens,
    "cache_read.input_tokens": lambda record: record.cached_tokens,
    "cache_write.input_tokens": lambda record: _units(record, "written"),
    "reasoning.output_tokens": lambda record: _units(record, "reasoning"),
}
"""What the counters count, by the end of their name."""


class Telemetry:
    """Sends spans and metrics to a collector. `observe` is an observer of the ledger."""

    def __init__(self, settings: OtelSettings) -> None:
        headers = {name: value.reveal() for name, value in settings.headers.items()}
        resource = Resource.create({"service.name": "farthing"})
        self._tracers = TracerProvider(resource=resource)
        spans = OTLPSpanExporter(endpoint=f"{settings.endpoint}/v1/traces", headers=headers, timeout=SEND_S)
        self._tracers.add_span_processor(BatchSpanProcessor(spans))
        self._tracer = self._tracers.get_tracer("farthing")
        series = OTLPMetricExporter(endpoint=f"{settings.endpoint}/v1/metrics", headers=headers, timeout=SEND_S)
        self._meters = MeterProvider([PeriodicExportingMetricReader(series)], resource=resource)
        meter = self._meters.get_meter("farthing")
        older, newer = settings.metrics != "counters", settings.metrics != "histograms"
        self._tokens = [
            meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens of a call, by type.")
        ] * older
        self._counted = [
            (meter.create_counter(f"gen_ai.client.inference.usage.{name}", "{token}", "Tokens."), count)
            for name, count in COUNTED.items()
            if newer
        ]
        self._spread = [
            (
                meter.create_histogram(f"gen_ai.client.inference.operation.{name}", "{token}", "Tokens of a call."),
                COUNTED[name],
            )
            for name in ("input_tokens", "output_tokens")
            if newer
        ]
        self._duration = meter.create_histogram("gen_ai.client.operation.duration", "s", "Duration of a call.")
        self._context = TraceContextTextMapPropagator()

    def observe(self, records: Sequence[Record]) -> None:
        """Add a committed batch."""
        for record in records:
            shared = _shared(record)
            self._span(record, shared)
            if record.first_byte_us or not record.cost:  # else it was fetched from a batch
                self._duration.record(record.duration_us / 1e6, shared)
            for tokens in self._tokens:
                tokens.record(record.in_tokens, {**shared, "gen_ai.token.type": "input"})
                tokens.record(record.out_tokens, {**shared, "gen_ai.token.type": "output"})
            for counter, count in self._counted:
                if number := count(record):
                    counter.add(number, shared)
            for histogram, count in self._spread:
                histogram.record(count(record), shared)

    def close(self) -> None:
        """Send what is still here."""
        self._tracers.shutdown()
        self._meters.shutdown()

    def _span(self, record: Record, shared: Attributes) -> None:
        span = self._tracer.start_span(
            f"{shared['gen_ai.operation.name']} {record.model_asked}",
            context=self._context.extract({"traceparent": record.trace}, Context()),
            kind=SpanKind.CLIENT,
            start_time=record.started_us * 1000,
            attributes={
                **shared,
                "gen_ai.usage.input_tokens": record.in_tokens,
                "gen_ai.usage.cache_read.input_tokens": record.cached_tokens,
                "gen_ai.usage.cache_creation.input_tokens": _units(record, "written"),
                "gen_ai.usage.output_tokens": record.out_tokens,
                "gen_ai.usage.reasoning.output_tokens": _units(record, "reasoning"),
                "farthing.call.id": record.id,
                "farthing.cost.nanodollars": record.cost,
                "farthing.cost.state": record.cost_state,
                "farthing.feature": record.feature,
                "farthing.team": record.team,
                "farthing.project": record.project,
            },
        )
        if record.outcome != "ok":
            span.set_status(Status(StatusCode.ERROR, record.outcome))
            span.set_attribute("error.type", record.error or record.outcome)
        if record.cost_state in PRICED:
            span.set_attribute("gen_ai.usage.cost", record.cost / NANO_PER_DOLLAR)
        span.end(end_time=(record.started_us + record.duration_us) * 1000)


def _units(record: Record, name: str) -> int:
    return sum(getattr(attempt.usage, name) for attempt in record.attempts if attempt.usage is not None)


def _shared(record: Record) -> Attributes:
    return {
        "gen_ai.operation.name": OPERATIONS.get(record.wire, "chat"),
        "gen_ai.provider.name": record.provider,
        "gen_ai.request.model": record.model_asked if record.attempts else "",
        "gen_ai.response.model": record.model if record.attempts else "",
    }
