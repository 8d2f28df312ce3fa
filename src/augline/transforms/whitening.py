"""ZCA whitening with a matrix fitted to a data set, which lies in a file beside the configuration."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from augline.errors import ArgumentError
from augline.plan.finish import Whiten, Whitening
from augline.plan.frame import Frame
from augline.plan.stages import Stage
from augline.transforms.base import Params, transform
from augline.transforms.values import Values

MOST_FEATURES = 4096
"""Values that an image may have: a matrix of 64 MiB, and 17 million products per image."""


@transform
class ZCAWhitening(Values):
    """Takes the correlation between all values of an image out: `(values - mean) @ matrix` of the flattened image.

    `al.fit(al.ZCAWhitening, source, path="zca.npz")` measures mean and matrix, writes them to a file, and gives the
    transform. It is a dense map over height x width x channels, so it is for small images, of 4096 values at most, and
    all of the shape that it was fitted to. It works on the finished image: only `Rescaling` and its like may stand
    behind it. A configuration names the file and its digest; the file holds two arrays, and nothing in it is run.

    Args:
        path: Of the file.
        sha256: Digest of the file in hex, which is compared; None compares nothing.

    Raises:
        ArgumentError: The file is none of that kind or another than it was, images have another shape, or something
            that changes pixels stands behind it.

    Example:
        >>> import augline as al, numpy as np, tempfile
        >>> images = np.random.default_rng(0).integers(0, 256, (500, 4, 4, 1)).astype("uint8")
        >>> folder = tempfile.mkdtemp()
        >>> whitening = al.fit(al.ZCAWhitening, al.Arrays(images), path=f"{folder}/zca.npz")
        >>> flat = al.augment(images, [whitening]).reshape(500, 16)
        >>> bool(np.abs(flat.T @ flat / 500 - np.eye(16)).max() < 1e-3)
        True
    """

    path: str
    sha256: str | None = None

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        shape, whitening = _read(self)
        static = frame.extent.static
        if static is None or (*static, frame.channels) != shape:
            received = "images of sizes of their own" if static is None else f"{(*static, frame.channels)}"
            raise ArgumentError(
                f"{self!r}: images must have the shape that it was fitted to, {shape}. Received {received}. Put "
                f"Resizing({shape[0]}, {shape[1]}) in front of it, or fit it again."
            )
        yield Whiten(whitening)


def _read(item: ZCAWhitening) -> tuple[tuple[int, ...], Whitening]:
    try:
        stat = Path(item.path).stat()
        digest, shape, whitening = _loaded(item.path, stat.st_mtime_ns, stat.st_size)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ArgumentError(
            f"{item!r}: path must be a file that al.fit(al.ZCAWhitening, ...) wrote. Received {type(error).__name__}: "
            f"{error}. Fit it again, or correct the path."
        ) from None
    if item.sha256 not in (None, digest):
        raise ArgumentError(
            f"{item!r}: the file must be the one that was fitted. Received one with the digest {digest}. Restore it, "
            "or fit it again."
        )
    return shape, whitening


@lru_cache(maxsize=4)
def _loaded(path: str, changed: int, size: int) -> tuple[str, tuple[int, ...], Whitening]:
    """Digest, image shape, and the map; anew when the file has changed."""
    if size > 1 << 28:
        raise ValueError(f"{size:,} bytes")
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    with np.load(path, allow_pickle=False) as file:
        mean, matrix = (np.asarray(file[name], np.float32) for name in ("mean", "matrix"))
    if mean.ndim != 3 or mean.size > MOST_FEATURES or matrix.shape != (mean.size, mean.size):
        raise ValueError(f"a mean of {mean.shape} and a matrix of {matrix.shape}")
    return digest, mean.shape, Whitening(mean.ravel(), matrix)
