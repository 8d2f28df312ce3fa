from __future__ import annotations

import copy
import json
import os
import pickle
import re
import subprocess
import sys
import tracemalloc
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import augline as al
from augline import batches as batches_module
from augline.decode.convert import turn
from augline.sources import Source, Targets
from pictures import smooth

LIST = [al.RandomFlip("horizontal"), al.RandomRotation(0.07), al.RandomZoom(0.2), al.RandomBrightness(0.2)]


def numbered(count: int, height: int = 6, width: int = 9) -> al.Arrays:
    """Images that say which they are: the number stands in their first two channels, and is the label."""
    images = np.zeros((count, height, width, 3), np.uint8)
    images[..., 0], images[..., 1] = np.arange(count)[:, None, None] % 256, np.arange(count)[:, None, None] // 256
    images[..., 2] = np.arange(height * width).reshape(height, width)
    return al.Arrays(images, labels=np.arange(count))


def read_numbers(images: np.ndarray) -> list[int]:
    return (images[:, 0, 0, :2].astype(int) @ [1, 256]).tolist()


def everything(pipe: al.Pipeline, epoch: int = 0) -> tuple[np.ndarray, np.ndarray]:
    parts = list(pipe.epoch(epoch))
    return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])


class Virtual(Source):
    """A billion images made on demand, and a record of which were."""

    channels, dtype, value_range, size, class_names = 3, "uint8", (0.0, 255.0), (8, 12), None
    targets = Targets()

    def __init__(self, count: int) -> None:
        self.count, self.seen = count, []

    def __len__(self) -> int:
        return self.count

    def read(self, index: int) -> np.ndarray:
        self.seen.append(index)
        return np.full((8, 12, 3), index % 251, np.uint8)

    def name(self, index: int) -> str:
        return f"virtual[{index}]"

    def config(self) -> dict:
        return {}


# The same bytes, however they are made


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_bytes_do_not_depend_on_threads(workers):

    def make(workers):
        return al.Pipeline(numbered(37), LIST, batch_size=8, seed=3, workers=workers)

    for first, then in zip(make(None).epoch(2), make(workers).epoch(2), strict=True):
        assert_array_equal(first[0], then[0])
        assert_array_equal(first[1], then[1])


@pytest.mark.parametrize("batch_size", [1, 5, 37, 64])
def test_a_sample_does_not_depend_on_the_batch_it_is_in(batch_size):
    images, labels = everything(al.Pipeline(numbered(37), LIST, batch_size=8, seed=3))
    again, same = everything(al.Pipeline(numbered(37), LIST, batch_size=batch_size, seed=3))
    assert_array_equal(images, again)
    assert_array_equal(labels, same)


def test_any_batch_at_once_is_the_batch_of_the_pass():
    pipe = al.Pipeline(numbered(37), LIST, batch_size=8, seed=3)
    for epoch in (0, 4):
        for step, (images, labels) in enumerate(pipe.epoch(epoch)):
            assert_array_equal(pipe.batch(epoch, step)[0], images)
            assert_array_equal(pipe.batch(epoch=epoch, step=step)[1], labels)


def test_an_epoch_can_begin_anywhere():
    pipe = al.Pipeline(numbered(37), LIST, batch_size=8, seed=3)
    for whole, late in zip(list(pipe.epoch(1))[3:], pipe.epoch(1, start=3), strict=True):
        assert_array_equal(whole[0], late[0])


def test_a_view_has_the_settings_that_it_is_given():
    pipe = al.Pipeline(
        al.Arrays(np.arange(6 * 8 * 8, dtype="uint8").reshape(6, 8, 8, 1)), [al.RandomFlip()], size=(4, 4)
    )
    for changes in ({"size": (6, 5)}, {"seed": 3}, {"transforms": []}, {"engine": "reference"}, {"batch_size": 2}):
        made = al.Pipeline(**{"source": pipe.source, "transforms": pipe.transforms, **pipe.settings(), **changes})
        seen = pipe.view(**changes)
        np.testing.assert_array_equal(seen.batch(1, 0), made.batch(1, 0))
        assert seen.fingerprint() == made.fingerprint()
    with pytest.raises(al.ArgumentError, match=r"there is no argument sead.*Did you mean seed"):
        pipe.view(sead=3)


def test_each_pass_is_the_next_epoch():
    pipe = al.Pipeline(numbered(20), LIST, batch_size=8, seed=3)
    for epoch in range(3):
        for (images, _), (same, _) in zip(pipe, pipe.epoch(epoch), strict=True):
            assert_array_equal(images, same)


@pytest.mark.parametrize("hosts", [2, 3, 5])
@pytest.mark.parametrize("count", [37, 33, 32])
def test_the_shards_of_a_batch_put_together_are_the_batch(hosts, count):

    def make(shard):
        return al.Pipeline(numbered(count), LIST, batch_size=8, seed=3, shard=shard)

    parts = [list(make((host, hosts)).epoch(1)) for host in range(hosts)]
    for step, (images, labels) in enumerate(make((0, 1)).epoch(1)):
        assert_array_equal(np.concatenate([part[step][0] for part in parts]), images)
        assert_array_equal(np.concatenate([part[step][1] for part in parts]), labels)
    assert len({len(part) for part in parts}) == 1


# Order


def test_an_epoch_shows_every_sample_once_with_its_label():
    pipe = al.Pipeline(numbered(300), batch_size=7, seed=1)
    for epoch in (0, 1):
        images, labels = everything(pipe, epoch)
        assert read_numbers(images) == labels.tolist()
        assert sorted(labels.tolist()) == list(range(300))


def test_epochs_and_seeds_differ_in_order_and_draws():
    cases = ((0, 0), (0, 1), (1, 0))
    orders = [everything(al.Pipeline(numbered(64), seed=seed), epoch)[1].tolist() for seed, epoch in cases]
    assert len({tuple(order) for order in orders}) == 3
    fixed = [everything(al.Pipeline(numbered(64), LIST, shuffle=False, seed=seed), epoch)[0] for seed, epoch in cases]
    assert not np.array_equal(fixed[0], fixed[1])
    assert not np.array_equal(fixed[0], fixed[2])


def test_without_shuffle_the_order_is_that_of_the_source():
    _, labels = everything(al.Pipeline(numbered(37), LIST, batch_size=8, shuffle=False), 3)
    assert labels.tolist() == list(range(37))


def test_drop_remainder_and_len():
    whole, cut = (al.Pipeline(numbered(37), batch_size=8, drop_remainder=drop) for drop in (False, True))
    assert (len(whole), len(cut)) == (5, 4)
    assert [len(labels) for _, labels in whole] == [8, 8, 8, 8, 5]
    assert [len(labels) for _, labels in cut] == [8, 8, 8, 8]


def test_evaluation_is_in_order_whole_and_not_random():
    pipe = al.Pipeline(numbered(37), [*LIST, al.Rescaling(1 / 255)], batch_size=8, drop_remainder=True).evaluation()
    images, labels = everything(pipe, 0)
    assert labels.tolist() == list(range(37))
    assert read_numbers(np.rint(images * 255).astype(np.uint8)) == list(range(37))
    assert_array_equal(images, everything(pipe, 5)[0])


def test_evaluation_keeps_the_size():
    source = al.Arrays([smooth(40, 60), smooth(50, 30)])
    pipe = al.Pipeline(source, [al.RandomResizedCrop(20, 30), al.RandomFlip()], size=(20, 30)).evaluation()
    assert next(iter(pipe)).shape == (2, 20, 30, 3)


def test_evaluation_keeps_the_size_of_scale_jitter():
    pipe = al.Pipeline(al.Arrays([smooth(40, 60)]), [al.ScaleJitter(30, 30, fill_value=7)])
    image = pipe.evaluation().batch(0, 0)[0]
    assert image.shape == (30, 30, 3)
    assert (image[20:] == 7).all()  # the whole picture, 20 x 30, at the top
    assert_array_equal(image[:20], al.augment([smooth(40, 60)], [al.Resizing(20, 30)])[0])
    assert pipe.evaluation().transforms == pipe.evaluation().evaluation().transforms


def copies(pipe):
    return [copy.copy(pipe), copy.deepcopy(pipe), pickle.loads(pickle.dumps(pipe))]


def test_a_copy_goes_on_where_the_pipeline_stands():
    pipe = al.Pipeline(numbered(9), LIST, batch_size=4, seed=5)
    list(pipe)
    wanted = pipe.epoch(1)
    for ours, *theirs in zip(wanted, *copies(pipe), strict=True):
        for other in theirs:
            assert_array_equal(ours[0], other[0])
            assert_array_equal(ours[1], other[1])
    assert [copied.settings() for copied in copies(pipe)] == [pipe.settings()] * 3


def test_a_split_is_stratified_disjoint_complete_and_leaves_draws_alone():
    images = numbered(120).images
    source = al.Arrays(images, labels=np.arange(120) % 3)
    pipe = al.Pipeline(source, LIST, batch_size=16, seed=5)
    training, validation = pipe.split(0.25, seed=2)
    assert np.bincount(everything(validation)[1]).tolist() == [10, 10, 10]
    ids = [set(p.source.ids(np.arange(len(p.source))).tolist()) for p in (training, validation)]
    assert not ids[0] & ids[1]
    assert ids[0] | ids[1] == set(range(120))
    assert validation.transforms == ()
    whole = dict(zip(_ids(pipe), everything(pipe)[0], strict=True))
    for number, image in zip(_ids(training), everything(training)[0], strict=True):
        assert_array_equal(image, whole[number])


def _ids(pipe: al.Pipeline) -> list[int]:
    return pipe.source.ids(pipe.indices(0, np.arange(len(pipe.source)))).tolist()


def test_what_a_pipeline_says_of_itself():
    pipe = al.Pipeline(numbered(37), [al.RandomRotation(0.1)], batch_size=8, seed=7)
    assert repr(pipe).startswith("Pipeline(Arrays(37 images, 6x9x3 uint8), [RandomRotation(")
    assert repr(pipe).endswith("batch_size=8, seed=7)")
    assert pipe.report() == []


def test_weights_come_third_and_alone_make_a_dict():
    images = numbered(6).images
    weighed = al.Pipeline(al.Arrays(images, labels=np.arange(6), weights=np.arange(6) / 6), shuffle=False)
    _, labels, weights = weighed.batch(0, 0)
    np.testing.assert_allclose(weights, labels / 6, rtol=1e-6)
    alone = al.Pipeline(al.Arrays(images, weights=np.ones(6))).batch(0, 0)
    assert {*alone} == {"images", "weights"}


# As many samples as there may be


def test_a_billion_samples_cost_no_more_than_a_thousand():
    count = 10**9
    tracemalloc.start()
    source = Virtual(count)
    pipe = al.Pipeline(source, LIST, batch_size=16, seed=7)
    assert source.seen == []
    images = pipe.batch(epoch=3, step=len(pipe) - 2)
    assert len(source.seen) == 16
    first = list(islice(pipe.epoch(0), 2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5e6
    assert images.shape == (16, 8, 12, 3)
    assert len(first) == 2
    assert len(source.seen) <= 16 * 8  # the batch, the two taken, and those ahead
    assert all(0 <= number < count for number in source.seen)


def test_a_batch_reads_nothing_but_its_own_samples():
    source = Virtual(1000)
    pipe = al.Pipeline(source, LIST, batch_size=10, seed=7)
    pipe.batch(2, 40)
    assert sorted(source.seen) == sorted(pipe.indices(2, np.arange(400, 410)).tolist())


# Files


def photos(folder, count: int = 12) -> al.Folder:
    """Two classes of all kinds of files: formats, channels, depths, sizes, turned and not."""
    for number in range(count):
        path = folder / "ab"[number % 2]
        path.mkdir(exist_ok=True, parents=True)
        image = smooth(60 + 7 * number, 90 - 5 * number, 3, seed=number)
        kind = number % 6
        if kind == 0:
            Image.fromarray(image).save(path / f"{number}.jpg", quality=92)
        elif kind == 1:
            Image.fromarray(image).save(path / f"{number}.png")
        elif kind == 2:
            Image.fromarray(image).save(path / f"{number}.webp", quality=90)
        elif kind == 3:
            Image.fromarray(image[..., 0]).save(path / f"{number}.png")
        elif kind == 4:
            alpha = np.full((*image.shape[:2], 1), 200, np.uint8)
            Image.fromarray(np.concatenate([image, alpha], axis=-1)).save(path / f"{number}.png")
        else:
            cv2.imwrite(str(path / f"{number}.png"), image.astype(np.uint16) * 257)
    return al.Folder(folder)


def test_a_folder_of_everything(tmp_path):
    pipe = al.Pipeline(photos(tmp_path), [*LIST, al.Rescaling(1 / 255)], size=(32, 40), batch_size=5, seed=1)
    images, labels = everything(pipe)
    assert (images.shape, images.dtype) == ((12, 32, 40, 3), np.float32)
    assert sorted(labels.tolist()) == [0] * 6 + [1] * 6
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize("kind", ["files", "table"])
def test_the_same_files_by_another_way(tmp_path, kind):
    folder = photos(tmp_path)
    if kind == "files":
        source = al.Files(folder.paths, labels=folder.targets.labels)
    else:
        rows = {"image": folder.paths, "label": [Path(path).parent.name for path in folder.paths]}
        source = al.Table(pytest.importorskip("pandas").DataFrame(rows), image="image", label="label")

    def make(source):
        return everything(al.Pipeline(source, LIST, size=(32, 40), batch_size=5))

    for a, b in zip(make(folder), make(source), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_turned_photos_come_upright(tmp_path, orientation):
    upright = smooth(64, 96)
    back = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    stored = upright if orientation == 1 else turn(upright, back)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.jpg", quality=98, subsampling=0, exif=exif)
    for size in ((32, 48), (64, 96)):
        got = al.Pipeline(al.Files([str(tmp_path / "a.jpg")]), size=size).batch(0, 0)[0]
        want = cv2.resize(upright, size[::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(got.astype(float) - want).mean() < 3


def test_a_large_photo_is_decoded_small_where_the_plan_allows(tmp_path, monkeypatch):
    Image.fromarray(smooth(480, 640)).save(tmp_path / "a.jpg", quality=95)
    asked = []
    real = batches_module.decode
    monkeypatch.setattr(batches_module, "decode", lambda *a, **k: asked.append(k["shrink"]) or real(*a, **k))
    pipe = al.Pipeline(al.Files([str(tmp_path / "a.jpg")]), [al.RandomRotation(0.01)], size=(60, 80), seed=1)
    small = pipe.batch(0, 0)
    assert asked == [8]
    monkeypatch.setattr(batches_module, "_decoder_shrink", lambda record, wanted: 1)
    full = pipe.batch(0, 0)
    assert asked == [8, 1]
    difference = np.abs(small.astype(float) - full)
    assert difference.mean() < 1
    assert difference.max() < 12


def test_nothing_is_decoded_small_that_is_cropped_at_full_size(tmp_path, monkeypatch):
    Image.fromarray(smooth(480, 640)).save(tmp_path / "a.jpg")
    asked = []
    real = batches_module.decode
    monkeypatch.setattr(batches_module, "decode", lambda *a, **k: asked.append(k["shrink"]) or real(*a, **k))
    al.Pipeline(al.Files([str(tmp_path / "a.jpg")]), [al.RandomCrop(60, 80)]).batch(0, 0)
    assert asked == [1]


# Masks, boxes and points beside the images


def annotated(tmp_path, count: int = 8, spoil: int | None = None) -> al.Files:
    paths, masks, boxes, points = [], [], [], []
    for number in range(count):
        image = smooth(40 + number, 60, seed=number)
        mask = np.zeros(image.shape[:2], np.uint8)
        mask[10:30, 20 : 40 + number] = number + 1
        paths.append(str(tmp_path / f"{number}.png"))
        masks.append(str(tmp_path / f"{number}_mask.png"))
        Image.fromarray(image).save(paths[-1])
        Image.fromarray(mask).save(masks[-1])
        boxes.append(np.array([[20, 10, 40 + number, 30]] * (1 + number % 2), np.float32))
        points.append(np.array([[20, 10, 1], [39, 29, 1]], np.float32))
    labels = [np.full(len(rows), number) for number, rows in enumerate(boxes)]
    source = al.Files(paths, masks=masks, boxes=boxes, box_labels=labels, keypoints=points)
    if spoil is not None:
        (tmp_path / f"{spoil}.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    return source


def test_all_targets_travel_together(tmp_path):
    moves = [al.RandomFlip(), al.RandomTranslation(0.1, 0.1)]
    pipe = al.Pipeline(annotated(tmp_path), moves, size=(40, 60), batch_size=5)
    for batch in pipe:
        count = len(batch["images"])
        assert batch["segmentation_masks"].shape == (count, 40, 60, 1)
        assert batch["bounding_boxes"]["boxes"].shape == (count, 2, 4)
        assert batch["bounding_boxes"]["labels"].shape == (count, 2)
        assert batch["keypoints"].shape == (count, 2, 3)
        for mask, boxes, labels in zip(batch["segmentation_masks"], *batch["bounding_boxes"].values(), strict=True):
            rows, columns = np.nonzero(mask[..., 0])
            assert set(np.unique(mask)) <= {0, labels[0] + 1}
            found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(boxes[0], found, atol=1.5)


def test_keypoints_of_different_numbers_stay_a_list_in_every_batch():
    points = [np.zeros((1 + number // 4, 2)) for number in range(8)]
    pipe = al.Pipeline(al.Arrays(numbered(8).images, keypoints=points), batch_size=4, shuffle=False)
    assert all(isinstance(batch["keypoints"], list) for batch in pipe)


# Files that fail


def damaged(tmp_path, bad: dict[int, str], count: int = 40) -> al.Files:
    paths = []
    for number in range(count):
        paths.append(str(tmp_path / f"{number:02}.png"))
        Image.fromarray(np.full((16, 24, 3), number, np.uint8)).save(paths[-1])
    for number, kind in bad.items():
        path = tmp_path / f"{number:02}.png"
        data = path.read_bytes()
        path.unlink()
        if kind == "header":
            path.write_bytes(data[:20])
        elif kind == "body":
            path.write_bytes(data[:50] + b"\0" * (len(data) - 50))
        elif kind == "text":
            path.write_text("not an image")
        elif kind == "empty":
            path.write_bytes(b"")
        elif kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "link":
            path.symlink_to(path)  # to itself
        elif kind == "jpeg":
            Image.fromarray(smooth(64, 96)).save(path, "JPEG")
            path.write_bytes(path.read_bytes()[:-300])
    source = al.Files.__new__(al.Files)
    source.__dict__.update(al.Files([str(tmp_path / "00.png")]).__dict__)
    source.paths, source.targets = paths, Targets(labels=np.arange(count))
    return source


KINDS = ["header", "body", "text", "empty", "folder", "pipe", "link", "deleted", "jpeg"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_fails_stops_the_run_by_name(tmp_path, kind):
    pipe = al.Pipeline(damaged(tmp_path, {17: kind}), size=(8, 8), batch_size=8, shuffle=False)
    with pytest.raises((al.DecodeError, al.SourceError), match=r"17\.png") as caught:
        list(pipe)
    if isinstance(caught.value, al.DecodeError):
        assert "sample 17" in str(caught.value)
    assert len(list(islice(pipe.epoch(0), 2))) == 2  # what comes before is whole


def test_the_cause_of_a_failure_is_kept(tmp_path):
    pipe = al.Pipeline(damaged(tmp_path, {3: "body"}), size=(8, 8), batch_size=8, shuffle=False)
    with pytest.raises(al.DecodeError) as caught:
        pipe.batch(0, 0)
    assert isinstance(caught.value.__cause__, al.DecodeError)


@pytest.mark.parametrize("on_error", ["skip", "replace"])
def test_a_place_is_filled_the_same_way_whoever_fills_it(tmp_path, on_error):
    source = damaged(tmp_path, dict(zip((3, 5, 8, 17, 20, 21, 22, 30, 39), KINDS, strict=True)))
    bad = {3, 5, 8, 17, 20, 21, 22, 30, 39}

    def make(**more):
        return al.Pipeline(source, LIST, size=(8, 12), seed=4, on_error=on_error, **more)

    pipe = make(batch_size=8)
    images, labels = everything(pipe, 2)
    assert images.shape == (40, 8, 12, 3)
    assert not bad & {*labels.tolist()}
    for other in (make(batch_size=8, workers=1), make(batch_size=7, workers=5), make(batch_size=40)):
        again, same = everything(other, 2)
        assert_array_equal(images, again)
        assert_array_equal(labels, same)
    halves = [list(make(batch_size=8, shard=(host, 2)).epoch(2)) for host in range(2)]
    joined = np.concatenate([part for pair in zip(*halves, strict=True) for part, _ in pair])
    assert_array_equal(joined, images)
    order = pipe.indices(2, np.arange(40)).tolist()
    for place, (wanted, got) in enumerate(zip(order, labels.tolist(), strict=True)):
        assert wanted in bad or got == wanted, place
    list(pipe.epoch(2))  # a second pass over the same epoch lists nothing twice
    report = pipe.report()
    assert [entry.position for entry in report] == [place for place, number in enumerate(order) if number in bad]
    for entry in report:
        assert entry.epoch == 2
        assert entry.name.endswith(f"{order[entry.position]:02}.png")
        assert entry.substitute.endswith(f"{labels[entry.position]:02}.png")
        assert entry.error


def test_skip_takes_the_next_of_the_order(tmp_path):
    pipe = al.Pipeline(damaged(tmp_path, {5: "text", 6: "body"}), size=(8, 8), shuffle=False, on_error="skip")
    assert everything(pipe)[1][4:8].tolist() == [4, 7, 7, 7]


def test_replace_draws_elsewhere_in_every_epoch(tmp_path):
    pipe = al.Pipeline(damaged(tmp_path, {5: "text"}), size=(8, 8), shuffle=False, on_error="replace")
    assert len({everything(pipe, epoch)[1][5] for epoch in range(6)}) > 2


def test_a_report_forgets_first_epochs_when_it_grows_long(tmp_path, monkeypatch):
    monkeypatch.setattr("augline.replacement._MOST", 5)
    bad = dict.fromkeys((5, 20, 35), "text")
    pipe = al.Pipeline(damaged(tmp_path, bad), size=(8, 8), shuffle=False, on_error="replace")
    for epoch, listed in enumerate(([0], [1], [2], [3])):
        everything(pipe, epoch)
        assert [(entry.epoch, entry.position) for entry in pipe.report()] == [(e, n) for e in listed for n in bad]
    everything(pipe.view(shard=(0, 2)), 4)
    assert [(entry.epoch, entry.position) for entry in pipe.report()] == [(3, 5), (3, 20), (3, 35), (4, 5), (4, 35)]


def test_the_substitutes_targets_come_along(tmp_path):
    source = annotated(tmp_path, spoil=0)
    pipe = al.Pipeline(source, size=(40, 60), batch_size=4, shuffle=False, on_error="skip")
    batch = pipe.batch(0, 0)
    assert batch["bounding_boxes"]["labels"][:, 0].tolist() == [1, 1, 2, 3]
    for part in (batch["images"], batch["segmentation_masks"], batch["keypoints"], batch["bounding_boxes"]["boxes"]):
        assert_array_equal(part[0], part[1])
    assert batch["segmentation_masks"][0].max() == 2


@pytest.mark.parametrize("trouble", ["text", "gone", "size", "kind"])
def test_a_mask_that_fails_is_a_sample_that_fails(tmp_path, trouble):
    source = annotated(tmp_path)
    path = tmp_path / "2_mask.png"
    path.unlink()
    if trouble == "text":
        path.write_text("no mask")
    elif trouble == "size":
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(path)
    elif trouble == "kind":
        Image.fromarray(np.zeros((42, 60, 3), np.uint8)).save(path)

    def make(on_error):
        return al.Pipeline(source, size=(40, 60), batch_size=4, shuffle=False, on_error=on_error)

    with pytest.raises(al.SourceError, match=r"mask of .*2\.png"):
        make("raise").batch(0, 0)
    pipe = make("skip")
    assert pipe.batch(0, 0)["segmentation_masks"][:, 15, 25, 0].tolist() == [1, 2, 4, 4]
    assert len(pipe.report()) == 1


def test_masks_of_which_none_can_be_read_are_refused_at_once(tmp_path):
    source = annotated(tmp_path)
    for number in range(8):
        (tmp_path / f"{number}_mask.png").write_text("no")
    with pytest.raises(al.SourceError, match="mask of"):
        al.Pipeline(source, size=(40, 60))


@pytest.mark.parametrize("on_error", ["skip", "replace"])
def test_a_data_set_of_which_nothing_can_be_read(tmp_path, on_error):
    pipe = al.Pipeline(damaged(tmp_path, dict.fromkeys(range(40), "text")), size=(8, 8), on_error=on_error)
    with pytest.raises(al.SourceError, match="Check the data set"):
        list(pipe)


def test_a_file_deleted_in_the_middle_of_a_run(tmp_path):
    pipe = al.Pipeline(damaged(tmp_path, {}), size=(8, 8), batch_size=4, shuffle=False, on_error="skip")
    run = pipe.epoch(0)
    next(run)
    (tmp_path / "30.png").unlink()
    assert sum(len(labels) for _, labels in run) == 36
    assert [entry.position for entry in pipe.report()] == [30]


def test_what_is_no_fault_of_a_file_says_which_sample_it_was():
    class Broken(Virtual):
        def read(self, index: int) -> np.ndarray:
            return np.zeros((8, 12, 5 if index == 3 else 3), np.uint8)

    with pytest.raises(Exception, match=r".") as caught:
        al.Pipeline(Broken(8), [al.RandomRotation(0.1)], shuffle=False, on_error="skip").batch(0, 0)
    assert any("virtual[3] (sample 3)" in note for note in caught.value.__notes__)


def test_a_function_that_fails_on_small_images_says_near_which():
    def fails(image: np.ndarray) -> np.ndarray:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        al.Pipeline(numbered(3), [al.Map(fails)], shuffle=False, workers=1).batch(0, 0)
    assert any("one of 'images[0]'" in note for note in caught.value.__notes__)


# Arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 224}, "size must be (height, width)"),
        ({"size": "224x224"}, "size must be (height, width)"),
        ({"size": (0, 224)}, "size must be (height, width)"),
        ({"size": (224.0, 224)}, "size must be (height, width)"),
        ({"size": (224, 224, 3)}, "size must be (height, width)"),
        ({"size": ()}, "size must be (height, width)"),
        ({"batch_size": 0}, "batch_size must be a whole number"),
        ({"batch_size": True}, "batch_size must be a whole number"),
        ({"batch_size": 32.0}, "batch_size must be a whole number"),
        ({"batch_size": None}, "batch_size must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 2**64}, "seed must be a whole number"),
        ({"seed": None}, "seed must be a whole number"),
        ({"shuffle": 1000}, "shuffle must be True or False"),
        ({"drop_remainder": "no"}, "drop_remainder must be True or False"),
        ({"engine": "cuda"}, "there is no such engine"),
        ({"on_error": "ignore"}, "on_error must be one of raise, skip, replace"),
        ({"workers": 0}, "workers must be a whole number"),
        ({"workers": True}, "workers must be a whole number"),
        ({"shard": 2}, "shard must be (i, n)"),
        ({"shard": (2, 2)}, "shard must be (i, n)"),
        ({"shard": (0, 1, 2)}, "shard must be (i, n)"),
        ({"shard": None}, "shard must be (i, n)"),
        ({"shard": (0, 5), "batch_size": 4}, "more hosts than a batch has samples"),
        ({"batch_size": 64, "drop_remainder": True}, "there must be a batch"),
        ({"transforms": [al.RandomFlip]}, "number 0 is the class itself"),
        ({"transforms": [al.RandomFlip(), "flip"]}, "number 1 is a builtins.str"),
        ({"transforms": al.RandomFlip()}, "must be a list of transforms"),
        ({"source": "photos/"}, "source must be a Source"),
        ({"source": None}, "source must be a Source"),
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments, words):
    with pytest.raises(al.ArgumentError, match=re.escape(words)) as caught:
        al.Pipeline(**{"source": numbered(37), **arguments})
    assert re.search(r": .*\. Received .*\. .+\.$", str(caught.value)) or "there is no such engine" in words


def test_images_that_come_out_in_sizes_of_their_own_are_refused_at_once():
    source = al.Arrays([smooth(20, 30), smooth(30, 20)])
    with pytest.raises(al.ArgumentError, match=r"one size.*Give size="):
        al.Pipeline(source, [al.RandomFlip()])
    assert al.Pipeline(source, [al.RandomCrop(12, 14)]).batch(0, 0).shape == (2, 12, 14, 3)


def test_a_crop_larger_than_the_image_enlarges():
    assert al.Pipeline(numbered(4), [al.RandomCrop(40, 50)], size=(20, 20)).batch(0, 0)[0].shape == (4, 40, 50, 3)


def test_numpy_integers_and_lists_are_as_good():
    pipe = al.Pipeline(numbered(9), batch_size=np.int64(4), seed=np.uint64(2**64 - 1), size=[np.int32(6), 9])
    assert pipe.batch(np.int64(0), np.int64(0))[0].shape == (4, 6, 9, 3)


@pytest.mark.parametrize(("epoch", "step"), [(-1, 0), (0, -1), (0, 5), (2**24, 0), (0.0, 0), (0, True), ("0", 0)])
def test_places_that_are_not_there(epoch, step):
    pipe = al.Pipeline(numbered(37), batch_size=8)
    for ask in (pipe.batch, pipe.epoch):
        with pytest.raises(al.ArgumentError, match="0 to 4"):
            ask(epoch, step)


# Memory


@pytest.mark.slow
def test_memory_is_flat(tmp_path):
    photos(tmp_path, 12)
    script = f"""
import json, os, augline as al
pipe = al.Pipeline(al.Folder({str(tmp_path)!r}), [al.RandomRotation(0.1)], size=(96, 96), batch_size=4, workers=2)
def resident(): return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
seen = []
for epoch in range(130):
    for _ in pipe.epoch(epoch): pass
    seen.append(resident())
print(json.dumps(seen))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert max(seen[30:]) - seen[30] < 4e6  # bytes, over 300 batches
