"""One picture of a contact sheet: an image fitted into a square, with its mask, boxes and points drawn in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from augline.errors import ArgumentError

COLOURS = (
    (230, 57, 70), (29, 125, 220), (46, 160, 67), (245, 158, 11), (139, 70, 200), (0, 168, 168), (222, 80, 160),
    (132, 100, 70), (90, 110, 230), (150, 170, 20),
)  # fmt: skip
"""One per class, in turn; mask value 0 is background and has none."""

_SHARE = 0.5  # of a mask's colour over the image
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, eq=False)
class Picture:
    """An image with what belongs to it.

    Attributes:
        image: (height, width, 3) uint8.
        mask: (height, width, channels) of class numbers; the first channel is shown.
        boxes: (n, 4) in pixels, as (left, top, right, bottom).
        names: One per box; may be empty.
        points: (k, 2) or (k, 3): x, y in pixel centres, and visibility.
    """

    image: NDArray[np.uint8]
    mask: NDArray[Any] | None = None
    boxes: NDArray[Any] = field(default_factory=lambda: np.zeros((0, 4)))
    names: list[str] = field(default_factory=list)
    points: NDArray[Any] = field(default_factory=lambda: np.zeros((0, 2)))

    def fitted(self, side: int, font: Font) -> Image.Image:
        """The picture, its longer side `side` pixels long, with all targets drawn in."""
        height, width = self.image.shape[:2]
        scale = side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        # pixels of small images stay visible as squares
        how = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
        picture = Image.fromarray(self.image).resize(size, how)
        if self.mask is not None:
            picture = _masked(picture, self.mask[:, :, 0])
        draw = ImageDraw.Draw(picture)
        zoom = np.asarray([size[0] / width, size[1] / height])
        for number, (box, name) in enumerate(zip(self.boxes, self.names, strict=True)):
            colour = COLOURS[_number(name, self.names, number) % len(COLOURS)]
            _draw_box(draw, box * np.tile(zoom, 2), name, colour, size, font)
        for number, point in enumerate(self.points):
            if len(point) < 3 or point[2] > 0:
                _draw_point(draw, (point[:2] + 0.5) * zoom, COLOURS[number % len(COLOURS)])
        return picture


def _number(name: str, names: list[str], place: int) -> int:
    """Boxes of one class share a colour; without names each has its own. The same on both pictures of a pair."""
    return sum(name.encode()) if name else place


def _masked(picture: Image.Image, mask: NDArray[Any]) -> Image.Image:
    classes = np.asarray(mask).astype(np.int64)
    paint = np.zeros((*classes.shape, 3), np.uint8)
    table = np.asarray(COLOURS, np.uint8)
    paint[classes != 0] = table[(classes[classes != 0] - 1) % len(COLOURS)]
    cover = Image.fromarray(np.where(classes != 0, round(255 * _SHARE), 0).astype(np.uint8))
    nearest = Image.Resampling.NEAREST
    colours = Image.fromarray(paint).resize(picture.size, nearest)
    return Image.composite(colours, picture, cover.resize(picture.size, nearest))


def _draw_box(
    draw: ImageDraw.ImageDraw, box: NDArray[Any], name: str, colour: tuple[int, int, int], size: tuple[int, int],
    font: Font,
) -> None:  # fmt: skip
    left, top, right, bottom = (float(v) for v in box)
    right, bottom = min(right, size[0]) - 1, min(bottom, size[1]) - 1
    left, top = max(left, 0), max(top, 0)
    if right < left or bottom < top:
        return
    draw.rectangle((left, top, right, bottom), outline=colour, width=2)
    if name:
        x0, y0, x1, y1 = draw.textbbox((0, 0), name, font=font)
        place = min(left, max(0.0, size[0] - (x1 - x0) - 7)), top
        draw.rectangle((*place, place[0] + x1 - x0 + 7, place[1] + y1 - y0 + 6), fill=colour)
        draw.text((place[0] + 4 - x0, place[1] + 3 - y0), name, fill="white", font=font)


def _draw_point(draw: ImageDraw.ImageDraw, place: NDArray[Any], colour: tuple[int, int, int]) -> None:
    if np.isfinite(place).all():
        x, y = (float(v) for v in place)
        draw.ellipse((x - 4.5, y - 4.5, x + 4.5, y + 4.5), fill="white")
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)


def load_font(size: int) -> Font:
    """Pillow's own font.

    Raises:
        ArgumentError: Pillow was built without FreeType.
    """
    try:
        return ImageFont.load_default(size=size)
    except ImportError as error:
        raise ArgumentError(
            f"preview: Pillow must have FreeType for captions. Received {error}. Install it anew: pip install pillow."
        ) from error
