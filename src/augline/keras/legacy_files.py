"""Files to images the way Keras's `load_img` gives them: stored orientation, Pillow's conversions and its resizing.

JPEGs are decoded by simplejpeg, bit for bit what Pillow gives; everything else, and whatever simplejpeg is too strict
for, by Pillow. "nearest" goes by Pillow's own table of rows and columns.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from augline.decode import Scratch, decode, probe
from augline.errors import ArgumentError, DecodeError

Image = NDArray[Any]
CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
INTERPOLATIONS = {
    "nearest": Pillow.Resampling.NEAREST,
    "bilinear": Pillow.Resampling.BILINEAR,
    "bicubic": Pillow.Resampling.BICUBIC,
    "hamming": Pillow.Resampling.HAMMING,
    "box": Pillow.Resampling.BOX,
    "lanczos": Pillow.Resampling.LANCZOS,
}
_MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
_DEEP_GREYS = ("L", "I;16", "I")  # which Keras leaves as they are


class Loader:
    """Reads files at one size.

    Args:
        target_size: (height, width).
        color_mode: "rgb", "rgba" or "grayscale".
        interpolation: A name from `INTERPOLATIONS`.
        keep_aspect_ratio: Whether the middle of the image is cut out at the target's aspect ratio first.
    """

    def __init__(
        self, target_size: tuple[int, int], color_mode: str, interpolation: str, keep_aspect_ratio: bool
    ) -> None:
        if color_mode not in CHANNELS:
            raise ArgumentError(f'Invalid color mode: {color_mode}; expected "rgb", "rgba", or "grayscale".')
        if interpolation not in INTERPOLATIONS:
            supported = ", ".join(INTERPOLATIONS)
            raise ArgumentError(f"Invalid interpolation method {interpolation}. Supported methods are {supported}.")
        self.size, self.color_mode, self.interpolation = target_size, color_mode, interpolation
        self.keep_aspect_ratio = keep_aspect_ratio
        self._local = threading.local()

    def load(self, path: str, out: Image) -> None:
        """One file into its place.

        Args:
            path: The file.
            out: (height, width, channels): float32 for grey, else uint8; RGB may have a fourth channel, of any value.

        Raises:
            OSError: As Pillow raises it for files that are missing, damaged, or no images, with the path as a note.
        """
        try:
            data = Path(path).read_bytes()
            if not self._jpeg(data, out):
                self._copy(self._pillow(data), out)
        except (OSError, ValueError, SyntaxError) as error:
            error.add_note(f"while reading {path}")
            raise

    def _jpeg(self, data: bytes, out: Image) -> bool:
        """Whether simplejpeg could read it."""
        if data[:2] != b"\xff\xd8":
            return False
        scratch = self._local.__dict__.setdefault("scratch", Scratch())
        try:
            header = probe(data, exif=False)
            if header.bands not in (1, 3):
                return False
            channels = out.shape[2] if self.interpolation == "nearest" else CHANNELS[self.color_mode]
            image = decode(data, header, channels=channels, scratch=scratch)
        except DecodeError:  # damage that Pillow may live with, as Keras does
            return False
        if image.shape[:2] == self.size:
            self._copy(image, out)
        elif self.interpolation == "nearest":
            self._nearest(image, out)
        else:
            picture = Pillow.fromarray(image[:, :, 0] if channels == 1 else image)
            self._copy(np.asarray(self._resized(picture)), out)
        return True

    @staticmethod
    def _copy(image: Image, out: Image) -> None:
        image = image if image.ndim == 3 else image[:, :, None]
        np.copyto(out[:, :, : image.shape[2]], image, casting="unsafe")

    def _pillow(self, data: bytes) -> Image:
        with Pillow.open(BytesIO(data)) as stored:
            wanted = _MODES[self.color_mode]
            kept = stored.mode in _DEEP_GREYS if self.color_mode == "grayscale" else stored.mode == wanted
            picture: Pillow.Image = stored if kept else stored.convert(wanted)
            return np.asarray(self._resized(picture))

    def _resized(self, picture: Pillow.Image) -> Pillow.Image:
        height, width = self.size
        if picture.size == (width, height):
            return picture
        top, bottom, left, right = self._box(picture.height, picture.width)
        return picture.resize((width, height), INTERPOLATIONS[self.interpolation], (left, top, right, bottom))

    def _nearest(self, image: Image, out: Image) -> None:
        top, bottom, left, right = self._box(*image.shape[:2])
        rows, rows_agree = nearest_table(image.shape[0], top, bottom, self.size[0])
        columns, columns_agree = nearest_table(image.shape[1], left, right, self.size[1])
        if not (rows_agree and columns_agree):
            np.copyto(out, image.take(rows, axis=0).take(columns, axis=1))
            return
        window, size = image[top:bottom, left:right], self.size[::-1]
        if out.dtype == np.uint8:
            cv2.resize(window, size, dst=out, interpolation=cv2.INTER_NEAREST_EXACT)
        else:  # grey
            np.copyto(out[:, :, 0], cv2.resize(window[:, :, 0], size, interpolation=cv2.INTER_NEAREST_EXACT))

    def _box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """(top, bottom, left, right) of what is resized."""
        if not self.keep_aspect_ratio:
            return 0, height, 0, width
        rows, columns = self.size
        crop_height, crop_width = min(height, width * rows // columns), min(width, height * columns // rows)
        top, left = (height - crop_height) // 2, (width - crop_width) // 2
        return top, top + crop_height, left, left + crop_width


@lru_cache(4096)
def nearest_table(side: int, start: int, stop: int, target: int) -> tuple[NDArray[np.int64], bool]:
    """Which rows (or columns) Pillow takes when it resizes to the nearest, and whether OpenCV takes the same ones.

    Pillow adds up positions in floating point, so that ties fall where rounding puts them: it is asked, not imitated.
    """
    ramp = np.arange(side, dtype=np.int32)[None]
    picture = Pillow.fromarray(ramp).resize((target, 1), Pillow.Resampling.NEAREST, (start, 0, stop, 1))
    theirs = np.asarray(picture)[0].astype(np.int64)
    window = ramp[:, start:stop].astype(np.float32)
    ours = cv2.resize(window, (target, 1), interpolation=cv2.INTER_NEAREST_EXACT)[0]
    return theirs, bool((ours == theirs).all())
