"""Images made smaller once, for pipelines that read them many times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.decode import Header, decode
from augline.errors import ArgumentError
from augline.settings import whole
from augline.sources.base import Source
from augline.sources.refusal import refusal


@dataclass(frozen=True)
class Smaller:
    """Makes images smaller, never larger, and keeps their proportions.

    Attributes:
        shortest: The shorter side that larger images come to, in pixels; None leaves all as they are.
        quality: Of JPEGs, 1 to 100; None writes PNG.

    Raises:
        ArgumentError: There is no such side or quality.
    """

    shortest: int | None
    quality: int | None

    def __post_init__(self) -> None:
        if self.shortest is not None and not whole(self.shortest, 1):
            received, fix = f"shortest={self.shortest!r}", "Pass 256, for example, or None to keep sizes."
            raise refusal(ArgumentError, "write_tfrecords", "shortest must be a number of pixels", received, fix)
        if self.quality is not None and not whole(self.quality, 1, 101):
            received, fix = f"quality={self.quality!r}", "Pass 95, for example, or None for PNG."
            raise refusal(
                ArgumentError, "write_tfrecords", "quality must be a whole number from 1 to 100", received, fix
            )

    def size(self, height: int, width: int) -> tuple[int, int]:
        """What an image of a size comes to.

        >>> Smaller(256, 95).size(375, 500), Smaller(256, 95).size(200, 900)
        ((256, 341), (200, 900))
        """
        side = min(height, width)
        if self.shortest is None or side <= self.shortest:
            return height, width
        return max(round(height * self.shortest / side), 1), max(round(width * self.shortest / side), 1)

    @staticmethod
    def pixels(image: Any, header: Header | None, size: tuple[int, int], source: Source) -> NDArray[Any]:
        """An image of a source at another size, each pixel the mean of the area that it covers.

        Args:
            image: What the source reads: a file, or an array.
            header: Of a file; None for arrays.
            size: That of `size`, smaller than the image's.
            source: Whose channels and type decide how a file is decoded.
        """
        import cv2  # as simplejpeg below, with the first image: a bare `import augline` brings along neither

        if header is not None:
            # in full size: what libjpeg makes smaller are no true means
            image = decode(image, header, channels=source.channels, dtype=source.dtype)
        resized = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        return np.asarray(resized.reshape(*size, source.channels))

    def encoded(self, pixels: NDArray[Any]) -> bytes | None:
        """Pixels as JPEG; None for what JPEG cannot hold, or shall not."""
        if self.quality is None or pixels.dtype != np.uint8 or pixels.shape[-1] not in (1, 3):
            return None
        import simplejpeg

        colours, samples = ("RGB", "420") if pixels.shape[-1] == 3 else ("GRAY", "Gray")
        data: bytes = simplejpeg.encode_jpeg(
            np.ascontiguousarray(pixels), quality=self.quality, colorspace=colours, colorsubsampling=samples
        )
        return data


def shrunk_mask(mask: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """A mask at another size, each pixel the label at its centre.

    >>> shrunk_mask(np.arange(6).reshape(2, 3, 1), (1, 3))[..., 0]
    array([[3, 4, 5]])
    """
    if mask.shape[:2] == size:
        return mask
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, mask.shape, strict=False)
    )
    shrunk: NDArray[Any] = mask[rows][:, columns]
    return shrunk
