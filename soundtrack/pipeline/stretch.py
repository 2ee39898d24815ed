"""A stretch of a film with its new music, to look at before the whole is rendered."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from soundtrack.errors import UsageError
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.ducked_vocals import swapped_vocals
from soundtrack.pipeline.rendering import as_watched, other_film_lines
from soundtrack.pipeline.sheets.narration import narration_path
from soundtrack.pipeline.sheets.sheet_tracks import replaced_lines, track_paths_of, with_files_beside
from soundtrack.pipeline.sheets.targets import guard
from soundtrack.progress import Progress, no_progress
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import after_end, clock, samples
from soundtrack.types import CueSheet, Span, VideoInfo

SHORTEST_S = 0.5
"""A shorter stretch is refused."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was written."""

    path: Path
    """The file."""
    film: Path
    """The film that it is a part of."""
    span: Span
    """Which part, on the film's clock, in whole frames."""
    n_frames: int
    """Its frames."""
    draft: bool
    """Whether the picture was made small."""
    mixed: str
    """What is in the mix."""
    is_measured: bool
    """Whether the gains were measured for it, since the sheet had none."""
    warnings: tuple[str, ...] = ()
    """Film and tracks whose files are not those of the sheet, a line each."""

    def summary(self) -> list[str]:
        """For people, two lines."""
        size = "draft size" if self.draft else "full size"
        gains = "measured over the whole film" if self.is_measured else "those of the cue sheet"
        return [
            f"{self.path}: a stretch of {self.film.name}, {clock(self.span.start_s)} to {clock(self.span.end_s)},"
            f" {self.n_frames} frames, {size}, picture re-encoded",
            f"mix: {self.mixed}, as in the whole film; gains: {gains}",
        ]

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "path": str(self.path),
            "stretch": {"start_s": round(self.span.start_s, 6), "end_s": round(self.span.end_s, 6)},
            "n_frames": self.n_frames,
            "draft": self.draft,
            "warnings": list(self.warnings),
        }


def render_stretch(
    video: Path,
    sheet: CueSheet,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    draft: bool = False,
    out: Path | None = None,
    inputs: tuple[Path, ...] = (),
    index: Path | None = None,
    former: CueSheet | None = None,
    progress: Progress = no_progress,
) -> Stretch:
    """Write a stretch of the film with the sound that `render_video` would give it there; never replaces a file.

    Parameters
    ----------
    video : Path
        The film that the sheet is about.
    sheet : CueSheet
        Gains that it does not hold are measured over the whole film, as the first pass of `render_video` does.
    start_s, end_s : float
        Film clock, taken to the nearest frames; to the end by default.
    draft : bool
        A small picture, encoded quickly.
    out : Path, optional
        MP4, MOV or MKV; by default beside the film, with the times in its name.
    inputs : tuple of Path
        Further files that must not be overwritten.
    index : Path, optional
        Asked for tracks that are no longer where the sheet says.
    former : CueSheet, optional
        As `render_video` takes it.

    Raises
    ------
    UsageError
        There is no such stretch, or no such format.
    InputError
        The film or a track cannot be read, or the sheet makes no sense.
    OutputError
        The target exists or cannot be written.
    FfmpegError
        ffmpeg failed.
    """
    from soundtrack.documents import cuesheet
    from soundtrack.files.safe_write import replacing
    from soundtrack.files.targets import Target
    from soundtrack.media.reading.probe import probe
    from soundtrack.media.writing.own_mark import FILM
    from soundtrack.media.writing.stretch_film import FORMATS, write_stretch
    from soundtrack.mix.render import first_gains, stretch_sound

    cuesheet.check(sheet)
    video = as_on_disk(video)
    sheet = with_files_beside(sheet, [*inputs, video])
    former = None if former is None else with_files_beside(former, [*inputs, video])
    info = as_watched(probe(video), sheet)
    others = other_film_lines(info.path, sheet)
    first, last = _frames(info, start_s, end_s)
    span = Span(float(first / info.fps), float(last / info.fps))
    out = out or _default_path(info, span, draft=draft)
    if out.suffix.lower() not in FORMATS:
        raise UsageError(f"{out}: unsupported format for a stretch", hint="use .mp4, .mov or .mkv")
    tracks, voice = track_paths_of(sheet, index), narration_path(sheet)
    voices = [] if voice is None else [voice]
    guard([Target(out, FILM)], inputs=[info.path, *inputs, *voices, *tracks.values()], index=index)
    replaced = replaced_lines(sheet, tracks, index)
    with swapped_vocals(sheet, former, beside=None, index=index, progress=progress) as lowered:
        tracks = track_paths_of(lowered, index)
        is_measured = None in (lowered.mix.music_gain_db, lowered.mix.master_gain_db, lowered.mix.limiter_dbtp)
        if is_measured:
            given = first_gains(info, lowered, track_paths=tracks, narration_path=voice, progress=progress)
        else:
            given = lowered
        start, stop = (samples(t, sample_rate_hz=MIX_RATE_HZ) for t in (span.start_s, span.end_s))
        channels, sound = stretch_sound(
            info,
            given,
            start=start,
            stop=stop,
            track_paths=tracks,
            narration_path=voice,
            progress=progress,
        )
        has_sound = sheet.mix.keep_original and info.main_audio is not None
        mixed = "film sound and music" if has_sound else "music without film sound"
        with contextlib.closing(sound), replacing(out, kind=FILM) as part:
            write_stretch(
                info,
                part,
                sound,
                suffix=out.suffix.lower(),
                first_frame=first,
                n_frames=last - first,
                fps=info.fps,
                channels=channels,
                sample_rate_hz=MIX_RATE_HZ,
                draft=draft,
            )
    return Stretch(out, info.path, span, last - first, draft, mixed, is_measured, (*others, *replaced))


def _frames(info: VideoInfo, start_s: float, end_s: float | None) -> tuple[int, int]:
    """First frame of a stretch, and the one after its last."""
    end_s = info.duration_s if end_s is None else end_s
    if not 0 <= start_s < info.duration_s:
        raise UsageError(
            f"--from {after_end(start_s, info.duration_s)}",
            hint="use an earlier time",
        )
    if end_s > info.duration_s + 1 / float(info.fps):
        raise UsageError(f"--to {after_end(end_s, info.duration_s)}", hint="use an earlier time")
    if end_s - start_s < SHORTEST_S:
        raise UsageError(
            f"the stretch from {clock(start_s)} to {clock(end_s)} is shorter than {SHORTEST_S:g} s",
            hint="use --from and --to further apart",
        )
    first, last = (round(Fraction(t) * info.fps) for t in (start_s, min(end_s, info.duration_s)))
    return first, last


def _default_path(info: VideoInfo, span: Span, *, draft: bool) -> Path:
    """Beside the film, with the times in its name."""
    times = "-".join(clock(t).replace(":", "m") + "s" for t in (span.start_s, span.end_s))
    return info.path.with_name(f"{info.path.stem[:150]}.{times}{'.draft' if draft else ''}.mp4")
