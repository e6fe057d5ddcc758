"""`[capture]`: which calls' questions and answers are kept, to learn from. Nothing is kept until somebody names a feature or a
kind of work."""

from typing import Annotated

import msgspec
from msgspec import Meta

from farthing.settings.values import Secret


class CaptureSettings(msgspec.Struct, frozen=True):
    """Questions and answers that are kept to learn from: for students, fine-tuning and eval sets. Apart from the ledger, with
    an end."""

    features: Annotated[
        list[str], Meta(description='Features whose calls are kept; `["*"]`: all. Empty: none, unless `tasks` says so.')
    ] = []
    tasks: Annotated[list[str], Meta(description="Kinds of work whose calls are kept.")] = []
    except_features: Annotated[
        list[str], Meta(description="Features whose calls are never kept, whatever `features` and `tasks` say.")
    ] = []
    except_keys: Annotated[
        list[str], Meta(description="Names of keys whose calls are never kept, whatever their feature.")
    ] = []
    percent: Annotated[float, Meta(gt=0, le=100, description="Of their calls, in a hundred.")] = 100.0
    keep_days: Annotated[float, Meta(gt=0, le=3650, description="Days after which they are deleted.")] = 30.0
    redact: Annotated[
        bool,
        Meta(
            description="Put `[email]`, `[phone]`, `[card]`, `[iban]`, `[ip]` and `[secret]` where such things stood, before "
            "anything is kept."
        ),
    ] = True
    encryption_key: Annotated[
        Secret,
        Meta(description="Encrypts them at rest, such as `env:FARTHING_CAPTURE_KEY`. Empty: not encrypted."),
    ] = Secret()
    max_rows: Annotated[int, Meta(ge=1, le=10_000_000, description="Most calls of a tenant; the oldest go first.")] = (
        50_000
    )
    max_chars: Annotated[
        int,
        Meta(
            ge=100,
            le=1_000_000,
            description="Characters of instructions, question and answer; longer calls are not kept.",
        ),
    ] = 32_000
