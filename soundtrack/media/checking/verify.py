"""Compare two films: every stream, tag and flag, with every difference named.

Goes in: the film and the scored film. Comes out: a `Comparison`. What the plan of the output announced (the original
sound inside the mix, a subtitle converted, an attachment that mp4 can't hold) is listed as expected; all else that
differs is a difference, and after rendering a difference is an error that leaves no file behind.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from soundtrack.errors import FfmpegError, InputError, OutputError
from soundtrack.media.checking.fingerprint import FilmPrint, StreamPrint, film_print, film_print_beside
from soundtrack.media.reading.headers import Facts
from soundtrack.media.reading.probe import probe
from soundtrack.media.spoken_lines import altered, come_alike
from soundtrack.media.writing.formats import Fate, MuxPlan, StreamFate, default_suffix, plan_streams
from soundtrack.media.writing.mp4_tags import tags_left_out
from soundtrack.media.writing.own_mark import TAG
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import StreamKind, VideoInfo

TIME_TOLERANCE_S = 0.01
"""First and last times of a stream may differ by this, since containers round; without time stamps, by a frame."""

END_TOLERANCE_S = 0.05
"""Tolerance for the end of the new sound and the start of its last packet, which encoders fill up."""

ASPECT_TOLERANCE = 1e-4
"""Tolerance for the shape of the picture's pixels, as a share: a fifth of a pixel of 1920."""

_DELAY_S = {"aac": 1024 / MIX_RATE_HZ, "opus": 312 / MIX_RATE_HZ}
"""How much an encoder puts in front of the sound, whose first packet is that much earlier."""

_OWN_TAGS = frozenset({
    "encoder", "major_brand", "minor_version", "compatible_brands", "duration", "creation_time", "handler_name",
    "vendor_id", "timecode", TAG,
})  # fmt: skip
_FRAMED_ALIKE = frozenset({"mp4", "mov", "matroska", "webm"})
_HOLDS_DEFAULT = ("mov", "matroska")
_MPEG_SOUND = frozenset({"mp1", "mp2", "mp3"})
_SHOWN_LETTERS = 80
_GENERAL_TAG = "mp4v"  # of any picture codec that mp4 names by a number


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was."""

    what: str
    """Which thing: ``video stream 0 (h264): packets``."""
    before: str
    """In the film."""
    after: str
    """In the scored film."""

    def __str__(self) -> str:
        return f"{self.what}: {self.before} became {self.after}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The film against the scored film."""

    differences: tuple[Difference, ...]
    """What was lost or changed without being announced; empty when all is well."""
    expected: tuple[str, ...]
    """What was announced, one line each."""
    unchanged: tuple[str, ...]
    """Streams that arrived bit for bit, one line each."""
    mix_stream: int
    """Index of the new sound in the scored film, -1 if there is none."""
    unsaid: tuple[str, ...] = ()
    """Which of the expected changes are labels that the container has no place for."""

    lost: tuple[str, ...] = ()
    """Which of the expected changes are losses that ffmpeg cannot prevent, one line each."""

    @property
    def is_same(self) -> bool:
        """Whether nothing differs that should not."""
        return not self.differences


def compare_streams(before: Path, after: Path) -> Comparison:
    """Compare a film with its scored version.

    Parameters
    ----------
    before : Path
        The film.
    after : Path
        The scored film; its suffix tells what it can hold.

    Raises
    ------
    InputError
        One of the two is no film.
    UsageError
        The suffix of `after` is unknown.
    """
    info = probe(before)
    probe(after)
    main = info.main_audio
    plan = plan_streams(info, after, replaces=frozenset({main.index}) if main else frozenset(), for_writing=False)
    return _compare(info, after, plan=plan, wants_mix=False)


def require_same(
    info: VideoInfo,
    part: Path,
    *,
    plan: MuxPlan,
    n_samples: int,
    music_track: bool = False,
    before: FilmPrint | None = None,
) -> Comparison:
    """Compare a freshly written file with its film and with what was planned.

    Parameters
    ----------
    info : VideoInfo
        The film.
    part : Path
        The written file, whatever its name.
    plan : MuxPlan
        What should have become of each stream.
    n_samples : int > 0
        Length of the mix at 48 kHz.
    music_track : bool
        Whether a stream of music alone should be there as well.
    before : FilmPrint, optional
        Of the film, from `print_before`, where it was taken already.

    Raises
    ------
    OutputError
        Something was lost or changed that should not have been; on a full disk this is how it shows.
    """
    n_ours = 2 if music_track else 1
    found = _compare(info, part, plan=plan, wants_mix=True, n_samples=n_samples, n_ours=n_ours, before=before)
    if not found.is_same:
        more = f" (and {len(found.differences) - 1} more)" if len(found.differences) > 1 else ""
        raise OutputError(
            f"the written film failed verification: {found.differences[0]}{more}",
            hint=f"the film's own kind of file, {default_suffix(info)}, can store it; otherwise check the disk",
        )
    return found


def print_before(info: VideoInfo, plan: MuxPlan) -> AbstractContextManager[Callable[[], FilmPrint]]:
    """What a film is to be compared by, once it is written again by this plan; taken beside other work."""
    return film_print_beside(info.path, video_stream=info.video_stream, by_slices=_is_reframed(info, plan))


def _is_reframed(info: VideoInfo, plan: MuxPlan) -> bool:
    """Whether the packets of the picture are cut up in another way."""
    return plan.container.muxer not in _FRAMED_ALIKE or not info.container.startswith(("mov", "matroska"))


def _compare(
    info: VideoInfo,
    after_path: Path,
    *,
    plan: MuxPlan,
    wants_mix: bool,
    n_samples: int | None = None,
    n_ours: int = 1,
    before: FilmPrint | None = None,
) -> Comparison:
    """Both prints, and what differs."""
    if before is None:
        with print_before(info, plan) as printed:
            before = printed()
    try:
        after = film_print(after_path, by_slices=_is_reframed(info, plan))
    except (InputError, FfmpegError) as error:
        if not wants_mix:
            raise
        raise OutputError(
            f"cannot read back the written film: {error}",
            hint="check that the folder and its disk are still there, or write to another disk",
        ) from error
    slack_s = TIME_TOLERANCE_S if plan.container.has_stamps else max(TIME_TOLERANCE_S, float(1 / info.fps))
    differences: list[Difference] = []
    expected: list[str] = []
    unchanged: list[str] = []
    unsaid: list[str] = []
    lost: list[str] = []
    unmatched = list(after.streams)
    mixed = {before.streams[fate.source].digest for fate in plan.fates if fate.fate is Fate.MIXED}
    has_mix = wants_mix or not mixed <= {s.digest for s in unmatched}  # its first sound then came from nowhere
    for fate in sorted(plan.fates, key=lambda fate: (fate.fate is Fate.MIXED, fate.fate is Fate.CONVERTED)):
        source = before.streams[fate.source]
        match fate.fate:
            case Fate.DROPPED:
                expected.append(f"{source.describe()}: omitted, not supported by {plan.container.muxer}")
                continue
            case Fate.REWRITTEN:
                continue
            case Fate.MIXED if wants_mix or not any(s.digest == source.digest for s in unmatched):
                expected.append(f"{source.describe()}: included in the mix")
                continue
        partner = _partner(source, fate, unmatched, skips_mix=has_mix)
        if partner is None:
            differences.append(Difference(source.describe(), "present", "missing"))
            continue
        unmatched.remove(partner)
        labels = _label_changes(source, partner, info, plan)
        changes = _stream_changes(source, partner, fate, slack_s=slack_s)
        changes += [change for what, change in labels.items() if what in plan.container.holds]
        unsaid += [f"{change}" for what, change in labels.items() if what not in plan.container.holds]
        differences += changes
        lost += _facts_lost(source.describe(), source.facts, partner.facts)
        if fate.fate is Fate.CONVERTED:
            expected.append(f"{source.describe()}: converted to {partner.codec}")
            lost += altered(source.texts, partner.texts, name=source.describe())
        elif not changes:
            unchanged.append(f"{source.describe()}: {source.n_packets} packets, sha256 {source.digest[:16]}")
    new_sounds = [s for s in unmatched if s.kind is StreamKind.AUDIO]
    differences += _whole_changes(before, after, plan)
    lost += _facts_lost("film", before.facts, after.facts) + _tags_lost(before, after, plan)
    if wants_mix:
        differences += _mix_changes(new_sounds, after, plan, n_samples=n_samples or 0, n_ours=n_ours)
    return Comparison(
        differences=tuple(differences),
        expected=(*unsaid, *lost, *expected),
        unsaid=tuple(unsaid),
        lost=tuple(lost),
        unchanged=tuple(unchanged),
        mix_stream=new_sounds[0].index if new_sounds else -1,
    )


def _partner(
    source: StreamPrint, fate: StreamFate, candidates: list[StreamPrint], *, skips_mix: bool
) -> StreamPrint | None:
    """The stream of the output that came from this one: by content, else the first of its kind that may be it."""
    alike = [s for s in candidates if s.kind is source.kind]
    exact = [s for s in alike if s.digest == source.digest and _is_codec(s.codec, source.codec)]
    if exact:
        return next((s for s in exact if (s.language, s.title) == (source.language, source.title)), exact[0])
    if fate.fate is Fate.CONVERTED:
        wanted = alike[1:] if skips_mix and source.kind is StreamKind.AUDIO else alike
        same_words = [s for s in wanted if source.texts and not altered(source.texts, s.texts, name="")]
        return next(iter(same_words + wanted), None)
    return next((s for s in alike if _is_codec(s.codec, source.codec)), None)


def _is_codec(one: str, other: str) -> bool:
    """Whether two names mean one codec: mp4 has one name for all layers of MPEG sound."""
    return one == other or {one, other} <= _MPEG_SOUND


def _stream_changes(source: StreamPrint, partner: StreamPrint, fate: StreamFate, *, slack_s: float) -> list[Difference]:
    """What differs between a stream and its partner; closed captions say themselves when they end."""
    name = source.describe()
    found: list[Difference] = []
    if fate.fate is not Fate.CONVERTED and source.digest != partner.digest:
        found.append(
            Difference(
                f"{name}: content",
                f"{source.n_packets} packets {source.digest[:12]}",
                f"{partner.n_packets} packets {partner.digest[:12]}",
            )
        )
    if fate.fate is Fate.CONVERTED and not come_alike(source.texts, partner.texts):
        found.append(Difference(f"{name}: text", f"{len(source.texts)} lines", f"{len(partner.texts)} lines"))
    if source.has_steady_clock and fate.fate is Fate.COPIED:
        ends = (source.last_s, partner.last_s, slack_s)
        if source.kind is not StreamKind.VIDEO:  # packets of sound are divided anew
            ends = (source.end_s, partner.end_s, max(END_TOLERANCE_S, slack_s))
        for what, old_s, new_s, most_s in (("start", source.start_s, partner.start_s, slack_s), ("end", *ends)):
            if old_s is None or new_s is None or (what == "end" and source.codec == "eia_608"):
                continue
            if abs(old_s - new_s) > most_s:
                found.append(Difference(f"{name}: {what}", f"{old_s:.3f} s", f"{new_s:.3f} s"))
    return found


def _label_changes(source: StreamPrint, partner: StreamPrint, info: VideoInfo, plan: MuxPlan) -> dict[str, Difference]:
    """What a stream says of itself and now says otherwise."""
    labels: dict[str, tuple[str | None, ...]] = {
        "language": (source.language, partner.language),
        "title": (source.title, partner.title),
        "file name": (source.file_name, partner.file_name if source.file_name else None),  # mp4 has none for a cover
        "media type": (source.media_type, partner.media_type if source.media_type else None),
    }
    flags = [s.flags - {"default"} for s in (source, partner)]
    in_mov = plan.container.muxer in ("mov", "mp4")
    is_alike = info.container.startswith("mov" if in_mov else plan.container.muxer)
    if is_alike or not flags[0] <= flags[1]:  # mp4 has one role for captions and for the hard of hearing
        labels["flags" if is_alike else "roles"] = tuple(" ".join(sorted(f)) or None for f in flags)
    if source.kind is StreamKind.SUBTITLE and info.container.startswith(_HOLDS_DEFAULT):
        labels["default"] = tuple("on" if "default" in s.flags else "off" for s in (source, partner))
    if _GENERAL_TAG not in (source.tag, partner.tag) and info.container.startswith("mov") and in_mov:
        labels["codec tag"] = (source.tag, partner.tag)
    return {
        what: Difference(f"{source.describe()}: {what}", str(old), str(new))
        for what, (old, new) in labels.items()
        if old != new
    }


def _facts_lost(name: str, old: Facts, new: Facts) -> list[str]:
    """What the headers said and say no more."""
    now = dict(new)
    return [
        f"{name}: {what} not kept: {value}" + (f" became {now[what]}" if what in now else "")
        for what, value in old
        if now.get(what) != value
    ]


def _tags_lost(before: FilmPrint, after: FilmPrint, plan: MuxPlan) -> list[str]:
    """Tags that ffmpeg cannot write beside those that players know."""
    return [
        f"tag {name} not kept: {before.tags[name][:_SHOWN_LETTERS]!r}"
        for name in sorted(tags_left_out(before.tags, plan.container.muxer))
        if after.tags.get(name) != before.tags[name]
    ]


def _whole_changes(before: FilmPrint, after: FilmPrint, plan: MuxPlan) -> list[Difference]:
    """What differs about the file as a whole: how it is shown, chapters, tags."""
    found: list[Difference] = []
    converted = plan.fates[before.video_stream].fate is Fate.CONVERTED
    if before.picture and after.picture and not converted:
        alike = {
            "aspect": _nearly(before.picture.aspect, after.picture.aspect),
            "colour": _usual_range(before.picture.colour) == _usual_range(after.picture.colour),
        }
        for name in ("size_px", "rotation_deg", "aspect", "colour", "side_data"):
            old, new = getattr(before.picture, name), getattr(after.picture, name)
            if old != new and not alike.get(name, False):
                found.append(Difference(f"picture: {name}", str(old), str(new)))
    elif before.picture and not after.picture:
        found.append(Difference("picture", "decodes", "does not"))
    if plan.container.has_chapters and not _same_chapters(before, after, has_ends=plan.container.has_chapter_ends):
        found.append(Difference("chapters", str(len(before.chapters)), str(len(after.chapters))))
    left_out = tags_left_out(before.tags, plan.container.muxer)
    if plan.container.muxer in ("mp4", "mov", "matroska", "webm"):
        for name, value in sorted(before.tags.items()):
            if name not in _OWN_TAGS | left_out and after.tags.get(name) != value:
                found.append(Difference(f"tag {name}", repr(value), repr(after.tags.get(name))))
    return found


def _nearly(one: str, other: str) -> bool:
    """Whether two ratios are the same but for rounding: codecs and containers keep them with few digits."""
    return abs(Fraction(other) / Fraction(one) - 1) <= ASPECT_TOLERANCE


def _usual_range(colour: tuple[int, ...]) -> tuple[int, ...]:
    """Colour with an unsaid range as the limited one, which it means: Matroska says it, mp4 often leaves it out."""
    return (colour[0] or 1, *colour[1:])


def _same_chapters(before: FilmPrint, after: FilmPrint, *, has_ends: bool) -> bool:
    """Whether chapters have the same names and, to a tenth of a second, the same times as far as a file has them."""
    return len(before.chapters) == len(after.chapters) and all(
        abs(a[0] - b[0]) <= 10 and (abs(a[1] - b[1]) <= 10 or not has_ends) and a[2] == b[2]
        for a, b in zip(before.chapters, after.chapters, strict=True)
    )


def _mix_changes(
    new_sounds: list[StreamPrint], after: FilmPrint, plan: MuxPlan, *, n_samples: int, n_ours: int
) -> list[Difference]:
    """Whether the new sound exists, is the default, and covers the picture from start to end."""
    if len(new_sounds) < n_ours:
        return [Difference("new sound", "wanted", "missing")]
    found: list[Difference] = []
    first_sound = next(s for s in after.streams if s.kind is StreamKind.AUDIO)
    is_default = "default" in first_sound.flags or "default" not in plan.container.holds
    if first_sound.index != new_sounds[0].index or not is_default:
        found.append(Difference("new sound", "first and default", f"stream {new_sounds[0].index}"))
    wanted_s = n_samples / MIX_RATE_HZ
    starts_s = -_DELAY_S.get(plan.container.codec, 0.0)
    for sound in new_sounds[:n_ours]:
        if sound.start_s is None or sound.end_s is None:
            found.append(Difference("new sound: start", "0.000 s", "none"))
        elif abs(sound.start_s - starts_s) > TIME_TOLERANCE_S and plan.container.has_stamps:
            found.append(Difference("new sound: start", f"{starts_s:.3f} s", f"{sound.start_s:.3f} s"))
        elif sound.end_s < wanted_s - END_TOLERANCE_S or (sound.last_s or 0.0) > wanted_s + END_TOLERANCE_S:
            found.append(Difference("new sound: end", f"{wanted_s:.3f} s", f"{sound.end_s:.3f} s"))
    return found
