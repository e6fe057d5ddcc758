import base64
import struct

import pytest

from farthing.upstream.simulator.media import audio_tokens, image_size, image_tokens
from farthing.upstream.simulator.models import MODELS


def png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", width, height)
    return "data:image/png;base64," + base64.b64encode(head).decode()


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [
        ("gpt-4o", (1024, 1024), 85 + 170 * 4),
        ("gpt-4o", (2048, 4096), 85 + 170 * 6),
        ("gpt-4o-mini", (1024, 1024), 2833 + 5667 * 4),
        ("gpt-5", (512, 512), 70 + 140),
        ("gpt-4.1-mini", (1024, 1024), round(1024 * 1.62)),
        ("o4-mini", (8000, 8000), round(1536 * 1.72)),
        ("claude-sonnet-4-5", (1000, 1000), 1333),
        ("claude-sonnet-4-5", (200, 200), 53),
        ("claude-sonnet-4-5", (4000, 4000), 1600),
    ],
)
def test_images(model: str, size: tuple[int, int], tokens: int) -> None:
    assert image_tokens(MODELS[model], png(*size)) == tokens


def test_sizes() -> None:
    jpeg = b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + b"ab" + b"\xff\xc0" + struct.pack(">HBHH", 11, 8, 30, 40) + b"1"
    assert image_size(jpeg) == (40, 30)
    webp = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (99).to_bytes(3, "little") + (49).to_bytes(3, "little")
    assert image_size(webp) == (100, 50)
    assert image_size(b"GIF89a" + struct.pack("<HH", 5, 6)) == (5, 6)
    for nonsense in (b"", b"\xff\xd8", b"\xff\xd8\xff", b"hello", b"\x89PNG\r\n\x1a\n"):
        assert image_size(nonsense) == (1024, 1024)


def test_what_cannot_be_read_still_counts() -> None:
    assert image_tokens(MODELS["gpt-4o"], "https://example.com/a.png") == 85 + 170 * 4
    assert audio_tokens("%%%") == 1
    assert audio_tokens(base64.b64encode(bytes(32_000)).decode()) == 20
