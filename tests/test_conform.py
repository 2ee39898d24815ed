"""Another cut of a film: shots are found again to a frame, and locked cues move along with their picture."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from made_up import sheet, small_library
from media_made import Made, ffmpeg
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.documents.conforming import (
    Moved,
    conformed_cue,
    conformed_markers,
    conformed_silences,
    without_overlaps,
)
from soundtrack.documents.edits import LockCues, apply
from soundtrack.errors import InputError, UsageError
from soundtrack.media.locate import ffmpeg_path
from soundtrack.media.reading.probe import probe
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import ByteArray, Marker, Narration, Silence, Span
from soundtrack.types.sheet import SILENCE_REQUESTED, SILENCE_SET
from soundtrack.video.shot_matching import FilmPrint, Match, _lag, film_print, match_shots

FPS = 25


def shot(seed: int, n_frames: int) -> ByteArray:
    """Frames of something that moves slowly before a background of its own, shape (n, 72, 128, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 235, (10, 18, 3))
    picture = np.kron(coarse, np.ones((16, 16, 1)))
    frames = []
    for k in range(n_frames):
        frame = picture[k : k + 72, k // 2 : k // 2 + 128].copy()
        frame[20:40, (3 * k) % 100 : (3 * k) % 100 + 20] = coarse[0, 0]
        frames.append(frame)
    return np.array(frames, np.uint8)


def write(path: Path, frames: Sequence[ByteArray], *, size: str = "128x72", crf: int = 18) -> Path:
    """Frames as a film."""
    command = [str(ffmpeg_path()), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "128x72"]
    command += ["-r", str(FPS), "-i", "-", "-vf", f"scale={size.replace('x', ':')}", "-c:v", "libx264"]
    command += ["-preset", "ultrafast", "-crf", str(crf), "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, input=np.concatenate(frames).tobytes(), check=True, capture_output=True)
    return path


def prints(folder: Path, new: Sequence[ByteArray], **options: object) -> tuple[FilmPrint, FilmPrint]:
    """The old film of four shots and a new cut."""
    old = film_print(probe(write(folder / "old.mp4", [shot(i, 50) for i in range(4)])))
    cut = probe(write(folder / "new.mp4", new, **options))  # type: ignore[arg-type]
    return old, film_print(cut, step_s=old.step_s)


def frames_of(match: Match) -> tuple[int, int, int]:
    """A match in frames."""
    return round(match.old.start_s * FPS), round(match.old.end_s * FPS), round(match.later_s * FPS)


def test_shots_are_found_to_a_frame_where_some_were_cut_trimmed_and_added(tmp_path: Path) -> None:
    """The second shot is gone, the third lost 12 frames at its head, a new one is before all, and all is smaller."""
    new = [shot(9, 30), shot(0, 50), shot(2, 50)[12:], shot(3, 50)]
    old, cut = prints(tmp_path, new, size="96x54", crf=28)
    assert [frames_of(m) for m in match_shots(old, cut)] == [(0, 50, 30), (112, 200, -32)]


def test_shots_in_another_order_are_found(tmp_path: Path) -> None:
    old, cut = prints(tmp_path, [shot(2, 50), shot(3, 50), shot(0, 50), shot(1, 50)])
    assert [frames_of(m) for m in match_shots(old, cut)] == [(0, 100, 100), (100, 200, -100)]


def test_another_film_has_no_shot_of_it(tmp_path: Path) -> None:
    old, cut = prints(tmp_path, [shot(20, 40), shot(21, 40)])
    assert match_shots(old, cut) == []


def test_a_still_shot_stays_beside_the_shot_before_it() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(3, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    old = np.repeat(rows, 40, axis=0)
    new = np.concatenate([np.repeat(rows[2:], 15, axis=0), old])
    shots = tuple(Span(a, a + 1.6) for a in (0.0, 1.6, 3.2))
    found = match_shots(FilmPrint(Fraction(1, 25), old, shots, 4.8), FilmPrint(Fraction(1, 25), new, (), 5.4))
    assert [frames_of(m) for m in found] == [(0, 120, 15)]


CUES = spot_cues(sheet([("Relaxation", 40.0), ("Tension", 45.5), ("Sad", 200.0)]), small_library())


@pytest.mark.parametrize("before", [0, -10, 5])
@pytest.mark.parametrize("n_kept", [100, 150, 195])
def test_a_shot_that_moves_slowly_was_found_eight_frames_early_where_that_kept_more_of_it(
    n_kept: int, before: int
) -> None:
    angle = np.arange(272) * 0.01
    shot = np.zeros((272, 64), np.float32)
    shot[:, 0], shot[:, 1] = np.cos(angle), np.sin(angle)
    new = np.concatenate([shot[:n_kept], np.roll(shot, 2, axis=1)])
    found = _lag(shot, new, at=0, before=before)
    assert found is not None and abs(found) <= 2, "frames next to each other differ by 0.00005 here"


def test_a_cue_moves_with_its_picture() -> None:
    cue = CUES.cues[1]
    moved = [Moved(Span(0.0, 10.0), 0.0), Moved(Span(14.0, 285.5), -4.0)]
    now = conformed_cue(cue, moved, CUES)
    assert now is not None
    assert now.span.start_s == pytest.approx(cue.span.start_s - 4.0, abs=1e-5)
    assert now.sections == cue.sections
    assert (now.gain_db, now.fade_in_s, now.fade_out_s) == (cue.gain_db, cue.fade_in_s, cue.fade_out_s)


def test_music_stays_in_step_with_the_longest_part_of_its_picture() -> None:
    """Ten seconds are gone from the first third of the cue: it is shorter, and its music fits what comes after."""
    cue = CUES.cues[-1]
    at = cue.span.start_s
    moved = [Moved(Span(0.0, at + 5.0), 0.0), Moved(Span(at + 15.0, 285.5), -10.0)]
    now = conformed_cue(cue, moved, CUES)
    assert now is not None
    assert now.span.start_s == pytest.approx(at, abs=1e-4)
    assert now.span.end_s == pytest.approx(cue.span.end_s - 10.0, abs=1e-4)
    assert now.sections[-1].track.end_s == pytest.approx(cue.sections[-1].track.end_s, abs=1e-4)
    made = replace(CUES, cues=(replace(now, scenes=()),), film=replace(CUES.film, duration_s=275.5), alternatives=())
    assert list(cuesheet.faults(made)) == []


def test_render_takes_a_conformed_sheet_of_a_film_whose_frames_fall_between_samples() -> None:
    """It was refused: 'sections: add up to 960169 samples at 48 kHz, but the cue has 960170'."""
    faults, off_s = [], 0.4 / 48_000
    between = [replace(c, span=Span(c.span.start_s + off_s, c.span.end_s - off_s)) for c in CUES.cues]
    for frames in range(-300, 300, 7):
        later_s = frames * 1001 / 30000
        film = replace(CUES.film, duration_s=285.5 + max(0.0, later_s))
        moved = [Moved(Span(max(0.0, -later_s), 285.5), later_s)]
        made = [now for cue in between if (now := conformed_cue(cue, moved, replace(CUES, film=film))) is not None]
        faults += cuesheet.faults(cuesheet.rounded(replace(CUES, cues=tuple(made), film=film, alternatives=())))
    assert faults == []


def test_a_cue_without_its_picture_is_left_out() -> None:
    cue = CUES.cues[1]
    gone = [Moved(Span(0.0, cue.span.start_s), 0.0), Moved(Span(cue.span.end_s, 285.5), -cue.span.duration_s)]
    assert conformed_cue(cue, gone, CUES) is None


def test_cues_that_came_together_are_cut_off_where_the_next_enters() -> None:
    first, second = CUES.cues[0], CUES.cues[1]
    nearer = replace(second, span=Span(second.span.start_s - 9.0, second.span.end_s - 9.0))
    both = without_overlaps([nearer, first], CUES)
    assert both[0].span.end_s == pytest.approx(nearer.span.start_s + first.fade_out_s, abs=1e-4)
    assert list(cuesheet.faults(replace(CUES, cues=tuple(both), alternatives=()))) == []


def test_markers_move_with_their_picture_and_are_lost_only_with_it() -> None:
    """`conform` dropped all of them."""
    markers = [Marker(1.0, "start"), Marker(12.0, "gone"), Marker(20.04, "turn")]
    moved = [Moved(Span(0.0, 10.0), 30.0), Moved(Span(14.0, 60.0), -14.0)]
    assert conformed_markers(markers, moved) == (Marker(6.04, "turn"), Marker(31.0, "start"))
    black_between = [Moved(Span(0.0, 10.0), 2.0), Moved(Span(14.0, 60.0), 2.0)]
    assert conformed_markers(markers[1:2], black_between) == (Marker(14.0, "gone"),)


def test_silences_of_the_user_move_with_their_picture_and_those_of_the_plan_do_not() -> None:
    moved = [Moved(Span(0.0, 10.0), 2.0), Moved(Span(15.0, 30.0), -1.0)]
    silences = [
        Silence(Span(4.0, 6.0), "no suitable music: best merit 0.10, silence 0.20"),
        Silence(Span(8.0, 16.0), SILENCE_REQUESTED),
        Silence(Span(20.0, 24.0), SILENCE_SET),
    ]
    found = conformed_silences(silences, moved, [Span(20.0, 21.0)])
    assert found == (Span(10.0, 12.0), Span(14.0, 15.0), Span(19.0, 20.0), Span(21.0, 23.0))


def test_a_sheet_planned_again_with_its_own_weights_has_the_same_weights() -> None:
    """A film of talk made changes of music costlier; the sheet said so, and each new plan made them costlier again."""
    talk, music = sheet([("Relaxation", 60.0), ("Tension", 60.0)], speech=[0.9, 0.8]), small_library()
    first = spot_cues(talk, music)
    weights = cuesheet.weights_of(first)
    assert weights is not None
    again = spot_cues(talk, music, settings=SpottingSettings(merit=weights[0], plan=weights[1]))
    assert again.weights == first.weights
    assert again == first
    full = spot_cues(talk, music, settings=SpottingSettings(density="full"))
    assert full.weights != first.weights


@pytest.mark.slow
def test_the_command_moves_locked_cues_and_plans_the_rest(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two seconds of another picture come before the film; the lost old cut and a sheet without locks are said."""
    from soundtrack import pipeline

    old, new = tmp_path / "film.mp4", tmp_path / "new.mp4"
    old.write_bytes(made.film.read_bytes())
    before = pipeline.plan_video(old, index=made.index)
    path, out = tmp_path / "film.cues.json", tmp_path / "new.cues.json"
    path.write_text(cuesheet.dumps(before), encoding="utf-8")
    head = "smptebars=size=320x180:rate=24:duration=2"
    joined = "[0:v]format=yuv420p[a];[1:v]fps=24,format=yuv420p[b];[a][b]concat=n=2:v=1[v]"
    ffmpeg("-f", "lavfi", "-i", head, "-i", old, "-filter_complex", joined, "-map", "[v]", "-c:v", "libx264", new)
    arguments = ["conform", str(path), str(new), "--index", str(made.index), "-o", str(out), "--no-cache"]
    with pytest.raises(UsageError, match="no locked cues"):
        run_commands(arguments)
    voice = tmp_path / "voice.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2", voice)
    narrated = replace(
        before, narration=Narration(str(voice), start_s=1.0, duration_s=2.0), markers=(Marker(4.0, "turn"),)
    )
    assert narrated.conditions is not None
    narrated = replace(narrated, conditions=replace(narrated.conditions, hits_s=(3.0,)))
    locked = apply(narrated, LockCues(tuple(c.cue_id for c in before.cues)))
    path.write_text(cuesheet.dumps(locked), encoding="utf-8")
    assert run_commands(arguments) == 0
    said = capfd.readouterr().err
    assert f"cue {before.cues[0].cue_id}: " in said and f"narration {voice}: still at" in said
    assert "planned with --hit 0:05.0" in said  # as the new cut has it, not the old one
    after = cuesheet.loads(out.read_text(encoding="utf-8"))
    cuesheet.check(after)
    assert after.film.name == "new.mp4"
    assert after.narration is not None and (after.narration.path, after.narration.start_s) == (str(voice), 1.0)
    (now,) = [cue for cue in after.cues if cue.locked]
    assert now.track_id == before.cues[0].track_id
    assert now.span.start_s == pytest.approx(before.cues[0].span.start_s + 2.0, abs=0.5 / 24)
    assert [(pytest.approx(m.time_s, abs=0.5 / 24), m.text) for m in after.markers] == [(6.0, "turn")]
    old.write_bytes(new.read_bytes())
    with pytest.raises(InputError, match="not the film that"):
        run_commands([*arguments, "--force"])


def test_the_film_of_a_sheet_was_looked_for_without_a_backslash_in_its_name(tmp_path: Path) -> None:
    named = replace(CUES, film=replace(CUES.film, name="reel\\01.mp4"))
    (tmp_path / "film.cues.json").write_text(cuesheet.dumps(named), encoding="utf-8")
    (tmp_path / "new.mp4").write_bytes(b"film")
    with pytest.raises(InputError, match=r"reel\\01\.mp4: no such file"):
        run_commands(["conform", str(tmp_path / "film.cues.json"), str(tmp_path / "new.mp4"), "--all"])
