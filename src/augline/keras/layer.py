"""`Augment`: a list of transforms as a Keras layer, computed on the device that trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras
from augline.box_filter import ANY_BOX, BoxFilter
from augline.keras.layer_checks import check_data, check_transforms, check_values, image_spec, warn_of_floats
from augline.keras.layer_device import device, exporting, is_concrete
from augline.keras.layer_work import Work, ids_of
from augline.random import EPOCH_BITS, seed_key
from augline.sources.refusal import check_choice
from augline.sources.targets import BOX_FORMATS
from augline.spec import plain, transforms_of
from augline.transforms.base import Transform
from augline.transforms.compose import Sequential, evaluated


@keras.saving.register_keras_serializable(package="augline")
class Augment(keras.layers.Layer):  # type: ignore[misc]  # Keras is not typed
    """A list of transforms as a layer: the numbers and pixels of a `Pipeline`, made on the device that trains.

    Works on Keras's TensorFlow, JAX and PyTorch backends; put it first in the model. With TensorFlow and JAX it is part
    of the one program that `jit_compile=True` makes of a training step, and by itself a compiled program, one a shape.

    What happens to an image is a function of (seed, step, position in the batch) alone. The step is a weight of the
    layer and saved with the model: training that is resumed goes on with the draws that come next. After 2**24 steps
    they begin anew, and schedules too. Under a `tf.distribute` strategy positions are those in the global batch, so no
    two samples share a draw; of a last batch that does not divide among the replicas some may.

    In evaluation and prediction nothing random happens: of the list only what `Pipeline.evaluation()` keeps is done,
    such as `Resizing` and `Rescaling`, and so in what `model.export` writes. Any other call outside of a model's `fit`,
    `evaluate` and `predict` trains unless told `training=False`, as with Keras's own layers.

    The call takes images `(batch, height, width, channels)`, uint8, uint16 or floating point, or a dict of them as
    "images" and

    - "segmentation_masks", `(batch, height, width[, channels])`, or several of them by name; whole numbers to 2**24;
    - "bounding_boxes", a dict of "boxes" `(batch, n, 4)` and "labels" `(batch, n)`, where -1 stands for no box; those
      that are left come first;
    - "labels", "weights" and "sample_weights", which stay as they are.

    It gives the same back. The type of images follows from the list, as everywhere: uint8 stays uint8 unless
    `Rescaling`, `Normalize` or `ConvertDtype` say otherwise. Floats of any width come out as float32.

    A saved model holds the list as plain data. Import this class before `keras.models.load_model`.

    Args:
        transforms: What may happen, in order. Functions of your own, mixing, and crops that look at targets need a
            `Pipeline`.
        seed: Another seed, other draws.
        value_range: Of floating-point images; (0, 1) by default, of which a model warns, for values beyond are cut off.
        bounding_box_format: One of Keras's formats, for boxes in and out.
        box_filter: Which boxes stay once the image around them was cut.
        steps_per_epoch: How many steps of training make an epoch, which the layer cannot see: for schedules (`linear`,
            `cosine`, `steps`), whose epoch is `step // steps_per_epoch`. With a data set, its length.
        data_format: "channels_last"; given to be checked.
        **kwargs: Of `keras.layers.Layer`, such as `name`.

    Raises:
        ArgumentError: Something does not fit together; shapes and types are looked at in the first call.
        EngineError: The list needs a `Pipeline`.

    Example:
        >>> import augline as al, numpy as np
        >>> from augline.keras import Augment
        >>> layer = Augment([al.RandomFlip(), al.RandomRotation(0.1), al.Rescaling(1 / 255)], seed=7)
        >>> images = layer(np.zeros((4, 32, 32, 3), "uint8"), training=True)
        >>> tuple(images.shape), int(layer.step)
        ((4, 32, 32, 3), 1)
    """

    def __init__(
        self,
        transforms: Sequence[Transform],
        *,
        seed: int = 0,
        value_range: tuple[float, float] | None = None,
        bounding_box_format: str = "xyxy",
        box_filter: BoxFilter = ANY_BOX,
        steps_per_epoch: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("autocast", None)
        super().__init__(autocast=False, **kwargs)
        self.transforms = Sequential(transforms).transforms
        self.seed, self.value_range = (
            seed,
            None if value_range is None else (float(value_range[0]), float(value_range[1])),
        )
        self.bounding_box_format, self.box_filter = bounding_box_format, box_filter
        self.steps_per_epoch = steps_per_epoch
        seed_key("Augment", seed)
        check_transforms(self.transforms, steps_per_epoch)
        check_choice("Augment", "bounding_box_format", bounding_box_format, BOX_FORMATS)
        data_format = data_format or keras.config.image_data_format()
        check_choice("Augment", "data_format", data_format, ("channels_last",))
        device()
        lists = {True: self.transforms, False: evaluated(self.transforms)}
        self._work = {
            training: Work(
                list_, int(seed), self.value_range, bounding_box_format, box_filter,
                fused=training, steps_per_epoch=steps_per_epoch,
            )
            for training, list_ in lists.items()
        }  # fmt: skip
        # whole numbers as Keras's optimizers count: int64 where int32 would keep to the host
        self.step = self.add_weight(
            shape=(), initializer="zeros", dtype="int", trainable=False, name="step", aggregation="only_first_replica"
        )
        self.built, self._looked = True, False

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Images, or a dict, augmented if training."""
        data = inputs if isinstance(inputs, dict) else {"images": inputs}
        check_data(data)
        # not so by default: Keras hands a layer's default on to those behind it, and dropout would train while serving
        training = not exporting() if training is None else bool(training)
        if not self._looked and is_concrete(data["images"]):
            self._looked = True
            check_values(data["images"], self.value_range)
        step = keras.ops.convert_to_tensor(self.step)
        result = self._work[training](data, step % (1 << EPOCH_BITS), ids_of(data["images"]))
        if training:
            self.step.assign(step + 1)
        return result if isinstance(inputs, dict) else result["images"]

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> Any:
        """What comes out, of what shape and type."""
        data = inputs if isinstance(inputs, dict) else {"images": inputs}
        check_data(data)
        if self.value_range is None:
            warn_of_floats(data["images"])
        size, channels, dtype = self._work[True].program(image_spec(data["images"])).output
        result = keras.tree.map_structure(lambda given: keras.KerasTensor(given.shape, given.dtype), dict(data))
        batch = data["images"].shape[0]
        result["images"] = keras.KerasTensor((batch, *size, channels), dtype)
        if "segmentation_masks" in data:
            result["segmentation_masks"] = keras.tree.map_structure(
                lambda mask: keras.KerasTensor((batch, *size, *mask.shape[3:]), mask.dtype), data["segmentation_masks"]
            )
        return result if isinstance(inputs, dict) else result["images"]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """See `compute_output_spec`."""
        like = keras.KerasTensor(input_shape, "uint8")
        return self.compute_output_spec(like).shape

    def get_config(self) -> dict[str, Any]:
        """Plain data; transforms stand in it as in a pipeline's YAML.

        Raises:
            SpecError: A transform is of a class of your own.
        """
        return {
            **super().get_config(),
            "transforms": plain(self.transforms),
            "seed": int(self.seed),
            "value_range": None if self.value_range is None else list(self.value_range),
            "bounding_box_format": self.bounding_box_format,
            "box_filter": asdict(self.box_filter),
            "steps_per_epoch": self.steps_per_epoch,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Augment:
        """The layer of a configuration, which can name augline's own transforms only."""
        config = dict(config)
        listed = transforms_of("Augment.from_config", config.pop("transforms"))
        return cls(listed, box_filter=BoxFilter(**config.pop("box_filter", {})), **config)
