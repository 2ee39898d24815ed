"""State of a review: the cue sheet on the disk, its revision, and the steps that can be undone.

Every step rewrites the file by the safe writer of the `cues` commands. A step names the revision that it starts from;
if the sheet is at another one by now, in this program or on the disk, the step is refused and nothing is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from soundtrack.documents import cuesheet
from soundtrack.files import safe_read
from soundtrack.pipeline.sheets.sheet_files import digest, digest_of, rewrite_cues
from soundtrack.pipeline.sheets.sheet_tracks import with_files_beside
from soundtrack.types import CueSheet, EmotionState, Span

MOST_STEPS = 200
"""Steps that can be undone."""


class ConflictError(Exception):
    """The sheet has changed since the page read it."""


@dataclass(frozen=True, slots=True)
class MoodWords:
    """A mood in words for a time span, for the next plan."""

    span: Span
    """Film clock."""
    text: str
    """Such as ``tense`` or ``hopeful, no drums``."""
    emotion: EmotionState | None = None
    """The mood that a single word names; None for a request in words."""


@dataclass(frozen=True, slots=True)
class Step:
    """Cue sheet, and the requests for the next plan, which a sheet holds once that plan is made."""

    sheet: CueSheet
    """As on the disk."""
    moods: tuple[MoodWords, ...] = ()
    """Moods of scenes."""
    hits: tuple[float, ...] = ()
    """Hit points, film clock, in seconds."""
    vocals: bool = False
    """Whether music with vocals is allowed under speech without a penalty."""


def first_step(sheet: CueSheet) -> Step:
    """The state of a sheet that is opened: what its scenes, hit points and vocals were asked for is asked again."""
    held = sheet.conditions
    if held is None:
        return Step(sheet)
    spans = {scene.span for scene in sheet.scenes}
    moods = tuple(MoodWords(m.span, m.text, m.emotion) for m in held.moods if m.span in spans and m.span is not None)
    return Step(sheet, moods=moods, hits=held.hits_s, vocals=held.allow_vocals)


class Session:
    """A cue sheet that is being reviewed.

    Parameters
    ----------
    path : Path
        The sheet, from `soundtrack.pipeline.sheets.sheet_files.editable`.
    film : Path, optional
        Its film, beside which a narration, voices and vocals may be, as beside the sheet.

    Raises
    ------
    InputError
        It cannot be read.
    """

    def __init__(self, path: Path, film: Path | None = None) -> None:
        self.path = path
        self._near = [path] if film is None else [path, film]
        self._lock = threading.RLock()
        self._undo: list[Step] = []
        self._redo: list[Step] = []
        self._revision, sheet = self._read()
        self._step = first_step(sheet)

    @property
    def step(self) -> Step:
        """The present state."""
        return self._step

    @property
    def revision(self) -> str:
        """SHA-256 of the file as last read or written, followed by the number of the step."""
        return self._revision

    @property
    def saved(self) -> tuple[CueSheet, str]:
        """The sheet, and the SHA-256 of its file as last read or written."""
        with self._lock:
            return self._step.sheet, self._revision.partition(".")[0]

    @property
    def n_undo(self) -> int:
        """Steps that can be undone."""
        return len(self._undo)

    @property
    def n_redo(self) -> int:
        """Steps that can be redone."""
        return len(self._redo)

    def change(self, revision: str, how: Callable[[Step], Step]) -> None:
        """Do one step.

        Parameters
        ----------
        revision : str
            The revision that the step starts from.
        how : callable
            From the present state to the next one.

        Raises
        ------
        ConflictError
            The sheet is at another revision by now.
        SoundtrackError
            As `how`, or the sheet cannot be written.
        """
        with self._lock:
            self._require(revision)
            after = how(self._step)
            if after == self._step:
                return
            self._write(after)
            self._undo = [*self._undo, self._step][-MOST_STEPS:]
            self._redo = []
            self._step = after

    def undo(self, revision: str) -> None:
        """Go one step back, if there is one; raises as `change`."""
        self._travel(revision, self._undo, self._redo)

    def redo(self, revision: str) -> None:
        """Go one step forward again, if there is one; raises as `change`."""
        self._travel(revision, self._redo, self._undo)

    def note_levels(self, before: CueSheet, after: CueSheet) -> None:
        """Take over the gains that rendering decided, unless the sheet has changed meanwhile; not a step.

        Parameters
        ----------
        before : CueSheet
            The sheet that was rendered.
        after : CueSheet
            The same with its gains.
        """
        with self._lock:
            if self._step.sheet == before and self._on_disk() == self._revision.partition(".")[0]:
                self._step = replace(self._step, sheet=after)
                self._write(self._step)

    def _travel(self, revision: str, source: list[Step], target: list[Step]) -> None:
        with self._lock:
            self._require(revision)
            if not source:
                return
            self._write(source[-1])
            target.append(self._step)
            self._step = source.pop()

    def _require(self, revision: str) -> None:
        """Refuse a step from another revision; a file that another program changed is read again first."""
        if self._on_disk() != self._revision.partition(".")[0]:
            self._revision, sheet = self._read()
            self._step, self._undo, self._redo = replace(self._step, sheet=sheet), [], []
            raise ConflictError(f"{self.path.name} was changed by another program; the page shows it as it is now")
        if revision != self._revision:
            raise ConflictError("the cue sheet was changed in another window; the page shows it as it is now")

    def _on_disk(self) -> str:
        """Digest of the file; empty if it is gone."""
        return digest_of(self.path) if self.path.is_file() else ""

    def _read(self) -> tuple[str, CueSheet]:
        text = safe_read.read_text(self.path, most_bytes=safe_read.DOCUMENT_BYTES)
        sheet = cuesheet.loads(text, name=str(self.path))
        cuesheet.check(sheet, name=str(self.path))
        return f"{digest(text)}.0", with_files_beside(sheet, self._near)

    def _write(self, step: Step) -> None:
        text = cuesheet.dumps(step.sheet)
        before, _, number = self._revision.partition(".")
        if digest(text) != before:
            rewrite_cues(self.path, text, before=before)
        self._revision = f"{digest(text)}.{int(number) + 1}"
