"""Reading sound: exact to the sample, whole or in pieces, on the film's clock."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from soundtrack.errors import InputError, Reason
from soundtrack.media.process import file_arg, run_ffmpeg
from soundtrack.media.reading.audio import SoundReport, iter_audio, read_audio
from soundtrack.media.reading.probe import probe, probe_audio
from soundtrack.media.reading.sound import iter_stereo, iter_stereo_apart
from soundtrack.mix.render import require_decoder
from soundtrack.pipeline.score import plan_video
from soundtrack.types import UNKNOWN_CODEC, FloatArray, StreamInfo, StreamKind, VideoInfo

RATE = 8000


def make(path: Path, *args: str) -> Path:
    """A file by ffmpeg."""
    run_ffmpeg([*args, "-y", file_arg(path)], task="making a test file")
    return path


def write_wav(path: Path, samples: FloatArray, rate_hz: int = RATE) -> Path:
    """A float wav with a header of our own, so that nothing can hide in a writer."""
    data = np.ascontiguousarray(samples.T, np.float32).tobytes()
    channels = samples.shape[0]
    head = struct.pack("<IHHIIHH", 16, 3, channels, rate_hz, rate_hz * channels * 4, channels * 4, 32)
    body = b"WAVEfmt " + head + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def noise(rng: np.random.Generator, n: int, channels: int = 1) -> FloatArray:
    """White noise in [-0.5, 0.5]."""
    return rng.uniform(-0.5, 0.5, (channels, n)).astype(np.float32)


def test_samples_come_back_as_they_were_written(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = noise(rng, 12_345, channels=2)
    path = write_wav(tmp_path / "a.wav", samples)
    got = read_audio(path, sample_rate_hz=RATE, channels=2)
    assert got.dtype == np.float32
    assert got.flags.c_contiguous
    assert np.array_equal(got, samples)


@pytest.mark.parametrize("codec", ["a.mp3", "a.ogg", "a.flac", "a.m4a", "a.opus", "a.wav"])
def test_a_stretch_is_that_stretch_of_the_whole(tmp_path: Path, rng: np.random.Generator, codec: str) -> None:
    source = write_wav(tmp_path / "s.wav", noise(rng, 5 * RATE))
    strict = ["-strict", "-2"] if codec.endswith((".ogg", ".opus")) else []
    path = make(tmp_path / codec, "-i", file_arg(source), *strict)
    whole = read_audio(path, sample_rate_hz=22050, channels=1)
    part = read_audio(path, sample_rate_hz=22050, channels=1, start_s=1.2345, duration_s=2.0)
    first = int(1.2345 * 22050 + 0.5)
    assert part.shape == (1, 44100)
    assert np.array_equal(part, whole[:, first : first + 44100])


def test_blocks_add_up_to_the_whole(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_wav(tmp_path / "a.wav", noise(rng, 10_001, channels=2))
    blocks = list(iter_audio(path, sample_rate_hz=RATE, channels=2, block_s=0.5))
    assert [b.shape[1] for b in blocks] == [4000, 4000, 2001]
    assert np.array_equal(np.concatenate(blocks, axis=1), read_audio(path, sample_rate_hz=RATE, channels=2))


def test_beyond_the_end_there_is_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_wav(tmp_path / "a.wav", noise(rng, RATE))
    assert read_audio(path, sample_rate_hz=RATE, channels=1, start_s=3.0).shape == (1, 0)
    assert read_audio(path, sample_rate_hz=RATE, channels=1, start_s=0.75, duration_s=9.0).shape == (1, 2000)
    assert read_audio(path, sample_rate_hz=RATE, channels=1, duration_s=0.0).shape == (1, 0)


def test_down_mix_keeps_the_level_of_equal_channels(tmp_path: Path, rng: np.random.Generator) -> None:
    mono = noise(rng, RATE)
    path = write_wav(tmp_path / "a.wav", np.concatenate([mono, mono]))
    assert np.allclose(read_audio(path, sample_rate_hz=RATE, channels=1), mono, atol=1e-6)
    short = make(tmp_path / "b.wav", "-i", file_arg(path), "-c:a", "pcm_s16le")
    assert np.allclose(read_audio(short, sample_rate_hz=RATE, channels=1), mono, atol=1e-4)


def test_up_mix_keeps_the_power(tmp_path: Path, rng: np.random.Generator) -> None:
    mono = noise(rng, RATE)
    got = read_audio(write_wav(tmp_path / "a.wav", mono), sample_rate_hz=RATE, channels=2)
    assert np.allclose((got**2).sum(axis=0), mono[0] ** 2, atol=1e-5)


def test_what_is_no_number_becomes_silence(tmp_path: Path) -> None:
    samples = np.array([[0.1, np.nan, 0.2, np.inf, -np.inf, 0.3]], np.float32)
    got = read_audio(write_wav(tmp_path / "a.wav", samples), sample_rate_hz=RATE, channels=1)
    assert got.tolist() == pytest.approx(np.array([[0.1, 0, 0.2, 0, 0, 0.3]]))


def test_a_header_that_lies_about_the_length_does_not_matter(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_wav(tmp_path / "a.wav", noise(rng, RATE))
    raw = bytearray(path.read_bytes())
    raw[40:44] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(raw)
    assert read_audio(path, sample_rate_hz=RATE, channels=1).shape == (1, RATE)


def click_film(path: Path, *, sound_late_s: float, click_s: float = 0.5) -> Path:
    """One second of black whose sound starts late and clicks once."""
    sound = f"aevalsrc='if(between(t,{click_s},{click_s}+0.001),0.9,0)':s={RATE}:d=1"
    return make(
        path,
        *("-f", "lavfi", "-i", "color=black:s=32x32:r=25:d=2", "-itsoffset", str(sound_late_s)),
        *("-f", "lavfi", "-i", sound, "-c:v", "mpeg4", "-c:a", "pcm_s16le" if path.suffix != ".mp4" else "aac"),
    )


@pytest.mark.parametrize("name", ["late.mkv", "late.mov", "late.mp4"])
@pytest.mark.parametrize("late_s", [0.0, 0.75])
def test_sound_lies_on_the_clock_of_the_film(tmp_path: Path, name: str, late_s: float) -> None:
    film = click_film(tmp_path / name, sound_late_s=late_s)
    start_s = probe(film).start_s
    got = read_audio(film, sample_rate_hz=RATE, channels=1, clock_start_s=start_s)
    slack = 20 if name.endswith("mp4") else 9  # AAC smears a click; Matroska rounds times to a millisecond
    assert int(np.abs(got[0]).argmax()) / RATE == pytest.approx(0.5 + late_s, abs=slack / RATE)
    part = read_audio(film, sample_rate_hz=RATE, channels=1, clock_start_s=start_s, start_s=0.25, duration_s=0.3)
    assert np.array_equal(part, got[:, 2000:4400])


def test_sound_before_the_first_picture_is_left_out(tmp_path: Path) -> None:
    film = click_film(tmp_path / "a.mov", sound_late_s=0.0)
    got = read_audio(film, sample_rate_hz=RATE, channels=1, clock_start_s=0.25)
    assert np.abs(got[0]).argmax() == pytest.approx(0.25 * RATE, abs=9)


def test_the_stream_that_was_asked_for_is_read(tmp_path: Path) -> None:
    path = make(
        tmp_path / "two.mka",
        *("-f", "lavfi", "-i", f"aevalsrc=0.1:s={RATE}:d=1", "-f", "lavfi", "-i", f"aevalsrc=0.4:s={RATE}:d=1"),
        *("-map", "0", "-map", "1", "-c:a", "pcm_f32le", "-f", "matroska"),
    )
    assert read_audio(path, sample_rate_hz=RATE, channels=1).mean() == pytest.approx(0.1, abs=1e-3)
    assert read_audio(path, sample_rate_hz=RATE, channels=1, stream=1).mean() == pytest.approx(0.4, abs=1e-3)


def test_a_broken_off_file_gives_its_good_part(tmp_path: Path, rng: np.random.Generator) -> None:
    source = write_wav(tmp_path / "s.wav", noise(rng, 8 * RATE))
    whole = make(tmp_path / "a.flac", "-i", file_arg(source))
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    got = read_audio(cut, sample_rate_hz=RATE, channels=1)
    assert 3 * RATE < got.shape[1] < 5 * RATE
    reference = read_audio(whole, sample_rate_hz=RATE, channels=1)
    good = got.shape[1] - 4608  # the last block of the codec may be damaged
    assert np.array_equal(got[:, :good], reference[:, :good])


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", Reason.EMPTY), (b"just text, no sound\n" * 50, Reason.NOT_MEDIA), (b"fLaC" + b"\0" * 500, Reason.CORRUPT)],
)
def test_refusals_name_the_file_and_the_reason(tmp_path: Path, content: bytes, reason: Reason) -> None:
    path = tmp_path / "song.flac"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"song\.flac: ") as caught:
        read_audio(path, sample_rate_hz=RATE, channels=1)
    assert caught.value.reason is reason


def test_a_film_without_sound_has_no_audio(tmp_path: Path) -> None:
    film = make(tmp_path / "a.mp4", "-f", "lavfi", "-i", "color=black:s=32x32:r=5:d=1", "-c:v", "mpeg4")
    with pytest.raises(InputError) as caught:
        read_audio(film, sample_rate_hz=RATE, channels=1)
    assert caught.value.reason is Reason.NO_AUDIO


# --- what is told ----


@pytest.fixture(params=["by ffmpeg", "in this process"])
def report_of(request: pytest.FixtureRequest) -> Callable[[Path], SoundReport]:
    """What decoding all of a file found out."""

    def report(path: Path) -> SoundReport:
        told = SoundReport()
        if request.param == "by ffmpeg":
            blocks = iter_audio(path, sample_rate_hz=RATE, channels=2, report=told)
        else:
            blocks = iter_stereo(path, sample_rate_hz=RATE, report=told)
        assert all(np.isfinite(block).all() for block in blocks)
        return told

    return report


def test_damage_is_told_and_good_sound_says_nothing(
    tmp_path: Path, rng: np.random.Generator, report_of: Callable[[Path], SoundReport]
) -> None:
    whole = make(tmp_path / "a.mp3", "-i", file_arg(write_wav(tmp_path / "s.wav", noise(rng, 5 * RATE))))
    assert report_of(whole) == SoundReport()
    data = bytearray(whole.read_bytes())
    for place in range(1_000, len(data), 97):
        data[place] ^= 0xFF
    (tmp_path / "flipped.mp3").write_bytes(data)
    assert report_of(tmp_path / "flipped.mp3").is_damaged


def test_samples_that_are_no_numbers_are_told(
    tmp_path: Path, rng: np.random.Generator, report_of: Callable[[Path], SoundReport]
) -> None:
    samples = noise(rng, RATE)
    samples[0, 100] = np.nan
    assert report_of(write_wav(tmp_path / "a.wav", samples)).is_damaged


def test_a_cover_of_a_gigapixel_is_told_and_the_sound_is_whole(
    tmp_path: Path, rng: np.random.Generator, report_of: Callable[[Path], SoundReport]
) -> None:
    source = write_wav(tmp_path / "s.wav", noise(rng, 2 * RATE))
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))
    png += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    picture = b"\0image/png\0\3\0" + png
    frame = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    plain = make(tmp_path / "plain.mp3", "-i", file_arg(source), "-id3v2_version", "0")
    (tmp_path / "a.mp3").write_bytes(b"ID3\3\0\0" + size + frame + plain.read_bytes())
    assert report_of(tmp_path / "a.mp3") == SoundReport(has_giant_cover=True)


# --- decoded in this process ----


def stereo_of(path: Path, rate_hz: int = 44_100) -> FloatArray:
    """All of a file as this process decodes it, in blocks of half a second."""
    blocks = list(iter_stereo(path, sample_rate_hz=rate_hz, block_s=0.5))
    assert all(block.shape == (2, rate_hz // 2) for block in blocks[:-1])
    assert all(block.dtype == np.float32 and block.flags.c_contiguous for block in blocks)
    return np.concatenate(blocks, axis=1)


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg", "opus", "mkv"])
@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 22_050), (2, 44_100), (3, 48_000), (6, 48_000)])
def test_this_process_hears_what_ffmpeg_hears(
    tmp_path: Path, rng: np.random.Generator, ending: str, channels: int, rate_hz: int
) -> None:
    source = write_wav(tmp_path / "s.wav", noise(rng, 2 * rate_hz + 137, channels), rate_hz=rate_hz)
    kind = {"opus": ["-c:a", "libopus", "-ar", "48000", "-ac", "2"], "mp3": ["-ac", str(min(channels, 2))]}
    path = make(tmp_path / f"a.{ending}", "-i", file_arg(source), *kind.get(ending, []))
    expected = read_audio(path, sample_rate_hz=44_100, channels=2)
    got = stereo_of(path)
    assert got.shape == expected.shape
    assert expected.shape[1] > 88_200
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(("start", "stop"), [(0, None), (0, 100), (30_000, 70_000), (44_100, None), (90_000, 200_000)])
def test_a_stretch_decoded_apart_is_that_stretch(
    tmp_path: Path, rng: np.random.Generator, start: int, stop: int | None
) -> None:
    source = write_wav(tmp_path / "s.wav", noise(rng, 2 * RATE + 137, 2), rate_hz=RATE)
    path = make(tmp_path / "a.ogg", "-i", file_arg(source))
    blocks = iter_stereo_apart(path, sample_rate_hz=44_100, block_s=0.5, start=start, stop=stop)
    got = np.concatenate([np.zeros((2, 0), np.float32), *blocks], axis=1)
    np.testing.assert_array_equal(got, stereo_of(path)[:, start:stop])


def test_the_sound_that_is_named_is_decoded(tmp_path: Path, rng: np.random.Generator) -> None:
    loud, soft = (write_wav(tmp_path / f"{gain}.wav", gain * noise(rng, RATE)) for gain in (1.0, 0.1))
    film = make(
        tmp_path / "a.mkv", "-i", file_arg(loud), "-i", file_arg(soft), "-map", "0", "-map", "1", "-c:a", "flac"
    )
    peaks = [
        max(abs(block).max() for block in iter_stereo_apart(film, sample_rate_hz=RATE, stream=stream))
        for stream in (None, 0, 1)
    ]
    assert peaks[0] == peaks[1] > 5 * peaks[2]


def test_nothing_that_is_no_file_is_decoded_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        list(iter_stereo_apart(tmp_path, sample_rate_hz=RATE))
    assert caught.value.reason is Reason.NOT_REGULAR


def test_this_process_leaves_out_what_fills_the_last_packet_of_an_mp4(tmp_path: Path, rng: np.random.Generator) -> None:
    source = write_wav(tmp_path / "s.wav", noise(rng, 2 * 44_100 + 137, 2), rate_hz=44_100)
    got = stereo_of(make(tmp_path / "a.m4a", "-i", file_arg(source), "-c:a", "aac", "-b:a", "256k"))
    assert abs(got.shape[1] - (2 * 44_100 + 137)) <= 44  # ffmpeg 5 writes the length of an mp4 in milliseconds
    expected = read_audio(tmp_path / "a.m4a", sample_rate_hz=44_100, channels=2)
    np.testing.assert_allclose(got[:, :88_200], expected[:, :88_200], atol=1e-6)


def test_this_process_follows_a_change_of_rate_and_channels(tmp_path: Path, rng: np.random.Generator) -> None:
    parts = []
    for name, rate_hz, channels in (("a", 44_100, 2), ("b", 48_000, 1), ("c", 22_050, 2)):
        source = write_wav(tmp_path / f"{name}.wav", noise(rng, rate_hz, channels), rate_hz=rate_hz)
        parts.append(make(tmp_path / f"{name}.mp3", "-i", file_arg(source), "-id3v2_version", "0", "-write_xing", "0"))
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    got = stereo_of(joined)
    assert got.shape[1] == pytest.approx(3 * 44_100, abs=3 * 2_500)  # each begins and ends with padding
    for second in (0.5, 1.6, 2.7):
        part = got[:, int((second - 0.2) * 44_100) : int((second + 0.2) * 44_100)]
        assert 0.15 < part.std() < 0.32, second


def test_this_process_gives_the_good_part_of_a_broken_off_file(tmp_path: Path, rng: np.random.Generator) -> None:
    whole = make(tmp_path / "a.flac", "-i", file_arg(write_wav(tmp_path / "s.wav", noise(rng, 8 * RATE))))
    (tmp_path / "cut.flac").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    got, reference = stereo_of(tmp_path / "cut.flac", RATE), stereo_of(whole, RATE)
    assert 3 * RATE < got.shape[1] < 5 * RATE
    good = got.shape[1] - 4608
    assert np.array_equal(got[:, :good], reference[:, :good])


def test_this_process_refuses_what_has_no_sound_that_becomes_stereo(tmp_path: Path, rng: np.random.Generator) -> None:
    film = make(tmp_path / "a.mp4", "-f", "lavfi", "-i", "color=black:s=32x32:r=5:d=1", "-c:v", "mpeg4")
    (tmp_path / "a.flac").write_bytes(b"fLaC" + b"\0" * 500)
    nine = write_wav(tmp_path / "nine.wav", noise(rng, RATE, 9))
    refused = {film: Reason.NO_AUDIO, tmp_path / "a.flac": Reason.CORRUPT, nine: Reason.BAD_FORMAT}
    for path, reason in refused.items():
        with pytest.raises(InputError, match=path.name) as caught:
            stereo_of(path)
        assert caught.value.reason is reason


def test_this_process_reads_sound_within_a_limit_of_memory(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_wav(tmp_path / "a.wav", noise(rng, 12 * RATE))
    before = resource.getrlimit(resource.RLIMIT_AS)
    blocks = iter_stereo(path, sample_rate_hz=RATE)
    assert next(blocks).shape == (2, 10 * RATE)
    assert 0 < resource.getrlimit(resource.RLIMIT_AS)[0] < 1 << 40
    blocks.close()
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    code = (  # a process that has run for long would find room among what was freed
        "import sys\n"
        "from pathlib import Path\n"
        "from soundtrack.media.reading import sound\n"
        "sound.MEMORY_BYTES = 1 << 20\n"
        "try:\n"
        "    list(sound.iter_stereo(Path(sys.argv[1]), sample_rate_hz=4_000_000, block_s=2.0))\n"
        "except MemoryError:\n"
        "    sys.exit(17)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=False, timeout=60)
    assert done.returncode == 17, done.stderr


def sound_of_no_known_codec(path: Path) -> Path:
    """A film whose sound says of itself that it is something that nobody has heard of."""
    inputs = ["-f", "lavfi", "-i", "testsrc=d=1:s=64x48", "-f", "lavfi", "-i", "sine=440:d=1"]
    film = make(path, *inputs, "-pix_fmt", "yuv420p", "-c:a", "aac")
    data = film.read_bytes()
    entry = data.rfind(b"mp4a")
    kind = data.find(b"\x40\x15", data.find(b"esds", entry))
    path.write_bytes(data[:entry] + b"zzzz" + data[entry + 4 : kind] + b"\x99" + data[kind + 1 :])
    return path


def test_sound_that_nothing_decodes_is_refused_and_no_bug(tmp_path: Path) -> None:
    film = sound_of_no_known_codec(tmp_path / "a.mp4")
    with pytest.raises(InputError) as placed:
        read_audio(film, sample_rate_hz=RATE, channels=1, clock_start_s=0.0)
    with pytest.raises(InputError) as plain:
        list(iter_stereo(film, sample_rate_hz=RATE))
    with pytest.raises(InputError) as probed:
        probe_audio(film)
    assert {error.value.reason for error in (placed, plain, probed)} == {Reason.UNSUPPORTED}
    assert "no decoder" in str(placed.value)


def test_a_sound_that_is_decoded_comes_before_one_that_nothing_decodes() -> None:
    unknown = StreamInfo(1, StreamKind.AUDIO, UNKNOWN_CODEC, is_default=True)
    other, plain = (StreamInfo(n, StreamKind.AUDIO, "aac", is_default=n == 3) for n in (2, 3))

    def main(*streams: StreamInfo) -> StreamInfo | None:
        return VideoInfo(Path("a.mp4"), "mov", 1.0, Fraction(25), 64, 48, 0, 0, streams).main_audio

    assert main(unknown, other, plain) == plain
    assert main(unknown, other) == other
    assert main(unknown) == unknown
    assert main() is None


def test_a_film_whose_only_sound_nothing_decodes_is_refused_before_it_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`score` watched all of it, and then called it damaged; what helps is to replace the sound."""
    info = probe(sound_of_no_known_codec(tmp_path / "a.mp4"))
    with pytest.raises(InputError, match="no decoder") as refused:
        require_decoder(info, keeps=True, hint="add --replace")
    assert refused.value.hint.startswith("add --replace to leave it out")
    require_decoder(info, keeps=False, hint="")
    library = SimpleNamespace(tracks=dict, track_ids=(), playlists=dict, former_names=dict)
    monkeypatch.setattr("soundtrack.pipeline.given.open_library", lambda *_, **__: library)
    monkeypatch.setattr("soundtrack.library.search.library_view.require_music", lambda *_: None)
    monkeypatch.setattr("soundtrack.pipeline.film.analyse.Watcher.analyse", lambda *_, **__: pytest.fail("is watched"))
    with pytest.raises(InputError, match="no decoder"):
        plan_video(info.path)
