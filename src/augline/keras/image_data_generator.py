"""`ImageDataGenerator`, the drop-in for Keras's."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.keras import legacy_checks, legacy_geometry, standardize
from augline.keras.legacy_arrays import NumpyArrayIterator
from augline.keras.legacy_draws import Parameters, draw, draw_one, gather, global_state
from augline.keras.legacy_folders import DataFrameIterator, DirectoryIterator
from augline.keras.legacy_pixels import Resampling, brighten, brighten_mended, shift_channels
from augline.keras.legacy_samples import ArraySamples, Work
from augline.keras.quirks import announce

Array = NDArray[Any]
_OWN = ("get_random_transform", "apply_transform", "standardize")
TOLERANCE = {"opencv 5": (0.05, 0.005), "opencv 4": (8.0, 1.2)}
"""(largest, mean) difference of the fast way's pixels from Keras's, in 255ths of the value range, on white noise, which
is the worst there is; `interpolation_order=1`. After `brightness_range`, which cuts off decimals, it may be 1 or 2 more
at a few pixels of a thousand. At order 0 a few pixels of a thousand are the neighbour of the right one."""


class ImageDataGenerator:
    """Keras's ImageDataGenerator, several times faster: the same arguments, draws, batches and, nearly, pixels.

    Change the import, and a training script does what it did. Every number is drawn as Keras draws it, so that with a
    seed the batches hold the same samples with the same parameters; NumPy's global generator is left alone. Pixels come
    from one warp per sample in OpenCV, in float32, spread over the cores; results do not depend on how many.

    How close pixels are to Keras's, in 255ths of the value range, `interpolation_order=1`: `TOLERANCE` has the numbers.
    With OpenCV 5, within 0.05 (and within 1.05 after `brightness_range`, which cuts off decimals, in a few pixels of a
    thousand). OpenCV 4 reads at 32nds of a pixel: on photographs 0.2 in the mean, at single pixels up to 8.
    `exact=True` goes through SciPy and is within 0.001; so is `interpolation_order` 2 to 5, which has no other way.

    Faults of Keras's that are kept, each announced once by a `LegacyQuirk` warning where it matters: the two shift
    ranges are swapped, images that are not square turn about a point off their centre, and `brightness_range` makes
    images with values of 0 to 1 black. `legacy_geometry=False` mends all three.

    Args:
        featurewise_center: Subtracts the mean of the data set, per channel; needs `fit`.
        samplewise_center: Subtracts each image's own mean.
        featurewise_std_normalization: Divides by the standard deviation of the data set; needs `fit`.
        samplewise_std_normalization: Divides by each image's own standard deviation.
        zca_whitening: Decorrelates pixels; needs `fit`.
        zca_epsilon: Added to the singular values for it.
        rotation_range: Degrees, to either side.
        width_shift_range: A fraction of the side below 1; pixels as a float from 1, as a whole number, or as a list.
        height_shift_range: The same.
        brightness_range: (darkest, brightest) factor.
        shear_range: Degrees, to either side.
        zoom_range: `z` for 1 - z to 1 + z, or (lower, upper); above 1 shows more of the image. Each axis its own.
        channel_shift_range: Most that is added to all channels, either sign.
        fill_mode: "nearest", "constant", "reflect" or "wrap": what lies beyond the image, as in SciPy.
        cval: The value for "constant".
        horizontal_flip: Whether half of the images are mirrored sideways.
        vertical_flip: Whether half of them are mirrored up and down.
        rescale: Factor that images are multiplied with in the end.
        preprocessing_function: Called with each image, in order and from one thread, before `rescale`.
        data_format: "channels_last" or "channels_first"; Keras's setting by default.
        validation_split: The fraction that `subset="validation"` takes, from the beginning of the data.
        interpolation_order: Of the spline, 0 (nearest) to 5.
        dtype: Of the batches; Keras's float type by default.
        exact: Whether pixels come from SciPy, slowly.
        legacy_geometry: Whether Keras's faults are kept.
        workers: Threads; by default one per core.

    Raises:
        ArgumentError: Where Keras raises ValueError, and for a fill mode or interpolation order that SciPy lacks.

    Example:
        >>> import numpy as np
        >>> from augline.keras import ImageDataGenerator
        >>> images, labels = np.zeros((10, 32, 32, 3), "uint8"), np.arange(10)
        >>> flow = ImageDataGenerator(rotation_range=20, rescale=1 / 255).flow(images, labels, batch_size=4, seed=7)
        >>> batch, classes = next(flow)
        >>> batch.shape, batch.dtype, classes.shape
        ((4, 32, 32, 3), dtype('float32'), (4,))
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Array], Array] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
        *,
        exact: bool = False,
        legacy_geometry: bool = True,
        workers: int | None = None,
    ) -> None:
        data_format = data_format or _keras_setting("image_data_format", "channels_last")
        dtype = dtype or _keras_setting("floatx", "float32")
        legacy_checks.check(data_format, validation_split, brightness_range, fill_mode, interpolation_order, workers)
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.channel_shift_range = channel_shift_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.zoom_range, self.brightness_range = legacy_checks.zoom_pair(zoom_range), brightness_range
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.fill_mode, self.cval, self.interpolation_order = fill_mode, cval, interpolation_order
        self.rescale, self.preprocessing_function, self.dtype = rescale, preprocessing_function, dtype
        self.samplewise_std_normalization, self.zca_whitening, self.zca_epsilon = (
            samplewise_std_normalization, zca_whitening, zca_epsilon,
        )  # fmt: skip
        self.featurewise_center, self.featurewise_std_normalization, self.samplewise_center = legacy_checks.implied(
            featurewise_center, featurewise_std_normalization, samplewise_center, samplewise_std_normalization,
            zca_whitening,
        )  # fmt: skip
        self.data_format, self.validation_split = data_format, validation_split
        first = data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        self.exact, self.legacy_geometry, self.workers = exact, legacy_geometry, workers
        self.mean: Array | None = None
        self.std: Array | None = None
        self.zca_whitening_matrix: Array | None = None
        self._seeded: tuple[np.random.RandomState, bytes] | None = None
        self._borrowed = threading.local()

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
        seed: int | None = None, save_to_dir: str | None = None, save_prefix: str = "", save_format: str = "png",
        ignore_class_split: bool = False, subset: str | None = None,
    ) -> NumpyArrayIterator:  # fmt: skip
        """Batches of images in memory.

        Args:
            x: `(count, height, width, channels)`, or `(images, other inputs)`.
            y: One target per image.
            batch_size: Samples per batch; the last of an epoch is shorter.
            shuffle: Whether each epoch has an order of its own.
            sample_weight: One per image.
            seed: Of order and draws; without it one is drawn, which the iterator's repr shows.
            save_to_dir: Folder to write every image to.
            save_prefix: Beginning of their names.
            save_format: Their ending.
            ignore_class_split: Whether the subsets may have different classes.
            subset: "training" or "validation", of `validation_split`.
        """
        return NumpyArrayIterator(
            x, y, self, sample_weight=sample_weight, subset=subset, ignore_class_split=ignore_class_split,
            batch_size=batch_size, shuffle=shuffle, seed=seed, save=(save_to_dir, save_prefix, save_format),
        )  # fmt: skip

    def flow_from_directory(
        self, directory: str | os.PathLike[str], target_size: tuple[int, int] = (256, 256), color_mode: str = "rgb",
        classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True,
        seed: int | None = None, save_to_dir: str | None = None, save_prefix: str = "", save_format: str = "png",
        follow_links: bool = False, subset: str | None = None, interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:  # fmt: skip
        """Batches of images in a folder with one sub-folder per class.

        Args:
            directory: The folder.
            target_size: (height, width) that images are resized to.
            color_mode: "rgb", "rgba" or "grayscale".
            classes: Which sub-folders, and their order.
            class_mode: "categorical", "binary", "sparse", "input" (the images themselves) or None.
            batch_size: Samples per batch; the last of an epoch is shorter.
            shuffle: Whether each epoch has an order of its own.
            seed: Of order and draws.
            save_to_dir: Folder to write every image to.
            save_prefix: Beginning of their names.
            save_format: Their ending.
            follow_links: Whether linked folders are entered.
            subset: "training" or "validation", of `validation_split`, class by class.
            interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos", as Pillow does it.
            keep_aspect_ratio: Whether the middle is cut out at the target's aspect ratio before.
        """
        return DirectoryIterator(
            os.fspath(directory), self, classes=classes, class_mode=class_mode, follow_links=follow_links,
            options=_options(locals()),
        )  # fmt: skip

    def flow_from_dataframe(
        self, dataframe: Any, directory: str | os.PathLike[str] | None = None, x_col: str = "filename",
        y_col: Any = "class", weight_col: str | None = None, target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb", classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32,
        shuffle: bool = True, seed: int | None = None, save_to_dir: str | None = None, save_prefix: str = "",
        save_format: str = "png", subset: str | None = None, interpolation: str = "nearest",
        validate_filenames: bool = True, keep_aspect_ratio: bool = False, **deprecated: Any,
    ) -> DataFrameIterator:  # fmt: skip
        """Batches of images that a dataframe lists.

        Args:
            dataframe: One row per image.
            directory: That the names start from.
            x_col: The column of file names.
            y_col: The column of labels, or a list of columns.
            weight_col: The column of sample weights.
            target_size: (height, width) that images are resized to.
            color_mode: "rgb", "rgba" or "grayscale".
            classes: Which classes, and their order.
            class_mode: "categorical", "binary", "sparse", "input", "multi_output", "raw" or None.
            batch_size: Samples per batch; the last of an epoch is shorter.
            shuffle: Whether each epoch has an order of its own.
            seed: Of order and draws.
            save_to_dir: Folder to write every image to.
            save_prefix: Beginning of their names.
            save_format: Their ending.
            subset: "training" or "validation", of `validation_split`.
            interpolation: As for `flow_from_directory`.
            validate_filenames: Whether rows without an image file are left out.
            keep_aspect_ratio: As for `flow_from_directory`; Keras takes it and does nothing.
            deprecated: Names that Keras took once; they warn.
        """
        options = _options(locals())
        return DataFrameIterator(
            dataframe, None if directory is None else os.fspath(directory), self, x_col=x_col, y_col=y_col,
            weight_col=weight_col, classes=classes, class_mode=legacy_checks.current_names(class_mode, deprecated),
            validate_filenames=validate_filenames, options=options,
        )  # fmt: skip

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Measures what featurewise centring, normalisation and ZCA whitening need.

        Args:
            x: Sample images, `(count, height, width, channels)`.
            augment: Whether to measure augmented images.
            rounds: How many times each is augmented.
            seed: Of the draws for it.
        """
        images = np.array(x, dtype=self.dtype)
        if images.ndim != 4:
            raise ArgumentError(f"Input to `.fit()` should have rank 4. Got array with shape: {images.shape}")
        if images.shape[self.channel_axis] not in (1, 3, 4):
            warnings.warn(
                f"Expected images following the data format {self.data_format!r}, with 1, 3 or 4 channels on axis "
                f"{self.channel_axis}. Received shape {images.shape}.",
                stacklevel=2,
            )
        if self.rescale:
            images *= self.rescale
        if augment:
            images = self._augmented(images, rounds, seed)
        standardize.measure(self, images)

    def standardize(self, x: Array) -> Array:
        """Rescales and centres an image (or a batch, as if it were one image), in place where possible.

        Args:
            x: Floats.
        """
        self.check_fitted(2)
        return standardize.standardize(self, x)

    def get_random_transform(self, img_shape: tuple[int, ...], seed: int | None = None) -> Parameters:
        """The numbers drawn for one image.

        Args:
            img_shape: Of the image.
            seed: Starts the draws anew; without one they come from NumPy's global generator, as Keras's do.

        Returns:
            theta, tx, ty, shear, zx, zy, flip_horizontal, flip_vertical, channel_shift_intensity and brightness.
        """
        return draw_one(self._stream(seed), self, img_shape[self.row_axis - 1], img_shape[self.col_axis - 1])

    def apply_transform(self, x: Array, transform_parameters: Parameters) -> Array:
        """Moves and shades one image.

        Args:
            x: The image.
            transform_parameters: What `get_random_transform` gives; what is left out does nothing.
        """
        return _apply(self, np.asarray(x), transform_parameters)

    def random_transform(self, x: Array, seed: int | None = None) -> Array:
        """Draws for one image, and applies it.

        Args:
            x: The image.
            seed: As for `get_random_transform`.
        """
        height, width = x.shape[self.row_axis - 1], x.shape[self.col_axis - 1]
        announce(self, height, width, x.dtype.kind == "f" and bool(x.max() <= 1), stacklevel=2)
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    @property
    def customised(self) -> bool:
        """Whether a subclass, or somebody from outside, has put own methods in place of ours."""
        own, ours = type(self), ImageDataGenerator
        return any(name in vars(self) or getattr(own, name) is not getattr(ours, name) for name in _OWN)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_borrowed"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _borrowed=threading.local())

    @contextlib.contextmanager
    def drawing_from(self, random: np.random.RandomState) -> Iterator[None]:
        """Lets `get_random_transform`, in this thread, draw from an iterator's stream."""
        self._borrowed.random = random
        try:
            yield
        finally:
            del self._borrowed.random

    def resampling(self) -> Resampling:
        """How images are read between and beyond their pixels."""
        return Resampling(self.fill_mode, self.cval, self.interpolation_order, self.exact)

    def check_fitted(self, stacklevel: int) -> None:
        """Warns of what is switched on and lacks statistics."""
        standardize.warn_unfitted(self, stacklevel + 1)

    def _stream(self, seed: int | None) -> np.random.RandomState:
        """What to draw from: with a seed a stream of its own, which goes on until somebody moves NumPy's global one."""
        if (borrowed := self._borrowed.__dict__.get("random")) is not None and seed is None:
            return borrowed  # type: ignore[no-any-return]
        if seed is not None:
            self._seeded = np.random.RandomState(seed), global_state()
        elif self._seeded is None or self._seeded[1] != global_state():
            self._seeded = None
            return cast("np.random.RandomState", np.random)  # so that np.random.seed sets what is drawn, as in Keras
        return self._seeded[0]

    def _augmented(self, images: Array, rounds: int, seed: int | None) -> Array:
        samples = ArraySamples(images, self.data_format == "channels_first")
        height, width, _ = samples.shape
        rows = np.tile(np.arange(len(images)), rounds)
        draws = draw(self._stream(seed), self, height, width, len(rows))
        result = np.zeros((len(rows), *images.shape[1:]), self.dtype)
        Work(self, samples, rows, draws, result, standardizes=False).run(self.workers or 1)
        return result

    def __repr__(self) -> str:
        return f"ImageDataGenerator(exact={self.exact}, legacy_geometry={self.legacy_geometry}, workers={self.workers})"


def _apply(settings: ImageDataGenerator, x: Array, parameters: Parameters) -> Array:
    """One image of any type, in its own layout."""
    if x.ndim != 3:
        raise ArgumentError(f"Input arrays must be multi-channel 2D images. Received shape {x.shape}.")
    first = settings.data_format == "channels_first"
    image = x.transpose(1, 2, 0) if first else x
    draws, resampling = gather([parameters]), settings.resampling()
    working = image.dtype if resampling.by_scipy else np.dtype(np.float32)
    result = image.astype(working)
    if draws.moves:
        matrix = legacy_geometry.matrices(draws, image.shape[0], image.shape[1], settings.legacy_geometry)
        resampling.warp(np.ascontiguousarray(image, working), matrix[0], result)
    result = np.rint(result).astype(x.dtype) if x.dtype.kind in "iu" else result.astype(x.dtype)
    if draws.channel_shift is not None:
        result = result.astype(np.float64) if x.dtype.kind in "iu" else result
        shift_channels(result[None], np.asarray(draws.channel_shift))
    result = result[:: -1 if draws.flip_vertical[0] else 1, :: -1 if draws.flip_horizontal[0] else 1]
    if draws.brightness is not None:
        result = np.array(result, np.float32)
        tone = brighten if settings.legacy_geometry else brighten_mended
        tone(result[None], np.asarray(draws.brightness))
    return np.ascontiguousarray(result.transpose(2, 0, 1) if first else result)


def _options(arguments: dict[str, Any]) -> dict[str, Any]:
    names = (
        "target_size", "color_mode", "batch_size", "shuffle", "seed", "save_to_dir", "save_prefix", "save_format",
        "subset", "interpolation", "keep_aspect_ratio",
    )  # fmt: skip
    return {name: arguments[name] for name in names}


def _keras_setting(name: str, default: str) -> str:
    """A global setting of Keras's, where it has been imported."""
    keras = sys.modules.get("keras")
    return str(getattr(keras.config, name)()) if keras is not None and hasattr(keras, "config") else default
