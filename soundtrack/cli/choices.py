"""What the options of ``score``, ``spot`` and ``render`` ask for, as the pipeline takes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.cli.options import DensityName, DuckName, Layout

if TYPE_CHECKING:
    from soundtrack.pipeline import Keep as PipelineKeep
    from soundtrack.pipeline import Wishes
    from soundtrack.pipeline.library.permitted import Permit
    from soundtrack.pipeline.sheets.narration import NarrationWish
    from soundtrack.settings import MixSettings, SpottingSettings


def make_wishes(
    *,
    lock: list[str] | None,
    mood: list[str] | None,
    like: list[str] | None = None,
    silence: list[str] | None,
    hit: list[str] | None,
    avoid: list[str] | None,
    only: list[str] | None,
    avoid_recent: int,
    max_cues: int | None,
    one_track: bool,
    explore: float,
    allow_spoken: bool,
    no_explicit: bool = False,
    license: str | None = None,
    language: str | None = None,
    subtitles: bool = True,
    faces: bool = True,
    face_weight: float = 0.0,
    keep: str | None = None,
    track: Path | None = None,
    theme: str | None = None,
    narration: Path | None = None,
    narration_at: str | None = None,
    keep_voices: bool = False,
    duck_vocals: bool = False,
) -> Wishes:
    """What the user demands, as the pipeline takes it."""
    from soundtrack.cli.words import parse_hit, parse_lock, parse_mood, parse_span
    from soundtrack.pipeline.sheets.wishes import Wishes
    from soundtrack.queries.query import WordWish

    moods = [parse_mood(text) for text in mood or ()]
    return Wishes(
        locks=tuple(parse_lock(text) for text in lock or ()),
        moods=tuple(wish for wish in moods if not isinstance(wish, WordWish)),
        words=(*map(WordWish, like or ()), *(wish for wish in moods if isinstance(wish, WordWish))),
        silences=tuple(parse_span(text) for text in silence or ()),
        hits=tuple(parse_hit(text) for text in hit or ()),
        avoid=tuple(avoid or ()),
        only=tuple(only or ()),
        avoid_recent=avoid_recent,
        max_cues=max_cues,
        one_track=one_track,
        explore=explore,
        allow_spoken=allow_spoken,
        no_explicit=no_explicit,
        permit=make_permit(license, language),
        subtitles=subtitles,
        faces=faces,
        face_weight=face_weight,
        keep=None if keep is None else _locked_in(keep),
        track=track,
        theme=theme,
        narration=narration_wish(narration, narration_at),
        keep_voices=keep_voices,
        duck_vocals=duck_vocals,
    )


def require_faces(weight: float, *, wanted: bool, quiet: bool) -> None:
    """Refuse a ``--face-weight`` of faces that are left out; say what is missing where none can be read.

    Raises
    ------
    UsageError
        Faces have a weight and are left out.
    """
    from soundtrack.cli import output
    from soundtrack.errors import UsageError

    if weight and not wanted:
        raise UsageError("--face-weight cannot be used with --no-faces", hint="leave out one of the two")
    output.hint_at_faces(wanted=weight > 0, quiet=quiet)


def say_dropped(wishes: Wishes, settings: SpottingSettings, *, quiet: bool) -> None:
    """Name the options with which the sheet of ``--keep`` was made and this plan is not: they are not taken over."""
    from soundtrack.cli import output
    from soundtrack.pipeline.sheets.conditions import conditions_of, dropped

    if wishes.keep is None:
        return
    options = dropped(wishes.keep.sheet, conditions_of(wishes, settings, {}))
    if options:
        output.say_warnings(
            [f"{wishes.keep.name} was made with {'  '.join(options)}; this plan is made without"], quiet=quiet
        )


def make_permit(licences: str | None, languages: str | None) -> Permit:
    """What ``--license`` and ``--language`` permit.

    Raises
    ------
    UsageError
        A name is unknown.
    """
    from soundtrack.naming.languages import parse_languages
    from soundtrack.naming.licences import parse_licences
    from soundtrack.pipeline.library.permitted import Permit

    return Permit(
        frozenset() if licences is None else parse_licences(licences),
        frozenset() if languages is None else parse_languages(languages),
    )


def narration_wish(path: Path | None, at: str | None) -> NarrationWish | None:
    """The narration that ``--narration`` and ``--narration-at`` ask for.

    Raises
    ------
    UsageError
        The time is no time, or there is no narration to which it belongs.
    """
    from soundtrack.cli.words import parse_time
    from soundtrack.errors import UsageError
    from soundtrack.pipeline.sheets.narration import NarrationWish

    start_s = parse_time(at, "--narration-at")
    if path is None:
        if at is not None:
            raise UsageError("--narration-at requires --narration", hint="add --narration FILE")
        return None
    return NarrationWish(path, start_s or 0.0)


def _locked_in(source: str) -> PipelineKeep:
    """The locked cues of the sheet that ``--keep`` names; ``-`` is stdin."""
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet
    from soundtrack.pipeline import keep_locked

    name = "stdin" if source == "-" else source
    return keep_locked(cuesheet.loads(output.read_document(source), name=name), name=name)


def spotting_settings(
    *,
    seed: int,
    allow_vocals: bool,
    over_music: bool,
    stretch: str | None,
    density: DensityName,
    no_taste: bool,
    loop: bool = False,
) -> SpottingSettings:
    """Settings of the choice of music."""
    from soundtrack.cli.words import parse_stretch
    from soundtrack.config import load_config
    from soundtrack.pipeline.ground.preferences import with_taste
    from soundtrack.settings import LOOP_STRETCH, SpottingSettings

    weights = load_config()
    settings = SpottingSettings(
        density=density.value,
        seed=seed,
        allow_vocals=allow_vocals,
        over_music=over_music,
        stretch=parse_stretch(f"{LOOP_STRETCH}" if loop and stretch is None else stretch),
        loop=loop,
        merit=weights.merit,
        plan=weights.plan,
    )
    return settings if no_taste else with_taste(settings)


def mix_settings(
    *,
    target: str | None,
    keep_original: bool,
    keep_level: bool,
    duck: DuckName,
    music_level: float = 0.0,
    layout: Layout = Layout.AUTO,
) -> MixSettings:
    """Settings of the mix.

    Raises
    ------
    UsageError
        The film's own sound is to keep its level and to be replaced.
    """
    from soundtrack.cli.words import parse_loudness
    from soundtrack.errors import UsageError
    from soundtrack.pipeline.ground.defaults import with_target
    from soundtrack.settings import SPEECH_OVER_MUSIC_LU, MixSettings

    if keep_level and not keep_original:
        raise UsageError("--keep-level cannot be used with --replace", hint="leave out one of the two")
    made = MixSettings(
        music_level_db=music_level,
        keep_original=keep_original,
        keep_level=keep_level,
        speech_over_music_lu=SPEECH_OVER_MUSIC_LU[duck.value],
        layout=layout.value,
    )
    return with_target(made, parse_loudness(target))
