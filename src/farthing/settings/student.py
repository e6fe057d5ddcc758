"""`[student]`: small models of our own, which answer in the gateway what they have learned from captured calls."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class StudentSettings(msgspec.Struct, frozen=True):
    """Students are trained on captured calls, tried beside their teacher, and answer once they are shown to agree with it."""

    mode: Annotated[
        Literal["off", "on"],
        Meta(
            description="`on`: students are trained on captured calls whose answers are a closed set, tried, promoted when they "
            "are shown to agree, audited and taken back by themselves."
        ),
    ] = "off"
    target_percent: Annotated[
        float,
        Meta(ge=50, lt=100, description="Least agreement with the teacher, of the calls that a student answers."),
    ] = 95.0
    confidence_percent: Annotated[
        float,
        Meta(
            ge=90,
            lt=100,
            description="How sure that agreement must be when a student is trained. Higher: it is missed more seldom, and fewer calls "
            "are answered; `bench/student.py` prints 97 and 99.",
        ),
    ] = 99.0
    traffic: Annotated[
        Literal["closed", "open"],
        Meta(
            description="`closed`: what is asked nearly always wants one of the answers known. `open`: anybody may ask anything, "
            "so a student also has to show that it leaves answers alone that it never saw; it then answers far fewer calls."
        ),
    ] = "closed"
    features: Annotated[
        Literal["vectors", "words"],
        Meta(
            description="What students see of a text: `vectors` of the local text encoder (the extra `cache`), or `words` and "
            "pieces of them: no encoder, some 20 percentage points fewer calls answered."
        ),
    ] = "vectors"
    audit_percent: Annotated[
        float, Meta(ge=0.1, le=100, description="Of a student's answers: those that the teacher gives too, for ever.")
    ] = 3.0
    region: Annotated[
        str, Meta(description="Where this gateway runs, for calls that must be served somewhere. Empty: nobody said.")
    ] = ""
    train_hours: Annotated[
        float,
        Meta(ge=0, le=720, description="Between two looks for what is worth training. 0: only when it is asked for."),
    ] = 24.0
