"""The one decode: every frame, its number and its time, in every container."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from soundtrack.errors import UsageError
from soundtrack.media.process import ffmpeg_path, file_arg, run_ffmpeg
from soundtrack.media.reading.probe import probe
from soundtrack.types import ByteArray, TimeArray
from soundtrack.video.decode import FilmClock, iter_frames
from soundtrack.video.frames import DecodeReport, squashed

BITS = 8
WIDTH, HEIGHT = 16 * BITS, 64
SIDE = 112


def coded_frames(n: int) -> bytes:
    """Grey pictures that show their own number as black and white columns, lowest bit at the left."""
    numbers = np.arange(n)[:, None] >> np.arange(BITS) & 1  # (frames, bits)
    columns = np.repeat(np.where(numbers, 235, 16).astype(np.uint8), WIDTH // BITS, axis=1)
    return np.repeat(columns[:, None, :], HEIGHT, axis=1).tobytes()  # (frames, height, width)


def film(path: Path, *args: str, n: int = 100, fps: str = "25", before: tuple[str, ...] = ()) -> Path:
    """A film of coded frames."""
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", fps, *before, "-i", "pipe:0"]
    run_ffmpeg([*raw, *args, "-y", file_arg(path)], task="making a film", input=coded_frames(n))
    return path


def copy(path: Path, source: Path, *args: str, before: tuple[str, ...] = ()) -> Path:
    """The same packets in another file."""
    run_ffmpeg([*before, "-i", file_arg(source), "-c", "copy", *args, "-y", file_arg(path)], task="copying")
    return path


def decode(path: Path, *, decoder: str = "auto") -> tuple[list[int], TimeArray, DecodeReport]:
    """Numbers that the frames show, their times, and the report."""
    report = DecodeReport()
    batches = list(iter_frames(probe(path), side_px=SIDE, decoder=decoder, report=report))
    frames = np.concatenate([b.frames for b in batches])
    return shown_numbers(frames), np.concatenate([b.times_s for b in batches]), report


def shown_numbers(frames: ByteArray) -> list[int]:
    """Read the columns in the middle of each picture."""
    columns = ((np.arange(BITS) + 0.5) * SIDE / BITS).astype(int)
    lit = frames[:, SIDE // 4 : 3 * SIDE // 4, columns].mean(axis=(1, 3)) > 127  # (frames, bits)
    return [int(row @ (1 << np.arange(BITS))) for row in lit]


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "40", "-bf", "3", "-pix_fmt", "yuv420p")
CODINGS = {
    "h264.mp4": (*X264, "-x264-params", "open-gop=1:bframes=3"),
    "h264.mov": X264,
    "h264.mkv": X264,
    "h264.ts": X264,
    "hevc.mp4": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:open-gop=1:keyint=40"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-bf", "2", "-g", "15", "-q:v", "3"),
    "mpeg2.mkv": ("-c:v", "mpeg2video", "-bf", "2", "-g", "15", "-q:v", "3"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-bf", "2", "-g", "30", "-q:v", "3"),
    "vp8.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k"),
}


def require_decord() -> None:
    """Skip where there is none; not by importing it, which would share its symbols with all libraries loaded later."""
    if importlib.util.find_spec("decord") is None:
        pytest.skip("there is no decord for this machine")


@pytest.mark.parametrize("name", CODINGS)
def test_every_frame_is_the_right_one_at_the_right_time(tmp_path: Path, name: str) -> None:
    numbers, times_s, report = decode(film(tmp_path / name, *CODINGS[name]))
    assert numbers == list(range(100))
    assert np.abs(times_s - np.arange(100) / 25).max() < 1e-3
    assert report.n_frames == 100
    assert report.duration_s == pytest.approx(4.0, abs=1e-3)
    assert report.warnings == []


@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "vp8.webm"])
def test_decord_gives_the_same_frames_where_it_is_allowed(tmp_path: Path, name: str) -> None:
    require_decord()
    path = film(tmp_path / name, *CODINGS[name])
    numbers, times_s, _ = decode(path, decoder="decord")
    reference, reference_s, _ = decode(path)
    assert numbers == reference
    assert np.allclose(times_s, reference_s, atol=1e-3)


@pytest.mark.parametrize("name", ["h264.ts", "mpeg4.avi", "hevc.mp4"])
def test_decord_is_refused_where_it_is_wrong(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: decord returns wrong frames") as caught:
        decode(film(tmp_path / name, *CODINGS[name]), decoder="decord")
    assert "--decoder auto" in caught.value.hint


def test_music_can_be_stretched_after_decord_has_decoded(tmp_path: Path) -> None:
    require_decord()
    pytest.importorskip("python_stretch", reason="there is no python-stretch for this machine")
    path = film(tmp_path / "h264.mp4", *CODINGS["h264.mp4"])
    script = (
        "import sys; from pathlib import Path; import numpy as np; from soundtrack.media.reading.probe import probe; "
        "from soundtrack.mix.tempo_change import _stretched; from soundtrack.video.decode import iter_frames; "
        "[*iter_frames(probe(Path(sys.argv[1])), side_px=112, decoder='decord')]; "
        "print(_stretched(np.zeros((2, 48_000), np.float32), n_out=47_000).shape)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.returncode
    assert done.stdout == "(2, 47000)\n"


def test_decord_is_refused_for_an_edit_list(tmp_path: Path) -> None:
    require_decord()
    source = film(tmp_path / "a.mp4", *X264)
    with pytest.raises(UsageError, match="hidden"):
        decode(copy(tmp_path / "cut.mp4", source, before=("-ss", "1.3")), decoder="decord")


def test_an_unknown_decoder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="magic: unknown decoder"):
        decode(film(tmp_path / "a.mp4", *X264, n=3), decoder="magic")


def test_variable_frame_rate_keeps_the_true_times(tmp_path: Path) -> None:
    keep = "select='if(lt(n,50),1,not(mod(n,5)))'"
    path = film(tmp_path / "vfr.mp4", "-vf", keep, "-fps_mode", "vfr", *X264)
    numbers, times_s, _ = decode(path)
    assert numbers == [*range(50), *range(50, 100, 5)]
    assert np.abs(times_s - np.array(numbers) / 25).max() < 1e-3


@pytest.mark.parametrize(("fps", "n"), [("1/5", 4), ("240", 60), ("24000/1001", 50)])
def test_odd_frame_rates(tmp_path: Path, fps: str, n: int) -> None:
    numbers, times_s, report = decode(film(tmp_path / "a.mp4", *X264, n=n, fps=fps))
    assert numbers == list(range(n))
    assert np.abs(times_s - np.arange(n) / float(Fraction(fps))).max() < 1e-3
    assert report.duration_s == pytest.approx(n / float(Fraction(fps)), abs=2e-3)


def test_one_frame_is_a_film(tmp_path: Path) -> None:
    numbers, times_s, report = decode(film(tmp_path / "a.mp4", *X264, n=1))
    assert (numbers, times_s.tolist(), report.duration_s) == ([0], [0.0], pytest.approx(0.04))


def test_a_late_start_counts_from_the_first_frame(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", *X264)
    late = copy(tmp_path / "late.ts", source, "-output_ts_offset", "90000", "-f", "mpegts")
    numbers, times_s, _ = decode(late)
    assert numbers == list(range(100))
    assert np.abs(times_s - np.arange(100) / 25).max() < 1e-3


def test_an_edit_list_hides_frames_and_moves_zero(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", *X264, "-bf", "0", "-g", "100")
    numbers, times_s, _ = decode(copy(tmp_path / "cut.mp4", source, before=("-ss", "1.6")))
    assert numbers == list(range(40, 100))
    assert np.abs(times_s - np.arange(60) / 25).max() < 1e-3


def test_a_clock_that_restarts_is_mended(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", *X264)
    parts = [
        copy(tmp_path / f"{shift}.ts", source, "-output_ts_offset", shift, "-f", "mpegts")
        for shift in ("5000", "0", "70")
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    numbers, times_s, report = decode(joined)
    assert numbers == list(range(100)) * 3
    assert np.abs(times_s - np.arange(300) / 25).max() < 1e-3
    assert report.duration_s == pytest.approx(12.0, abs=1e-3)
    assert any("timestamps" in warning for warning in report.warnings)


def test_a_rotated_film_comes_upright_as_ffmpeg_shows_it(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", *X264, n=3)
    turned = tmp_path / "turned.mp4"
    help_text = run_ffmpeg(["-h", "full"], task="help").stdout
    if b"display_rotation" in help_text:
        copy(turned, source, before=("-display_rotation", "90"))
    else:
        copy(turned, source, "-metadata:s:v:0", "rotate=90")
    info = probe(turned)
    assert (info.width_px, info.height_px) == (HEIGHT, WIDTH)
    args = [
        "-i",
        file_arg(turned),
        "-vf",
        f"scale={SIDE}:{SIDE}:flags=area",
        "-pix_fmt",
        "rgb24",
        "-f",
        "rawvideo",
        "pipe:1",
    ]
    shown = np.frombuffer(run_ffmpeg(args, task="reference").stdout, np.uint8).reshape(-1, SIDE, SIDE, 3)
    ours = np.concatenate([b.frames for b in iter_frames(info, side_px=SIDE)])
    assert np.abs(ours.astype(int) - shown.astype(int)).mean() < 3


def test_the_whole_picture_is_squashed_by_area(tmp_path: Path) -> None:
    one_white_line = np.zeros((1, 224, 448), np.uint8)
    one_white_line[0, :, 100] = 255
    path = tmp_path / "line.mkv"
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "448x224", "-r", "25", "-i", "pipe:0", "-c:v", "ffv1"]
    run_ffmpeg([*raw, file_arg(path)], task="line", input=one_white_line.tobytes())
    (batch,) = iter_frames(probe(path), side_px=SIDE)
    assert batch.frames.shape == (1, SIDE, SIDE, 3)
    row = batch.frames[0, 50, :, 1].astype(int)
    assert row.argmax() == 25
    assert row.sum() == pytest.approx(255 / 4, abs=6)  # a quarter of the light of a pixel four times as wide


def test_a_change_of_size_on_the_way_is_reported(tmp_path: Path) -> None:
    small = film(tmp_path / "a.ts", *X264, n=30)
    large = film(tmp_path / "b.ts", "-vf", "scale=256:128:flags=neighbor", *X264, n=30)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    numbers, _, report = decode(joined)
    assert numbers == list(range(30)) * 2
    assert any("size" in warning for warning in report.warnings)


def test_a_truncated_film_gives_its_good_part_and_says_so(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mkv", "-vf", "noise=alls=30:allf=t", *X264)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    numbers, times_s, report = decode(cut)
    assert 10 < len(numbers) < 90
    assert numbers[:-8] == list(range(len(numbers) - 8))  # the last ones may miss their references
    assert times_s[-1] < 3.0
    assert any("the video ends at" in warning for warning in report.warnings)


def test_damaged_packets_are_passed_over(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", *X264)
    _, times_s, report = decode(copy(tmp_path / "noisy.mkv", source, "-bsf:v", "noise=amount=50"))
    assert report.n_frames > 30
    assert np.all(np.diff(times_s) > 0)
    assert report.n_damaged == 0 or any("damaged" in warning for warning in report.warnings)


def test_pictures_that_were_painted_over_are_told(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", "-vf", "noise=alls=30:allf=t", *X264)
    data = bytearray(source.read_bytes())
    for place in range(len(data) // 4, len(data) // 2, 211):  # the frames of the first half; the index is at the end
        data[place] ^= 0x5A
    (tmp_path / "flipped.mp4").write_bytes(data)
    _, _, report = decode(tmp_path / "flipped.mp4")
    assert report.n_mended > 0
    assert any(f"{report.n_mended} of {report.n_frames} frames are damaged" in w for w in report.warnings)


def test_a_raw_stream_without_a_clock_is_told(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", *X264)
    numbers, _, report = decode(copy(tmp_path / "a.h264", source))
    assert numbers == list(range(100))
    assert report.warnings == ["a raw stream without timestamps: assuming 25 fps"]


def test_leaving_early_ends_the_thread(tmp_path: Path) -> None:
    frames = iter_frames(probe(film(tmp_path / "a.mp4", *X264)), side_px=SIDE, batch_frames=2)
    next(frames)
    assert any(thread.name == "decode" for thread in threading.enumerate())
    frames.close()  # type: ignore[attr-defined]
    assert not any(thread.name == "decode" for thread in threading.enumerate())


def test_a_failing_consumer_does_not_hang(tmp_path: Path) -> None:
    def consume(frames: Iterator[object]) -> None:
        for _ in frames:
            raise RuntimeError("the consumer fails")

    with pytest.raises(RuntimeError, match="consumer"):
        consume(iter_frames(probe(film(tmp_path / "a.mp4", *X264)), side_px=SIDE))


def test_two_decodes_are_equal(tmp_path: Path) -> None:
    info = probe(film(tmp_path / "a.mp4", *X264))
    first, second = ([b.frames for b in iter_frames(info, side_px=SIDE)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_only_frames_that_no_other_refers_to_are_decoded_without_the_loop_filter(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    moving = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4,noise=alls=20:allf=t"]
    run_ffmpeg([*moving, "-c:v", "libx264", "-crf", "36", "-pix_fmt", "yuv420p", file_arg(path)], task="making a film")
    ours = np.concatenate([batch.frames for batch in iter_frames(probe(path), side_px=SIDE)]).astype(np.int16)
    exact, referred = exact_frames(path), np.isin(shown(path), shown(path, skip_frame="NONREF"))
    apart = np.abs(ours - exact).mean(axis=(1, 2, 3))
    assert 0 < referred.sum() < len(referred)
    assert not apart[referred].any()
    assert 0 < apart[~referred].max() < 1


def exact_frames(path: Path) -> ByteArray:
    """All frames from a decoder that leaves nothing out."""
    scaler = VideoReformatter()
    with av.open(str(path)) as container:
        return np.stack([squashed(scaler, frame, SIDE).copy() for frame in container.decode(video=0)])


def shown(path: Path, *, skip_frame: str = "DEFAULT") -> list[int]:
    """Time stamps of the frames that come out of a decoder."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.skip_frame = skip_frame
        return [frame.pts or 0 for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    ("stamps", "restarts", "times"),
    [
        ([10.0, 10.04, 10.08], False, [0, 0.04, 0.08]),
        ([None, None, 10.08, 10.12], False, [0, 0.04, 0.08, 0.12]),
        ([10.0, None, 10.08], False, [0, 0.04, 0.08]),
        ([10.0, 500.0, 500.04], True, [0, 0.04, 0.08]),
        ([10.0, 500.0, 500.04], False, [0, 490.0, 490.04]),
        ([10.0, 10.04, 2.0, 2.04], False, [0, 0.04, 0.08, 0.12]),
        ([10.0, 10.04, 10.04, 10.08], False, [0, 0.04, 0.041, 0.08]),
        ([9.9, 9.94], False, [0, 0.04]),
    ],
)
def test_film_clock(stamps: list[float | None], restarts: bool, times: list[float]) -> None:
    clock = FilmClock(10.0, 0.04, restarts=restarts)
    assert [clock.time_s(stamp) for stamp in stamps] == pytest.approx(times)


def test_reference_decoder_agrees(tmp_path: Path) -> None:
    """The same numbers as an ffmpeg that writes full frames, so that our own reading of them is not in question."""
    path = film(tmp_path / "a.mp4", *X264)
    args = [ffmpeg_path(), "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(args, capture_output=True, check=True).stdout
    full = np.frombuffer(raw, np.uint8).reshape(-1, HEIGHT, WIDTH)
    lit = full[:, HEIGHT // 2, WIDTH // BITS // 2 :: WIDTH // BITS] > 127
    assert [int(row @ (1 << np.arange(BITS))) for row in lit] == decode(path)[0]
