"""The one place that imports torchvision, which comes in wheels that do not always fit the torch beside them.

PyPI's Linux wheels of torchvision are built for CUDA. Beside a CPU build of torch its compiled part cannot load, and
the package then fails to import because it describes undefined operators (seen with 0.17 to 0.29: ``operator
torchvision::nms does not exist``). Defining the two missing names first, without any code behind them, makes everything
that is written in Python work: transforms and models. The compiled operators themselves then raise clearly when called.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import torch

from soundtrack.errors import DependencyError

_kept_alive: list[torch.library.Library] = []
"""The definitions last as long as their library object."""


def load_torchvision() -> ModuleType:
    """The package torchvision, with ``transforms.v2`` imported.

    Raises
    ------
    DependencyError
        It is not installed, or does not fit this torch in some other way.

    Examples
    --------
    >>> load_torchvision().transforms.v2.functional.horizontal_flip(torch.tensor([[[1.0, 2.0]]])).tolist()
    [[[2.0, 1.0]]]
    """
    try:
        return _import()
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _kept_alive:
            raise _misfit(error) from error
    except ImportError as error:
        raise _misfit(error) from error
    _forget_half_import()
    _define_missing()
    try:
        return _import()
    except (ImportError, RuntimeError) as error:
        raise _misfit(error) from error


def _import() -> ModuleType:
    importlib.import_module("torchvision.transforms.v2")
    return sys.modules["torchvision"]


def _forget_half_import() -> None:
    """A failed import leaves submodules behind that a second attempt would trip over."""
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


def _define_missing() -> None:
    """Give the names that torchvision describes to torch, so that describing them succeeds."""
    # torch gives these two functions no types
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        library.define(schema)  # type: ignore[no-untyped-call]
    _kept_alive.append(library)


def _misfit(error: Exception) -> DependencyError:
    return DependencyError(
        f"torchvision is incompatible with torch {torch.__version__}: {str(error).splitlines()[0]}",
        hint="run `pip install --force-reinstall torch torchvision`",
    )
