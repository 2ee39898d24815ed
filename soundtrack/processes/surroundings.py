"""Remove the working folder from all search paths: a folder of films must not supply code.

Python, the shell and the dynamic loader all read an empty or relative entry of a search path as the folder in which the
user happens to be. Goes in: the module path and the environment. Comes out: the same without such entries.
"""

import os
import sys

TYPE_CHECKING = False
"""As in `typing`: nothing else may be imported here, not even `__future__`, before the working folder is left out."""

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

_SEARCHED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS")
_ABSOLUTE = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")


def module_path() -> list[str]:
    """Where modules are looked for, without the working folder.

    It stays, as the last place, where this package itself or an installation of Python is in it, and where it was named
    in full in PYTHONPATH.

    Examples
    --------
    >>> "" in module_path()
    False
    """
    try:
        here = os.getcwd()  # noqa: PTH109 - pathlib is not imported for this
    except OSError:  # the folder was removed
        return [entry for entry in sys.path if os.path.isabs(entry)]  # noqa: PTH117
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    needed = own == here or here.startswith((sys.prefix + os.sep, sys.base_prefix + os.sep))
    named = here in os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [entry for entry in sys.path if entry not in ("", os.curdir, here)]
    return [*kept, here] if needed or named else kept


def clean_environment(environ: "MutableMapping[str, str]") -> None:
    """Remove empty and relative entries of search paths, and have every Python that is started leave out its folder.

    Parameters
    ----------
    environ : mutable mapping
        Changed in place.

    Examples
    --------
    >>> environ = {"PATH": ":bin:/usr/bin:.", "PYTHONPATH": ":/opt/lib"}
    >>> clean_environment(environ)
    >>> environ
    {'PATH': '/usr/bin', 'PYTHONPATH': '/opt/lib', 'PYTHONSAFEPATH': '1'}
    """
    for name in (*_SEARCHED, "PYTHONPATH"):
        if name in environ:
            entries = [e for e in environ[name].split(os.pathsep) if os.path.isabs(e)]  # noqa: PTH117
            if entries:
                environ[name] = os.pathsep.join(entries)
            else:
                del environ[name]
    for name in _ABSOLUTE:
        if name in environ and not os.path.isabs(environ[name]):  # noqa: PTH117
            del environ[name]
    environ["PYTHONSAFEPATH"] = "1"


def n_network_threads() -> int:
    """Threads of a network: as OMP_NUM_THREADS says, which torch obeys as well, else one for each core."""
    from soundtrack.processes.platform import n_cores

    said = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(said)) if said.isdecimal() else n_cores()


def has_screen() -> bool:
    """Whether windows can be shown."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def find_program(name: str) -> "Path | None":
    """A program in the absolute folders of PATH: never one that is in the working folder by chance."""
    import shutil
    from pathlib import Path

    folders = [folder for folder in os.get_exec_path() if os.path.isabs(folder)]  # noqa: PTH117
    found = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    return Path(found) if found else None
