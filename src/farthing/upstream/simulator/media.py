"""What images and audio count, by each provider's published rule. Sizes are read from the first bytes of the data.

An image behind a URL is not fetched: it counts as one of 1024 x 1024.
"""

import base64
import binascii
import struct

from farthing.upstream.simulator.models import Model

Size = tuple[int, int]

_UNKNOWN: Size = (1024, 1024)
_TILES = {"tiles": (85, 170), "tiles-mini": (2833, 5667), "tiles-5": (70, 140)}
"""Tokens for an image, and for each tile of 512 x 512."""
_MOST_PATCHES = 1536
_AUDIO_PER_SECOND = 10
_BYTES_PER_SECOND = 16_000
"""Of compressed audio, at 128 kbit/s."""


def image_tokens(model: Model, source: str, detail: str = "auto") -> int:
    """Tokens of an image for `model`; `source` is a data URL, bare base64 or a URL."""
    size = image_size(_decoded(source))
    if model.image == "area":
        return _area(size)
    if model.image == "patches":
        return _patches(size, model.patch_factor)
    base, tile = _TILES.get(model.image, _TILES["tiles"])
    return base if detail == "low" else base + tile * _tiles(size)


def audio_tokens(source: str) -> int:
    """Tokens of base64 audio: ten a second."""
    return max(1, round(_seconds(_decoded(source)) * _AUDIO_PER_SECOND))


def image_size(data: bytes) -> Size:
    """Width and height of a PNG, GIF, JPEG or WebP; 1024 x 1024 where they cannot be read."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:4] == b"GIF8" and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    return _UNKNOWN


def _jpeg_size(data: bytes) -> Size:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return _UNKNOWN


def _tiles(size: Size) -> int:
    """512 x 512 tiles once the image fits into 2048 x 2048 and its shorter side into 768."""
    width, height = _shrunk(size, 2048)
    scale = min(1.0, 768 / max(1, min(width, height)))
    return -(-int(width * scale) // 512) * -(-int(height * scale) // 512)


def _patches(size: Size, factor: float) -> int:
    width, height = size
    patches = -(-width // 32) * -(-height // 32)
    return round(min(patches, _MOST_PATCHES) * factor)


def _area(size: Size) -> int:
    """Anthropic: width x height / 750 once the longer side fits into 1568 pixels, at most about 1,600."""
    width, height = _shrunk(size, 1568)
    return max(1, min(1600, round(width * height / 750)))


def _shrunk(size: Size, longest: int) -> Size:
    width, height = size
    scale = min(1.0, longest / max(1, width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _seconds(data: bytes) -> float:
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE" and len(data) >= 44:
        rate = int.from_bytes(data[28:32], "little")
        return (len(data) - 44) / rate if rate else 0.0
    return len(data) / _BYTES_PER_SECOND


def _decoded(source: str) -> bytes:
    if source.startswith(("http://", "https://")):
        return b""
    _, _, data = source.rpartition(",")
    try:
        return base64.b64decode(data, validate=False)
    except (binascii.Error, ValueError):
        return b""
