"""Conditions of a plan in the cue sheet, and back into a plan: planning again permits the same music as before.

Goes in: wishes and settings, or the sheet that they led to. Comes out: what the sheet says about them, or the wishes
and settings of the next plan. What locked cues and silences demand is in the sheet itself.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from soundtrack.documents import cuesheet
from soundtrack.errors import SoundtrackError
from soundtrack.files import safe_read
from soundtrack.library.search.library_view import LibraryView
from soundtrack.naming.lexicon import read_lexicon
from soundtrack.naming.names import as_on_disk
from soundtrack.naming.norms import use_words, words_path
from soundtrack.naming.playlists import is_playlist
from soundtrack.pipeline.library.permitted import Permit
from soundtrack.pipeline.sheets.sheet_files import read_cues
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.queries.query import WordWish
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.merit.constraints import MoodWish
from soundtrack.spotting.plan.kept import is_under
from soundtrack.timebase import clock
from soundtrack.types import AskedMood, Conditions, Cue, CueSheet, SceneSheet, Track

_NAMES = {"licences": "--license", "languages": "--language", "hits_s": "--hit", "moods": "--mood"}
_LISTS = ("licences", "languages")


def conditions_of(wishes: Wishes, settings: SpottingSettings, tracks: Mapping[str, Track]) -> Conditions:
    """What a sheet says about the wishes and settings that it was planned with.

    Parameters
    ----------
    wishes : Wishes
        As the plan takes them.
    settings : SpottingSettings
        Of the same plan.
    tracks : mapping of str to Track
        The music to choose from, by id.
    """
    theme = None if wishes.theme is None else tracks.get(wishes.theme)
    lexicon = words_path()
    return Conditions(
        only=tuple(map(_from_anywhere, wishes.only)),
        avoid=tuple(map(_from_anywhere, wishes.avoid)),
        licences=tuple(sorted(wishes.permit.licences)),
        languages=tuple(sorted(wishes.permit.languages)),
        no_explicit=wishes.no_explicit,
        allow_spoken=wishes.allow_spoken,
        allow_vocals=settings.allow_vocals,
        duck_vocals=wishes.duck_vocals,
        track=None if wishes.track is None else str(wishes.track.absolute()),
        theme=wishes.theme if theme is None else str(theme.path.absolute()),
        one_track=wishes.one_track,
        loop=settings.loop,
        max_cues=wishes.max_cues,
        avoid_recent=wishes.avoid_recent,
        density=settings.density,
        over_music=settings.over_music,
        stretch=settings.stretch,
        explore=wishes.explore,
        hits_s=wishes.hits,
        moods=(
            *(AskedMood(wish.text or wish.emotion.label, wish.span, wish.emotion) for wish in wishes.moods),
            *(AskedMood(_from_anywhere(wish.text, is_file=True), wish.span) for wish in wishes.words),
        ),
        lexicon=None if lexicon is None else str(lexicon.absolute()),
        subtitles=wishes.subtitles,
        faces=wishes.faces,
        face_weight=wishes.face_weight,
    )


def _from_anywhere(name: str, *, is_file: bool = False) -> str:
    """A playlist or another file by its full path: the next plan may be made in another folder."""
    path = as_on_disk(Path(name.strip()).expanduser())
    is_there = (is_file or is_playlist(path)) and os.path.isfile(path)  # noqa: PTH113 - words may be too long for a name
    return str(path.absolute()) if is_there else name


def as_in(scenes: SceneSheet, wishes: Wishes) -> Wishes:
    """Wishes with the options by which a film was watched, where its scene sheet states them."""
    note = scenes.watched
    if note is None:
        return wishes
    return replace(wishes, subtitles=note.subtitles, faces=note.faces, face_weight=note.face_weight)


def wishes_again(sheet: CueSheet) -> Wishes:
    """The wishes that a sheet was planned with; none that it does not state.

    Kept cues, silences, and the narration are not among them, nor are lowered vocals: they follow from the plan.
    """
    held = sheet.conditions or Conditions()
    return Wishes(
        only=held.only,
        avoid=held.avoid,
        permit=Permit(frozenset(held.licences), frozenset(held.languages)),
        no_explicit=held.no_explicit,
        allow_spoken=held.allow_spoken,
        track=None if held.track is None else Path(held.track),
        theme=held.theme,
        one_track=held.one_track,
        max_cues=held.max_cues,
        avoid_recent=held.avoid_recent,
        explore=held.explore,
        hits=held.hits_s,
        moods=mood_wishes(held.moods),
        words=word_wishes(held.moods),
        subtitles=held.subtitles,
        faces=held.faces,
        face_weight=held.face_weight,
    )


def mood_wishes(asked: Iterable[AskedMood], kept: Sequence[Cue] = ()) -> tuple[MoodWish, ...]:
    """The moods among some requests, without those that kept cues leave no room for."""
    moods = [MoodWish(m.span, m.emotion, m.text) for m in asked if m.emotion is not None and m.span is not None]
    return tuple(wish for wish in moods if not is_under(wish.span, kept))


def word_wishes(asked: Iterable[AskedMood]) -> tuple[WordWish, ...]:
    """The requests in words among some requests."""
    return tuple(WordWish(m.text, m.span) for m in asked if m.emotion is None)


def settings_again(sheet: CueSheet, settings: SpottingSettings) -> SpottingSettings:
    """The settings that a sheet was planned with, as far as it states them, and others as given."""
    held, weights = sheet.conditions, cuesheet.weights_of(sheet)
    settings = replace(settings, seed=sheet.seed)
    if held is not None:
        settings = replace(
            settings,
            density=held.density,
            over_music=held.over_music,
            stretch=held.stretch,
            loop=held.loop,
            allow_vocals=held.allow_vocals,
        )
    return settings if weights is None else replace(settings, merit=weights[0], plan=weights[1])


def permitted(sheet: CueSheet, library: LibraryView) -> frozenset[str]:
    """Ids of the tracks of a library that the conditions of a sheet permit; all where it states none.

    Raises
    ------
    UsageError
        The library has nothing of a name.
    """
    tracks = library.tracks()
    ordered = [tracks[track_id] for track_id in library.track_ids]
    found = wishes_again(sheet).choice(ordered, library.playlists(), former=library.former_names())
    ids = frozenset(library.track_ids) - found.avoid
    return ids if found.only is None else ids & found.only


def use_lexicon_of(sheet: CueSheet) -> None:
    """Let the word list of a sheet count in this process, if it has one.

    Raises
    ------
    InputError
        The file is missing or cannot be read.
    """
    if sheet.conditions is not None and sheet.conditions.lexicon is not None:
        path = Path(sheet.conditions.lexicon)
        use_words(read_lexicon(path).words, path)


def condition_options(held: Conditions) -> list[str]:
    """The conditions that differ from the defaults, as options of ``score``, one text each.

    Examples
    --------
    >>> condition_options(Conditions(only=("Jazz",), licences=("cc0", "own"), faces=False))
    ['--only Jazz', '--license cc0,own', '--no-faces']
    """
    found: list[str] = []
    for field in fields(Conditions):
        value = getattr(held, field.name)
        if value == field.default:
            continue
        option = _NAMES.get(field.name, f"--{field.name.replace('_', '-')}")
        if isinstance(value, bool):
            found.append(option if value else option.replace("--", "--no-", 1))
        elif field.name in _LISTS:
            found.append(f"{option} {','.join(value)}")
        elif field.name == "moods":
            found += [_shown(mood) for mood in value]
        elif field.name == "hits_s":
            found += [f"{option} {clock(time_s)}" for time_s in value]
        elif field.name == "stretch":
            found.append(f"{option} {100 * value:g}%")
        elif isinstance(value, tuple):
            found += [f"{option} {shlex.quote(name)}" for name in value]
        else:
            found.append(f"{option} {shlex.quote(str(value)) if isinstance(value, str) else f'{value:g}'}")
    return found


def _shown(asked: AskedMood) -> str:
    """A mood or request in words as an option."""
    if asked.span is None:
        return f"--like {shlex.quote(asked.text)}"
    return f"--mood {clock(asked.span.start_s)}-{clock(asked.span.end_s)}={shlex.quote(asked.text)}"


def unmet(finished: Path, asked: Conditions, *, film: Path, scored: Path) -> tuple[str, ...]:
    """What is said of a finished film that is of another source, or whose music was selected without some options.

    Parameters
    ----------
    finished : Path
        Its cue sheet; nothing is said of one that does not state its options.
    asked : Conditions
        Of this run.
    film, scored : Path
        The film, and what was made of it.
    """
    try:
        sheet = read_cues(finished)
    except SoundtrackError:
        return ()
    had = condition_options(asked if sheet.conditions is None else sheet.conditions)
    options = [option for option in condition_options(asked) if option not in had]
    lines = [f"finished by an earlier run without {'  '.join(options)}; add --force to score it again"]
    lines = lines if options else []
    if _is_other(film, sheet, since=scored):
        lines.append("replaced or changed since it was scored; add --force to score it again")
    return tuple(lines)


def _is_other(film: Path, sheet: CueSheet, *, since: Path) -> bool:
    """Whether a film is not that of a sheet; read only where its file is dated after another one."""
    try:
        own = film.stat()
        if max(own.st_mtime_ns, own.st_ctime_ns) <= since.stat().st_mtime_ns:
            return False
        return f"sha256:{safe_read.sha256(film)}" != sheet.film.fingerprint
    except (OSError, SoundtrackError):
        return False


def dropped(before: CueSheet, after: Conditions) -> Sequence[str]:
    """Conditions of an earlier sheet that a plan does not have, as options."""
    held = () if before.conditions is None else condition_options(before.conditions)
    return [option for option in held if option not in condition_options(after)]
