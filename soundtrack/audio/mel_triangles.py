"""librosa's mel filter bank, imported once and never from the working folder.

Importing librosa imports numba, which takes settings, among them where compiled code is kept and loaded from, out of a
file ``.numba_config.yaml`` in the working folder. A folder of films from a stranger may hold one, so PyYAML is out of
numba's reach while it is imported; numba's own environment variables count as ever.
"""

from __future__ import annotations

import sys
import warnings

_yaml = sys.modules.get("yaml")
try:
    sys.modules["yaml"] = None  # type: ignore[assignment]  # an import of it fails
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from librosa.filters import mel as triangles
finally:
    if _yaml is None:
        del sys.modules["yaml"]
    else:
        sys.modules["yaml"] = _yaml

__all__ = ["triangles"]
