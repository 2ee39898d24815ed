"""Import torch without delaying signals.

Python holds its lock while the system loads a library for an import: for torch 0.4 s of the processor, which are some
seconds where many programs share it, and meanwhile no thread can end the run. A call by way of ctypes gives the lock
back, and the import afterwards finds the library in memory.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

_LIBRARIES = (("libtorch_global_deps.so", os.RTLD_GLOBAL), ("libtorch_cpu.so", os.RTLD_LOCAL))
"""In the order and manner in which torch loads them itself."""


def load_torch_library() -> None:
    """Have the system load torch's library, on Linux; where that fails, the import does it or says what is missing."""
    if "torch" in sys.modules or sys.platform != "linux":
        return
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return
    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for name, scope in _LIBRARIES:
        path = Path(found.origin).parent / "lib" / name
        if path.is_file():
            load(os.fsencode(path), os.RTLD_NOW | scope)
