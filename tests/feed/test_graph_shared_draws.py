"""Images that share one draw, in the graph engine: several of a sample, and the frames of a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
from pictures import smooth

tf = pytest.importorskip("tensorflow")

from augline.feed.graph.masks import in_corners  # noqa: E402
from augline.feed.graph.stored import Store  # noqa: E402

COUNT, TIME, HEIGHT, WIDTH = 5, 3, 24, 36
LEFT, RIGHT = (np.stack([smooth(HEIGHT, WIDTH, 3, "uint8", k) for k in range(at, at + COUNT)]) for at in (0, 50))
VIDEOS = np.stack([[smooth(HEIGHT, WIDTH, 3, "uint8", k + 7 * t) for t in range(TIME)] for k in range(COUNT)])
WORK = [
    al.RandomFlip(), al.RandomRotation(0.1, fill_mode="constant"), al.RandomContrast(0.3), al.RandomHue(0.2),
    al.OneOf([al.RandomGaussianNoise((0.05, 0.1)), al.RandomInvert()]), al.CoarseDropout((1, 3), mask_fill_value=0),
    al.RandomCrop(20, 22),
]  # fmt: skip


def compare(source: al.Source, work: Any, epochs: int = 1, mean: float = 0.03, **settings: Any) -> list[dict[str, Any]]:
    """The batches of the graph, held against the reference's."""
    settings = {"batch_size": 3, "seed": 3, **settings}
    graph = al.Pipeline(source, work, engine="tensorflow", **settings)
    reference = al.Pipeline(source, work, engine="reference", **settings)
    dataset, found = graph.to_tf(), []
    assert b"PyFunc" not in dataset._as_serialized_graph(allow_stateful=True).numpy()
    for epoch in range(epochs):
        for step, batch in enumerate(dataset):
            wanted = reference.batch(epoch, step)
            tf.nest.assert_same_structure(batch, wanted)
            found.append(flat(batch))
            for name, told in flat(wanted).items():
                alike(name, found[-1][name], told, mean)
    assert len(found) == epochs * len(reference)
    return found


def flat(batch: Any) -> dict[str, Any]:
    """The parts of a batch by name; those of a tuple by their number, the images under their own."""
    if not isinstance(batch, dict):
        parts = batch if isinstance(batch, tuple) else (batch,)
        return {("images", "labels")[k]: np.asarray(part) for k, part in enumerate(parts)}
    found = {}
    for name, part in batch.items():
        found |= (
            {f"{name}/{key}": value for key, value in flat(part).items()}
            if isinstance(part, dict)
            else {name: np.asarray(part)}
        )
    return found


def alike(name: str, got: Any, told: Any, mean: float) -> None:
    assert (got.shape, got.dtype) == (told.shape, told.dtype), name
    apart = np.abs(got.astype(np.float64) - told)
    if name.startswith("segmentation_masks") or name.endswith("labels"):
        assert not apart.any(), name
    elif name in ("keypoints", "bounding_boxes/boxes"):
        assert apart.max() <= 2e-3, name
    else:
        assert apart.max() <= 1, name
        assert apart.mean() <= mean, name


def test_further_images_of_a_sample() -> None:
    masks = LEFT[..., :1] // 64
    source = al.Arrays(LEFT, np.arange(COUNT), masks=masks, extra_images={"right": RIGHT})
    for batch in compare(source, WORK, epochs=2):
        assert (batch["right"] != batch["images"]).any()


def test_of_a_part_of_a_data_set() -> None:
    source = al.Arrays(LEFT, np.arange(COUNT), extra_images={"right": RIGHT})
    (batch,) = compare(source.select([4, 0, 2]), [al.RandomFlip()])
    assert {tuple(row) for row in batch["right"][:, ::-1, :, 0].reshape(3, -1)}.isdisjoint(
        {tuple(row) for row in batch["images"][:, ::-1, :, 0].reshape(3, -1)}
    )


@pytest.mark.parametrize("size", [(40, 60), (130, 250)])  # decoded an eighth as large, and half
def test_further_files_of_a_sample_are_decoded_alike(tmp_path: Path, size: tuple[int, int]) -> None:
    """Where one of two is a PNG, which no decoder shrinks, both are averaged."""
    paths: dict[str, list[Path]] = {"left": [], "right": []}
    for number in range(4):
        for side in paths:
            kind = "png" if (side, number) == ("right", 1) else "jpg"
            paths[side].append(tmp_path / f"{side}{number}.{kind}")
            image = smooth(400 + 30 * number, 600 - 20 * number, 3, "uint8", number + 9 * (side == "right"))
            Image.fromarray(image).save(paths[side][-1], quality=95)
    source = al.Files(paths["left"], extra_images={"right": paths["right"]})
    compare(source, [al.RandomFlip(), al.RandomZoom(0.2), al.RandomBrightness(0.2)], mean=0.1, size=size, batch_size=4)


def test_a_pair_of_two_sizes_is_named(tmp_path: Path) -> None:
    for name, size in (("a", (8, 9)), ("b", (9, 8)), ("c", (8, 9))):
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / f"{name}.png")
    a, b, c = (tmp_path / f"{name}.png" for name in "abc")
    pipe = al.Pipeline(al.Files([a, a], extra_images={"x": [c, b]}), size=(4, 4), shuffle=False, engine="tensorflow")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"extra_images x: .*one size: .*b\.png has another"):
        next(iter(pipe.to_tf()))


def test_the_frames_of_a_video() -> None:
    (first, *_) = compare(al.Arrays(VIDEOS, np.arange(COUNT)), WORK, epochs=2)
    assert first["images"].shape == (3, TIME, 20, 22, 3)


def test_videos_of_several_sizes_with_masks_and_further_images() -> None:
    """In memory, where what the first warp does not read is left out, and what is small is averaged as of files."""
    sizes = [(24, 36), (60, 31), (19, 90), (175, 148)]
    videos = [np.stack([smooth(*size, 3, "uint8", k + 7 * t) for t in range(TIME)]) for k, size in enumerate(sizes)]
    masks, later = [video[..., :2] // 64 for video in videos], [video[:, ::-1] for video in videos]
    source = al.Arrays(videos, np.arange(4), masks=masks, extra_images={"later": later})
    compare(source.select([3, 1, 0, 3, 2]), [al.RandomResizedCrop(20, 22, scale=(0.3, 1)), *WORK[:4]])


def test_masks_in_memory_of_another_size_than_their_files_are_named() -> None:
    store = Store([np.zeros((4, 5, 1), np.uint8), np.zeros((6, 3, 1), np.uint8)])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"mask of b: it must have the size of its image"):
        in_corners(store.take(tf.constant([0, 1])), tf.constant([[4, 5], [6, 4]]), tf.constant(["a", "b"]))


def test_targets_of_videos() -> None:
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 10, (COUNT, TIME, 2, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(4, 12, corners.shape)], axis=-1)
    boxes = boxes[..., [1, 0, 3, 2]] / [HEIGHT, WIDTH, HEIGHT, WIDTH]
    rows = [[frame[: (k + t) % 3] for t, frame in enumerate(video)] for k, video in enumerate(boxes)]
    names = [[np.arange(len(frame)) for frame in video] for video in rows]
    points = np.concatenate([rng.uniform(2, 20, (COUNT, TIME, 4, 2)), np.full((COUNT, TIME, 4, 1), 2)], axis=-1)
    source = al.Arrays(
        VIDEOS, np.arange(COUNT), masks={"a": VIDEOS[..., 0] // 32, "b": VIDEOS[..., :2].astype(np.int32)},
        boxes=rows, box_labels=names, bounding_box_format="rel_yxyx", keypoints=points, keypoint_swaps=[(0, 3)],
        extra_images={"later": VIDEOS[:, ::-1]},
    )  # fmt: skip
    filters = al.BoxFilter(min_visibility=0.2)
    for batch in compare(source, WORK, box_filter=filters, shuffle=False):
        assert batch["bounding_boxes/boxes"].shape[1:] == (TIME, 2, 4)
        assert (batch["bounding_boxes/labels"] >= 0).any()
        assert np.array_equal(batch["later"][:, 1], batch["images"][:, 1])
