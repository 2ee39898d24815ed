"""soundtrack: score a film with your own music.

    index, scenes, spot, render, score, search      what the commands of the same names do
    Library                                         an index, opened once for several searches
    read_scenes, write_scenes, read_cues, write_cues    documents as files
    Wishes, SpottingSettings, MixSettings ...       what can be asked for
    CueSheet, SceneSheet, Track ...                 what comes back
    SoundtrackError and its children                what can go wrong

Importing the package imports nothing else, and changes nothing in the process: each name is loaded when it is used.
They are listed in `__init__.pyi`, for type checkers as well.
"""

__version__ = "0.1.0"


def _loader():  # type: ignore[no-untyped-def]  # the types are those of the stub
    import lazy_loader  # not above: `python -m soundtrack` takes the working folder off the module path first

    return lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name):  # type: ignore[no-untyped-def]
    """Load a public name when it is first used."""
    load, _, names = _loader()
    return names if name == "__all__" else load(name)


def __dir__():  # type: ignore[no-untyped-def]
    """The public names, loaded or not."""
    return _loader()[2]
