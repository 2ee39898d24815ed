"""The channels of films and tracks, built in and installed.

Adding a channel: a function from `ChannelSetup` to a channel in a module of its own, and a line here. A head that has a
block of that name reads it; until then it weighs nothing and its numbers are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast

from soundtrack.errors import DependencyError
from soundtrack.pipeline.ground.installed_channels import (
    GuardedTrackChannel,
    Installed,
    installed_channels,
    is_for_films,
    is_for_tracks,
)
from soundtrack.types import Channel, ChannelSetup, FilmChannel, Medium, PictureChannel, SoundChannel

if TYPE_CHECKING:
    from soundtrack.checkpoints.manifest import LocatedModel
    from soundtrack.emotion.video_tower import VideoTower

FilmMaker: TypeAlias = Callable[[ChannelSetup], FilmChannel | None]
"""Makes the channel of one film; None where it is not for films."""


def film_channels(
    picture: LocatedModel, *, tower: Callable[[], VideoTower], faces: bool = True
) -> tuple[FilmMaker, ...]:
    """Makers of all channels of a film.

    Parameters
    ----------
    picture : LocatedModel
        The picture network in use.
    tower : callable
        Loads it, the first time it is asked.
    faces : bool
        Whether faces are looked for.
    """
    from soundtrack.emotion.faces.cascade import found_channel
    from soundtrack.emotion.faces.channel import faces_channel
    from soundtrack.emotion.picture_network import picture_network
    from soundtrack.emotion.seen.stills import stills_channel
    from soundtrack.video.colour_temperature import colour_temperature
    from soundtrack.video.visual_features import film_channel

    return (
        lambda _: picture_network(picture, tower=tower),
        film_channel,
        colour_temperature,
        stills_channel,
        *((faces_channel, found_channel) if faces else ()),
        *(partial(_of_a_film, found) for found in installed_channels()),
    )


def make_channels(makers: Sequence[FilmMaker], setup: ChannelSetup) -> list[FilmChannel]:
    """The channels of one film.

    Raises
    ------
    DependencyError
        Two have one name, or one of another package cannot be made.
    """
    made = [channel for make in makers if (channel := make(setup)) is not None]
    require_different(channel.channel for channel in made)
    return made


def installed_track_channels(setup: Callable[[], ChannelSetup]) -> tuple[GuardedTrackChannel, ...]:
    """The channels of tracks that other packages bring.

    Parameters
    ----------
    setup : callable
        What they are made with; asked only where there are such packages.

    Raises
    ------
    DependencyError
        One cannot be made.
    """
    found = installed_channels()
    if not found:
        return ()
    given = setup()
    made = (entry.make_for_track(given) for entry in found)
    return tuple(channel for channel in made if is_for_tracks(channel))


def require_different(channels: Iterable[Channel]) -> None:
    """Refuse two channels of one name.

    Raises
    ------
    DependencyError
        There are two.
    """
    seen: set[str] = set()
    for channel in channels:
        if channel.name in seen:
            raise DependencyError(
                f"duplicate channel name {channel.name}", hint="uninstall one of the packages that provide it"
            )
        seen.add(channel.name)


def _of_a_film(found: Installed, setup: ChannelSetup) -> FilmChannel | None:
    """The channel of another package; None if it is for tracks or words."""
    made = found.make_for_film(setup)
    return made if is_for_films(made) else None


def of_picture(channels: Sequence[FilmChannel]) -> list[PictureChannel]:
    """Those that watch the picture."""
    return [cast(PictureChannel, found) for found in channels if found.channel.medium is Medium.PICTURE]


def of_sound(channels: Sequence[FilmChannel]) -> list[SoundChannel]:
    """Those that analyse the sound."""
    return [cast(SoundChannel, found) for found in channels if found.channel.medium is Medium.SOUND]
