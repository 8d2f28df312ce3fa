"""Samples that fail in a graph: the same stand in for them as in the other engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
from pictures import smooth

tf = pytest.importorskip("tensorflow")

COUNT = 20


def damaged(root: Path) -> al.Files:
    """Images and masks, of which every second fails in a way of its own."""
    images, masks = ([str(root / f"{k:02}{kind}") for k in range(COUNT)] for kind in (".jpg", "_mask.png"))
    for number, (path, mask) in enumerate(zip(images, masks, strict=True)):
        image = smooth(40 + number, 60 - number, 3, "uint8", number)
        Image.fromarray(image).save(path, "PNG" if number % 4 else "JPEG")
        Image.fromarray(image[..., 0] // 64).save(mask)
    source = al.Files(images, masks=masks, labels=np.eye(COUNT, dtype=np.float32))
    Path(masks[0]).write_text("no mask")
    Path(images[2]).unlink()
    for number, change in {
        4: lambda data: data[: len(data) // 2] + b"\xff" * 200 + data[len(data) // 2 + 200 :],
        6: lambda data: data[:60] + b"\0" * (len(data) - 72) + data[-12:],
        8: lambda data: data[:-20],
        10: lambda data: data[:20],
        12: lambda _: b"",
        14: lambda _: b"not an image",
    }.items():
        Path(images[number]).write_bytes(change(Path(images[number]).read_bytes()))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(masks[16])
    Path(masks[18]).unlink()
    return source


def test_the_same_samples_stand_in(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """For samples that fail, or a partner of which does; with all that belongs to them."""
    source, work = damaged(tmp_path), [al.RandomFlip(), al.CutMix(p=0.3)]
    settings: dict[str, Any] = {"size": (24, 32), "batch_size": 10, "seed": 4, "on_error": "replace"}
    graph = al.Pipeline(source, work, engine="tensorflow", **settings)
    reference = al.Pipeline(source, work, engine="reference", **settings)
    for step, batch in enumerate(graph.to_tf()):
        wanted = reference.batch(0, step)
        assert np.abs(batch["images"].numpy() - wanted["images"].astype(int)).max() <= 1
        assert np.array_equal(batch["segmentation_masks"], wanted["segmentation_masks"])
        assert np.array_equal(batch["labels"], wanted["labels"])
    told = capfd.readouterr().err
    assert len(reference.report()) > COUNT // 2
    for one in reference.report():
        assert f"augline: epoch {one.epoch}, position {one.position}: {one.substitute} stands in for {one.name}" in told
    assert "04.jpg: the file must not end before its image" not in told
    assert "08.jpg: the file must not end before its image" in told


def test_the_next_of_the_order_stands_in_until_none_can(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{k:02}.png") for k in range(14)]
    for number, path in enumerate(paths):
        Image.fromarray(np.full((8, 6, 1), number, np.uint8)[..., 0]).save(path)
    source = al.Files(paths, labels=np.arange(14))
    graph = al.Pipeline(source, size=(8, 6), batch_size=6, shuffle=False, on_error="skip", engine="tensorflow").to_tf()
    for number in (1, 2, 13):
        Path(paths[number]).write_text("no")
    seen = [(images.numpy()[:, 0, 0, 0].tolist(), labels.numpy().tolist()) for images, labels in graph]
    wanted = [[0, 3, 3, 3, 4, 5], [6, 7, 8, 9, 10, 11], [12, 0]]
    assert seen == [(part, part) for part in wanted]
    for path in paths[3:12]:
        Path(path).write_text("no")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"one of 10 substitutes must be.*those of .*01\.png"):
        next(iter(graph))
