"""Damaged media without end: whatever the bytes, reading gives something or an `InputError`, and soon.

Each turn takes a small whole file of some kind, cuts it at a tenth of its header or of all of it, or turns bits over in
its header or anywhere, and puts it through everything that reads media. ``SOUNDTRACK_FUZZ=2000`` asks for more turns.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from odd_files import ffmpeg
from soundtrack.errors import InputError

TURNS = int(os.environ.get("SOUNDTRACK_FUZZ", "100"))
LONGEST_S = 30.0
HEADER_BYTES = 2_048

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1")
TONE = ("-f", "lavfi", "-i", "sine=f=440:r=22050:d=1.5")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
KINDS: dict[str, tuple[str, ...]] = {
    "mp4": (*PICTURE, *TONE, *H264, "-c:a", "aac"),
    "mkv": (*PICTURE, *TONE, *H264, "-c:a", "flac"),
    "ts": (*PICTURE, *TONE, *H264, "-c:a", "mp2"),
    "mov": (*PICTURE, *TONE, "-c:v", "prores_ks", "-c:a", "pcm_s16le"),
    "avi": (*PICTURE, *TONE, "-c:v", "mpeg4", "-c:a", "mp3"),
    "webm": (*PICTURE, *TONE, "-c:v", "libvpx", "-c:a", "libopus", "-ar", "48000"),
    "mpg": (*PICTURE, *TONE, "-c:v", "mpeg2video", "-c:a", "mp2"),
    "gif": PICTURE,
    "mp3": TONE,
    "flac": TONE,
    "ogg": (*TONE, "-c:a", "flac"),
    "m4a": TONE,
    "wav": TONE,
    "wma": TONE,
    "aiff": TONE,
    "w64": TONE,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    for kind, args in KINDS.items():
        ffmpeg(*args, folder / f"a.{kind}")
    return {kind: (folder / f"a.{kind}").read_bytes() for kind in KINDS}


def damaged(data: bytes, turn: int, rng: np.random.Generator) -> bytes:
    """The same, cut or with bits turned over."""
    header = min(HEADER_BYTES, len(data))
    match turn % 4:
        case 0:
            return data[: max(1, len(data) * int(rng.integers(1, 10)) // 10)]
        case 1:
            return data[: max(1, header * int(rng.integers(1, 10)) // 10)]
        case which:
            changed = np.frombuffer(data, np.uint8).copy()
            places = rng.integers(0, header if which == 2 else len(data), size=int(rng.integers(1, 30)))
            changed[places] ^= (1 << rng.integers(0, 8, size=len(places))).astype(np.uint8)
            return changed.tobytes()


def read_everything(path: Path) -> list[str]:
    """What each reader came to."""
    from soundtrack.media.checking.fingerprint import film_print
    from soundtrack.media.reading.audio import read_audio
    from soundtrack.media.reading.probe import probe, probe_audio
    from soundtrack.video.decode import iter_frames

    def frames() -> None:
        for _ in iter_frames(probe(path), side_px=16):
            pass

    came_to = []
    for read in (
        frames,
        lambda: probe_audio(path),
        lambda: read_audio(path, sample_rate_hz=8_000, channels=1, duration_s=60.0),
        lambda: film_print(path),
    ):
        try:
            read()
            came_to.append("read")
        except InputError as error:
            assert str(error).startswith(str(path)) and error.hint
            came_to.append(error.reason.value)
    return came_to


@pytest.mark.slow
@pytest.mark.timeout(0 if "SOUNDTRACK_FUZZ" in os.environ else 300)
def test_whatever_the_bytes_it_is_read_or_refused(
    whole: dict[str, bytes], tmp_path: Path, rng: np.random.Generator
) -> None:
    seen: Counter[str] = Counter()
    for turn in range(TURNS):
        kind = list(KINDS)[turn // 4 % len(KINDS)]
        data = damaged(whole[kind], turn, rng)
        path = tmp_path / f"{turn}.{kind}"
        path.write_bytes(data)
        began_s = time.monotonic()
        seen.update(read_everything(path))
        assert time.monotonic() - began_s < LONGEST_S, (turn, kind)
        assert path.read_bytes() == data
        path.unlink()
    assert list(tmp_path.iterdir()) == []
    assert seen["read"] > TURNS // 2 and seen["corrupt"] + seen["not_media"] > TURNS // 10, seen
    assert not seen["crashed"] and not seen["timeout"], seen
