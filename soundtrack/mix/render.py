"""Render a film, a cue sheet and the tracks to a scored film.

Goes in: the film, its cue sheet, where the tracks lie. Comes out: a checked file and a `RenderReport`. Everything is
heard twice, block by block, in constant memory: once to measure (`mix/balance.py`), once to write, with the film's
packets copied by the same ffmpeg that encodes the sound. Where limiting may cost loudness, gains are tried before that
without an encoder. What was written is measured again, and written once more if loudness or peaks are out of bounds.
The report's sheet holds the gains; a sheet with gains is mixed with them as given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from soundtrack.documents import cuesheet
from soundtrack.errors import InputError, OutputError, Reason
from soundtrack.files.kinds import CUE_SHEET
from soundtrack.files.safe_write import Together, naming_a_full_disk
from soundtrack.files.targets import OUT, Target, check_targets
from soundtrack.media.opening import no_decoder
from soundtrack.media.reading.kept import KeptSound
from soundtrack.media.reading.steady import steady
from soundtrack.media.writing.formats import MuxPlan, plan_streams
from soundtrack.media.writing.mux import mux
from soundtrack.media.writing.own_mark import FILM
from soundtrack.media.writing.placing import picture_start
from soundtrack.mix.levels import BETWEEN_SAMPLES_DB, Levels
from soundtrack.mix.limiter import Limiter
from soundtrack.mix.passes import (
    LOSSY_HEADROOM_DB,
    MAX_ATTEMPTS,
    Work,
    at_setting,
    check_tracks,
    hear,
    measure,
    mixed,
    mixed_between,
    outcome_of,
    tried_out,
)
from soundtrack.mix.plan import MixPlan, plan_mix
from soundtrack.mix.report import RenderReport, cut_off, sound_warnings
from soundtrack.mix.stems import StemWriter
from soundtrack.mix.tuning import Outcome, Setting, came_as_tried, next_setting
from soundtrack.progress import Progress, no_progress
from soundtrack.types import CueSheet, FloatArray, StreamInfo, VideoInfo

LOSSLESS_HEADROOM_DB = 0.1
"""Room below the ceiling for an encoder that only rounds; `LOSSY_HEADROOM_DB` for the others."""

LAYOUTS = ("auto", "stereo", "5.1")
"""What the mix may be asked to be."""

_SURROUND_CHANNELS = 6
_BITRATE_KBPS = 256
"""Of a lossy encoder; six channels get more."""
_FILM_TOLERANCE_S = 1.0


def render_film(
    info: VideoInfo,
    sheet: CueSheet,
    out: Path,
    *,
    force: bool = False,
    track_paths: Mapping[str, Path],
    narration_path: Path | None = None,
    stems: Path | None = None,
    cues: Path | None = None,
    music_track: bool = False,
    layout: str = "auto",
    option: str = OUT,
    progress: Progress = no_progress,
) -> RenderReport:
    """Mix the music of a cue sheet into a film and write it.

    Parameters
    ----------
    info : VideoInfo
        The film.
    sheet : CueSheet
        Which music sounds where.
    out : Path
        The scored film; its suffix tells the container.
    force : bool
        Whether an existing file may be replaced.
    track_paths : mapping of str to Path
        Where the tracks of the cues lie, by track id, and their vocals by `vocals_of`.
    narration_path : Path, optional
        Where the narration of the sheet is, if it has one.
    stems : Path, optional
        Folder for the music (MX) and all other sound (DX: the original, the narration) as they are in the mix.
    cues : Path, optional
        Where the cue sheet goes, with every gain that was decided; film, stems and sheet appear together.
    music_track : bool
        Whether the music becomes a stream of its own as well, and all originals stay.
    layout : {"auto", "stereo", "5.1"}
        Channels of the mix; by default those of the original, as far as they are stereo or 5.1. In 5.1 the music lies
        in the front left and right, and the other channels are the original's.
    option : str
        The option that names the film or its folder, for hints.
    progress : callable
        Gets stage, blocks done, blocks in all.

    Raises
    ------
    InputError
        The sheet is about another film, makes no sense, or a track is missing.
    OutputError
        The target cannot be written, can't hold the picture, or did not come out as it should.
    """
    from soundtrack.media.checking.verify import print_before, require_same

    with steady(info):
        work, plan = _prepared(info, sheet, track_paths, narration_path, layout=layout, progress=progress)
    original, channels = work.original, work.channels
    streams = output_plan(info, out, keeps_original=original is not None, layout=layout, music_track=music_track)
    needed_bytes = info.path.stat().st_size + plan.n_samples * 4 * (3 if stems else 1)
    check_targets(
        [Target(out, FILM, option=option, needed_bytes=needed_bytes)],
        inputs=[info.path, *track_paths.values(), *([] if narration_path is None else [narration_path])],
        force=force,
    )

    headroom_db = LOSSLESS_HEADROOM_DB if streams.container.is_lossless else LOSSY_HEADROOM_DB
    limiter_dbtp = sheet.mix.ceiling_dbtp - headroom_db if sheet.mix.limiter_dbtp is None else sheet.mix.limiter_dbtp
    outcomes: list[Outcome] = []
    with (
        KeptSound(folder=out.parent, leaves_bytes=needed_bytes) as kept,
        Together() as files,
        naming_a_full_disk(out),
        steady(info),
        contextlib.ExitStack() as encoders,
    ):
        work = replace(work, kept=kept)
        with print_before(info, streams) as printed:
            levels, missing_s = measure(work, plan, ceiling_dbtp=limiter_dbtp)
            before = printed()
        allowed_dbtp = sheet.mix.ceiling_dbtp
        if sheet.mix.keep_level and work.has_voices:  # its own peaks stay where they are
            allowed_dbtp = max(allowed_dbtp, levels.original_peak_dbfs + BETWEEN_SAMPLES_DB + headroom_db)
            limiter_dbtp = limiter_dbtp if sheet.mix.limiter_dbtp is not None else allowed_dbtp - headroom_db
        setting = Setting(levels.master_gain_db, round(limiter_dbtp, 6), levels.master_cap_db)
        part = files.part(out, kind=FILM, force=force)
        start = picture_start(info, streams, part)  # the same for every attempt
        stem_writer = encoders.enter_context(_stems(stems, out.stem, files=files, force=force, channels=channels))
        tried = tried_out(work, plan, levels, setting, allowed_dbtp=allowed_dbtp)
        setting = tried[-1].setting if tried else setting
        while True:
            if stem_writer:
                stem_writer.restart()
            with mux(
                info,
                part,
                name=str(out),
                plan=streams,
                mixed_in=original or (info.main_audio if not music_track else None),
                music_track=music_track,
                bitrate_kbps=_BITRATE_KBPS,
                channels=channels,
                start=start,
            ) as pipe:
                limiter = Limiter(ceiling_dbtp=setting.limiter_dbtp, channels=channels)
                for block in mixed(
                    work, at_setting(plan, levels, setting), limiter, stem_writer, music_track=music_track
                ):
                    pipe.write(np.ascontiguousarray(block.T))
            if stem_writer:
                stem_writer.finish()
            found = require_same(
                info, part, plan=streams, n_samples=plan.n_samples, music_track=music_track, before=before
            )
            heard = hear(part, found.mix_stream, channels=channels, speech=sheet.speech, notes=sheet.mix)
            outcomes.append(outcome_of(work, plan, setting, heard, limiter, allowed_dbtp=allowed_dbtp))
            if tried and came_as_tried(tried[-1], outcomes[-1], notes=sheet.mix):
                break
            better = next_setting([*tried, *outcomes], levels=levels, notes=sheet.mix)
            if better is None:
                break
            if len(outcomes) == MAX_ATTEMPTS:
                _require_peak(out, heard.true_peak_dbtp, allowed_dbtp)
                break
            setting = better
        used = replace(levels, master_gain_db=setting.master_gain_db, master_cap_db=setting.cap_db)
        rendered = _as_decided(sheet, used, setting)
        if cues is not None:
            files.text(cues, cuesheet.dumps(rendered), kind=CUE_SHEET, force=force)
    return RenderReport(
        path=out,
        sheet=rendered,
        integrated_lufs=heard.integrated_lufs,
        target_lufs=heard.target_lufs,
        true_peak_dbtp=heard.true_peak_dbtp,
        levels=used,
        channels=channels,
        limited_db=limiter.largest_reduction_db,
        speech_limited_db=outcomes[-1].speech_limited_db,
        streams=streams,
        stems=stem_writer.paths if stem_writer else (),
        warnings=(
            *streams.warnings,
            *(f"{change}: {out.suffix} files cannot store it" for change in found.unsaid),
            *(line for line in found.lost if line not in streams.warnings),
            *sound_warnings(used, missing_s, sheet, heard.target_lufs),
            *cut_off(before, original, streams, plan.n_samples),
        ),
    )


def first_gains(
    info: VideoInfo,
    sheet: CueSheet,
    *,
    track_paths: Mapping[str, Path],
    narration_path: Path | None = None,
    layout: str = "auto",
    progress: Progress = no_progress,
) -> CueSheet:
    """The sheet with the gains of the first pass: those of `render_film` before the written file is checked.

    Parameters
    ----------
    info : VideoInfo
        The film.
    sheet : CueSheet
        Which music sounds where.
    track_paths : mapping of str to Path
        Where the tracks of the cues lie, by track id.
    narration_path : Path, optional
        Where the narration of the sheet is.

    Raises
    ------
    InputError
        As `render_film`.
    """
    work, plan = _prepared(info, sheet, track_paths, narration_path, layout=layout, progress=progress)
    limiter_dbtp = sheet.mix.ceiling_dbtp - LOSSY_HEADROOM_DB
    levels, _ = measure(work, plan, ceiling_dbtp=limiter_dbtp)
    return _as_decided(sheet, levels, Setting(levels.master_gain_db, round(limiter_dbtp, 6), levels.master_cap_db))


def stretch_sound(
    info: VideoInfo,
    sheet: CueSheet,
    *,
    start: int,
    stop: int,
    track_paths: Mapping[str, Path],
    narration_path: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[int, Generator[FloatArray]]:
    """Number of channels, and the finished sound of a stretch: the samples of a render of the whole film.

    Parameters are those of `first_gains`, whose gains the sheet must have, and the samples at `MIX_RATE_HZ`.
    """
    work, plan = _prepared(info, sheet, track_paths, narration_path, layout="auto", progress=progress)
    notes = sheet.mix
    plan = replace(plan, music_gain_db=notes.music_gain_db or 0.0, master_gain_db=notes.master_gain_db or 0.0)
    limiter = Limiter(ceiling_dbtp=notes.limiter_dbtp or 0.0, channels=work.channels)
    return work.channels, mixed_between(work, plan, limiter, start=start, stop=stop)


def _prepared(
    info: VideoInfo,
    sheet: CueSheet,
    track_paths: Mapping[str, Path],
    narration_path: Path | None,
    *,
    layout: str,
    progress: Progress,
) -> tuple[Work, MixPlan]:
    """What a pass over the film needs, checked."""
    check_film(info, sheet)
    original = info.main_audio if sheet.mix.keep_original else None
    plan = plan_mix(sheet)
    check_tracks(plan, track_paths)
    work = Work(
        info,
        original,
        track_paths,
        plan.n_samples,
        progress,
        channels=_n_channels(layout, original),
        narration=sheet.narration,
        narration_path=narration_path,
    )
    return work, plan


def _as_decided(sheet: CueSheet, levels: Levels, setting: Setting) -> CueSheet:
    """The sheet with every gain that was decided."""
    mix = replace(
        sheet.mix,
        music_gain_db=levels.music_gain_db,
        master_gain_db=setting.master_gain_db,
        limiter_dbtp=setting.limiter_dbtp,
    )
    return cuesheet.rounded(replace(sheet, mix=mix, ducking=levels.ducking))


def require_decoder(info: VideoInfo, *, keeps: bool, hint: str) -> None:
    """Refuse a film whose own sound is to be kept and cannot be decoded.

    Parameters
    ----------
    info : VideoInfo
        The film.
    keeps : bool
        Whether its sound is to be kept.
    hint : str
        How to replace it.

    Raises
    ------
    InputError
        It has sound, of which none has a decoder.
    """
    if keeps and info.main_audio is not None and not info.main_audio.has_decoder:
        raise no_decoder(
            info.path, hint=f"{hint} to leave it out, or convert it with a program that supports the format"
        )


def _stems(
    folder: Path | None, name: str, *, files: Together, force: bool, channels: int
) -> contextlib.AbstractContextManager[StemWriter | None]:
    """The writer of stems, where they are wanted."""
    if folder is None:
        return contextlib.nullcontext()
    return StemWriter(folder, name, files=files, force=force, channels=channels)


def _require_peak(out: Path, true_peak_dbtp: float, allowed_dbtp: float) -> None:
    """Refuse a film that is still too loud after all attempts."""
    if true_peak_dbtp > allowed_dbtp:
        raise OutputError(
            f"{out}: true peak is {true_peak_dbtp:.1f} dBTP, limit {allowed_dbtp:g} dBTP",
            hint="lower the loudness with --target, or write .mkv, which stores the audio losslessly",
        )


def _n_channels(layout: str, original: StreamInfo | None) -> int:
    """Channels of the mix: as asked, else 5.1 for an original in 5.1 and stereo for everything else."""
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {LAYOUTS}, got {layout!r}")
    is_surround = original is not None and original.channels == _SURROUND_CHANNELS
    return _SURROUND_CHANNELS if layout == "5.1" or (layout == "auto" and is_surround) else 2


def output_plan(info: VideoInfo, out: Path, *, keeps_original: bool, layout: str, music_track: bool) -> MuxPlan:
    """What becomes of every stream, known before any work.

    Parameters are those of `render_film` and the wish to keep the film's own sound.

    Raises
    ------
    UsageError, OutputError
        As `plan_streams`.
    """
    original = info.main_audio if keeps_original else None
    channels = _n_channels(layout, original)
    return plan_streams(info, out, replaces=_replaced(info, original, channels=channels, music_track=music_track))


def _replaced(info: VideoInfo, original: StreamInfo | None, *, channels: int, music_track: bool) -> frozenset[int]:
    """Sound streams that don't go into the output as they are.

    The original lives on inside a mix of as many channels; one with more stays beside it, because the mix can't replace
    it. Asked for music only, the film loses the sound that would be played, and keeps commentaries.
    """
    main = info.main_audio
    if main is None or music_track:
        return frozenset()
    if original is not None and (main.channels or 2) > channels:
        return frozenset()
    return frozenset({main.index})


def check_film(info: VideoInfo, sheet: CueSheet) -> None:
    """Refuse a sheet that is plainly about another film, or keeps sound that cannot be decoded."""
    require_decoder(info, keeps=sheet.mix.keep_original, hint="set `mix.keep_original` in the sheet to false")
    if abs(info.duration_s - sheet.film.duration_s) > max(_FILM_TOLERANCE_S, 0.02 * info.duration_s):
        raise InputError(
            f"{info.path}: duration {info.duration_s:.1f} s, the cue sheet is about {sheet.film.name} of "
            f"{sheet.film.duration_s:.1f} s",
            hint="use the film of the cue sheet, or run `soundtrack spot` for this one",
            reason=Reason.BAD_FORMAT,
        )
