"""A click and a flash of the film are as far apart in the scored film as they were, with every ffmpeg."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from films import make_job
from soundtrack.media.checking.verify import require_same
from soundtrack.media.locate import ffmpeg_path, ffmpeg_version
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.formats import default_suffix, plan_streams
from soundtrack.media.writing.mux import mux
from soundtrack.mix.limiter import Limiter
from soundtrack.mix.passes import Work, mixed
from soundtrack.mix.plan import plan_mix
from soundtrack.types import VideoInfo
from soundtrack.video.decode import iter_frames
from soundtrack.video.frames import DecodeReport
from sync_films import CASES, Case, make, maker
from sync_meter import Sync, measure

QUICK = ("b.mp4", "mp3.mkv", "b.avi", "fragmented.mp4", "late.mkv", "early.mp4", "gaps.ts", "joined-back.ts")
"""Cases of the quick tests; the others are slow."""

TOLERANCE_MS, DEFECT_TOLERANCE_MS = 10.0, 20.0
_CEILING_DBTP = -0.1


def ffmpegs() -> list[Path]:
    """The ffmpeg that is used, and the one that every machine has."""
    usual, carried = ffmpeg_path(), Path(maker())
    return [usual] if usual.samefile(carried) else [usual, carried]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Sync]]:
    """Films that were made already, with their folder and what was measured in them."""
    return {}


@pytest.fixture(params=ffmpegs(), ids=lambda path: "ffmpeg-{}.{}".format(*ffmpeg_version(path) or (0, 0)))
def chosen_ffmpeg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One after the other."""
    monkeypatch.setenv("SOUNDTRACK_FFMPEG", str(request.param))
    return Path(request.param)


def _length_s(info: VideoInfo) -> float:
    """How long the picture is, as all of it decodes."""
    report = DecodeReport()
    for _ in iter_frames(info, side_px=16, report=report):
        pass
    return report.duration_s


def score(film: Path, folder: Path, suffix: str, *, is_joined: bool) -> Path:
    """Mix and mux, without music."""
    info = probe(film)
    out = folder / f"out{suffix or default_suffix(info)}"
    main = info.main_audio
    assert main is not None
    streams = plan_streams(info, out, replaces=frozenset({main.index}))
    sheet = make_job(film, []).sheet
    if is_joined:  # the header knows the first part only
        sheet = replace(sheet, film=replace(sheet.film, duration_s=_length_s(info)))
    plan = plan_mix(sheet)
    work = Work(info, main, {}, plan.n_samples, lambda *_: None)
    with mux(
        info, out, name=str(out), plan=streams, mixed_in=main, music_track=False, bitrate_kbps=192, channels=2
    ) as pipe:
        for block in mixed(work, plan, Limiter(ceiling_dbtp=_CEILING_DBTP, channels=2), None, music_track=False):
            pipe.write(np.ascontiguousarray(block.T))
    require_same(info, out, plan=streams, n_samples=plan.n_samples)
    return out


@pytest.mark.parametrize(
    "case", [case if str(case) in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES], ids=str
)
def test_a_flash_and_its_click_stay_together(
    case: Case,
    chosen_ffmpeg: Path,
    films: dict[str, tuple[Path, Sync]],
    tmp_path: Path,
) -> None:
    if str(case) not in films:
        film = make(case, tmp_path)
        films[str(case)] = (film, measure(film))
    film, before = films[str(case)]
    after = measure(score(film, tmp_path, case.to, is_joined=case.joined is not None))
    was, is_now = before.late_ms(), after.late_ms()
    assert len(was) >= 3, (before, after)
    assert len(is_now) == len(was), (was, is_now)
    moved_ms = [now - old for (_, old), (_, now) in zip(was, is_now, strict=True)]
    worst_ms = max(map(abs, moved_ms), default=math.inf)
    assert worst_ms <= (DEFECT_TOLERANCE_MS if case.is_defect else TOLERANCE_MS), (moved_ms, was, is_now)
