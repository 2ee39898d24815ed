"""The list of models: purpose, location and hash of each.

Goes in: ``manifest.json`` of the models that come with the tool, and the one of the user's own folder. Comes out:
`ModelEntry` and `LocatedModel`. No network library is needed to read, list or verify.

The format: ``{"schema": "soundtrack.models/1", "models": [...], "public": [...]}``; `ModelEntry` and `PublicModel` are
the rows. A model's folder holds ``config.json``, ``card.md`` and the weights.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar, cast, get_type_hints

from soundtrack.checkpoints.installed import installed_model_folders
from soundtrack.errors import InputError, ModelError, UsageError
from soundtrack.files import safe_read
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import Together
from soundtrack.files.targets import file_identity
from soundtrack.resources import models_dir, user_models_dir

T = TypeVar("T")

SCHEMA = "soundtrack.models/1"
"""Of ``manifest.json``."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model whose weights lie beside the manifest."""

    name: str
    """Also the name of its folder."""
    version: str
    """Such as ``1``."""
    role: str
    """``video``, ``music``, ``space``, or ``video-backbone`` for a network without emotion."""
    file: str
    """Weights, relative to the manifest."""
    sha256: str
    """Of the weights, lower-case hex."""
    size: int
    """Of the weights, in bytes."""
    licence: str
    """Of the weights."""
    source: str
    """Where they come from."""
    embedding_dim: int
    """Length of the vectors it gives."""


@dataclass(frozen=True, slots=True)
class PublicModel:
    """A model that others publish, fetched or added only when the user asks."""

    name: str
    """Under which it is listed once it is there."""
    role: str
    """As in `ModelEntry`."""
    url: str
    """Where it is published."""
    sha256: str | None
    """Of the published file, lower-case hex; None where unknown, and then it is not fetched without one."""
    max_bytes: int
    """A larger file is refused."""
    licence: str
    """Of the weights."""
    embedding_dim: int
    """Length of the vectors it gives."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one manifest says."""

    models: tuple[ModelEntry, ...] = ()
    """Those whose weights lie beside it."""
    public: tuple[PublicModel, ...] = ()
    """Those that may be fetched."""


@dataclass(frozen=True, slots=True)
class LocatedModel:
    """A model and where it lies."""

    entry: ModelEntry
    """What the manifest says."""
    folder: Path
    """Folder of its ``config.json`` and ``card.md``."""
    weights: Path
    """File of its weights."""
    is_embedded: bool
    """Whether it came with the tool."""
    package: str = ""
    """Name and version of the package that brings it; empty for the tool's and the user's."""


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a models folder; an empty one where there is none. It is parsed again when its file changed.

    Raises
    ------
    ModelError
        It is damaged.
    """
    path = folder / "manifest.json"
    if not os.path.lexists(path):
        return Manifest()
    try:
        found = path.stat()
    except OSError:  # reading says why
        return _parsed(path)
    return _parsed_once(path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


@functools.lru_cache(maxsize=16)
def _parsed_once(path: Path, _state: tuple[int, ...]) -> Manifest:
    """The same for one state of the file: a film asks for its models some twenty times."""
    return _parsed(path)


def _parsed(path: Path) -> Manifest:
    """A manifest from its file."""
    try:
        document = read_object(path)
        if document.get("schema") != SCHEMA:
            raise ModelError(
                f"{path}: schema {document.get('schema')!r} is not supported, expected {SCHEMA!r}",
                hint="update soundtrack",
            )
        manifest = Manifest(
            models=tuple(_row(ModelEntry, row) for row in _list(document, "models")),
            public=tuple(_row(PublicModel, row) for row in _list(document, "public")),
        )
    except ValueError as error:
        raise ModelError(
            f"{path}: damaged manifest: {error}", hint="reinstall soundtrack, or remove the file"
        ) from error
    for entry in manifest.models:
        if Path(entry.file).is_absolute() or ".." in Path(entry.file).parts or "\0" in entry.file:
            raise ModelError(
                f"{path}: {entry.name}: file {entry.file!r} is outside the folder", hint="remove the entry"
            )
    return manifest


def read_object(path: Path) -> dict[str, object]:
    """The JSON object in a file beside a model.

    Raises
    ------
    ModelError
        It is missing, not a regular file of sensible size, or not a JSON object.
    """
    try:
        text = safe_read.read_text(path, most_bytes=safe_read.SETTINGS_BYTES)
        document = json.loads(text, parse_int=_integer, parse_float=_finite, parse_constant=_finite)
    except InputError as error:
        raise ModelError(str(error), hint="run `soundtrack models verify`") from error
    except RecursionError as error:
        raise ModelError(f"{path}: nested too deeply", hint="run `soundtrack models verify`") from error
    except ValueError as error:
        raise ModelError(f"{path}: not JSON: {error}", hint="run `soundtrack models verify`") from error
    if not isinstance(document, dict):
        raise ModelError(f"{path}: not a JSON object", hint="run `soundtrack models verify`")
    return document


def _integer(text: str) -> int:
    """A whole number of a document, of no more digits than any of its fields can have."""
    if len(text) > 18:
        raise ValueError(f"number too long: {len(text)} digits, at most 18")
    return int(text)


def _finite(text: str) -> float:
    """A number of a document that is one."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"not a finite number: {text[:20]}")
    return number


def _list(document: dict[str, object], name: str) -> list[object]:
    """A list of a document; an empty one where it is missing."""
    found = document.get(name, [])
    if not isinstance(found, list):
        raise ValueError(f"{name} must be a list")
    return found


@functools.cache
def _hints(kind: type) -> dict[str, type]:
    """Types of the fields of a row."""
    return get_type_hints(kind)


def _row(kind: type[T], value: object) -> T:
    """An entry of a manifest, every field of its kind."""
    hints = _hints(cast(type, kind))
    if not isinstance(value, dict) or not value.keys() <= hints.keys():
        raise ValueError(f"an entry must be an object with {', '.join(hints)}")
    for name, given in value.items():
        if not isinstance(given, hints[name]) or isinstance(given, bool):
            raise ValueError(f"{name} has the wrong type: {str(given)[:60]!r}")
        if isinstance(given, int) and given < 0:
            raise ValueError(f"{name} must not be negative: {given}")
    try:
        return kind(**value)
    except TypeError as error:
        raise ValueError(f"an entry must be an object with {', '.join(hints)}") from error


def write_manifest(folder: Path, manifest: Manifest, *, files: Together | None = None) -> None:
    """The manifest as stable JSON, sorted by name, written whole or not at all; with other files if there are any."""
    document = {
        "schema": SCHEMA,
        "models": [asdict(entry) for entry in sorted(manifest.models, key=lambda e: e.name)],
        "public": [asdict(model) for model in sorted(manifest.public, key=lambda m: m.name)],
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    with Together() if files is None else contextlib.nullcontext(files) as place:
        place.text(folder / "manifest.json", text, kind=OWN, force=True)


def register(folder: Path, entry: ModelEntry, *, files: Together | None = None) -> None:
    """Add an entry to the manifest of a folder, in place of one of the same name."""
    manifest = read_manifest(folder)
    others = tuple(e for e in manifest.models if e.name != entry.name)
    write_manifest(folder, Manifest(models=(*others, entry), public=manifest.public), files=files)


def require_other_file(source: Path, target: Path) -> None:
    """Refuse to add a model from the very file in which it is kept, by whatever name.

    Raises
    ------
    UsageError
        They are one file.
    """
    identity = file_identity(target)
    if identity is not None and identity == file_identity(source):
        raise UsageError(
            f"{source}: already the stored file of this model",
            hint="run `soundtrack models verify`, or give the downloaded or trained file",
        )


def all_models(*, folders: Sequence[Path] | None = None) -> list[LocatedModel]:
    """Every model at hand, sorted by name; what comes with the tool wins over the user's of the same name.

    Parameters
    ----------
    folders : sequence of Path, optional
        Models folders in order of rank; the tool's, the user's and those of installed packages by default.

    Raises
    ------
    ModelError
        A manifest is damaged.
    DependencyError
        An installed package names no folder of models.
    """
    embedded = models_dir() if folders is None else None
    found: dict[str, LocatedModel] = {}
    looked = [(folder, "") for folder in ([models_dir(), user_models_dir()] if folders is None else folders)]
    if folders is None:
        looked += [(its.folder, its.package) for its in installed_model_folders()]
    for folder, package in looked:
        for entry in read_manifest(folder).models:
            weights = folder / entry.file
            located = LocatedModel(entry, weights.parent, weights, is_embedded=folder == embedded, package=package)
            found.setdefault(entry.name, located)
    return [found[name] for name in sorted(found)]


def find_model(name: str, *, folders: Sequence[Path] | None = None) -> LocatedModel:
    """The model of that name.

    Raises
    ------
    ModelError
        There is none.
    """
    models = all_models(folders=folders)
    for model in models:
        if model.entry.name == name:
            return model
    if any(public.name == name for public in public_models()):
        raise ModelError(
            f"model {name} is not installed",
            hint=f"download its file, then run `soundtrack models add {name} FILE`",
        )
    names = ", ".join(model.entry.name for model in models) or "none"
    near = difflib.get_close_matches(name, [model.entry.name for model in models], n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise ModelError(f"unknown model {name!r}; installed models: {names}", hint=f"{meant}run `soundtrack models list`")


def public_models() -> tuple[PublicModel, ...]:
    """Models that may be fetched, as the tool's own manifest lists them."""
    return read_manifest(models_dir()).public


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes, lower-case hex."""
    return safe_read.sha256(path)


def verify(model: LocatedModel) -> None:
    """Check that the weights are there and are the bytes that the manifest names.

    Raises
    ------
    ModelError
        They are missing, of another size, or have another hash.
    """
    hint = (
        f"reinstall {model.package.split()[0] if model.package else 'soundtrack'}"
        if model.is_embedded or model.package
        else f"run `soundtrack models add {model.entry.name} FILE` with a fresh copy"
    )
    if not model.weights.is_file():
        raise ModelError(f"{model.weights} is missing", hint=hint)
    size = model.weights.stat().st_size
    if size != model.entry.size:
        raise ModelError(f"{model.weights} has {size} bytes instead of {model.entry.size}", hint=hint)
    if sha256_of(model.weights) != model.entry.sha256:
        raise ModelError(f"{model.weights} is damaged: its SHA-256 does not match the manifest", hint=hint)


def read_config(model: LocatedModel) -> dict[str, object]:
    """``config.json`` of a model.

    Raises
    ------
    ModelError
        It is missing or no JSON object.
    """
    return read_object(model.folder / "config.json")
