"""Running ffmpeg: guards, limits, no orphans."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundtrack.errors import DependencyError, FfmpegError
from soundtrack.media.guard import file_arg, input_args, pcm_input_args
from soundtrack.media.locate import _bundled_ffmpeg, ffmpeg_path, ffmpeg_version
from soundtrack.media.process import FfmpegTimeoutError, reading_pipe, run_ffmpeg, writing_pipe

TONE = ["-f", "lavfi", "-i", "sine=f=440:r=8000:d=2"]
ENDLESS = ["-f", "lavfi", "-i", "sine=f=440:r=8000"]
RAW = ["-f", "f32le", "pipe:1"]


def script(folder: Path, body: str, name: str = "ffmpeg") -> Path:
    """A stand-in for ffmpeg."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


VERSION = '[ "$1" = -version ] && { echo "ffmpeg version 6.1 of a test"; exit 0; }\n'


def descendants_alive(word: str) -> bool:
    """Whether a process with this word on its command line is left."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if word.encode() in (entry / "cmdline").read_bytes():
                    return True
            except OSError:
                continue
    return False


def every_ffmpeg() -> list[Path]:
    """The system's and the bundled one, as far as they are here."""
    found = {ffmpeg_path()}
    bundled = _bundled_ffmpeg()
    return sorted(found | ({bundled} if bundled else set()))


@pytest.mark.parametrize("ffmpeg", every_ffmpeg(), ids=lambda p: p.name)
def test_both_ffmpegs_give_the_same_samples_through_a_file_and_pipes(tmp_path: Path, ffmpeg: Path) -> None:
    target = tmp_path / "tone.wav"
    samples = np.linspace(-1, 1, 8000, dtype=np.float32)
    with writing_pipe(
        [*pcm_input_args(sample_rate_hz=8000, channels=1), "-c:a", "pcm_f32le", "-f", "wav", "-y", file_arg(target)],
        task="writing",
        ffmpeg=ffmpeg,
    ) as pipe:
        pipe.write(samples[:3000])
        pipe.write(samples[3000:])
    got = run_ffmpeg([*input_args(target), *RAW], task="reading", ffmpeg=ffmpeg)
    assert np.array_equal(np.frombuffer(got.stdout, np.float32), samples)


def test_input_reaches_ffmpeg_and_more_than_a_pipe_holds_comes_back() -> None:
    data = np.arange(600_000, dtype=np.float32) / 600_000
    args = [*pcm_input_args(sample_rate_hz=48000, channels=1), "-c:a", "pcm_f32le", *RAW]
    assert run_ffmpeg(args, task="echo", input=data.tobytes()).stdout == data.tobytes()


def test_progress_lines_come_as_they_are_written() -> None:
    lines: list[bytes] = []
    run_ffmpeg([*TONE, "-progress", "pipe:1", "-f", "null", "-y", "/dev/null"], task="count", on_output=lines.append)
    assert b"progress=end" in b"".join(lines)


def test_failure_carries_the_task_and_the_last_words(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no wave at all")
    with pytest.raises(FfmpegError, match=r"reading bad.wav: .*Invalid data") as caught:
        run_ffmpeg([*input_args(bad), *RAW], task="reading bad.wav")
    assert "\n" not in str(caught.value)


def test_leaving_a_reading_pipe_early_is_no_error_and_leaves_no_process() -> None:
    marker = "-metadata", "title=left_early_4711"
    with reading_pipe([*ENDLESS, *marker, *RAW], task="endless") as pipe:
        assert len(pipe.read(4000)) == 4000
        assert descendants_alive("left_early_4711")
    assert not descendants_alive("left_early_4711")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_exceptions_kill_ffmpeg(tmp_path: Path, error: type[BaseException]) -> None:
    args = [*pcm_input_args(sample_rate_hz=8000, channels=1), "-metadata", "title=killed_4712"]
    with pytest.raises(error), writing_pipe([*args, "-f", "wav", file_arg(tmp_path / "x.wav")], task="write") as pipe:
        pipe.write(b"\0" * 4000)
        raise error
    assert not descendants_alive("killed_4712")


def test_a_pipe_that_is_read_to_its_end_reports_failure(tmp_path: Path) -> None:
    fails = script(tmp_path, VERSION + "printf abcd; echo it broke >&2; exit 3")
    with pytest.raises(FfmpegError, match="reading x: it broke"), reading_pipe([], task="reading x", ffmpeg=fails) as p:
        assert p.read(100) == b"abcd"


def test_writing_to_an_ffmpeg_that_died_says_why(tmp_path: Path) -> None:
    dies = script(tmp_path, VERSION + "echo no room >&2; exit 1")
    with pytest.raises(FfmpegError, match="encoding x: no room"), writing_pipe([], task="encoding x", ffmpeg=dies) as p:
        for _ in range(100):
            p.write(b"\0" * 100_000)
            time.sleep(0.01)


def test_stalled_ffmpeg_and_its_children_are_killed(tmp_path: Path) -> None:
    stalls = script(tmp_path, VERSION + "sleep 4713 & sleep 4713")
    start = time.monotonic()
    with (
        pytest.raises(FfmpegTimeoutError, match=r"made no progress for 0\.3 s"),
        reading_pipe([], task="stalled", stall_s=0.3, ffmpeg=stalls) as pipe,
    ):
        pipe.read(1)
    assert time.monotonic() - start < 5
    assert not descendants_alive("sleep\x004713")


def test_wall_limit_stops_a_run() -> None:
    with pytest.raises(FfmpegTimeoutError, match=r"timed out after 0\.5 s"):
        run_ffmpeg(["-re", *ENDLESS, "-f", "null", "-y", "/dev/null"], task="endless", wall_s=0.5)


def test_a_talkative_ffmpeg_neither_blocks_nor_fills_memory(tmp_path: Path) -> None:
    talks = script(tmp_path, VERSION + "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo the end >&2")
    done = run_ffmpeg([], task="talk", ffmpeg=talks)
    assert len(done.stderr) <= 64 * 1024
    assert done.stderr.endswith("the end\n")


@pytest.mark.parametrize(
    "name",
    ["-y.wav", "pipe:0.wav", "concat:a|b.wav", "http:host.wav", "new\nline.wav", "%03d.wav", "$(touch x).wav"],
)
def test_awkward_names_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    run_ffmpeg([*TONE, "-f", "wav", "-y", file_arg(Path(name))], task="write")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert len(run_ffmpeg([*input_args(Path(name)), *RAW], task="read").stdout) == 2 * 8000 * 4


def test_names_that_are_not_utf8_keep_their_bytes(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe\xe9.wav"))
    run_ffmpeg([*TONE, "-f", "wav", file_arg(path)], task="write")
    assert [os.fsencode(entry.name) for entry in tmp_path.iterdir()] == [b"\xff\xfe\xe9.wav"]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_file_arg_is_always_an_absolute_file_url(name: str) -> None:
    assert file_arg(Path(name)).startswith("file:/")


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile other.wav\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nother.wav\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    ],
    ids=["concat", "hls", "sdp"],
)
def test_files_that_name_other_files_are_refused(tmp_path: Path, text: str) -> None:
    run_ffmpeg([*TONE, "-f", "wav", file_arg(tmp_path / "other.wav")], task="write")
    (tmp_path / "film.mp4").write_text(text)
    with pytest.raises(FfmpegError):
        run_ffmpeg([*input_args(tmp_path / "film.mp4"), *RAW], task="read")


def test_named_ffmpeg_is_used_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = script(tmp_path, VERSION)
    assert ffmpeg_path(good) == good
    old = script(tmp_path, 'echo "ffmpeg version 3.4.2"', "old")
    with pytest.raises(DependencyError, match="old: not ffmpeg"):
        ffmpeg_path(old)
    with pytest.raises(DependencyError, match="absent"):
        ffmpeg_path(tmp_path / "absent")
    assert ffmpeg_path() != good
    monkeypatch.setenv("SOUNDTRACK_FFMPEG", str(good))
    assert ffmpeg_path() == good


def test_ffmpeg_of_the_current_folder_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, VERSION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOUNDTRACK_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", f".{os.pathsep}")
    assert ffmpeg_path() == _bundled_ffmpeg()


def test_no_ffmpeg_at_all_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SOUNDTRACK_FFMPEG", raising=False)
    monkeypatch.setattr("soundtrack.media.locate._bundled_ffmpeg", lambda: None)
    with pytest.raises(DependencyError, match="ffmpeg not found") as caught:
        ffmpeg_path()
    assert "pip install imageio-ffmpeg" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright", (5, 1)),
        ("ffmpeg version n7.1 Copyright", (7, 1)),
        ("ffmpeg version N-109542-gb8c8f1d Copyright", (999, 0)),
        ("ffmpeg version 2026-11-01-git-abc Copyright", (999, 0)),
        ("ffmpeg version 4.2.7 Copyright", None),
        ("something else", None),
    ],
)
def test_versions_as_builds_write_them(tmp_path: Path, line: str, version: tuple[int, int] | None) -> None:
    assert ffmpeg_version(script(tmp_path, f"echo '{line}'")) == version


def test_ffmpeg_runs_apart_from_our_process_group() -> None:
    with reading_pipe([*ENDLESS, *RAW], task="endless") as pipe:
        pipe.read(4)
        child = pipe._process._popen.pid
        assert os.getpgid(child) == child != os.getpgrp()
        limits = Path(f"/proc/{child}/limits").read_text()
    assert any(line.startswith("Max core file size") and line.split()[4] == "0" for line in limits.splitlines())
