"""Values that the shell completes: moods, tracks, models, loudness targets and export formats.

Errors such as a missing index give no values and no message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_MOST = 200
"""Values that are offered at most."""


def _offer(values: Callable[[], Sequence[str]], incomplete: str, *, after: str = "") -> list[str]:
    """The values that continue a word, each behind the part of it that is typed already."""
    from soundtrack.errors import SoundtrackError

    try:
        head, mark, begun = incomplete.partition(after) if after else ("", "", incomplete)
        if after and not mark:
            return []
        found = [value for value in values() if value.lower().startswith(begun.lower())]
    except (SoundtrackError, OSError):  # a missing or busy index must not disturb the shell
        return []
    return [f"{head}{mark}{value}" for value in found[:_MOST]]


def _moods() -> list[str]:
    from soundtrack.naming.mood_words import ASKED
    from soundtrack.types import EMOTIONS

    return sorted({word.lower() for word in (*EMOTIONS, *ASKED)})


def _models() -> list[str]:
    from soundtrack.checkpoints.manifest import all_models

    return sorted(model.entry.name for model in all_models())


def _targets() -> list[str]:
    from soundtrack.settings import TARGET_NAMES

    return list(TARGET_NAMES)


def _formats() -> list[str]:
    from soundtrack.export import load_exporters

    return sorted(load_exporters())


def _tracks() -> list[str]:
    from soundtrack.library.store.store import open_store
    from soundtrack.pipeline import index_dir

    with open_store(index_dir(None)) as store:
        return sorted({place.name for place in store.locations()})


def moods(incomplete: str) -> list[str]:
    """Moods, for ``--mood MOOD``."""
    return _offer(_moods, incomplete)


def span_moods(incomplete: str) -> list[str]:
    """Moods behind a time span, for ``--mood SPAN=MOOD``."""
    return _offer(_moods, incomplete, after="=")


def models(incomplete: str) -> list[str]:
    """Installed models."""
    return _offer(_models, incomplete)


def targets(incomplete: str) -> list[str]:
    """Names of loudness targets."""
    return _offer(_targets, incomplete)


def formats(incomplete: str) -> list[str]:
    """Formats of ``cues export``."""
    return _offer(_formats, incomplete)


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The most similar of some names, or None."""
    import difflib

    return next(iter(difflib.get_close_matches(name.lower(), known, n=1)), None)


def tracks(incomplete: str) -> list[str]:
    """File names of tracks."""
    return _offer(_tracks, incomplete)


def time_tracks(incomplete: str) -> list[str]:
    """File names of tracks behind a time, for ``--lock TIME=TRACK``."""
    return _offer(_tracks, incomplete, after="=")
