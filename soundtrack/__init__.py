"""soundtrack: score a film with your own music.

    index, scenes, spot, render, score, search      what the commands of the same names do
    Library                                         an index, opened once for several searches
    read_scenes, write_scenes, read_cues, write_cues    documents as files
    Wishes, SpottingSettings, MixSettings ...       what can be asked for
    CueSheet, SceneSheet, Track ...                 what comes back
    SoundtrackError and its children                what can go wrong

Importing the package imports none of its modules, and changes nothing in the process: each name is loaded when it is
used. They are listed in `__init__.pyi`, for type checkers as well.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
