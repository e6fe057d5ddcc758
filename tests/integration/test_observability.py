"""What operators see: health, metrics, logs, OpenTelemetry, the OpenAPI document."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from integration.callers import Caller
from integration.gateways import Gateway, eventually, gateway, settings_text

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
COUNTED = "gpt-5.2"
"""A model that no other test calls, so that its series are those of one test."""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def asked(text: str) -> Any:
    return [{"role": "user", "content": text}]


class Samples:
    """The series of a gateway at one moment."""

    def __init__(self, gateway: Gateway) -> None:
        families = text_string_to_metric_families(gateway.get("/metrics").text)
        self._samples = [sample for family in families for sample in family.samples]

    def sum(self, name: str, **labels: str) -> float:
        return sum(
            sample.value for sample in self._samples if sample.name == name and labels.items() <= sample.labels.items()
        )


def test_metrics(caller: Caller, open_gateway: Gateway) -> None:
    before = Samples(open_gateway)
    answer = caller.openai.chat.completions.create(model=COUNTED, messages=asked("Count me?"))
    cost = open_gateway.call(caller.call_id)["cost"]
    with pytest.raises(openai.InternalServerError):
        caller.openai.chat.completions.create(model=COUNTED, messages=asked("Fail? [[simulate: status-500]]"))
    labels = {"wire": "openai.chat", "provider": "openai", "model": COUNTED}

    def grown(name: str, **more: str) -> float:
        return Samples(open_gateway).sum(name, **labels, **more) - before.sum(name, **labels, **more)

    def counted() -> bool:
        return min(grown("farthing_calls_total"), grown("farthing_call_seconds_count")) >= 2

    eventually(counted, "both calls are counted")
    assert grown("farthing_calls_total", outcome="ok") == 1
    assert grown("farthing_calls_total", outcome="error") == 1
    assert grown("farthing_cost_dollars_total") == pytest.approx(cost / 1e9, rel=1e-6)
    assert grown("farthing_tokens_total", kind="input") == answer.usage.prompt_tokens
    assert grown("farthing_tokens_total", kind="output") == answer.usage.completion_tokens
    assert grown("farthing_call_seconds_count") == 2
    assert Samples(open_gateway).sum("farthing_ledger_delayed") == 0


def test_callers_cannot_invent_series(caller: Caller, open_gateway: Gateway) -> None:
    with pytest.raises(openai.NotFoundError):
        caller.openai.chat.completions.create(model="invented-model-name", messages=asked("Hi"))
    open_gateway.call(caller.call_id)
    assert "invented-model-name" not in open_gateway.get("/metrics").text


def test_health(open_gateway: Gateway) -> None:
    assert open_gateway.get("/health/live").json() == {"status": "ok"}
    assert open_gateway.get("/health/ready").json() == {"status": "ok"}


def test_the_log_is_json_lines_without_what_callers_say(caller: Caller, open_gateway: Gateway) -> None:
    caller.openai.chat.completions.create(model=GPT, messages=asked("xyzzy-prompt"), user="xyzzy-user")
    lines = [json.loads(line) for line in open_gateway.log.splitlines()]
    assert any(line["message"] == "gateway is listening" for line in lines)
    assert "xyzzy" not in open_gateway.log


def test_the_openapi_document(open_gateway: Gateway) -> None:
    document = open_gateway.get("/v1/farthing/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert {
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/embeddings",
        "/v1/messages",
        "/v1/messages/count_tokens",
    } <= set(document["paths"])


class Collector:
    """An OpenTelemetry collector that keeps what it gets."""

    def __init__(self) -> None:
        self.url = ""
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.tokens: set[str | None] = set()

    @property
    def spans(self) -> list[Any]:
        return [
            span for batch in self.traces for rs in batch.resource_spans for ss in rs.scope_spans for span in ss.spans
        ]

    @property
    def series(self) -> dict[str, Any]:
        return {
            metric.name: metric
            for batch in self.metrics for rm in batch.resource_metrics for sm in rm.scope_metrics for metric in sm.metrics
        }  # fmt: skip


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.tokens.add(self.headers.get("x-token"))
            if self.path == "/v1/traces":
                collector.traces.append(ExportTraceServiceRequest.FromString(body))
            elif self.path == "/v1/metrics":
                collector.metrics.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join(60)


def values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def test_opentelemetry(tmp_path: Path, upstreams: str) -> None:
    with collecting() as collector:
        more = f'[otel]\nendpoint = "{collector.url}"\nmetrics = "both"\n[otel.headers]\nx-token = "env:OTEL_TOKEN"'
        settings = settings_text(providers=upstreams, more=more)
        with gateway(tmp_path, settings, env={"OTEL_TOKEN": "collector-secret"}) as made:
            caller = Caller(made.url)
            headers = {"traceparent": TRACE, "x-farthing-team": "deck", "x-farthing-feature": "chat"}
            answer = caller.openai.chat.completions.create(model=GPT, messages=asked("Trace?"), extra_headers=headers)
            record = made.call(caller.call_id)
            caller.anthropic.messages.create(model=CLAUDE, max_tokens=50, messages=asked("xyzzy-prompt"))
            caller.openai.embeddings.create(model="text-embedding-3-small", input="a")
            with pytest.raises(openai.InternalServerError):
                caller.openai.chat.completions.create(model=GPT, messages=asked("Fail? [[simulate: status-500]]"))
            caller.close()
            made.stop()  # sends what is still there
    spans = collector.spans
    assert sorted(span.name for span in spans) == sorted(
        [f"chat {GPT}", f"chat {CLAUDE}", "embeddings text-embedding-3-small", f"chat {GPT}"]
    )
    span = next(span for span in spans if span.trace_id.hex() == TRACE.split("-")[1])
    assert span.parent_span_id.hex() == TRACE.split("-")[2]
    told = values(span.attributes)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.model"] == GPT
    assert told["gen_ai.usage.input_tokens"] == answer.usage.prompt_tokens
    assert told["gen_ai.usage.output_tokens"] == answer.usage.completion_tokens
    assert told["farthing.cost.nanodollars"] == record["cost"]
    assert told["gen_ai.usage.cost"] == pytest.approx(record["cost"] / 1e9)
    assert (told["farthing.call.id"], told["farthing.team"], told["farthing.feature"]) == (record["id"], "deck", "chat")
    assert abs((span.end_time_unix_nano - span.start_time_unix_nano) // 1000 - record["duration_us"]) <= 1
    failed = [span for span in spans if span.status.code == 2]
    assert len(failed) == 1
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} <= set(collector.series)
    points = collector.series["gen_ai.client.operation.duration"].histogram.data_points
    assert sum(point.count for point in points) == 4
    counted = collector.series["gen_ai.client.inference.usage.input_tokens"].sum.data_points
    spread = collector.series["gen_ai.client.token.usage"].histogram.data_points
    of_input = [point for point in spread if values(point.attributes)["gen_ai.token.type"] == "input"]
    assert sum(point.as_int for point in counted) == sum(point.sum for point in of_input) > 0
    assert "gen_ai.client.inference.operation.output_tokens" in collector.series
    assert collector.tokens == {"collector-secret"}
    assert "xyzzy" not in str(collector.traces)


def test_a_collector_that_is_away_costs_no_call(tmp_path: Path, upstreams: str) -> None:
    settings = settings_text(providers=upstreams, more='[otel]\nendpoint = "http://127.0.0.1:9"')
    with gateway(tmp_path, settings) as made:
        caller = Caller(made.url)
        caller.openai.chat.completions.create(model=GPT, messages=asked("Away?"))
        assert made.call(caller.call_id)["outcome"] == "ok"
        caller.close()
