"""Recipes of well-known trainings, as plain lists of transforms: print them, change them, add to them.

    pipe = al.Pipeline(al.Folder("photos/"), al.presets.classification(224, policy="ta_wide"), batch_size=256)

A list brings images to their size by itself, so `Pipeline(size=)` stays None. The numbers are those of the source that
the docstring names; what differs is said there too. `preset` finds one by name and refuses one for another task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from augline.errors import ArgumentError
from augline.transforms.base import Transform
from augline.transforms.canvas import LetterBox, RandomZoomOut, ResizeShortestEdge
from augline.transforms.colour import RandomContrast, RandomGamma, RandomGrayscale, RandomInvert, Solarization
from augline.transforms.compose import Sequential
from augline.transforms.cutting import RandomErasing
from augline.transforms.enhance import ColorJitter, HueSaturationValue, PhotometricDistort
from augline.transforms.filters import RandomDownscale, RandomGaussianBlur, RandomGaussianNoise
from augline.transforms.geometric import RandomAffine, RandomFlip
from augline.transforms.policies import AugMix, AutoAugment, RandAugment, ThreeAugment, TrivialAugmentWide
from augline.transforms.sizing import CenterCrop, RandomCrop, RandomResizedCrop, Resizing
from augline.transforms.target_crops import CropNonEmptyMaskIfExists, RandomIoUCrop
from augline.transforms.values import Normalize

Task: TypeAlias = Literal["classification", "detection", "segmentation", "representation"]
Policy: TypeAlias = Literal["ra", "ta_wide", "augmix", "imagenet", "cifar10", "svhn"]


def classification(
    size: int = 224,
    *,
    policy: Policy | None = None,
    magnitude: float = 9,
    severity: int = 3,
    erasing: float = 0.0,
    flip: float = 0.5,
) -> list[Transform]:
    """Training of torchvision's classification models (references/classification/presets.py).

    Inception crop (8 to 100 % of the area, 3:4 to 4:3), horizontal flip, a policy, ImageNet's mean and standard
    deviation, random erasing. The 2021 recipe of ResNet-50 (IMAGENET1K_V2) is `classification(176, policy="ta_wide",
    erasing=0.1)`, with `MixUpOrCutMix(0.2, 1.0)` put in front of its Normalize.

    Args:
        size: Side of the images that come out.
        policy: "ra", "ta_wide", "augmix", or one of AutoAugment's.
        magnitude: Of "ra".
        severity: Of "augmix".
        erasing: Chance.
        flip: Chance.

    Example:
        >>> import augline as al
        >>> al.presets.classification(176, policy="ta_wide", erasing=0.1)[2]
        TrivialAugmentWide()
    """
    policies: dict[str, Callable[[], Transform]] = {
        "ra": lambda: RandAugment(magnitude=magnitude),
        "ta_wide": TrivialAugmentWide,
        "augmix": lambda: AugMix(severity=severity),
        "imagenet": lambda: AutoAugment("imagenet"),
        "cifar10": lambda: AutoAugment("cifar10"),
        "svhn": lambda: AutoAugment("svhn"),
    }
    if policy is not None and policy not in policies:
        raise ArgumentError(
            f"presets.classification(policy=...): there is no such policy. Received {policy!r}. Use one of "
            f"{', '.join(policies)}, or None."
        )
    chosen = [policies[policy]()] if policy else []
    # after Normalize the value 0 is the mean colour, which torchvision erases with
    erased = [RandomErasing((erasing, erasing), fill_value=0.0)] if erasing else []
    return [RandomResizedCrop(size, size), RandomFlip("horizontal", p=flip), *chosen, Normalize(), *erased]


def classification_eval(size: int = 224, *, resize: int = 256) -> list[Transform]:
    """Evaluation of torchvision's classification models: the shorter side to `resize`, the middle cut out, normalized.

    Args:
        size: Side of the images that come out.
        resize: The shorter side before the cut; 232 in the 2021 recipe.

    Example:
        >>> import augline as al
        >>> [type(item).__name__ for item in al.presets.classification_eval()]
        ['ResizeShortestEdge', 'CenterCrop', 'Normalize']
    """
    return [ResizeShortestEdge(resize), CenterCrop(size, size), Normalize()]


def deit3(size: int = 224, *, color_jitter: float = 0.3, simple_crop: bool = False) -> list[Transform]:
    """Training of DeiT III (H. Touvron et al., 2022; facebookresearch/deit, augment.py): crop, 3-Augment, normalized.

    Args:
        size: Side of the images that come out.
        color_jitter: Brightness, contrast and saturation.
        simple_crop: The shorter side to `size` and a random window, as for ImageNet-21k, in place of the Inception
            crop. The source adds a border of 4 reflected pixels before; here there is none.

    Example:
        >>> import augline as al
        >>> al.presets.deit3(192)[1]
        ThreeAugment()
    """
    simple = [ResizeShortestEdge(size), RandomCrop(size, size)]
    crop = simple if simple_crop else [RandomResizedCrop(size, size)]
    return [*crop, ThreeAugment(color_jitter), Normalize()]


def simclr(size: int = 224, *, strength: float = 1.0) -> list[Transform]:
    """One view of SimCLR (T. Chen et al., 2020; google-research/simclr, data_util.py), values from 0 to 1.

    Inception crop, flip, colour jitter (0.8, 0.8, 0.8, 0.2) with a chance of 0.8, grey 0.2, blur 0.5 with a kernel of a
    tenth of the side and sigma 0.1 to 2. Two views of each sample are `al.Views(source, [simclr()] * 2)`. The source
    resizes bicubically.

    Args:
        size: Side of the images that come out.
        strength: Of the colour jitter; 0.5 for CIFAR-10, where the source leaves the blur out.

    Example:
        >>> import augline as al
        >>> al.presets.simclr(strength=0.5)[2]
        ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, p=0.8)
    """
    s = strength
    jitter = ColorJitter(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s, p=0.8)
    blur = RandomGaussianBlur((0.5, 0.5), 2 * (size // 10 // 2) + 1, (0.1, 2.0))
    return [*_view(size, (0.08, 1.0), jitter), blur, Normalize(0.0, 1.0)]


def byol(size: int = 224, *, view: Literal[1, 2] = 1) -> list[Transform]:
    """One of the two views of BYOL (J.-B. Grill et al., 2020, table 6), normalized.

    As SimCLR's, but colour jitter (0.4, 0.4, 0.2, 0.1); blur always in the first view, 0.1 in the second, which is
    solarized with a chance of 0.2.

    Args:
        size: Side of the images that come out.
        view: Which of the two.

    Example:
        >>> import augline as al
        >>> [type(item).__name__ for item in al.presets.byol(view=2)][3:]
        ['RandomGrayscale', 'RandomGaussianBlur', 'Solarization', 'Normalize']
    """
    return _second_look("byol", size, (0.08, 1.0), 2 * (size // 10 // 2) + 1, view)


def dino(size: int = 224, *, view: Literal[1, 2] = 1) -> list[Transform]:
    """One of the two global views of DINO (M. Caron et al., 2021; facebookresearch/dino, main_dino.py), normalized.

    40 to 100 % of the area, colours as BYOL's.

    Args:
        size: Side of the images that come out.
        view: Which of the two.

    Example:
        >>> import augline as al
        >>> al.presets.dino()[0]
        RandomResizedCrop(height=224, width=224, scale=(0.4, 1.0))
    """
    return _second_look("dino", size, (0.4, 1.0), 0, view)


def dino_local(size: int = 96) -> list[Transform]:
    """A local view of DINO: 5 to 40 % of the area, blur 0.5; the source takes eight of them.

    Args:
        size: Side of the images that come out.

    Example:
        >>> import augline as al
        >>> al.presets.dino_local()[0]
        RandomResizedCrop(height=96, width=96, scale=(0.05, 0.4))
    """
    return [*_view(size, (0.05, 0.4), _soft()), RandomGaussianBlur((0.5, 0.5), 0, (0.1, 2.0)), Normalize()]


def yolo(size: int = 640) -> list[Transform]:
    """Training of YOLOv5 to v11 for detection (Ultralytics' default.yaml), without the mosaic.

    Letterbox on grey (114 of 255), translation 0.1 and scale 0.5 to 1.5 either way, hue 0.015, saturation 0.7 and value
    0.4 as gains in HSV, horizontal flip; values from 0 to 1. The source puts four images together first (`mosaic: 1.0`,
    closed for the last 10 epochs); mixing stands in front of this list.

    Args:
        size: Side of the images that come out.

    Example:
        >>> import augline as al
        >>> al.presets.yolo()[2]
        HueSaturationValue(hue_shift=0.015, saturation_shift=0.0, value_shift=0.0, saturation_gain=0.7, value_gain=0.4)
    """
    return [
        LetterBox(size, size),
        RandomAffine(0.0, (0.1, 0.1), (0.5, 1.5), fill_mode="constant", fill_value=None),
        HueSaturationValue(0.015, 0.0, 0.0, 0.7, 0.4),
        RandomFlip("horizontal"),
        Normalize(0.0, 1.0),
    ]


def ssd(size: int = 300) -> list[Transform]:
    """Training of SSD (W. Liu et al., 2016; torchvision, references/detection/presets.py).

    Colours distorted, zoomed out up to 4 times with a chance of 0.5 on a canvas of the mean colour (its mean over the
    channels here, as a grey), cut where boxes are, horizontal flip, resized; values from 0 to 1. It needs boxes.

    Args:
        size: Side of the images that come out.

    Example:
        >>> import augline as al
        >>> al.presets.ssd()[1]
        RandomZoomOut(fill_value=None, p=0.5)
    """
    return [
        PhotometricDistort(),
        RandomZoomOut((1.0, 4.0), fill_value=None, p=0.5),
        RandomIoUCrop(),
        RandomFlip("horizontal"),
        Resizing(size, size),
        Normalize(0.0, 1.0),
    ]


def nnunet(height: int = 512, width: int = 512, *, foreground: float = 1 / 3) -> list[Transform]:
    """The two-dimensional training of nnU-Net v2 (F. Isensee et al., 2021; nnUNetTrainer.get_training_transforms).

    A random window, a third of them around the foreground; rotation by up to 180 degrees (15 where one side is over 1.5
    times the other) and scaling by 0.7 to 1.4, each with a chance of 0.2; noise 0.1, blur 0.1, brightness 0.15,
    contrast 0.15, low resolution 0.125, gamma of the negative 0.1, gamma 0.3; mirrored either way. Values from 0 to 1.

    The source works on images of mean 0 and standard deviation 1; here a standard deviation is taken for a quarter of
    the value range, and brightness multiplies values from black. Its blur and low resolution have chances of 0.2 and
    0.25, and 0.5 for each channel after that. It keeps mean and deviation through gamma; this does not.

    Args:
        height: Of the window that comes out, in pixels.
        width: The same.
        foreground: Share of windows that hold a pixel where the mask is not 0; with 0 no masks are needed.

    Example:
        >>> import augline as al
        >>> al.presets.nnunet(256, 256)[1]
        RandomAffine(degrees=180.0, p=0.2, fill_mode='constant')
    """
    degrees = 15.0 if max(height, width) > 1.5 * min(height, width) else 180.0
    gamma, negative = RandomGamma((0.7, 1.5)), RandomInvert((1, 1))
    around = CropNonEmptyMaskIfExists(height, width, chance=foreground) if foreground else RandomCrop(height, width)
    return [
        around,
        RandomAffine(degrees, fill_mode="constant", p=0.2),
        RandomAffine(scale=(0.7, 1.4), fill_mode="constant", p=0.2),
        RandomGaussianNoise((0.0, 0.025), p=0.1),
        RandomGaussianBlur((0.1, 0.1), 0, (0.5, 1.0)),
        ColorJitter(brightness=(0.75, 1.25), shuffle=False, p=0.15),
        RandomContrast(0.25, p=0.15),
        RandomDownscale((0.5, 1.0), p=0.125),
        Sequential([negative, gamma, negative], p=0.1),
        RandomGamma((0.7, 1.5), p=0.3),
        RandomFlip(),
        Normalize(0.0, 1.0),
    ]


PRESETS: dict[str, tuple[Callable[..., list[Transform]], Task]] = {
    "classification": (classification, "classification"),
    "classification_eval": (classification_eval, "classification"),
    "deit3": (deit3, "classification"),
    "simclr": (simclr, "representation"),
    "byol": (byol, "representation"),
    "dino": (dino, "representation"),
    "dino_local": (dino_local, "representation"),
    "yolo": (yolo, "detection"),
    "ssd": (ssd, "detection"),
    "nnunet": (nnunet, "segmentation"),
}
"""Every preset by name, and the task it was made for."""


def preset(name: str, task: Task | None = None, **options: Any) -> list[Transform]:
    """A preset by name.

    Args:
        name: Of a function in this module.
        task: What it is for: a preset of another task is refused.
        options: Its arguments.

    Raises:
        ArgumentError: There is no such preset, or it is for another task.

    Example:
        >>> import augline as al
        >>> len(al.presets.preset("yolo", task="detection", size=416))
        5
    """
    if name not in PRESETS:
        raise ArgumentError(
            f"preset({name!r}): there is no such preset. Received {name!r}. Use one of {', '.join(PRESETS)}."
        )
    make, made_for = PRESETS[name]
    if task not in (None, made_for):
        others = [other for other, (_, theirs) in PRESETS.items() if theirs == task]
        raise ArgumentError(
            f"preset({name!r}, task={task!r}): the preset must be for the task. Received one for {made_for}. "
            f"{'Use ' + ' or '.join(others) if others else 'Leave task out'}."
        )
    return make(**options)


def _soft() -> ColorJitter:
    return ColorJitter(0.4, 0.4, 0.2, 0.1, p=0.8)


def _view(size: int, scale: tuple[float, float], jitter: ColorJitter) -> list[Transform]:
    """What contrastive recipes share: crop, flip, colour jitter, grey."""
    return [RandomResizedCrop(size, size, scale), RandomFlip("horizontal"), jitter, RandomGrayscale(0.2)]


def _second_look(owner: str, size: int, scale: tuple[float, float], kernel: int, view: int) -> list[Transform]:
    """BYOL's and DINO's views: the first always blurred, the second seldom, and solarized at times."""
    if view not in (1, 2):
        raise ArgumentError(
            f"presets.{owner}(view=...): there are two views, 1 and 2. Received {view!r}. Write 1 or 2."
        )
    first = view == 1
    blur = RandomGaussianBlur((1.0, 1.0) if first else (0.1, 0.1), kernel, (0.1, 2.0))
    solarized = [] if first else [Solarization(0.0, (128 / 255, 128 / 255), p=0.2)]
    return [*_view(size, scale, _soft()), blur, *solarized, Normalize()]
