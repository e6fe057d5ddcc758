"""The subjects: nginx as a bare proxy, the 60-line relay, and Farthing with everything on, plain and with TLS."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from harness.harness import HERE, LOAD_CORE, Running, Unfit, Wire, free_port, running

FARTHING = [sys.executable, "-m", "farthing"]
CHAT_BY_CLAUDE = Wire("/v1/chat/completions", "gpt-by-claude")
MESSAGES_BY_GPT = Wire("/v1/messages", "claude-by-gpt")

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_buffer_size 64k; keepalive_requests 10000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_buffers 8 16k; proxy_buffer_size 16k;
{servers}
}}
"""
PLAIN_TO = """
  upstream u{port} {{ server 127.0.0.1:{to}; keepalive 512; keepalive_requests 10000000; }}
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ proxy_pass {scheme}://u{port}; }} }}
"""
TLS_TO_PLAIN = """
  upstream u{port} {{ server 127.0.0.1:{to}; keepalive 512; keepalive_requests 10000000; }}
  server {{ listen 127.0.0.1:{port} ssl backlog=1024; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    location / {{ proxy_pass http://u{port}; }} }}
"""

CONFIG = """
[server]
port = {port}
{tls}
[store]
url = "sqlite:///{folder}/farthing.db"
[logs]
level = "warning"
[providers.openai]
base_url = "{upstream}/v1"
api_key = "sk-of-the-provider"
{ca}
[providers.anthropic]
base_url = "{upstream}/v1"
api_key = "sk-ant-of-the-provider"
{ca}
[models."gpt-by-claude"]
provider = "anthropic"
model = "claude-haiku-4-5"
[models."claude-by-gpt"]
provider = "openai"
model = "gpt-4o-mini"
"""


@contextmanager
def nginx(upstream_port: int) -> Iterator[Running]:
    """`proxy_pass` in one worker, connections kept open: what the machine itself costs."""
    port = free_port()
    with _nginx("nginx", PLAIN_TO.format(port=port, to=upstream_port, scheme="http"), port) as subject:
        yield subject


@contextmanager
def _nginx(name: str, servers: str, port: int, *, core: int = 0) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="farthing-bench-") as folder:
        file = Path(folder) / "nginx.conf"
        file.write_text(NGINX.format(folder=folder, servers=servers))
        with running(name, ["nginx", "-e", "stderr", "-c", str(file)], port, core=core) as subject:
            yield subject


@contextmanager
def relay60(upstream_port: int) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, str(HERE / "relay60.py"), str(port), str(upstream_port)]
    with running("relay60", command, port) as subject:
        yield subject


@dataclass(frozen=True)
class Farthing:
    """A configured gateway: how to start it, and what a caller sends."""

    folder: Path
    port: int
    command: list[str]
    headers: list[str]

    @contextmanager
    def up(self) -> Iterator[Running]:
        with running(
            "farthing", self.command, self.port, headers=self.headers, behind=True, folder=self.folder
        ) as subject:
            yield subject


@contextmanager
def configured(upstream: str, *, tls: "Certificates | None" = None, more: str = "") -> Iterator[Farthing]:
    """Farthing as a user sets it up: a file, a SQLite ledger, and a key with owner tags and limits too wide to bite. `more`
    is added to the file."""
    with tempfile.TemporaryDirectory(prefix="farthing-bench-") as name:
        folder, port = Path(name), free_port()
        file = folder / "farthing.toml"
        server = f'tls_cert = "{tls.certificate}"\ntls_key = "{tls.key}"' if tls else ""
        ca = f'ca_file = "{tls.authority}"' if tls else ""
        file.write_text(CONFIG.format(port=port, folder=folder, upstream=upstream, tls=server, ca=ca) + more)
        secret = _key(file)
        headers = [
            f"authorization: Bearer {secret}", "x-farthing-feature: support-answers", "anthropic-version: 2023-06-01",
            "user-agent: OpenAI/Python 3.0.0",
        ]  # fmt: skip
        yield Farthing(folder, port, [*FARTHING, "up", "--config", str(file)], headers)


def _key(file: Path) -> str:
    owners = ["--team", "support", "--project", "helpdesk", "--user", "ann", "--feature", "tickets"]
    limits = ["--rpm", "1000000000", "--tpm", "1000000000000"]
    done = subprocess.run(
        [*FARTHING, "keys", "create", "bench", "--json", "--config", str(file), *owners, *limits],
        capture_output=True, text=True, check=False, cwd=file.parent,
    )  # fmt: skip
    if done.returncode:
        raise Unfit(f"no key could be made: {done.stderr[-2000:]}")
    secret: str = json.loads(done.stdout)["secret"]
    return secret


@dataclass(frozen=True)
class Certificates:
    """Files of a certificate for loopback and the authority that signed it."""

    authority: Path
    certificate: Path
    key: Path


@contextmanager
def certificates() -> Iterator[Certificates]:
    with tempfile.TemporaryDirectory(prefix="farthing-bench-") as name:
        files = Certificates(*(Path(name) / part for part in ("authority.pem", "server.pem", "server.key")))
        authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(files.authority)
        files.certificate.write_bytes(b"".join(part.bytes() for part in server.cert_chain_pems))
        server.private_key_pem.write_to_path(files.key)
        yield files


@contextmanager
def farthing_with_tls(mock_port: int) -> Iterator[Running]:
    """Farthing with TLS on both sides. nginx on the load's core speaks TLS for the mock and for the load generator."""
    with certificates() as files:
        provider_port, front_port = free_port(), free_port()
        with configured(f"https://127.0.0.1:{provider_port}", tls=files) as setup:
            servers = TLS_TO_PLAIN.format(port=provider_port, to=mock_port, folder=files.key.parent)
            servers += PLAIN_TO.format(port=front_port, to=setup.port, scheme="https")
            with _nginx("nginx-tls", servers, provider_port, core=LOAD_CORE), setup.up() as gateway:
                gateway.name, gateway.port = "farthing with TLS", front_port
                yield gateway
