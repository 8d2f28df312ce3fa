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

SAMPLEWISE = ("samplewise_center", "samplewise_std_normalization")
STATISTICS = {
    "featurewise_center": "al.fit(al.Normalize, source)",
    "featurewise_std_normalization": "al.fit(al.Normalize, source)",
    "zca_whitening": "al.fit(al.ZCAWhitening, source, ...)",
}
"""Arguments of ImageDataGenerator that act once `fit` has been called, and what measures a source for a Pipeline."""

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
    "samples": "len({source})",
    "n": "len({source})",
    "nb_sample": "len({source})",
    "nb_class": "len({source}.class_names)",
    "batch_size": "{name}.batch_size",
    "target_size": "{name}.size",
    "num_classes": "len({source}.class_names)",
    "class_indices": "{{label: index for index, label in enumerate({source}.class_names)}}",
    "classes": "{source}.targets.class_indices",
    "labels": "{source}.targets.class_indices",
    "filepaths": "[{source}.name(i) for i in range(len({source}))]",
}
"""Attributes of Keras's iterators, said of a Pipeline."""

CLASS_ATTRIBUTES = ("num_classes", "nb_class", "class_indices", "classes", "labels")
"""Those that speak of classes, which Keras's iterators over folders have also where `class_mode` is None."""

CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}

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
COUNTS_OF_IMAGES = {
    "samples_per_epoch": "steps_per_epoch",
    "nb_val_samples": "validation_steps",
    "val_samples": "steps",
}
"""What Keras 1 counted in images, and Keras 2 in batches."""
KERAS_1 = ("nb_epoch", "nb_worker", "max_q_size", "pickle_safe", *COUNTS_OF_IMAGES)
"""Arguments that show a call to be of Keras 1, where the second of `fit_generator` is `samples_per_epoch`."""
DROPPED_ARGUMENTS = ("workers", "use_multiprocessing", "max_queue_size", "max_q_size", "nb_worker", "pickle_safe")
"""Arguments of fit that Keras 3 has no more."""

STEPS = ("steps_per_epoch", "validation_steps", "steps")

SEQUENCES = ("keras.utils.Sequence", "keras.utils.PyDataset")

_FILL = ("fill_mode", "interpolation", "seed", "fill_value", "data_format")
LAYERS: dict[str, tuple[str, ...]] = {
    "RandomFlip": ("mode",),
    "RandomRotation": ("factor", *_FILL),
    "RandomZoom": ("height_factor", "width_factor", *_FILL),
    "RandomTranslation": ("height_factor", "width_factor", *_FILL),
    "RandomShear": ("x_factor", "y_factor", "interpolation", "fill_mode", "fill_value"),
    "RandomPerspective": ("factor", "scale", "interpolation", "fill_value"),
    "RandomCrop": ("height", "width"),
    "RandomBrightness": ("factor", "value_range"),
    "RandomContrast": ("factor", "value_range"),
    "RandomHue": ("factor", "value_range"),
    "RandomSaturation": ("factor", "value_range"),
    "RandomColorDegeneration": ("factor", "value_range"),
    "RandomSharpness": ("factor", "value_range"),
    "RandomGrayscale": ("factor",),
    "RandomInvert": ("factor", "value_range"),
    "RandomPosterization": ("factor", "value_range"),
    "Solarization": ("addition_factor", "threshold_factor", "value_range"),
    "AutoContrast": ("value_range",),
    "RandAugment": ("value_range", "num_ops", "factor"),
    "Resizing": ("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio"),
    "CenterCrop": ("height", "width"),
    "Rescaling": ("scale", "offset"),
}
"""Keras layers that augline has under the same name, with the same arguments: their order in Keras."""

LAYER_POSITIONS = ("mode", "factor", "height_factor", "width_factor", "x_factor", "y_factor", "scale", "offset",
                   "height", "width", "addition_factor", "threshold_factor")  # fmt: skip
"""Arguments that stand in augline where they stand in Keras; the others are written with their names."""

LAYER_ARGUMENTS_DROPPED = (
    "seed", "value_range", "data_format", "dtype", "name", "input_shape", "trainable", "antialias",
)  # fmt: skip
FIXED = ("Rescaling", "Resizing", "Padding", "CenterCrop", "ConvertDtype", "Normalize", "PerImageStandardization")
"""Transforms that are not random."""

FLOATS = ("Rescaling", "ConvertDtype", "Normalize", "PerImageStandardization")
"""Transforms that give float32 images."""

RANDOM_LAYERS = ("RandAugment", "AugMix", "MixUp", "CutMix")
"""Keras's random layers, beside those that begin with Random."""

LAYERS_THAT_MIX = ("MixUp", "CutMix")

IMAGE_OPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tf.image.random_flip_left_right": ("flip_x", ()),
    "tf.image.random_flip_up_down": ("flip_y", ()),
    "tf.image.flip_left_right": ("always_flip_x", ()),
    "tf.image.flip_up_down": ("always_flip_y", ()),
    "tf.image.random_brightness": ("brightness", ("max_delta", "seed")),
    "tf.image.random_contrast": ("contrast", ("lower", "upper", "seed")),
    "tf.image.random_saturation": ("saturation", ("lower", "upper", "seed")),
    "tf.image.random_hue": ("hue", ("max_delta", "seed")),
    "tf.image.stateless_random_flip_left_right": ("flip_x", ("seed",)),
    "tf.image.stateless_random_flip_up_down": ("flip_y", ("seed",)),
    "tf.image.stateless_random_brightness": ("brightness", ("max_delta", "seed")),
    "tf.image.stateless_random_contrast": ("contrast", ("lower", "upper", "seed")),
    "tf.image.stateless_random_saturation": ("saturation", ("lower", "upper", "seed")),
    "tf.image.stateless_random_hue": ("hue", ("max_delta", "seed")),
    "tf.image.stateless_random_crop": ("random_crop", ("size", "seed")),
    "tf.image.rot90": ("rot90", ("k",)),
    "tf.image.resize": ("resize", ("size", "method", "preserve_aspect_ratio", "antialias")),
    "tf.image.resize_with_pad": ("resize_with_pad", ("target_height", "target_width", "method", "antialias")),
    "tf.image.resize_with_crop_or_pad": ("crop_or_pad", ("target_height", "target_width")),
    "tf.image.resize_image_with_crop_or_pad": ("crop_or_pad", ("target_height", "target_width")),
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
