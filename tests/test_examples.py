"""The demo's recipe: what it makes is what examples/README.md says, and it makes the same again."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from soundtrack.demo import movie as film
from soundtrack.demo.band import Part, Passage, Piece, play
from soundtrack.demo.canvas import HEIGHT, WIDTH
from soundtrack.demo.instruments import INSTRUMENTS, RATE_HZ, frequency_hz
from soundtrack.demo.make import make_demo, make_track, track_name
from soundtrack.demo.pieces import PIECES
from soundtrack.demo.spoken import RATE_HZ as FILM_RATE_HZ
from soundtrack.demo.spoken import say
from soundtrack.types import EMOTIONS, FloatArray

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def tiny(line: str, *, chords: str = "1", **part: object) -> Piece:
    """A piece of one part, 120 beats a minute in four."""
    played = replace(Part("flute", line, send=0.0), **part)
    return Piece(
        title="Tiny", mood="Neutral", genre="Test", tonic=69, mode="major", bpm=120, beats=4, form="a",
        parts={"p": played}, passages={"a": Passage(chords, ("p",))}, room_s=0.3,
    )  # fmt: skip


def loudest_hz(sound: FloatArray, start_s: float, end_s: float) -> float:
    """Frequency of the highest peak of a stretch."""
    part = sound.sum(axis=0)[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    return float(np.fft.rfftfreq(len(part), 1 / RATE_HZ)[spectrum.argmax()])


def test_the_library_covers_every_mood_with_long_built_pieces() -> None:
    assert len(PIECES) >= 8
    assert {piece.mood for piece in PIECES} == set(EMOTIONS)
    assert all(piece.n_bars * piece.bar_s > 120 for piece in PIECES)
    assert all(piece.form.endswith("z") and len(set(piece.form)) >= 4 for piece in PIECES)
    assert len({piece.extension for piece in PIECES}) >= 4
    assert len({track_name(piece) for piece in PIECES}) == len(PIECES)


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.title)
def test_every_part_is_playable_and_every_passage_has_its_players(piece: Piece) -> None:
    assert set(piece.form) <= set(piece.passages)
    assert {part.instrument for part in piece.parts.values()} <= set(INSTRUMENTS)
    named = {name for passage in piece.passages.values() for name in passage.parts}
    assert named == set(piece.parts)


def test_notes_sound_where_and_how_high_they_are_written() -> None:
    sound = play(tiny("1 - 5 -"))
    assert loudest_hz(sound, 0.2, 0.9) == pytest.approx(440, rel=0.01)
    assert loudest_hz(sound, 1.2, 1.9) == pytest.approx(frequency_hz(76), rel=0.01)


def test_a_line_follows_its_chords_unless_it_is_a_melody() -> None:
    followed = play(tiny("1 - - -", chords="1 4"))
    melody = play(tiny("1 - - -", chords="1 4", melody=True))
    assert loudest_hz(followed, 2.3, 3.5) == pytest.approx(frequency_hz(74), rel=0.01)
    assert loudest_hz(melody, 2.3, 3.5) == pytest.approx(440, rel=0.01)


def test_octaves_and_accidentals() -> None:
    assert loudest_hz(play(tiny("1#' - - -")), 0.3, 1.5) == pytest.approx(frequency_hz(82), rel=0.01)


def test_a_note_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown note: 'x'"):
        play(tiny("1 x - -"))


def test_a_piece_sounds_the_same_twice_and_stays_in_range() -> None:
    first, second = play(tiny("1 3 5 1'")), play(tiny("1 3 5 1'"))
    assert np.array_equal(first, second)
    assert np.abs(first).max() <= 1 and np.isfinite(first).all()


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_every_instrument_makes_a_clean_sound(name: str) -> None:
    wave = INSTRUMENTS[name](60, 0.5)
    assert wave.dtype == np.float32 and wave.ndim == 1
    assert np.isfinite(wave).all() and 0.05 < np.abs(wave).max() < 4


# --- film ----


def test_the_film_has_four_scenes_in_ninety_seconds() -> None:
    starts = film.scene_starts_s()
    assert list(starts) == ["park", "sea", "corridor", "rain"]
    assert 75 <= film.N_FRAMES / film.FPS <= 100
    assert min(np.diff([*starts.values(), float(film.N_FRAMES / film.FPS)])) > 15


@pytest.mark.parametrize("number", range(len(film.SHOTS)))
def test_every_shot_can_be_painted_at_both_ends(number: int) -> None:
    shot = film.SHOTS[number]
    for t in (0.0, float((shot.n_frames - 1) / film.FPS)):
        image = shot.paint(t)
        assert image.shape == (HEIGHT, WIDTH, 3) and np.isfinite(image).all()
    assert np.array_equal(shot.paint(1.0), shot.paint(1.0))


def test_the_scenes_look_as_different_as_they_feel() -> None:
    looks = {shot.scene: shot.paint(1.0) for shot in film.SHOTS}
    bright = {scene: float(image.mean()) for scene, image in looks.items()}
    vivid = {scene: float(np.ptp(image, axis=2).mean()) for scene, image in looks.items()}
    assert bright["corridor"] < 0.5 * min(bright["park"], bright["sea"], bright["rain"])
    assert vivid["park"] > 3 * vivid["rain"]


def test_the_sound_is_as_long_as_the_picture_with_a_quiet_stretch_and_a_voice() -> None:
    sound = film.sound(synthesiser=False)
    assert sound.shape == (2, round(film.N_FRAMES / film.FPS * FILM_RATE_HZ))
    starts = film.scene_starts_s()

    def level_dbfs(start_s: float, end_s: float) -> float:
        part = sound[:, int(start_s * FILM_RATE_HZ) : int(end_s * FILM_RATE_HZ)]
        return float(10 * np.log10((part**2).mean()))

    assert level_dbfs(starts["corridor"] + 0.5, starts["corridor"] + 2.4) < -65
    assert level_dbfs(starts["sea"] + 7.5, starts["sea"] + 11) > level_dbfs(starts["sea"] + 2, starts["sea"] + 6) + 10
    assert np.abs(sound).max() < 0.9


def test_our_own_voice_passes_for_speech() -> None:
    from scipy.signal import resample_poly

    from soundtrack.audio.voices.speech import SpeechDetector

    detector = SpeechDetector()
    voice = say(0, synthesiser=False)
    silence = np.zeros(16_000, dtype=np.float32)
    detector.push(np.concatenate([silence, resample_poly(voice, 16_000, FILM_RATE_HZ).astype(np.float32), silence]))
    spoken = sum(span.duration_s for span in detector.finish())
    assert spoken > 0.7 * len(voice) / FILM_RATE_HZ


# --- files ----


def written_cuts_s() -> list[float]:
    """Where shots begin as they were written; in the middle for the one that comes by a dissolve."""
    firsts = np.cumsum([0, *(shot.n_frames for shot in film.SHOTS)])
    return [float((first + shot.dissolve // 2) / film.FPS) for first, shot in zip(firsts, film.SHOTS, strict=False)]


def found_cuts_s(path: Path) -> list[float]:
    """Where the tool sees shots begin."""
    from soundtrack.media.reading.probe import probe
    from soundtrack.video.decode import iter_frames
    from soundtrack.video.shots import ShotDetector

    info, detector = probe(path), ShotDetector()
    for batch in iter_frames(info, side_px=112):
        detector.push(batch)
    return [shot.span.start_s for shot in detector.finish(info.duration_s)]


def test_a_track_is_encoded_with_its_tags_and_again_to_the_same_bytes(tmp_path: Path) -> None:
    piece = replace(tiny("1 3 5 1'"), title="Tiny piece", extension="flac")
    for name in ("a.flac", "b.flac"):
        make_track(piece, tmp_path / name)
    content = (tmp_path / "a.flac").read_bytes()
    assert content == (tmp_path / "b.flac").read_bytes()
    assert b"Tiny piece" in content and b"CC0-1.0" in content


@pytest.mark.slow
def test_the_whole_demo_is_made_and_what_is_there_is_kept(tmp_path: Path) -> None:
    from soundtrack.media.reading.probe import probe, probe_audio

    kept = tmp_path / "library" / track_name(PIECES[0])
    kept.parent.mkdir()
    kept.write_bytes(b"mine")
    media = make_demo(tmp_path, synthesiser=False)
    assert kept.read_bytes() == b"mine"
    info = probe(media.film)
    assert info.duration_s == pytest.approx(float(film.N_FRAMES / film.FPS), abs=0.05)
    assert (info.width_px, info.height_px, info.fps) == (WIDTH, HEIGHT, film.FPS)
    assert info.main_audio is not None
    found, written = np.array(found_cuts_s(media.film)), np.array(written_cuts_s())
    near = np.abs(found[:, None] - written[None, :]) < 0.5
    assert near.any(axis=0).mean() >= 0.7  # two cuts in the dark and two between like pictures are not seen
    assert near.any(axis=1).mean() >= 0.6  # the flickering lamp is taken for a cut now and then
    places = [21.5, 45.25, 66.25]
    assert all(np.abs(found - place).min() < 0.5 for place in places)
    for path in media.tracks[1:]:
        assert probe_audio(path).duration_s > 120
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4", "library"}


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.sh")), ids=lambda path: path.name)
def test_the_scripts_are_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True, timeout=10)
    assert script.stat().st_mode & 0o111


def test_make_demo_without_a_folder_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "make_demo.py")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stdout == "" and "DIR" in done.stderr


def test_the_readme_of_the_examples_names_every_track() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for piece in PIECES:
        assert f"| {piece.title} ({piece.extension}) | {piece.mood} | {piece.bpm:g}" in text


def test_a_demo_that_cannot_be_written_says_where_and_what_to_type(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    done = subprocess.run(
        [sys.executable, "-m", "soundtrack", "demo", str(in_the_way / "demo")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 9
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"error: {in_the_way}") and hint.startswith("hint: ")
