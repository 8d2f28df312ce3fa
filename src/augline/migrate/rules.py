"""What old names and arguments become: the tables that the rest of this package reads."""

from __future__ import annotations

PREFIXES = (
    ("tensorflow.compat.v1.keras", "keras"),
    ("tensorflow.compat.v2.keras", "keras"),
    ("tensorflow.python.keras", "keras"),
    ("tensorflow.keras", "keras"),
    ("tf_keras", "keras"),
    ("keras.legacy.preprocessing", "keras.preprocessing"),
    ("keras.src.legacy.preprocessing", "keras.preprocessing"),
    ("keras._legacy.preprocessing", "keras.preprocessing"),
    ("keras.src", "keras"),
    ("keras.api", "keras"),
    ("keras_preprocessing.image", "keras.preprocessing.image"),
    ("keras.layers.experimental.preprocessing", "keras.layers"),
    ("keras.preprocessing.image_dataset_from_directory", "keras.utils.image_dataset_from_directory"),
    ("keras.utils.data_utils", "keras.utils"),
    ("tensorflow", "tf"),
)
"""(prefix, short): the homes that one thing has had over the years; the first that fits is applied."""

GENERATOR = "keras.preprocessing.image.ImageDataGenerator"
DROP_IN = "augline.keras.ImageDataGenerator"
GENERATORS = (GENERATOR, "keras.preprocessing.image.image.ImageDataGenerator", DROP_IN)

GENERATOR_ARGUMENTS = (
    "featurewise_center", "samplewise_center", "featurewise_std_normalization", "samplewise_std_normalization",
    "zca_whitening", "zca_epsilon", "rotation_range", "width_shift_range", "height_shift_range", "brightness_range",
    "shear_range", "zoom_range", "channel_shift_range", "fill_mode", "cval", "horizontal_flip", "vertical_flip",
    "rescale", "preprocessing_function", "data_format", "validation_split", "interpolation_order", "dtype",
)  # fmt: skip

STATISTICS = (
    "featurewise_center", "samplewise_center", "featurewise_std_normalization", "samplewise_std_normalization",
    "zca_whitening",
)  # fmt: skip
"""Arguments of ImageDataGenerator for which a Pipeline has nothing."""

FLOW_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "flow": (
        "x", "y", "batch_size", "shuffle", "sample_weight", "seed", "save_to_dir", "save_prefix", "save_format",
        "ignore_class_split", "subset",
    ),
    "flow_from_directory": (
        "directory", "target_size", "color_mode", "classes", "class_mode", "batch_size", "shuffle", "seed",
        "save_to_dir", "save_prefix", "save_format", "follow_links", "subset", "interpolation", "keep_aspect_ratio",
    ),
    "flow_from_dataframe": (
        "dataframe", "directory", "x_col", "y_col", "weight_col", "target_size", "color_mode", "classes", "class_mode",
        "batch_size", "shuffle", "seed", "save_to_dir", "save_prefix", "save_format", "subset", "interpolation",
        "validate_filenames",
    ),
}  # fmt: skip
"""Arguments in their order."""

FOLDER_MODES = {"categorical": "categorical", "binary": "binary", "sparse": "int", None: None}
"""`class_mode` of a folder as `label_mode`; the rest has no counterpart."""

TABLE_TASKS = {"categorical": "multilabel", "binary": "classification", "sparse": "classification", "raw": None,
               "other": None}  # fmt: skip
"""`class_mode` of a table as `task`. One-hot rows are what "multilabel" gives for one label."""

_TO_ONE = "{al}.Rescaling(1 / 127.5, offset=-1)"
PREPROCESSING: dict[str, str | None] = {
    **{
        f"keras.applications.{model}.preprocess_input": _TO_ONE
        for model in (
            "mobilenet", "mobilenet_v2", "inception_v3", "xception", "inception_resnet_v2", "nasnet", "resnet_v2",
        )
    },
    "keras.applications.densenet.preprocess_input": "{al}.Normalize()",
    **{
        f"keras.applications.{model}.preprocess_input": None
        for model in ("mobilenet_v3", "efficientnet", "efficientnet_v2", "convnext")
    },
}  # fmt: skip
"""Keras's preprocessing functions as transforms; None changes nothing. The others swap channels (BGR)."""

ATTRIBUTES = {
    "samples": "len({name}.source)",
    "n": "len({name}.source)",
    "batch_size": "{name}.batch_size",
    "target_size": "{name}.size",
    "num_classes": "len({name}.source.class_names)",
    "class_indices": "{{label: index for index, label in enumerate({name}.source.class_names)}}",
    "classes": "{name}.source.targets.class_indices",
    "labels": "{name}.source.targets.class_indices",
    "filenames": "[{name}.source.name(i) for i in range(len({name}.source))]",
    "filepaths": "[{name}.source.name(i) for i in range(len({name}.source))]",
}
"""Attributes of Keras's iterators, said of a Pipeline."""

MODEL_CALLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fit": ("fit", ("x", "y", "batch_size", "epochs")),
    "evaluate": ("evaluate", ("x", "y", "batch_size", "verbose")),
    "predict": ("predict", ("x", "batch_size", "verbose", "steps")),
    "fit_generator": (
        "fit",
        ("x", "steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data", "validation_steps"),
    ),
    "evaluate_generator": ("evaluate", ("x", "steps", "callbacks")),
    "predict_generator": ("predict", ("x", "steps", "callbacks")),
}
"""Methods of a model: what they are called today, and the order of their arguments."""

RENAMED_ARGUMENTS = {"generator": "x", "nb_epoch": "epochs", "nb_val_samples": "validation_steps",
                     "samples_per_epoch": "steps_per_epoch", "val_samples": "steps"}  # fmt: skip
DROPPED_ARGUMENTS = ("workers", "use_multiprocessing", "max_queue_size", "max_q_size", "nb_worker", "pickle_safe")
"""Arguments of fit that Keras 3 has no more."""

STEPS = ("steps_per_epoch", "validation_steps", "steps")

SEQUENCES = ("keras.utils.Sequence", "keras.utils.PyDataset")

LAYERS = (
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomShear", "RandomPerspective", "RandomCrop",
    "RandomBrightness", "RandomContrast", "RandomHue", "RandomSaturation", "RandomGrayscale", "RandomInvert",
    "RandomPosterization", "Solarization", "Resizing", "CenterCrop", "Rescaling",
)  # fmt: skip
"""Keras layers that augline has under the same name, with the same arguments."""

LAYER_ARGUMENTS_DROPPED = ("seed", "value_range", "data_format", "dtype", "name", "input_shape", "trainable")

IMAGE_OPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tf.image.random_flip_left_right": ("flip_x", ()),
    "tf.image.random_flip_up_down": ("flip_y", ()),
    "tf.image.flip_left_right": ("always_flip_x", ()),
    "tf.image.flip_up_down": ("always_flip_y", ()),
    "tf.image.random_brightness": ("brightness", ("max_delta", "seed")),
    "tf.image.random_contrast": ("contrast", ("lower", "upper", "seed")),
    "tf.image.random_saturation": ("saturation", ("lower", "upper", "seed")),
    "tf.image.random_hue": ("hue", ("max_delta", "seed")),
    "tf.image.rot90": ("rot90", ("k",)),
    "tf.image.resize": ("resize", ("size", "method", "preserve_aspect_ratio", "antialias")),
    "tf.image.central_crop": ("central_crop", ("central_fraction",)),
    "tf.image.random_crop": ("random_crop", ("size", "seed")),
    "tf.image.per_image_standardization": ("standardize", ()),
    "tf.image.convert_image_dtype": ("convert", ("dtype", "saturate")),
    "tf.cast": ("cast", ("dtype",)),
    "tf.clip_by_value": ("clip", ("clip_value_min", "clip_value_max")),
    "tf.io.read_file": ("read", ()),
    "tf.image.decode_jpeg": ("decode", ("channels",)),
    "tf.image.decode_png": ("decode", ("channels",)),
    "tf.image.decode_image": ("decode", ("channels", "dtype", "name", "expand_animations")),
    "tf.io.decode_jpeg": ("decode", ("channels",)),
    "tf.io.decode_png": ("decode", ("channels",)),
    "tf.io.decode_image": ("decode", ("channels", "dtype", "name", "expand_animations")),
}
"""Functions on images in a `map`: what each is here, and the arguments behind the image."""
