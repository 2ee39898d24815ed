"""Scene sheet and library to cue sheet; cue sheet to scored film."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.film.album import read_album
from soundtrack.pipeline.film.analyse import fingerprint
from soundtrack.pipeline.film.cut_film import cut_film, film_of_edit, is_edit, read_cut
from soundtrack.pipeline.film.photos import PHOTO_S, photo_film, photo_film_target, photo_scenes, require_seconds
from soundtrack.pipeline.given import music_for, settings_for
from soundtrack.pipeline.rendering import Scored
from soundtrack.pipeline.scorer import Scorer, spot_with
from soundtrack.pipeline.sheets.narration import read_narration
from soundtrack.pipeline.sheets.targets import cues_path, film_targets, guard
from soundtrack.pipeline.sheets.wishes import Wishes, require_unlocked
from soundtrack.progress import Notice, Progress, no_notice, no_progress
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.types import CueSheet, SceneSheet


def spot_video(
    scenes: SceneSheet,
    *,
    index: Path | None = None,
    settings: SpottingSettings | None = None,
    mix: MixSettings | None = None,
    wishes: Wishes | None = None,
) -> CueSheet:
    """The music for a film: which, where, how it is cut, and how it steps aside for speech.

    Parameters
    ----------
    scenes : SceneSheet
        What the picture says.
    index : Path, optional
        Folder of the library index; none is needed where the wishes name the one track.

    Raises
    ------
    LibraryError
        The index is missing, empty, damaged, or of another model than the scene sheet.
    NothingFitsError
        The wishes leave nothing to choose from.
    InputError
        The sheet whose locked cues are to stay is about another film.
    """
    wishes = wishes or Wishes()
    wishes.require_no_separation()
    library, wishes = music_for(wishes, index)
    settings = settings_for(wishes, settings or SpottingSettings())
    with contextlib.closing(library):
        narrated = None if wishes.narration is None else read_narration(wishes.narration)
        return spot_with(scenes, library, settings=settings, mix=mix or MixSettings(), wishes=wishes, narrated=narrated)


def plan_video(
    video: Path,
    *,
    index: Path | None = None,
    device: str = "auto",
    decoder: str = "auto",
    settings: SpottingSettings | None = None,
    mix: MixSettings | None = None,
    wishes: Wishes | None = None,
    cache: Path | None = None,
    seconds_per_image: float = PHOTO_S,
    progress: Progress = no_progress,
) -> CueSheet:
    """The cue sheet that `score_video` would render, refused as early as there.

    Raises
    ------
    SoundtrackError
        As `analyse_video` and `spot_video`.
    """
    from soundtrack.media.reading.probe import probe

    (wishes or Wishes()).require_no_separation()
    video = as_on_disk(video)
    info = None if video.is_dir() or is_edit(video) else probe(video)
    scorer = Scorer(index=index, device=device, decoder=decoder, settings=settings, mix=mix, wishes=wishes, cache=cache)
    if is_edit(video):
        with cut_film(read_cut(video)) as made:
            return scorer.plan(made.info, scenes=made.seen_by(scorer.watcher, progress))
    if info is None:
        shown = photo_scenes(video, scorer.watcher, seconds_per_image=seconds_per_image, progress=progress)
        return scorer.plan_photos(shown, seconds_per_image).sheet
    return scorer.plan(info, progress=progress)


def score_video(
    video: Path,
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
    stems: Path | None = None,
    music_track: bool = False,
    force: bool = False,
    cache: Path | None = None,
    seconds_per_image: float = PHOTO_S,
    moves: bool = False,
    progress: Progress = no_progress,
    notice: Notice = no_notice,
) -> Scored:
    """The film with music from the library, and the cue sheet beside it; `video` may be an edit or a folder of photos.

    Whatever can be refused is refused before the first frame is decoded: the targets, the index, the wishes. What the
    kind of file cannot keep of the film goes to `notice` at the same time, and is among the warnings of the result.
    Film, stems and cue sheet appear together, so that a run that fails leaves nothing behind. With a folder as `cache`,
    a film that was watched before is not watched again. `inputs` are further files that must not be overwritten, such
    as the sheet whose locked cues stay.

    Raises
    ------
    SoundtrackError
        As `analyse_video`, `spot_video` and `render_video`.
    """
    from soundtrack.media.reading.probe import probe

    video = as_on_disk(video)
    with contextlib.ExitStack() as until_scored:
        sheet, album = None, None
        if video.is_dir():
            require_seconds(seconds_per_image)
            out, album = photo_film_target(video, out), read_album(video)
            inputs = [*inputs, *(photo.path for photo in album.photos)]
            guard(film_targets(out, cues=cues or cues_path(out), stems=stems), inputs=inputs, index=index, force=force)
            require_unlocked(cues or cues_path(out), wishes, force=force)
        elif is_edit(video):
            guard(film_targets(film_of_edit(out), cues=cues, stems=stems), inputs=[video], index=index, force=force)
        cut = until_scored.enter_context(cut_film(read_cut(video), beside=out)) if is_edit(video) else None
        inputs = [*inputs, *(cut.cut.files if cut else ())]
        info = None if album else cut.info if cut else probe(video)
        scorer = Scorer(
            index=index, device=device, decoder=decoder, settings=settings, mix=mix, wishes=wishes, cache=cache
        )
        if info is None:
            assert out is not None
            shown = photo_scenes(album or video, scorer.watcher, seconds_per_image=seconds_per_image, progress=progress)
            timed = scorer.plan_photos(shown, seconds_per_image)
            film = photo_film(shown.album, timed.frames, beside=out, moves=moves, progress=progress)
            info = until_scored.enter_context(film)
            sheet = replace(
                timed.sheet, film=replace(timed.sheet.film, name=info.path.name, fingerprint=fingerprint(info.path))
            )
        return scorer.score(
            info,
            out=out,
            cues=cues,
            inputs=inputs,
            stems=stems,
            music_track=music_track,
            force=force,
            scenes=cut.seen_by(scorer.watcher, progress) if cut else None,
            sheet=sheet,
            progress=progress,
            notice=notice,
        )
