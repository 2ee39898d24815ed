"""The music network run by OpenVINO: the layers of `soundtrack.networks.mel_cnn`, made from its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from soundtrack.networks.mel_config import BATCH_NORM_EPS, MelCnnConfig
from soundtrack.networks.runs.eight_bit import are_exact, filters, reach, rounded
from soundtrack.networks.runs.folding import folded
from soundtrack.networks.runs.openvino_core import Compiled, Precision, constant, opset
from soundtrack.types import FloatArray

_AT_ONCE = 64
_PICTURE_AXES = np.array([2, 3])


class OpenVinoMusic:
    """The network, ready to run.

    Parameters
    ----------
    arrays : mapping of name to ndarray
        Weights under the names of `mel_config.expected_shapes`.
    config : MelCnnConfig
        Shape of the network.
    precision : {"f32", "bf16", "int8"}, optional
        What convolutions but the first compute with; by default 8-bit integers where they are exact, else the quicker
        floats.
    """

    def __init__(
        self, arrays: Mapping[str, FloatArray], config: MelCnnConfig, *, precision: Precision | None = None
    ) -> None:
        op = opset()
        is_int8 = precision == "int8" or (precision is None and are_exact())

        def convolution(x: Any, name: str, *, stride: int, bound: FloatArray | None = None) -> Any:
            weight, shift = folded(arrays, f"{name}.0", f"{name}.1", eps=BATCH_NORM_EPS)
            pads, kernel = [weight.shape[-1] // 2] * 2, constant(weight)
            if is_int8 and bound is not None:
                x, kernel = rounded(x, float(bound.max())), filters(weight)
            y = op.convolution(x, kernel, [stride] * 2, pads, pads, [1, 1])
            return op.add(y, constant(shift.reshape(1, -1, 1, 1)))

        entry = op.parameter([-1, 1, config.patch_frames, config.n_mels], np.float32)
        x = op.subtract(entry, op.constant(np.float32(config.mel_mean)))
        x = op.divide(x, op.constant(np.float32(config.mel_scale)))
        x, bound = op.relu(convolution(x, "stem", stride=2)), reach(arrays, "stem.1")
        for i in range(len(config.widths) - 1):
            halved = op.relu(convolution(x, f"stages.{i}.down", stride=2, bound=bound))
            bound = reach(arrays, f"stages.{i}.down.1")
            x = op.relu(op.add(convolution(halved, f"stages.{i}.refine", stride=1, bound=bound), halved))
            bound = bound + reach(arrays, f"stages.{i}.refine.1")
        x = op.relu(convolution(x, "expand", stride=1, bound=bound))
        features = op.reduce_mean(x, op.constant(_PICTURE_AXES))
        self._run = Compiled([features], entry, floats=None if precision == "int8" else precision)
        self._weight, self._shift = arrays["sounds.weight"], arrays["sounds.bias"]

    def features(self, patches: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Features (n, n_features) and logits of the sound classes (n, n_sounds) of patches (n, frames, n_mels)."""
        parts = [self._run(patches[i : i + _AT_ONCE, None])[0] for i in range(0, len(patches), _AT_ONCE)]
        features = np.concatenate(parts)
        return features, np.asarray(features @ self._weight.T + self._shift, np.float32)
