"""A model's checkpoint and the place in the data, in one file: training goes on with exactly the next batch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

import keras
from augline.errors import ArgumentError, SpecError
from augline.fingerprint import Fingerprint
from augline.sources.remote import is_remote

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.keras.feed import Feed
    from augline.pipeline import Pipeline

_VERSION = 1


class _EndOfEpoch:
    """What `stop_training` is between the last step of an epoch that was taken up and its end: true, but not True."""


_AT_THE_END = _EndOfEpoch()


class Resume(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the model and the place in the data while it trains, and goes on from there after a crash.

    The file `resume.weights.h5` holds weights, optimizer and random states of the layers, as `model.save_weights`
    writes them, and beside them the pipeline's fingerprint, seed, epoch and step. It is written under another name and
    renamed, so that it is whole at any moment, whenever the process is killed. Nothing that was trained on before is
    read or computed again, and the number of hosts (`shard`) may be another::

        resume = al.keras.Resume("run/", pipe, every=200)
        model.fit(resume.dataset(), initial_epoch=resume.initial_epoch, epochs=10, callbacks=[resume], shuffle=False)

    The same two lines begin a run and take it up. The model must be built, which an `Input` does. Averages that Keras
    prints of an epoch that was taken up are those of its rest; what other callbacks count (`EarlyStopping`) begins
    anew. `resume.clear()` goes back to the beginning.

    Args:
        folder: Of the file; made if it is not there. Several hosts must see the same.
        pipe: What the model is trained on.
        every: Steps between two saves; None saves at the ends of epochs only.

    Raises:
        SpecError: The pipeline's spec or data changed since the file was written; the message shows in what.
        ArgumentError: `pipe` is no pipeline, `every` no number of steps, or `folder` a file or a remote one.

    Example:
        >>> import augline as al, keras, numpy as np, tempfile
        >>> pipe = al.Pipeline(al.Arrays(np.zeros((8, 4, 4, 1), "uint8"), labels=np.zeros(8)), batch_size=2)
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> folder = tempfile.mkdtemp()
        >>> resume = al.keras.Resume(folder, pipe)
        >>> history = model.fit(resume.dataset(), epochs=2, callbacks=[resume], shuffle=False, verbose=0)
        >>> again = al.keras.Resume(folder, pipe)
        >>> again.initial_epoch, again.epoch, again.step
        (2, 2, 0)
    """

    def __init__(self, folder: str | os.PathLike[str], pipe: Pipeline, *, every: int | None = None) -> None:
        super().__init__()
        if every is not None and every < 1:
            rule = "it must be a number of steps from 1, or None"
            raise ArgumentError(f"Resume(every=...): {rule}. Received every={every!r}. Write 200.")
        if is_remote(os.fspath(folder)) or Path(folder).is_file():
            rule, fix = "it must be a folder, here or mounted", "Name one; it is made if it is not there."
            raise ArgumentError(f"Resume(folder): {rule}. Received {os.fspath(folder)!r}. {fix}")
        self.file = Path(folder) / "resume.weights.h5"
        if not (hasattr(pipe, "to_tf") and hasattr(pipe, "fingerprint")):  # which data sets have, too
            fix = "Pass the Pipeline, and train on resume.dataset()."
            raise ArgumentError(f"Resume(pipe): it must be a Pipeline. Received {type(pipe).__name__}. {fix}")
        self._pipe, self._every, self._steps = pipe, every, len(pipe)
        self._fingerprint = pipe.fingerprint()
        self._fed, self._saved, self._short = False, False, False
        self._unsaved, self._last = 0, -1
        self.epoch = self.step = self.initial_epoch = 0
        if self.file.exists():
            self._take_up(_place(self.file))

    def dataset(self, **arguments: Any) -> tf.data.Dataset | Feed:
        """`pipe.to_tf(...)` from the place on, on other backends `pipe.to_keras(...)`; takes its other arguments."""
        self._fed = True
        drops = arguments.get("last_batch") == "drop"
        self._steps = len(self._pipe.view(drop_remainder=True) if drops else self._pipe)
        makes = self._pipe.to_tf if keras.backend.backend() == "tensorflow" else self._pipe.to_keras
        return makes((self.epoch, self.step), **arguments)

    def on_train_begin(self, logs: Any = None) -> None:
        """Restores the model."""
        if not self._fed:
            raise ArgumentError(
                "Resume: fit must train from the place where it left off. Received another data set. "
                "Write model.fit(resume.dataset(), ...)."
            )
        if not self.model.built:
            raise ArgumentError(
                "Resume: the model must be built before fit. Received one without weights. "
                "Give it an Input, or call it on a batch."
            )
        if self._saved:
            _restore(self.model, self.file)
            self._saved = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Checks that Keras counts as the file does."""
        self._last = -1
        if epoch != self.initial_epoch:
            raise ArgumentError(
                f"Resume: fit must go on with epoch {self.initial_epoch}. Received initial_epoch={epoch}. "
                "Write model.fit(..., initial_epoch=resume.initial_epoch)."
            )
        self._short = bool(self.step) and self._whole()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts, and saves now and then."""
        trained, self._last = batch - self._last, batch
        self._unsaved += trained
        self.step += trained
        if self.step >= self._steps:
            self.epoch, self.step = self.epoch + 1, 0
            if self._short:  # Keras would ask for more, and count the step that finds nothing as one of the optimizer's
                self.model.stop_training = _AT_THE_END
        elif self._every and self._unsaved >= self._every:
            self.save()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves."""
        if self.model.stop_training is _AT_THE_END:
            self.model.stop_training = False
        self.initial_epoch = epoch + 1
        self.save()

    def save(self) -> None:
        """Writes the file; of several hosts (`shard`), the first does."""
        self._unsaved = 0
        if self._pipe.shard[0]:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_name(f".draft-{os.getpid()}.weights.h5")
        self.model.save_weights(draft)
        place = {"version": _VERSION, "fingerprint": self._fingerprint.text, "seed": int(self._pipe.seed)}
        place |= {"epoch": self.epoch, "step": self.step, "initial_epoch": self.initial_epoch}
        with h5py.File(draft, "a") as file:
            file.create_dataset("augline/place", data=np.frombuffer(json.dumps(place).encode(), np.uint8))
            for number, variable in enumerate(self.model.non_trainable_variables):
                file.create_dataset(f"augline/state/{number}", data=keras.ops.convert_to_numpy(variable))
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(self.file)

    def clear(self) -> None:
        """Removes the file; the next run begins at the beginning."""
        self.file.unlink(missing_ok=True)

    def _whole(self) -> bool:
        """Whether Keras's epochs are the pipeline's, rather than of `steps_per_epoch`."""
        return (self.params or {}).get("steps") in (None, self._steps)

    def _take_up(self, place: dict[str, Any]) -> None:
        fix = (
            "Restore what changed, or begin in another folder; "
            f"model.load_weights({str(self.file)!r}) takes over the weights alone."
        )
        self._fingerprint.check(Fingerprint(place["fingerprint"]), f"Resume({str(self.file.parent)!r})", fix)
        self.epoch, self.step, self.initial_epoch = place["epoch"], place["step"], place["initial_epoch"]
        self._saved = True


def _place(path: Path) -> dict[str, Any]:
    """What the file says of the data."""
    try:
        with h5py.File(path) as file:
            found: dict[str, Any] = json.loads(file["augline/place"][()].tobytes())
    except (OSError, KeyError, ValueError) as error:
        raise SpecError(
            f"Resume({str(path.parent)!r}): {path.name} must be a file that Resume wrote. Received {error}. "
            "Move it away, or choose another folder."
        ) from error
    return found


def _restore(model: Any, path: Path) -> None:
    """Weights and optimizer, as Keras reads them; and the layers' random states, which it does not write."""
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    model.load_weights(path)
    with h5py.File(path) as file:
        states = file.get("augline/state", {})
        for number, variable in enumerate(model.non_trainable_variables):
            variable.assign(states[str(number)][()])
