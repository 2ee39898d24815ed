"""Vocals of the music that are lowered under speech: taken out of the chosen tracks by an installed separator.

Goes in: a cue sheet, and where its tracks are. Comes out: the sheet with an envelope for the vocals, and a FLAC file of
the vocals of each track that sings under speech, on the clock of the track. Only what sounds under speech is separated,
and the sheet can be rendered without a separator. Whether a track sings is the separator's word: the detector of voices
that indexes music misses much singing.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from soundtrack.errors import DependencyError
from soundtrack.export.clips import shown_name
from soundtrack.files.kinds import STEM
from soundtrack.files.safe_write import Together, naming_a_full_disk, scratch_folder
from soundtrack.files.targets import OUT, Target
from soundtrack.pipeline.film.voices import separated
from soundtrack.pipeline.ground.separators import NamedSeparator, find_separator
from soundtrack.pipeline.sheets.sheet_tracks import track_paths_of
from soundtrack.pipeline.sheets.swap import mix_of
from soundtrack.pipeline.sheets.targets import guard, vocals_path
from soundtrack.processes import ending
from soundtrack.progress import Progress
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import samples
from soundtrack.types import CueSheet, DuckedVocals, FloatArray, Span, VocalStem

AROUND_S = 2.0
"""Music before and after what is needed that the separator is given as well."""
MOST_BELOW_DB = 15.0
"""Vocals that are further below the music are none: instruments of which the separator was not sure."""
_BLOCK_S = 10.0
_SLACK_S = 1e-3
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class LoweredVocals:
    """A sheet whose vocals are lowered, and where the files are until they have their names."""

    sheet: CueSheet
    """With the names that the files will have."""
    paths: Mapping[str, Path]
    """Where the vocals can be read, by `soundtrack.mix.plan.vocals_of`."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files by the names that they will have."""
        return () if self.sheet.vocals is None else tuple(Path(stem.path) for stem in self.sheet.vocals.stems)


@contextlib.contextmanager
def vocals_lowered(
    sheet: CueSheet,
    track_paths: Mapping[str, Path],
    *,
    beside: Path,
    separator: NamedSeparator,
    index: Path | None = None,
    force: bool = False,
    former: CueSheet | None = None,
    option: str = OUT,
    progress: Progress,
) -> Iterator[LoweredVocals]:
    """The sheet with lowered vocals; their files take their names when the block ends well, and are gone otherwise.

    Parameters
    ----------
    sheet : CueSheet
        With its speech.
    track_paths : mapping of str to Path
        Where the tracks are, by track id.
    beside : Path
        The cue sheet that will name the files.
    separator : NamedSeparator
        What takes them out.
    index : Path, optional
        Folder of the library, whose files are never replaced.
    force : bool
        Whether existing files of the same names may be replaced.
    former : CueSheet, optional
        An earlier sheet whose files stay, and are used again where they hold all vocals that are needed; new files get
        names that are free.
    option : str
        The option that names the scored film or its folder, for hints.

    Raises
    ------
    DependencyError
        The separator fails.
    OutputError
        A file exists or cannot be written.
    """
    from soundtrack.mix.ducking import duck_vocals
    from soundtrack.mix.plan import vocals_of

    speech = sheet.speech if sheet.mix.keep_original or sheet.narration is not None else ()
    ducking = duck_vocals(speech, duration_s=sheet.film.duration_s, settings=mix_of(sheet))
    needed = under_speech(replace(sheet, vocals=DuckedVocals((), ducking)))
    held = {} if former is None else _held(former, needed)
    needed = {track_id: spans for track_id, spans in needed.items() if track_id not in held}
    targets = {track_id: vocals_path(beside, track_id).absolute() for track_id in needed}
    if former is not None:
        targets = {track_id: _free(path) for track_id, path in targets.items()}
    files_of_vocals = [Target(path, STEM, option=option) for path in targets.values()]
    guard(files_of_vocals, inputs=track_paths.values(), index=index, force=force)
    with Together() as files:
        parts: dict[str, Path] = {}
        for i, (track_id, spans) in enumerate(needed.items()):
            progress("separating", i, len(needed))
            part = files.part(targets[track_id], kind=STEM, force=force)
            with naming_a_full_disk(targets[track_id]):
                below_db = _write(track_paths[track_id], part, spans, separator)
            if below_db > MOST_BELOW_DB:
                files.drop(part)
            else:
                parts[track_id] = part
            progress("separating", i + 1, len(needed))
        stems = (*held.values(), *(VocalStem(track_id, str(targets[track_id])) for track_id in parts))
        yield LoweredVocals(
            replace(sheet, vocals=DuckedVocals(stems, ducking) if stems else None),
            {vocals_of(track_id): part for track_id, part in parts.items()},
        )


def lowers_vocals(sheet: CueSheet) -> bool:
    """Whether a sheet was made with ``--duck-vocals``."""
    return sheet.vocals is not None or (sheet.conditions is not None and sheet.conditions.duck_vocals)


@contextlib.contextmanager
def swapped_vocals(
    sheet: CueSheet, former: CueSheet | None, *, beside: Path | None, index: Path | None, progress: Progress
) -> Iterator[CueSheet]:
    """The sheet after swaps, with the vocals of its new music lowered if those of the sheet before are.

    Without a separator they stay, and a warning of the sheet says so.

    Parameters
    ----------
    sheet : CueSheet
        With other music than `former`, perhaps.
    former : CueSheet, optional
        The sheet before the swaps; its files stay.
    beside : Path, optional
        The cue sheet that will name the new files; without one, or where the block fails, they are gone at its end.
    index : Path, optional
        Folder of the library index.

    Raises
    ------
    DependencyError
        The separator fails.
    OutputError
        A file cannot be written.
    """
    before = frozenset[str]() if former is None else frozenset(cue.track_id for cue in former.cues)
    new = [track for track in sheet.tracks if track.track_id in {c.track_id for c in sheet.cues} - before]
    if former is None or not new or not lowers_vocals(former):
        yield sheet
        return
    try:
        separator = find_separator()
    except DependencyError:
        names = ", ".join(shown_name(track) for track in new)
        line = f"vocals of {names} are not lowered under speech: no separator of voices and music is installed"
        yield replace(sheet, warnings=(*sheet.warnings, line))
        return
    with contextlib.ExitStack() as on_exit:
        place = beside or on_exit.enter_context(scratch_folder()) / "swapped.cues.json"
        tracks = track_paths_of(replace(sheet, vocals=None), index)
        ready = vocals_lowered(
            sheet, tracks, beside=place, separator=separator, index=index, former=former, progress=progress
        )
        with ready as lowered:
            pass  # they have their names now
        old = () if former.vocals is None else former.vocals.stems
        for path in set(lowered.files) - {Path(stem.path) for stem in old}:
            on_exit.enter_context(_unless_finished(path))
        yield lowered.sheet


@contextlib.contextmanager
def _unless_finished(path: Path) -> Iterator[None]:
    """Remove a file if the block fails or the process ends in it."""
    try:
        with ending.unfinished(path):
            yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _held(former: CueSheet, needed: Mapping[str, Sequence[Span]]) -> dict[str, VocalStem]:
    """The files of an earlier sheet that hold the vocals of all these spans, by track id."""
    if former.vocals is None:
        return {}
    there = under_speech(former)
    return {
        stem.track_id: stem
        for stem in former.vocals.stems
        if stem.track_id in needed
        and Path(stem.path).is_file()
        and all(
            any(own.start_s <= span.start_s + _SLACK_S and span.end_s <= own.end_s + _SLACK_S for own in found)
            for found in [there.get(stem.track_id, [])]
            for span in needed[stem.track_id]
        )
    }


def _free(path: Path) -> Path:
    """The path, or the next one with a number that no file has."""
    numbered = (path.with_name(f"{path.stem}-{n}{path.suffix}") for n in itertools.count(2))
    return next(free for free in itertools.chain([path], numbered) if not os.path.lexists(free))


def under_speech(sheet: CueSheet) -> dict[str, list[Span]]:
    """What sounds while the envelope of the vocals is down, on the clocks of the tracks.

    Parameters
    ----------
    sheet : CueSheet
        With the envelope in `vocals`.

    Returns
    -------
    dict of str to list of Span
        By track id, in the order of the cues; spans ascend and are apart.
    """
    from soundtrack.mix.ducking import moving
    from soundtrack.mix.plan import plan_mix

    plan = plan_mix(sheet)
    found: dict[str, list[Span]] = {}
    for cue in plan.cues:
        for piece in cue.pieces:
            for first, last in moving(plan.vocals, start=piece.film_start, stop=piece.film_end):
                start_s, stop_s = (
                    (piece.track_start + (at - piece.film_start) * piece.speed) / MIX_RATE_HZ for at in (first, last)
                )
                found.setdefault(cue.track_id, []).append(Span(max(0.0, start_s - AROUND_S), stop_s + AROUND_S))
    return {track_id: _joined(spans) for track_id, spans in found.items()}


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans in order, those that meet as one."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start_s <= result[-1].end_s:
            result[-1] = Span(result[-1].start_s, max(result[-1].end_s, span.end_s))
        else:
            result.append(span)
    return result


def _write(track: Path, part: Path, spans: Sequence[Span], separator: NamedSeparator) -> float:
    """The vocals of some spans of a track to a file on its clock, with silence in between.

    Returns
    -------
    float
        How far the vocals are below the track in these spans, in dB.
    """
    from soundtrack.media.process import writing_pipe
    from soundtrack.media.reading.sound import iter_stereo_apart
    from soundtrack.mix.stems import flac_args

    rate, at, energy = separator.sample_rate_hz, 0, {"all": 0.0, "vocals": 0.0}

    def counted(blocks: Iterable[FloatArray], name: str) -> Generator[FloatArray]:
        for block in blocks:
            energy[name] += float(np.square(block, dtype=np.float64).sum())
            yield block

    arguments = flac_args(part, channels=2, sample_rate_hz=rate)
    with writing_pipe(arguments, task=f"writing the vocals of {track}") as pipe:
        for span in spans:
            first, last = (samples(s, sample_rate_hz=rate) for s in (span.start_s, span.end_s))
            while at < first:
                silent = np.zeros((min(first - at, samples(_BLOCK_S, sample_rate_hz=rate)), 2), np.float32)
                pipe.write(silent)
                at += len(silent)
            sound = iter_stereo_apart(track, sample_rate_hz=rate, block_s=_BLOCK_S, start=first, stop=last)
            with contextlib.closing(sound) as blocks:
                for vocals in counted(separated(counted(blocks, "all"), separator), "vocals"):
                    pipe.write(np.ascontiguousarray(vocals.T))
                    at += vocals.shape[1]
    return 10 * math.log10(max(energy["all"], _LEAST) / max(energy["vocals"], _LEAST))
