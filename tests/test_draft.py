"""Drafts: key frames and packet sizes in place of a full decode, and never one in place of the other."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from films import ffmpeg
from media_made import Made
from soundtrack import pipeline
from soundtrack.documents import scenesheet
from soundtrack.errors import InputError, UsageError
from soundtrack.media.locate import ffmpeg_path
from soundtrack.media.reading.probe import probe
from soundtrack.types import FrameBatch, StillFormat
from soundtrack.video.decode import iter_frames
from soundtrack.video.draft.decode import PacketTable, iter_key_frames
from soundtrack.video.draft.shots import DraftShots, prominence
from soundtrack.video.frames import DecodeReport

SIDE_PX = 56
PIECE_FRAMES, FPS = (105, 83, 132, 94, 111), 25
"""Lengths that are no multiples of the distance of key frames."""
X264 = ("-c:v", "libx264", "-preset", "veryfast")
ENCODERS = {
    "keys at cuts": X264,
    "keys at fixed distances": (*X264, "-g", "50", "-sc_threshold", "0"),
    "no B frames": (*X264, "-bf", "0", "-g", "50", "-sc_threshold", "0"),
    "turned": (*X264, "-g", "50"),
}


@pytest.fixture(scope="module", params=ENCODERS)
def cut_film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pieces joined, each a coarse picture of random colours that moves slowly."""
    folder = tmp_path_factory.mktemp("draft")
    path = folder / "film.mp4"
    rng = np.random.default_rng(11)
    frames: list[np.ndarray] = []
    for length in PIECE_FRAMES:
        wide = rng.integers(20, 235, (9, 40, 3)).repeat(20, axis=0).repeat(20, axis=1)
        moved = (wide[:, k : k + 320] for k in range(length))
        frames += [(view + rng.integers(-3, 4, (180, 320, 1))).astype(np.uint8) for view in moved]
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "320x180", "-r", FPS, "-i", "-")
    words = [ffmpeg_path(), "-v", "error", "-y", *raw, *ENCODERS[request.param], "-pix_fmt", "yuv420p", path]
    subprocess.run([str(word) for word in words], input=np.stack(frames).tobytes(), check=True)
    if request.param == "turned":
        turned = folder / "turned.mp4"
        ffmpeg("-i", path, "-c", "copy", "-metadata:s:v", "rotate=90", turned)
        return turned
    return path


def drafted(path: Path, stills: StillFormat | None = None) -> tuple[list[FrameBatch], PacketTable]:
    *batches, table = iter_key_frames(probe(path), side_px=SIDE_PX, stills=stills or StillFormat(6.0, SIDE_PX))
    assert isinstance(table, PacketTable)
    assert all(isinstance(batch, FrameBatch) for batch in batches)
    return batches, table  # type: ignore[return-value]  # looked at above


def test_key_frames_and_times_are_those_of_a_full_decode(cut_film: Path) -> None:
    report = DecodeReport()
    full = {}
    for batch in iter_frames(probe(cut_film), side_px=SIDE_PX, report=report):
        full |= dict(zip(batch.times_s.tolist(), batch.frames, strict=True))
    batches, table = drafted(cut_film)
    times_s = np.concatenate([batch.times_s for batch in batches])
    frames = np.concatenate([batch.frames for batch in batches])
    assert len(times_s) >= len(PIECE_FRAMES)
    assert np.all(np.diff(times_s) > 0)
    for time_s, frame in zip(times_s.tolist(), frames, strict=True):
        np.testing.assert_array_equal(frame, full[time_s])
    assert table.times_s == pytest.approx(sorted(full), abs=2e-6)
    assert table.duration_s == pytest.approx(report.duration_s, abs=1e-5)
    assert set(times_s.tolist()) <= set(table.times_s[table.are_key].round(6).tolist())


@pytest.mark.parametrize(("size", "is_filtered"), [("1280x720", False), ("640x360", True)])
def test_large_h264_is_drafted_without_the_loop_filter_and_small_exactly(
    tmp_path: Path, size: str, is_filtered: bool
) -> None:
    film = tmp_path / "film.mp4"
    # Coarse quantising, so that the filter has blocks to smooth; a key frame a second.
    ffmpeg("-f", "lavfi", "-i", f"mandelbrot=size={size}:rate=10", "-t", 3, *X264, "-crf", 38, "-g", 10, film)
    full = {}
    for batch in iter_frames(probe(film), side_px=SIDE_PX, report=DecodeReport()):
        full |= dict(zip(batch.times_s.tolist(), batch.frames, strict=True))
    batches, _ = drafted(film)
    apart = [
        np.abs(frame.astype(int) - full[time_s]).max()
        for batch in batches
        for time_s, frame in zip(batch.times_s.tolist(), batch.frames, strict=True)
    ]
    assert len(apart) == 3
    assert (max(apart) == 0) == is_filtered
    assert max(apart) <= 8


def test_cuts_are_found(cut_film: Path) -> None:
    detector = DraftShots()
    batches, table = drafted(cut_film)
    for batch in batches:
        detector.push(batch)
    shots = detector.finish(table)
    assert shots[0].span.start_s == 0.0
    assert shots[-1].span.end_s == table.duration_s
    joins = np.cumsum(PIECE_FRAMES[:-1]) / FPS
    found = [shot.span.start_s for shot in shots[1:]]
    assert len(found) == len(joins)
    assert found == pytest.approx(joins, abs=0.2)


def test_stills_are_the_first_key_frames_of_their_stretches(cut_film: Path) -> None:
    batches, _ = drafted(cut_film, StillFormat(6.0, 64))
    stills = [still for batch in batches for still in batch.stills]
    keys_s = np.concatenate([batch.times_s for batch in batches])
    cells = np.unique(keys_s // 6.0)
    assert len(cells) >= 3
    assert [still.time_s for still in stills] == [keys_s[keys_s // 6.0 == cell].min() for cell in cells]
    assert all(still.pixels.shape == (64, 64, 3) for still in stills)


def test_the_pattern_of_an_encoder_does_not_stand_out() -> None:
    times_s = np.arange(400) / 25
    sizes = np.random.default_rng(3).integers(90, 110, 400)
    sizes[::16] = 1000
    large = prominence(times_s, sizes, np.zeros(400, bool))
    assert large[16:-16].max() < 1.4
    sizes[200] = 1500
    assert prominence(times_s, sizes, np.zeros(400, bool))[200] > 5


def test_a_file_without_a_usable_key_frame_is_refused(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = tmp_path / "film.mp4"
    shutil.copy(made.film, film)
    info = probe(film)
    data = bytearray(film.read_bytes())
    at = data.index(b"mdat") + 4
    data[at : at + len(data) // 2] = bytes(len(data) // 2)
    film.write_bytes(data)
    with pytest.raises(InputError):
        list(iter_key_frames(info, side_px=SIDE_PX, stills=StillFormat(6.0, SIDE_PX)))


def test_a_draft_is_never_taken_for_a_full_analysis_nor_the_other_way_round(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")

    def analysed(cache: Path | None, *, draft: bool) -> str:
        return scenesheet.dumps(pipeline.analyse_video(made.film, device="cpu", cache=cache, draft=draft))

    plain, draft = analysed(None, draft=False), analysed(None, draft=True)
    assert scenesheet.loads(plain).draft is None
    note = scenesheet.loads(draft).draft
    assert note is not None
    assert 0 < note.cut_recall < 1
    for order in ((False, True), (True, False)):
        cache = tmp_path / str(order[0])
        for _ in range(2):
            for is_draft in order:
                assert analysed(cache, draft=is_draft) == (draft if is_draft else plain)


def test_the_level_around_a_packet_is_that_of_its_second_without_keys_and_itself() -> None:
    rng = np.random.default_rng(0)
    times_s = np.cumsum(rng.exponential(0.04, 600))
    sizes, are_key = rng.integers(100, 5000, 600), rng.random(600) < 0.1
    large = prominence(times_s, sizes, are_key)
    assert (large[are_key] == 0).all()
    for i in np.flatnonzero(~are_key):
        near = (times_s >= times_s[i] - 1) & (times_s < times_s[i] + 1) & ~are_key & (np.abs(np.arange(600) - i) > 2)
        assert large[i] == (sizes[i] / np.percentile(sizes[near], 70) if near.sum() >= 4 else 0)


def test_photos_and_decord_have_no_draft(made: Made, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--decoder decord"):
        pipeline.analyse_video(made.film, decoder="decord", draft=True)
    with pytest.raises(UsageError, match="not to photos"):
        pipeline.analyse_video(tmp_path, draft=True)


def test_the_sheet_says_that_it_is_a_draft_and_spot_warns(made: Made, tmp_path: Path) -> None:
    def soundtrack(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "soundtrack", *map(str, words)], capture_output=True, text=True, check=False
        )

    sheet = tmp_path / "film.draft.json"
    done = soundtrack("scenes", made.film, "--draft", "--no-cache", "-o", sheet)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: draft: expect ")
    assert json.loads(sheet.read_text())["draft"]["within_s"] == 0.2
    spotted = soundtrack("spot", sheet, "--index", made.index)
    assert spotted.returncode == 0, spotted.stderr
    warning, hint, *_ = [line for line in spotted.stderr.splitlines() if "draft" in line]
    assert warning.startswith("warning: draft: expect ")
    assert hint.startswith("hint: run `soundtrack scenes` without --draft")
    assert any("draft" in line for line in json.loads(spotted.stdout)["warnings"])
    assert "--draft" not in soundtrack("score", "--help").stdout
