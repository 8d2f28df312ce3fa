"""Photographs made smaller once, by `augline pack --shortest 256`: what do they save in every epoch?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from decode_roof_rrc import RATIO, SCALE
from harness import Build, Question, Target, Task, main, throughput
from six_transforms import six
from subjects import POOL, ROOF, our_epochs, our_pipeline

_SHORTEST = 256


def _crop(library: Any) -> Sequence[Any]:
    return [library.RandomResizedCrop(224, 224, SCALE, RATIO), library.RandomFlip("horizontal")]


def _source(task: Task, *, packed: bool) -> tuple[Any, Any]:
    """The task's photographs, and what must live as long as they."""
    import augline as al

    if not packed:
        return al.Files(task.files), None
    folder = tempfile.TemporaryDirectory()
    files = list(dict.fromkeys(task.files))
    shards = al.write_tfrecords(al.Files(files), f"{folder.name}/photos", shortest=_SHORTEST)
    places = {file: index for index, file in enumerate(files)}
    return al.TFRecords(shards, label_key=None).select([places[file] for file in task.files]), folder


def _augline(make: Callable[[Any], Sequence[Any]], size: tuple[int, int] | None, *, packed: bool) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        import augline as al

        source, folder = _source(task, packed=packed)
        epochs = our_epochs(our_pipeline(source, make(al), size=size))

        def start(_: Any = folder) -> Iterable[Any]:
            return epochs()

        return start

    return build


_SUBJECT = partial(throughput, threads=POOL)

QUESTION = Question(
    f"The same photographs, as they are and packed with a shorter side of {_SHORTEST}",
    {
        "decode": ROOF["decode"],
        "six": _SUBJECT(_augline(six, (224, 224), packed=False)),
        "six-packed": _SUBJECT(_augline(six, (224, 224), packed=True), requires=("tensorflow",)),
        "crop": _SUBJECT(_augline(_crop, None, packed=False), note="RandomResizedCrop, flip"),
        "crop-packed": _SUBJECT(_augline(_crop, None, packed=True), requires=("tensorflow",)),
    },
    [
        Target("images/s", "six-packed", ["six"]),
        Target("images/s", "crop-packed", ["crop"]),
        Target("images/s", "six-packed", ["decode"]),
    ],
)

if __name__ == "__main__":
    main(QUESTION)
