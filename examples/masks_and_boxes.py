"""Move segmentation masks, bounding boxes and keypoints together with their images, and look at the result."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import augline as al

# a bright disc in each image: its mask, the box around it, and its centre
random = np.random.default_rng(0)
y, x = np.mgrid[:120, :160]
images = random.integers(0, 90, (8, 120, 160, 3), dtype=np.uint8)
masks = np.zeros((8, 120, 160), np.uint8)
boxes, points = [], []
for image, mask in zip(images, masks, strict=True):
    centre_x, centre_y, radius = random.integers(50, 110), random.integers(45, 75), random.integers(15, 30)
    mask[(x - centre_x) ** 2 + (y - centre_y) ** 2 <= radius**2] = 1
    image[mask == 1] += 140
    boxes.append([[centre_x - radius, centre_y - radius, centre_x + radius + 1, centre_y + radius + 1]])
    points.append([[centre_x, centre_y, 1]])

source = al.Arrays(images, masks=masks, boxes=boxes, box_labels=[["disc"]] * 8, keypoints=points)
transforms = [al.RandomFlip(), al.RandomRotation(0.1, fill_mode="constant"), al.RandomZoom(0.2), al.RandomContrast(0.3)]
pipe = al.Pipeline(source, transforms, size=(96, 128), batch_size=4, seed=7)

batch = next(iter(pipe))
print({name: getattr(value, "shape", None) or list(value) for name, value in batch.items()})
for mask, box in zip(batch["segmentation_masks"][..., 0], batch["bounding_boxes"]["boxes"][:, 0], strict=True):
    rows, columns = np.nonzero(mask)
    print("mask", [int(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)], "box", box.round(1))

path = pipe.preview(Path(tempfile.mkdtemp()) / "sheet.png", samples=4, columns=2)
print("wrote", path)
