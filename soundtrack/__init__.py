"""soundtrack: score a film with your own music.

    index, scenes, spot, render, score, search      what the commands of the same names do
    Library                                         an index, opened once for several searches
    read_scenes, write_scenes, read_cues, write_cues    documents as files
    Wishes, SpottingSettings, MixSettings ...       what can be asked for
    CueSheet, SceneSheet, Track ...                 what comes back
    SoundtrackError and its children                what can go wrong

Importing the package imports nothing else, and changes nothing in the process: each name is loaded when it is used.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
"""As in `typing`, which is not imported."""

if TYPE_CHECKING:
    from soundtrack.api import index, render, scenes, score, search, spot
    from soundtrack.errors import (
        DependencyError,
        ExitCode,
        FfmpegError,
        InputError,
        LibraryError,
        ModelError,
        NothingFitsError,
        OutputError,
        PartialError,
        Reason,
        SoundtrackError,
        UsageError,
    )
    from soundtrack.library.report import IndexReport, SkippedFile
    from soundtrack.library.search.query import Found
    from soundtrack.library.search.rules import RuleChange
    from soundtrack.merit_table import MeritTable, PlanTable, Row
    from soundtrack.mix.report import RenderReport
    from soundtrack.pipeline.ground.paths import PathLike
    from soundtrack.pipeline.library.opened import Library
    from soundtrack.pipeline.rendering import Scored
    from soundtrack.pipeline.sheets.keeping import Keep, keep_locked
    from soundtrack.pipeline.sheets.sheet_files import read_cues, read_scenes, write_cues, write_scenes
    from soundtrack.pipeline.sheets.wishes import LockWish, Wishes
    from soundtrack.progress import Progress
    from soundtrack.settings import MixSettings, SpottingSettings
    from soundtrack.spotting.merit.constraints import MoodWish
    from soundtrack.spotting.merit.moods import mood
    from soundtrack.types import (
        EMOTIONS,
        Alternative,
        Cue,
        CueSheet,
        EmotionState,
        FilmRef,
        ModelRef,
        Scene,
        SceneSheet,
        Section,
        Segment,
        SheetTrack,
        Shot,
        Span,
        Tags,
        Track,
    )

__all__ = [
    "EMOTIONS",
    "Alternative",
    "Cue",
    "CueSheet",
    "DependencyError",
    "EmotionState",
    "ExitCode",
    "FfmpegError",
    "FilmRef",
    "Found",
    "IndexReport",
    "InputError",
    "Keep",
    "Library",
    "LibraryError",
    "LockWish",
    "MeritTable",
    "MixSettings",
    "ModelError",
    "ModelRef",
    "MoodWish",
    "NothingFitsError",
    "OutputError",
    "PartialError",
    "PathLike",
    "PlanTable",
    "Progress",
    "Reason",
    "RenderReport",
    "Row",
    "RuleChange",
    "Scene",
    "SceneSheet",
    "Scored",
    "Section",
    "Segment",
    "SheetTrack",
    "Shot",
    "SkippedFile",
    "SoundtrackError",
    "Span",
    "SpottingSettings",
    "Tags",
    "Track",
    "UsageError",
    "Wishes",
    "__version__",
    "index",
    "keep_locked",
    "mood",
    "read_cues",
    "read_scenes",
    "render",
    "scenes",
    "score",
    "search",
    "spot",
    "write_cues",
    "write_scenes",
]

_NAMES = {
    "soundtrack.api": ("index", "render", "scenes", "score", "search", "spot"),
    "soundtrack.errors": (
        *("DependencyError", "ExitCode", "FfmpegError", "InputError", "LibraryError", "ModelError", "NothingFitsError"),
        *("OutputError", "PartialError", "Reason", "SoundtrackError", "UsageError"),
    ),
    "soundtrack.library.search.query": ("Found",),
    "soundtrack.library.report": ("IndexReport", "SkippedFile"),
    "soundtrack.library.search.rules": ("RuleChange",),
    "soundtrack.merit_table": ("MeritTable", "PlanTable", "Row"),
    "soundtrack.mix.report": ("RenderReport",),
    "soundtrack.pipeline.sheets.keeping": ("Keep", "keep_locked"),
    "soundtrack.pipeline.library.opened": ("Library",),
    "soundtrack.pipeline.ground.paths": ("PathLike",),
    "soundtrack.progress": ("Progress",),
    "soundtrack.pipeline.score": ("Scored",),
    "soundtrack.pipeline.sheets.sheet_files": ("read_cues", "read_scenes", "write_cues", "write_scenes"),
    "soundtrack.pipeline.sheets.wishes": ("LockWish", "Wishes"),
    "soundtrack.settings": ("MixSettings", "SpottingSettings"),
    "soundtrack.spotting.merit.constraints": ("MoodWish",),
    "soundtrack.spotting.merit.moods": ("mood",),
    "soundtrack.types": (
        *("EMOTIONS", "Alternative", "Cue", "CueSheet", "EmotionState", "FilmRef", "ModelRef", "Scene", "SceneSheet"),
        *("Section", "Segment", "SheetTrack", "Shot", "Span", "Tags", "Track"),
    ),
}
"""Modules, and what each of them gives to it."""

if not TYPE_CHECKING:  # or a type checker would take any name for a public one

    def __getattr__(name):
        """Load a public name when it is first used."""
        home = next((module for module, names in _NAMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """The public names, loaded or not, and the modules that are loaded."""
    return sorted({*__all__, *globals()})
