"""Report of a batch: what became of each film, with its silences, its doubtful choices and its failures.

Goes in: a `Night`. Comes out: JSON for machines, or an HTML page that needs nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from soundtrack.export.page.page import POLICY, rendered
from soundtrack.naming.wording import counted, is_note
from soundtrack.types import Silence

SCHEMA = "soundtrack.night/1"
"""What the JSON says it is."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A cue whose music is second best."""

    cue_id: str
    """Name of the cue."""
    start_s: float
    """Start on the film clock, in seconds."""
    music: str
    """Name of the track."""
    reason: str
    """Why it is doubtful, in one line."""


@dataclass(frozen=True, slots=True)
class FilmNight:
    """What became of one film."""

    film: str
    """Path of the film."""
    state: str
    """``scored``, ``finished`` (in an earlier run) or ``failed``."""
    output: str | None = None
    """Path of the scored film."""
    message: str = ""
    """Why it failed."""
    hint: str = ""
    """What to do about it."""
    exit_code: int = 0
    """Exit code of `soundtrack score` for this film alone."""
    duration_s: float | None = None
    """Length of the film, in seconds; None if it is not known."""
    music_s: float | None = None
    """Length of the film under music, in seconds."""
    n_cues: int | None = None
    """Number of cues."""
    silences: tuple[Silence, ...] = ()
    """Spans without music, and why."""
    second_best: tuple[Doubt, ...] = ()
    """Cues whose music is second best."""
    warnings: tuple[str, ...] = ()
    """What could not be done as asked, and how requests were understood."""

    @property
    def has_warnings(self) -> bool:
        """Whether anything could not be done as asked."""
        return not all(is_note(line) for line in self.warnings)

    @property
    def share(self) -> str:
        """Share of the film under music, as text."""
        return "" if not self.duration_s or self.music_s is None else f"{self.music_s / self.duration_s:.0%}"


Night = Sequence[FilmNight]
"""The films of a batch, in order."""


def night_json(films: Night) -> str:
    """The report as JSON, with counts first."""
    counts = {state: sum(film.state == state for film in films) for state in ("scored", "finished", "failed")}
    report = {
        "schema": SCHEMA,
        **counts,
        "with_silence": sum(bool(film.silences) for film in films),
        "with_second_best": sum(bool(film.second_best) for film in films),
        "films": [asdict(film) for film in films],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def night_page(films: Night) -> str:
    """The report as an HTML page: failures, films with silences, doubtful choices or warnings, then all others."""
    failed = [film for film in films if film.state == "failed"]
    doubtful = [f for f in films if f.state != "failed" and (f.second_best or f.silences or f.has_warnings)]
    n_scored = sum(film.state == "scored" for film in films)
    n_finished = sum(film.state == "finished" for film in films)
    summary = (
        f"{counted(len(films), 'film')}: {n_scored} scored, {n_finished} finished in an earlier run,"
        f" {len(failed)} failed; {sum(bool(film.silences) for film in films)} with silence,"
        f" {sum(bool(film.second_best) for film in films)} with music that is second best."
    )
    fine = [film for film in films if film not in failed and film not in doubtful]
    return rendered("night.html.jinja", policy=POLICY, summary=summary, failed=failed, doubtful=doubtful, fine=fine)
