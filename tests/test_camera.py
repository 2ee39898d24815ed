"""A camera, or a film in place of one: readings, the track for them, annotated films, and nothing else kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from media_made import Made, ffmpeg, make_film
from soundtrack.cli.app import run_commands
from soundtrack.emotion.faces import channel as faces_module
from soundtrack.errors import DependencyError, InputError, OutputError, SoundtrackError, UsageError
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.live_film import live_film
from soundtrack.pipeline.film.filming import open_camera
from soundtrack.pipeline.film.live import LiveReading, led_by_face, smoothed
from soundtrack.types import EmotionState
from soundtrack.video.camera import open_device, open_film
from soundtrack.video.overlay import annotated
from test_faces import OneFace


class FakeCapture:
    """Stands in for OpenCV's capture: some pictures, then none."""

    def __init__(self, n_pictures: int) -> None:
        self.left, self.released = n_pictures, False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.left >= 0

    def set(self, _what: int, _value: float) -> bool:
        return True

    def read(self) -> tuple[bool, Any]:
        self.left -= 1
        return (True, np.full((48, 64, 3), (250, 10, 20), np.uint8)) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> dict[int, FakeCapture]:
    """Cameras by number; others are absent."""
    import cv2

    there: dict[int, FakeCapture] = {}
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: there.get(number, FakeCapture(-1)))
    return there


@pytest.fixture
def no_faces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(faces_module, "faces_path", lambda: tmp_path / "none")


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_the_camera_shows_the_mood_that_a_scene_of_the_same_readings_has() -> None:
    sure = EmotionState((0.02, 0.02, 0.02, 0.02, 0.90, 0.02), -0.5, -0.4, 0.8)
    torn = EmotionState((0.02, 0.02, 0.02, 0.50, 0.42, 0.02), 0.3, -0.2, 0.4)
    vectors = np.eye(2, dtype=np.float32)
    emotion, embedding = smoothed([(sure, vectors[0]), (torn, vectors[0]), (torn, vectors[1])])
    logs = np.mean([np.log(mood.probabilities) for mood in (sure, torn, torn)], axis=0)
    assert emotion.probabilities == pytest.approx(tuple(np.exp(logs) / np.exp(logs).sum()))
    assert emotion.probabilities[3] < np.mean([mood.probabilities[3] for mood in (sure, torn, torn)]) - 0.1
    assert emotion.valence == pytest.approx(0.1 / 3) and emotion.arousal == pytest.approx(-0.8 / 3)
    assert emotion.confidence == pytest.approx((0.8 + 0.42 + 0.42) / 3)
    assert np.linalg.norm(embedding) == pytest.approx(1.0) and embedding[0] > embedding[1] > 0


@pytest.mark.usefixtures("no_faces")
@pytest.mark.parametrize("name", ["nothing.mp4", "empty.mp4", "one.mp4"])
def test_a_camera_file_without_pictures_ends_in_two_lines_and_leaves_no_film(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """The note that networks of faces are missing does not come before the error."""
    monkeypatch.chdir(tmp_path)
    Path("empty.mp4").touch()
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:d=0.04:r=25", "-frames:v", "1", "one.mp4")
    with pytest.raises(InputError, match=f"{name}: ") as error:
        run_commands(["watch", "--camera", name, "-o", "out.mp4", "--index", str(made.index)])
    assert error.value.hint and error.value.exit_code == 3
    assert capfd.readouterr().err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.mp4", "one.mp4"]


@pytest.mark.usefixtures("no_faces")
def test_a_film_in_place_of_a_camera_gives_a_reading_a_second_and_a_track(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_commands(["watch", "--camera", str(made.film), "--index", str(made.index), "--json"]) == 0
    found = lines(capfd.readouterr().out)
    assert [round(one["time_s"]) for one in found] == list(range(2, 9))
    for one in found:
        assert len(one["moods"]) == 3 and sum(one["moods"].values()) <= 1.0001
        assert one["track"]["path"].endswith((".flac", ".mp3")) and one["expressions"] == {}
    assert len({tuple(one["moods"].values()) for one in found}) > 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_faces")
def test_the_same_film_gives_the_same_readings(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    said = []
    for _ in range(2):
        run_commands(["watch", "--camera", str(made.film), "--index", str(made.index), "--seconds", "4"])
        said.append(capfd.readouterr().out)
    assert said[0] == said[1] and said[0].count("\n") == 2 and "valence" in said[0]


@pytest.mark.usefixtures("no_faces")
def test_without_an_index_moods_are_shown_and_the_lack_is_said(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOUNDTRACK_INDEX", str(tmp_path / "none"))
    run_commands(["watch", "--camera", str(made.film), "--json", "--seconds", "3"])
    out, err = capfd.readouterr()
    assert lines(out)[0]["track"] is None and "no music is shown" in err
    with pytest.raises(SoundtrackError, match="no index"):
        run_commands(["watch", "--camera", str(made.film), "--index", str(tmp_path / "none")])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_an_annotated_film_has_the_length_of_the_pictures_and_a_strip_with_words(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(faces_module, "_network", OneFace)
    monkeypatch.setattr(faces_module, "faces_path", lambda: made.film)
    out = tmp_path / f"said{suffix}"
    run_commands(["watch", "--camera", str(made.film), "--index", str(made.index), "-o", str(out), "-q"])
    info = probe(out)
    assert info.duration_s == pytest.approx(9.0, abs=0.1) and (info.width_px, info.height_px) == (320, 180)
    ffmpeg("-ss", "5", "-i", out, "-frames:v", "1", tmp_path / "at5.png")
    picture = np.asarray(Image.open(tmp_path / "at5.png").convert("RGB")).astype(int)
    strip, above = picture[-30:], picture[: 180 // 4]
    assert strip.max() > 230 and above.max() < 120  # white words on the dark strip; the dark blue picture above it
    ffmpeg("-ss", "2.5", "-i", out, "-frames:v", "1", tmp_path / "at2.png")
    picture = np.asarray(Image.open(tmp_path / "at2.png").convert("RGB")).astype(int)[:140, 100:220]
    yellow = (picture[..., 0] > 180) & (picture[..., 1] > 140) & (picture[..., 2] < 140)
    assert yellow.sum() > 50  # the box around the face
    assert {path.name for path in tmp_path.iterdir()} == {"at2.png", "at5.png", out.name}


@pytest.mark.usefixtures("no_faces")
def test_nothing_is_overwritten_by_an_annotated_film(made: Made, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        run_commands(["watch", "--camera", str(made.film), "-o", str(made.film), "--force"])
    song = tmp_path / "song.mp4"
    song.write_bytes(b"not a film")
    with pytest.raises(OutputError, match="not a film"):
        run_commands(["watch", "--camera", str(made.film), "-o", str(song), "--force"])
    with pytest.raises(OutputError, match=r"\.webm"):
        run_commands(["watch", "--camera", str(made.film), "-o", str(tmp_path / "x.webm")])


def test_a_camera_that_is_absent_dark_or_gone_is_named(captures: dict[int, FakeCapture]) -> None:
    with pytest.raises(InputError, match="camera 7: cannot be opened"), open_device(7):
        pass
    captures[1] = FakeCapture(0)
    with pytest.raises(InputError, match="camera 1: gives no picture"), open_device(1):
        pass
    captures[2] = FakeCapture(5)
    with open_camera("2") as camera:
        pictures = list(camera.frames)
    assert len(pictures) == 5 and camera.is_live and captures[2].released
    assert pictures[0].pixels[0, 0].tolist() == [20, 10, 250]  # red first
    assert camera.failure is not None and "camera 2: no more pictures" in str(camera.failure)


@pytest.mark.usefixtures("no_faces")
def test_a_camera_that_goes_away_ends_the_run_but_not_the_film(
    captures: dict[int, FakeCapture], tmp_path: Path, made: Made
) -> None:
    captures[0] = FakeCapture(30)
    out = tmp_path / "short.mp4"
    with pytest.raises(InputError, match="no more pictures"):
        run_commands(["watch", "--index", str(made.index), "-o", str(out), "-q"])
    assert captures[0].released and probe(out).duration_s > 0


def test_opencv_reads_pictures_as_they_are(made: Made) -> None:
    with open_device(str(made.film)) as camera, open_film(probe(made.film)) as film:
        mine, theirs = next(camera.frames).pixels, next(film.frames).pixels
    assert mine.shape == theirs.shape == (180, 320, 3)
    assert np.abs(mine.astype(int) - theirs.astype(int)).mean() < 4  # two decoders, one colour table


@pytest.mark.usefixtures("no_faces")
@pytest.mark.parametrize(
    ("what", "words"), [("nothing.mp4", "no such file"), ("photo.jpg", "a photo, expected a camera")]
)
def test_what_is_no_camera_is_refused(tmp_path: Path, made: Made, what: str, words: str) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.jpg")
    with pytest.raises(InputError, match=words):
        run_commands(["watch", "--camera", str(tmp_path / what), "--index", str(made.index)])


@pytest.mark.usefixtures("no_faces")
def test_a_film_shorter_than_a_reading_says_so(tmp_path: Path, made: Made) -> None:
    make_film(tmp_path / "short.mp4", seconds=1)
    with pytest.raises(InputError, match="too short"):
        run_commands(["watch", "--camera", str(tmp_path / "short.mp4"), "--index", str(made.index)])


def test_a_window_needs_a_screen(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DependencyError, match="needs a display"):
        run_commands(["watch", "--camera", str(made.film), "--overlay"])
    with pytest.raises(UsageError, match="--selfie"):
        run_commands(["watch", "--camera", str(made.film), "--selfie", "-o", "x.mp4"])


def test_a_selfie_has_moods_the_expression_and_music_that_the_face_chooses(
    tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    Image.fromarray(rng.integers(0, 256, (240, 320, 3), np.uint8)).save(tmp_path / "me.png")
    monkeypatch.setattr(faces_module, "_network", OneFace)
    monkeypatch.setattr(faces_module, "faces_path", lambda: made.film)
    run_commands(["watch", "--selfie", "--camera", str(tmp_path / "me.png"), "--index", str(made.index), "--json"])
    with_face = json.loads(capfd.readouterr().out)
    assert with_face["led_by"] == "face" and next(iter(with_face["expressions"])) == "happy"
    assert with_face["asked_valence"] > with_face["valence"] and len(with_face["tracks"]) == 2
    run_commands(["watch", "--selfie", "--no-faces", "--camera", str(made.film), "--index", str(made.index), "-n", "1"])
    alone = capfd.readouterr().out
    assert "led by the picture" in alone and "\n1. " in alone and "\n2. " not in alone


def test_a_face_leads_as_far_as_it_is_clear() -> None:
    mood = EmotionState((0.0, 0.0, 0.0, 0.0, 1.0, 0.0), -0.5, -0.4, 0.9)

    def led(clarity: float) -> tuple[float, float] | None:
        return led_by_face(LiveReading(0.0, mood, np.zeros(2, np.float32), {"happy": 1.0, "clarity": clarity}))

    assert led(0.0) == pytest.approx((-0.5, -0.4)) and led(1.0) == pytest.approx((0.8, 0.3))
    assert led_by_face(LiveReading(0.0, mood, np.zeros(2, np.float32), {})) is None


def test_words_are_drawn_in_the_strip_and_long_ones_are_cut() -> None:
    grey = np.full((180, 320, 3), 128, np.uint8)
    drawn = annotated(grey, ["word " * 100], boxes=[(0.25, 0.25, 0.75, 0.75), (0.5, 0.5, 0.5, 0.5)], label="happy")
    assert (grey == 128).all() and drawn.shape == grey.shape
    assert drawn[-12:].max() == 255 and (drawn[:30] == 128).all()
    assert annotated(grey, []).tobytes() == grey.tobytes()


def test_a_frame_stays_until_the_next_one_comes(tmp_path: Path) -> None:
    with live_film(tmp_path / "x.part", size_px=(64, 49), suffix=".mp4") as show:
        for time_s in (0.0, 0.5, 2.0):
            show(time_s, np.full((49, 64, 3), 100, np.uint8))
    info = probe(tmp_path / "x.part")
    assert info.duration_s == pytest.approx(2.04, abs=0.05) and info.height_px == 48


@pytest.fixture
def watching(made: Made, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run that writes a film of a long film, at its first reading."""
    long = make_film(tmp_path / "long.mp4", seconds=90)
    command = [sys.executable, "-m", "soundtrack", "watch", "--camera", str(long), "--no-faces", "--json"]
    command += ["--index", str(made.index), "-o", str(tmp_path / "out.mp4"), "-q"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "SOUNDTRACK_CACHE": "0"})
    assert process.stdout is not None and process.stdout.readline()
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
def test_ctrl_c_ends_the_run_and_the_film_is_whole(watching: subprocess.Popen[bytes], tmp_path: Path) -> None:
    begun_s = time.monotonic()
    watching.send_signal(signal.SIGINT)
    assert watching.stdout is not None
    watching.stdout.read()
    assert watching.wait(20) == 0 and time.monotonic() - begun_s < 15
    assert 0.5 < probe(tmp_path / "out.mp4").duration_s < 80
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.mp4", "out.mp4"]


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_the_run(watching: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert watching.stdout is not None
    watching.stdout.close()
    assert watching.wait(30) == 0
    assert probe(tmp_path / "out.mp4").duration_s < 80


@pytest.mark.usefixtures("no_faces")
@pytest.mark.parametrize(
    ("name", "words"), [("huge.png", "20000 x 20000 pixels"), ("broken.jpg", "damaged or truncated")]
)
def test_a_bad_photo_for_a_selfie_is_named(tmp_path: Path, made: Made, name: str, words: str) -> None:
    path = tmp_path / name
    if name == "huge.png":
        Image.new("1", (20_000, 20_000)).save(path)
    else:
        path.write_bytes(b"\xff\xd8\xffjunk")
    with pytest.raises(InputError, match=words):
        run_commands(["watch", "--selfie", "--camera", str(path), "--index", str(made.index)])


def test_a_picture_without_a_face_is_led_by_the_picture(
    tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(faces_module, "_network", OneFace)  # finds none in black
    monkeypatch.setattr(faces_module, "faces_path", lambda: made.film)
    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    run_commands(["watch", "--selfie", "--camera", str(tmp_path / "black.png"), "--index", str(made.index), "--json"])
    found = json.loads(capfd.readouterr().out)
    assert found["led_by"] == "picture" and found["expressions"] == {}
