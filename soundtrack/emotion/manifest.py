"""The list of models: what each is, where it lies, which bytes it must have.

Goes in: ``manifest.json`` of the models that come with the tool, and the one of the user's own folder. Comes out:
`ModelEntry` and `LocatedModel`. No network library is needed to read, list or verify.

The format: ``{"schema": "soundtrack.models/1", "models": [...], "public": [...]}``; `ModelEntry` and `PublicModel` are
the rows. A model's folder holds ``config.json``, ``card.md`` and the weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from soundtrack import ending
from soundtrack.errors import ModelError
from soundtrack.resources import models_dir, user_models_dir

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


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a models folder; an empty one where there is none.

    Raises
    ------
    ModelError
        It is damaged.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        return Manifest()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ModelError(f"{path}: schema {document['schema']!r} is not {SCHEMA!r}", hint="update soundtrack")
        manifest = Manifest(
            models=tuple(ModelEntry(**row) for row in document["models"]),
            public=tuple(PublicModel(**row) for row in document.get("public", [])),
        )
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: damaged manifest: {error}", hint="reinstall soundtrack, or remove the file"
        ) from error
    for entry in manifest.models:
        if Path(entry.file).is_absolute() or ".." in Path(entry.file).parts:
            raise ModelError(f"{path}: {entry.name}: file {entry.file!r} leaves the folder", hint="remove the entry")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The manifest as stable JSON, sorted by name, written whole or not at all."""
    document = {
        "schema": SCHEMA,
        "models": [asdict(entry) for entry in sorted(manifest.models, key=lambda e: e.name)],
        "public": [asdict(model) for model in sorted(manifest.public, key=lambda m: m.name)],
    }
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "manifest.json.part"
    with ending.unfinished(part):
        part.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(folder / "manifest.json")


def register(folder: Path, entry: ModelEntry) -> None:
    """Add an entry to the manifest of a folder, in place of one of the same name."""
    manifest = read_manifest(folder)
    others = tuple(e for e in manifest.models if e.name != entry.name)
    write_manifest(folder, Manifest(models=(*others, entry), public=manifest.public))


def all_models(*, folders: Sequence[Path] | None = None) -> list[LocatedModel]:
    """Every model at hand, sorted by name; what comes with the tool wins over the user's of the same name.

    Parameters
    ----------
    folders : sequence of Path, optional
        Models folders in order of rank; the tool's and the user's by default.
    """
    embedded = models_dir() if folders is None else None
    found: dict[str, LocatedModel] = {}
    for folder in [models_dir(), user_models_dir()] if folders is None else folders:
        for entry in read_manifest(folder).models:
            weights = folder / entry.file
            located = LocatedModel(entry, weights.parent, weights, is_embedded=folder == embedded)
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
            f"model {name} is not on this machine",
            hint=f"get its file and type: soundtrack models add {name} FILE",
        )
    names = ", ".join(model.entry.name for model in models) or "none"
    raise ModelError(f"no model is called {name!r}; there are: {names}", hint="soundtrack models list")


def public_models() -> tuple[PublicModel, ...]:
    """Models that may be fetched, as the tool's own manifest lists them."""
    return read_manifest(models_dir()).public


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes, lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(model: LocatedModel) -> None:
    """Check that the weights are there and are the bytes that the manifest names.

    Raises
    ------
    ModelError
        They are missing, of another size, or have another hash.
    """
    hint = (
        "reinstall soundtrack"
        if model.is_embedded
        else f"fetch or add it again: soundtrack models add {model.entry.name} FILE"
    )
    if not model.weights.is_file():
        raise ModelError(f"{model.weights} is missing", hint=hint)
    size = model.weights.stat().st_size
    if size != model.entry.size:
        raise ModelError(f"{model.weights} has {size} bytes instead of {model.entry.size}", hint=hint)
    if sha256_of(model.weights) != model.entry.sha256:
        raise ModelError(f"{model.weights} is damaged: its SHA-256 is not the manifest's", hint=hint)


def read_config(model: LocatedModel) -> dict[str, object]:
    """``config.json`` of a model.

    Raises
    ------
    ModelError
        It is missing or no JSON object.
    """
    path = model.folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ModelError(f"{path}: {error}", hint="soundtrack models verify") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: is no JSON object", hint="soundtrack models verify")
    return config


ENTRY_FIELDS: tuple[str, ...] = tuple(field.name for field in fields(ModelEntry))
"""Names of a model's row, in order."""
