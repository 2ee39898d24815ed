"""Stills and players of a page: real pictures, real sound, small, and absent with a word where something is missing."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from films import RATE, Job, make_film, make_job, write_track
from soundtrack import pipeline
from soundtrack.cli.app import command_line
from soundtrack.documents import cuesheet
from soundtrack.errors import SoundtrackError
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.writing.previews import sound_mp3, still_jpeg
from soundtrack.mix.audition import cue_sound, music_between
from soundtrack.mix.plan import plan_mix
from soundtrack.pipeline.film import analyse
from soundtrack.pipeline.sheets import preview
from soundtrack.types import EmotionState, FilmNumbers, GainPoint, Scene, Section, Span
from soundtrack.types.sheet import DuckedVocals, VocalStem


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A film of two scenes and two cues."""
    folder = tmp_path_factory.mktemp("preview")
    film = make_film(folder / "film.mp4", seconds=6.0)
    made = make_job(
        film, [write_track(folder / "a.wav", seconds=8.0), write_track(folder / "b.wav", seed=3, seconds=8.0)]
    )
    mood = EmotionState((0, 0, 1, 0, 0, 0), valence=0.1, arousal=-0.2, confidence=0.8)
    scenes = tuple(
        Scene(i, Span(3.0 * i, 3.0 * i + 3.0), i, 1, mood, FilmNumbers(0.0, 0.5, 0.5, 0.1)) for i in range(2)
    )
    named = replace(made.sheet.film, fps=Fraction(25), fingerprint=analyse.fingerprint(film))
    return replace(made, sheet=replace(made.sheet, scenes=scenes, film=named))


def test_a_still_is_a_small_upright_jpeg_of_that_moment(job: Job) -> None:
    first, later = (still_jpeg(job.film, time_s=t, width_px=96) for t in (0.5, 4.5))
    assert first.startswith(b"\xff\xd8\xff")
    assert len(first) < 10_000
    assert first != later
    assert first == still_jpeg(job.film, time_s=0.5, width_px=96)


def test_a_sound_comes_back_from_its_mp3(tmp_path: Path) -> None:
    t = np.arange(2 * RATE) / RATE
    tone = np.tile(0.3 * np.sin(2 * np.pi * 440 * t), (2, 1)).astype(np.float32)
    packed = sound_mp3(tone, sample_rate_hz=RATE)
    (tmp_path / "a.mp3").write_bytes(packed)
    heard = read_audio(tmp_path / "a.mp3", sample_rate_hz=RATE, channels=1)
    assert abs(heard.shape[1] - tone.shape[1]) < 0.1 * RATE
    assert abs(float(np.sqrt(np.mean(heard**2))) - 0.3 / np.sqrt(2)) < 0.03
    assert packed == sound_mp3(tone, sample_rate_hz=RATE)


def test_a_cue_is_heard_by_itself_as_it_will_sound(job: Job) -> None:
    whole = cue_sound(job.sheet, "1m02", track_paths=job.track_paths, longest_s=60.0)
    short = cue_sound(job.sheet, "1m02", track_paths=job.track_paths, longest_s=1.5)
    assert abs(whole.shape[1] / RATE - 3.0) < 0.3  # with its half of the crossfade
    assert short.shape == (2, round(1.5 * RATE))
    np.testing.assert_array_equal(short[:, : RATE // 2], whole[:, : RATE // 2])
    assert abs(float(short[:, -1].max())) < 1e-3


@pytest.mark.parametrize("speed", [1.0, 1.02])
def test_any_stretch_of_the_film_sounds_as_it_does_in_the_whole(job: Job, speed: float) -> None:
    cues = tuple(
        replace(cue, speed=speed, sections=(Section(Span(1.0, 1.0 + speed * cue.span.duration_s)),))
        for cue in job.sheet.cues
    )
    plan = plan_mix(replace(job.sheet, cues=cues))
    whole = music_between(plan, 0, plan.n_samples, track_paths=job.track_paths)
    for start_s, stop_s in ((0.0, 1.0), (0.3, 2.0), (1.0, 5.5), (5.0, 6.0)):
        start, stop = round(start_s * RATE), round(stop_s * RATE)
        part = music_between(plan, start, stop, track_paths=job.track_paths)
        np.testing.assert_array_equal(part, whole[:, start:stop])


def test_what_is_missing_is_told_and_the_rest_is_there(job: Job, tmp_path: Path) -> None:
    tracks = (replace(job.sheet.tracks[0], path=str(tmp_path / "gone.wav")), job.sheet.tracks[1])
    found = preview.make_preview(replace(job.sheet, tracks=tracks), film=job.film)
    assert set(found.stills) == {0, 1}
    assert set(found.sounds) == {"1m02"}
    assert len(found.warnings) == 1
    assert "1m01 has no audio" in found.warnings[0]
    (tmp_path / "no.mp4").write_bytes(b"no film")
    assert preview.make_preview(job.sheet, film=tmp_path / "no.mp4").stills == {}


def test_a_page_of_a_film_with_lowered_vocals_plays_its_cues(job: Job) -> None:
    """`cues show --html` ended with an internal error, KeyError."""
    used = job.sheet.cues[0].track_id
    stem = VocalStem(used, job.sheet.tracks[1].path)
    lowered = replace(job.sheet, vocals=DuckedVocals((stem,), (GainPoint(0.0, -18.0), GainPoint(6.0, -18.0))))
    found = preview.make_preview(lowered, film=None)
    assert (set(found.sounds), found.warnings) == ({"1m01", "1m02"}, ())
    assert found.sounds["1m01"] != preview.make_preview(job.sheet, film=None).sounds["1m01"]


def test_a_page_of_a_sheet_that_names_an_unknown_track_has_no_audio_and_says_so(job: Job) -> None:
    """The same error where a track id was edited by hand."""
    first = replace(job.sheet.cues[0], track_id="ff")
    found = preview.make_preview(replace(job.sheet, cues=(first, *job.sheet.cues[1:])), film=None)
    assert found.sounds == {}
    assert all("track ff is not among the tracks" in line for line in found.warnings)


def test_a_page_does_not_grow_without_end(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "SOUND_BYTES", 1_000)
    found = preview.make_preview(job.sheet, film=None)
    assert found.sounds == {}
    assert found.warnings == ("2 cues are too many for audio in one page",)


def run(words: list[str]) -> None:
    """A command in this process; it must end well."""
    with pytest.raises(SystemExit) as ended:
        command_line()(words)
    assert ended.value.code == 0


def test_the_page_carries_stills_and_players_of_the_film_beside_the_sheet(job: Job) -> None:
    pytest.importorskip("matplotlib")
    folder = job.film.parent
    (folder / "cues.json").write_text(cuesheet.dumps(job.sheet))
    run(["cues", "show", str(folder / "cues.json"), "--html", str(folder / "page.html")])
    text = (folder / "page.html").read_text()
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    sounds = re.findall(r'<audio controls preload="none" src="data:audio/mpeg;base64,([^"]+)"></audio>', text)
    assert (len(pictures), len(sounds)) == (2, 2)
    assert all(base64.b64decode(p).startswith(b"\xff\xd8\xff") for p in pictures)
    assert "http" not in text.split("</head>")[1].replace("http://www.w3.org", "")
    other = replace(job.sheet, film=replace(job.sheet.film, fingerprint="sha256:1"))
    (folder / "other.json").write_text(cuesheet.dumps(other))
    run(["cues", "show", str(folder / "other.json"), "--html", str(folder / "other.html")])
    assert "data:image/jpeg" not in (folder / "other.html").read_text()


def test_render_saves_the_sheet_that_it_rendered(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = replace(job.sheet, cues=(replace(job.sheet.cues[0], gain_db=-9.0), job.sheet.cues[1]))
    monkeypatch.setattr(pipeline, "swap_music", lambda *_, **__: swapped)
    (tmp_path / "in.json").write_text(cuesheet.dumps(job.sheet))
    args = ["render", str(job.film), str(tmp_path / "in.json"), "-q", "-o", str(tmp_path / "out.mp4")]
    run([*args, "--swap", "1m01=2", "--cues", str(tmp_path / "new.json")])
    assert json.loads((tmp_path / "new.json").read_text())["cues"][0]["gain_db"] == -9.0
    monkeypatch.undo()
    again = [*args[:2], str(tmp_path / "new.json"), "-q", "-o", str(tmp_path / "again.mp4")]
    run(again)
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()
    with pytest.raises(SoundtrackError):
        run([*args, "--force", "--cues", str(job.film)])
    assert subprocess.run(["head", "-c", "8", str(job.film)], capture_output=True, check=True).stdout[4:] == b"ftyp"
