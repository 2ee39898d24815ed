"""Sound of a review: blocks of the mixed music, waveforms, gains and bar lines of the sheets that a page plays.

What is heard is what `render` mixes: the blocks come from the same reader of pieces, fades, seams and ducking, and the
gains from the same first pass. A page names a sheet by its key, the start of a SHA-256.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Generator, Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from soundtrack.errors import SoundtrackError, UsageError
from soundtrack.export.markers import TrackMarks, heard_at
from soundtrack.media.reading.jumped import iter_jumped
from soundtrack.mix.bed import Music
from soundtrack.mix.plan import MixPlan, active_cues, plan_mix
from soundtrack.pipeline.rendering import other_film_lines
from soundtrack.pipeline.sheets.exports import track_marks
from soundtrack.pipeline.sheets.narration import narration_path
from soundtrack.pipeline.sheets.sheet_tracks import replaced_lines, track_paths_of
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import seconds
from soundtrack.types import CueSheet, FloatArray, GainPoint, VideoInfo

BLOCK_S = 4
"""Length of a block of music, in seconds."""
WAVE_POINTS = 400
"""Values of a waveform."""
_BLOCK = BLOCK_S * MIX_RATE_HZ
_DECODERS = 2  # blocks made at the same time: each keeps a process
_MOST_SHEETS = 64
_MOST_BLOCKS = 16  # the page holds more
_MOST_WAVES = 2048
_WAVE_STEP_S = 8


class SupersededError(Exception):
    """Another sheet was saved while this one was measured; its gains are no longer needed."""


@dataclass(frozen=True, slots=True)
class Played:
    """A sheet that a page can play."""

    sheet: CueSheet
    plan: MixPlan
    track_paths: Mapping[str, Path]


class Sounds:
    """Sheets by key, and their sound.

    Parameters
    ----------
    film : VideoInfo
        The film of all of them.
    index : Path, optional
        Folder of the library index.
    """

    def __init__(self, film: VideoInfo, *, index: Path | None) -> None:
        self._film, self._index = film, index
        self._lock = threading.RLock()
        self._measuring = threading.Lock()
        self._decoding = threading.BoundedSemaphore(_DECODERS)
        self._sheets: OrderedDict[str, Played] = OrderedDict()
        self._saved = ""
        self._blocks: OrderedDict[Hashable, bytes] = OrderedDict()
        self._gains: dict[str, dict[str, float]] = {}
        self._waves: dict[Hashable, FloatArray] = {}
        self._marks: dict[str, TrackMarks] = {}
        self._looking = threading.Lock()
        self._replaced: dict[str, tuple[str, ...]] = {}
        self._others: tuple[str, ...] | None = None

    def add(self, sheet: CueSheet, saved_as: str = "") -> str:
        """The key by which a page names a sheet.

        Parameters
        ----------
        sheet : CueSheet
        saved_as : str
            SHA-256 of its document if it is the sheet on the disk, which is held however many others are tried.

        Raises
        ------
        InputError
            A track is missing.
        """
        # To write the document of 300 cues would take a tenth of a second.
        heard = repr((sheet.cues, sheet.tracks, sheet.ducking, sheet.vocals, sheet.mix))
        key = (saved_as or hashlib.sha256(heard.encode("utf-8")).hexdigest())[:24]
        with self._lock:
            if key not in self._sheets:
                self._sheets[key] = Played(sheet, plan_mix(sheet), track_paths_of(sheet, self._index))
            self._sheets.move_to_end(key)
            if saved_as:
                self._saved = key
            others = [known for known in self._sheets if known not in (key, self._saved)]
            for oldest in others[: max(0, len(self._sheets) - _MOST_SHEETS)]:
                del self._sheets[oldest]
        return key

    def warm(self) -> None:
        """Start the processes that decode, for the first choice of music."""

        def start(path: Path) -> None:
            with self._decoding, contextlib.suppress(SoundtrackError):
                next(_decoded(path, 0, 1), None)

        paths = [*self._sheets[self._saved].track_paths.values()] if self._saved else []
        for path in (paths * _DECODERS)[:_DECODERS]:
            threading.Thread(target=start, args=(path,), daemon=True).start()

    def block(self, key: str, number: int) -> bytes:
        """A block of music before the constant gains: float32, little-endian, all left samples, then all right ones.

        Raises
        ------
        UsageError
            The key is unknown, or the film has no such block.
        InputError
            A track cannot be read.
        """
        played = self._played(key)
        name = self._name(played.plan, number)
        with self._lock:
            known = self._blocks.get(name)
            if known is not None:
                self._blocks.move_to_end(name)
                return known
        start, stop = name[0], min(name[0] + _BLOCK, played.plan.n_samples)
        part = _part(played.plan, start, stop)
        with self._decoding, Music(part, track_paths=played.track_paths, decode=_decoded) as music:
            made = music.block(start, stop).sounding.astype("<f4").tobytes()
        with self._lock:
            self._blocks[name] = made
            while len(self._blocks) > _MOST_BLOCKS:
                self._blocks.popitem(last=False)
        return made

    def _name(self, plan: MixPlan, number: int) -> tuple[int, Hashable, Hashable]:
        """All that a block depends on: sheets that sound the same there share it."""
        start, stop = number * _BLOCK, min((number + 1) * _BLOCK, plan.n_samples)
        if not 0 <= start < stop:
            raise UsageError(f"no block {number}", hint="reload the page")
        part = _part(plan, start, stop)
        return start, part.cues, (part.ducking, part.vocals, part.sung)

    def wave(self, key: str, cue_id: str) -> list[float]:
        """The highest samples of a cue in `WAVE_POINTS` equal parts, in [0, 1]; raises as `block`."""
        played = self._played(key)
        cue = next((c for c in played.plan.cues if c.cue_id == cue_id), None)
        if cue is None:
            raise UsageError(f"unknown cue {cue_id}", hint="reload the page")
        alone = replace(_part(played.plan, cue.film_start, cue.film_end), cues=(cue,))
        name = (cue, (alone.ducking, alone.vocals, alone.sung))
        if name not in self._waves:
            while len(self._waves) >= _MOST_WAVES:
                self._waves.pop(next(iter(self._waves)), None)
            edges = np.linspace(cue.film_start, cue.film_end, WAVE_POINTS + 1).astype(int)
            peaks = np.zeros(WAVE_POINTS)
            step = _WAVE_STEP_S * MIX_RATE_HZ
            with Music(alone, track_paths=played.track_paths) as music:
                for at in range(cue.film_start, cue.film_end, step):
                    sound = np.abs(music.block(at, min(at + step, cue.film_end)).sounding).max(axis=0)
                    places = np.searchsorted(edges, np.arange(at, at + len(sound)), side="right") - 1
                    np.maximum.at(peaks, np.clip(places, 0, WAVE_POINTS - 1), sound)
            self._waves[name] = np.minimum(peaks, 1.0).astype(np.float32)
        return [round(float(p), 3) for p in self._waves[name]]

    def gains(self, key: str) -> dict[str, float]:
        """Constant gains of the mix in dB: those of the sheet, else those of the first pass of `render`.

        Measuring takes as long as the film's sound takes to decode; it ends early when another sheet is saved.

        Raises
        ------
        UsageError, InputError
            As `block`, or the film cannot be read.
        SupersededError
            Another sheet was saved meanwhile.
        """
        from soundtrack.mix.render import first_gains

        def progress(_stage: str, _done: int, _total: int) -> None:
            if self._saved not in ("", key):
                raise SupersededError

        played = self._played(key)
        with self._measuring:
            if key not in self._gains:
                sheet = played.sheet
                if sheet.mix.music_gain_db is None or sheet.mix.master_gain_db is None:
                    progress("", 0, 0)
                    sheet = first_gains(
                        self._film,
                        sheet,
                        track_paths=played.track_paths,
                        narration_path=narration_path(sheet),
                        progress=progress,
                    )
                while len(self._gains) >= _MOST_SHEETS:
                    self._gains.pop(next(iter(self._gains)))
                self._gains[key] = {
                    "music_gain_db": float(sheet.mix.music_gain_db or 0.0),
                    "master_gain_db": float(sheet.mix.master_gain_db or 0.0),
                }
            return self._gains[key]

    def replaced(self, key: str) -> list[str]:
        """What is said of a film and tracks whose files are not those of the sheet; each is read once.

        Raises
        ------
        UsageError
            As `block`.
        """
        played = self._played(key)
        with self._looking:
            if self._others is None:
                self._others = other_film_lines(self._film.path, played.sheet)
            for track_id, path in played.track_paths.items():
                if track_id not in self._replaced:
                    self._replaced[track_id] = replaced_lines(played.sheet, {track_id: path}, self._index)
            lines = [line for track_id in played.track_paths for line in self._replaced[track_id]]
            return [*self._others, *lines]

    def bars(self, key: str, cue_id: str) -> list[float]:
        """Bar lines of a cue's music, film clock, in seconds; raises as `block`."""
        sheet = self._played(key).sheet
        cue = next((c for c in sheet.cues if c.cue_id == cue_id), None)
        if cue is None:
            raise UsageError(f"unknown cue {cue_id}", hint="reload the page")
        if cue.track_id not in self._marks:
            path = self._played(key).track_paths[cue.track_id]
            marks, _ = track_marks({cue.track_id: path}, self._index)
            self._marks[cue.track_id] = marks.get(cue.track_id, TrackMarks())
        return [round(t, 6) for t in heard_at(cue, self._marks[cue.track_id].bars_s)]

    def _played(self, key: str) -> Played:
        with self._lock:
            played = self._sheets.get(key)
        if played is None:
            raise UsageError("this version of the cue sheet is no longer held", hint="reload the page")
        return played


def _decoded(path: Path, first: int, last: int) -> Generator[FloatArray]:
    """A stretch of a track, a block of the page at a time: to start a decoder program costs more than a block."""
    return iter_jumped(path, sample_rate_hz=MIX_RATE_HZ, start=first, stop=last, block=_BLOCK)


def _part(plan: MixPlan, start: int, stop: int) -> MixPlan:
    """All of a plan that sounds between two samples: the same for all sheets that sound the same there."""
    low_s, high_s = (seconds(n, sample_rate_hz=MIX_RATE_HZ) for n in (start, stop))

    def within(corners: tuple[GainPoint, ...]) -> tuple[GainPoint, ...]:
        first = max((i for i, corner in enumerate(corners) if corner.time_s <= low_s), default=0)
        last = next((i for i, corner in enumerate(corners) if corner.time_s >= high_s), len(corners))
        return corners[first : last + 1]

    cues = tuple(active_cues(plan.cues, start=start, stop=stop))
    sung = plan.sung & {cue.track_id for cue in cues}
    return replace(
        plan, cues=cues, ducking=within(plan.ducking), vocals=within(plan.vocals) if sung else (), sung=sung, speech=()
    )
