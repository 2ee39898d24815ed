"""Report of mixing and muxing, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from soundtrack.media.checking.fingerprint import FilmPrint
from soundtrack.media.writing.formats import Fate, MuxPlan
from soundtrack.mix.levels import MAX_MASTER_GAIN_DB, Levels
from soundtrack.naming.wording import spoken_file
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import CueSheet, StreamInfo

WORTH_SAYING_LU = 1.0
"""A target missed by more gets a warning; EBU R 128 allows as much where a gain cannot be chosen freely."""
LOUDNESS_TOLERANCE_LU = 0.2
"""Further from the target than this, the film is written once more."""

_LAYOUT_NAMES = {2: "stereo", 6: "5.1"}
_AUDIBLE_DB = 0.05
_HEARD_S = 0.5


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What mixing and muxing did."""

    path: Path
    """The scored film."""
    sheet: CueSheet
    """What was rendered, with every gain that was decided; rendering it again gives the same sound."""
    integrated_lufs: float
    """Loudness of its sound as decoded from the file; -70 for silence."""
    target_lufs: float
    """What had to meet the target: the same, or the loudness during speech."""
    true_peak_dbtp: float
    """True peak of its sound as decoded from the file; -99 for silence."""
    levels: Levels
    """What was measured before, and the gains that followed."""
    channels: int
    """Of the mix: 2 or 6."""
    limited_db: float
    """How far the limiter went down at most; 0 when it had nothing to do."""
    speech_limited_db: float
    """The same during speech."""
    streams: MuxPlan
    """What became of every stream of the film."""
    stems: tuple[Path, ...]
    """Stems written."""
    warnings: tuple[str, ...]
    """What could not be done as asked, one line each."""

    def summary(self) -> list[str]:
        """For people, a few lines."""
        mix = self.sheet.mix
        is_aimed_at = not mix.keep_level or self.levels.original_lufs is None
        target = f"target {mix.target_lufs:g} LUFS" if is_aimed_at else "no target (--keep-level)"
        lines = [
            f"{self.path}: {self.integrated_lufs:.1f} LUFS, true peak {self.true_peak_dbtp:.1f} dBTP",
            f"mix: {_LAYOUT_NAMES[self.channels]}, {target}, music"
            f" {self.levels.music_gain_db:+.1f} dB, whole {self.levels.master_gain_db:+.1f} dB",
            *self._dialogue(),
            *self._original(),
        ]
        if self.levels.speech_over_music_lu is not None:
            low_lu = self.levels.speech_over_music_low_lu
            often = "" if low_lu is None else f"; at least {low_lu:.1f} LU in 95% of windows of 3 s"
            lines.append(f"speech over music: {self.levels.speech_over_music_lu:.1f} LU as a whole{often}")
        return lines + [f"stem: {path}" for path in self.stems]

    def _dialogue(self) -> Iterator[str]:
        """What met a target for the dialogue; nothing about other targets."""
        if self.sheet.mix.dialogue_gated and self.sheet.speech:
            yield f"dialogue: {self.target_lufs:.1f} LKFS during speech"
        elif self.sheet.mix.dialogue_gated:
            yield "dialogue: no speech in the mix; the target is met by the whole"

    def _original(self) -> Iterator[str]:
        """What was done to the film's own sound, in one line; nothing about a film without any."""
        if self.levels.original_lufs is None:
            if self.sheet.film.has_audio:
                yield "original sound: replaced"
            return
        name = kept_sound(self.sheet)
        gain_db = self.levels.master_gain_db
        gain = "its own level" if abs(gain_db) < _AUDIBLE_DB else f"{gain_db:+.1f} dB"
        if self.limited_db < _AUDIBLE_DB:
            limited = "not limited"
        else:
            limited = f"limited by at most {self.limited_db:.1f} dB"
            if self.sheet.speech:
                limited += f", speech by {self.speech_limited_db:.1f} dB"
        yield f"{name}: {gain}, {limited}"

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "path": str(self.path),
            "integrated_lufs": round(self.integrated_lufs, 2),
            "true_peak_dbtp": round(self.true_peak_dbtp, 2),
            "layout": _LAYOUT_NAMES[self.channels],
            "target_lufs": self.sheet.mix.target_lufs,
            "dialogue_lufs": round(self.target_lufs, 2)
            if self.sheet.mix.dialogue_gated and self.sheet.speech
            else None,
            "music_gain_db": round(self.levels.music_gain_db, 2),
            "master_gain_db": round(self.levels.master_gain_db, 2),
            "speech_over_music_lu": _rounded(self.levels.speech_over_music_lu),
            "speech_over_music_low_lu": _rounded(self.levels.speech_over_music_low_lu),
            "original_lufs": _rounded(self.levels.original_lufs),
            "limited_db": round(self.limited_db, 2),
            "speech_limited_db": round(self.speech_limited_db, 2),
            "streams": [
                {"source": fate.source, "kind": fate.kind.value, "codec": fate.codec, "fate": fate.fate.value}
                for fate in self.streams.fates
            ],
            "stems": [str(path) for path in self.stems],
            "warnings": list(self.warnings),
        }


def _rounded(value: float | None) -> float | None:
    """Two decimals, or nothing."""
    return None if value is None else round(value, 2)


def cut_off(film: FilmPrint, original: StreamInfo | None, plan: MuxPlan, n_samples: int) -> Iterator[str]:
    """A line about the film's own sound after the end of the mix, which is that of the picture."""
    sound = None if original is None else film.streams[original.index]
    if sound is None or sound.end_s is None or not sound.has_steady_clock:
        return
    left_s = sound.end_s - n_samples / MIX_RATE_HZ
    if left_s > _HEARD_S and any(fate.fate is Fate.MIXED for fate in plan.fates):
        yield (
            f"the film's sound goes on for {left_s:.1f} s after the picture and is left out there: to keep it, lengthen"
            " the picture in an editing program"
        )


def kept_sound(sheet: CueSheet) -> str:
    """What is heard beside the music: the film's sound, the narration, or both."""
    if sheet.narration is None:
        return "original sound"
    spoken = spoken_file(sheet.narration.path)
    return f"original sound and {spoken}" if sheet.film.has_audio and sheet.mix.keep_original else spoken


def sound_warnings(levels: Levels, missing_s: Mapping[str, float], sheet: CueSheet, heard_lufs: float) -> Iterator[str]:
    """Lines about the sound.

    Parameters
    ----------
    levels : Levels
        With the final gain as it was used.
    missing_s : mapping of str to float
        Seconds by which a cue's track was too short.
    sheet : CueSheet
        As it came in.
    heard_lufs : float
        Loudness of what was written.
    """
    for cue_id, seconds_ in missing_s.items():
        if seconds_ > 0.05:
            yield f"cue {cue_id}: the track ends {seconds_:.1f} s early; the rest is silent"
    if levels.original_lufs is not None and not sheet.film.has_audio and sheet.narration is None:
        yield (
            "the film has sound, the film of the cue sheet had none: if that is the music already, set"
            " mix.keep_original to false"
        )
    notes, off_lu = sheet.mix, sheet.mix.target_lufs - heard_lufs
    if levels.is_silent:
        yield "the mix is silent; no gain applied"
        return
    if abs(off_lu) <= WORTH_SAYING_LU or (notes.keep_level and levels.original_lufs is not None):
        return
    came = f"the loudness of the mix is {abs(off_lu):.1f} LU {'under' if off_lu > 0 else 'over'} the target"
    came += f" of {notes.target_lufs:g} LUFS"
    if notes.master_gain_db is not None:
        yield f"{came}: the gain comes from the sheet (set mix.master_gain_db to null to measure it)"
    elif levels.is_too_quiet or levels.master_gain_db >= MAX_MASTER_GAIN_DB:
        yield f"the mix is very quiet: raised by only {levels.master_gain_db:.0f} dB, still below the target"
    elif off_lu > 0 and levels.master_gain_db >= levels.master_cap_db - _AUDIBLE_DB:
        yield f"{came}: more gain would limit the {kept_sound(sheet)} (--target {heard_lufs:.0f} fits)"
    else:
        yield f"{came}: limited by its peaks"
