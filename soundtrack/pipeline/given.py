"""Music given as a file: one song for a film, or the theme of a series, without an index.

Goes in: the wishes, and where the library index is. Comes out: the music to plan with, which is the library, one file
analysed on the spot, or both. Nothing is written: a file that is not in the index is analysed again in each run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from soundtrack.errors import InputError, Reason
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.library.asking import AskedMusic
from soundtrack.pipeline.library.music import current_model, index_dir, open_library, read_music
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.merit.view import LibraryView
from soundtrack.types import BarTable, Channel, FloatArray, ModelRef, Track

if TYPE_CHECKING:
    from soundtrack.library.heard import Heard


class Music(LibraryView, AskedMusic, Protocol):
    """What the pipeline needs of the music: for spotting, for requests in words, and names that the library knows."""

    def playlists(self) -> Mapping[Path, Sequence[str]]:
        """The tracks that each playlist names."""

    def former_names(self) -> Mapping[str, str]:
        """Ids that tracks had before, and those that they have now."""

    def close(self) -> None:
        """Let go of the files."""


class GivenMusic:
    """One file as music to plan with, by itself or beside a library.

    Parameters
    ----------
    track_id : str
        Hash of its sound.
    path : Path
        Where it is.
    heard : Heard
        Its analysis.
    model : ModelRef
        The networks in use.
    beside : Music, optional
        The library; none by default.
    """

    def __init__(
        self, track_id: str, path: Path, heard: Heard, *, model: ModelRef, beside: Music | None = None
    ) -> None:
        self.model = model
        self.track_ids = (*(() if beside is None else beside.track_ids), track_id)
        self._own, self._heard, self._beside = heard.track(track_id, path), heard, beside

    @property
    def fingerprint(self) -> str:
        """``sha256:`` over the model and the ids of the tracks, as of a library."""
        digest = hashlib.sha256(self.model.sha256.encode())
        for track_id in self.track_ids:
            digest.update(b"\n" + track_id.encode())
        return f"sha256:{digest.hexdigest()}"

    @property
    def embeddings(self) -> FloatArray:
        """Unit vectors of the segments, those of the file last, shape (n_segments, D)."""
        own = self._heard.vectors
        return own if self._beside is None else np.concatenate([self._beside.embeddings, own])

    @property
    def rows(self) -> tuple[Sequence[str], Sequence[int]]:
        """Track id and segment index of each row of `embeddings`."""
        own = len(self._own.segments)
        ids, places = ((), ()) if self._beside is None else self._beside.rows
        return (*ids, *([self._own.track_id] * own)), (*places, *range(own))

    def tracks(self) -> dict[str, Track]:
        """All tracks by id."""
        return {**({} if self._beside is None else self._beside.tracks()), self._own.track_id: self._own}

    def bars(self, track_id: str) -> BarTable:
        """The bars of a track."""
        if track_id == self._own.track_id:
            return self._heard.bars
        if self._beside is None:
            raise KeyError(track_id)
        return self._beside.bars(track_id)

    def by_track(
        self, channels: Sequence[Channel], read: Callable[[FloatArray], FloatArray], *, at_once: int
    ) -> dict[str, FloatArray]:
        """What `read` makes of the evidence of each track that has that of all these channels, by id."""
        found = {} if self._beside is None else dict(self._beside.by_track(channels, read, at_once=at_once))
        own = {its.channel: its.features for its in self._heard.evidence}
        if all(channel in own for channel in channels):
            found[self._own.track_id] = read(np.concatenate([own[channel] for channel in channels], axis=1))
        return found

    def track_vector(self, track_id: str) -> FloatArray:
        """Unit vector of a whole track, shape (D,)."""
        if track_id == self._own.track_id:
            return self._heard.vector
        if self._beside is None:
            raise KeyError(track_id)
        return self._beside.track_vector(track_id)

    def playlists(self) -> Mapping[Path, Sequence[str]]:
        """The tracks that each playlist of the library names."""
        return {} if self._beside is None else self._beside.playlists()

    def former_names(self) -> Mapping[str, str]:
        """Ids that tracks of the library had before, and those that they have now."""
        return {} if self._beside is None else self._beside.former_names()

    def close(self) -> None:
        """Let go of the files of the library."""
        if self._beside is not None:
            self._beside.close()


def music_for(wishes: Wishes, index: Path | None, *, device: str = "auto") -> tuple[Music, Wishes]:
    """The music to plan with, and the wishes with the theme named by its id.

    Parameters
    ----------
    wishes : Wishes
        Whose `track` is the only music there is, and whose `theme` comes to the library if it is a file of its own.
    index : Path, optional
        Folder of the library index; not looked at with a track.
    device : {"auto", "cpu", "cuda"}
        Where the network runs for a file that is not in the index.

    Raises
    ------
    InputError
        The file is missing, silent, or cannot be used as music.
    LibraryError
        There is no index, it is empty or damaged, or another model made it.
    """
    if wishes.track is not None:
        return _given(wishes.track, device), wishes
    from soundtrack.library.search.library_view import require_music

    library = open_library(index, allow_spoken=wishes.allow_spoken)
    theme = None if wishes.theme is None else as_on_disk(Path(wishes.theme).expanduser())
    if theme is None or not theme.is_file():
        require_music(library, index_dir(index))
        return library, wishes  # by name, among the tracks of the library
    from soundtrack.library.identity import identify

    track_id = identify(theme).track_id
    wishes = replace(wishes, theme=track_id)
    return (library if track_id in library.track_ids else _given(theme, device, beside=library)), wishes


def settings_for(wishes: Wishes, settings: SpottingSettings) -> SpottingSettings:
    """How music is placed: a person who names the one song wants it in the film, whatever the picture is like.

    It plays on through changes of mood then, instead of stopping and starting again.
    """
    if wishes.track is None or settings.density != "normal":
        return settings
    return replace(settings, density="full", plan=settings.plan.adjusted({"through": 0.0}))


def given_track(path: Path, *, device: str = "auto") -> Track:
    """A file as a track, analysed now.

    Raises
    ------
    InputError
        The file is missing, silent, or cannot be used as music.
    """
    return next(iter(_given(path, device).tracks().values()))


def _given(path: Path, device: str, *, beside: Music | None = None) -> GivenMusic:
    """A file, analysed."""
    from soundtrack.library.heard import Warned
    from soundtrack.library.identity import identify

    path = as_on_disk(path)
    track_id = identify(path).track_id
    heard = read_music(path, device)
    if Warned.SILENT in heard.warnings:
        raise InputError(f"{path}: no audible music", hint="use another file", reason=Reason.NO_AUDIO)
    return GivenMusic(track_id, path, heard, model=current_model(), beside=beside)
