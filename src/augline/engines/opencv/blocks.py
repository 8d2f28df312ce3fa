"""Means of blocks: what an image is shrunk by before it is resampled."""

from __future__ import annotations

import cv2

from augline.engines.opencv.channels import Image, by_groups


def shrink(image: Image, factor_y: int, factor_x: int) -> Image:
    """Means of whole blocks from the top left; the last row and column are repeated to fill up the last block."""
    height, width, _ = image.shape
    down, right = -height % factor_y, -width % factor_x
    if down or right:
        size = (width + right, height + down)
        image = by_groups(
            image, None, size,
            lambda part, dst, _: cv2.copyMakeBorder(part, 0, down, 0, right, cv2.BORDER_REPLICATE, dst),
        )  # fmt: skip
    size = (image.shape[1] // factor_x, image.shape[0] // factor_y)
    # at a factor of exactly 2 the two or four pixels that "linear" weighs are the block, and it is three times faster
    kind = cv2.INTER_LINEAR if factor_y <= 2 and factor_x <= 2 else cv2.INTER_AREA
    return by_groups(image, None, size, lambda part, dst, _: cv2.resize(part, size, dst=dst, interpolation=kind))
