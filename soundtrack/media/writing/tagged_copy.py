"""Copy of a music file with further tags and unchanged sound."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from soundtrack.errors import OutputError
from soundtrack.files.kinds import Kind
from soundtrack.files.safe_write import replacing
from soundtrack.media.process import file_arg, input_args, run_ffmpeg
from soundtrack.media.reading.packets import sound_hash
from soundtrack.media.reading.stored_tags import appended_tags, has_appended_tags, stored_tags

MUXERS: dict[str, tuple[str, ...]] = {
    "mp3": ("-id3v2_version", "4", "-write_xing", "0", "-f", "mp3"),
    "flac": ("-f", "flac"),
    "ogg": ("-f", "ogg"),
    "opus": ("-f", "ogg"),
}
"""Formats that can be tagged without loss, by extension; ffmpeg refuses covers in Ogg."""
_OGG = frozenset({"ogg", "opus"})
_FRAMES = {"mp3": {"MOOD": "TMOO"}}
"""Names of tags in a format, where they differ."""
_GENERAL = {"year": "date", "album artist": "album_artist"}
_MOST_CHARACTERS = 10_000
"""Of one tag as an argument of ffmpeg; longer ones, such as pictures, are left out."""


def copy_of(source: Path) -> Kind:
    """What a tagged copy of a file is: a file with the same sound, whatever its tags."""
    return Kind(
        f"a copy of {source.name}", lambda path: (found := sound_hash(path)) is not None and found == sound_hash(source)
    )


def write_tagged_copy(source: Path, target: Path, tags: Mapping[str, str], *, force: bool = False) -> None:
    """Write a copy of a file with some tags added or replaced.

    Parameters
    ----------
    source : Path
        A file with an extension of `MUXERS`; opened read-only.
    target : Path
        The copy; checked before its name is given to it.
    tags : mapping of str to str
        Tags by their general names, such as ``MOOD``.
    force : bool
        Whether an existing copy of this file may be replaced.

    Raises
    ------
    OutputError
        The copy exists, cannot be written, or its sound differs from that of the original.
    FfmpegError
        The file cannot be copied.
    """
    ending = source.suffix.lower().lstrip(".")
    named = _FRAMES.get(ending, {})
    where = "-metadata:s:a:0" if ending in _OGG else "-metadata"  # Ogg has tags by stream
    written = {**_lost_tags(source), **tags}
    words = [word for name, value in written.items() for word in (where, f"{named.get(name, name)}={value}")]
    with replacing(target, kind=copy_of(source), force=force) as part:
        args = [*input_args(source), "-map", "0", "-c", "copy", *words, *MUXERS[ending], "-y", file_arg(part)]
        run_ffmpeg(args, task=f"tagging a copy of {source}")
        if sound_hash(part) != sound_hash(source):
            raise OutputError(f"{target}: the sound of the copy differs from the original", hint="leave out this file")


def _lost_tags(source: Path) -> dict[str, str]:
    """APEv2 tags of a file by FFmpeg's general names, without those that it also has in a form that FFmpeg copies."""
    if not has_appended_tags(source):
        return {}
    found = {_GENERAL.get(name, name): value for name, value in appended_tags(source).items()}
    copied = stored_tags(source)
    return {name: value for name, value in found.items() if name not in copied and len(value) <= _MOST_CHARACTERS}
