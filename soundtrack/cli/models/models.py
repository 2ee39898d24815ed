"""``soundtrack models``: list, verify, add and download networks."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from soundtrack.cli import STYLE
from soundtrack.cli.options import Quiet

if TYPE_CHECKING:
    from soundtrack.checkpoints.manifest import LocatedModel, PublicModel

app = typer.Typer(no_args_is_help=True, **STYLE)

Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]


def _row(model: "LocatedModel") -> dict[str, Any]:
    """A model as JSON."""
    from dataclasses import asdict

    return {
        **asdict(model.entry),
        "path": str(model.weights),
        "embedded": model.is_embedded,
        "package": model.package or None,
    }


def _how_to_get(model: "PublicModel") -> str:
    """What is true of a public model: only one with a pinned hash is fetched."""
    return "available: models pull" if model.sha256 else f"download manually, then models add {model.name} FILE"


def _ignored() -> "list[LocatedModel]":
    """Models in the user's folder that are not used, since one of that name comes with the tool."""
    from soundtrack.checkpoints.manifest import all_models
    from soundtrack.resources import user_models_dir

    embedded = {model.entry.name for model in all_models() if model.is_embedded}
    return [model for model in all_models(folders=[user_models_dir()]) if model.entry.name in embedded]


@app.command("list")
def list_models(json_: Json = False) -> None:
    """List installed models and public models that can be added."""
    from soundtrack.checkpoints.face_networks import ARCHIVES, FACES, LICENCE
    from soundtrack.checkpoints.manifest import PublicModel, all_models, public_models
    from soundtrack.cli.output import plain, product

    models = all_models()
    at_hand = {model.entry.name for model in models}
    public = [model for model in public_models() if model.name not in at_hand]
    if FACES not in at_hand:
        total = sum(archive.size for archive in ARCHIVES)
        public.append(PublicModel(FACES, FACES, ARCHIVES[0].url, ARCHIVES[0].sha256, total, LICENCE, 7))
    if json_:
        from dataclasses import asdict

        document = {"models": [_row(model) for model in models], "public": [asdict(model) for model in public]}
        with product() as out:
            out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    lines = [("name", "version", "role", "MB", "licence", "where")]
    lines += [
        (
            model.entry.name,
            model.entry.version,
            model.entry.role,
            f"{model.entry.size / 1e6:.1f}",
            model.entry.licence,
            "embedded" if model.is_embedded else model.package or "yours",
        )
        for model in models
    ]
    lines += [(model.name, "-", model.role, "-", model.licence, _how_to_get(model)) for model in public]
    lines += [
        (model.entry.name, model.entry.version, model.entry.role, "-", model.entry.licence, "ignored: reserved name")
        for model in _ignored()
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    with product() as out:
        for line in lines:
            cells = (plain(cell).ljust(width) for cell, width in zip(line, widths, strict=True))
            out.write("  ".join(cells).rstrip() + "\n")


@app.command("verify")
def verify_models(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Models to verify. Default: all.")] = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Verify the SHA-256 and the readability of installed models."""
    from soundtrack.checkpoints.arrays import load_arrays
    from soundtrack.checkpoints.manifest import all_models, find_model
    from soundtrack.cli.output import product, say
    from soundtrack.errors import ModelError

    models = [find_model(name) for name in names] if names else all_models()
    results: list[dict[str, Any]] = []
    failed: ModelError | None = None
    for model in models:
        try:
            load_arrays(model)
        except ModelError as error:
            failed = failed or error
            results.append({"name": model.entry.name, "ok": False, "error": str(error)})
        else:
            results.append({"name": model.entry.name, "ok": True, "error": None})
    if json_:
        with product() as out:
            out.write(json.dumps({"models": results}, indent=2, ensure_ascii=False) + "\n")
    else:
        for result in results:
            say(f"{result['name']}: {'ok' if result['ok'] else result['error']}", quiet=quiet)
    if failed is not None:
        raise failed


@app.command("pull")
def pull(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Public model from `soundtrack models list`, such as faces (41 MB).")
    ],
    url: Annotated[str | None, typer.Option("--url", help="Alternative https address.")] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="Expected SHA-256, for models without a known one.")
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Download a public model over https, verify its SHA-256 and install it."""
    from soundtrack.checkpoints.face_networks import FACES, pull_faces
    from soundtrack.checkpoints.fetch import pull_model
    from soundtrack.cli.output import progress
    from soundtrack.errors import UsageError

    if name == FACES and (url is not None or sha256 is not None):
        raise UsageError(
            "--url and --sha256 do not apply to faces: its addresses and hashes are fixed",
            hint="run `soundtrack models pull faces`, or `soundtrack models add faces FOLDER` for downloaded archives",
        )

    if sha256 is not None and (len(sha256) != 64 or set(sha256.lower()) - set("0123456789abcdef")):
        raise UsageError(f"--sha256 {sha256}: invalid SHA-256", hint="use 64 hexadecimal digits")
    with progress(quiet=quiet) as tell:
        if name == FACES:
            pull_faces(progress=tell)
        else:
            pull_model(name, url=url, sha256=sha256, progress=tell)
    _tell(name, json_=json_, quiet=quiet)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Public model, or a name for a trained model.")],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Weights file (.pt or .safetensors), the --out folder of train, or archives of faces."
        ),
    ],
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Install published weights or a trained model; no code in them is executed."""
    from soundtrack.checkpoints.face_networks import FACES, add_faces
    from soundtrack.checkpoints.trained import add_trained, holds_models
    from soundtrack.checkpoints.weights import add_model

    if name == FACES:
        add_faces(file)
    elif holds_models(file):
        add_trained(name, file)
    else:
        add_model(name, file)
    _tell(name, json_=json_, quiet=quiet)


def _tell(name: str, *, json_: bool, quiet: bool) -> None:
    """Say where a new model lies."""
    from soundtrack.checkpoints.manifest import find_model
    from soundtrack.cli.output import product, say

    model = find_model(name)
    if json_:
        with product() as out:
            out.write(json.dumps(_row(model), indent=2, ensure_ascii=False) + "\n")
    else:
        say(f"{name}: {model.weights}", quiet=quiet)
