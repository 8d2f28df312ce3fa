"""`Pipeline(engine="tensorflow").to_tf()`: a graph without Python, whose batches are those of the other engines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
import fresh
from augline.sources import Source
from augline.sources.targets import Targets
from pictures import smooth
from ports import free_port

tf = pytest.importorskip("tensorflow")

from augline.engines.arrays import tensorflow as xp  # noqa: E402

WORK = [
    al.RandomFlip("horizontal"),
    al.RandomRotation(0.1),
    al.RandomZoom(0.3),
    al.RandomBrightness(0.2),
    al.RandomContrast(0.2),
]


def graph_and_reference(source: al.Source, transforms: Any, **settings: Any) -> tuple[Any, al.Pipeline]:
    graph = al.Pipeline(source, transforms, engine="tensorflow", **settings)
    return graph.to_tf(), al.Pipeline(source, transforms, engine="reference", **settings)


def compare(dataset: Any, reference: al.Pipeline, epoch: int, most: float = 1.0, mean: float = 0.03) -> None:
    count = 0
    for step, batch in enumerate(dataset):
        count += 1
        wanted = reference.batch(epoch, step)
        tf.nest.assert_same_structure(batch, wanted)
        images, *rest = tf.nest.flatten(batch)
        expected, *others = tf.nest.flatten(wanted)
        apart = np.abs(images.numpy().astype(np.float64) - expected)
        assert images.shape == expected.shape
        assert apart.max() <= most, (step, apart.max())
        assert apart.mean() <= mean, (step, apart.mean())
        for got, told in zip(rest, others, strict=True):
            assert np.array_equal(got, told)
    assert count == len(reference)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of files of all kinds, sizes and orientations."""
    root = tmp_path_factory.mktemp("photos")
    for number, (height, width) in enumerate([(75, 100), (120, 61), (64, 64), (33, 190), (250, 180), (90, 140)]):
        for kind in ("cat", "dog"):
            (root / kind).mkdir(exist_ok=True)
            image = Image.fromarray(smooth(height, width, 3, "uint8", number + 10 * (kind == "dog")))
            exif = image.getexif()
            exif[0x0112] = 1 + (number + (kind == "dog") * 3) % 8
            image.save(root / kind / f"{number}.jpg", quality=95, exif=exif)
            image.save(root / kind / f"{number}.png")
            image.save(root / kind / f"{number}.bmp")
            image.convert("L").save(root / kind / f"{number}_grey.jpg", quality=95)
    return root


def test_files_of_all_kinds_and_orientations(photos: Path) -> None:
    dataset, reference = graph_and_reference(al.Folder(photos), WORK, size=(48, 56), batch_size=20, seed=3)
    for epoch in (0, 1):
        compare(dataset, reference, epoch)
    assert not has_python(dataset)


def test_one_warp_behind_another_that_only_some_samples_have() -> None:
    images = np.stack([smooth(60, 52, 3, "uint8", k) for k in range(8)])
    work = [al.Resizing(29, 101, interpolation="nearest", p=0.5), al.Resizing(24, 31)]
    compare(*graph_and_reference(al.Arrays(images, np.arange(8)), work, batch_size=4), 0)


@pytest.mark.parametrize("work", [[al.CLAHE()], [al.Equalization(), al.AutoContrast()], [al.RandAugment()]])
def test_what_measures_images_of_full_size(work: list[Any]) -> None:
    images = np.stack([smooth(224, 200, 3, "uint8", k) for k in range(4)])
    compare(*graph_and_reference(al.Arrays(images, np.arange(4)), work, batch_size=2, seed=4), 0, 255.0, 0.3)


@pytest.mark.parametrize(
    ("fill", "interpolation"), [(("constant", (200.0, 0.0, 90.0)), "bilinear"), (("wrap", 0.0), "nearest")]
)
def test_upright_photographs_with_fills(tmp_path: Path, fill: tuple[str, Any], interpolation: str) -> None:
    for number, (height, width) in enumerate([(75, 100), (61, 130), (140, 66), (130, 121), (40, 52), (290, 310)]):
        (tmp_path / "a").mkdir(exist_ok=True)
        Image.fromarray(smooth(height, width, 3, "uint8", number)).save(tmp_path / "a" / f"{number}.jpg", quality=95)
    mode, value = fill
    settings: Any = {"fill_mode": mode, "fill_value": value, "interpolation": interpolation}
    work = [al.RandomTranslation((0.2, 0.2), (-0.3, 0.3), **settings), al.RandomFlip()]
    dataset, reference = graph_and_reference(al.Folder(tmp_path), work, size=(50, 60), batch_size=6, seed=5)
    compare(dataset, reference, 0, 1, 0.03)


@pytest.mark.parametrize("size", [(40, 36), (150, 170)])  # some sides are halved; none is
def test_crops_decode_only_their_window(photos: Path, size: tuple[int, int]) -> None:
    work = [al.RandomResizedCrop(*size, scale=(0.1, 0.6)), al.RandomFlip(), al.Rescaling(1 / 255)]
    dataset, reference = graph_and_reference(al.Folder(photos), work, batch_size=16, seed=5)
    compare(dataset, reference, 0, 1 / 255, 1e-3)


def test_each_pass_is_an_epoch_and_one_left_early_is_begun_again() -> None:
    images = np.stack([np.full((8, 8, 1), k, np.uint8) for k in range(10)])
    pipe = al.Pipeline(al.Arrays(images, np.arange(10)), [], batch_size=4, seed=1, engine="tensorflow")
    dataset = pipe.to_tf(start=(2, 1))
    assert dataset.cardinality().numpy() == 3
    seen = [[labels.numpy().tolist() for _, labels in dataset] for _ in range(2)]
    next(iter(dataset))
    seen.append([labels.numpy().tolist() for _, labels in dataset])
    wanted = [[pipe.batch(epoch, step)[1].tolist() for step in range(3)] for epoch in (2, 3, 4)]
    assert seen == [wanted[0][1:], *wanted[1:]]


@pytest.mark.parametrize(("channels", "dtype"), [(3, "uint8"), (5, "uint16"), (2, "float32")])
def test_arrays_of_every_type_and_any_number_of_channels(channels: int, dtype: str) -> None:
    """Of one size, and of several."""
    images = [smooth(40 + 9 * k * (channels != 3), 52, channels, dtype, k) for k in range(6)]
    source = al.Arrays(images, np.arange(6.0), weights=np.linspace(0, 1, 6))
    work = [*WORK[-2:], al.RandomPerspective((1, 1), scale=0.3), al.Resizing(20, 22)]
    dataset, reference = graph_and_reference(source, work, size=(40, 52), batch_size=3, seed=2)
    step = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}[dtype]
    compare(dataset, reference, 0, step, 0.02 * step)


def test_shards_and_padded_last_batches() -> None:
    images = np.stack([np.full((4, 4, 1), k, np.uint8) for k in range(11)])
    source = al.Arrays(images, np.arange(11))
    whole = [labels for _, labels in al.Pipeline(source, batch_size=4, seed=6).epoch(0)]
    parts = [
        [
            labels.numpy()
            for _, labels in al.Pipeline(source, batch_size=4, seed=6, shard=(k, 2), engine="tensorflow").to_tf()
        ]
        for k in range(2)
    ]
    assert all(np.array_equal(np.concatenate(pair), batch) for *pair, batch in zip(*parts, whole, strict=True))
    pipe = al.Pipeline(source, batch_size=4, seed=6, engine="tensorflow")
    padded = list(pipe.to_tf(last_batch="pad"))
    assert [weights.numpy().tolist() for _, _, weights in padded][-1] == [1, 1, 1, 0]
    assert padded[-1][0].shape == (4, 4, 4, 1)
    assert len(list(pipe.to_tf(last_batch="drop"))) == 2


def test_an_iterator_can_be_saved(tmp_path: Path) -> None:
    images = np.stack([np.full((4, 4, 1), k, np.uint8) for k in range(12)])
    dataset = al.Pipeline(al.Arrays(images, np.arange(12)), batch_size=2, engine="tensorflow").to_tf()
    iterator = iter(dataset)
    for _ in range(2):
        next(iterator)
    saved = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "place"))
    rest = [labels.numpy().tolist() for _, labels in iterator]
    other = iter(dataset)
    tf.train.Checkpoint(iterator=other).restore(saved)
    assert [labels.numpy().tolist() for _, labels in other] == rest


class Elsewhere(Source):
    """A source that only Python can ask."""

    channels, dtype, value_range, size, class_names, targets = 3, "uint8", (0.0, 255.0), (8, 8), None, Targets()

    def __len__(self) -> int:
        return 4

    def read(self, index: int) -> Any:
        return np.zeros((8, 8, 3), np.uint8)

    def name(self, index: int) -> str:
        return f"{index}"

    def config(self) -> dict[str, Any]:
        return {}


def test_what_a_graph_cannot_do_is_refused_by_name() -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    labelled = al.Arrays(images, np.eye(4, dtype=np.float32))
    listed: list[tuple[al.Source, list[Any], dict[str, Any], str]] = [
        (Elsewhere(), [], {}, "files or TFRecords, or images in memory"),
        (al.Arrays(images[:2], keypoints=[[[1, 2]], []]), [], {}, "equally many keypoints.*Pad them with points"),
    ]
    for source, work, settings, message in listed:
        with pytest.raises(al.EngineError, match=message):
            al.Pipeline(source, work, batch_size=2, engine="tensorflow", **settings).to_tf()
    with pytest.raises(al.EngineError, match="it has no Call"):
        al.Pipeline(labelled, [al.Map(np.flipud)], engine="tensorflow")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """What few files tell is refused when the data set is made; the rest, here a file that changes, with its batch."""
    for name in ("0.jpg", "1.webp", "2.tiff", "3.webp"):
        Image.fromarray(smooth(9, 8)).save(tmp_path / name)
    source = al.Folder(tmp_path, label_mode=None)
    refused = ([0, 1, 3], r"WebP in .*1\.webp', one of 2 named \*\.webp"), ([0, 2], r"TIFF in .*2\.tiff'")
    for kept, received in refused:
        with pytest.raises(al.EngineError, match=received):
            al.Pipeline(source.select(kept), size=(8, 8), engine="tensorflow").to_tf()
    (records,) = al.write_tfrecords(source.select([0, 2]), tmp_path / "all", shards=1)
    with pytest.raises(al.EngineError, match=r"TIFF in .*all"):
        al.Pipeline(al.TFRecords(records, label_key=None), size=(8, 8), engine="tensorflow").to_tf()
    dataset = al.Pipeline(source.select([0]), size=(8, 8), engine="tensorflow").to_tf()
    (tmp_path / "0.jpg").write_bytes((tmp_path / "1.webp").read_bytes())
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"0\.jpg: a file must be a JPEG, PNG, GIF or BMP"):
        next(iter(dataset))


def has_python(dataset: Any) -> bool:
    """Whether anything in a data set's graph calls Python."""
    graph = dataset._as_serialized_graph(allow_stateful=True)
    return b"PyFunc" in graph.numpy()


DRAWING = [
    al.RandomFlip(), al.RandomRotation(0.1), al.RandomZoom((-0.3, 0.4), (0.1, 0.2)), al.RandomCrop(32, 40),
    al.RandomTranslation(0.2, 0.3), al.RandomShear(0.2, 0.3),
    al.RandomAffine(20, translate=(0.1, 0.2), scale=(0.8, 1.2), shear=9),
    al.RandomPerspective(0.5), al.RandomResizedCrop(30, 44), al.RandomElasticTransform((1, 1), (0.6, 0.6), cells=4),
    al.RandomBrightness(0.2), al.RandomContrast(0.3), al.RandomSaturation(0.3), al.RandomHue(0.1), al.RandomInvert(0.5),
    al.RandomErasing((0.1, 0.3)), al.OneOf([al.RandomGaussianBlur(1.0), al.RandomSharpness(0.5)]),
]  # fmt: skip


def test_what_is_drawn_in_a_graph_is_what_numpy_draws() -> None:
    program = al.Pipeline(al.Arrays(np.zeros((64, 40, 52, 3), np.uint8)), DRAWING).program
    ids, sizes = np.arange(64), np.full((64, 2), (40, 52))

    def drawn(epoch: Any, ids: Any, sizes: Any, **namespace: Any) -> dict[str, Any]:
        found = program.plan(epoch, ids, sizes, **namespace)[0].drawn
        return {f"{one.path}/{name}": value for one in found for name, value in one.params.items()}

    def in_graph(epoch: Any) -> dict[str, Any]:
        values = drawn(epoch, tf.constant(ids), tf.constant(sizes), xp=xp)
        return {name: tf.convert_to_tensor(value) for name, value in values.items()}

    (got,), wanted = list(tf.data.Dataset.from_tensors(tf.constant(3, tf.int64)).map(in_graph)), drawn(3, ids, sizes)
    assert {*got} == {*wanted}
    assert len(wanted) > len(DRAWING)
    for name, value in wanted.items():
        assert np.array_equal(got[name], value), name


BOXES = [np.asarray([[4, 6, 20, 25], [30, 2, 49, 12], [0, 0, 6, 5]], np.float32), np.zeros((0, 4), np.float32)]
POINTS = np.asarray([[10, 12, 2], [45.5, 3, 2], [51, 39, 1]], np.float32)
MOVING = [
    [
        al.RandomFlip(),
        al.RandomRotation(0.1),
        al.RandomErasing((0.1, 0.3)),
        al.RandomPerspective((1, 1), scale=0.3),
        al.Resizing(30, 44),
    ],
    [
        al.RandomElasticTransform((1, 1), (0.6, 0.6), cells=4),
        al.RandomFlip(p=1),
        al.RandomGaussianBlur(1.0),
        al.RandomTranslation(0.3, 0.3, fill_mode="constant"),
    ],
]


@pytest.mark.parametrize("work", MOVING, ids=lambda work: type(work[0]).__name__)
def test_targets_move_with_the_images(work: list[Any]) -> None:
    images = np.stack([smooth(40, 52, 3, "uint8", k) for k in range(6)])
    masks = (images[..., :2] // 64).astype(np.int16)
    source = al.Arrays(
        images, np.arange(6), masks=masks, boxes=[BOXES[k % 2] for k in range(6)], bounding_box_format="xyxy",
        box_labels=[np.arange(len(BOXES[k % 2])) for k in range(6)], keypoints=[POINTS] * 6, keypoint_swaps=[(0, 2)],
        weights=np.ones(6),
    )  # fmt: skip
    settings: dict[str, Any] = {"batch_size": 3, "seed": 4, "box_filter": al.BoxFilter(min_visibility=0.3, max_boxes=2)}
    dataset, reference = graph_and_reference(source, work, **settings)
    for step, batch in enumerate(dataset):
        wanted = reference.batch(0, step)
        assert {*batch} == {*wanted}
        assert np.array_equal(batch["segmentation_masks"], wanted["segmentation_masks"])
        assert batch["segmentation_masks"].dtype == tf.int16
        assert np.allclose(batch["keypoints"], wanted["keypoints"], atol=1e-3)
        for name in ("boxes", "labels"):
            got, told = batch["bounding_boxes"][name], wanted["bounding_boxes"][name]
            assert got.shape == told.shape
            assert np.allclose(got, told, atol=2e-3), (step, got, told)
        assert np.array_equal(batch["labels"], wanted["labels"])


@pytest.mark.parametrize("work", [[], [al.RandomBrightness(0.1)], [al.RandomFlip(p=1)]], ids=len)
def test_points_outside_the_image_are_not_visible(work: list[Any]) -> None:
    points = np.asarray([[10, 12, 2], [-5, 3, 2], [20, 44.2, 1], [51.4, 39.4, 1]], np.float32)
    source = al.Arrays(np.zeros((2, 40, 52, 3), np.uint8), keypoints=[points] * 2)
    dataset, reference = graph_and_reference(source, work, batch_size=2)
    (batch,), wanted = list(dataset), reference.batch(0, 0)
    assert np.array_equal(batch["keypoints"], wanted["keypoints"])
    assert wanted["keypoints"][0, :, 2].tolist() == [2, 0, 0, 1]


def test_points_and_boxes_that_are_painted_over_are_not_visible() -> None:
    y, x = np.mgrid[:40:3, :52:3].reshape(2, -1)
    points = np.stack([x, y, 2 + 0 * x], axis=1).astype(np.float32)
    boxes = np.asarray([[3, 2, 12, 15], [9, 5, 50, 36], [30, 12, 39, 20]], np.float32)
    source = al.Arrays(np.zeros((4, 40, 52, 3), np.uint8), keypoints=[points] * 4, boxes=[boxes] * 4)
    work = [al.CoarseDropout((3, 6), (0.2, 0.4), (0.2, 0.5)), al.RandomFlip(), al.RandomErasing(p=0.5)]
    dataset, reference = graph_and_reference(source, work, batch_size=4)
    (batch,), wanted = list(dataset), reference.batch(0, 0)
    assert np.array_equal(batch["keypoints"], wanted["keypoints"])
    assert 0.3 < (wanted["keypoints"][..., 2] > 0).mean() < 0.95
    for got, want in zip(batch["bounding_boxes"].values(), wanted["bounding_boxes"].values(), strict=True):
        assert np.allclose(got, want, atol=1e-3)


@pytest.mark.parametrize("box_format", ["rel_xyxy", "center_xywh", "rel_yxyx", "center_yxhw"])
def test_boxes_of_any_format(box_format: str) -> None:
    centred = [[18, 24, 20, 30], [40, 45, 30, 20]]
    rows = np.asarray(centred if "center" in box_format else [[0.2, 0.3, 0.5, 0.6], [0.4, 0.5, 0.9, 0.8]], np.float32)
    source = al.Arrays(np.zeros((3, 90, 110, 1), np.uint8), boxes=[rows] * 3, bounding_box_format=box_format)
    dataset, reference = graph_and_reference(
        source, [al.RandomFlip("horizontal", p=1), al.RandomCrop(50, 70)], batch_size=3
    )
    (batch,), wanted = list(dataset), reference.batch(0, 0)
    assert np.allclose(batch["bounding_boxes"]["boxes"], wanted["bounding_boxes"]["boxes"], atol=1e-3)


def test_masks_of_numbers_too_large_for_a_float32_are_refused() -> None:
    masks = np.zeros((2, 8, 8), np.int32)
    masks[1, 3, 4] = 2**24 + 1
    source = al.Arrays(np.zeros((2, 8, 8, 3), np.uint8), masks=masks)
    with pytest.raises(al.EngineError, match="no number beyond 16777216"):
        al.Pipeline(source, [al.RandomFlip()], engine="tensorflow").to_tf()


def test_masks_from_files(tmp_path: Path) -> None:
    """Also such whose channels lie in files of their own, which no graph holds in memory."""
    folders = [tmp_path / name for name in ("images", "levels", "bright")]
    for folder in folders:
        folder.mkdir()
    for number, size in enumerate([(40, 52), (61, 33), (20, 90)]):
        image = smooth(*size, 3, "uint8", number)
        for folder, picture in zip(folders, (image, image[..., 0] // 50, image[..., 1] // 128), strict=True):
            Image.fromarray(picture).save(folder / f"{number}.png")
    source = al.MaskFolder(folders[0], folders[1:])
    work = [al.RandomFlip(), al.RandomRotation(0.1)]
    dataset, reference = graph_and_reference(source, work, size=(32, 32), batch_size=3, seed=1)
    (batch,), wanted = list(dataset), reference.batch(0, 0)
    assert np.array_equal(batch["segmentation_masks"], wanted["segmentation_masks"])
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(folders[2] / "1.png")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"mask of .*1\.png: it must have the size of its image"):
        list(dataset)
    Image.fromarray(np.zeros((20, 90), np.uint8)).convert("P").save(folders[1] / "2.png")
    either = r"1\.png: it must have|2\.png: in a graph masks must be PNG"
    with pytest.raises(tf.errors.InvalidArgumentError, match=either):
        list(dataset)
    (folders[1] / "0.png").write_bytes((folders[2] / "0.png").read_bytes()[:-20])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"mask of .*0\.png: the file must not end before"):
        list(dataset)
    Image.fromarray(np.zeros((40, 52), np.uint8)).save(folders[1] / "0.png")
    paths, palette = source.paths[:2], folders[1] / "2.png"
    Image.fromarray(np.zeros((40, 52), np.uint8)).save(jpeg := tmp_path / "mask.jpg")
    for masks, received in (
        ([palette, palette], "one with a palette"),
        ([folders[1] / "0.png", jpeg], r"b'\\xff\\xd8"),
    ):
        pipe = al.Pipeline(al.Files(paths, masks=masks), size=(32, 32), engine="tensorflow")
        with pytest.raises(al.EngineError, match=rf"PNG files of 8 bits and 1 channels.*Received {received}"):
            pipe.to_tf()


def test_large_files_are_shrunk_as_far_as_the_plan_wants(tmp_path: Path) -> None:
    """What no JPEG scale can do: by more than eight, of PNG, and more along one side than along the other."""
    for number, (kind, size) in enumerate(
        [("png", (301, 410)), ("jpg", (1003, 77)), ("png", (90, 700)), ("bmp", (40, 33))]
    ):
        (tmp_path / "all").mkdir(exist_ok=True)
        Image.fromarray(smooth(*size, 3, "uint8", number)).save(tmp_path / "all" / f"{number}.{kind}", quality=95)
    work = [al.RandomRotation(0.1), al.RandomFlip()]
    dataset, reference = graph_and_reference(al.Folder(tmp_path), work, size=(20, 24), batch_size=4)
    compare(dataset, reference, 0, 2.0, 0.2)


GROWING = [
    [al.RandomZoomOut((1.2, 1.9)), al.RandomBrightness(0.2), al.RandomRotation((0.07, 0.07), fill_mode="wrap")],
    [al.D4(), al.RandomDownscale((0.5, 0.8)), al.PadToMultiple(16), al.RandomGrayscale(0.5)],
    [al.Transpose(p=0.5), al.RandomDownscale((0.5, 0.8)), al.ResizeLongestEdge(80), al.RandomShear(0.2)],
]


@pytest.mark.parametrize("work", GROWING, ids=lambda work: type(work[0]).__name__)
def test_images_that_have_grown_on_the_way_are_whole(work: list[Any]) -> None:
    images = np.stack([smooth(30, 42, 3, "uint8", k) for k in range(8)])
    dataset, reference = graph_and_reference(al.Arrays(images), [*work, al.Resizing(30, 30)], batch_size=8, seed=2)
    compare(dataset, reference, 0)


def under(strategy: str, *ports: int) -> Any:
    done = fresh.run(Path(__file__).with_name("graph_under_strategy.py"), strategy, *ports)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "AutoShard" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_replicas_get_padded_batches_of_weight_0() -> None:
    found = under("mirrored")
    assert np.isfinite(found["losses"]).all()
    images = np.zeros((22, 8, 8, 1), np.uint8)
    pipe = al.Pipeline(al.Arrays(images, np.arange(22)), batch_size=5, seed=1)
    assert found["seen"] == [label for _, labels in pipe.epoch(3) for label in labels.tolist()]


def test_workers_of_parameter_servers_make_their_own_batches() -> None:
    images = np.zeros((22, 8, 8, 1), np.uint8)
    pipe = al.Pipeline(al.Arrays(images, np.arange(22)), batch_size=5, seed=1, drop_remainder=True)
    known = [labels.tolist() for epoch in range(4) for _, labels in pipe.epoch(epoch)]
    batches = under("servers", free_port(), free_port(), free_port())["batches"]
    assert len(batches) == 12
    assert all(batch in known for batch in batches)
