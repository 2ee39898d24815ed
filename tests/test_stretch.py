"""A stretch of a film: the frames and the sound that the whole film has there, in a file of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from films import RATE, Job, make_film, make_job, write_track, write_voice
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.errors import OutputError, UsageError
from soundtrack.media.process import input_args, run_ffmpeg
from soundtrack.media.reading.audio import iter_audio, read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.mix.limiter import Limiter
from soundtrack.mix.passes import BLOCK, Work, mixed, mixed_between
from soundtrack.mix.plan import plan_mix
from soundtrack.mix.render import render_film
from soundtrack.pipeline.film.analyse import fingerprint
from soundtrack.pipeline.rendering import other_film_lines, render_video
from soundtrack.pipeline.stretch import render_stretch
from soundtrack.types import CueSheet, Span


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("stretch")
    tracks = [write_track(folder / f"t{i}.wav", level=0.05 * (1 + 3 * i), seed=i) for i in range(2)]
    voice = write_voice(folder / "voice.wav", seconds=12.0, spans=(Span(4.0, 5.5),))
    film = make_film(folder / "film.mp4", sound=voice, seconds=12.0, more=["-vf", "scale=640:480,setsar=1"])
    made = make_job(film, tracks, speech=(Span(4.0, 5.5),))
    paths = made.track_paths
    named = tuple(replace(t, path=str(paths[t.track_id])) for t in made.sheet.tracks)
    return replace(
        made, sheet=replace(made.sheet, tracks=named, cues=tuple(replace(cue, scenes=()) for cue in made.sheet.cues))
    )


def frames(film: Path, *, size: str = "80:60") -> np.ndarray:
    """All frames, grey, shape (n, 60, 80)."""
    args = [
        *input_args(film),
        "-an",
        "-vf",
        f"scale={size},format=gray",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "pipe:1",
    ]
    return np.frombuffer(run_ffmpeg(args, task="reading").stdout, np.uint8).reshape(-1, 60, 80).astype(float)


@pytest.mark.parametrize("start", [0, 1, BLOCK - 5, BLOCK + 77])
def test_the_mix_of_a_stretch_is_that_of_the_whole_film_sample_by_sample(job: Job, start: int) -> None:
    info, plan = probe(job.film), plan_mix(job.sheet)
    work = Work(info, info.main_audio, job.track_paths, plan.n_samples, lambda *_: None)
    whole = np.concatenate(list(mixed(work, plan, Limiter(ceiling_dbtp=-20.0, channels=2), None, music_track=False)), 1)
    stop = start + 60_001
    parts = list(mixed_between(work, plan, Limiter(ceiling_dbtp=-20.0, channels=2), start=start, stop=stop))
    assert np.array_equal(np.concatenate(parts, axis=1), whole[:, start:stop])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_stretch_has_the_frames_and_the_sound_of_the_rendered_film(job: Job, tmp_path: Path, suffix: str) -> None:
    whole = render_film(probe(job.film), job.sheet, tmp_path / "whole.mkv", track_paths=job.track_paths)
    found = render_stretch(job.film, whole.sheet, start_s=3.0, end_s=7.48, draft=True, out=tmp_path / f"part{suffix}")
    info = probe(found.path)
    fps = float(info.fps)
    assert (found.n_frames, info.width_px, info.height_px) == (112, 480, 360)
    expected, shown = frames(job.film), frames(found.path)
    assert len(shown) == found.n_frames
    first = round(3.0 * fps)
    for place in (0, 1, len(shown) // 2, len(shown) - 1):
        apart = [float(np.abs(shown[place] - expected[i]).mean()) for i in range(len(expected))]
        assert int(np.argmin(apart)) == first + place
    a = read_audio(whole.path, sample_rate_hz=RATE, channels=2)[:, 3 * RATE : round(7.48 * RATE)]
    blocks = iter_audio(found.path, sample_rate_hz=RATE, channels=2, block_s=9.0, clock_start_s=info.start_s)
    b = np.concatenate(list(blocks), axis=1)[:, : a.shape[1]]
    assert b.shape[1] == a.shape[1]
    apart_db = 20 * np.log10(np.sqrt((a**2).mean()) / np.sqrt((b**2).mean()))
    assert abs(apart_db) < 0.2
    lags = [float((a[0, 2000:-2000] * b[0, 2000 + k : b.shape[1] - 2000 + k]).sum()) for k in range(-1200, 1201, 8)]
    assert abs(range(-1200, 1201, 8)[int(np.argmax(lags))]) <= 48


def test_gains_that_the_sheet_lacks_are_those_of_the_whole_film(job: Job, tmp_path: Path) -> None:
    mix = replace(job.sheet.mix, music_gain_db=None, master_gain_db=None, limiter_dbtp=None)
    sheet = cuesheet.rounded(replace(job.sheet, mix=mix))
    parts = [render_stretch(job.film, sheet, start_s=s, end_s=s + 3, out=tmp_path / f"{s}.mp4") for s in (0, 6)]
    assert all(part.is_measured for part in parts)
    assert "measured over the whole film" in parts[0].summary()[1]
    whole = render_film(probe(job.film), sheet, tmp_path / "whole.mkv", track_paths=job.track_paths)
    for part, start in zip(parts, (0, 6), strict=True):
        a = read_audio(whole.path, sample_rate_hz=RATE, channels=2)[:, start * RATE : (start + 3) * RATE]
        b = read_audio(part.path, sample_rate_hz=RATE, channels=2)
        assert abs(10 * np.log10((a**2).mean() / (b**2).mean())) < 1.0  # the whole is tuned by what was written


@pytest.mark.parametrize(
    ("start_s", "end_s", "name", "message"),
    [
        (12.5, 14.0, "a.mp4", "--from 0:12.5 is past the end"),
        (1.0, 20.0, "a.mp4", "--to 0:20.0 is past the end"),
        (2.0, 2.2, "a.mp4", "shorter than 0.5 s"),
        (1.0, 2.0, "a.avi", "unsupported format"),
    ],
)
def test_what_is_no_stretch_is_refused(
    job: Job, tmp_path: Path, start_s: float, end_s: float, name: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        render_stretch(job.film, job.sheet, start_s=start_s, end_s=end_s, out=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_stretch_never_replaces_a_file(job: Job, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sheet_path = tmp_path / "cues.json"
    sheet: CueSheet = job.sheet
    sheet_path.write_text(cuesheet.dumps(sheet))
    out = tmp_path / "part.mp4"
    asked = ["render", str(job.film), str(sheet_path), "--from", "1", "--to", "2.5", "--draft", "-o", str(out)]
    assert run_commands(asked) == 0
    said = capfd.readouterr()
    assert "a stretch of film.mp4, 0:01.0 to 0:02.5" in said.err
    assert said.out == f"{out}\n"
    before = out.read_bytes()
    with pytest.raises(OutputError):
        render_stretch(job.film, sheet, start_s=1.0, end_s=2.5, draft=True, out=out)
    with pytest.raises(UsageError) as refused:
        run_commands([*asked, "--force"])
    assert "never replaces a file" in (refused.value.hint or "")
    assert out.read_bytes() == before


def test_a_sheet_on_another_film_of_the_same_length_was_rendered_without_a_word(job: Job, tmp_path: Path) -> None:
    own = replace(job.sheet, film=replace(job.sheet.film, fingerprint=fingerprint(job.film)))
    other = make_film(tmp_path / "cut 2.mp4", seconds=12.0, inputs=["-i", job.film, "-map", "1:v"])
    expected = f"{other}: not the file that the cue sheet was made for ({own.film.name}); use that file, or move"
    for video, n_lines in ((other, 1), (job.film, 0)):
        part = render_stretch(video, own, end_s=1.0, draft=True, out=tmp_path / f"part {n_lines}.mp4")
        whole = render_video(video, own, out=tmp_path / f"whole {n_lines}.mp4")
        for warnings in (part.warnings, whole.warnings):
            assert sum(line.startswith(expected) for line in warnings) == n_lines


def test_a_film_of_photos_is_rendered_again_without_a_warning_of_another_film(job: Job) -> None:
    silent = replace(
        job.sheet,
        film=replace(job.sheet.film, has_audio=False),
        mix=replace(job.sheet.mix, keep_original=False),
    )
    assert other_film_lines(job.film, silent) == ()
