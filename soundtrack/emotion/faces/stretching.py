"""Pictures made wider or higher by linear interpolation, with the numbers that torch gives, and without it."""

from __future__ import annotations

import numpy as np

from soundtrack.types import ByteArray


def stretched(picture: ByteArray, n: int, *, axis: int) -> ByteArray:
    """A picture with n rows or columns, which are at least as many as it has.

    Parameters
    ----------
    picture : ndarray, shape=(height, width, channels), uint8
        RGB.
    n : int
        Rows or columns of the result.
    axis : {0, 1}
        0 for rows, 1 for columns.

    Examples
    --------
    >>> stretched(np.array([[[0], [100]]], np.uint8), 4, axis=1)[0, :, 0].tolist()
    [0, 25, 75, 100]
    """
    n_in = picture.shape[axis]
    if n < n_in:
        raise ValueError(f"n must be at least {n_in}, got {n}")
    if n == n_in:
        return picture
    one, half = np.float32(1), np.float32(0.5)
    middles = np.float32(n_in) / np.float32(n) * (np.arange(n, dtype=np.float32) + half)
    first = np.clip((middles - half).astype(np.int64), 0, n_in - 1)
    second = np.minimum(first + 1, n_in - 1)
    weights = [np.maximum(one - np.abs(rows.astype(np.float32) - middles + half), 0) for rows in (first, second)]
    weights[1][second == first] = 0
    shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    near, far = ((weight / (weights[0] + weights[1])).reshape(shape) for weight in weights)
    # rounded to float32 after the first product and after the sum only, as processors do that add and multiply at once
    sum_ = (picture.take(first, axis) * near).astype(np.float64)
    sum_ += picture.take(second, axis) * far.astype(np.float64)
    return np.asarray(np.rint(sum_.astype(np.float32)), np.uint8)
