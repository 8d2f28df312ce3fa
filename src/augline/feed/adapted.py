"""`model.fit(pipe)`: what Keras takes as it is."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augline.keras.feed import Feed

_ADAPTER = "keras.src.trainers.data_adapters.data_adapter"
_ASKED = frozenset({
    "get_jax_iterator", "get_numpy_iterator", "get_tf_dataset", "get_torch_dataloader", "num_batches",
    "on_epoch_begin", "on_epoch_end",
})  # fmt: skip


class Adapted:
    """What is a `DataAdapter` to whoever asks, once Keras is imported: Keras's trainers ask, and take it as it is.

    What they then ask of it, and nobody else does, `to_keras()` answers, one for all fits: passes count on.
    """

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> Any:
            """Keras asks `isinstance(x, DataAdapter)`; without Keras nobody does, and it is not imported."""
            module = sys.modules.get(_ADAPTER)
            return type(self) if module is None else _both(type(self), module.DataAdapter)

        def __getattr__(self, name: str) -> Any:
            """What only Keras asks for."""
            if name not in _ASKED:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if vars(self).get("_fed") is None:
                self._fed = self.to_keras()
            return getattr(self._fed, name)

    def to_keras(self) -> Feed:
        """What Keras takes."""
        raise NotImplementedError


@cache
def _both(kind: type, adapter: type) -> type:
    """A class that says it is both; nothing is ever made of it."""
    return type(kind.__name__, (kind, adapter), {})
