"""An edit scored as an edit: its film is assembled for analysis, and the music comes back on tracks of its own.

Goes in: a time line in OpenTimelineIO or FCPXML. Comes out: the time line with the music, as OpenTimelineIO, and the
cue sheet. No film is written; for one, `soundtrack.pipeline.score.score_video` takes the same edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from soundtrack.documents import cuesheet
from soundtrack.export import FORMATS
from soundtrack.files import safe_read
from soundtrack.files.kinds import CUE_SHEET
from soundtrack.files.safe_write import Together
from soundtrack.files.targets import Target
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.film.cut_film import Cut, cut_film, read_cut
from soundtrack.pipeline.scorer import Scorer
from soundtrack.pipeline.sheets.exports import find_media
from soundtrack.pipeline.sheets.narration import narration_path
from soundtrack.pipeline.sheets.sheet_tracks import track_paths_of
from soundtrack.pipeline.sheets.targets import cues_path, guard, scored_stem
from soundtrack.pipeline.sheets.wishes import Wishes, require_unlocked
from soundtrack.progress import Progress, no_progress
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.types import CueSheet


@dataclass(frozen=True, slots=True)
class ScoredEdit:
    """An edit with music."""

    edit: Path
    """The new time line."""
    cues: Path
    """Its cue sheet."""
    sheet: CueSheet
    """The same, with its gains; its warnings say what of the edit was left out."""


def score_edit(
    edit: Path,
    *,
    out: Path | None = None,
    cues: Path | None = None,
    index: Path | None = None,
    device: str = "auto",
    decoder: str = "auto",
    settings: SpottingSettings | None = None,
    mix: MixSettings | None = None,
    wishes: Wishes | None = None,
    inputs: Sequence[Path] = (),
    force: bool = False,
    progress: Progress = no_progress,
) -> ScoredEdit:
    """The edit with music from the library, and the cue sheet beside it.

    Parameters
    ----------
    edit : Path
        .otio or .fcpxml.
    out : Path, optional
        The new time line, .otio; by default ``NAME.scored.otio`` beside the edit.
    inputs : sequence of Path
        Further files that must not be overwritten.

    Raises
    ------
    SoundtrackError
        As `soundtrack.pipeline.film.cut_film.read_cut` and `soundtrack.pipeline.score.plan_video`.
    """
    from soundtrack.mix.render import first_gains

    edit = as_on_disk(edit)
    out = out or edit.with_name(f"{scored_stem(edit)}.otio")
    sheet_path = cues or cues_path(out)
    kind = FORMATS["otio"].kind
    cut = read_cut(edit)
    targets = [Target(out, kind), Target(sheet_path, CUE_SHEET, option="--cues")]
    guard(targets, inputs=[*cut.files, *inputs], index=index, force=force)
    require_unlocked(sheet_path, wishes, force=force)
    scorer = Scorer(index=index, device=device, decoder=decoder, settings=settings, mix=mix, wishes=wishes)
    with cut_film(cut, progress=progress) as made:
        scenes = made.seen_by(scorer.watcher, progress)
        sheet = scorer.plan(made.info, scenes=scenes, progress=progress)
        paths = track_paths_of(sheet, index)
        sheet = first_gains(made.info, sheet, track_paths=paths, narration_path=narration_path(sheet))
    sheet = cuesheet.rounded(sheet)
    with Together() as together:
        together.text(sheet_path, cuesheet.dumps(sheet), kind=CUE_SHEET, force=force)
        together.text(out, _text(edit, cut, sheet, index), kind=kind, force=force)
    return ScoredEdit(out, sheet_path, sheet)


def _text(edit: Path, cut: Cut, sheet: CueSheet, index: Path | None) -> str:
    """The edit with the music of a sheet."""
    from soundtrack.export.edited.scored import PictureClip, made_with_music, with_music

    media = replace(find_media(sheet, folder=edit.parent, index=index).media, film=str(edit.absolute()))
    if edit.suffix.lower() == ".otio":
        return with_music(safe_read.read_text(edit, most_bytes=safe_read.DOCUMENT_BYTES), sheet, media=media)
    pictures = [
        PictureClip(None if p.info is None else str(p.info.path.absolute()), p.source_s, p.n_frames) for p in cut.pieces
    ]
    return made_with_music(edit.stem, pictures, sheet, fps=cut.fps, media=media)
