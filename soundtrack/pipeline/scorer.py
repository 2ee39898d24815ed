"""Scores films one after the other: scene sheet and library to cue sheet, cue sheet to scored film."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.errors import InputError, OutputError
from soundtrack.files.targets import OUT
from soundtrack.pipeline.ducked_vocals import vocals_lowered
from soundtrack.pipeline.film.analyse import Watcher
from soundtrack.pipeline.film.photo_beats import TimedPhotos, on_beats
from soundtrack.pipeline.film.photos import PhotoFilm
from soundtrack.pipeline.film.voices import no_voices, require_decodable, voices_beside
from soundtrack.pipeline.given import Music, music_for, settings_for
from soundtrack.pipeline.ground.ledger import is_kept, ledger_path, read_ledger, recent_tracks, remember
from soundtrack.pipeline.ground.separators import NamedSeparator, find_separator
from soundtrack.pipeline.library.asking import with_requests
from soundtrack.pipeline.library.present import left_out, require_any, require_kept, unplayable
from soundtrack.pipeline.rendering import BELIEVED_WITHIN_S, Scored, as_watched
from soundtrack.pipeline.sheets.conditions import as_in, conditions_of
from soundtrack.pipeline.sheets.keeping import kept_cues, require_length
from soundtrack.pipeline.sheets.narration import Narrated, narrated_scenes, narration_path, read_narration
from soundtrack.pipeline.sheets.sheet_tracks import present_ids, track_paths_of
from soundtrack.pipeline.sheets.swap import ducked
from soundtrack.pipeline.sheets.targets import cues_path, film_targets, guard, scored_path, voices_path
from soundtrack.pipeline.sheets.wishes import Wishes, require_unlocked
from soundtrack.progress import Notice, Progress, no_notice, no_progress
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.types import Conditions, CueSheet, SceneSheet, Track, VideoInfo

if TYPE_CHECKING:
    from soundtrack.media.writing.formats import MuxPlan
    from soundtrack.spotting.merit.constraints import Constraints

SHARED_WISHES = (
    *("track", "theme", "narration", "subtitles", "faces", "face_weight", "allow_spoken", "avoid_recent", "keep"),
)
"""Wishes that decide which music there is or how a film is watched: the same for all films of a `Scorer`."""
NO_FILES = "no file of the library is where it was indexed; connect its drive before rendering"
"""Warning of a plan whose music is elsewhere."""


def spot_with(
    scenes: SceneSheet,
    library: Music,
    *,
    settings: SpottingSettings,
    mix: MixSettings,
    wishes: Wishes,
    narrated: Narrated | None,
    needs_files: bool = False,
) -> CueSheet:
    """The cue sheet for a library that is already open, without tracks whose files are missing or replaced.

    Where all of them are, that is an error if the files are needed next, and a warning if not.
    """
    from soundtrack.spotting.plan.spot import NO_CLOSE_MATCH, spot_cues

    if narrated is not None:
        scenes = narrated_scenes(scenes, narrated, keep_original=mix.keep_original)

    tracks = library.tracks()
    ordered = [tracks[track_id] for track_id in library.track_ids]
    used = recent_tracks(ledger_path(), wishes.avoid_recent, besides=scenes.film.fingerprint)
    former = library.former_names()
    constraints = wishes.constraints(ordered, library.playlists(), former=former)
    constraints = with_requests(constraints, wishes.words, library)
    kept = () if wishes.keep is None else kept_cues(wishes.keep, scenes, former=former)
    constraints = replace(constraints, recent=present_ids(used, former), kept=kept)
    spot = partial(
        spot_cues,
        scenes,
        library,
        settings=settings,
        mix=mix,
        narration=None if narrated is None else narrated.narration,
    )
    sheet = _with_files(spot, constraints, tracks, needs_files=needs_files)
    if wishes.keep is not None:
        sheet = replace(sheet, markers=wishes.keep.sheet.markers)
    if wishes.track is not None:  # the one song that is wanted, not the best of a library
        sheet = replace(sheet, warnings=tuple(line for line in sheet.warnings if line != NO_CLOSE_MATCH))
    sheet = replace(sheet, conditions=conditions_of(as_in(scenes, wishes), settings, tracks))
    return ducked(sheet, tracks, mix)


def _with_files(
    spot: Callable[..., CueSheet], constraints: Constraints, tracks: Mapping[str, Track], *, needs_files: bool
) -> CueSheet:
    """The plan that plays only what is there, but for tracks that were asked for by name."""
    sheet, gone = spot(constraints=constraints), frozenset[str]()
    named = {lock.track_id for lock in constraints.locks} | {constraints.theme}
    named |= {cue.track_id for cue in sheet.cues if cue.locked}
    played = {cue.track_id for cue in sheet.cues}
    require_kept(tracks[track_id] for track_id in sorted(played & named - {None}) if track_id in tracks)
    while (found := unplayable(played - named, tracks)) - named - gone:
        gone |= found
        if len(gone) == len(tracks) and not needs_files:
            return replace(sheet, warnings=(*sheet.warnings, NO_FILES))
        require_any(gone, tracks)
        gone -= named
        notes = (*constraints.notes, *left_out(gone, tracks))
        sheet = spot(constraints=replace(constraints, avoid=constraints.avoid | gone, notes=notes))
        played = {cue.track_id for cue in sheet.cues}
    return sheet


class Scorer:
    """Scores films one after the other, with a library and networks that are opened once.

    Parameters are those of `score_video` that do not depend on the film, and the option that names the scored film or,
    with ``DIR``, the folder of many, for hints.

    Raises
    ------
    LibraryError
        The index is missing, empty or damaged, or of other networks.
    UsageError
        A wish is not understood.
    """

    def __init__(
        self,
        *,
        index: Path | None = None,
        device: str = "auto",
        decoder: str = "auto",
        settings: SpottingSettings | None = None,
        mix: MixSettings | None = None,
        wishes: Wishes | None = None,
        cache: Path | None = None,
        option: str = OUT,
    ) -> None:
        self._index = index
        self._option = option
        wishes = wishes or Wishes()
        self._named = [Path(name) for name in (wishes.track, wishes.theme) if name]
        self._named += [] if wishes.narration is None else [wishes.narration.path]
        self._device = device
        self._library, self._wishes = music_for(wishes, index, device=device)
        self._narrated = None if wishes.narration is None else read_narration(wishes.narration)
        self._settings = settings_for(self._wishes, settings or SpottingSettings())
        self._mix = self._wishes.mix_of(mix or MixSettings())
        self._separator = self._found_separator()
        self._constraints = self._understood()
        self._remembers = is_kept(self._wishes.avoid_recent)
        if self._remembers:
            read_ledger(ledger_path())
        subtitles, faces, weight = self._wishes.subtitles, self._wishes.faces, self._wishes.face_weight
        self._watcher = Watcher(
            device=device, decoder=decoder, cache=cache, subtitles=subtitles, faces=faces, face_weight=weight
        )

    def changed(self, *, settings: SpottingSettings, mix: MixSettings, wishes: Wishes) -> Scorer:
        """The same library and networks with other demands; which music there is stays as it is.

        Of the wishes, `SHARED_WISHES` are those of this scorer.

        Raises
        ------
        UsageError
            A wish is not understood.
        """
        other = copy.copy(self)
        other._wishes = replace(wishes, **{name: getattr(self._wishes, name) for name in SHARED_WISHES})
        other._settings, other._mix = settings_for(other._wishes, settings), other._wishes.mix_of(mix)
        other._separator = other._found_separator()
        other._constraints = other._understood()
        return other

    def _found_separator(self) -> NamedSeparator | None:
        """The separator, where one is needed; a missing one is an error before any work."""
        is_needed = self._wishes.keep_voices or self._wishes.duck_vocals
        return find_separator(device=self._device) if is_needed else None

    def _understood(self) -> Constraints:
        """The wishes, with every name looked up in the library."""
        tracks = self._library.tracks()
        ordered = [tracks[track_id] for track_id in self._library.track_ids]
        known, former = self._library.playlists(), self._library.former_names()
        constraints = self._wishes.constraints(ordered, known, former=former)
        return with_requests(constraints, self._wishes.words, self._library, device=self._device)

    @property
    def conditions(self) -> Conditions:
        """What the cue sheets of its films state."""
        return conditions_of(self._wishes, self._settings, self._library.tracks())

    @property
    def watcher(self) -> Watcher:
        """With the networks in use."""
        return self._watcher

    def plan(
        self,
        info: VideoInfo,
        *,
        scenes: SceneSheet | None = None,
        narrated: Narrated | None = None,
        progress: Progress = no_progress,
    ) -> CueSheet:
        """The cue sheet of a film; wishes that it cannot meet are refused before it is watched, unless it was.

        `narrated` are its own voices, where they were separated.
        """
        from soundtrack.documents import cuesheet

        self._require_possible(info)
        scenes = scenes or self._watcher.analyse(info, progress=progress)
        sheet = spot_with(
            scenes,
            self._library,
            settings=self._settings,
            mix=self._mix,
            wishes=self._wishes,
            narrated=narrated or self._narrated,
            needs_files=True,
        )
        cuesheet.check(sheet)
        return sheet

    def plan_photos(self, shown: PhotoFilm, seconds_per_image: float) -> TimedPhotos:
        """The cue sheet of photos, which change on the music."""
        sheet, n = self.plan(shown.info, scenes=shown.scenes), len(shown.album.photos)
        return on_beats(sheet, self._library.tracks(), n_photos=n, seconds_per_image=seconds_per_image)

    def scenes(self, info: VideoInfo, *, out: Path, music_track: bool = False, force: bool = False) -> SceneSheet:
        """The scene sheet that `score` with the same arguments starts from, refused as early as there.

        May be called in another thread while the film before is scored.
        """
        self._require_targets(info, out, cues=cues_path(out), music_track=music_track, force=force)
        self._require_possible(info)
        return self._watcher.analyse(info)

    def _require_targets(
        self,
        info: VideoInfo,
        film: Path,
        *,
        cues: Path,
        inputs: Sequence[Path] = (),
        stems: Path | None = None,
        music_track: bool,
        force: bool,
    ) -> MuxPlan:
        """What becomes of every stream; targets that must not be written are refused."""
        from soundtrack.mix.render import output_plan

        mix = self._mix
        targets = film_targets(film, cues=cues, stems=stems, voices=self._wishes.keep_voices, option=self._option)
        guard(targets, inputs=[info.path, *inputs, *self._named], index=self._index, force=force)
        require_unlocked(cues, self._wishes, force=force)
        return output_plan(info, film, keeps_original=mix.keep_original, layout=mix.layout, music_track=music_track)

    def _require_possible(self, info: VideoInfo) -> None:
        """Refuse wishes that a film cannot meet, before it is watched."""
        from soundtrack.mix.render import require_decoder
        from soundtrack.spotting.merit.constraints import require_inside

        require_decoder(info, keeps=self._mix.keep_original, hint="add --replace")
        require_inside(self._constraints, length_s=info.duration_s, slack_s=BELIEVED_WITHIN_S)
        self._require_kept(info)
        if self._wishes.keep_voices:
            require_decodable(info)
        if self._narrated is not None:
            self._narrated.require_inside(info.duration_s, slack_s=BELIEVED_WITHIN_S)

    def _require_kept(self, info: VideoInfo) -> None:
        """Refuse a sheet to keep cues of that is about another film, or whose cues other wishes contradict."""
        from soundtrack.spotting.plan.kept import reconcile

        keep = self._wishes.keep
        if keep is None:
            return
        require_length(keep, film=info.path.name, length_s=info.duration_s)
        former = self._library.former_names()
        locked = [cue for cue in keep.sheet.cues if cue.locked]
        kept = tuple(replace(cue, track_id=former.get(cue.track_id, cue.track_id)) for cue in locked)
        reconcile(replace(self._constraints, kept=kept))

    def score(
        self,
        info: VideoInfo,
        *,
        out: Path | None = None,
        cues: Path | None = None,
        inputs: Sequence[Path] = (),
        stems: Path | None = None,
        music_track: bool = False,
        force: bool = False,
        scenes: SceneSheet | None = None,
        sheet: CueSheet | None = None,
        progress: Progress = no_progress,
        notice: Notice = no_notice,
    ) -> Scored:
        """A film with music, and its cue sheet; see `score_video`. `scenes` or `sheet` are its own, if there are."""
        from soundtrack.mix.render import render_film

        film = out or scored_path(info)
        sheet_path = cues or cues_path(film)
        streams = self._require_targets(
            info, film, cues=sheet_path, inputs=inputs, stems=stems, music_track=music_track, force=force
        )
        for line in streams.warnings:
            notice(line)
        with contextlib.ExitStack() as until_scored:
            voices = None
            if self._separator is not None and self._wishes.keep_voices:
                self._require_possible(info)
                target, by = voices_path(sheet_path), self._separator
                beside = voices_beside(info, target, separator=by, force=force, progress=progress)
                voices = until_scored.enter_context(beside)
            narrated = None if voices is None else voices.narrated
            sheet = sheet or self.plan(info, scenes=scenes, narrated=narrated, progress=progress)
            if self._wishes.keep_voices and voices is None:
                line = f"{info.path}: {no_voices(info)}; --keep-voices leaves out all of the original sound"
                sheet = replace(sheet, warnings=(*sheet.warnings, line))
            track_paths, vocals = track_paths_of(sheet, self._index), tuple[Path, ...]()
            if self._separator is not None and self._wishes.duck_vocals:
                lowered = until_scored.enter_context(
                    vocals_lowered(
                        sheet,
                        track_paths,
                        beside=sheet_path,
                        separator=self._separator,
                        index=self._index,
                        force=force,
                        option=self._option,
                        progress=progress,
                    )
                )
                sheet, track_paths, vocals = lowered.sheet, {**track_paths, **lowered.paths}, lowered.files
            report = render_film(
                as_watched(info, sheet),
                sheet,
                film,
                force=force,
                track_paths=track_paths,
                narration_path=narration_path(sheet) if voices is None else voices.path,
                stems=stems,
                cues=sheet_path,
                music_track=music_track,
                layout=self._mix.layout,
                option=self._option,
                progress=progress,
            )
        report = replace(report, warnings=(*report.warnings, *self._not_remembered(sheet)))
        kept = None if voices is None else voices_path(sheet_path)
        return Scored(film=film, cues=sheet_path, sheet=report.sheet, report=report, voices=kept, vocals=vocals)

    def _not_remembered(self, sheet: CueSheet) -> tuple[str, ...]:
        """Note a finished film in the ledger, where that is wanted; a warning where the ledger cannot take it."""
        if not self._remembers:
            return ()
        try:
            remember(ledger_path(), sheet)
        except (InputError, OutputError) as error:  # the film is there, and stays
            return (f"this film is not remembered for --avoid-recent: {error}",)
        return ()
