"""Drawing and planning twenty transforms for 256 samples, against decoding those 256 files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import Metrics, Question, Subject, Target, Task, main, median_time, photos

_SAMPLES = 256
_REPEATS = 21


def _twenty(al: Any) -> list[Any]:
    return [
        al.RandomFlip("horizontal"),
        al.RandomRotation(0.05),
        al.RandomZoom(0.2),
        al.RandomTranslation(0.1, 0.1),
        al.RandomShear(0.1, 0.1),
        al.RandomAffine(degrees=10, scale=(0.9, 1.1), p=0.5),
        al.RandomPerspective(0.5, 0.2),
        al.OneOf([al.RandomFlip("vertical"), al.RandomRotation(0.1)], p=0.5),
        al.RandomResizedCrop(224, 224),
        al.RandomRotate90(),
        al.RandomBrightness(0.2),
        al.RandomContrast(0.2),
        al.RandomGamma((0.8, 1.25)),
        al.RandomSaturation((0.4, 0.6)),
        al.RandomHue(0.1),
        al.RandomGrayscale(0.1),
        al.RandomInvert(0.1),
        al.Solarization(0.1, 0.1, p=0.2),
        al.RandomPosterization(6, p=0.2),
        al.Normalize(),
    ]


def _plan(task: Task) -> Metrics:
    import numpy as np
    import simplejpeg

    import augline as al

    files = photos(task.data, _SAMPLES)
    pipe = al.Pipeline(al.Files(files), _twenty(al), seed=7)
    sizes = np.asarray([simplejpeg.decode_jpeg_header(Path(path).read_bytes())[:2] for path in files])
    ids = np.arange(_SAMPLES)
    return {"ms": 1e3 * median_time(lambda: pipe.program.plan(0, ids, sizes), _REPEATS)}


def _decode(task: Task) -> Metrics:
    import numpy as np
    import simplejpeg

    files = [Path(path).read_bytes() for path in photos(task.data, _SAMPLES)]
    buffer = np.empty(3 * max(h * w for h, w, *_ in map(simplejpeg.decode_jpeg_header, files)), np.uint8)

    def decode() -> None:
        for data in files:
            simplejpeg.decode_jpeg(data, buffer=buffer)

    return {"ms": 1e3 * median_time(decode, max(1, task.scaled(5)))}


QUESTION = Question(
    "Drawing and planning 20 transforms for 256 samples",
    {
        "plan": Subject(_plan, "1", "a fused plan", note="20 transforms; median of many"),
        "decode": Subject(_decode, "1", "256 decoded images", note="files in memory, one reused buffer"),
    },
    [Target("ms", "plan", ["decode"], at_most=0.02)],
)

if __name__ == "__main__":
    main(QUESTION)
