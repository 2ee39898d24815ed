"""A rule for soundtrack: tracks whose licence forbids commercial use are not used in films."""

import re

from soundtrack.library.search.installed_rules import MusicRule, TrackFacts

_NON_COMMERCIAL = re.compile(r"\bnc\b|non-?commercial", re.IGNORECASE)


def excludes(track: TrackFacts) -> bool:
    """Return whether the licence in the tags forbids commercial use, such as ``CC BY-NC 4.0``."""
    return bool(_NON_COMMERCIAL.search(track.tags.get("licence", "")))


commercial = MusicRule("tracks whose licence forbids commercial use", excludes)
