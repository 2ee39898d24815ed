"""A recorded voice for a film: read, placed, and counted as speech.

Goes in: the file that a person named and where it starts. Comes out: what a cue sheet says about it and where it
speaks, joined with the speech of the film, so that music is chosen, placed and lowered for both alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.naming.names import as_on_disk
from soundtrack.naming.wording import spoken_file
from soundtrack.pipeline.sheets.swap import ducked, mix_of
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import after_end, round_s, seconds
from soundtrack.types import CueSheet, Narration, SceneSheet, Span

_BLOCK_S = 10.0
_SILENT_LUFS = -60.0
"""Softer than this there is nothing to hear."""
LENGTH_SLACK_S = 0.5
"""A file whose length differs by more from what the sheet says is another recording."""


@dataclass(frozen=True, slots=True)
class NarrationWish:
    """A recorded voice that is to be mixed in."""

    path: Path
    """The file."""
    start_s: float = 0.0
    """Where it starts, film clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Narrated:
    """A narration that was read."""

    narration: Narration
    """As the sheet has it."""
    speech: tuple[Span, ...]
    """Where it speaks, film clock."""
    warnings: tuple[str, ...] = ()
    """What was odd, one line each."""

    def require_inside(self, length_s: float, *, slack_s: float = 0.0) -> None:
        """Refuse a narration that starts after the end of a film, which may turn out to be longer by some slack.

        Raises
        ------
        UsageError
            It does.
        """
        start_s = self.narration.start_s
        if start_s >= length_s + slack_s:
            raise UsageError(
                f"--narration-at {after_end(start_s, length_s)}",
                hint="use an earlier time, or leave out --narration-at to start with the film",
            )


def read_narration(wish: NarrationWish) -> Narrated:
    """A narration: its length, and where it speaks.

    Parameters
    ----------
    wish : NarrationWish
        The file, and where it starts.

    Raises
    ------
    InputError
        The file is missing, has no sound that can be decoded, or is silent.
    """
    path = as_on_disk(wish.path)
    length_s, spoken = _heard(path)
    if spoken is None:
        raise InputError(f"{path}: silent", hint="use another file with --narration", reason=Reason.NO_AUDIO)
    warnings = () if spoken else (f"{path}: no speech detected; all of it counts as speech",)
    speech = tuple(
        Span(round_s(wish.start_s + span.start_s), round_s(wish.start_s + min(span.end_s, length_s)))
        for span in spoken or [Span(0.0, length_s)]
    )
    return Narrated(Narration(str(path), round_s(wish.start_s), round_s(length_s)), speech, warnings)


def read_separated(path: Path, *, kept_as: Path, film: Path) -> Narrated | None:
    """The voices of a film that were separated from its music, as a narration from its first frame on; None for none.

    Parameters
    ----------
    path : Path
        The file as it is now.
    kept_as : Path
        Its name in the cue sheet.
    film : Path
        For messages.
    """
    length_s, spoken = _heard(path)
    if spoken is None:
        return None
    unspoken = f"{film}: no speech detected in the separated voices; the music is not lowered for them"
    speech = tuple(Span(round_s(span.start_s), round_s(min(span.end_s, length_s))) for span in spoken)
    return Narrated(Narration(str(kept_as), 0.0, round_s(length_s)), speech, () if spoken else (unspoken,))


def _heard(path: Path) -> tuple[float, list[Span] | None]:
    """Length of a recording in seconds, and where it speaks; None for silence."""
    from soundtrack.audio.downsample import Downsampler
    from soundtrack.audio.levels.loudness import LoudnessMeter
    from soundtrack.audio.mono import mono_of
    from soundtrack.audio.voices.speech import SpeechDetector
    from soundtrack.audio.voices.voice import SAMPLE_RATE_HZ
    from soundtrack.media.reading.audio import iter_audio

    meter, detector = LoudnessMeter(sample_rate_hz=MIX_RATE_HZ, true_peak=False), SpeechDetector()
    down = Downsampler(MIX_RATE_HZ, SAMPLE_RATE_HZ)
    n = 0
    for block in iter_audio(path, sample_rate_hz=MIX_RATE_HZ, channels=2, block_s=_BLOCK_S):
        n += block.shape[1]
        meter.push(block)
        detector.push(down.push(mono_of(block))[0])
    detector.push(down.finish()[0])
    length_s = seconds(n, sample_rate_hz=MIX_RATE_HZ)
    if n == 0 or meter.result().integrated_lufs <= _SILENT_LUFS:
        return length_s, None
    return length_s, [span for span in detector.finish() if span.start_s < length_s]


def narrated_scenes(scenes: SceneSheet, narrated: Narrated, *, keep_original: bool) -> SceneSheet:
    """The scenes of a film as they are with a narration over them.

    Parameters
    ----------
    scenes : SceneSheet
        Of the film by itself.
    narrated : Narrated
        The voice over it.
    keep_original : bool
        Whether the film's own sound stays; if not, its speech and music do not matter.
    """
    end_s = scenes.film.duration_s
    narrated.require_inside(end_s)
    speech = joined([*(scenes.speech if keep_original else ()), *narrated.speech], end_s=end_s)
    return replace(
        scenes,
        speech=speech,
        scenes=tuple(
            replace(
                scene,
                speech_share=min(1.0, sum(s.overlap_s(scene.span) for s in speech) / max(scene.span.duration_s, 1e-9)),
                music_share=scene.music_share if keep_original else 0.0,
            )
            for scene in scenes.scenes
        ),
        warnings=(*scenes.warnings, *narrated.warnings, *_cut_off(narrated.narration, end_s)),
    )


def narrated_sheet(sheet: CueSheet, wish: NarrationWish) -> CueSheet:
    """A cue sheet with a narration that it was not planned with: the music stays, and is lowered for both voices.

    Raises
    ------
    UsageError
        The sheet has a narration already, or the film ends before this one starts.
    InputError
        As `read_narration`.
    """
    if sheet.narration is not None:
        raise UsageError(
            f"--narration cannot be used: the cue sheet has a narration already ({sheet.narration.path})",
            hint="run `soundtrack spot` or `soundtrack score` with the new narration",
        )
    narrated = read_narration(wish)
    end_s = sheet.film.duration_s
    narrated.require_inside(end_s)
    sheet = replace(
        sheet,
        narration=narrated.narration,
        speech=joined([*sheet.speech, *narrated.speech], end_s=end_s),
        warnings=(*sheet.warnings, *narrated.warnings, *_cut_off(narrated.narration, end_s)),
    )
    return ducked(sheet, {}, mix_of(sheet))


def narration_path(sheet: CueSheet) -> Path | None:
    """Where the narration of a sheet is; None without one.

    Parameters
    ----------
    sheet : CueSheet
        Names it, and the voices that were separated from the film.

    Raises
    ------
    InputError
        It is missing, cannot be read, or is another recording.
    """
    from soundtrack.media.reading.probe import probe_audio

    if sheet.narration is None:
        return None
    path = as_on_disk(Path(sheet.narration.path))
    if not path.is_file():
        raise InputError(
            f"{path}: missing {spoken_file(path.name)} of the cue sheet",
            hint="restore the file, or correct `narration.path` in the cue sheet",
            reason=Reason.MISSING,
        )
    length_s, wanted_s = probe_audio(path).duration_s, sheet.narration.duration_s
    if length_s is not None and abs(length_s - wanted_s) > LENGTH_SLACK_S:
        raise InputError(
            f"{path}: duration {length_s:.1f} s, but {wanted_s:.1f} s in the cue sheet",
            hint="restore the file, or run `soundtrack score` again",
            reason=Reason.BAD_FORMAT,
        )
    return path


def joined(spans: Sequence[Span], *, end_s: float) -> tuple[Span, ...]:
    """Spans in order without overlaps, as far as they are before an end.

    Examples
    --------
    >>> joined([Span(4.0, 9.0), Span(1.0, 2.0), Span(1.5, 3.0)], end_s=8.0)
    (Span(start_s=1.0, end_s=3.0), Span(start_s=4.0, end_s=8.0))
    """
    result: list[Span] = []
    for span in sorted(spans):
        if span.start_s >= end_s:
            break
        stop_s = min(span.end_s, end_s)
        if result and span.start_s <= result[-1].end_s:
            result[-1] = Span(result[-1].start_s, max(result[-1].end_s, stop_s))
        else:
            result.append(Span(span.start_s, stop_s))
    return tuple(result)


def _cut_off(narration: Narration, end_s: float) -> list[str]:
    """What is said about a narration that is longer than the film."""
    late_s = narration.start_s + narration.duration_s - end_s
    if late_s <= LENGTH_SLACK_S:
        return []
    return [f"{narration.path}: ends {late_s:.1f} s after the film; the rest is left out"]
