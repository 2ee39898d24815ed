"""The separator demucs (Defossez 2021, Rouard 2023), run by the package demucs-infer (MIT), the extra ``demucs``.

Goes in: the arguments of a hybrid transformer and its tensors. Comes out: a `Separator`. The network is built at the
first piece of sound and reads pieces as the authors' program does: at mean 0 and deviation 1, in overlapping windows.
The authors' random shifts are left out, so that the same sound gives the same stems.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from soundtrack.errors import ModelError
from soundtrack.networks.devices import choose_device
from soundtrack.types import FloatArray, Separator

_QUIET = 1e-6
"""Deviation below which there is nothing to separate."""


def demucs_separator(
    arguments: Mapping[str, Any], tensors: Callable[[], Mapping[str, Tensor]], *, device: str = "auto"
) -> Separator:
    """A separator of voices, drums, bass and the rest.

    Parameters
    ----------
    arguments : mapping of str to object
        Of the class ``HTDemucs``; those that it does not have are left out, as the authors' program does.
    tensors : callable
        Gives the weights; called once, at the first piece of sound.
    device : {"auto", "cpu", "cuda"}
        Where the network runs.
    """
    network = functools.cache(lambda: _network(arguments, tensors()))

    def separate(sound: FloatArray, sample_rate_hz: int) -> dict[str, FloatArray]:
        from demucs_infer.apply import apply_model

        model = network()
        if sample_rate_hz != model.samplerate:
            raise ValueError(f"the network takes {model.samplerate} Hz, got {sample_rate_hz}")
        mean = sound.mean(dtype=np.float64)
        deviation = float(sound.mean(axis=0).std(dtype=np.float64))
        if deviation < _QUIET:
            return {name: np.zeros_like(sound) for name in model.sources}
        given = torch.from_numpy(((sound - mean) / deviation).astype(np.float32))
        with torch.inference_mode():
            out = apply_model(model, given[None], shifts=0, split=True, overlap=0.25, device=choose_device(device))[0]
        stems = out.cpu().numpy() * np.float32(deviation)  # the mean is no sound: no stem gets it
        return dict(zip(model.sources, stems, strict=True))

    return Separator(int(arguments.get("samplerate", 44_100)), separate)


def _network(arguments: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    """The network with its weights.

    Raises
    ------
    ModelError
        The weights are not those of a network with these arguments.
    """
    from demucs_infer.htdemucs import HTDemucs

    known = inspect.signature(HTDemucs).parameters
    try:
        model = HTDemucs(**{name: value for name, value in arguments.items() if name in known})
        model.load_state_dict(dict(tensors))
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(
            f"htdemucs does not fit the installed demucs-infer: {first}", hint="run `soundtrack models pull htdemucs`"
        ) from error
    return model.eval()
