"""Constraints of a user before they are resolved to tracks of the library."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.errors import OutputError, SoundtrackError, UsageError
from soundtrack.naming.wording import counted
from soundtrack.pipeline.library.permitted import ANY, Permit
from soundtrack.pipeline.sheets.keeping import Keep
from soundtrack.pipeline.sheets.narration import NarrationWish
from soundtrack.pipeline.sheets.sheet_files import read_cues
from soundtrack.queries.query import WordWish
from soundtrack.settings import MixSettings
from soundtrack.types import Span, Track

if TYPE_CHECKING:
    from soundtrack.spotting.merit.constraints import Constraints, MoodWish


@dataclass(frozen=True, slots=True)
class LockWish:
    """A track that must sound at a moment."""

    time_s: float
    """When, film clock, in seconds."""
    track: str
    """Which: a path, file name, title, ``artist - title``, or the first eight or more letters of an id."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tracks of a library may be used."""

    avoid: frozenset[str]
    """Ids of tracks that may not be used."""
    only: frozenset[str] | None
    """Ids of the tracks that may be used; None for all."""
    notes: tuple[str, ...]
    """What is left out, one line each."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person demands of the choice of music; times are on the film's clock.

    Examples
    --------
    >>> Wishes(locks=(LockWish(65.0, "track.mp3"),), silences=(Span(120.0, 150.0),), avoid=("Jazz",)).max_cues is None
    True
    """

    locks: tuple[LockWish, ...] = ()
    """Tracks that must sound at given moments."""
    moods: tuple[MoodWish, ...] = ()
    """Moods that overrule the picture."""
    words: tuple[WordWish, ...] = ()
    """What is asked for in words, for the whole film or a part of it."""
    silences: tuple[Span, ...] = ()
    """Where no music may sound."""
    avoid: tuple[str, ...] = ()
    """Tracks, artists, albums, genres, folders or playlist files that may not be used."""
    only: tuple[str, ...] = ()
    """Tracks, artists, albums, genres, folders or playlist files; nothing else may be used; empty for all."""
    hits: tuple[float, ...] = ()
    """Moments on which a climax of the music is to fall, in seconds."""
    avoid_recent: int = 0
    """How many films to look back in the ledger; their tracks are used only where plainly better."""
    max_cues: int | None = None
    """Maximum number of cues, 1 or more; None for any number."""
    one_track: bool = False
    """Whether all cues come from one track."""
    explore: float = 0.0
    """How far from the best fit the plan may wander, in [0, 1]."""
    no_explicit: bool = False
    """Whether tracks with explicit lyrics are left out."""
    permit: Permit = ANY
    """Licences and languages of the singing that are permitted."""
    subtitles: bool = True
    """Whether subtitles in the film or beside it count."""
    faces: bool = True
    """Whether faces are looked for."""
    face_weight: float = 0.0
    """Share of a scene's reading that clear faces have, in [0, 1]."""
    allow_spoken: bool = False
    """Whether spoken word may be used like music."""
    keep: Keep | None = None
    """An earlier sheet whose locked cues stay as they are."""
    track: Path | None = None
    """A file that is the only music there is, in the index or not; no index is needed then."""
    theme: str | None = None
    """A track of the library or a file that opens and closes the music of each film."""
    narration: NarrationWish | None = None
    """A recorded voice that is mixed into the film."""
    keep_voices: bool = False
    """Whether the voices of the film stay while the rest of its sound is replaced; needs a separator."""
    duck_vocals: bool = False
    """Whether vocals of the music are lowered further under speech than the rest of it; needs a separator."""

    def __post_init__(self) -> None:
        others = {"--only": self.only, "--avoid": self.avoid, "--lock": self.locks, "--theme": self.theme}
        refused = [name for name, asked in others.items() if self.track is not None and asked]
        if refused:
            raise UsageError(f"--track cannot be used with {refused[0]}", hint="leave out one of the two")
        if self.keep_voices and self.narration is not None:
            raise UsageError("--keep-voices cannot be used with --narration", hint="leave out one of the two")

    def mix_of(self, mix: MixSettings) -> MixSettings:
        """The mix: separated voices take the place of the film's own sound."""
        return replace(mix, keep_original=False) if self.keep_voices else mix

    def require_no_separation(self) -> None:
        """Refuse what needs a separator, whose files belong to a scored film, where no film is written.

        Raises
        ------
        UsageError
            Voices are to be kept, or vocals lowered.
        """
        if self.keep_voices:
            raise UsageError(
                "--keep-voices requires a scored film",
                hint="run `soundtrack voices FILM`, then use its file: --replace --narration FILE",
            )
        if self.duck_vocals:
            raise UsageError(
                "--duck-vocals requires a scored film", hint="use `soundtrack score`, or leave out --duck-vocals"
            )

    def absolute(self) -> Wishes:
        """The same for another process, which may run in another folder."""
        theme = None if self.theme is None else Path(self.theme).expanduser()
        return replace(
            self,
            track=None if self.track is None else self.track.absolute(),
            narration=None if self.narration is None else replace(self.narration, path=self.narration.path.absolute()),
            theme=str(theme.absolute()) if theme is not None and theme.is_file() else self.theme,
        )

    def constraints(
        self,
        tracks: Sequence[Track],
        playlists: Mapping[Path, Sequence[str]] | None = None,
        *,
        former: Mapping[str, str] | None = None,
    ) -> Constraints:
        """The same, with every name looked up among some tracks, playlists and former ids of the library.

        Kept cues are left out: which they are depends on the film.

        Raises
        ------
        UsageError
            The library has nothing of a name, or a lock's name is that of several tracks.
        InputError
            A playlist cannot be read.
        """
        from soundtrack.naming.track_names import find_one_track
        from soundtrack.pipeline.library.sung import sung_moods
        from soundtrack.pipeline.library.taste import library_taste
        from soundtrack.spotting.merit.constraints import Constraints, Lock

        choice = self.choice(tracks, playlists, former=former)
        return Constraints(
            sung=sung_moods(tracks),
            taste=library_taste(tracks, playlists or {}),
            moods=self.moods,
            silences=self.silences,
            locks=tuple(
                Lock(wish.time_s, find_one_track(wish.track, tracks=tracks, former=former).track_id)
                for wish in self.locks
            ),
            hits=self.hits,
            avoid=choice.avoid,
            only=choice.only,
            notes=choice.notes,
            max_cues=self.max_cues,
            one_track=self.one_track or self.track is not None,
            theme=None if self.theme is None else find_one_track(self.theme, tracks=tracks, former=former).track_id,
            explore=self.explore,
        )

    def choice(
        self,
        tracks: Sequence[Track],
        playlists: Mapping[Path, Sequence[str]] | None = None,
        *,
        former: Mapping[str, str] | None = None,
    ) -> Choice:
        """Which tracks may be used; parameters and errors as those of `constraints`."""
        from soundtrack.pipeline.library.sung import explicit_ids
        from soundtrack.spotting.merit.listed import find_listed

        avoid, only = (
            find_listed(names, tracks=tracks, playlists=playlists, former=former) for names in (self.avoid, self.only)
        )
        explicit = explicit_ids(tracks) if self.no_explicit else frozenset()
        barred = frozenset(t.track_id for t in tracks if not self.permit.allows(t)) if self.permit else frozenset()
        left_out = [f"{counted(len(explicit), 'track')} with explicit lyrics left out"] if explicit else []
        return Choice(
            avoid=avoid.ids | explicit | barred,
            only=only.ids if self.only else None,
            notes=(*avoid.notes, *only.notes, *left_out, *self.permit.notes(tracks)),
        )


def require_unlocked(target: Path, wishes: Wishes | None, *, force: bool) -> None:
    """Refuse to replace a cue sheet by a new plan that would lose its locked cues.

    Parameters
    ----------
    target : Path
        Where the new sheet goes.
    wishes : Wishes, optional
        Of the new plan. With ``--keep`` nothing is refused; with ``--lock`` or ``--theme`` only cues count that were
        locked later, which have alternatives, so that the same command can be run again.
    force : bool
        Whether existing files are replaced; without it, none is.

    Raises
    ------
    OutputError
        Cues of the sheet there are locked.
    """
    if not force or not target.is_file() or (wishes is not None and wishes.keep is not None):
        return
    try:
        sheet = read_cues(target)
    except SoundtrackError:
        return
    locked = [cue.cue_id for cue in sheet.cues if cue.locked]
    if wishes is not None and (wishes.locks or wishes.theme is not None):
        planned_free = {other.cue_id for other in sheet.alternatives}
        locked = [cue_id for cue_id in locked if cue_id in planned_free]
    if locked:
        name, cues = shlex.quote(str(target)), "cue" if len(locked) == 1 else "cues"
        raise OutputError(
            f"{target}: a new plan would lose its locked {cues} {', '.join(locked[:5])}",
            hint=f"use --keep {name} with another file, or first run `soundtrack cues unlock {name} --all`",
        )
