"""Makes films and sounds of the sample data, without an encoder.

A lossy WebP picture holds one key frame of VP8, the codec of WebM. So a film is a list of WebP pictures of Pillow,
whose frames are put into the container of Matroska (EBML: element id, length, content).
"""

import io
import math
import random
import struct
import wave
from collections.abc import Iterable

from PIL import Image

from companies.sample.drawing import landscape

FRAMES, MILLISECONDS = 48, 100
SIZE = (320, 180)
_RATE, _SECONDS = 8000, 3


def film(scene: str, seed: int) -> bytes:
    """Return a WebM film of a camera that pans over a landscape: 48 frames, 4.8 seconds."""
    wide = landscape(scene, seed, size=(480, 320))
    travel = wide.width - SIZE[0]
    frames = []
    for number in range(FRAMES):
        at = round(travel * (1 - math.cos(math.pi * number / (FRAMES - 1))) / 2)
        frames.append(_vp8(wide.crop((at, 100, at + SIZE[0], 100 + SIZE[1]))))
    return webm(frames)


def webm(frames: list[bytes]) -> bytes:
    """Return a film of VP8 key frames. Every frame is a point to seek to; the cues name each tenth."""
    head = _element(
        0x1A45DFA3,
        _number(0x4286, 1) + _number(0x42F7, 1) + _number(0x42F2, 4) + _number(0x42F3, 8)
        + _element(0x4282, b"webm") + _number(0x4287, 4) + _number(0x4285, 2),
    )  # fmt: skip
    duration = _element(0x4489, struct.pack(">d", len(frames) * MILLISECONDS))
    info = _element(
        0x1549A966,
        _number(0x2AD7B1, 1_000_000) + duration + _element(0x4D80, b"s3store") + _element(0x5741, b"s3store"),
    )
    video = _element(0xE0, _number(0xB0, SIZE[0]) + _number(0xBA, SIZE[1]))
    track = _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, 1) + _element(0x86, b"V_VP8") + video
    tracks = _element(0x1654AE6B, _element(0xAE, track))
    clusters = [_cluster(start, frames[start : start + 10]) for start in range(0, len(frames), 10)]
    # The length of the cues does not depend on the positions in them: these take eight bytes each.
    cues = _cues([0] * len(clusters))
    positions, at = [], len(info) + len(tracks) + len(cues)
    for cluster in clusters:
        positions.append(at)
        at += len(cluster)
    return head + _element(0x18538067, info + tracks + _cues(positions) + b"".join(clusters))


def sound(seed: int) -> bytes:
    """Return a WAV file of three seconds: a few sine waves that fade."""
    chance = random.Random(seed)  # noqa: S311
    tones = [220 * 2 ** (chance.choice([0, 3, 5, 7, 10, 12]) / 12) for _ in range(3)]
    count = _RATE * _SECONDS
    samples = bytearray(count)
    for at in range(count):
        value = sum(math.sin(math.tau * tone * at / _RATE) for tone in tones) / 3
        samples[at] = 128 + int(100 * value * (1 - at / count) ** 2)
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_RATE)
        file.writeframes(bytes(samples))
    return target.getvalue()


def _vp8(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "WEBP", quality=45, method=0)
    riff = target.getvalue()
    if riff[12:16] != b"VP8 ":
        raise ValueError("Pillow did not write a simple lossy WebP file, so it has no frame for a film.")
    return riff[20 : 20 + int.from_bytes(riff[16:20], "little")]


def _cluster(start: int, frames: Iterable[bytes]) -> bytes:
    content = _number(0xE7, start * MILLISECONDS)
    for number, frame in enumerate(frames):
        content += _element(0xA3, b"\x81" + struct.pack(">h", number * MILLISECONDS) + b"\x80" + frame)
    return _element(0x1F43B675, content)


def _cues(positions: list[int]) -> bytes:
    points = b""
    for number, position in enumerate(positions):
        where = _number(0xF7, 1) + _element(0xF1, position.to_bytes(8, "big"))
        points += _element(
            0xBB, _element(0xB3, (number * 10 * MILLISECONDS).to_bytes(4, "big")) + _element(0xB7, where)
        )
    return _element(0x1C53BB6B, points)


def _element(name: int, content: bytes) -> bytes:
    """Return an EBML element. Its length is written with eight bytes."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + b"\x01" + len(content).to_bytes(7, "big") + content


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))
