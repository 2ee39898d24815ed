"""From a cue sheet, perhaps edited, to a scored film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.naming.licences import risk_line
from soundtrack.naming.names import as_on_disk
from soundtrack.naming.wording import counted
from soundtrack.pipeline.ducked_vocals import swapped_vocals
from soundtrack.pipeline.film.analyse import fingerprint
from soundtrack.pipeline.sheets.narration import NarrationWish, narrated_sheet, narration_path
from soundtrack.pipeline.sheets.sheet_tracks import replaced_lines, track_paths_of, with_files_beside
from soundtrack.pipeline.sheets.targets import film_targets, guard, scored_path
from soundtrack.progress import Progress, no_progress
from soundtrack.types import CueSheet, VideoInfo

if TYPE_CHECKING:
    from soundtrack.mix.report import RenderReport

BELIEVED_WITHIN_S = 0.5
"""A header whose length is this near to the decoded one is taken at its word."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A scored film and its cue sheet."""

    film: Path
    """The film with music."""
    cues: Path
    """Its cue sheet."""
    sheet: CueSheet
    """The same, in memory."""
    report: RenderReport
    """What mixing and muxing did."""
    voices: Path | None = None
    """The voices of the film, where they were separated."""
    vocals: tuple[Path, ...] = ()
    """The vocals of the music that were lowered under speech."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be done as asked, one line each."""
        return (*self.sheet.warnings, *self.report.warnings)

    def summary(self) -> list[str]:
        """For people, a few lines."""
        n_tracks = len({cue.track_id for cue in self.sheet.cues})
        cues = f"{self.cues}: {counted(len(self.sheet.cues), 'cue')} from {counted(n_tracks, 'track')}"
        risk = self.licence_risk
        voices = [] if self.voices is None else [f"{self.voices}: voices of the film, needed to render the cue sheet"]
        vocals = [f"{path}: vocals of the music, needed to render the cue sheet" for path in self.vocals]
        return [*self.report.summary(), cues, *voices, *vocals, *([risk] if risk else [])]

    @property
    def licence_risk(self) -> str | None:
        """What a publisher should know of the licences of the tracks that sound; None where each states one."""
        sounding = {cue.track_id for cue in self.sheet.cues}
        return risk_line([track.licence for track in self.sheet.tracks if track.track_id in sounding])

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            **self.report.as_dict(),
            "cues": str(self.cues),
            "voices": None if self.voices is None else str(self.voices),
            "vocals": [str(path) for path in self.vocals],
            "n_cues": len(self.sheet.cues),
            "n_scenes": len(self.sheet.scenes),
            "licence_risk": self.licence_risk,
            "warnings": list(self.warnings),
        }


def render_video(
    video: Path,
    sheet: CueSheet,
    *,
    out: Path | None = None,
    cues: Path | None = None,
    inputs: Sequence[Path] = (),
    index: Path | None = None,
    stems: Path | None = None,
    music_track: bool = False,
    layout: str = "auto",
    keep_level: bool = False,
    narration: NarrationWish | None = None,
    former: CueSheet | None = None,
    force: bool = False,
    progress: Progress = no_progress,
) -> RenderReport:
    """The film with the music of a cue sheet.

    Parameters
    ----------
    video : Path
        The film that the sheet is about.
    sheet : CueSheet
        As written by `spot_video`, perhaps edited.
    out : Path, optional
        The scored film; by default beside the film.
    cues : Path, optional
        Where the sheet is written as it was rendered; nowhere by default.
    inputs : sequence of Path
        Further files that must not be overwritten, such as the one that the sheet came from.
    index : Path, optional
        Asked for tracks that are no longer where the sheet says.
    layout : {"auto", "stereo", "5.1"}
        Channels of the mix; by default those of the film's own sound.
    keep_level : bool
        Whether the film's own sound keeps its level even if the sheet does not ask for it.
    narration : NarrationWish, optional
        A recorded voice that is mixed in, for which the music is lowered as well; for a sheet without one.
    former : CueSheet, optional
        The sheet before `swap_music`; if it lowers vocals, so does the new music.

    Raises
    ------
    InputError
        The film or a track cannot be read, or the sheet makes no sense.
    OutputError
        The target cannot be written, or the written file lost something.
    """
    from soundtrack.documents import cuesheet
    from soundtrack.media.reading.probe import probe
    from soundtrack.mix.render import render_film

    cuesheet.check(sheet)
    video = as_on_disk(video)
    sheet = with_files_beside(sheet, [*inputs, video])
    former = None if former is None else with_files_beside(former, [*inputs, video])
    if keep_level:
        sheet = replace(sheet, mix=replace(sheet.mix, keep_level=True, master_gain_db=None, limiter_dbtp=None))
    info, others = as_watched(probe(video), sheet), other_film_lines(video, sheet)
    film, tracks = out or scored_path(info), track_paths_of(sheet, index)
    targets = film_targets(film, cues=cues, stems=stems)
    voice = narration_path(sheet) if narration is None else as_on_disk(narration.path)
    voices = [] if voice is None else [voice]
    guard(targets, inputs=[video, *inputs, *voices, *tracks.values()], index=index, force=force)
    known = sheet.warnings
    if narration is not None:
        sheet = narrated_sheet(sheet, narration)
    narrated = sheet.warnings[len(known) :]
    replaced = replaced_lines(sheet, tracks, index)
    with swapped_vocals(sheet, former, beside=cues, index=index, progress=progress) as lowered:
        report = render_film(
            info,
            lowered,
            film,
            force=force,
            track_paths=tracks if lowered is sheet else track_paths_of(lowered, index),
            narration_path=voice,
            stems=stems,
            cues=cues,
            music_track=music_track,
            layout=layout,
            progress=progress,
        )
    return replace(report, warnings=(*others, *narrated, *replaced, *report.warnings))


def as_watched(info: VideoInfo, sheet: CueSheet) -> VideoInfo:
    """The film with the length that watching it gave, where its header promises another one.

    A film that breaks off, or whose clock or size changes on the way, has a true length that only decoding tells; the
    sheet knows it, and the fingerprint says that it is the sheet of this very file.
    """
    close = abs(info.duration_s - sheet.film.duration_s) <= BELIEVED_WITHIN_S
    if close or fingerprint(info.path) != sheet.film.fingerprint:
        return info
    return replace(info, duration_s=sheet.film.duration_s)


def other_film_lines(film: Path, sheet: CueSheet) -> tuple[str, ...]:
    """What is said of a film that is not the file of a sheet, such as another cut of the same length.

    A sheet that keeps nothing of a film without sound is that of photos as well, whose film exists with music only.
    """
    if not (sheet.film.has_audio or sheet.mix.keep_original) or fingerprint(film) == sheet.film.fingerprint:
        return ()
    return (
        f"{film}: not the file that the cue sheet was made for ({sheet.film.name}); use that file, or move the cues to "
        "this cut with `soundtrack conform`",
    )
