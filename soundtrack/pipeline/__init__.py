"""The stages in order: everything the command line can do, as functions that take and return data.

    build_index:    folders of music            -> library index
    analyse_video:  film                        -> SceneSheet   (``scenes``)
    spot_video:     SceneSheet, library index   -> CueSheet     (``spot``)
    swap_music:     CueSheet, library index     -> CueSheet     (``render --swap``)
    render_video:   film, CueSheet              -> scored film  (``render``)
    score_video:    watch, spot and render in a row     (``score``)
    score_batch:    the same for many films             (``score --batch``)

Nothing here prints; progress is a callback ``(stage, done, total)``. Each function is loaded when it is used: a command
that only indexes or searches takes half of its time for loading otherwise.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundtrack.pipeline.batch import BatchOrder, FilmOrder, score_batch
    from soundtrack.pipeline.film.analyse import analyse_video
    from soundtrack.pipeline.ground.film_list import films_of, listed_films, settings_beside, settings_path
    from soundtrack.pipeline.library.building import build_index
    from soundtrack.pipeline.library.music import (
        current_model,
        index_dir,
        music_channels,
        music_projection,
        open_library,
        read_music,
    )
    from soundtrack.pipeline.pictured import music_for_picture
    from soundtrack.pipeline.rendering import Scored, render_video
    from soundtrack.pipeline.score import plan_video, score_video, spot_video
    from soundtrack.pipeline.sheets.keeping import Keep, keep_locked
    from soundtrack.pipeline.sheets.swap import swap_music, swapped_lines
    from soundtrack.pipeline.sheets.wishes import Wishes
    from soundtrack.pipeline.track_opinions import segments_of_cues, with_opinions

__all__ = [
    "BatchOrder",
    "FilmOrder",
    "Keep",
    "Scored",
    "Wishes",
    "analyse_video",
    "build_index",
    "current_model",
    "films_of",
    "index_dir",
    "keep_locked",
    "listed_films",
    "music_channels",
    "music_for_picture",
    "music_projection",
    "open_library",
    "plan_video",
    "read_music",
    "render_video",
    "score_batch",
    "score_video",
    "segments_of_cues",
    "settings_beside",
    "settings_path",
    "spot_video",
    "swap_music",
    "swapped_lines",
    "with_opinions",
]

_NAMES = {
    "soundtrack.pipeline.batch": ("BatchOrder", "FilmOrder", "score_batch"),
    "soundtrack.pipeline.film.analyse": ("analyse_video",),
    "soundtrack.pipeline.ground.film_list": ("films_of", "listed_films", "settings_beside", "settings_path"),
    "soundtrack.pipeline.library.building": ("build_index",),
    "soundtrack.pipeline.library.music": (
        "current_model",
        "index_dir",
        "music_channels",
        "music_projection",
        "open_library",
        "read_music",
    ),
    "soundtrack.pipeline.pictured": ("music_for_picture",),
    "soundtrack.pipeline.rendering": ("Scored", "render_video"),
    "soundtrack.pipeline.score": ("plan_video", "score_video", "spot_video"),
    "soundtrack.pipeline.sheets.keeping": ("Keep", "keep_locked"),
    "soundtrack.pipeline.sheets.swap": ("swap_music", "swapped_lines"),
    "soundtrack.pipeline.sheets.wishes": ("Wishes",),
    "soundtrack.pipeline.track_opinions": ("segments_of_cues", "with_opinions"),
}
"""Modules, and what each of them gives to it."""

if not TYPE_CHECKING:  # or a type checker would take any name for one of these

    def __getattr__(name):
        """Load a name when it is first used."""
        home = next((module for module, names in _NAMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(home), name)
        globals()[name] = value
        return value
