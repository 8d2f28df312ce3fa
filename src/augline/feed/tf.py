"""Batches for TensorFlow: a `tf.data.Dataset` around the thread pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from augline.errors import ArgumentError
from augline.feed.generated import called, weakly
from augline.feed.parts import Parts
from augline.feed.passes import Passes
from augline.fields import Field

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.pipeline import Pipeline


def to_tf(
    pipe: Pipeline, start: tuple[int, int], last_batch: str | None, context: tf.distribute.InputContext | None,
    weights: tuple[float, ...],
) -> tf.data.Dataset:  # fmt: skip
    """See `Pipeline.to_tf`. Nothing is copied: a tensor takes over the memory of its array, which is aligned for it."""
    import tensorflow as tf

    from augline.convert.distribute import scope_replicas

    check_context(context)
    if context is not None and not tf.executing_eagerly():
        raise ArgumentError(
            "Pipeline.to_tf(context=...): batches are made by this Python process. Received a call from within a "
            "graph, as ParameterServerStrategy makes for its workers, which run it elsewhere. "
            "Use Pipeline(engine='tensorflow')."
        )
    pipe = pipe.view(drop_remainder=True) if last_batch == "drop" else pipe
    pipe = pipe if context is None else pipe.view(shard=shard_of(pipe, context))
    replicas = 1 if context else scope_replicas()
    parts = parts_of(pipe, last_batch, replicas, context, weights)
    # A strategy may come later, over all devices: rows that do not divide by them leave the batch dimension open.
    devices = 1 if context else max(len(tf.config.list_logical_devices(kind)) for kind in ("GPU", "CPU"))
    rows = _rows(parts, (replicas, devices))
    passes = Passes(pipe, start, parts, replicas, fixed=rows is not None or context is not None)
    signature = _signature(parts, rows)
    return with_length(_dataset(passes, signature, 1).concatenate(_dataset(passes, signature, 0).repeat()), parts)


def with_length(endless: tf.data.Dataset, parts: Parts, *, rewritten: bool = True) -> tf.data.Dataset:
    """A data set of passes, of which nobody can know the length, with that of a whole pass; see `untuned`.

    The length is declared, not asserted: `take` of what might go on for ever has a known length, and ends early where
    there is less, as in the first pass of a resumed run. An asserted length would fail there, and with an unknown one
    Keras cuts every later epoch to the length of the first.
    """
    import tensorflow as tf

    steps = len(parts.pipe)
    dataset = endless.take(steps * parts.count).with_options(options("OFF", rewritten=rewritten))
    if parts.count > 1:  # for TensorFlow and Keras, which take one part per replica, the steps of a replica count
        dataset.cardinality = lambda: tf.constant(steps, tf.int64)
    return dataset


def _dataset(passes: Passes, signature: Any, count: int) -> tf.data.Dataset:
    """The next `count` passes, each a range of numbers that are turned into elements.

    All that an iterator has to save are numbers. The generator, of which each pass holds an iterator, is there to be
    closed with the pass, whenever TensorFlow lets go of it.
    """
    import tensorflow as tf

    number, held = tf.TensorSpec((), tf.int64), weakly(passes)

    def bounds(_: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(lambda: held().begin(), [], tf.int64), (4,))

    def elements(bounds: tf.Tensor) -> tf.data.Dataset:
        leases = tf.data.Dataset.from_generator(
            lambda bounds: held().lease(bounds), args=(bounds,), output_signature=number
        )  # fmt: skip
        lease = iter(leases.with_options(options("OFF")))
        token = next(lease)

        def element(number: tf.Tensor) -> Any:
            there = tf.raw_ops.IteratorGetDevice(resource=lease._iterator_resource)
            with tf.control_dependencies([there]):
                return called(lambda *place: held().element(*place), [token, number, bounds[2]], signature)

        return tf.data.Dataset.range(bounds[0], bounds[1]).map(element)

    dataset = tf.data.Dataset.range(count).map(bounds).flat_map(elements)
    dataset.passes = passes
    return dataset


def options(sharding: str, *, rewritten: bool = True) -> tf.data.Options:
    """Options of a data set whose work happens in our threads; `sharding` names the policy, "OFF" or "DATA".

    An iterator can be saved, though it calls Python: what is called depends on saved numbers alone.
    """
    import tensorflow as tf

    found = untuned(rewritten=rewritten)
    found.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy[sharding]
    found.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    return found


def untuned(*, rewritten: bool = True) -> tf.data.Options:
    """Options of a data set in which there is nothing to tune: TensorFlow (2.21) does not.

    A tuner costs up to half a second at the start of every pass but the first, and up to a minute at its end: told to
    stop, it may look whether it has to before that is written down, which happens every tenth time while the cores are
    busy, and goes back to sleep for as long as the pass has lasted. Operations added after this run with TensorFlow's
    default parallelism; `with_options` switches it on again.

    Args:
        rewritten: Whether TensorFlow looks for something to rewrite, if only for operations that do nothing. A data set
            that it has not looked through ends the process where a `MirroredStrategy` lets go of an iterator while a
            batch is being made, as `fit(data.repeat(), steps_per_epoch=...)` does. Of a graph of three thousand
            operations the look takes a tenth of a second before the first batch.
    """
    import tensorflow as tf

    found = tf.data.Options()
    found.autotune.enabled = False
    found.experimental_optimization.apply_default_optimizations = False
    found.experimental_optimization.noop_elimination = rewritten
    return found


def check_context(context: tf.distribute.InputContext | None) -> None:
    """Refuses strategies that would divide the batches otherwise."""
    import tensorflow as tf

    function = "strategy.distribute_datasets_from_function(lambda context: pipe.to_tf(context=context))"
    hosts = getattr(tf.distribute.get_strategy(), "cluster_resolver", None)
    spec = hosts.cluster_spec() if hosts else tf.train.ClusterSpec({})
    if context is None and sum(spec.num_tasks(job) for job in spec.jobs if job in ("chief", "worker")) > 1:
        raise ArgumentError(
            "Pipeline.to_tf(): under a strategy of several hosts each must know which part of a batch is its own. "
            f"Received no context in the scope of one for {spec.as_dict()}. Write {function}."
        )


def shard_of(pipe: Pipeline, context: tf.distribute.InputContext) -> tuple[int, int]:
    """Which host's pipeline the context is for."""
    shard = context.input_pipeline_id, context.num_input_pipelines
    if pipe.shard not in ((0, 1), shard):
        raise ArgumentError(
            "Pipeline.to_tf(context=...): the shard comes from the context. Received "
            f"Pipeline(shard={pipe.shard!r}) and a context of shard={shard!r}. Leave shard out."
        )
    return shard


def parts_of(
    pipe: Pipeline, last_batch: str | None, replicas: int, context: tf.distribute.InputContext | None,
    weights: tuple[float, ...],
) -> Parts:  # fmt: skip
    """How batches are divided among the replicas of a host, filled up, and weighed by class."""
    count = 1 if context is None else context.num_replicas_in_sync // context.num_input_pipelines
    parts = Parts(pipe, max(count, 1), weights=weights)
    if last_batch == "pad":
        return parts.padded(replicas)
    if context is not None and last_batch is None and not parts.divide():
        raise ArgumentError(
            f"Pipeline(batch_size={pipe.batch_size}).to_tf(context=...): every batch must divide among "
            f"{pipe.shard[1] * parts.count} replicas. Received {len(pipe.source)} samples, which leaves parts of "
            f"{sorted(parts.sizes())} rows. Pass last_batch='pad' or 'drop', or another batch_size; 'keep' for a loop "
            "that takes uneven parts."
        )
    return parts


def _rows(parts: Parts, replicas: tuple[int, ...]) -> int | None:
    """Rows of every element; None where the last is shorter, or where the rows have to be shared out unevenly."""
    sizes = parts.sizes() if parts.rows is None else {parts.rows}
    return max(sizes) if len(sizes) == 1 and all(max(sizes) % count == 0 for count in replicas) else None


def _signature(parts: Parts, batch: int | None) -> Any:
    """Shapes and types, without reading a sample."""
    import tensorflow as tf

    def spec(field: Field | Mapping[str, Field | None] | None) -> Any:
        if isinstance(field, Field):
            return tf.TensorSpec((batch, *field.shape), field.dtype)
        return {name: spec(part) for name, part in (field or {}).items()}

    return parts.pipe.batches.packed({name: spec(field) for name, field in parts.fields().items()})
