"""Exports played: what melt makes of the MLT file, and what OpenTimelineIO reads, beside the stems of the mix."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import numpy as np
import opentimelineio as otio
import pytest
from scipy.io import wavfile

from films import RATE, ffmpeg, make_job, write_voice
from soundtrack.export import export
from soundtrack.export.frame_rate import standard_rate
from soundtrack.export.timeline import Media
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.mix.render import render_film
from soundtrack.pipeline.edit_import import import_edit
from soundtrack.types import CueSheet, FloatArray, GainPoint, Section, Span

FILM_S = 12.0
_MELT_LIMITS_S = (10.0, 10.0, 20.0, 20.0, 40.0, 60.0)
RATES = (
    "30000/1001",
    *(pytest.param(r, marks=pytest.mark.slow) for r in ("24000/1001", "25", "50", "60000/1001", "vfr")),
)
CUES = (  # start, end, sections, fades: neither cues nor sections begin on a frame
    (0.513, 5.031, ((3.377, 5.139), (7.271, 10.027)), (0.02, 1.5)),
    (4.281, 10.777, ((1.111, 7.607),), (0.75, 2.0)),
)


@pytest.fixture
def melt() -> str:
    """The player of MLT files."""
    found = shutil.which("melt")
    if found is None:
        pytest.skip("melt is not installed")
    return found


@dataclass(frozen=True)
class Scored:
    """A film, the sheet as it was mixed, and the stems."""

    folder: Path
    """Where the film and the music are."""
    sheet: CueSheet
    """With the gains of the mix."""
    music: FloatArray
    """The stem of the music, shape (2, n)."""
    original: FloatArray
    """The stem of the film's own sound."""


def make_film(path: Path, rate: str, *, sound: Path) -> Path:
    """A film at a rate, or of a variable one."""
    fps = "30" if rate == "vfr" else rate
    picture = f"testsrc2=s=64x48:r={fps}:d={FILM_S}"
    uneven = ["-vf", "select='gt(mod(n,37),0)+eq(n,0)'", "-fps_mode", "vfr"] if rate == "vfr" else []
    ffmpeg("-f", "lavfi", "-i", picture, "-i", sound, *uneven, "-c:v", "libx264", "-preset", "ultrafast",
           "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", path)  # fmt: skip
    return path


def write_music(path: Path, *, seed: int) -> Path:
    """Noise that is like nothing else, so that its place in a mix is certain."""
    noise = np.random.default_rng(seed).normal(0, 0.05, (int(14.0 * RATE), 2))
    wavfile.write(path, RATE, noise.astype(np.float32))
    return path


@pytest.fixture(scope="module", params=RATES)
def scored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """A film with a voice, two overlapping cues and ducking, mixed."""
    folder, rate = tmp_path_factory.mktemp("scored"), str(request.param)
    spans = [Span(2.0, 3.4)]
    voice = write_voice(folder / "voice.wav", seconds=FILM_S, spans=spans)
    film = make_film(folder / "film.mov", rate, sound=voice)
    tracks = [write_music(folder / f"track {i}.wav", seed=i) for i in (1, 2)]
    ducking = [GainPoint(t, g) for t, g in ((1.5, 0.0), (1.85, -9.0), (3.4, -9.0), (4.6, 0.0))]
    job = make_job(film, tracks, speech=spans, ducking=ducking)
    cues = []
    for made, (start, end, sections, fades) in zip(job.sheet.cues, CUES, strict=True):
        parts = tuple(Section(Span(a, b)) for a, b in sections)
        cues.append(replace(made, span=Span(start, end), sections=parts, fade_in_s=fades[0], fade_out_s=fades[1]))
    job = replace(job, sheet=replace(job.sheet, cues=tuple(cues)))
    report = render_film(probe(film), job.sheet, folder / "out.mkv", track_paths=job.track_paths, stems=folder)
    music, original = (read_audio(path, sample_rate_hz=RATE, channels=2) for path in report.stems)
    return Scored(folder=folder, sheet=report.sheet, music=music, original=original)


def play(melt: str, sheet: CueSheet, folder: Path) -> FloatArray:
    """What melt plays of an exported sheet."""
    return play_text(melt, export(sheet, "mlt", media=Media(film=str(folder / "film.mov"))), folder)


def play_text(melt: str, text: str, folder: Path) -> FloatArray:
    """What melt plays of a document."""
    made, out = folder / "export.mlt", folder / "played.wav"
    made.write_text(text, encoding="utf-8")
    quiet = os.environ | {"LC_ALL": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen", "SDL_VIDEODRIVER": "dummy"}
    command = [melt, str(made), "-consumer", f"avformat:{out}", "real_time=0", "vn=1"]
    command += ["acodec=pcm_f32le", f"ar={RATE}", "channels=2"]
    for limit_s in _MELT_LIMITS_S:
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=limit_s, env=quiet
            )
            if out.stat().st_size:  # it was once seen to end well and to have written nothing
                break
        except subprocess.TimeoutExpired:  # melt is seen to wait for itself at its start, on busy machines often
            if limit_s == _MELT_LIMITS_S[-1]:
                raise
    return read_audio(out, sample_rate_hz=RATE, channels=2)


def late_s(heard: FloatArray, wanted: FloatArray, *, start_s: float, end_s: float) -> float:
    """How much later than wanted a stretch is heard."""
    first, last = int(start_s * RATE), int(end_s * RATE)
    n = 1 << (2 * (last - first)).bit_length()
    parts = (np.fft.rfft(sound[:, first:last].mean(0).astype(np.float64), n) for sound in (heard, wanted))
    a, b = parts
    cross = np.fft.irfft(a * np.conj(b) / np.maximum(np.abs(a * b), 1e-12), n)
    place = int(np.argmax(np.abs(cross)))
    return (place if place < n // 2 else place - n) / RATE


def level_db(sound: FloatArray, *, start_s: float, end_s: float) -> float:
    """RMS of a stretch in dB."""
    return float(10 * np.log10(np.mean(np.square(sound[:, int(start_s * RATE) : int(end_s * RATE)], dtype=np.float64))))


def check_against_stem(heard: FloatArray, scored: Scored) -> None:
    """The music is where the mix has it within half a frame, and as loud within a tenth of a decibel."""
    half_s = 0.5 / float(standard_rate(scored.sheet.film.fps))
    for start_s, end_s in ((0.6, 2.2), (2.4, 4.2), (5.1, 8.7)):  # a section each
        off_s = late_s(heard, scored.music, start_s=start_s, end_s=end_s)
        assert abs(off_s) <= half_s + 1e-3, (start_s, off_s)
    for start_s in np.arange(0.6, 10.0, 0.5):
        levels = [level_db(sound, start_s=start_s, end_s=start_s + 0.5) for sound in (heard, scored.music)]
        assert levels[0] == pytest.approx(levels[1], abs=0.1), start_s


def test_melt_plays_the_music_of_the_mix_at_its_time_and_level(melt: str, scored: Scored) -> None:
    """Reported as: music in melt is 23.3 ms late at 30000/1001, and exports are up to 12 dB off the film."""
    alone = replace(scored.sheet, mix=replace(scored.sheet.mix, keep_original=False))
    check_against_stem(play(melt, alone, scored.folder), scored)


def test_melt_plays_the_film_s_own_sound_as_loud_as_the_mix(melt: str, scored: Scored) -> None:
    """Reported as: the voice is 9.9 dB over the music in the film and 1.5 dB in the exported MLT."""
    heard, wanted = play(melt, scored.sheet, scored.folder), scored.music + scored.original
    assert scored.sheet.mix.music_gain_db
    assert scored.sheet.mix.master_gain_db
    for start_s, end_s in ((2.1, 3.3), (0.6, 1.4), (5.1, 8.7)):  # speech, music, music
        levels = [level_db(sound, start_s=start_s, end_s=end_s) for sound in (heard, wanted)]
        assert levels[0] == pytest.approx(levels[1], abs=0.1), start_s
    alone = replace(scored.sheet, cues=())
    levels = [level_db(s, start_s=2.1, end_s=3.3) for s in (play(melt, alone, scored.folder), scored.original)]
    assert levels[0] == pytest.approx(levels[1], abs=0.1)


def from_otio(text: str, folder: Path) -> FloatArray:
    """What an OpenTimelineIO document says, laid out sample by sample."""
    timeline = otio.adapters.read_from_string(text, "otio_json")
    result = np.zeros((2, int(FILM_S * RATE)), np.float32)
    for track in timeline.audio_tracks():
        if track.name == "DX":
            continue
        for clip in track.find_clips():
            place, source = track.range_of_child(clip), clip.source_range
            path = unquote(urlsplit(clip.media_reference.target_url).path)
            sound = read_audio(folder / Path(path).name, sample_rate_hz=RATE, channels=2)
            first, at = (round(t.start_time.to_seconds() * RATE) for t in (source, place))
            part = sound[:, first : first + round(place.duration.to_seconds() * RATE)]
            keys = clip.metadata["soundtrack"]["level_keys"]
            frame = np.arange(part.shape[1]) / RATE * place.duration.rate
            gain_db = np.interp(frame, [k["frame"] for k in keys], [k["gain_db"] for k in keys])
            result[:, at : at + part.shape[1]] += part * 10 ** (gain_db / 20)
    return result


def test_opentimelineio_reads_the_music_of_the_mix_at_its_time_and_level(scored: Scored) -> None:
    media = Media(film=str(scored.folder / "film.mov"))
    check_against_stem(from_otio(export(scored.sheet, "otio", media=media), scored.folder), scored)


def edited_in_place(text: str, fps: Fraction) -> str:
    """An MLT file after an edit: the first cue's second section is gone, and the last cue swells and dips."""
    root = ElementTree.fromstring(text)  # our own text
    first, second = (next(p for p in root.iter("playlist") if p.get("id") == f"mx{lane}") for lane in "ab")
    gone = first.findall("entry")[1]
    n = int(gone.get("out", "")) - int(gone.get("in", "")) + 1
    at = list(first).index(gone)
    first.remove(gone)
    first.insert(at, ElementTree.Element("blank", length=str(n)))
    level = next(p for p in second.iter("property") if p.get("name") == "level")
    keys = {int(k): float(v) for k, v in (key.split("=") for key in str(level.text).split(";"))}
    frames, plain = list(keys), list(keys.values())
    for time_s, gain_db in ((6.5, 0.0), (7.0, -8.0), (8.0, -8.0), (8.5, 0.0)):
        frame = round(time_s * fps)
        keys[frame] = float(np.interp(frame, frames, plain)) + gain_db
    level.text = ";".join(f"{frame}={keys[frame]:.2f}" for frame in sorted(keys))
    return ElementTree.tostring(root, encoding="unicode")


def test_an_edited_mlt_file_sounds_in_melt_like_the_sheet_that_was_imported_from_it(melt: str, scored: Scored) -> None:
    cues = tuple(replace(cue, scenes=()) for cue in scored.sheet.cues)
    sheet = replace(scored.sheet, cues=cues, mix=replace(scored.sheet.mix, keep_original=False))
    text = export(sheet, "mlt", media=Media(film=str(scored.folder / "film.mov")))
    edited = edited_in_place(text, standard_rate(sheet.film.fps))
    found = import_edit(sheet, edited, name=str(scored.folder / "edited.mlt"), folder=scored.folder)
    assert [cue.locked for cue in found.sheet.cues] == [True, True]
    heard = play_text(melt, edited, scored.folder)
    imported = replace(found.sheet, mix=sheet.mix)  # the gains of the mix, which the next mix measures
    wanted = play(melt, imported, scored.folder)
    half_s = 0.5 / float(standard_rate(sheet.film.fps))
    for start_s, end_s in ((0.6, 2.2), (5.2, 6.4), (7.1, 7.9), (8.6, 9.0)):
        assert abs(late_s(heard, wanted, start_s=start_s, end_s=end_s)) <= half_s + 1e-3, start_s
    for start_s in (0.6, 1.2, 1.6, 5.2, 5.8, 7.1, 7.5, 8.6):
        levels = [level_db(sound, start_s=start_s, end_s=start_s + 0.3) for sound in (heard, wanted)]
        assert levels[0] == pytest.approx(levels[1], abs=0.15), start_s
    assert level_db(heard, start_s=7.1, end_s=7.9) < level_db(heard, start_s=5.2, end_s=6.4) - 3
