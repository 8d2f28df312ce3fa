"""Policies: what is chosen and how often, how far operations go, and that masks, boxes and points move along."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps
from scipy import stats

import augline as al
from augline.augment import run
from augline.plan import Blend, Extent, Frame, Warp, make_plan
from augline.random import Draw
from augline.transforms.base import Expansion, expand
from augline.transforms.policies import NONE, chain, slot
from augline.transforms.policy_tables import AUG_MIX, AUTO_AUGMENT, RAND_AUGMENT, SUB_POLICIES, TRIVIAL_AUGMENT_WIDE
from pictures import LEVEL, TOP, smooth

N = 20_000
POLICIES = (
    al.RandAugment(), al.RandAugment(3, 20), al.TrivialAugmentWide(), al.AutoAugment(), al.AutoAugment("cifar10"),
    al.AutoAugment("svhn"), al.AugMix(), al.AugMix(chain_depth=2, all_ops=False), al.ThreeAugment(),
)  # fmt: skip
UNSIGNED = {"Identity", "Posterize", "Solarize", "AutoContrast", "Equalize", "Invert"}


def frame_of(n: int, height: int = 50, width: int = 80, channels: int = 3, dtype: str = "uint8") -> Frame:
    return Frame(np, Extent.of(np, n, height, width), channels, (TOP[dtype],), (0.0,), dtype)


def expansion(item: al.Transform, n: int = N, seed: int = 5, epoch: int = 0) -> Expansion:
    return expand([item], Draw(seed, epoch, np.arange(n)), frame_of(n))


def params(item: al.Transform, n: int = N) -> dict[str, NDArray[Any]]:
    return expansion(item, n).drawn[0].params


def fair(counts: Any, expected: Any = None) -> bool:
    return bool(stats.chisquare(counts, expected).pvalue > 1e-4)


def did(name: str, image: NDArray[Any], level: float, sense: float = 1.0, space: Any = RAND_AUGMENT, **how: Any) -> Any:
    """One operation on one image, by the reference."""
    item, frame = al.RandAugment(**how), frame_of(1, *image.shape, image.dtype.name)
    stages = slot(item, frame, space, *(np.asarray([v]) for v in ([*space].index(name), level, sense)))
    return run("reference", make_plan(stages, frame, frame), [image])[0]


def test_operations_are_as_likely_and_independent() -> None:
    chosen = params(al.RandAugment(3))
    for place in range(3):
        assert fair(np.bincount(chosen["operation"][:, place], minlength=14))
    pairs = chosen["operation"][:, 0] * 14 + chosen["operation"][:, 1]
    assert fair(np.bincount(pairs, minlength=196))
    assert abs(np.mean(chosen["sense"])) < 0.02
    assert abs(np.corrcoef(chosen["operation"][:, 0], chosen["sense"][:, 0])[0, 1]) < 0.03
    assert abs(np.corrcoef(chosen["operation"][1:, 0], chosen["operation"][:-1, 0])[0, 1]) < 0.03
    assert len({*RAND_AUGMENT}) == len({*TRIVIAL_AUGMENT_WIDE}) == len({*AUTO_AUGMENT}) == 14


def test_strengths() -> None:
    assert np.allclose(params(al.RandAugment(), 9)["level"], 0.3)
    assert np.allclose(params(al.RandAugment(magnitude=4, num_magnitude_bins=5), 9)["level"], 1.0)
    drawn = params(al.RandAugment(factor=0.5))["level"].ravel()
    assert stats.kstest(drawn * 2, "uniform").pvalue > 1e-4
    steps = params(al.TrivialAugmentWide(11))["level"].ravel() * 10
    assert np.allclose(steps, np.round(steps))
    assert fair(np.bincount(np.round(steps).astype(int), minlength=11))
    mixed = params(al.AugMix(severity=4))["level"]
    assert {*np.round(mixed.ravel() * 9).astype(int).tolist()} == {0, 1, 2, 3}


@pytest.mark.parametrize("policy", sorted(SUB_POLICIES))
def test_sub_policies_and_their_chances(policy: str) -> None:
    pairs = SUB_POLICIES[policy]
    assert len(pairs) == 25
    drawn = params(al.AutoAugment(policy), 4 * N)
    assert fair(np.bincount(drawn["policy"], minlength=25))
    for number, pair in enumerate(pairs):
        mine = drawn["operation"][drawn["policy"] == number]
        level = drawn["level"][drawn["policy"] == number]
        for place, (name, chance, steps) in enumerate(pair):
            applied = mine[:, place] != NONE
            assert {*mine[applied, place].tolist()} <= {[*AUTO_AUGMENT].index(name)}
            assert np.allclose(level[:, place], steps / 9)
            if chance in (0, 1):
                assert applied.mean() == chance
            else:
                assert stats.binomtest(int(applied.sum()), len(applied), chance).pvalue > 1e-5
        both = (mine != NONE).astype(float)
        if both.mean() > 0 and both.std(axis=0).min() > 0:
            assert abs(np.corrcoef(both.T)[0, 1]) < 5 / math.sqrt(len(both))


def test_sub_policies_of_the_papers_are_read_right() -> None:
    """The first, one in the middle and the last of each table of the paper's appendix."""
    assert SUB_POLICIES["imagenet"][0] == (("Posterize", 0.4, 8), ("Rotate", 0.6, 9))
    assert SUB_POLICIES["imagenet"][17] == (("Sharpness", 0.4, 7), ("Invert", 0.6, 0))
    assert SUB_POLICIES["imagenet"][24] == (("Equalize", 0.8, 0), ("Equalize", 0.6, 0))
    assert SUB_POLICIES["cifar10"][3] == (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9))
    assert SUB_POLICIES["cifar10"][24] == (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, 0))
    assert SUB_POLICIES["svhn"][14] == (("Contrast", 0.3, 3), ("Rotate", 0.8, 4))
    assert SUB_POLICIES["svhn"][24] == (("ShearX", 0.7, 2), ("Invert", 0.1, 0))


def matrix(name: str, level: float, space: Any = RAND_AUGMENT, sense: float = 1.0) -> NDArray[Any]:
    frame = frame_of(1)
    warp = slot(al.RandAugment(), frame, space, *(np.asarray([v]) for v in ([*space].index(name), level, sense)))[0]
    assert isinstance(warp, Warp)
    return np.asarray(warp.matrix[0])


def test_how_far_geometry_goes() -> None:
    """On 50 x 80 pixels, by hand; a matrix reads from output to input, and shears about the corner, as Pillow does."""
    assert np.allclose(matrix("ShearX", 0.3), [[1, 0.09, 0.045], [0, 1, 0], [0, 0, 1]])
    assert np.allclose(matrix("ShearY", 1.0, TRIVIAL_AUGMENT_WIDE, -1), [[1, 0, 0], [-0.99, 1, -0.495], [0, 0, 1]])
    assert np.allclose(matrix("TranslateX", 0.3), [[1, 0, -10], [0, 1, 0], [0, 0, 1]])  # 80 * 150 / 331 * 0.3 = 10.88
    assert np.allclose(matrix("TranslateY", 0.3), [[1, 0, 0], [0, 1, -6], [0, 0, 1]])  # 50 * 150 / 331 * 0.3 = 6.8
    assert np.allclose(matrix("TranslateY", 0.5, TRIVIAL_AUGMENT_WIDE, -1)[1, 2], 16)
    assert np.allclose(matrix("TranslateX", 2 / 9, AUG_MIX)[0, 2], -5)  # 80 / 3 * 2 / 9 = 5.9
    turned = matrix("Rotate", 1.0)  # 30 degrees counter-clockwise about (39.5, 24.5)
    assert np.allclose(turned[:2, :2], [[math.sqrt(3) / 2, -0.5], [0.5, math.sqrt(3) / 2]])
    assert np.allclose(turned @ [39.5, 24.5, 1], [39.5, 24.5, 1])
    assert np.allclose(matrix("Rotate", 1.0, TRIVIAL_AUGMENT_WIDE)[0, 0], math.cos(math.radians(135)))


@pytest.mark.parametrize("name", [n for n in RAND_AUGMENT if n not in UNSIGNED and "Color" not in n])
def test_signs_are_mirror_images(name: str) -> None:
    if name in ("Brightness", "Contrast", "Sharpness"):
        image = smooth(50, 80, 3, "float32") * 0.2 + 0.4
        low, high = (did(name, image, 0.2, sense).astype(float) - image for sense in (-1.0, 1.0))
        assert np.abs(low + high).max() < 1e-6
        assert np.abs(high).max() > 1e-4
    else:
        assert np.allclose(matrix(name, 0.5) @ matrix(name, 0.5, sense=-1), np.eye(3))


def test_operations_are_those_of_pillow() -> None:
    image = smooth(50, 80)
    picture = Image.fromarray(image)
    factor = 1 + 0.9 * 0.7
    wanted = {
        "Brightness": ImageEnhance.Brightness(picture).enhance(factor),
        "Color": ImageEnhance.Color(picture).enhance(factor),
        "Contrast": ImageEnhance.Contrast(picture).enhance(factor),
        "Sharpness": ImageEnhance.Sharpness(picture).enhance(factor),
        "Posterize": ImageOps.posterize(picture, 5),  # 8 - 0.7 * 4 = 5.2
        "Solarize": ImageOps.solarize(picture, 77),  # inverts from 76.5 on
        "AutoContrast": ImageOps.autocontrast(picture),
        "Equalize": ImageOps.equalize(picture),
    }
    for name, picture in wanted.items():
        apart = np.abs(did(name, image, 0.7).astype(int) - np.asarray(picture).astype(int))
        assert apart.max() <= (2 if name in ("Color", "Contrast", "Sharpness") else 1), name
        assert apart.mean() < 0.6, name
    assert np.array_equal(did("Invert", image, 0.7, space=AUTO_AUGMENT), 255 - image)


@pytest.mark.parametrize("bins", [10, 31])
def test_solarize_inverts_from_the_threshold_on(bins: int) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    for step in range(bins):
        # over (bins - 1): whole numbers meet their own level exactly
        wanted = np.where(ramp.astype(int) * (bins - 1) < 255 * (bins - 1 - step), ramp, 255 - ramp)
        assert np.array_equal(did("Solarize", ramp, step / (bins - 1)), wanted), step


def test_posterize_keeps_bits() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    for space, bits in ((RAND_AUGMENT, 8 - 4 * 0.9), (TRIVIAL_AUGMENT_WIDE, 8 - 6 * 0.9), (AUG_MIX, 4 - 4 * 0.9)):
        step = 2 ** (8 - round(bits))
        assert np.array_equal(did("Posterize", ramp, 0.9, space=space), ramp.astype(int) // step * step)


@pytest.mark.parametrize("dtype", sorted(LEVEL))
def test_no_strength_is_no_change(dtype: str) -> None:
    image = smooth(41, 67, 3, dtype)
    for name in RAND_AUGMENT:
        if name not in ("AutoContrast", "Equalize", "Solarize", "Posterize"):
            assert np.array_equal(did(name, image, 0.0), image), name
    for engine in ("opencv", "reference"):
        for item in (al.RandAugment(p=0), al.AugMix(p=0), al.ThreeAugment(p=0), al.AutoAugment(p=0)):
            assert np.array_equal(al.augment(image[None], [item], engine=engine)[0], image)


def test_none_of_the_operations_acts_where_there_is_none() -> None:
    image, frame = smooth(50, 80), frame_of(1)
    nothing = {"operation": np.full((1, 3), NONE), "level": np.ones((1, 3)), "sense": np.ones((1, 3))}
    plan = make_plan(chain(al.RandAugment(), frame, AUTO_AUGMENT, nothing), frame, frame)
    assert all(np.array_equal(run(engine, plan, [image])[0], image) for engine in ("opencv", "reference"))


@pytest.mark.parametrize("item", POLICIES, ids=repr)
def test_a_sample_is_the_same_alone_and_in_any_batch(item: al.Transform) -> None:
    images = [smooth(41, 67, seed=k) for k in range(6)]
    together = al.augment(images, [item], seed=9)
    for k in range(6):
        assert np.array_equal(al.augment(images[k : k + 1], [item], seed=9, ids=[k])[0], together[k])
    assert len({image.tobytes() for image in al.augment([images[0]] * 40, [item], seed=9)}) > 8


@pytest.mark.parametrize("dtype", sorted(LEVEL))
@pytest.mark.parametrize("item", POLICIES, ids=repr)
def test_engines_agree(item: al.Transform, dtype: str) -> None:
    """More draws than in tests/conformance, which has the other numbers of channels."""
    images = [smooth(*size, 3, dtype, k) for k, size in enumerate(((41, 67), (58, 37), (33, 90)) * 3)]
    outs = [al.augment(images, [item], engine=engine, seed=2) for engine in ("opencv", "reference")]
    for a, b in zip(*outs, strict=True):
        apart = np.abs(a.astype(float) - b.astype(float)) / LEVEL[dtype]
        # a level that engines round apart can fall on either side of a posterized or solarized step
        assert np.median(apart) <= 3
        assert (apart > 4).mean() < 0.2


def test_masks_boxes_and_points_move_along() -> None:
    """A bright rectangle on black, its mask, box and corners."""
    image, mask = np.zeros((60, 90, 3), np.uint8), np.zeros((60, 90), np.uint8)
    image[20:40, 30:60], mask[20:40, 30:60] = 255, 1
    box, points = np.asarray([[30.0, 20, 60, 40]]), np.asarray([[44.5, 29.5]])
    item, n = al.OneOf([al.RandAugment(1, 9), al.TrivialAugmentWide(), al.AutoAugment("cifar10")]), 60
    out = al.augment([image] * n, [item], masks=[mask] * n, boxes=[box] * n, keypoints=[points] * n, seed=4)
    moved = 0
    for k in range(n):
        labels = out["masks"][k]
        assert {*np.unique(labels).tolist()} <= {0, 1}
        rows, columns = np.nonzero(labels)
        if not len(rows) or min(rows.min(), columns.min()) == 0 or rows.max() == 59 or columns.max() == 89:
            continue  # some of it left the image
        (left, top, right, bottom), (point,) = out["boxes"][k][0], out["keypoints"][k]
        assert np.allclose([left, top], [columns.min(), rows.min()], atol=1.2)
        assert np.allclose([right, bottom], [columns.max() + 1, rows.max() + 1], atol=1.2)
        assert np.allclose(point, [columns.mean(), rows.mean()], atol=0.5)
        moved += not np.array_equal(labels, mask)
    assert moved > 10


def test_augmix_mixes_pixels_and_leaves_targets() -> None:
    image, mask = smooth(40, 60), np.arange(2400).reshape(40, 60).astype(np.int32)
    box = np.asarray([[10.0, 5, 30, 20]])
    out = al.augment([image] * 8, [al.AugMix(10)], masks=[mask] * 8, boxes=[box] * 8, seed=1)
    assert all(np.array_equal(m, mask) for m in out["masks"])
    assert all(np.array_equal(b, box) for b in out["boxes"])
    assert all(not np.array_equal(i, image) for i in out["images"])


@pytest.mark.parametrize(("alpha", "width"), [(1.0, 3), (0.5, 4), (5.0, 2), (1.0, 1)])
def test_shares_of_a_mixture(alpha: float, width: int) -> None:
    """(1 - m, m * Dirichlet) with m from Beta: means, and the marginals, which are Beta as well."""
    drawn = params(al.AugMix(mixture_width=width, alpha=alpha))
    weights = drawn["weights"]
    assert weights.shape == (N, width + 1)
    assert weights.min() >= 0
    assert np.allclose(weights.sum(axis=1), 1)
    assert stats.kstest(weights[:, 0], stats.beta(alpha, alpha).cdf).pvalue > 1e-4
    shares = weights[:, 1:] / weights[:, 1:].sum(axis=1, keepdims=True)
    for k in range(width if width > 1 else 0):
        assert stats.kstest(shares[:, k], stats.beta(alpha, alpha * (width - 1)).cdf).pvalue > 1e-4
    if width > 2:
        wanted = -1 / (width - 1)  # correlation of a symmetric Dirichlet's shares
        assert abs(np.corrcoef(shares[:, 0], shares[:, 1])[0, 1] - wanted) < 0.03
    assert fair(np.bincount(drawn["operation"][drawn["operation"] >= 0].ravel(), minlength=13))
    depth = (drawn["operation"] >= 0).sum(axis=2)
    assert fair([(depth == k).sum() for k in (1, 2, 3)])


def test_a_blend_is_the_sum_of_its_branches() -> None:
    image, frame = smooth(30, 40), frame_of(1, 30, 40)
    branches = [list(expand([item], Draw(0, 0, np.arange(1)), frame).stages) for item in (
        al.RandomInvert((1, 1)), al.RandomTranslation((0, 0), (0.25, 0.25), fill_mode="constant"),
    )]  # fmt: skip
    weights = np.asarray([[0.2, 0.3, 0.5]])
    plan = make_plan([Blend(tuple(map(tuple, branches)), weights)], frame, frame)
    shifted = np.zeros_like(image)
    shifted[:, 10:] = image[:, :30]
    wanted = 0.2 * image + 0.3 * (255 - image) + 0.5 * shifted
    for engine in ("opencv", "reference"):
        got = run(engine, plan, [image])[0]
        assert np.abs(got - wanted).max() <= 0.51


def test_three_augment_does_one_of_three() -> None:
    done = expansion(al.ThreeAugment(flip=0.0))
    active = {d.path.rpartition("/")[2]: d.active for d in done.drawn}
    three = [active[name] for name in ("RandomGrayscale", "Solarization", "RandomGaussianBlur")]
    counts = np.sum(three, axis=1)
    assert np.array_equal(np.sum(three, axis=0), np.ones(N))
    assert fair(counts)
    grey = al.augment(smooth(20, 30)[None], [al.ThreeAugment(0.0, 0.0)], ids=[int(np.argmax(three[0]))], seed=5)[0]
    assert np.ptp(grey.astype(int), axis=-1).max() == 0


def test_nothing_of_a_policy_is_left_in_evaluation() -> None:
    assert [item.evaluation() for item in POLICIES] == [None] * len(POLICIES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: al.RandAugment(magnitude=31), "magnitude must be at most num_magnitude_bins - 1"),
        (lambda: al.RandAugment(num_ops=0), "num_ops must be a whole number between 1 and 16"),
        (lambda: al.RandAugment(factor=1.5), "factor must be a number or a"),
        (lambda: al.AutoAugment("coco"), "policy: input should be 'imagenet', 'cifar10' or 'svhn'"),
        (lambda: al.AugMix(chain_depth=0), "chains have operations"),
        (lambda: al.AugMix(severity=11), "severity must be a whole number between 1 and 10"),
        (lambda: al.TrivialAugmentWide(1), "num_magnitude_bins must be a whole number"),
    ],
)
def test_wrong_arguments(wrong: Any, message: str) -> None:
    with pytest.raises(al.ArgumentError, match=message):
        wrong()


def test_policies_stand_in_a_fused_chain() -> None:
    """The crop takes the first operation's geometry in."""
    work = [al.RandomResizedCrop(32, 32), al.RandAugment(1), al.Normalize()]
    frame = frame_of(4)
    done = expand(work, Draw(0, 0, np.arange(4)), frame)
    plan = make_plan(done.stages, frame, done.frame)
    assert [type(s).__name__ for s in plan.stages] == ["Warp", "Tone", "Colour", "Tone", "Filter"]
