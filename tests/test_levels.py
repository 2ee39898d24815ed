"""What the original may suffer for the sake of loudness, and what the music has to do instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from films import RATE, ebur128, ffmpeg, loudness_of, make_film, make_job, write_track
from soundtrack.cli.app import command_line
from soundtrack.documents import cuesheet
from soundtrack.media.reading.probe import probe
from soundtrack.mix.ducking import MAX_ATTACK_DB_PER_S, MAX_DEPTH_DB, MAX_RELEASE_DB_PER_S, gain_db_at
from soundtrack.mix.levels import CLEAR_OVER_SPEECH_LU, ORIGINAL_LIMIT_DB
from soundtrack.mix.render import render_film
from soundtrack.mix.report import RenderReport
from soundtrack.mix.speech_windows import deepened, missing_db, talk_windows
from soundtrack.settings import MixSettings
from soundtrack.types import GainPoint, MixNotes, Span

SPEECH = (Span(1.0, 7.0),)


def peaky_voice(path: Path, *, seconds: float = 12.0, spoken: Span | None = SPEECH[0]) -> Path:
    """Soft noise, as loud as speech in some seconds, with clicks near full scale: no headroom at all."""
    rng = np.random.default_rng(4)
    t = np.arange(int(seconds * RATE)) / RATE
    voice = np.convolve(rng.normal(0, 1, len(t)), np.hanning(24) / 5, mode="same")
    on = (t >= spoken.start_s) & (t < spoken.end_s) if spoken else np.ones(len(t), bool)
    sound = 0.04 * voice * on
    sound[np.flatnonzero(on)[:: RATE // 2]] = 0.85
    wavfile.write(path, RATE, np.stack([sound, sound], axis=1).astype(np.float32))
    return path


def rendered(folder: Path, *, speech: Sequence[Span] = SPEECH, name: str = "out.mkv", **notes: object) -> RenderReport:
    film = folder / "film.mkv"
    if not film.exists():
        peaky_voice(folder / "v.wav", spoken=speech[0] if speech else None)
        make_film(film, sound=folder / "v.wav", seconds=12.0, more=["-c:a", "flac"])
    tracks = [write_track(folder / "t.wav", seconds=16.0)]
    job = make_job(film, tracks, speech=speech)
    sheet = replace(job.sheet, mix=replace(job.sheet.mix, **notes))  # type: ignore[arg-type] # any field
    sheet = cuesheet.rounded(sheet)
    return render_film(probe(film), sheet, folder / name, track_paths=job.track_paths)


def test_speech_without_headroom_is_not_limited_for_the_sake_of_the_target(tmp_path: Path) -> None:
    """The original was raised by 9.9 dB and limited by 10.6."""
    report = rendered(tmp_path)
    assert report.speech_limited_db <= ORIGINAL_LIMIT_DB
    assert report.levels.master_gain_db < 2
    assert report.levels.lift_db > 0, "the music is raised instead, where nobody speaks"
    original = next(line for line in report.summary() if line.startswith("original sound: "))
    assert f"{report.levels.master_gain_db:+.1f} dB" in original or "its own level" in original
    assert "limited" in original
    if report.integrated_lufs < -16.2:
        assert any("more gain would limit the original sound" in line for line in report.warnings)


def test_without_speech_the_music_reaches_the_target(tmp_path: Path) -> None:
    report = rendered(tmp_path, speech=())
    assert report.integrated_lufs == pytest.approx(-16.0, abs=0.7)  # the limiter takes a little from the music
    assert ebur128(tmp_path / "out.mkv").integrated_lufs == pytest.approx(report.integrated_lufs, abs=0.15)
    assert report.levels.master_gain_db < 2, "not by raising an original that has no headroom"


@pytest.mark.parametrize("target_lufs", [-16.0, -30.0])
def test_an_original_that_keeps_its_level_is_neither_raised_nor_lowered(tmp_path: Path, target_lufs: float) -> None:
    report = rendered(tmp_path, keep_level=True, target_lufs=target_lufs)
    assert report.levels.master_gain_db == 0 == report.sheet.mix.master_gain_db
    assert report.limited_db <= ORIGINAL_LIMIT_DB
    assert any(line.startswith("original sound: its own level") for line in report.summary())
    assert any("no target (--keep-level)" in line for line in report.summary()), (
        "a target was stated, and missed by 14 LU"
    )
    assert not report.warnings


def test_a_film_without_sound_meets_its_target_with_keep_level_too(tmp_path: Path) -> None:
    """`--keep-level --target -14` for a folder of films left those without sound at -21 LUFS, without a word."""
    film = make_film(tmp_path / "film.mkv", seconds=6.0)
    job = make_job(film, [write_track(tmp_path / "t.wav", seconds=9.0)], target_lufs=-14.0)
    sheet = replace(job.sheet, mix=replace(job.sheet.mix, keep_level=True))
    report = render_film(probe(film), sheet, tmp_path / "out.mkv", track_paths=job.track_paths)
    assert report.integrated_lufs == pytest.approx(-14.0, abs=0.7)
    assert not report.warnings


def test_keep_level_on_the_command_line_leaves_the_original_at_its_own_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peaky_voice(tmp_path / "v.wav")
    film = make_film(tmp_path / "film.mkv", sound=tmp_path / "v.wav", seconds=12.0, more=["-c:a", "flac"])
    job = make_job(film, [write_track(tmp_path / "t.wav", seconds=16.0)], speech=SPEECH, target_lufs=-30.0)
    sheet = replace(job.sheet, cues=tuple(replace(cue, scenes=()) for cue in job.sheet.cues))
    (tmp_path / "a.cues.json").write_text(cuesheet.dumps(cuesheet.rounded(sheet)))
    words = ["render", str(film), str(tmp_path / "a.cues.json"), "-o", str(tmp_path / "out.mkv"), "--keep-level", "-q"]
    command_line()([*words, "--cues", str(tmp_path / "as.cues.json")], standalone_mode=False)
    mix = cuesheet.loads((tmp_path / "as.cues.json").read_text()).mix
    assert mix.keep_level and mix.master_gain_db == 0
    planned: list[MixSettings] = []
    monkeypatch.setattr("soundtrack.pipeline.plan_video", lambda *_, mix, **__: planned.append(mix) or sheet)
    for more in ([], ["--keep-level"]):
        command_line()(["score", str(film), "--dry-run", *more], standalone_mode=False)
    assert [mix.keep_level for mix in planned] == [False, True]


def test_words_over_the_dying_end_of_a_piece_are_not_left_22_db_under_its_middle(tmp_path: Path) -> None:
    """The end of the piece was raised to 10 LU under the words, and its middle with it: the words sank."""
    words, seconds = Span(9.0, 12.0), 12.0
    peaky_voice(tmp_path / "v.wav", spoken=words)
    film = make_film(tmp_path / "film.mkv", sound=tmp_path / "v.wav", seconds=seconds, more=["-c:a", "flac"])
    rate, sound = wavfile.read(write_track(tmp_path / "t.wav", seconds=16.0))
    dying_db = np.interp(np.arange(len(sound)) / rate, [9.0, 10.0], [0.0, -35.0])  # of the track, a second later
    wavfile.write(tmp_path / "t.wav", rate, (sound * 10 ** (dying_db[:, None] / 20)).astype(np.float32))
    job = make_job(film, [tmp_path / "t.wav"], speech=(words,))
    report = render_film(probe(film), job.sheet, tmp_path / "out.mkv", track_paths=job.track_paths)
    ffmpeg("-i", tmp_path / "out.mkv", "-ss", 2, "-t", 5, "-c:a", "pcm_s16le", tmp_path / "clear.wav")
    assert report.levels.speech_lufs is not None
    spoken_lufs = report.levels.speech_lufs + report.levels.master_gain_db
    assert loudness_of(tmp_path / "clear.wav") - spoken_lufs < CLEAR_OVER_SPEECH_LU + 0.3
    assert report.levels.speech_over_music_lu is not None and report.levels.speech_over_music_lu > 10


def test_a_sheet_rendered_onto_its_own_scored_film_says_that_the_music_sounds_twice(tmp_path: Path) -> None:
    """The sheet of a film of photos names the film that has its music already; the mix was 6 LU over its target."""
    silent = make_film(tmp_path / "silent.mkv", seconds=6.0)
    job = make_job(silent, [write_track(tmp_path / "t.wav", seconds=9.0)])
    first = render_film(probe(silent), job.sheet, tmp_path / "out.mkv", track_paths=job.track_paths)
    again = render_film(probe(first.path), first.sheet, tmp_path / "again.mkv", track_paths=job.track_paths)
    assert not any("has sound" in line for line in first.warnings)
    assert any("the film has sound, the film of the cue sheet had none" in line for line in again.warnings)
    alone = replace(first.sheet, mix=replace(first.sheet.mix, keep_original=False))
    third = render_film(probe(first.path), alone, tmp_path / "third.mkv", track_paths=job.track_paths)
    assert third.integrated_lufs == pytest.approx(first.integrated_lufs, abs=0.1) and not third.warnings


def test_a_kept_sheet_gives_the_same_sound_and_a_null_has_it_measured_again(tmp_path: Path) -> None:
    first = rendered(tmp_path)
    tracks = {"t": tmp_path / "t.wav"}
    again = render_film(probe(tmp_path / "film.mkv"), first.sheet, tmp_path / "again.mkv", track_paths=tracks)
    assert (tmp_path / "again.mkv").read_bytes() == (tmp_path / "out.mkv").read_bytes()
    assert again.sheet == first.sheet
    louder = replace(first.sheet, mix=replace(first.sheet.mix, target_lufs=-30.0))
    obeyed = render_film(probe(tmp_path / "film.mkv"), louder, tmp_path / "obeyed.mkv", track_paths=tracks)
    assert any("the gain comes from the sheet" in line for line in obeyed.warnings)
    opened = replace(louder, mix=replace(louder.mix, music_gain_db=None, master_gain_db=None, limiter_dbtp=None))
    measured = render_film(probe(tmp_path / "film.mkv"), opened, tmp_path / "measured.mkv", track_paths=tracks)
    assert measured.integrated_lufs == pytest.approx(-30.0, abs=0.3)


powers = st.lists(st.floats(-60, -10), min_size=40, max_size=120)


@settings(max_examples=60, deadline=None)
@given(voice_lufs=powers, music_lufs=st.floats(-50, -10), start=st.floats(0, 3), base_db=st.floats(-12, 0))
def test_a_deeper_envelope_reaches_every_window_and_moves_no_faster(
    voice_lufs: list[float], music_lufs: float, start: float, base_db: float
) -> None:
    k = len(voice_lufs)
    voice, music = 10 ** (np.array(voice_lufs) / 10), np.full(k, 10 ** (music_lufs / 10))
    windows = talk_windows([Span(start, k / 10)], music)
    missing = missing_db(windows, voice=voice, music=music, wanted_lu=10.0)
    assert missing.max(initial=0.0) <= 0
    base = (GainPoint(0.0, base_db),)
    points = deepened(base, missing)
    times_s = (np.arange(k) + 0.5) / 10
    gain_db = gain_db_at(points, times_s)
    reachable = np.maximum(base_db + missing, min(base_db, -MAX_DEPTH_DB))
    assert np.all(gain_db <= reachable + 0.12)
    corners = np.array([(p.time_s, p.gain_db) for p in points])
    if len(corners) > 1:
        slopes = np.diff(corners[:, 1]) / np.diff(corners[:, 0])
        assert slopes.min() >= -MAX_ATTACK_DB_PER_S - 2.5
        assert slopes.max() <= MAX_RELEASE_DB_PER_S + 2.5


def test_a_window_is_three_seconds_inside_talk_or_a_shorter_stretch_as_a_whole() -> None:
    found = talk_windows([Span(0.0, 1.0), Span(5.0, 9.0)], np.ones(100))
    assert list(zip(found.start.tolist(), found.stop.tolist(), strict=True)) == [
        (0, 10), *((50 + i, 80 + i) for i in range(11))
    ]  # fmt: skip
    assert len(talk_windows([Span(0.0, 9.0)], np.zeros(100)).start) == 0
    assert MixNotes(-16.0, -1.0, keep_original=True, speech_over_music_lu=10.0, crossfade_s=1.0).keep_level is False
