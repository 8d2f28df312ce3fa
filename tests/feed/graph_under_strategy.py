"""Run by test_graph.py in processes of their own: the graph engine under strategies. Prints what came, as JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import tensorflow as tf

import augline as al

IMAGES = np.stack([np.full((8, 8, 1), k, np.uint8) for k in range(22)])


def pipeline(**settings: Any) -> al.Pipeline:
    source = al.Arrays(IMAGES, np.arange(22))
    return al.Pipeline(source, [al.RandomFlip()], batch_size=5, seed=1, engine="tensorflow", **settings)


def mirrored() -> Any:
    """Two replicas, batches of 5 and a last one of 2: `fit`, and a loop that collects labels and weights."""
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    import keras

    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(22)]
        model = keras.Sequential(layers)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        dataset = pipeline().to_tf()
        history = model.fit(dataset, epochs=2, verbose=0, shuffle=False)
        seen: list[int] = []
        for batch in strategy.experimental_distribute_dataset(pipeline().to_tf(start=(3, 0))):
            _, labels, weights = (np.concatenate(strategy.experimental_local_results(part)) for part in batch)
            seen += labels[weights > 0].tolist()
    return {"losses": history.history["loss"], "seen": seen}


def parameter_servers(*ports: str) -> Any:
    """Two workers in this process, whose data sets are made from a dataset function."""
    first, second, parameters = (f"localhost:{port}" for port in ports)
    spec = tf.train.ClusterSpec({"worker": [first, second], "ps": [parameters]})
    servers = [
        tf.distribute.Server(spec, job_name=job, task_index=task, protocol="grpc", start=True)
        for job, count in (("worker", 2), ("ps", 1))
        for task in range(count)
    ]
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(spec, rpc_layer="grpc")
    strategy = tf.distribute.ParameterServerStrategy(resolver)
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    make = lambda context: pipeline(drop_remainder=True).to_tf(context=context)  # noqa: E731
    iterator = iter(coordinator.create_per_worker_dataset(lambda: strategy.distribute_datasets_from_function(make)))

    @tf.function
    def step(iterator: Any) -> Any:
        return next(iterator)[1]

    values = [coordinator.schedule(step, args=(iterator,)) for _ in range(12)]
    coordinator.join()
    return {"servers": len(servers), "batches": [value.fetch().tolist() for value in values]}


if __name__ == "__main__":
    found = {"mirrored": mirrored, "servers": parameter_servers}[sys.argv[1]](*sys.argv[2:])
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)  # servers of a cluster do not stop by themselves
