"""The scored film is measured: loudness, peaks, length, picture, synchrony, sameness."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from films import (
    RATE,
    Job,
    ebur128,
    frame_times_s,
    make_film,
    make_job,
    picture_hash,
    write_track,
    write_voice,
)
from soundtrack.documents.cuesheet import needed_samples
from soundtrack.errors import InputError, OutputError, Reason, UsageError
from soundtrack.media.checking import fingerprint
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.mux import mux
from soundtrack.mix import render as render_module
from soundtrack.mix.ducking import MusicLevel, duck
from soundtrack.mix.render import render_film
from soundtrack.mix.report import RenderReport
from soundtrack.settings import MixSettings
from soundtrack.timebase import samples, seconds
from soundtrack.types import Section, Span

SPEECH = (Span(1.0, 2.5),)


def render(job: Job, out: Path, **options: object) -> RenderReport:
    return render_film(probe(job.film), job.sheet, out, track_paths=job.track_paths, **options)  # type: ignore[arg-type] # anything


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("music")
    return [write_track(folder / f"t{i}.wav", level=0.05 * (1 + 3 * i), seed=i) for i in range(2)]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("voice") / "voice.wav", seconds=4.0, spans=SPEECH)


def talking_job(film: Path, tracks: list[Path]) -> Job:
    length_s = probe(film).duration_s
    ducking = duck(SPEECH, (MusicLevel(Span(0, length_s), -20.0),), duration_s=length_s, settings=MixSettings())
    return make_job(film, tracks, speech=SPEECH, ducking=ducking)


SLOW = [pytest.param(suffix, marks=pytest.mark.slow) for suffix in (".mov", ".ts", ".avi")]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", *SLOW])
def test_the_scored_film_holds_every_promise(tmp_path: Path, tracks: list[Path], voice: Path, suffix: str) -> None:
    film = make_film(tmp_path / f"film{suffix}", sound=voice)
    job = talking_job(film, tracks)
    before = film.read_bytes()
    outs = [tmp_path / f"{name}{suffix}" for name in ("a", "b")]
    reports = [render(job, out) for out in outs]
    heard = ebur128(outs[0])
    assert abs(heard.integrated_lufs + 16.0) <= 0.5
    assert heard.true_peak_dbtp <= -1.0
    assert abs(reports[0].integrated_lufs - heard.integrated_lufs) <= 0.1
    assert picture_hash(outs[0]) == picture_hash(film)
    np.testing.assert_allclose(frame_times_s(outs[0]), frame_times_s(film), atol=0.002)
    assert abs(probe(outs[0]).duration_s - probe(film).duration_s) <= 1 / 25
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert 9.9 <= (reports[0].levels.speech_over_music_lu or 0) <= 10.5
    assert film.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([film.name, *(o.name for o in outs)])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", pytest.param(".webm", marks=pytest.mark.slow), *SLOW])
def test_original_and_music_sound_when_they_should(tmp_path: Path, suffix: str) -> None:
    original = np.zeros((4 * RATE, 2), dtype=np.float32)
    original[int(1.5 * RATE)] = 0.5
    wavfile.write(tmp_path / "original.wav", RATE, original)
    music = np.zeros((8 * RATE, 2), dtype=np.float32)
    music[3 * RATE] = 0.5  # the cue starts 1 s into the track, so this sounds 2 s into the film
    wavfile.write(tmp_path / "music.wav", RATE, music)
    film = make_film(tmp_path / f"film{suffix}", sound=tmp_path / "original.wav", seconds=4.0)
    out = tmp_path / f"out{suffix}"
    render(make_job(film, [tmp_path / "music.wav"]), out)
    wanted = (click(film, RATE, 7 * RATE // 4), 2 * RATE)
    heard = (click(out, RATE, 7 * RATE // 4), click(out, 7 * RATE // 4, 3 * RATE))
    slack = RATE // 100 if suffix == ".webm" else 96  # Matroska writers are some milliseconds off with Opus priming
    assert heard[0] == pytest.approx(wanted[0], abs=slack)
    assert heard[1] == pytest.approx(wanted[1], abs=slack)
    assert wanted[0] == pytest.approx(1.5 * RATE, abs=RATE // 100)


@pytest.mark.slow
def test_a_cue_at_another_speed_is_rendered_the_same_twice(tmp_path: Path, tracks: list[Path]) -> None:
    film = make_film(tmp_path / "film.mkv")
    job = make_job(film, tracks[:1])
    (cue,) = job.sheet.cues
    first, last = (samples(t, sample_rate_hz=RATE) for t in (cue.span.start_s, cue.span.end_s))
    start = samples(cue.sections[0].track.start_s, sample_rate_hz=RATE)
    end = start + needed_samples(last - first, speed=1.05)
    part = Section(Span(seconds(start, sample_rate_hz=RATE), seconds(end, sample_rate_hz=RATE)))
    faster = replace(job, sheet=replace(job.sheet, cues=(replace(cue, speed=1.05, sections=(part,)),)))
    outs = [tmp_path / f"{name}.mkv" for name in "abc"]
    for each, out in zip((job, faster, faster), outs, strict=True):
        assert render(each, out).warnings == ()
    plain, stretched, again = (out.read_bytes() for out in outs)
    assert stretched == again != plain
    assert probe(outs[0]).duration_s == probe(outs[1]).duration_s


def click(path: Path, start: int, stop: int) -> int:
    """Where the loudest sample of a stretch of the first sound lies, on the picture's clock."""
    info = probe(path)
    sound = read_audio(
        path,
        sample_rate_hz=RATE,
        channels=2,
        stream=info.audio_streams[0].index,
        clock_start_s=info.start_s,
    )
    return start + int(np.argmax(np.abs(sound[0, start:stop])))


def test_a_silent_film_gets_music_at_the_target(tmp_path: Path, tracks: list[Path]) -> None:
    film = make_film(tmp_path / "film.mp4")
    out = tmp_path / "out.mp4"
    report = render(make_job(film, tracks, target_lufs=-23.0), out)
    assert abs(ebur128(out).integrated_lufs + 23.0) <= 0.5
    assert report.levels.original_lufs is None
    assert [s.kind.value for s in probe(out).streams] == ["video", "audio"]


def test_a_film_without_cues_and_sound_is_silent_but_whole(tmp_path: Path, tracks: list[Path]) -> None:
    film = make_film(tmp_path / "film.mp4")
    job = make_job(film, tracks[:1])
    report = render(replace(job, sheet=replace(job.sheet, cues=())), tmp_path / "out.mp4")
    assert "silent" in report.warnings[0]
    assert picture_hash(tmp_path / "out.mp4") == picture_hash(film)


def test_replacing_leaves_nothing_of_the_original(tmp_path: Path, tracks: list[Path], voice: Path) -> None:
    film = make_film(tmp_path / "film.mkv", sound=voice)
    render(make_job(film, tracks[:1], keep_original=False), tmp_path / "replaced.mkv")
    render(make_job(make_film(tmp_path / "mute.mkv"), tracks[:1], keep_original=False), tmp_path / "only.mkv")
    replaced, only = (read_audio(tmp_path / n, sample_rate_hz=RATE, channels=2) for n in ("replaced.mkv", "only.mkv"))
    np.testing.assert_allclose(replaced, only, atol=2e-4)


def spiky_job(folder: Path) -> Job:
    rng = np.random.default_rng(1)
    quiet = rng.normal(0, 0.08, (10 * RATE, 2))
    quiet[:: RATE // 4] = 0.99
    wavfile.write(folder / "spiky.wav", RATE, quiet.astype(np.float32))
    return make_job(make_film(folder / "film.mp4"), [folder / "spiky.wav"], target_lufs=-14.0)


def test_loud_peaks_are_limited_and_the_loudness_still_lands(tmp_path: Path) -> None:
    report = render(spiky_job(tmp_path), tmp_path / "out.mp4")
    heard = ebur128(tmp_path / "out.mp4")
    assert report.limited_db > 4
    assert heard.true_peak_dbtp <= -1.0
    assert abs(heard.integrated_lufs + 14.0) <= 0.5


def test_a_film_was_written_again_for_every_gain_that_the_limiter_took_loudness_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(render_module, "mux", lambda info, part, **how: written.append(part) or mux(info, part, **how))
    report = render(spiky_job(tmp_path), tmp_path / "out.mkv")
    assert len(written) == 1
    assert report.limited_db > 3
    assert abs(ebur128(tmp_path / "out.mkv").integrated_lufs + 14.0) <= 0.25


def test_an_edited_gain_is_heard(tmp_path: Path, tracks: list[Path], voice: Path) -> None:
    film = make_film(tmp_path / "film.mkv", sound=voice)
    plain = talking_job(film, tracks[:1])
    edited = replace(
        plain, sheet=replace(plain.sheet, cues=(replace(plain.sheet.cues[0], gain_db=plain.sheet.cues[0].gain_db - 6),))
    )
    assert render(plain, tmp_path / "a.mkv").levels.speech_over_music_lu == pytest.approx(10.0, abs=0.1)
    assert render(edited, tmp_path / "b.mkv").levels.speech_over_music_lu == pytest.approx(16.0, abs=0.1)


def test_stems_add_up_to_the_mix(tmp_path: Path, tracks: list[Path], voice: Path) -> None:
    film = make_film(tmp_path / "film.mkv", sound=voice)
    job = talking_job(film, tracks)
    job = replace(job, sheet=replace(job.sheet, mix=replace(job.sheet.mix, target_lufs=-24.0)))
    report = render(job, tmp_path / "out.mkv", stems=tmp_path / "stems")
    assert [p.name for p in report.stems] == ["out.MX.flac", "out.DX.flac"]
    music, original = (read_audio(p, sample_rate_hz=RATE, channels=2) for p in report.stems)
    mix = read_audio(tmp_path / "out.mkv", sample_rate_hz=RATE, channels=2)
    assert music.shape == original.shape == mix.shape
    assert report.limited_db == 0
    np.testing.assert_allclose(music + original, mix, atol=1e-4)


def test_a_music_track_lies_beside_mix_and_untouched_original(tmp_path: Path, tracks: list[Path], voice: Path) -> None:
    film = make_film(tmp_path / "film.mp4", sound=voice)
    out = tmp_path / "out.mp4"
    render(talking_job(film, tracks), out, music_track=True)
    sounds = probe(out).audio_streams
    assert [s.is_default for s in sounds] == [True, False, False]
    kept = read_audio(out, sample_rate_hz=RATE, channels=2, stream=sounds[1].index)
    np.testing.assert_array_equal(kept, read_audio(film, sample_rate_hz=RATE, channels=2))
    alone = read_audio(out, sample_rate_hz=RATE, channels=2, stream=sounds[2].index)
    assert np.abs(alone[:, RATE // 2 : -RATE]).max() > 0.01


def test_a_track_that_ends_early_is_filled_with_silence_and_said(tmp_path: Path) -> None:
    write_track(tmp_path / "short.wav", seconds=3.0)
    film = make_film(tmp_path / "film.mkv")
    report = render(make_job(film, [tmp_path / "short.wav"]), tmp_path / "out.mkv")
    assert any("ends 2.0 s early" in line for line in report.warnings)


def test_refusals_leave_nothing_behind(tmp_path: Path, tracks: list[Path]) -> None:
    film = make_film(tmp_path / "film.mp4")
    job = make_job(film, tracks)
    (tmp_path / "there.mp4").write_bytes(b"old")
    names = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(UsageError, match="is the input itself"):
        render(job, film, force=True)
    with pytest.raises(OutputError, match="already exists"):
        render(job, tmp_path / "there.mp4")
    with pytest.raises(UsageError, match="unknown file type"):
        render(job, tmp_path / "out.xyz")
    with pytest.raises(OutputError, match="cannot store h264"):
        render(job, tmp_path / "out.webm")
    with pytest.raises(InputError, match="is missing"):
        render(replace(job, track_paths={"t0": tmp_path / "gone.wav", "t1": tracks[1]}), tmp_path / "out.mp4")
    other = replace(job, sheet=replace(job.sheet, film=replace(job.sheet.film, duration_s=60.0)))
    with pytest.raises(InputError, match=r"duration 4\.0 s, the cue sheet is about film\.mp4 of 60\.0 s"):
        render(other, tmp_path / "out.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    assert (tmp_path / "there.mp4").read_bytes() == b"old"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_sound_of_a_film_after_its_last_picture_was_left_out_without_a_word(
    tmp_path: Path, tracks: list[Path], suffix: str
) -> None:
    long = write_voice(tmp_path / "long.wav", seconds=7.0, spans=[Span(1, 2)])
    job = make_job(make_film(tmp_path / f"film{suffix}", sound=long, seconds=4.0), tracks)
    replacing = replace(job, sheet=replace(job.sheet, mix=replace(job.sheet.mix, keep_original=False)))
    line = "the film's sound goes on for 3.0 s after the picture and is left out there"
    found = [
        render(job, tmp_path / f"a{suffix}"),
        render(job, tmp_path / f"b{suffix}", music_track=True),
        render(replacing, tmp_path / f"c{suffix}"),
    ]
    assert [sum(w.startswith(line) for w in report.warnings) for report in found] == [1, 0, 0]


def slow_print(*_: object, **__: object) -> None:
    """Stands for hashing a very large film."""
    time.sleep(10)


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError("no good", hint="another one", reason=Reason.CORRUPT)])
def test_ctrl_c_while_a_large_film_is_measured_does_not_wait_for_its_print(
    tmp_path: Path, tracks: list[Path], monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | BaseException
) -> None:
    job = make_job(make_film(tmp_path / "film.mp4"), tracks)
    stopped_s: list[float] = []

    def stop(_stage: str, _done: int, _total: int) -> None:
        stopped_s.append(time.monotonic())
        raise error

    monkeypatch.setattr(fingerprint, "_film_print", slow_print)
    with pytest.raises((KeyboardInterrupt, InputError)):
        render(job, tmp_path / "out.mp4", progress=stop)
    assert time.monotonic() - stopped_s[0] < 6


@pytest.mark.parametrize("stage", ["measuring", "mixing"])
def test_an_interrupt_in_either_pass_leaves_nothing(tmp_path: Path, tracks: list[Path], stage: str) -> None:
    film = make_film(tmp_path / "film.mp4")
    job = make_job(film, tracks)

    def interrupt(now: str, _done: int, _total: int) -> None:
        if now == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(job, tmp_path / "out.mp4", progress=interrupt, stems=tmp_path / "stems")
    assert not (tmp_path / "out.mp4").exists()
    assert [p for p in tmp_path.rglob("*") if ".part" in p.name or p.suffix == ".flac"] == []
