"""Stills of scenes and sound of cues, small enough to embed in a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from soundtrack.errors import SoundtrackError
from soundtrack.pipeline.sheets.sheet_tracks import present_paths
from soundtrack.progress import Progress, no_progress
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import CueSheet

MOST_STILLS = 80
"""A film of more scenes shows every second, third, ... of them."""
SOUND_BYTES = 6_000_000
"""All sounds of a page together, before they are written as text."""
LONGEST_S, SHORTEST_S = 30.0, 4.0
"""How much of a cue is heard: less where there are many cues."""
_KBPS = 56


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page can show and play."""

    stills: dict[int, bytes] = field(repr=False)
    """JPEG files by index of the scene."""
    sounds: dict[str, bytes] = field(repr=False)
    """MP3 files by cue."""
    warnings: tuple[str, ...] = ()
    """What could not be shown or played, one line each."""


def make_preview(
    sheet: CueSheet, *, film: Path | None, index: Path | None = None, progress: Progress = no_progress
) -> Preview:
    """Stills and sounds of a cue sheet, as far as film and tracks are there.

    Parameters
    ----------
    sheet : CueSheet
    film : Path, optional
        The film that the sheet is about; None for no stills.
    index : Path, optional
        Folder of the library index, which knows where tracks are that were moved.

    Returns
    -------
    Preview
        The same for the same sheet, film, tracks and ffmpeg.
    """
    from soundtrack.media.writing.previews import sound_mp3, still_jpeg
    from soundtrack.mix.audition import cue_sound

    warnings: list[str] = []
    stills: dict[int, bytes] = {}
    scenes = sheet.scenes[:: -(-len(sheet.scenes) // MOST_STILLS) or 1] if film is not None else ()
    total = len(scenes) + len(sheet.cues)
    for i, scene in enumerate(scenes):
        assert film is not None
        middle_s = (scene.span.start_s + scene.span.end_s) / 2
        try:
            picture = still_jpeg(film, time_s=middle_s)
        except SoundtrackError as error:
            warnings.append(f"no stills of {film}: {error}")
            break
        if picture:
            stills[scene.index] = picture
        progress("previewing", i + 1, total)
    sounds: dict[str, bytes] = {}
    share_s = SOUND_BYTES / (_KBPS * 125) / max(1, len(sheet.cues))
    paths = present_paths(sheet, index)
    for i, cue in enumerate(sheet.cues):
        if share_s < SHORTEST_S:
            warnings.append(f"{len(sheet.cues)} cues are too many for audio in one page")
            break
        try:
            path = paths.get(cue.track_id)
            if path is not None and not path.is_file():
                warnings.append(f"cue {cue.cue_id} has no audio: {path} is missing")
                continue
            heard = cue_sound(sheet, cue.cue_id, track_paths=paths, longest_s=min(LONGEST_S, share_s))
            sounds[cue.cue_id] = sound_mp3(heard, sample_rate_hz=MIX_RATE_HZ, bitrate_kbps=_KBPS)
        except SoundtrackError as error:
            warnings.append(f"cue {cue.cue_id} has no audio: {error}")
        progress("previewing", len(scenes) + i + 1, total)
    return Preview(stills=stills, sounds=sounds, warnings=tuple(warnings))
