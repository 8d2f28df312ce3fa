"""A pipeline without chance as a SavedModel: what serves a model sees what trained it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.state import Each
from augline.errors import ArgumentError, EngineError
from augline.feed.graph.check import check
from augline.feed.graph.compiled import carry_out
from augline.feed.graph.files import decoded, opened, view
from augline.sources.refusal import refusal
from augline.sources.remote import is_remote
from augline.transforms.compose import labels, schedules

if TYPE_CHECKING:
    from augline.pipeline import Pipeline
    from augline.plan import Plan


class Serving:
    """What an exported pipeline does, image by image: those of one call may differ in size.

    Nothing is left to XLA, which compiles anew for each size of image, and lacks in many a server.

    Args:
        pipe: Of the graph engine, without random transforms.
    """

    def __init__(self, pipe: Pipeline) -> None:
        source, size = pipe.source, pipe.source.size or (None, None)
        self._program, self._exif = pipe.program, source.exif
        self._made = tf.TensorSpec(
            (*pipe.program.common_size(), pipe.program.output_channels), pipe.program.output_dtype
        )
        pixels = tf.TensorSpec((None, *size, source.channels), source.dtype, name="images")
        self.signatures = {"pixels": _traced(self._from_pixels, pixels)}
        if source.dtype in ("uint8", "uint16") and source.size is None:
            files = tf.TensorSpec((None,), tf.string, name="files")
            self.signatures["files"] = _traced(self._from_files, files)
        first = "files" if "files" in self.signatures else "pixels"
        self.signatures["serving_default"] = self.signatures[first]

    def _from_files(self, files: Array) -> dict[str, Array]:
        return {"images": tf.map_fn(self._file, files, fn_output_signature=self._made)}

    def _from_pixels(self, images: Array) -> dict[str, Array]:
        return {"images": tf.map_fn(self._image, images, fn_output_signature=self._made)}

    def _file(self, data: Array) -> Array:
        found = opened(data[None], tf.constant(["an encoded image"]), self._exif)
        plan = self._plan(found.sizes)
        return carry_out(*decoded(found, plan, self._program.channels, self._program.dtype), compiled=False)[0]

    def _image(self, image: Array) -> Array:
        sizes = tf.shape(image)[None, :2]
        whole = view(tf.concat([sizes, tf.zeros_like(sizes)], axis=1))
        return carry_out(self._plan(sizes), image[None], Each(tf.ones_like(sizes, tf.int64), whole), compiled=False)[0]

    def _plan(self, sizes: Array) -> Plan:
        first = tf.zeros((1,), tf.int64)
        return self._program.plan(0, first, tf.cast(sizes, tf.int64), xp=xp)[1]


def export(pipe: Pipeline, path: str | Path) -> Path | str:
    """See `Pipeline.export`."""
    owner = f"Pipeline.export({str(path)!r})"
    if chance := [item for item in pipe.transforms if item.evaluation() != item]:
        names = ", ".join(labels(chance))
        fix = "Call pipe.evaluation().export(...), which leaves them out."
        raise refusal(ArgumentError, owner, "nothing random may happen to what is served", names, fix)
    for item, name, value in schedules(pipe.transforms):
        rule, fix = "what is served knows no epochs", "Give one number."
        raise refusal(ArgumentError, f"{owner} of {type(item).__name__}({name}=...)", rule, repr(value), fix)
    if pipe.source.lead:
        raise refusal(EngineError, owner, "samples must be images", "videos", "Export a pipeline of their frames.")
    graph = pipe._with(engine="tensorflow", on_error="raise")
    check(graph)
    tf.saved_model.save(tf.Module(), str(path), signatures=Serving(graph).signatures)
    return str(path) if is_remote(str(path)) else Path(path)


def _traced(function: Callable[[Array], dict[str, Array]], given: tf.TensorSpec) -> Any:
    return tf.function(function, [given], autograph=False).get_concrete_function()
