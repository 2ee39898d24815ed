"""Listening to one file: what is measured, how it is cut up, and which files are refused."""

from __future__ import annotations

import struct
import wave
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundtrack.errors import InputError, Reason
from soundtrack.library.heard import Warned, require_unit_vectors
from soundtrack.library.tags import clean_text, read_header
from soundtrack.library.update import listen as listening
from soundtrack.library.update.listen import listen, segment_spans
from soundtrack.media.reading.audio import SoundReport
from soundtrack.types import BoolArray, Channel, Evidence, FloatArray, Medium, ReadingBatch, Span

DIM = 4


class LevelReader:
    """Networks that read nothing but the level: loud is exciting."""

    sample_rate_hz = 16_000

    def __init__(self) -> None:
        self.channels = (LevelChannel("level"), LevelChannel("level-again"))
        self.projection = LevelProjection()

    def voices(self, samples: FloatArray) -> BoolArray | None:
        """The last quarter of whatever there is, to see that it arrives."""
        return np.arange(1_000) >= 750 if len(samples) else None


class LevelChannel:
    """Root mean square of each stretch."""

    def __init__(self, name: str) -> None:
        self.channel = Channel(name, "1", Medium.TRACK, 1, "ab" * 32)

    def read(self, sound: FloatArray, spans: Sequence[Span]) -> Evidence:
        """One number for each stretch."""
        rows = []
        for span in spans:
            piece = sound[int(span.start_s * 16_000) : int(span.end_s * 16_000)]
            rows.append([float(np.sqrt(np.mean(np.square(piece)))) if len(piece) else 0.0])
        return Evidence(self.channel, tuple(spans), np.array(rows, np.float32))


class LevelProjection:
    """From levels to moods."""

    channels = (Channel("level", "1", Medium.TRACK, 1, "ab" * 32),)

    def read(self, blocks: Mapping[str, FloatArray], _counts: Sequence[int] = ()) -> ReadingBatch:
        """One row per segment."""
        level = np.clip(blocks["level"][:, 0], 0, 1)
        probabilities = np.stack([level, *[(1 - level) / 5] * 5], axis=1)
        embedding = np.stack([np.cos(level), np.sin(level), 0 * level, 0 * level], axis=1)
        return ReadingBatch(probabilities, level, 2 * level - 1, probabilities.max(axis=1), embedding)


def write_wav(path: Path, sound: FloatArray, *, rate_hz: int = 22_050) -> Path:
    """16-bit sound of shape (channels, samples)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(sound))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(sound.T, -1, 1) * 32_767).astype("<i2").tobytes())
    return path


def tone(seconds: float, *, level: float = 0.5, rate_hz: int = 22_050, channels: int = 2) -> FloatArray:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return np.tile((level * np.sin(2 * np.pi * 440 * t)).astype(np.float32), (channels, 1))


@given(st.floats(min_value=1.0, max_value=5_000.0))
def test_segments_tile_any_length_with_pieces_of_about_ten_seconds(length_s: float) -> None:
    spans = segment_spans(length_s)
    assert spans[0].start_s == 0.0
    assert spans[-1].end_s == pytest.approx(length_s, abs=1e-6)
    assert all(a.end_s == b.start_s for a, b in pairwise(spans))
    assert len(spans) == 1 or all(6.6 <= span.duration_s <= 13.4 for span in spans)


def test_what_is_heard_is_what_is_there(tmp_path: Path) -> None:
    sound = np.concatenate([tone(10, level=0.1), tone(10, level=0.5), tone(10, level=0.9)], axis=1)
    heard = listen(write_wav(tmp_path / "a.wav", sound), reader=LevelReader())
    assert heard.audio.duration_s == pytest.approx(30.0, abs=0.01)
    assert (heard.audio.channels, heard.audio.sample_rate_hz) == (2, 22_050)
    assert [segment.index for segment in heard.segments] == [0, 1, 2]
    assert heard.segments[-1].span.end_s == pytest.approx(heard.audio.duration_s)
    levels = [segment.loudness_lufs for segment in heard.segments]
    assert np.diff(levels) == pytest.approx([13.98, 5.1], abs=0.4)
    assert heard.loudness.true_peak_dbtp == pytest.approx(20 * np.log10(0.9), abs=0.2)
    arousal = [segment.emotion.arousal for segment in heard.segments]
    assert arousal == sorted(arousal)
    assert heard.emotion.arousal == pytest.approx(np.mean(arousal), abs=1e-6)
    assert heard.analysis.vocal_share == 0.25
    assert [segment.vocal_share for segment in heard.segments] == [0.0, 0.0, 0.7508]
    require_unit_vectors(heard.vectors, dim=DIM)
    require_unit_vectors(heard.vector[None], dim=DIM)
    assert heard.warnings == ()


def test_the_same_file_is_heard_alike_twice(tmp_path: Path, rng: np.random.Generator) -> None:
    sound = (0.2 * rng.normal(size=(2, 22_050 * 12))).astype(np.float32)
    path = write_wav(tmp_path / "a.wav", sound)
    first, second = (listen(path, reader=LevelReader()) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(first.vectors, second.vectors)


def test_mono_is_as_loud_to_the_network_as_the_same_sound_in_stereo(tmp_path: Path) -> None:
    mono = listen(write_wav(tmp_path / "m.wav", tone(6, channels=1)), reader=LevelReader())
    stereo = listen(write_wav(tmp_path / "s.wav", tone(6, channels=2)), reader=LevelReader())
    assert mono.emotion.arousal == pytest.approx(stereo.emotion.arousal, abs=0.005)


def test_silence_is_kept_with_a_warning(tmp_path: Path) -> None:
    heard = listen(write_wav(tmp_path / "a.wav", np.zeros((1, 22_050 * 5), np.float32)), reader=LevelReader())
    assert heard.warnings == (Warned.SILENT,)
    assert heard.loudness.integrated_lufs == -70.0


def test_a_file_shorter_than_its_header_says_is_kept_with_a_warning(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    heard = listen(path, reader=LevelReader())
    assert Warned.TRUNCATED in heard.warnings
    assert heard.audio.duration_s == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"This is no music. " * 100, Reason.NOT_MEDIA), (b"", None), (b"\x00" * 4096, Reason.NOT_MEDIA)],
    ids=["text", "empty", "zeros"],
)
def test_what_is_no_music_is_refused_with_a_reason(tmp_path: Path, content: bytes, reason: Reason | None) -> None:
    (tmp_path / "a.mp3").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.mp3") as caught:
        listen(tmp_path / "a.mp3", reader=LevelReader())
    assert reason is None or caught.value.reason is reason


def test_a_blip_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"too short: 0\.50 s of sound") as caught:
        listen(write_wav(tmp_path / "a.wav", tone(0.5)), reader=LevelReader())
    assert caught.value.reason is Reason.TOO_SHORT


@pytest.mark.parametrize("claimed_s", [0.0, 900.0, 1e9], ids=["unknown", "right", "absurd"])
def test_of_a_long_file_only_windows_are_kept_whatever_its_header_says(
    monkeypatch: pytest.MonkeyPatch, claimed_s: float
) -> None:
    monkeypatch.setattr(listening, "WHOLE_S", 20.0)
    monkeypatch.setattr(listening, "MAX_WINDOWS", 6)
    rate_hz, n_blocks = 48_000, 90

    def blocks() -> Iterator[tuple[int, FloatArray]]:
        for i in range(n_blocks):
            yield i, np.full((2, 10 * rate_hz), (i + 1) / 1000, np.float32)

    sound = listening._take_in(blocks(), decode_hz=rate_hz, rate_hz=16_000, mono_gain=1.0, expected_s=claimed_s)
    assert sound.duration_s == 900.0
    first, *windows = sound.stretches
    assert (first.start_s, first.duration_s) == (0.0, 20.0)
    assert len(windows) <= 6
    if claimed_s < 1e9:
        assert len(windows) >= 3
        assert windows[-1].start_s > 600.0
    for window in windows:
        assert window.duration_s == 10.0
        assert np.median(window.network) == pytest.approx((window.start_s / 10 + 1) / 1000, rel=1e-3)
    found, again = listening._observe(sound, LevelReader().channels)
    assert len(found.spans) == len(found.features) == len(listening._loudness(sound)) == 2 + len(windows)
    assert again.spans == found.spans
    assert all(a.end_s <= b.start_s for a, b in pairwise(found.spans))


@pytest.mark.parametrize("expected_s", [300.0, 300.4, 420.0, 240.0], ids=["right", "rounded", "too long", "too short"])
def test_jumping_over_what_is_not_heard_changes_nothing_of_what_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected_s: float
) -> None:
    monkeypatch.setattr(listening, "WHOLE_S", 20.0)
    monkeypatch.setattr(listening, "MAX_WINDOWS", 6)
    levels = np.repeat(np.linspace(0.1, 0.9, 30), 10 * 8_000).astype(np.float32)
    path = write_wav(tmp_path / "a.wav", levels * tone(300, level=1.0, rate_hz=8_000, channels=1), rate_hz=8_000)

    def heard(spacing: int) -> tuple[listening._Sound, list[int]]:
        monkeypatch.setattr(listening, "JUMP_SPACING", spacing)
        came = list(listening._numbered(path, decode_hz=48_000, expected_s=expected_s, report=SoundReport()))
        sound = listening._take_in(came, decode_hz=48_000, rate_hz=16_000, mono_gain=1.0, expected_s=expected_s)
        return sound, [i for i, _ in came]

    jumped, numbers = heard(1)
    whole, every = heard(10**9)
    assert every == list(range(30))
    assert (numbers != every) == (expected_s < 301 and expected_s >= 300)
    assert jumped.duration_s == whole.duration_s == pytest.approx(300.0)
    assert jumped.meter.result().integrated_lufs == pytest.approx(whole.meter.result().integrated_lufs, abs=0.01)
    assert [stretch.start_s for stretch in jumped.stretches] == [stretch.start_s for stretch in whole.stretches]
    for jump, plain in zip(jumped.stretches, whole.stretches, strict=True):
        np.testing.assert_allclose(jump.network[20:-20], plain.network[20:-20], atol=1e-3)  # filters start anew


def test_a_hole_in_a_long_file_is_passed_over_and_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(listening, "WHOLE_S", 20.0)
    monkeypatch.setattr(listening, "MAX_WINDOWS", 6)
    monkeypatch.setattr(listening, "JUMP_SPACING", 1)
    path = write_wav(tmp_path / "a.wav", tone(300, rate_hz=8_000, channels=1), rate_hz=8_000)
    real = listening.iter_audio

    def holed(path: Path, *, jump_s: float, **words: Any) -> Iterator[FloatArray]:
        if jump_s == 120.0:
            raise InputError("nothing there", hint="-", reason=Reason.NO_AUDIO)
        yield from real(path, jump_s=jump_s, **words)

    monkeypatch.setattr(listening, "iter_audio", holed)
    heard = listen(path, reader=LevelReader())
    assert Warned.DAMAGED in heard.warnings
    assert heard.audio.duration_s == pytest.approx(300.0)
    assert not any(segment.span.start_s == 120.0 for segment in heard.segments)


@given(st.text(max_size=2000))
def test_cleaned_text_is_one_short_line_without_anything_that_steers(text: str) -> None:
    cleaned = clean_text(text)
    if cleaned is not None:
        assert 0 < len(cleaned) <= 500
        assert cleaned.isprintable()
        assert clean_text(cleaned) == cleaned
        cleaned.encode("utf-8")


def test_tags_are_read_and_cleaned(tmp_path: Path) -> None:
    def frame(name: bytes, text: str) -> bytes:
        body = b"\x03" + text.encode()
        return name + struct.pack(">I", len(body)) + b"\x00\x00" + body

    frames = frame(b"TIT2", "Night\x1b[31m \u202eMoon\n2") + frame(b"TPE1", "x" * 900) + frame(b"TCOP", "CC BY 4.0")
    size = len(frames)
    head = b"ID3\x03\x00\x00" + bytes([(size >> 21) & 127, (size >> 14) & 127, (size >> 7) & 127, size & 127])
    (tmp_path / "a.mp3").write_bytes(head + frames + b"\x00" * 200)
    tags = read_header(tmp_path / "a.mp3").tags
    assert tags.title == "Night[31m Moon 2"
    assert tags.artist == "x" * 500
    assert tags.licence == "CC BY 4.0"


def test_a_file_without_tags_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"?" * 100)
    header = read_header(tmp_path / "a.xyz")
    assert header.tags.title is None
    assert header.duration_s is None
