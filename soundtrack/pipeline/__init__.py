"""The stages in order: everything the command line can do, as functions that take and return data.

    build_index:    folders of music            -> library index
    analyse_video:  film                        -> SceneSheet   (``scenes``)
    spot_video:     SceneSheet, library index   -> CueSheet     (``spot``)
    swap_music:     CueSheet, library index     -> CueSheet     (``render --swap``)
    render_video:   film, CueSheet              -> scored film  (``render``)
    score_video:    watch, spot and render in a row     (``score``)
    score_batch:    the same for many films             (``score --batch``)

Nothing here prints; progress is a callback ``(stage, done, total)``. The functions are listed in `__init__.pyi` and
loaded when they are used: a command that only indexes or searches takes half of its time for loading otherwise.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
