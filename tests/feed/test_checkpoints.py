from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import augline as al
from augline.feed.parts import Parts
from augline.feed.passes import Passes

tf = pytest.importorskip("tensorflow")

LIST = [al.RandomFlip("horizontal"), al.RandomRotation(0.1)]


class Recorded(al.Pipeline):
    """A pipeline that notes the passes begun."""

    def epoch(self, epoch, start=0):
        self.__dict__.setdefault("begun", []).append((epoch, start))
        return super().epoch(epoch, start)


def pipeline(**more) -> Recorded:
    images = np.random.default_rng(0).integers(0, 255, (50, 16, 24, 3), dtype=np.uint8)
    return Recorded(al.Arrays(images, labels=np.arange(50)), LIST, **{"batch_size": 8, "seed": 3, **more})


def flat(batches) -> list[tuple[bytes, list[int]]]:
    return [(np.asarray(images).tobytes(), np.asarray(labels).tolist()) for images, labels in batches]


WAYS = {
    "plain": lambda dataset: dataset,
    "prefetch": lambda dataset: dataset.prefetch(3),
    "map": lambda dataset: dataset.map(lambda i, n: (i, n), num_parallel_calls=2).prefetch(2),
    "repeat": lambda dataset: dataset.repeat(3).prefetch(2),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("taken", [1, 4, 6, 7])
def test_an_iterator_goes_on_where_its_checkpoint_was(tmp_path, way, taken):
    iterator = iter(WAYS[way](pipeline().to_tf(start=(2, 0))))
    for _ in range(taken):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "place"))
    wanted = flat(iterator)

    pipe = pipeline()
    dataset = WAYS[way](pipe.to_tf())  # as a new process would have it
    other = iter(dataset)
    tf.train.Checkpoint(iterator=other).restore(path)
    assert flat(other) == wanted
    epochs = 3 if way == "repeat" else 1
    assert len(wanted) == 7 * epochs - taken
    begun: list = vars(pipe).get("begun", [(2, 7)])  # what a prefetch had ready is in the checkpoint
    assert begun[0] >= (2, taken), "nothing before the place is made"
    if "begun" in vars(pipe) or way == "plain":
        assert flat(dataset)[:7] == flat(pipe.epoch(2 + epochs)), "and the next pass is the next epoch"


def test_a_place_in_a_later_pass(tmp_path):
    iterator = iter(pipeline().to_tf().repeat())
    for _ in range(7 * 4 + 5):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "place"))
    pipe = pipeline()
    other = iter(pipe.to_tf().repeat())
    tf.train.Checkpoint(iterator=other).restore(path)
    assert flat([next(other) for _ in range(3)]) == flat([*pipe.epoch(4, 5), pipe.batch(5, 0)])
    assert pipe.begun[0] == (4, 5)


def test_going_back_within_a_process(tmp_path):
    iterator = iter(pipeline().to_tf())
    next(iterator)
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    path = checkpoint.save(str(tmp_path / "place"))
    wanted = flat(iterator)
    for _ in range(2):
        checkpoint.restore(path)
        assert flat(iterator) == wanted


def test_with_a_model_in_one_checkpoint(tmp_path):
    weights, pipe = tf.Variable(0.0), pipeline()
    iterator = iter(pipe.to_tf())

    def train(steps):
        for _ in range(steps):
            images, _ = next(iterator)
            weights.assign(weights * 0.9 + float(np.mean(images)))

    train(3)
    checkpoint = tf.train.Checkpoint(weights=weights, iterator=iterator)
    path = checkpoint.save(str(tmp_path / "all"))
    train(4)
    wanted = float(weights)
    checkpoint.restore(path)
    train(4)
    assert float(weights) == wanted


def test_two_iterators_of_one_data_set_at_once():
    dataset = pipeline().to_tf()
    wanted = flat(pipeline().epoch(0))
    one, other = iter(dataset), iter(dataset)
    pairs = [(next(one), next(other)) for _ in range(7)]
    assert flat(pair[0] for pair in pairs) == flat(pair[1] for pair in pairs) == wanted


def test_moved_rows_survive_a_jump():
    """65 rows in batches of 16 on two replicas: 16, 16, 16, 15, 2."""
    images = np.zeros((65, 8, 8, 1), np.uint8)
    for size, replicas in ((16, 2), (9, 4)):
        pipe = al.Pipeline(al.Arrays(images, labels=np.arange(65)), batch_size=size)
        passes = Passes(pipe, (0, 0), Parts(pipe), replicas, fixed=False)
        lease = passes.lease(passes.begin())
        whole = [passes.element(next(lease), step, 0)[1].tolist() for step in range(len(pipe))]
        assert sorted(label for labels in whole for label in labels) == [*range(65)]
        for step, wanted in enumerate(whole):
            again = passes.lease(passes.begin())
            assert_array_equal(passes.element(next(again), step, 0)[1], wanted)


def test_the_stream_follows_where_the_numbers_jump():
    """As those of `skip` do, where TensorFlow passes over what it need not make."""
    pipe = pipeline()
    passes = Passes(pipe, (0, 0), Parts(pipe), 1, fixed=True)
    token = next(lease := passes.lease(passes.begin()))
    for number in (0, 1, 4, 5, 2, 13, 0):
        assert_array_equal(passes.element(token, number, 0)[0], pipe.batch(*divmod(number, 7))[0])
    assert pipe.begun == [(0, 0), (0, 4), (0, 2), (1, 6), (0, 0)]
    lease.close()
    assert flat(pipe.to_tf().skip(3)) == flat(pipe.epoch(0, 3))
