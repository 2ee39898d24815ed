"""Locations of data: models, the small working index, and the user's folders.

An installed wheel carries them inside the package, a checkout has them beside it; the package is looked at first. What
the user makes or fetches is in the folders of the platform (XDG on Linux), never inside the package.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.errors import DependencyError

if TYPE_CHECKING:
    from soundtrack.config import Config

_PACKAGE = Path(__file__).resolve().parent
_COMPILED = frozenset({".pyc", ".pyo", ".nbc", ".nbi"})


def _carried(inside: str, beside: str) -> Path:
    """The wheel's copy, else the checkout's."""
    for path in (_PACKAGE / "_data" / inside, _PACKAGE.parent / beside):
        if path.exists():
            return path
    raise DependencyError(
        f"{beside} is missing from this installation of soundtrack",
        hint="run `pip install --force-reinstall soundtrack`",
    )


def code_digest(*names: str) -> str:
    """Hash of the code and data of some packages, used as their version number.

    Parameters
    ----------
    *names : str
        Packages, with all that is in them, and modules; such as ``soundtrack.audio``.

    Raises
    ------
    FileNotFoundError
        There is no such part.
    """
    digest = hashlib.sha256()
    for name in names:
        place = _PACKAGE.parent.joinpath(*name.split("."))
        found = sorted(path for path in place.rglob("*") if path.is_file() and path.suffix not in _COMPILED)
        for path in found if place.is_dir() else [place.with_suffix(".py")]:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def models_dir() -> Path:
    """Folder of the models that come with the tool, with ``manifest.json``."""
    return _carried("models", "models")


def example_index_dir() -> Path:
    """Folder of the small working index that comes with the tool."""
    return _carried("library_index", "library_index")


def cache_dir() -> Path:
    """Folder for what can be made or fetched again; need not exist."""
    from platformdirs import user_cache_path

    return user_cache_path("soundtrack")


def user_models_dir() -> Path:
    """Folder of models that the user fetched or added; need not exist."""
    return cache_dir() / "models"


def user_index_dir() -> Path:
    """Folder of the user's own library index; need not exist."""
    from platformdirs import user_data_path

    return user_data_path("soundtrack") / "library_index"


def user_ledger_path() -> Path:
    """File that remembers what earlier films used; need not exist."""
    from platformdirs import user_data_path

    return user_data_path("soundtrack") / "ledger.jsonl"


def user_answers_path() -> Path:
    """File of the answers of blind comparisons (``review --ab``); need not exist."""
    from platformdirs import user_data_path

    return user_data_path("soundtrack") / "answers.jsonl"


def user_choices_path() -> Path:
    """File of the choices of a person in edits of cue sheets; need not exist."""
    from platformdirs import user_data_path

    return user_data_path("soundtrack") / "choices.jsonl"


def index_dir(explicit: Path | None, config: Config) -> Path:
    """Folder of the library index: the one named, else the configured one, else the user's own; need not exist."""
    if explicit is not None:
        return explicit
    return config.index if config.index is not None else user_index_dir()
