"""The pipeline: source -> order -> sample -> plan -> execute -> feed, in one place."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from augline import targets
from augline.arrays import Array, Namespace
from augline.batches import Batches, Job
from augline.box_filter import ANY_BOX, BoxFilter
from augline.errors import ArgumentError, DecodeError, SourceError
from augline.feed.adapted import Adapted
from augline.feed.numpy import default_workers, stream
from augline.mixing import MixedBatches
from augline.names import with_known_arguments
from augline.order import shuffled
from augline.program import Program
from augline.random import EPOCH_BITS
from augline.replacement import Replacement, Replacements
from augline.settings import LastBatch, check_settings, pair, whole
from augline.sight import Known
from augline.sources import Source, remote
from augline.transforms.base import Transform
from augline.transforms.compose import Sequential, evaluated
from augline.transforms.mix import Mixing
from augline.transforms.sizing import Resizing

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.explanation import Explanation
    from augline.fingerprint import Fingerprint
    from augline.keras.feed import Feed
    from augline.undo import Trace


@dataclass(frozen=True, slots=True)
class _Work:
    """A batch in the making, or a few of small images: positions in the epoch, and how many samples each has."""

    job: Job
    positions: NDArray[np.int64]
    counts: list[int]


_OF_BATCHES = frozenset({"shard", "batch_size", "shuffle", "drop_remainder", "on_error", "workers"})
"""Settings that say which samples make a batch, and nothing of what becomes of them."""


class Pipeline(Adapted):
    """A data set, what may happen to its samples, and the batches that come of it.

    What happens to a sample depends on (seed, epoch, sample id) alone: never on threads, batch size, hosts or restarts.

    Args:
        source: `Folder`, `Files`, `Arrays`, `Table`, `TFRecords`, or a part of one.
        transforms: What may happen, in order. Random numbers are drawn per sample.
        size: (height, width) that images are brought to before the transforms, in one resampling with them.
        batch_size: Samples per batch, over all hosts together.
        seed: Another seed gives another order and other draws.
        shuffle: Whether each epoch has an order of its own; else that of the source.
        drop_remainder: Whether a last batch with fewer samples is left out.
        engine: "auto", "opencv", "reference", or "tensorflow", whose `to_tf` is a pure graph.
        on_error: A file that fails stops the run ("raise"), or its place is filled: with the sample that follows in
            the epoch's order ("skip"), or with one drawn at random ("replace"). `report()` lists them.
        workers: Threads; by default one per core.
        box_filter: Which boxes stay, with their labels, once the image around them was cut.
        shard: (i, n): this host's number and how many there are. Host i gives the i-th slice of every batch; of a last
            batch with fewer samples than hosts that can be none, so mind `drop_remainder`.

    Raises:
        ArgumentError: Something cannot be, or does not fit together.
        SourceError: No mask can be read.

    Example:
        >>> import augline as al, numpy as np
        >>> source = al.Arrays(np.zeros((10, 32, 32, 3), "uint8"), labels=np.arange(10))
        >>> pipe = al.Pipeline(source, [al.RandomFlip("horizontal"), al.RandomRotation(0.1)], batch_size=4, seed=7)
        >>> [(images.shape, labels.shape) for images, labels in pipe]
        [((4, 32, 32, 3), (4,)), ((4, 32, 32, 3), (4,)), ((2, 32, 32, 3), (2,))]
    """

    @with_known_arguments
    def __init__(
        self,
        source: Source,
        transforms: Sequence[Transform] = (),
        *,
        size: tuple[int, int] | None = None,
        batch_size: int = 32,
        seed: int = 0,
        shuffle: bool = True,
        drop_remainder: bool = False,
        engine: str = "auto",
        on_error: Literal["raise", "skip", "replace"] = "raise",
        workers: int | None = None,
        box_filter: BoxFilter = ANY_BOX,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.source, self.transforms = source, Sequential(transforms).transforms
        self.size, self.batch_size, self.seed, self.shuffle = size, batch_size, seed, shuffle
        self.drop_remainder, self.engine, self.on_error = drop_remainder, engine, on_error
        self.workers, self.box_filter, self.shard = workers, box_filter, shard
        check_settings(self)
        first = (Resizing(*size),) if size else ()
        self.program = Program(
            (*first, *self.transforms), seed=int(seed), channels=source.channels, dtype=source.dtype,
            value_range=source.value_range, size=source.size, engine=engine, mixes=True,
            sees=Known(source.targets).kinds,
        )  # fmt: skip
        if source.targets.boxes is not None or source.targets.keypoints is not None:
            targets.check_movable(self.program.trial)
        mixes = any(isinstance(item, Mixing) for item in self.transforms)
        self.batches = (MixedBatches if mixes else Batches)(source, self.program, box_filter)
        self._replacements = Replacements()
        self._next_epoch = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Steps per epoch."""
        steps, rest = divmod(len(self.source), self.batch_size)
        return steps + (rest > 0 and not self.drop_remainder)

    def __iter__(self) -> Iterator[Any]:
        """The batches of the next epoch: the first pass gives epoch 0, the second epoch 1."""
        with self._lock:
            epoch, self._next_epoch = self._next_epoch, self._next_epoch + 1
        return self.epoch(epoch)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of one epoch, from step `start` on, as NumPy; nothing before it is read or computed."""
        return self._stream(f"Pipeline.epoch({epoch!r}, start={start!r})", epoch, start, len(self))

    def stream(self, start: tuple[int, int] = (0, 0)) -> Iterator[Any]:
        """The batches from (epoch, step) on, as NumPy, without end: for Keras's `fit(steps_per_epoch=len(pipe))`."""
        first, step = self._place("Pipeline.stream", start)
        starts = ((number, step * (number == first)) for number in itertools.count(first))
        return (batch for place in starts for batch in self.epoch(*place))

    def batch(self, epoch: int, step: int) -> Any:
        """Exactly that batch, at once."""
        return next(self._stream(f"Pipeline.batch(epoch={epoch!r}, step={step!r})", epoch, step, 1))

    def to_tf(
        self, start: tuple[int, int] = (0, 0), *, last_batch: LastBatch = None,
        class_weight: Mapping[int, float] | None = None, context: tf.distribute.InputContext | None = None,
        service: str | None = None,
    ) -> tf.data.Dataset:  # fmt: skip
        """A `tf.data.Dataset` for `model.fit`: each pass over it is the next epoch.

        A pass that is left before its end is begun again by the next one. Shapes and length are known, and its iterator
        can be saved by `tf.train.Checkpoint`. With `start`, the first pass is the rest of that epoch and all others are
        whole; `augline.keras.Resume` does that for `fit`. `shuffle=False` there spares Keras's warning that it cannot
        shuffle a data set, which it gives for every one.

        Under a `tf.distribute` strategy on one host batches may have any size: the look that `fit` takes before it
        trains gets rows that divide, and a short last batch takes some rows of those before it, so that no replica
        stands empty (with 2 or 4 replicas and three batches of 12 or more this always works; where it cannot, `fit`
        gets rows of such a batch twice). In a loop of your own call this inside `strategy.scope()`. On several hosts
        each makes its replicas' part of every batch::

            data = strategy.distribute_datasets_from_function(lambda context: pipe.to_tf(context=context))

        Args:
            start: (epoch, step) to begin at: nothing before it is read or computed.
            last_batch: What becomes of a last batch with fewer samples. "keep", the default: it stays shorter.
                "pad": copies of its rows fill it up, with sample weight 0, and all batches have weights (Keras counts
                them in the loss, and in `weighted_metrics`). "drop": it is left out.
            class_weight: What `fit(class_weight=...)` takes, as weights of the samples, times those they have: from the
                number of a class to its weight. Keras refuses its own beside weights, and so beside "pad".
            context: What a strategy's dataset function is given: the data set has the batches of one of its input
                pipelines, one element per replica. Batches that do not divide among all replicas need `last_batch`.
            service: "grpc://host:port" of a tf.data service, whose workers make the batches: the same, in the same
                order, each once. The engine must be "tensorflow". See docs/service.md.

        Raises:
            ArgumentError: There is no such step, images have different numbers of keypoints, weights are not those of
                classes, batches do not divide among the replicas of the context, or no service answers.
        """
        from augline.feed.datasets import for_tensorflow

        return for_tensorflow(self, self._place("Pipeline.to_tf", start), last_batch, class_weight, context, service)

    def to_keras(
        self, start: tuple[int, int] = (0, 0), *, last_batch: LastBatch = None,
        class_weight: Mapping[int, float] | None = None,
    ) -> Feed:  # fmt: skip
        """What Keras's `fit`, `evaluate` and `predict` take on any backend; TensorFlow is needed on its own alone.

        `fit(pipe)` does the same without arguments, and counts its epochs on from one `fit` to the next. Arguments,
        passes and errors are those of `to_tf`, which TensorFlow's backend is given; iterating gives a pass as NumPy.

        Example:
            >>> import augline as al, numpy as np
            >>> pipe = al.Pipeline(al.Arrays(np.zeros((5, 8, 8, 3), "uint8"), labels=[0, 1, 1, 1, 1]), batch_size=4)
            >>> [weights.tolist() for *_, weights in pipe.evaluation().to_keras(class_weight={0: 4}, last_batch="pad")]
            [[4.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
        """
        from augline.feed.datasets import for_keras

        return for_keras(self, self._place("Pipeline.to_keras", start), last_batch, class_weight)

    def view(self, **changes: Any) -> Pipeline:
        """The same data with other settings, given by the constructor's names.

        Where only the batches are others (`shard`, `batch_size`, `shuffle`, `drop_remainder`, `on_error`, `workers`)
        nothing is planned anew, and `report()` is one.

        Example:
            >>> import augline as al, numpy as np
            >>> pipe = al.Pipeline(al.Arrays(np.zeros((4, 30, 40, 3), "uint8")), [al.RandomFlip()], size=(16, 16))
            >>> pipe.view(size=(24, 24), batch_size=2).batch(0, 0).shape
            (2, 24, 24, 3)
        """
        if not {*changes} <= _OF_BATCHES:
            return self._with(**changes)
        other = object.__new__(type(self))
        vars(other).update(vars(self) | changes, _fed=None)
        check_settings(other)
        return other

    def evaluation(self) -> Pipeline:
        """The same source and sizes without the random part, in the source's order; for validation and prediction."""
        return self._with(transforms=evaluated(self.transforms), shuffle=False, drop_remainder=False)

    def export(self, path: str | Path) -> Path | str:
        """Writes decoding, resizing and what else is not random as a SavedModel, for serving; see docs/serving.md.

        Its signatures: "files" takes `(n,)` encoded images, "pixels" `(n, height, width, channels)`. A name with a
        scheme, such as gs://, comes back as it was given, any other as a path.

        Raises:
            ArgumentError: The list has random transforms; `evaluation()` leaves them out.
            EngineError: No graph can run it.
        """
        from augline.feed.graph.export import export

        return export(self, path)

    def split(self, fraction: float = 0.2, *, seed: int = 0, stratify: bool | None = None) -> tuple[Pipeline, Pipeline]:
        """(training, validation): the source split in two, the validation part not augmented.

        Args:
            fraction: Share of the samples for validation.
            seed: Another seed, another split.
            stratify: Whether each class is split alike; by default where labels are classes.
        """
        training, validation = self.source.split(fraction, seed=seed, stratify=stratify)
        return self._with(source=training), self._with(source=validation).evaluation()

    def explain(self, epoch: int = 0, index: int = 0) -> Explanation:
        """What happens to sample `index` of the source in an epoch: draws, stages, and how they were fused."""
        from augline.explanation import explain

        return explain(self, epoch, index)

    def trace(self, epoch: int, step: int) -> Trace:
        """The images of that batch with the way back, for predictions on them: see `augline.Trace`.

        Raises:
            DecodeError or SourceError: A sample cannot be read, whatever `on_error` says.
        """
        from augline.undo import trace_batch

        self._check_place(f"Pipeline.trace(epoch={epoch!r}, step={step!r})", epoch, step)
        return trace_batch(self, epoch, step)

    def preview(self, path: str | Path, *, epoch: int = 0, samples: int = 8, columns: int = 4) -> Path:
        """Writes a contact sheet: samples as they are and as they come out, with what was drawn.

        Args:
            path: Of the picture; its ending says the format.
            epoch: Whose draws to show.
            samples: How many samples, from the beginning of the epoch's order.
            columns: Pairs of pictures side by side.
        """
        from augline.preview import write_sheet

        return write_sheet(self, Path(path), epoch, samples, columns)

    def report(self) -> list[Replacement]:
        """The samples that failed so far and were filled in for, in the order of (epoch, position).

        What `to_tf()` with `engine="tensorflow"` fills in for stands in TensorFlow's log instead.
        """
        return self._replacements.report()

    def to_yaml(self, path: str | Path | None = None) -> str:
        """The pipeline as YAML text; written to `path` as well if given."""
        from augline.spec import to_yaml

        text: str = to_yaml(self)
        if path is not None:
            remote.write(str(path), text.encode())
        return text

    def fingerprint(self) -> Fingerprint:
        """What decides the batches, to be compared with that of another run; threads, hosts and folders do not count.

        Of the data set: how many samples, their names below the folder they share, all targets, and what 64 of the
        files, arrays and painted masks hold, spread over all. Functions and classes of your own count by name. Of more
        than a million samples, names and boxes of a million count.
        """
        from augline.fingerprint import fingerprint

        return fingerprint(self)

    @classmethod
    def from_yaml(cls, text_or_path: str | Path, *, source: Source | None = None) -> Pipeline:
        """The pipeline that `to_yaml` wrote, from a file or from the text itself.

        Args:
            text_or_path: A path, or YAML text of more than one line. Nothing in it is ever run.
            source: Instead of the source it names, or where it names none.
        """
        from augline.spec import from_yaml

        pipe: Pipeline = from_yaml(cls, text_or_path, source)
        return pipe

    def indices(self, epoch: int | Array, positions: Array, xp: Namespace = np) -> Array:
        """Which samples stand at these positions of an epoch's order."""
        if not self.shuffle:
            return xp.asarray(positions, dtype=xp.int64)
        return shuffled(positions, len(self.source), self.seed, epoch, xp=xp)

    def positions(self, step: int) -> NDArray[np.int64]:
        """The positions in an epoch's order that make up a batch: this host's slice of the global one."""
        first = step * self.batch_size
        count = min(self.batch_size, len(self.source) - first)
        host, hosts = self.shard
        return np.arange(first + count * host // hosts, first + count * (host + 1) // hosts)

    def settings(self) -> dict[str, Any]:
        """The keyword arguments it was made with."""
        names = ("size", "batch_size", "seed", "shuffle", "drop_remainder", "engine", "on_error", "workers")
        return {name: getattr(self, name) for name in (*names, "box_filter", "shard")}

    def __reduce__(self) -> tuple[Any, ...]:
        made = functools.partial(type(self), self.source, self.transforms, **self.settings())
        return made, (), {"_next_epoch": self._next_epoch, "_replacements": self._replacements}

    def __repr__(self) -> str:
        return f"Pipeline({self.source!r}, {list(self.transforms)!r}, batch_size={self.batch_size}, seed={self.seed})"

    def _with(self, **changes: Any) -> Pipeline:
        return Pipeline(**{"source": self.source, "transforms": self.transforms, **self.settings(), **changes})

    def _prepare(self, epoch: int, steps: range) -> _Work:
        places = [self.positions(step) for step in steps]
        positions = np.concatenate(places)
        return _Work(self.batches.prepare(epoch, self.indices(epoch, positions)), positions, [len(p) for p in places])

    def _run(self, epoch: int, work: _Work, first: int, last: int) -> None:
        if work.job.stack is not None:
            self.batches.run_stack(work.job, first, last)
            return
        for index in range(first, last):
            try:
                self.batches.run(work.job, index)
            except (DecodeError, SourceError) as error:
                if self.on_error == "raise":
                    raise
                self._replacements.fill(self, epoch, int(work.positions[index]), work.job, index, error)

    def _finish(self, work: _Work) -> list[Any]:
        ends = np.cumsum(work.counts).tolist()
        rows = [slice(end - count, end) for end, count in zip(ends, work.counts, strict=True)]
        return [self.batches.result(work.job, part) for part in rows]

    def _stream(self, owner: str, epoch: int, start: int, count: int) -> Iterator[Any]:
        self._check_place(owner, epoch, start)
        end, together = min(start + count, len(self)), self.batches.steps_at_once(self.batch_size)
        groups = (range(step, min(step + together, end)) for step in range(start, end, together))
        works = stream(
            groups, lambda steps: self._prepare(epoch, steps), lambda work: len(work.positions),
            lambda work, first, last: self._run(epoch, work, first, last), self._finish,
            self.workers or default_workers(),
        )  # fmt: skip
        return (batch for work in works for batch in work)

    def _place(self, owner: str, start: tuple[int, int]) -> tuple[int, int]:
        self._check_place(f"{owner}(start={start!r})", *(pair(start) or (None, None)))
        return int(start[0]), int(start[1])

    def _check_place(self, owner: str, epoch: object, step: object) -> None:
        if not (whole(epoch, 0, 2**EPOCH_BITS) and whole(step, 0, len(self))):
            raise ArgumentError(
                f"{owner}: the epoch must be a whole number from 0, the step one from 0 to {len(self) - 1}. "
                f"Received epoch={epoch!r}, step={step!r}. An epoch has len(pipe) = {len(self)} steps."
            )
