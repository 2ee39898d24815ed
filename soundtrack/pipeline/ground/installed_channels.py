"""Channels of other packages, by their entry point ``soundtrack.channels``.

Goes in: the distributions that are installed. Comes out: makers of channels. Code is taken from installed
distributions only, never from the working folder: a folder of films from a stranger must not supply any. A channel that
fails ends the run with its own name and that of its package.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import ParamSpec, TypeVar, cast

from soundtrack.errors import DependencyError
from soundtrack.processes.plugins import FAULTS, entry_points
from soundtrack.types import (
    AnyChannel,
    Channel,
    ChannelMaker,
    ChannelSetup,
    Clip,
    Evidence,
    FloatArray,
    Medium,
    Span,
    TrackChannel,
)

GROUP = "soundtrack.channels"
"""Of the entry points."""
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point of another package."""

    name: str
    """Of the entry point."""
    package: str
    """Name and version of the distribution."""
    entry: metadata.EntryPoint
    """Where its code is."""

    def make(self, setup: ChannelSetup) -> AnyChannel:
        """The channel.

        Raises
        ------
        DependencyError
            It cannot be made.
        """
        made = self._guarded(lambda: cast(ChannelMaker, self.entry.load())(setup))()
        channel = made.channel
        if not isinstance(channel, Channel):
            raise self._failed(f"`channel` is {type(channel).__name__}, expected soundtrack.types.Channel")
        return made

    def make_for_film(self, setup: ChannelSetup) -> GuardedFilmChannel:
        """The channel of a film, its faults named."""
        return GuardedFilmChannel(self.make(setup), self._guarded)

    def make_for_track(self, setup: ChannelSetup) -> GuardedTrackChannel:
        """The channel of tracks, its faults named."""
        return GuardedTrackChannel(self.make(setup), self._guarded)

    def _guarded(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, its faults named."""

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except FAULTS as error:
                raise self._failed(f"{type(error).__name__}: {error}") from error

        return guarded

    def _failed(self, cause: str) -> DependencyError:
        return DependencyError(
            f"channel {self.name} of package {self.package} failed: {cause}",
            hint=f"update or uninstall the package {self.package.split()[0]}",
        )


class GuardedFilmChannel:
    """A film's channel of another package."""

    def __init__(self, made: AnyChannel, guarded: Callable[[Callable[..., object]], Callable[..., object]]) -> None:
        self.channel = made.channel
        self._push = guarded(getattr(made, "push", _no_film))
        self._finish = guarded(getattr(made, "finish", _no_film))

    def push(self, shown: Sequence[Clip] | FloatArray) -> None:
        """The next clips or samples."""
        self._push(shown)

    def finish(self) -> Evidence:
        """Everything found."""
        return cast(Evidence, self._finish())


class GuardedTrackChannel:
    """A channel of tracks of another package."""

    def __init__(self, made: AnyChannel, guarded: Callable[[Callable[..., object]], Callable[..., object]]) -> None:
        self.channel = made.channel
        self._made = made
        self._checked = guarded(self._read)

    def read(self, sound: FloatArray, spans: Sequence[Span]) -> Evidence:
        """One row for each of some spans of a track."""
        return cast(Evidence, self._checked(sound, spans))

    def _read(self, sound: FloatArray, spans: Sequence[Span]) -> Evidence:
        """The channel's answer, if it is one."""
        if not hasattr(self._made, "read"):
            raise TypeError("method `read`, required for music, is missing")
        found = cast(TrackChannel, self._made).read(sound, spans)
        if not isinstance(found, Evidence):
            raise TypeError(f"`read` returned {type(found).__name__}, expected soundtrack.types.Evidence")
        if found.features.shape != (len(spans), self.channel.dim):
            raise ValueError(
                f"`read` must return {(len(spans), self.channel.dim)} numbers for {len(spans)} spans, "
                f"got {found.features.shape}"
            )
        return found


def _no_film(*_: object) -> None:
    raise TypeError("methods `push` and `finish`, required for films, are missing")


def installed_channels() -> tuple[Installed, ...]:
    """The entry points of all installed distributions, sorted by name; of two of one name the first on the path."""
    found: dict[str, Installed] = {}
    for entry, package in entry_points(GROUP):
        found.setdefault(entry.name, Installed(entry.name, package, entry))
    return tuple(found[name] for name in sorted(found))


def is_for_tracks(made: AnyChannel) -> bool:
    """Whether a channel analyses the tracks of the library."""
    return made.channel.medium is Medium.TRACK


def is_for_films(made: AnyChannel) -> bool:
    """Whether a channel reads the picture or the sound of a film."""
    return made.channel.medium in (Medium.PICTURE, Medium.SOUND)
