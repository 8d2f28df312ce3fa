"""Lists that look at pixels while images still differ in size: in a graph as in the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
from pictures import smooth

tf = pytest.importorskip("tensorflow")

SIZES = ((40, 52), (61, 33), (20, 90), (175, 148))
IMAGES = [smooth(*size, 3, "uint8", number) for number, size in enumerate(SIZES)]
MASKS = [image[..., :1] // 64 for image in IMAGES]
ALL: dict[str, Any] = {
    "masks": MASKS, "boxes": [[[2, 3, 15, 18], [8, 9, 30, 19]]] * 4, "box_labels": [[0, 1]] * 4,
    "keypoints": [[[5, 6, 2]]] * 4, "extra_images": {"later": [image[:, ::-1] for image in IMAGES]},
}  # fmt: skip
END = al.RandomResizedCrop(24, 31, scale=(0.3, 1))
BLUR = al.RandomGaussianBlur((0.5, 0.9))


def compare(source: al.Source, work: list[Any], most: float = 1, **settings: Any) -> None:
    """The first batch of the graph, held against the reference's."""
    settings = {"batch_size": 4, "seed": 2, **settings}
    (batch,) = al.Pipeline(source, work, engine="tensorflow", **settings).to_tf()
    wanted = al.Pipeline(source, work, engine="reference", **settings).batch(0, 0)
    tf.nest.assert_same_structure(batch, wanted)
    for got, told in zip(tf.nest.flatten(batch), tf.nest.flatten(wanted), strict=True):
        apart = np.abs(np.asarray(got, np.float64) - told)
        images = told.shape[-1] == 3 and told.ndim > 3
        assert apart.max() <= (most if images else 1e-3), (told.shape, apart.max())
        assert apart.mean() <= 0.03 * most, told.shape


@pytest.mark.parametrize(
    ("work", "targets", "most"),
    [
        ([al.RandomContrast(0.2), al.CLAHE(), al.CoarseDropout(mask_fill_value=0), END, al.RandomHue(0.1)], ALL, 1),
        ([al.D4(), al.RandomZoomOut(), BLUR, al.RandomGaussianNoise(), al.Resizing(30, 30)], ALL, 1),
        ([al.RandomElasticTransform(), al.RandomMedianBlur(), al.GridDistortion(), END], {"masks": MASKS}, 1),
        ([al.OpticalDistortion(), al.Equalization(), al.RandomJpegCompression(), al.Resizing(30, 41)], {}, 6),
    ],
    ids=lambda work: type(work[0]).__name__ if isinstance(work, list) else "",
)
def test_images_of_several_sizes(work: list[Any], targets: dict[str, Any], most: float) -> None:
    compare(al.Arrays(IMAGES, np.arange(4), **targets), work, most)


def test_files_are_decoded_no_larger_than_the_first_warp_needs(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(4)]
    for number, path in enumerate(paths):
        image = Image.fromarray(smooth(130 + 400 * number, 700 - 90 * number, 3, "uint8", number))
        exif = image.getexif()
        exif[0x0112] = 1 + 5 * (number % 2)
        image.save(path, quality=95, exif=exif)
    compare(al.Files(paths), [al.D4(), al.ResizeLongestEdge(60), al.RandomContrast(0.2), al.Resizing(40, 50)])
    compare(al.Files(paths), [al.RandomContrast(0.2), al.Resizing(40, 50)])


def test_images_that_come_to_differ_on_the_way_and_behind_a_mixing() -> None:
    images = np.stack([smooth(40, 52, 3, "uint8", number) for number in range(4)])
    source = al.Arrays(images, np.eye(4, dtype=np.float32), masks=images[..., :1] // 64)
    grows = [al.RandomZoomOut(), al.GridDistortion(), BLUR, al.Resizing(30, 30)]
    compare(source, [*grows, al.CutMix(), *grows, al.RandomContrast(0.2)])


def test_what_is_served_may_look_at_pixels_first(tmp_path: Path) -> None:
    pipe = al.Pipeline(al.Arrays(IMAGES), [al.AutoContrast(), al.Resizing(24, 31)], batch_size=4, shuffle=False)
    served = tf.saved_model.load(str(pipe.export(tmp_path / "model"))).signatures["pixels"]
    for image, wanted in zip(IMAGES, pipe.batch(0, 0), strict=True):
        assert np.abs(served(tf.constant(image[None]))["images"].numpy()[0] - wanted.astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("work", "targets", "message"),
    [
        ([al.GridDistortion(), END], ALL, r"boxes and keypoints do not follow .* Received GridDistortion"),
        (
            [al.GridDistortion(), al.CropNonEmptyMaskIfExists(16, 16)],
            {"masks": MASKS},
            r"crops that look at masks do not follow .* Received GridDistortion\. Give size=, or put Resizing",
        ),
    ],
)
def test_targets_that_do_not_follow_are_refused(work: list[Any], targets: dict[str, Any], message: str) -> None:
    with pytest.raises(al.EngineError, match=message):
        al.Pipeline(al.Arrays(IMAGES, **targets), work, engine="tensorflow").to_tf()
