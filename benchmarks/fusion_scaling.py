"""Ten fused geometric transforms against one: does fusion make them free?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from harness import Build, Question, Subject, Target, Task, main, throughput
from subjects import POOL, our_epochs, our_pipeline

_IN_MEMORY = 128
"""Distinct images: more than a CPU's cache holds."""


def _one(al: Any) -> list[Any]:
    return [al.RandomAffine(degrees=15, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=5)]


def _ten(al: Any) -> list[Any]:
    """Small steps, so that ten together move an image about as far as the one."""
    five = [
        al.RandomRotation(0.015),
        al.RandomZoom(0.03),
        al.RandomTranslation(0.03, 0.03),
        al.RandomShear(0.03, 0.03),
        al.RandomAffine(degrees=4, translate=(0.03, 0.03), scale=(0.97, 1.03), shear=2),
    ]
    return [*five, *five]


def _images(task: Task) -> list[Any]:
    import cv2
    import simplejpeg

    files = task.files[:_IN_MEMORY]
    decoded = [cv2.resize(simplejpeg.decode_jpeg(Path(path).read_bytes()), (500, 375)) for path in files]
    return [decoded[i % len(decoded)] for i in range(task.images)]


def _build(transforms: Callable[[Any], list[Any]], *, memory: bool) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        import augline as al

        source = al.Arrays(_images(task)) if memory else al.Files(task.files)
        return our_epochs(our_pipeline(source, transforms(al), size=(224, 224)))

    return build


def _subject(transforms: Callable[[Any], list[Any]], *, memory: bool) -> Subject:
    note = "500×375 images in memory" if memory else "from files"
    return throughput(_build(transforms, memory=memory), POOL, note=note, per_image=True)


QUESTION = Question(
    "Ten fused geometric transforms against one",
    {
        "one-in-memory": _subject(_one, memory=True),
        "ten-in-memory": _subject(_ten, memory=True),
        "one-from-files": _subject(_one, memory=False),
        "ten-from-files": _subject(_ten, memory=False),
    },
    [
        Target("µs/image", "ten-in-memory", ["one-in-memory"], at_most=1.05),
        Target("µs/image", "ten-from-files", ["one-from-files"], at_most=1.05),
    ],
)

if __name__ == "__main__":
    main(QUESTION)
