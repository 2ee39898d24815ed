"""Networks trained by the user: stored beside the public ones and selected by name.

Goes in: the folder that ``soundtrack train`` wrote. Comes out: a model in the user's models folder. A joint space names
the two networks that it belongs to, so choosing a space chooses all three.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from soundtrack.checkpoints.manifest import (
    LocatedModel,
    ModelEntry,
    all_models,
    find_model,
    read_config,
    read_manifest,
    register,
    require_other_file,
    verify,
)
from soundtrack.errors import ModelError, OutputError
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import Together
from soundtrack.resources import models_dir, user_models_dir

_ROLES = frozenset({"video", "music", "space"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Networks:
    """The three models that read films and music together."""

    space: str
    """Name of the joint space."""
    video: str
    """Name of the picture network that it belongs to."""
    music: str
    """Name of the music network that it belongs to."""


def networks_of(name: str) -> Networks:
    """The networks of a joint space, by its name or by what an index made with it calls it.

    Raises
    ------
    ModelError
        There is none of that name, or it is no joint space.
    """
    by_public_name = {
        str(read_config(model).get("name")): model.entry.name for model in all_models() if model.entry.role == "space"
    }
    known = {model.entry.name for model in all_models()}
    model = find_model(name if name in known else by_public_name.get(name, name))
    if model.entry.role != "space":
        raise ModelError(
            f"{name} is a {model.entry.role} model, not a joint space",
            hint=f"train a joint space: soundtrack train space FILMS --out OUT --{model.entry.role} {name}",
        )
    config = read_config(model)
    return Networks(model.entry.name, str(config.get("video")), str(config.get("music")))


def find_network(name: str, *, role: str) -> LocatedModel:
    """The picture or music network of that name, or the one of the joint space of that name.

    Parameters
    ----------
    name : str
        Of a network, of a joint space, or what documents call a joint space.
    role : {"video", "music"}
        Which of the two.

    Raises
    ------
    ModelError
        There is none, or it is of another kind.
    """
    if name in {model.entry.name for model in all_models()}:
        model = find_model(name)
        if model.entry.role == "space":
            model = find_model(getattr(networks_of(name), role))
    elif any(read_config(model).get("name") == name for model in all_models() if model.entry.role == "space"):
        model = find_model(getattr(networks_of(name), role))
    else:
        model = find_model(name)
    if model.entry.role != role:
        raise ModelError(
            f"{name} is a {model.entry.role} model, not a {role} model", hint="run `soundtrack models list`"
        )
    return model


def space_of(network: str) -> str:
    """Name of the joint space that a network belongs to; one that came with the tool before one of the user's.

    Raises
    ------
    ModelError
        No space names it.
    """
    spaces = sorted((m for m in all_models() if m.entry.role == "space"), key=lambda m: not m.is_embedded)
    for model in spaces:
        config = read_config(model)
        if network in (config.get("video"), config.get("music")):
            return model.entry.name
    raise ModelError(
        f"no joint space for {network}",
        hint=f"train one: soundtrack train space FILMS --out OUT --video {network}",
    )


def holds_models(path: Path) -> bool:
    """Whether a path is a folder that ``soundtrack train`` wrote, or its ``models``."""
    return any((folder / "manifest.json").is_file() for folder in (path, path / "models"))


def add_trained(name: str, path: Path, *, folder: Path | None = None) -> ModelEntry:
    """Copy a model that ``soundtrack train`` wrote into the user's models folder; returns its entry.

    Parameters
    ----------
    name : str
        What it is to be called; in place of one of the user's of that name.
    path : Path
        The folder that was given to ``train`` as ``--out``, or its ``models``.
    folder : Path, optional
        Instead of the user's models folder.

    Raises
    ------
    ModelError
        The name cannot be used, or the folder does not hold one whole model.
    UsageError
        The folder is the one in which that model is kept already.
    OutputError
        It cannot be written.
    """
    target = user_models_dir() if folder is None else folder
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} is not a valid model name", hint="use lower-case letters, digits, dots and hyphens")
    if name in {entry.name for entry in read_manifest(models_dir()).models}:
        raise ModelError(
            f"{name} is the name of a model included in soundtrack", hint=f"choose another, such as my-{name}"
        )
    source = _only_model(path)
    require_other_file(source.weights, target / name / source.weights.name)
    verify(source)
    config = read_config(source)
    if source.entry.role == "space":
        for side in ("video", "music"):
            find_model(str(config.get(side)))  # says how to get it
        config = {**config, "name": name}
    entry = replace(source.entry, name=name, file=f"{name}/{source.weights.name}")
    try:
        (target / name).mkdir(parents=True, exist_ok=True)
        with Together() as files:
            shutil.copyfile(source.weights, files.part(target / entry.file, kind=OWN, force=True))
            text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
            files.text(target / name / "config.json", text, kind=OWN, force=True)
            if (source.folder / "card.md").is_file():
                card = files.part(target / name / "card.md", kind=OWN, force=True)
                shutil.copyfile(source.folder / "card.md", card)
            register(target, entry, files=files)
    except OSError as error:
        raise OutputError(
            f"{target}: {error.strerror or error}", hint="free some disk space, or check the permissions"
        ) from error
    return entry


def _only_model(path: Path) -> LocatedModel:
    """The one model of a folder that was written by training."""
    folder = path if (path / "manifest.json").is_file() else path / "models"
    found = [model for model in all_models(folders=[folder]) if model.entry.role in _ROLES]
    if len(found) != 1:
        names = ", ".join(model.entry.name for model in found) or "none"
        raise ModelError(
            f"{folder}: expected one trained model, found: {names}", hint="give the --out folder of one training run"
        )
    return found[0]
