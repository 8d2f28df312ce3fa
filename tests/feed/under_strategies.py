"""Run by test_strategies.py, in processes of its own: the number of devices is fixed before TensorFlow starts."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
import warnings
from itertools import chain

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "1"  # warnings are looked for
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np
import tensorflow as tf

import augline as al
import keras

COUNT, STEPS = 42, 6  # batches of 8, the last of 2


def pipeline(size=8, count=COUNT, **more):
    images = np.random.default_rng(0).integers(0, 255, (count, 6, 8, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    source = al.Arrays(images, labels=np.arange(count))
    return al.Pipeline(source, [al.RandomBrightness(0.1), al.Rescaling(1 / 255)], batch_size=size, seed=5, **more)


def rows(batches):
    """(id, pixels) of batches, in their order, without those of weight 0."""
    found = []
    for images, labels, *weights in batches:
        real = np.asarray(weights[0]) > 0 if weights else np.ones(len(labels), bool)
        found += [(int(label), image.tobytes()) for image, label in
                  zip(np.asarray(images)[real], np.asarray(labels)[real], strict=True)]  # fmt: skip
    return found


def steps(pipe, epoch=0):
    return [rows([batch]) for batch in pipe.epoch(epoch)]


def local(strategy, batch):
    """The replicas' parts of a batch."""
    parts = [strategy.experimental_local_results(part) for part in (batch if isinstance(batch, tuple) else (batch,))]
    return [tuple(np.asarray(part) for part in replica) for replica in zip(*parts, strict=True)]


SEEN = []


class Recorder(keras.layers.Layer):
    """Hands its input on, and keeps what it saw."""

    def call(self, x):
        tf.py_function(lambda images: SEEN.append(images.numpy()), [x], [])
        return x


def model(strategy):
    with strategy.scope():
        layers = [keras.Input((6, 8, 3)), Recorder(), keras.layers.BatchNormalization(), keras.layers.Flatten(),
                  keras.layers.Dense(COUNT)]  # fmt: skip
        made = keras.Sequential(layers)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        made.compile("sgd", loss, weighted_metrics=["accuracy"])
    return made


one_model = functools.cache(model)
"""For all trainings of a process: what it was traced for it need not be traced for again."""


def trained(strategy, data, pipe, epochs=2):
    """Fits, and checks what the model saw: each sample once per epoch, padding aside."""
    SEEN.clear()
    made = one_model(strategy)
    history = made.fit(data, epochs=epochs, verbose=0, shuffle=False).history
    assert np.isfinite(history["loss"]).all(), history
    assert len(history["loss"]) == epochs
    assert all(np.isfinite(weights).all() for weights in made.get_weights())
    seen = {image.tobytes() for images in SEEN for image in images}
    wanted = {pixels for epoch in range(epochs) for _, pixels in rows(pipe.epoch(epoch))}
    assert wanted <= seen, "a sample was left out"
    return sum(len(images) for images in SEEN)


def mirrored(replicas):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(replicas)])
    on_one_host(strategy, replicas)
    dataset_function(strategy, replicas)


def one_device():
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    on_one_host(strategy, 1)
    dataset_function(strategy, 1)


def on_one_host(strategy, replicas):
    distributed(strategy, replicas)
    if replicas > 1 or isinstance(
        strategy, tf.distribute.OneDeviceStrategy
    ):  # one mirrored device takes what one takes
        fitted(strategy, replicas)


def distributed(strategy, replicas):
    pipe = pipeline()
    with strategy.scope():
        data = {policy: pipe.to_tf(last_batch=policy) for policy in (None, "pad", "drop")}
    for policy, dataset in data.items():
        shared = strategy.experimental_distribute_dataset(dataset)
        for epoch in range(2):
            parts = [local(strategy, batch) for batch in shared]
            found = [rows(replica) for replica in parts]
            wanted = steps(pipe, epoch)
            assert len(found) == STEPS - (policy == "drop")
            assert [*chain(*found)] == [*chain(*wanted[: len(found)])], (policy, epoch)
            if policy or replicas <= 2:  # else rows are moved
                assert found == wanted[: len(found)], (policy, epoch)
            if policy:
                assert {len(part[1]) for step in parts for part in step} == {8 // replicas}, policy
            assert all(len(part[1]) for step in parts for part in step), "a replica without rows"


def fitted(strategy, replicas):
    pipe = pipeline()
    for policy in (None, "pad", "drop"):
        count = trained(strategy, pipe.to_tf(last_batch=policy), pipe if policy != "drop" else
                        pipeline(drop_remainder=True))  # fmt: skip
        assert count == 2 * {None: COUNT, "pad": 48, "drop": 40}[policy], (policy, count)
    odd = pipeline(5)
    trained(strategy, odd.to_tf(last_batch="pad"), odd, epochs=1)
    for size, few in ((10, 36), (8, 13)):  # for 4 replicas [10, 10, 8, 8]; and two batches that nothing can feed them
        short = pipeline(size, few)
        seen = trained(strategy, short.to_tf(), short, epochs=1)
        assert seen == (15 if (few, replicas) == (13, 4) else few), (few, seen)
    made = model(strategy)  # a new one: trained replicas differ in their statistics, and so in a sample's class
    padded, whole = (made.evaluate(pipe.evaluation().to_tf(last_batch=policy), verbose=0, return_dict=True)
                     for policy in ("pad", "keep"))  # fmt: skip
    assert np.isclose(padded["accuracy"], whole["accuracy"])
    few = pipeline(8, 25)  # the last batch is of one row, and nobody has looked at the data set before
    images = np.concatenate([batch[0] for batch in few.epoch(0)])
    SEEN.clear()
    found = made.predict(few.to_tf(), verbose=0)
    assert all(map(len, SEEN)), "a replica stood empty"
    assert np.allclose(found, made(images, training=False), atol=1e-5)
    odd, part = pipeline(9), pipeline(9).evaluation()  # the next look takes what the evaluation before did not
    found = made.fit(odd, validation_data=part, validation_steps=2, epochs=3, verbose=0).history["val_loss"]
    assert np.isclose(found[-1], made.evaluate(part.to_tf(), steps=2, verbose=0)[0])


def dataset_function(strategy, replicas):
    pipe = pipeline()
    for policy in ("pad", "drop", "keep"):
        distributed = strategy.distribute_datasets_from_function(
            lambda context, policy=policy: pipe.to_tf(last_batch=policy, context=context)
        )
        parts = [local(strategy, batch) for batch in distributed]
        assert [rows(replica) for replica in parts] == steps(pipe)[: len(parts)], policy
        assert len(parts) == STEPS - (policy == "drop") == distributed.cardinality
        assert {len(step) for step in parts} == {replicas}
    if replicas > 1:
        shared = strategy.distribute_datasets_from_function(lambda c: pipe.to_tf(last_batch="pad", context=c))
        trained(strategy, shared, pipe, epochs=1)
    try:
        whole = strategy.distribute_datasets_from_function(lambda context: pipe.to_tf(context=context))
    except al.ArgumentError as error:
        assert "last_batch='pad' or 'drop'" in str(error)  # noqa: PT017
        assert replicas > 2
    else:  # a last batch of 2 divides among them
        assert [rows(local(strategy, batch)) for batch in whole] == steps(pipe)


def multi_worker():
    """One of two processes; what its replica got goes to standard output, and test_strategies.py puts it together."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    pipe, got = pipeline(), {}

    def data(policy, start=(0, 0)):
        return strategy.distribute_datasets_from_function(lambda c: pipe.to_tf(start, last_batch=policy, context=c))

    for policy in ("pad", "drop"):
        distributed = data(policy)
        assert distributed.cardinality == STEPS - (policy == "drop")
        got[policy] = [[digests(rows(local(strategy, batch))) for batch in distributed] for _ in range(2)]
    got["resumed"] = [digests(rows(local(strategy, batch))) for batch in data("pad", (1, 2))]
    got["weights"] = trained_by_hand(strategy, data("pad"))
    with strategy.scope():
        try:
            pipe.to_tf()
        except al.ArgumentError as error:
            got["refused"] = str(error)
    sys.stdout.write(json.dumps(got) + "\n")


def digests(found):
    return [(number, hashlib.sha256(pixels).hexdigest()[:8]) for number, pixels in found]


def trained_by_hand(strategy, data):
    """The weights after two epochs of a loop as TensorFlow's guide writes one."""
    with strategy.scope():
        weights = tf.Variable(tf.zeros((144, COUNT)))

    @tf.function
    def step(batch):
        def replica(images, labels, weight):
            with tf.GradientTape() as tape:
                logits = tf.reshape(images, (-1, 144)) @ weights
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
                loss = tf.reduce_sum(losses * weight) / 8
            gradient = tape.gradient(loss, weights)
            gradient = tf.distribute.get_replica_context().all_reduce("SUM", gradient)
            weights.assign_sub(0.1 * gradient)

        strategy.run(replica, args=batch)

    for _ in range(2):
        for batch in data:
            step(batch)
    return np.asarray(weights.numpy(), np.float64).sum(axis=0).tolist()


def parameter_server(*ports):
    """The dataset function is traced for workers that have no Python of ours, and says so."""
    spec = tf.train.ClusterSpec(
        {"worker": [f"localhost:{port}" for port in ports[:2]], "ps": [f"localhost:{ports[2]}"]}
    )
    servers = [tf.distribute.Server(spec, job_name=job, task_index=number, protocol="grpc")
               for job, number in (("worker", 0), ("worker", 1), ("ps", 0))]  # fmt: skip
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(spec, rpc_layer="grpc")
    strategy = tf.distribute.ParameterServerStrategy(resolver)
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    pipe = pipeline()

    def per_worker():
        return strategy.distribute_datasets_from_function(lambda c: pipe.to_tf(last_batch="pad", context=c))

    try:
        coordinator.create_per_worker_dataset(per_worker)
    except Exception as error:  # noqa: BLE001 - AutoGraph gives it a type of its own
        assert "engine='tensorflow'" in str(error)  # noqa: PT017
    else:
        raise AssertionError("Python cannot run on the workers")
    sys.stdout.write(f"done {len(servers)}" + "\n")
    sys.stdout.flush()
    os._exit(0)  # servers cannot be stopped


def main():
    what, *more = sys.argv[1:]
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    globals()[what](*map(int, more))
    sys.stdout.write("done" + "\n")


if __name__ == "__main__":
    main()
