"""How long until a large data set is there, and what memory does it take? Folders beside Keras's, COCO beside the JSON.

Files are links to a few photographs: what is read is names. CPU seconds, for what a disk adds is the same for all.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Metrics, Question, Skipped, Subject, Target, Task, main
from subjects import tensorflow

_CLASSES, _EACH = 200, 1000
_IMAGES, _OBJECTS = 20_000, 140_000
_STATUS = Path("/proc/self/status")
_LINKS = 50_000  # to one file; ext4 takes 65,000

Make = Callable[[Task, Path], Path]


def _folder(task: Task, root: Path) -> Path:
    """Class folders of links to photographs, on the file system of `root`."""
    photo, each = task.files[0], task.scaled(_EACH)
    for number in range(_CLASSES):
        (folder := root / f"class{number:04}").mkdir()
        if number * each // _LINKS != (number - 1) * each // _LINKS:
            copy = root / f".{number}"
            copy.write_bytes(Path(photo).read_bytes())
        for image in range(each):
            os.link(copy, folder / f"photo{number:04}_{image:05}.jpg")
    return root


def _coco(task: Task, root: Path) -> Path:
    """An annotation file like those of COCO, with outlines of 8 to 60 corners, and its images beside it."""
    draw, images = random.Random(7), task.scaled(_IMAGES)
    (root / "photo").write_bytes(Path(task.files[0]).read_bytes())
    for number in range(images):
        os.link(root / "photo", root / f"{number:012}.jpg")
    sizes = {"height": 480, "width": 640}
    found: dict[str, Any] = {"categories": [{"id": 1, "name": "thing"}]}
    found["images"] = [{"id": number, "file_name": f"{number:012}.jpg", **sizes} for number in range(images)]
    found["annotations"] = []
    for number in range(task.scaled(_OBJECTS)):
        outline = [round(draw.uniform(100, 400), 2) for _ in range(2 * draw.randint(8, 60))]
        object_ = {"id": number, "image_id": draw.randrange(images), "category_id": 1, "iscrowd": 0}
        found["annotations"].append(object_ | {"bbox": [100, 100, 300, 300], "segmentation": [outline]})
    (path := root / "found.json").write_text(json.dumps(found))
    return path


def _measure(
    make: Callable[[Task, Path], Path], read: Callable[[], Callable[[Path], Any]]
) -> Callable[[Task], Metrics]:
    """CPU seconds and memory of what `read()`, which imports, does with what `make` wrote."""

    def measure(task: Task) -> Metrics:
        reads = read()
        with tempfile.TemporaryDirectory() as root:
            path = _made_elsewhere(make, task, root)
            before, begin = _most_from_now(), time.process_time()
            kept = reads(path)
            seconds = time.process_time() - begin
            peak = _most() - before
            del kept
        return {"CPU s": seconds, "peak MB": peak / 1e3}

    return measure


def _most() -> int:
    """The most kB that this process held since `_most_from_now`."""
    if not _STATUS.exists():
        raise Skipped("reads /proc: Linux only")
    return int(next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM")).split()[1])


def _most_from_now() -> int:
    if _STATUS.exists():
        _STATUS.with_name("clear_refs").write_text("5")
    return _most()


def _made_elsewhere(make: Make, task: Task, root: str) -> Path:
    """Made in a forked process, whose memory does not count."""
    path = Path(root)
    if (child := os.fork()) == 0:
        make(task, path)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise OSError(f"{root}: the data set could not be made")
    return path / "found.json" if make is _coco else path


def _names() -> Callable[[Path], Any]:
    return lambda root: [[entry.name for entry in os.scandir(folder)] for folder in os.scandir(root) if folder.is_dir()]


def _ours() -> Callable[[Path], Any]:
    import augline as al

    return lambda root: al.Pipeline(al.Folder(root), [al.RandomFlip()], size=(32, 32)).positions(0)


def _keras_dataset() -> Callable[[Path], Any]:
    tensorflow()
    import keras

    return lambda root: keras.utils.image_dataset_from_directory(root, image_size=(32, 32), verbose=False)


def _keras_flow() -> Callable[[Path], Any]:
    tensorflow()
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    return lambda root: ImageDataGenerator().flow_from_directory(root, target_size=(32, 32))


def _our_coco() -> Callable[[Path], Any]:
    import augline as al

    return lambda path: al.Coco(path, path.parent)


def _json() -> Callable[[Path], Any]:
    return lambda path: json.loads(path.read_bytes())


_FILES, _FILE = f"{_CLASSES * _EACH:,} files in {_CLASSES} folders", f"{_IMAGES:,} images, {_OBJECTS:,} outlines"

QUESTION = Question(
    "Until a large data set is there",
    {
        "folder-names": Subject(_measure(_folder, _names), "1", _FILES, note="os.scandir alone: the floor"),
        "folder-augline": Subject(_measure(_folder, _ours), "1", _FILES, note="Folder and Pipeline"),
        "folder-keras-dataset": Subject(
            _measure(_folder, _keras_dataset), "as Keras does", _FILES, ("keras", "tensorflow"),
            "image_dataset_from_directory",
        ),
        "folder-keras-flow": Subject(
            _measure(_folder, _keras_flow), "as Keras does", _FILES, ("keras", "tensorflow"), "flow_from_directory"
        ),
        "coco-json": Subject(_measure(_coco, _json), "1", _FILE, note="json.loads alone: the floor of CPU seconds"),
        "coco-augline": Subject(_measure(_coco, _our_coco), "1", _FILE, note="Coco, with boxes and outlines, checked"),
    },
    [
        Target("CPU s", "folder-augline", ["folder-keras-dataset", "folder-keras-flow"], at_most=0.5),
        Target("peak MB", "folder-augline", ["folder-keras-dataset", "folder-keras-flow"], at_most=1),
        Target("CPU s", "coco-augline", ["coco-json"], at_most=3),
        Target("peak MB", "coco-augline", ["coco-json"], at_most=1),
    ],
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
