"""OpenTelemetry: a GenAI span and two histograms for each call, by the semantic conventions, plus what it cost.

Made from the ledger's batches after they are committed, so that no call waits for it. Spans carry no prompts. Needs the
extra `otel`; only `app` imports this module, and only where settings name a collector.
"""

from collections.abc import Sequence

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

from farthing.model.record import Record
from farthing.settings import OtelSettings

OPERATIONS = {"openai.embeddings": "embeddings"}
"""`gen_ai.operation.name` by wire; all others are `chat`."""
SEND_S = 2.0
"""How long one batch is tried: a stop waits for the last ones, and a collector that is away must not hold it up."""
Attributes = dict[str, str | int | bool]


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
        self._tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens of a call, by type.")
        self._duration = meter.create_histogram("gen_ai.client.operation.duration", "s", "Duration of a call.")
        self._context = TraceContextTextMapPropagator()

    def observe(self, records: Sequence[Record]) -> None:
        """Add a committed batch."""
        for record in records:
            shared = _shared(record)
            self._span(record, shared)
            self._duration.record(record.duration_us / 1e6, shared)
            self._tokens.record(record.in_tokens, {**shared, "gen_ai.token.type": "input"})
            self._tokens.record(record.out_tokens, {**shared, "gen_ai.token.type": "output"})

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
                "gen_ai.usage.output_tokens": record.out_tokens,
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
        span.end(end_time=(record.started_us + record.duration_us) * 1000)


def _shared(record: Record) -> Attributes:
    return {
        "gen_ai.operation.name": OPERATIONS.get(record.wire, "chat"),
        "gen_ai.provider.name": record.provider,
        "gen_ai.request.model": record.model_asked if record.attempts else "",
        "gen_ai.response.model": record.model if record.attempts else "",
    }
