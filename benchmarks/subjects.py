"""Building blocks of the subjects: our pipeline, and what a careful user of each peer would write."""

from __future__ import annotations

import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from harness import BATCH, THREADS, Build, Task, throughput

POOL = f"pool of {THREADS}, OpenCV 1"
TF_DATA = f"tf.data pool {THREADS}, intra-op {THREADS}, inter-op {THREADS}"
ONE_LOOP = "1 (a plain loop)"
_CHUNK = 8


def our_pipeline(source: Any, transforms: Sequence[Any], **options: Any) -> Any:
    """A pipeline of ours, kept to two threads: OpenCV has none beside the workers."""
    import cv2

    import augline as al

    cv2.setNumThreads(1)
    return al.Pipeline(source, transforms, **{"workers": THREADS, "seed": 7, "batch_size": BATCH, **options})


def our_epochs(pipe: Any) -> Callable[[], Iterable[Any]]:
    """Each pass is the next epoch."""
    return lambda: iter(pipe)


def decoder() -> Callable[[str], np.ndarray]:
    """From a path to pixels, for the roof and for peers that bring no decoder: libjpeg-turbo, accurate."""
    import simplejpeg

    return lambda path: simplejpeg.decode_jpeg(Path(path).read_bytes())


def _roof(task: Task) -> Callable[[], Iterable[Any]]:
    return bare(task.files, decoder())


def _roof_reused(task: Task) -> Callable[[], Iterable[Any]]:
    import simplejpeg

    size = max(h * w for h, w, *_ in (simplejpeg.decode_jpeg_header(Path(f).read_bytes()) for f in task.files))
    local = threading.local()

    def one(path: str) -> None:
        if not hasattr(local, "buffer"):
            local.buffer = np.empty(3 * size, np.uint8)
        simplejpeg.decode_jpeg(Path(path).read_bytes(), buffer=local.buffer)

    return bare(task.files, one)


def _roof_opencv(task: Task) -> Callable[[], Iterable[Any]]:
    import cv2

    cv2.setNumThreads(1)
    return bare(task.files, lambda path: cv2.imdecode(np.frombuffer(Path(path).read_bytes(), np.uint8), 1))


def bare(files: Sequence[str], one: Callable[[str], Any]) -> Callable[[], Iterable[Any]]:
    """Reads and decodes in a thread pool, and drops the result."""

    def chunk(first: int) -> range:
        for path in files[first : first + _CHUNK]:
            one(path)
        return range(len(files[first : first + _CHUNK]))

    def start() -> Iterator[range]:
        with ThreadPoolExecutor(THREADS) as pool:
            yield from pool.map(chunk, range(0, len(files), _CHUNK))

    return start


ROOF = {
    "decode": throughput(
        _roof, f"pool of {THREADS}", None, note="the roof: simplejpeg, files from disk, fresh arrays, result dropped"
    ),
    "decode-reused": throughput(_roof_reused, f"pool of {THREADS}", None, note="the same into one buffer per thread"),
    "decode-opencv": throughput(_roof_opencv, POOL, None, note="cv2.imdecode"),
}


def pictures(task: Task, count: int) -> np.ndarray:
    """So many photos in memory, 224×224 uint8; the same over again where there are fewer."""
    import cv2

    decode, files = decoder(), sorted({*task.files})
    small = [cv2.resize(decode(path), (224, 224), interpolation=cv2.INTER_AREA) for path in files[:count]]
    return np.stack([small[k % len(small)] for k in range(count)])


def pooled(
    files: Sequence[str], maker: Callable[[], Callable[[str, np.ndarray], None]], dtype: str = "uint8"
) -> Callable[[], Iterable[Any]]:
    """What a careful user writes around a library for single images: a pool that fills slots of reused batches.

    Args:
        files: Paths.
        maker: Makes `(path, slot) -> None`, once per thread.
        dtype: Of the batches.
    """
    ring = [np.empty((BATCH, 224, 224, 3), dtype) for _ in range(4)]  # two wait, one is filled, one is looked at
    local = threading.local()

    def fill(batch: np.ndarray, first: int, paths: Sequence[str]) -> None:
        if not hasattr(local, "one"):
            local.one = maker()
        for slot, path in enumerate(paths, first):
            local.one(path, batch[slot])

    def start() -> Iterator[np.ndarray]:
        waiting: deque[tuple[np.ndarray, list[Future[None]]]] = deque()
        with ThreadPoolExecutor(THREADS) as pool:
            for number, begin in enumerate(range(0, len(files), BATCH)):
                batch, paths = ring[number % len(ring)], files[begin : begin + BATCH]
                firsts = range(0, BATCH, _CHUNK)
                waiting.append((batch, [pool.submit(fill, batch, k, paths[k : k + _CHUNK]) for k in firsts]))
                if len(waiting) > 2:
                    yield _finished(*waiting.popleft())
            while waiting:
                yield _finished(*waiting.popleft())

    return start


def _finished(batch: np.ndarray, parts: list[Future[None]]) -> np.ndarray:
    for part in parts:
        part.result()
    return batch


def albumentations(make_transforms: Callable[[Any], Sequence[Any]], dtype: str = "uint8") -> Build:
    """A composition of Albumentations per thread; `make_transforms` gets the module."""

    def build(task: Task) -> Callable[[], Iterable[Any]]:
        import albumentations
        import cv2

        cv2.setNumThreads(1)
        decode = decoder()

        def maker() -> Callable[[str, np.ndarray], None]:
            compose = albumentations.Compose(make_transforms(albumentations))

            def one(path: str, slot: np.ndarray) -> None:
                slot[...] = compose(image=decode(path))["image"]

            return one

        return pooled(task.files, maker, dtype)

    return build


def tensorflow() -> Any:
    """The module, kept to two threads."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    return tf


def started(dataset: Any) -> Callable[[], Iterable[Any]]:
    """Passes over a `tf.data.Dataset`, kept to two threads and free to change the order."""
    tf = tensorflow()
    options = tf.data.Options()
    options.threading.private_threadpool_size = THREADS
    options.deterministic = False
    dataset = dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
    return lambda: iter(dataset)


def tf_decoded(tf: Any, path: Any) -> Any:
    """A file as 224×224 floats, decoded as accurately as everywhere else."""
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method="INTEGER_ACCURATE")
    return tf.image.resize(image, (224, 224))


def keras_batches(batches: Any, layers: Sequence[Any]) -> Callable[[], Iterable[Any]]:
    """A dataset of batches through Keras layers, one after the other, whole batches at a time; uint8 out."""
    tf = tensorflow()

    def augment(images: Any) -> Any:
        for layer in layers:
            images = layer(images, training=True)
        return tf.cast(images, tf.uint8)

    return started(batches.map(augment, num_parallel_calls=THREADS))


def link_folder(files: Sequence[str]) -> tempfile.TemporaryDirectory[str]:
    """The files as links in one class folder, for who reads nothing else; the same file may come twice."""
    folder = tempfile.TemporaryDirectory()
    (Path(folder.name) / "all").mkdir()
    for number, path in enumerate(files):
        (Path(folder.name) / "all" / f"{number:06}.jpg").symlink_to(Path(path).resolve())
    return folder


def generator_epochs(iterator: Any, threads: int) -> Callable[[], Iterable[Any]]:
    """Passes over an iterator of ImageDataGenerator: a plain loop, or threads as `workers` has them."""

    def start() -> Iterator[Any]:
        if threads == 1:
            yield from (iterator[step] for step in range(len(iterator)))
            return
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(iterator.__getitem__, range(len(iterator)))

    return start
