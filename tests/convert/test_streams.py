"""Generators, iterables, arrays and torch: what comes out, what is inferred, and what is refused."""

from __future__ import annotations

import itertools
import sys
import threading

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from augline import (  # noqa: E402
    Arrays,
    BBoxSafeRandomCrop,
    BoxFilter,
    CropNonEmptyMaskIfExists,
    Pipeline,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    Rescaling,
    Resizing,
)
from augline.convert import elements, to_dataset  # noqa: E402
from augline.errors import ArgumentError, SourceError  # noqa: E402
from augline.keras import ImageDataGenerator  # noqa: E402
from augline.program import Program  # noqa: E402


def values(dataset):
    return [np.ravel(element[0] if isinstance(element, tuple) else element)[0].item() for element in
            dataset.as_numpy_iterator()]  # fmt: skip


def batches(count=5, rows=4, last=2):
    for index in range(count):
        n = last if index == count - 1 else rows
        yield np.full((n, 3), index, "float32"), np.full(n, index)


def test_a_generator_function_gives_every_pass_in_full_and_its_ragged_last_batch():
    dataset = to_dataset(batches)
    assert dataset.element_spec == (tf.TensorSpec((None, 3), "float32"), tf.TensorSpec((None,), "int64"))
    for _ in range(2):
        assert values(dataset) == [0, 1, 2, 3, 4]
    assert [len(x) for x, _ in dataset] == [4, 4, 4, 4, 2]


def test_a_generator_object_gives_one_pass_and_refuses_another():
    dataset = to_dataset(batches())
    assert values(dataset) == [0, 1, 2, 3, 4]
    with pytest.raises(tf.errors.InvalidArgumentError, match="a generator object gives one pass"):
        values(dataset)


def test_an_endless_generator_goes_on_where_its_last_pass_stopped():
    dataset = to_dataset((np.full((2, 1), i) for i in itertools.count()), steps=3)
    assert dataset.cardinality() == 3
    assert [values(dataset) for _ in range(3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert values(to_dataset(lambda: (np.full((2, 1), i) for i in itertools.count())).take(4)) == [0, 1, 2, 3]


def test_one_array_filled_again_and_again_does_not_change_batches_that_wait():
    def reusing():
        array = np.empty((64, 64), "float32")
        for index in range(20):
            array[:] = index
            yield array

    assert values(to_dataset(reusing)) == list(range(20))


def test_dicts_lists_weights_numbers_and_text_keep_their_structure():
    def mixed():
        yield {"a": [1.5, 2.5], "b": np.asarray(["x", "yy"])}, [np.zeros((2, 2), "uint8"), np.ones(2)], None

    spec = to_dataset(mixed).element_spec
    assert spec[0] == {"a": tf.TensorSpec((None,), "float32"), "b": tf.TensorSpec((None,), "string")}
    assert spec[1] == (tf.TensorSpec((None, 2), "uint8"), tf.TensorSpec((None,), "float64"))
    assert len(spec) == 2


def test_samples_keep_their_whole_shape_and_can_be_batched():
    samples = [(np.full((5, 7, 3), i, "uint8"), i) for i in range(10)]
    assert to_dataset(samples).element_spec[0].shape == (5, 7, 3)
    dataset = to_dataset(samples, batch_size=4)
    assert dataset.cardinality() == 3
    assert [x.shape[0] for x, _ in dataset] == [4, 4, 2]
    assert np.concatenate([y for _, y in dataset.as_numpy_iterator()]).tolist() == list(range(10))


def test_arrays_are_cut_into_batches_and_shuffled_on_demand():
    x, y = np.arange(70)[:, None], np.arange(70)
    assert [len(b) for _, b in to_dataset((x, y))] == [32, 32, 6]
    dataset = to_dataset({"x": x, "y": y}, batch_size=20, shuffle=True, seed=3)
    passes = [np.concatenate([b["x"][:, 0] for b in dataset.as_numpy_iterator()]) for _ in range(2)]
    assert passes[0].tolist() != passes[1].tolist()
    assert all(sorted(p.tolist()) == list(range(70)) for p in passes)


def test_a_signature_is_taken_instead_of_looking():
    calls = []

    def counted():
        calls.append(1)
        yield np.zeros((3, 2))

    dataset = to_dataset(counted, signature=tf.TensorSpec((None, 2), "float32"))
    assert not calls
    assert next(iter(dataset)).dtype == tf.float32
    with pytest.raises(ArgumentError, match=r"must hold tf\.TensorSpec"):
        to_dataset(counted, signature=("float32",))


def test_tf_data_comes_back_as_it_is():
    dataset = tf.data.Dataset.range(3)
    assert to_dataset(dataset) is dataset


def test_tf_data_is_read_where_its_elements_shall_change():
    images = tf.data.Dataset.from_tensor_slices((np.zeros((6, 8, 6, 3), "uint8"), np.arange(6)))
    crops = to_dataset(images, augment=[RandomResizedCrop(4, 5)], batch_size=4)
    assert [tuple(x.shape) for x, _ in crops] == [(4, 4, 5, 3), (2, 4, 5, 3)]
    for endless in (images.repeat(), images.filter(lambda _, label: label >= 0)):
        labels = [y.numpy().tolist() for _, y in to_dataset(endless, batch_size=4, steps=6)]
        assert labels == [[0, 1, 2, 3], [4, 5]]
    with pytest.raises(ArgumentError, match="only a source with an index and a length can be shuffled"):
        to_dataset(images, shuffle=True)


def test_what_a_pipeline_says_itself_is_refused():
    pipe = Pipeline(Arrays(np.zeros((6, 8, 6, 3), "uint8")), batch_size=2)
    assert len(list(to_dataset(pipe))) == 3
    with pytest.raises(ArgumentError, match=r"Received batch_size=, augment=. Give those to the pipeline"):
        to_dataset(pipe, batch_size=3, augment=[RandomFlip()])


def test_the_order_of_keys_means_nothing():
    one, other = np.zeros((2, 3), "float32"), np.ones((2, 3), "float32")
    elements = [{"a": one, "b": other}, {"b": other, "a": one}]
    assert [(e["a"].max(), e["b"].max()) for e in to_dataset(elements).as_numpy_iterator()] == [(0, 1), (0, 1)]


@pytest.mark.parametrize(
    ("third", "said"),
    [
        (
            (np.zeros((4, 5), "float32"), np.zeros(4)),
            r"2 of pass 1 with element\[0\] of shape \[4, 5\], where \[\?, 3",
        ),
        ((np.zeros((4, 3), "float64"), np.zeros(4)), r"2 of pass 1 with element\[0\] of type float64, where float32"),
        (np.zeros((4, 3), "float32"), r"element 2 of pass 1 with structure ·, where \(·, ·\)"),
        ((np.zeros((4, 3), "float32"), np.zeros(3)), r"2 .* different numbers of samples: .*has 4, .*has 3"),
        ((np.zeros((4, 3), "float32"), None, np.zeros(4)), "element 2 .*None stands where an array should"),
    ],
)  # fmt: skip
def test_an_element_that_differs_is_named(third, said):
    good = np.zeros((4, 3), "float32"), np.zeros(4)
    dataset = to_dataset(lambda: iter([good, good, third]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        list(dataset)


def test_an_exception_inside_the_generator_comes_with_its_number_and_traceback():
    def faulty():
        yield np.zeros(3)
        raise KeyError("no such label")

    with pytest.raises(
        tf.errors.InvalidArgumentError, match="KeyError at element 1 of pass 1: 'no such label'"
    ) as caught:
        list(to_dataset(faulty))
    assert 'raise KeyError("no such label")' in str(caught.value)
    with pytest.raises(SourceError, match="element 0") as caught_first:
        to_dataset(lambda: (1 / 0 for _ in range(3)))
    assert isinstance(caught_first.value.__cause__, ZeroDivisionError)


def test_nothing_at_all_is_refused_at_once_and_in_later_passes():
    with pytest.raises(SourceError, match="at least one element"):
        to_dataset(lambda: iter(()))
    with pytest.raises(SourceError, match="length 0"):
        to_dataset([])
    once = batches()
    dataset = to_dataset(lambda: once)
    values(dataset)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Received none in pass 2"):
        values(dataset)


def test_a_broken_promise_of_length_is_named():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must give 9 elements, as it promised\. Received 5"):
        list(to_dataset(batches, steps=9))


@pytest.mark.parametrize("wrong", ["photos/", 3, {"a": "b"}, None])
def test_what_is_no_source_is_refused(wrong):
    with pytest.raises(ArgumentError, match="x must be a generator"):
        to_dataset(wrong)


def test_a_generator_without_data_is_told_what_to_pass():
    with pytest.raises(ArgumentError, match=r"Received ImageDataGenerator\. Pass what its flow"):
        to_dataset(ImageDataGenerator())


def test_arguments_that_cannot_be_are_refused():
    with pytest.raises(ArgumentError, match="called without arguments"):
        to_dataset(lambda folder: iter(()))
    with pytest.raises(ArgumentError, match="only a source with an index"):
        to_dataset(batches, shuffle=True)
    with pytest.raises(ArgumentError, match="can be read by several"):
        to_dataset(batches, workers=2)
    with pytest.raises(ArgumentError, match="batch_size must be a whole number"):
        to_dataset(batches, batch_size=0)


def test_leaving_early_does_not_wait_for_a_source_that_hangs():
    hang = threading.Event()

    def hanging():
        yield np.zeros(2)
        yield np.zeros(2)
        hang.wait()

    iterator = iter(to_dataset(hanging))
    next(iterator)
    del iterator
    hang.set()


class FakeTensor:
    def __init__(self, array):
        self.array, self.shape, self.ndim, self.dtype = array, array.shape, array.ndim, str(array.dtype)

    def detach(self):
        raise AssertionError("numpy(force=True) does so")

    def numpy(self, *, force):
        assert force
        return self.array


class FakeLoader:
    """What `torch.utils.data.DataLoader` shows of itself."""

    batch_sampler = object()
    num_workers = 0

    def __len__(self):
        return 3

    def __iter__(self):
        for index in range(3):
            yield [FakeTensor(np.full((2, 3, 8, 8), index, "float32")), FakeTensor(np.full(2, index))]


class FakeSet:
    """A map-style `torch.utils.data.Dataset`."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return FakeTensor(np.full((3, 8, 8), index, "float32")), index


def test_torch_loaders_and_data_sets():
    dataset = to_dataset(FakeLoader())
    assert dataset.cardinality() == 3
    assert values(dataset) == [0, 1, 2]
    dataset = to_dataset(FakeSet(), batch_size=2)
    assert dataset.element_spec[0].shape.as_list() == [None, 3, 8, 8]
    assert [len(x) for x, _ in dataset] == [2, 2, 1]


def pictures(rows=6, count=3, dtype="uint8"):
    rng = np.random.default_rng(5)
    return [(rng.integers(0, 256, (rows, 20, 30, 3)).astype(dtype), np.arange(rows)) for _ in range(count)]


def test_augmentation_depends_on_the_pass_and_the_samples_number_only():
    source = pictures()
    list_ = [RandomFlip("horizontal"), RandomRotation(0.1), Rescaling(1 / 255)]
    one = to_dataset(lambda: iter(source), augment=list_, seed=3)
    samples = [(x[i], y[i]) for x, y in source for i in range(len(x))]
    other = to_dataset(samples, augment=list_, seed=3, batch_size=4, workers=0)
    assert one.element_spec[0] == tf.TensorSpec((None, 20, 30, 3), "float32")
    epochs = [np.concatenate([x for x, _ in one.as_numpy_iterator()]) for _ in range(2)]
    assert not np.array_equal(*epochs)
    for epoch in epochs:
        np.testing.assert_array_equal(epoch, np.concatenate([x for x, _ in other.as_numpy_iterator()]))


@pytest.mark.parametrize("kind", ["dict", "tuple"])
def test_samples_of_many_sizes_are_gathered_as_they_are_one_by_one(kind, monkeypatch):
    def samples():
        rng = np.random.default_rng(2)
        for number in range(7):
            image = rng.integers(0, 256, (16 + number, 24 - number, 3), np.uint8)
            yield {
                "tuple": (image, np.int64(number)),
                "dict": {
                    "images": image, "segmentation_masks": image[..., 0], "labels": number, "name": f"n{number}",
                    "bounding_boxes": {"boxes": np.float32([[2, 3, 8, 9], [-1] * 4]), "labels": np.asarray([5, -1])},
                    "keypoints": np.float32([[3, 4, 2]]),
                },
            }[kind]  # fmt: skip

    options = {"augment": [RandomFlip(), RandomRotation(0.1), Resizing(12, 12)], "seed": 3}
    one_by_one = list(to_dataset(samples, **options).as_numpy_iterator())
    planned = []
    plan = Program.plan
    monkeypatch.setattr(Program, "plan", lambda self, *args, **more: planned.append(1) or plan(self, *args, **more))
    dataset = to_dataset(samples, batch_size=4, workers=0, **options)
    before = len(planned)
    batches = list(dataset.as_numpy_iterator())
    assert len(planned) - before == len(batches) == 2
    found = [elements.mapped(lambda part, k=k: part[k], b) for b in batches for k in range(4 if b is batches[0] else 3)]
    assert len(found) == len(one_by_one) == 7
    for mine, other in zip(found, one_by_one, strict=True):
        for (path, part), (_, wanted) in zip(elements.leaves(mine), elements.leaves(other), strict=True):
            np.testing.assert_array_equal(part, wanted, err_msg=path)


def test_masks_boxes_and_points_move_along():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (4, 16, 24, 3), np.uint8)
    element = {
        "images": images, "segmentation_masks": images[..., :1].astype("int32"), "labels": np.arange(4),
        "bounding_boxes": {"boxes": np.tile(np.float32([[2, 3, 8, 9], [-1, -1, -1, -1]]), (4, 1, 1)),
                           "labels": np.tile(np.int64([5, -1]), (4, 1))},
        "keypoints": np.tile(np.float32([[[2, 3]]]), (4, 1, 1)),
    }  # fmt: skip
    out = next(iter(to_dataset(lambda: iter([element]), augment=[RandomFlip("horizontal", p=1.0)]).as_numpy_iterator()))
    flipped = (out["images"][:, :, ::-1] == images).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(out["segmentation_masks"][..., 0], out["images"][..., 0].astype("int32"))
    for index, turned in enumerate(flipped):
        assert out["bounding_boxes"]["boxes"][index, 0].tolist() == ([16, 3, 22, 9] if turned else [2, 3, 8, 9])
        assert out["bounding_boxes"]["labels"][index].tolist() == [5, -1]
        assert out["keypoints"][index, 0].tolist() == ([21, 3] if turned else [2, 3])


def test_crops_see_the_targets_of_an_element():
    images = np.zeros((6, 16, 24, 3), np.uint8)
    images[:, 4, 5] = 200
    element = {
        "images": images, "segmentation_masks": (images[..., 0] > 0).astype("int32"),
        "bounding_boxes": {"boxes": np.tile(np.float32([[4, 3, 8, 9], [-1, -1, -1, -1]]), (6, 1, 1)),
                           "labels": np.tile(np.int64([5, -1]), (6, 1))},
    }  # fmt: skip
    list_ = [RandomFlip("horizontal"), BBoxSafeRandomCrop(), CropNonEmptyMaskIfExists(3, 3)]
    out = next(iter(to_dataset(lambda: iter([element]), augment=list_).as_numpy_iterator()))
    assert out["images"].shape == (6, 3, 3, 3)
    assert (out["images"].max(axis=(1, 2, 3)) == 200).all()
    assert (out["segmentation_masks"].sum(axis=(1, 2)) == 1).all()
    samples = [{key: value[0] for key, value in element.items() if key != "bounding_boxes"}] * 2
    small = to_dataset(samples, augment=list_[2:], batch_size=2, workers=0)
    assert next(iter(small.as_numpy_iterator()))["images"].shape == (2, 3, 3, 3)
    with pytest.raises(ArgumentError, match="it needs masks"):
        to_dataset(pictures(), augment=list_[2:])


def test_boxes_are_filtered_and_left_and_right_change_places():
    element = {
        "images": np.zeros((2, 16, 24, 3), np.uint8),
        "bounding_boxes": {"boxes": np.tile(np.float32([[2, 3, 8, 9], [10, 2, 12, 4]]), (2, 1, 1)),
                           "labels": np.tile(np.int64([5, 6]), (2, 1))},
        "keypoints": np.tile(np.float32([[[2, 3], [8, 4]]]), (2, 1, 1)),
    }  # fmt: skip
    flip, options = [RandomFlip("horizontal", p=1.0)], {"box_filter": BoxFilter(min_area=9)}
    out = next(iter(to_dataset(lambda: iter([element]), augment=flip, keypoint_swaps=[(0, 1)], **options)))
    assert out["bounding_boxes"]["labels"].numpy().tolist() == [[5, -1]] * 2
    assert out["keypoints"].numpy().tolist() == [[[15, 4], [21, 3]]] * 2
    with pytest.raises(ArgumentError, match=r"to_dataset\(augment=\.\.\.\): keypoint_swaps must be pairs"):
        to_dataset(lambda: iter([element]), augment=flip, keypoint_swaps=[(0, 2)])


def test_images_that_cannot_be_augmented_are_refused_with_a_fix():
    flips = [RandomFlip("horizontal")]
    with pytest.raises(ArgumentError, match=r"Pass value_range=\(0, 255\)"):
        to_dataset(pictures(dtype="float32"), augment=flips)
    assert to_dataset(pictures(dtype="float64"), augment=flips, value_range=(0, 255)).element_spec[0].dtype == "float32"
    with pytest.raises(SourceError, match="augment= needs"):
        to_dataset([np.zeros((4, 3))], augment=flips)
    with pytest.raises(SourceError, match="needs 'images' among them"):
        to_dataset([{"x": np.zeros((4, 3))}], augment=flips)


def test_the_package_itself_imports_no_tensorflow():
    import subprocess

    code = "import sys, augline.convert, augline.convert.build; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
