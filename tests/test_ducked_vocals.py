"""Vocals of the music are lowered under speech while its instruments stay: known stems, measured in the result."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from films import RATE, make_film, make_job, picture_hash, write_track, write_voice
from soundtrack.checkpoints import spleeter_weights
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.errors import DependencyError, ExitCode, InputError, OutputError, UsageError
from soundtrack.media.reading.audio import read_audio
from soundtrack.mix.bed import Music
from soundtrack.mix.ducking import VOCALS_DEPTH_DB, duck_vocals, gain_db_at
from soundtrack.mix.plan import plan_mix, vocals_of
from soundtrack.pipeline.ducked_vocals import AROUND_S, under_speech
from soundtrack.pipeline.ground import separators
from soundtrack.pipeline.sheets import narration
from soundtrack.pipeline.sheets.targets import scored_stem
from soundtrack.settings import MixSettings
from soundtrack.types import CueSheet, DuckedVocals, FloatArray, Section, Span, VocalStem
from test_voices import EXAMPLE, install, listing

SPOKEN = Span(6.0, 10.0)
LENGTH_S = 18.0
SONG_S = 24.0


@pytest.fixture(autouse=True)
def separator(site: Path) -> None:
    """The separator that takes the middle for the vocals."""
    install(site, EXAMPLE.read_text())


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a mute film, a voice, and a song with vocals in the middle and instruments in the difference."""
    folder = tmp_path_factory.mktemp("song")
    make_film(folder / "film.mov", seconds=LENGTH_S)
    write_voice(folder / "voice.wav", seconds=LENGTH_S, spans=[SPOKEN], level=0.2)
    write_voice(folder / "vocals.wav", seconds=SONG_S, spans=[Span(0.0, SONG_S)], level=0.15)
    _, tones = wavfile.read(write_track(folder / "tones.wav", seconds=SONG_S, level=0.2, seed=3))
    instruments = np.stack([tones[:, 0], -tones[:, 0]], axis=1)
    wavfile.write(folder / "instruments.wav", RATE, instruments)
    wavfile.write(folder / "song.wav", RATE, wavfile.read(folder / "vocals.wav")[1] + instruments)
    return folder


@pytest.fixture
def folder(sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same files in a folder of their own; noise stands in for speech."""
    monkeypatch.setattr(narration, "_heard", lambda _path: (LENGTH_S, [SPOKEN]))
    copy = tmp_path / "films"
    shutil.copytree(sounds, copy)
    return copy


def command(folder: Path, *more: str) -> list[str]:
    """To score the film with the song and the voice."""
    words = ["score", str(folder / "film.mov"), "-o", str(folder / "new.mov"), "--track", str(folder / "song.wav")]
    return [*words, "--narration", str(folder / "voice.wav"), "--no-cache", "-q", *more]


def as_played(sheet: CueSheet, sound: Path, *, seconds: Span) -> FloatArray:
    """Another file in the place of the song, without lowered vocals, at the gains of the sheet."""
    plan = plan_mix(replace(sheet, vocals=None))
    gain = 10 ** (((sheet.mix.music_gain_db or 0.0) + (sheet.mix.master_gain_db or 0.0)) / 20)
    with Music(plan, track_paths={track.track_id: sound for track in sheet.tracks}) as music:
        whole = music.block(0, plan.n_samples).sounding * gain
    return whole[:, int(seconds.start_s * RATE) : int(seconds.end_s * RATE)]


def gains_db(mixed: FloatArray, *parts: FloatArray) -> list[float]:
    """Gain of each part in a sound."""
    basis = np.stack([part.ravel() for part in parts], axis=1).astype(np.float64)
    found, *_ = np.linalg.lstsq(basis, mixed.ravel().astype(np.float64), rcond=None)
    return [float(20 * np.log10(abs(gain) + 1e-9)) for gain in found]


def test_vocals_go_down_under_speech_and_the_instruments_stay(
    site: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stems = folder / "stems"
    assert run_commands(command(folder, "--duck-vocals", "--stems", str(stems))) == ExitCode.OK
    sheet = cuesheet.loads((folder / "new.cues.json").read_text())
    assert sheet.vocals is not None
    (stem,) = sheet.vocals.stems
    assert Path(stem.path) == folder / f"new.vocals-{stem.track_id[:8]}.flac"
    music = read_audio(stems / "new.MX.flac", sample_rate_hz=RATE, channels=2)
    for seconds, wanted_db in ((Span(6.2, 9.8), -VOCALS_DEPTH_DB), (Span(1.0, 4.5), 0.0), (Span(13.0, 16.0), 0.0)):
        heard = music[:, int(seconds.start_s * RATE) : int(seconds.end_s * RATE)]
        parts = (as_played(sheet, folder / name, seconds=seconds) for name in ("vocals.wav", "instruments.wav"))
        vocals_db, instruments_db = gains_db(heard, *parts)
        assert vocals_db == pytest.approx(wanted_db, abs=0.3) and instruments_db == pytest.approx(0.0, abs=0.05)
    assert picture_hash(folder / "new.mov") == picture_hash(folder / "film.mov")

    shutil.rmtree(site)
    monkeypatch.setattr(separators, "entry_points", lambda _group: iter(()))
    again = ["render", str(folder / "film.mov"), str(folder / "new.cues.json"), "-o", str(folder / "again.mov"), "-q"]
    assert run_commands(again) == ExitCode.OK, "no separator is needed"
    assert (folder / "again.mov").read_bytes() == (folder / "new.mov").read_bytes()
    Path(stem.path).unlink()
    with pytest.raises(InputError, match=rf"{Path(stem.path).name}: the vocals of cue 1m01 are missing"):
        run_commands([*again, "--force"])


@pytest.mark.slow
def test_plan_again_brought_back_the_vocals_that_were_lowered(site: Path, folder: Path) -> None:
    from soundtrack.progress import no_progress
    from soundtrack.review.session import first_step
    from soundtrack.review.steps import planned_again, vocals_lowered_again

    assert run_commands(command(folder, "--duck-vocals")) == ExitCode.OK
    path = folder / "new.cues.json"
    sheet = cuesheet.loads(path.read_text())
    assert sheet.vocals is not None
    (stem,) = sheet.vocals.stems

    def again() -> CueSheet:
        after = planned_again(folder / "film.mov", first_step(sheet), index=None, progress=no_progress)
        with vocals_lowered_again(after, sheet, beside=path, index=None, progress=no_progress) as lowered:
            return lowered.sheet

    planned = again()
    assert planned.vocals == sheet.vocals and planned.conditions == sheet.conditions
    held = Path(stem.path).read_bytes()
    Path(stem.path).rename(folder / "kept.flac")
    assert again().vocals == sheet.vocals
    assert Path(stem.path).read_bytes() == held


@pytest.mark.slow
def test_music_without_vocals_is_played_as_it_is_and_gets_no_file(site: Path, folder: Path) -> None:
    shutil.copy(folder / "instruments.wav", folder / "song.wav")
    assert run_commands(command(folder)) == ExitCode.OK
    film, sheet = (folder / "new.mov").read_bytes(), cuesheet.loads((folder / "new.cues.json").read_text())
    assert sheet.conditions is not None
    assert run_commands(command(folder, "--duck-vocals", "--force")) == ExitCode.OK
    assert (folder / "new.mov").read_bytes() == film
    asked = replace(sheet, conditions=replace(sheet.conditions, duck_vocals=True))
    assert cuesheet.loads((folder / "new.cues.json").read_text()) == asked
    assert not list(folder.glob("*vocals-*"))


@pytest.mark.slow
def test_a_failure_leaves_nothing_and_no_file_is_replaced_unasked(site: Path, folder: Path) -> None:
    (site / "soundtrack_middle.py").write_text(
        "from soundtrack.types import Separator\nmiddle = Separator(48_000, lambda *_: 1 / 0)\n"
    )
    before = listing(folder)
    with pytest.raises(DependencyError, match=r"separator middle of package soundtrack-middle 1\.0 failed"):
        run_commands(command(folder, "--duck-vocals"))
    assert listing(folder) == before
    sys.modules.pop("soundtrack_middle")
    (site / "soundtrack_middle.py").write_text(EXAMPLE.read_text())
    assert run_commands(command(folder, "--duck-vocals")) == ExitCode.OK
    (written,) = folder.glob("*.vocals-*")
    for name in ("new.mov", "new.cues.json"):
        (folder / name).unlink()
    held = written.read_bytes()
    with pytest.raises(OutputError, match="already exists"):
        run_commands(command(folder, "--duck-vocals"))
    assert written.read_bytes() == held and not (folder / "new.mov").exists()


def test_only_a_scored_film_can_have_lowered_vocals(site: Path, folder: Path) -> None:
    with pytest.raises(UsageError, match="--duck-vocals requires a scored film"):
        run_commands(command(folder, "--duck-vocals", "--dry-run"))


def test_without_a_separator_it_is_refused_before_any_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separators, "entry_points", lambda _group: iter(()))
    monkeypatch.setattr(separators, "find_spec", lambda _name: None)
    monkeypatch.setattr(spleeter_weights, "PACKAGE", "no-such-package")
    before = listing(folder)
    with pytest.raises(DependencyError, match="no separator of voices and music is installed"):
        run_commands(command(folder, "--duck-vocals"))
    assert listing(folder) == before


@pytest.fixture(scope="module")
def sheet(sounds: Path) -> CueSheet:
    """Of the film with the song, with all its vocals."""
    return make_job(sounds / "film.mov", [sounds / "song.wav"]).sheet


def test_only_what_sounds_under_speech_is_separated(sheet: CueSheet) -> None:
    (cue,) = sheet.cues
    ducking = duck_vocals([SPOKEN], duration_s=LENGTH_S, settings=MixSettings())
    first_s, last_s = ducking[0].time_s, ducking[-1].time_s
    section = Section(Span(100.0, 100.0 + cue.span.duration_s))
    moved = replace(sheet, cues=(replace(cue, sections=(section,)),), vocals=DuckedVocals((), ducking))
    long = tuple(replace(track, duration_s=500.0) for track in sheet.tracks)
    found = under_speech(replace(moved, tracks=long))
    (span,) = found[cue.track_id]
    later_s = 100.0 - cue.span.start_s
    assert span.start_s == pytest.approx(first_s + later_s - AROUND_S, abs=0.01)
    assert span.end_s == pytest.approx(last_s + later_s + AROUND_S, abs=0.01)


@pytest.mark.parametrize("speed", [1.0, 1.03])
def test_vocals_are_lowered_at_any_speed_and_from_any_sample(sheet: CueSheet, sounds: Path, speed: float) -> None:
    (cue,) = sheet.cues
    length_s = 16.0
    part = Span(2.0, 2.0 + length_s * speed)
    cue = replace(cue, span=Span(0.0, length_s), sections=(Section(part),), speed=speed, fade_in_s=0.0, fade_out_s=0.0)
    ducking = duck_vocals([SPOKEN], duration_s=LENGTH_S, settings=MixSettings())
    vocals = DuckedVocals((VocalStem(cue.track_id, "vocals.wav"),), ducking)
    plan = plan_mix(replace(sheet, cues=(cue,), ducking=(), vocals=vocals))
    paths = {cue.track_id: sounds / "song.wav", vocals_of(cue.track_id): sounds / "vocals.wav"}
    with Music(plan, track_paths=paths) as music:
        whole = music.block(0, plan.n_samples)
    with Music(replace(plan, vocals=(), sung=frozenset()), track_paths=paths) as music:
        plain = music.block(0, plan.n_samples).sounding
    start = 7 * RATE
    with Music(plan, track_paths=paths) as music:
        late = music.block(start, start + RATE).sounding
    np.testing.assert_allclose(late, whole.sounding[:, start : start + RATE], atol=1e-6)
    middle = whole.sounding.mean(axis=0)  # where all vocals are, and no instrument
    before = plain.mean(axis=0)

    def change_db(span: Span) -> float:
        part = slice(int(span.start_s * RATE), int(span.end_s * RATE))
        return float(10 * np.log10(np.mean(middle[part] ** 2) / np.mean(before[part] ** 2)))

    assert change_db(Span(6.2, 9.8)) == pytest.approx(-VOCALS_DEPTH_DB, abs=0.5)
    assert change_db(Span(1.0, 4.0)) == pytest.approx(0.0, abs=0.1)
    for at_s in (5.4, 10.7):  # on the way down, and on the way up
        wanted_db = float(gain_db_at(ducking, np.array([at_s]))[0])
        assert -15 < wanted_db < -2
        assert change_db(Span(at_s - 0.05, at_s + 0.05)) == pytest.approx(wanted_db, abs=2.0)
    for sound, heard in ((whole.sounding[0] - whole.sounding[1], plain[0] - plain[1]), (whole.reference, plain)):
        powers = [np.mean(part[..., 7 * RATE : 9 * RATE] ** 2) for part in (sound, heard)]
        assert powers[0] == pytest.approx(powers[1], rel=0.02), "instruments stay, levels are set by all of the music"


@pytest.mark.parametrize(
    ("vocals", "fault"),
    [
        ({"stems": [], "ducking": [{"time_s": 1.0, "gain_db": 3.0}]}, r"vocals\.ducking\[0\]\.gain_db"),
        (
            {"stems": [], "ducking": [{"time_s": 2.0, "gain_db": 0.0}, {"time_s": 1.0, "gain_db": 0.0}]},
            r"vocals\.ducking\[1\]\.time_s",
        ),
        ({"stems": [{"track_id": "a", "path": "x" * 300}], "ducking": []}, r"vocals\.stems\[0\]\.path: name too long"),
        ({"stems": [{"track_id": "a", "path": "b"}] * 2, "ducking": []}, r"vocals\.stems\[1\]: a is duplicated"),
    ],
)
def test_faults_of_the_vocals_in_a_sheet_are_named(sheet: CueSheet, vocals: dict[str, object], fault: str) -> None:
    cues = tuple(replace(cue, scenes=()) for cue in sheet.cues)
    edited = {**json.loads(cuesheet.dumps(replace(sheet, cues=cues))), "vocals": vocals}
    with pytest.raises(InputError, match=fault):
        cuesheet.check(cuesheet.loads(json.dumps(edited)))


def test_vocals_of_a_film_with_a_long_name_fit_into_a_name() -> None:
    stem = scored_stem(Path("L" * 251 + ".mp4"))
    assert len(f"{stem}.vocals-5bfa38fd.flac") <= 255
