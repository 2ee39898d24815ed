"""Changes after the plan: ducking for the music of a cue sheet, and other music for some cues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from soundtrack.pipeline.library.music import open_library
from soundtrack.pipeline.sheets.sheet_tracks import with_present_ids
from soundtrack.settings import MixSettings
from soundtrack.types import CueSheet, Track


def ducked(
    sheet: CueSheet, tracks: Mapping[str, Track], mix: MixSettings, *, before: CueSheet | None = None
) -> CueSheet:
    """The sheet with the gain envelope that its cues need under its speech; its gains are to be measured again.

    Parameters
    ----------
    sheet : CueSheet
        With any ducking or none.
    tracks : mapping of str to Track
        By track id, for the levels along each track.
    mix : MixSettings
        How far music is under speech, and how fast it moves.
    before : CueSheet, optional
        The rounded sheet that `sheet` was made from, or `sheet` itself if it is rounded; saves time.
    """
    from soundtrack.documents import cuesheet
    from soundtrack.mix.ducking import duck, music_levels

    ducking = (
        duck(sheet.speech, music_levels(sheet.cues, tracks), duration_s=sheet.film.duration_s, settings=mix)
        if mix.keep_original or sheet.narration is not None
        else ()
    )
    notes = replace(sheet.mix, music_gain_db=None, limiter_dbtp=None, master_gain_db=None)
    return cuesheet.rounded(replace(sheet, ducking=ducking, mix=notes), before=before)


def swap_music(
    sheet: CueSheet, swaps: Sequence[tuple[str, int]], *, index: Path | None = None, before: CueSheet | None = None
) -> CueSheet:
    """The sheet with other music in some cues, and the ducking that this music needs.

    Parameters
    ----------
    sheet : CueSheet
        As written by `spot_video`, perhaps edited.
    swaps : sequence of (str, int)
        Such as ``("1m02", 2)``: the cue, and the rank of its alternative; done in order.
    index : Path, optional
        Folder of the library index that the sheet was made with.
    before : CueSheet, optional
        As `ducked` takes it.

    Returns
    -------
    CueSheet
        The very same sheet where nothing is to be swapped.

    Raises
    ------
    UsageError
        There is no such cue or alternative, or a cue has more than one --swap.
    LibraryError
        The index is missing, or has lost the track.
    """
    from soundtrack.documents import cuesheet
    from soundtrack.errors import UsageError
    from soundtrack.spotting.plan.swap import swap_cue

    if not swaps:
        return sheet
    for cue_id in dict(swaps):
        if sum(other == cue_id for other, _ in swaps) > 1:
            raise UsageError(f"cue {cue_id} has more than one --swap", hint="use one --swap per cue")
    cuesheet.check(sheet)
    with open_library(index, everything=True) as library:
        sheet = with_present_ids(sheet, library.former_names())
        used = {cue.track_id for cue in sheet.cues} | {other.track_id for other in sheet.alternatives}
        tracks = {track_id: library.track(track_id) for track_id in used.intersection(library.track_ids)}
        for cue_id, rank in swaps:
            sheet = swap_cue(sheet, cue_id, rank=rank, library=library, before=before, tracks=tracks)
            before = sheet
    return ducked(sheet, tracks, mix_of(sheet), before=before)


def mix_of(sheet: CueSheet) -> MixSettings:
    """The settings of the mix that a sheet was made with."""
    notes = sheet.mix
    return MixSettings(
        target_lufs=notes.target_lufs,
        ceiling_dbtp=notes.ceiling_dbtp,
        keep_original=notes.keep_original,
        keep_level=notes.keep_level,
        speech_over_music_lu=notes.speech_over_music_lu,
        music_level_db=notes.music_level_db,
        dialogue_gated=notes.dialogue_gated,
    )


def swapped_lines(before: CueSheet, after: CueSheet) -> list[str]:
    """For each cue that has other music than before, a line that names both tracks."""
    from soundtrack.export.clips import shown_name

    names = {track.track_id: shown_name(track) for track in (*before.tracks, *after.tracks)}
    earlier = {cue.cue_id: cue.track_id for cue in before.cues}
    return [
        f"cue {cue.cue_id}: {names[cue.track_id]} instead of {names[earlier[cue.cue_id]]}"
        for cue in after.cues
        if cue.track_id != earlier.get(cue.cue_id, cue.track_id) and earlier[cue.cue_id] in names
    ]
