"""Files, folders and tables whose names have a scheme are read through `tf.io.gfile`; here, TensorFlow's ram://."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import augline as al
from pictures import smooth

tf = pytest.importorskip("tensorflow")

PLACE = "ram://augline"
NAMES = ["a/0.png", "a/deeper/1.png", "b/2.png"]


@pytest.fixture(scope="module", autouse=True)
def files() -> None:
    for number, name in enumerate(NAMES):
        for folder, picture in (
            ("photos", smooth(9, 8, 3, "uint8", number)),
            ("masks", np.full((9, 8), number, "uint8")),
        ):
            Image.fromarray(picture).save(data := io.BytesIO(), "png")
            tf.io.write_file(f"{PLACE}/{folder}/{name}", data.getvalue())
    tf.io.write_file(f"{PLACE}/photos/.hidden/3.png", b"")
    tf.io.write_file(f"{PLACE}/photos/list.csv", "file,kind\n" + "\n".join(f"{name},{name[0]}" for name in NAMES))


def sources() -> list[al.Source]:
    paths = [f"{PLACE}/photos/{name}" for name in NAMES]
    return [
        al.Folder(f"{PLACE}/photos"),
        al.Files(paths, ["a", "a", "b"], masks=[path.replace("photos", "masks") for path in paths]),
        al.Table(f"{PLACE}/photos/list.csv", image="file", label="kind"),
    ]


@pytest.mark.parametrize("source", range(3))
def test_batches(source: int) -> None:
    pipe = al.Pipeline(sources()[source], size=(9, 8), batch_size=3, shuffle=False)
    batch = pipe.batch(0, 0)
    images, labels = (batch["images"], batch["labels"]) if isinstance(batch, dict) else batch
    assert np.array_equal(images, [smooth(9, 8, 3, "uint8", number) for number in range(3)])
    assert labels.tolist() == [0, 0, 1]
    assert not isinstance(batch, dict) or batch["segmentation_masks"][:, 4, 4, 0].tolist() == [0, 1, 2]
    assert al.Pipeline.from_yaml(pipe.to_yaml()).fingerprint() == pipe.fingerprint()


def test_what_is_not_there() -> None:
    with pytest.raises(al.SourceError, match=r"Folder\('ram://nowhere'\): path must be a folder"):
        al.Folder("ram://nowhere")
    with pytest.raises(al.SourceError, match=r"1 of 2 that do not: 'ram://augline/photos/9\.png'"):
        al.Files([f"{PLACE}/photos/9.png", f"{PLACE}/photos/a/0.png"])
