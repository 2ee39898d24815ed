"""An edit in place of a film: its pieces to a frame, its cuts as shots, and the music back in the edit."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest

from media_made import Made, ffmpeg
from soundtrack import pipeline
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.errors import InputError, OutputError, UsageError
from soundtrack.media.reading.probe import probe
from soundtrack.pipeline.film.cut_film import cut_film, read_cut
from soundtrack.video.decode import iter_frames
from soundtrack.video.frames import DecodeReport

FPS = 24


def numbered(path: Path, *, n_frames: int, sound_hz: int | None, base: int = 16) -> Path:
    """A film whose brightness says the number of each frame: 2 levels a frame, from `base`."""
    grey = f"geq=lum='{base}+2*N':cb=128:cr=128"
    source = ["-f", "lavfi", "-i", f"color=size=64x64:rate={FPS}:duration={n_frames / FPS}"]
    sound = ["-f", "lavfi", "-i", f"sine=frequency={sound_hz}:duration={n_frames / FPS}"] if sound_hz else []
    ffmpeg(
        *source, *sound, "-vf", grey, "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", "-color_range", "tv", path
    )
    return path


def clip(path: Path, start: int, n: int, *, speed: float = 1.0) -> Any:
    """A clip of a file, in frames."""
    time = otio.opentime.RationalTime
    span = otio.opentime.TimeRange(time(start, FPS), time(n, FPS))
    made = otio.schema.Clip(path.name, otio.schema.ExternalReference(str(path)), span)
    if speed != 1.0:
        made.effects.append(otio.schema.LinearTimeWarp("speed", time_scalar=speed))
    return made


def gap(n: int) -> Any:
    return otio.schema.Gap(
        source_range=otio.opentime.TimeRange(otio.opentime.RationalTime(0, FPS), otio.opentime.RationalTime(n, FPS))
    )


def edit(path: Path, *tracks: Sequence[Any]) -> Path:
    """A time line of video tracks."""
    line = otio.schema.Timeline("cut")
    for items in tracks:
        track = otio.schema.Track(kind=otio.schema.TrackKind.Video)
        track.extend(items)
        line.tracks.append(track)
    otio.adapters.write_to_file(line, str(path))
    return path


def brightness(film: Path) -> list[float]:
    """Mean brightness of every frame, in levels of luma."""
    found: list[float] = []
    for batch in iter_frames(probe(film), side_px=32, decoder="pyav", report=DecodeReport()):
        found += [float(frame.mean()) for frame in batch.frames]
    return [16 + value * 219 / 255 for value in found]


def test_every_frame_of_the_edit_is_the_one_it_names_and_its_cuts_are_its_own(tmp_path: Path) -> None:
    first = numbered(tmp_path / "a.mp4", n_frames=60, sound_hz=220)
    second = numbered(tmp_path / "b.mp4", n_frames=40, sound_hz=None, base=60)
    pieces = [clip(first, 10, 23), clip(second, 0, 7), gap(5), clip(first, 0, 1), clip(first, 33, 27)]
    with cut_film(read_cut(edit(tmp_path / "cut.otio", pieces))) as made:
        assert made.cut.fps == Fraction(FPS)
        assert [round(t * FPS, 6) for t in made.cut.cuts_s] == [23, 30, 35, 36]
        assert made.info.fps == Fraction(FPS)
        assert made.info.duration_s == pytest.approx(63 / FPS, abs=0.5 / FPS)
        assert made.info.main_audio is not None
        shown = brightness(made.info.path)
        folder = made.info.path.parent
    assert not folder.exists()
    one, other = brightness(first), brightness(second)
    assert (len(one), len(other)) == (60, 40)
    assert all(b - a > 1.5 for a, b in pairwise(one[1:]))
    wanted = [*one[10:33], *other[:7], *([one[0]] * 5), one[0], *one[33:]]
    assert len(shown) == len(wanted)
    np.testing.assert_allclose(shown, wanted, atol=0.7)  # the next frame is at least 1.5 away


def test_what_cannot_be_assembled_is_said_with_its_place(tmp_path: Path) -> None:
    film = numbered(tmp_path / "a.mp4", n_frames=48, sound_hz=None)
    path = tmp_path / "cut.otio"
    gone = [clip(film, 0, 24), clip(tmp_path / "gone.mov", 0, 24)]
    for tracks, words in (
        ([gone], r"gone\.mov: no such file, used by gone\.mov at 0:01"),
        ([[clip(film, 0, 24, speed=2.0)]], "200% speed"),
        ([[clip(film, 0, 24)], [clip(film, 5, 10)]], "two pictures at once at 0:00"),
        ([[clip(film, 86_400, 24)]], "starts at 60:00"),
        ([[gap(20)]], "no picture"),
        ([[otio.schema.Clip("title", source_range=clip(film, 0, 9).source_range)]], "no file"),
    ):
        with pytest.raises(InputError, match=words) as error:
            read_cut(edit(path, *tracks))
        assert error.value.hint
    path.write_text('{"OTIO_SCHEMA": "Timeline.1", ')
    with pytest.raises(InputError, match="not a readable"):
        read_cut(path)
    path.write_text("hello")
    with pytest.raises(InputError, match="not an edited time line"):
        read_cut(path)


@pytest.fixture
def cut(made: Made, tmp_path: Path) -> Path:
    return edit(tmp_path / "cut.otio", [clip(made.film, 144, 72), clip(made.film, 0, 60), clip(made.film, 30, 84)])


@pytest.mark.slow
def test_the_cuts_of_the_edit_are_the_shots(cut: Path) -> None:
    sheet = pipeline.analyse_video(cut, device="cpu")
    assert [round(shot.span.start_s * FPS, 3) for shot in sheet.shots] == [0, 72, 132]
    assert sheet.film.duration_s == pytest.approx(9.0, abs=0.5 / FPS)


@pytest.mark.slow
def test_an_edit_is_scored_as_an_edit_or_as_a_film(made: Made, cut: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = cut.read_bytes()
    arguments = ["score", str(cut), "--index", str(made.index), "-q"]
    assert run_commands([*arguments, "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    out = cut.with_name("cut.scored.otio")
    assert (said["edit"], said["cues"]) == (str(out), str(cut.with_name("cut.scored.cues.json")))
    sheet = cuesheet.loads(Path(said["cues"]).read_text())
    cuesheet.check(sheet)
    assert sheet.mix.music_gain_db is not None
    line, old = otio.adapters.read_from_file(str(out)), otio.adapters.read_from_file(str(cut))
    assert otio.adapters.write_to_string(line.tracks[0]) == otio.adapters.write_to_string(old.tracks[0])
    music = [c for track in line.audio_tracks() for c in track.find_clips()]
    assert [c.metadata["soundtrack"]["cue_id"] for c in music][:1] == [sheet.cues[0].cue_id]
    at_s = music[0].transformed_time_range(music[0].trimmed_range(), line.tracks).start_time.to_seconds()
    assert at_s == pytest.approx(sheet.cues[0].span.start_s, abs=0.5 / FPS)
    assert cut.read_bytes() == before
    with pytest.raises(OutputError, match="exists"):
        run_commands(arguments)
    with pytest.raises(UsageError, match="--stems requires a film"):
        run_commands([*arguments, "--stems", str(cut.parent)])
    film = cut.with_name("film.mp4")
    assert run_commands([*arguments, "-o", str(film)]) == 0
    assert probe(film).duration_s == pytest.approx(9.0, abs=0.1)
    assert cuesheet.loads(film.with_name("film.cues.json").read_text()).cues[0].span == sheet.cues[0].span
    with pytest.raises((OutputError, UsageError)):
        run_commands([*arguments, "-o", str(cut), "--force"])
    assert sorted(p.name for p in cut.parent.iterdir()) == [
        "cut.otio", "cut.scored.cues.json", "cut.scored.otio", "film.cues.json", "film.mp4"
    ]  # fmt: skip


@pytest.mark.slow
def test_an_fcpxml_that_the_tool_wrote_is_scored(made: Made, tmp_path: Path) -> None:
    from soundtrack.export import export
    from soundtrack.pipeline.sheets.exports import find_media

    sheet = pipeline.plan_video(made.film, index=made.index, device="cpu")
    path = tmp_path / "cut.fcpxml"
    path.write_text(export(sheet, "fcpxml", media=find_media(sheet, folder=made.film.parent).media))
    found = read_cut(path)
    assert [piece.n_frames for piece in found.pieces] == [216]
    assert any(re.search(": (1 clip|[2-9] clips) on sound tracks left out", line) for line in found.warnings)
    assert run_commands(["score", str(path), "--index", str(made.index), "-q"]) == 0
    line = otio.adapters.read_from_file(str(tmp_path / "cut.scored.otio"))
    (shown,) = [c for track in line.video_tracks() for c in track.find_clips()]
    assert shown.source_range.duration.value == 216
    assert [c for track in line.audio_tracks() for c in track.find_clips()]
