from __future__ import annotations

import os
import random
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import augline as al
import fresh

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

SCRIPT = Path(__file__).with_name("resumed.py")
STEPS = 8


def lines(folder: Path) -> list[str]:
    path = folder / "seen.txt"
    return path.read_text().splitlines() if path.exists() else []


def runs(folder: Path) -> list[tuple[int, list[str]]]:
    """(first step over all epochs, batches) of each process."""
    found: list[tuple[int, list[str]]] = []
    for line in lines(folder):
        if line.startswith("begun"):
            _, epoch, step = line.split()
            found.append((int(epoch) * STEPS + int(step), []))
        else:
            found[-1][1].append(line)
    return found


@pytest.mark.slow
def test_killed_at_any_step_it_ends_with_the_same_weights(tmp_path):
    every = 3
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    done = fresh.run(SCRIPT, whole, 4, every)
    assert done.returncode == 0, done.stderr[-3000:]
    [(first, wanted)] = runs(whole)
    assert (first, len(wanted)) == (0, 4 * STEPS)

    choose = random.Random(os.urandom(8))
    deaths = sorted(choose.sample(range(2, 4 * STEPS - 2), 2))
    for death in deaths:
        before = len(lines(broken))
        with fresh.Process(SCRIPT, broken, 4, every) as process:  # killed as it is left
            while len(lines(broken)) - before < death - max((run[0] for run in runs(broken)), default=0):
                assert process.poll() is None, process.stderr[-3000:]
                time.sleep(0.001)
    done = fresh.run(SCRIPT, broken, 4, every)
    assert done.returncode == 0, done.stderr[-3000:]

    for first, seen in runs(broken):
        assert seen == wanted[first : first + len(seen)], (deaths, first)
    assert runs(broken)[-1][0] >= min(deaths[-1] - 2 * every - 2, 3 * STEPS), "it went on, rather than began again"
    assert sum(map(bool, runs(broken))) == 3
    for one, other in zip(*(np.load(folder / "final.npz").values() for folder in (whole, broken)), strict=True):
        assert_array_equal(one, other, err_msg=str(deaths))


# In one process


def pipeline(**more) -> al.Pipeline:
    images = np.random.default_rng(0).integers(0, 255, (29, 8, 8, 3), dtype=np.uint8)
    source = al.Arrays(images, labels=np.arange(29))
    return al.Pipeline(source, [al.RandomFlip()], **{"batch_size": 4, **more})


def model(**more) -> keras.Model:
    made = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    made.compile("adam", "mse", **more)
    return made


class Stop(keras.callbacks.Callback):
    """Ends a run as an error would."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def broken_off(folder, step, pipe=None, every=1):
    resume = al.keras.Resume(folder, pipe or pipeline(), every=every)
    with pytest.raises(KeyboardInterrupt):
        fit(model(), resume, callbacks=[resume, Stop(step)])


def fit(made, resume, epochs=3, callbacks=None, **more):
    return made.fit(
        resume.dataset(), initial_epoch=resume.initial_epoch, epochs=epochs, callbacks=callbacks or [resume],
        shuffle=False, verbose=0, **more,
    )  # fmt: skip


def test_a_new_run_begins_at_the_beginning(tmp_path):
    resume = al.keras.Resume(tmp_path / "new", pipeline())
    assert (resume.epoch, resume.step, resume.initial_epoch) == (0, 0, 0)
    fit(model(), resume)
    assert (resume.epoch, resume.step, resume.initial_epoch) == (3, 0, 3)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["resume.weights.h5"]


@pytest.mark.parametrize(("every", "step", "place"), [(1, 11, (1, 3, 1)), (5, 14, (1, 5, 1)), (None, 14, (1, 0, 1)),
                                                      (1, 8, (0, 7, 0))])  # fmt: skip
def test_the_place_is_that_of_the_last_save(tmp_path, every, step, place):
    broken_off(tmp_path, step, every=every)
    resume = al.keras.Resume(tmp_path, pipeline())
    assert (resume.epoch, resume.step, resume.initial_epoch) == place


def test_the_rest_is_exactly_what_was_not_trained_on(tmp_path):
    broken_off(tmp_path, 11)
    resume = al.keras.Resume(tmp_path, pipeline(shard=(0, 1)))
    got = [labels.numpy().tolist() for _, labels in resume.dataset()]
    assert got == [labels.tolist() for _, labels in pipeline().epoch(1, 3)]


def test_another_number_of_hosts_goes_on_together(tmp_path):
    broken_off(tmp_path, 11)
    hosts = [al.keras.Resume(tmp_path, pipeline(shard=(host, 2))) for host in (0, 1)]
    parts = [[np.asarray(part[0]) for part in host.dataset()] for host in hosts]
    for one, other, (images, _) in zip(*parts, pipeline().epoch(1, 3), strict=True):
        assert_array_equal(np.concatenate([one, other]), images)


def test_only_the_first_host_writes(tmp_path):
    resume = al.keras.Resume(tmp_path, pipeline(shard=(1, 2)))
    fit(model(), resume)
    assert not resume.file.exists()


def test_an_epoch_taken_up_has_its_steps_and_no_warning(tmp_path):
    broken_off(tmp_path, 11)
    resume, made = al.keras.Resume(tmp_path, pipeline()), model()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "__array__ implementation")
        history = fit(made, resume, epochs=4)
    assert history.epoch == [1, 2, 3]
    assert made.stop_training is False
    assert int(made.optimizer.iterations) == 4 * STEPS
    assert (resume.epoch, resume.step) == (4, 0)


def test_what_has_ended_is_restored_and_trains_no_more(tmp_path):
    first = model()
    fit(first, al.keras.Resume(tmp_path, pipeline()))
    again = model()
    history = fit(again, al.keras.Resume(tmp_path, pipeline()))
    assert history.epoch == []
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        assert_array_equal(one, other)


def test_two_fits_with_one_callback(tmp_path):
    resume, made = al.keras.Resume(tmp_path, pipeline()), model()
    fit(made, resume, epochs=1)
    before = made.get_weights()
    made.set_weights([weights + 1 for weights in before])
    fit(made, resume, epochs=1)  # nothing left to do; what happened meanwhile stays
    assert_array_equal(made.get_weights()[0], before[0] + 1)
    assert fit(made, resume, epochs=3).epoch == [1, 2]


@pytest.mark.parametrize("at_once", [3, 4])
def test_several_steps_per_execution(tmp_path, at_once):
    broken_off(tmp_path, 11)
    resume, made = al.keras.Resume(tmp_path, pipeline(), every=1), model(steps_per_execution=at_once)
    fit(made, resume, epochs=3)
    assert (resume.epoch, resume.step) == (3, 0)
    assert int(made.optimizer.iterations) == 3 * STEPS


def test_another_callback_may_stop_at_the_end_of_an_epoch_taken_up(tmp_path):
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    for order in (1, -1):
        folder = tmp_path / str(order)
        broken_off(folder, 11)
        resume = al.keras.Resume(folder, pipeline())
        assert fit(model(), resume, epochs=4, callbacks=[resume, Enough()][::order]).epoch == [1]
        assert (resume.epoch, resume.step) == (2, 0)


def to_the_end(folder, policy, *more):
    """Weights, place and steps once all epochs are trained."""
    keras.utils.set_random_seed(1)
    made, resume = model(), al.keras.Resume(folder, pipeline(), every=1)
    place = {"initial_epoch": resume.initial_epoch, "epochs": 3, "callbacks": [resume, *more]}
    made.fit(resume.dataset(last_batch=policy), shuffle=False, verbose=0, **place)
    return made.get_weights(), (resume.epoch, resume.step), int(made.optimizer.iterations)


@pytest.mark.parametrize(("policy", "steps"), [("keep", (5, 8)), ("pad", (8, 10)), ("drop", (7, 8, 10))])
def test_it_counts_the_batches_that_its_data_set_has(tmp_path, policy, steps):
    """With "drop" an epoch of eight has seven."""
    wanted, *ends = to_the_end(tmp_path / "whole", policy)
    assert ends == [(3, 0), 3 * (STEPS - (policy == "drop"))]
    for step in steps:
        folder = tmp_path / f"broken {step}"
        with pytest.raises(KeyboardInterrupt):
            to_the_end(folder, policy, Stop(step))
        found, *others = to_the_end(folder, policy)
        assert others == ends, step
        assert all(map(np.array_equal, found, wanted)), step


def test_epochs_of_other_lengths(tmp_path):
    """With `steps_per_epoch`, Keras's epochs are not the pipeline's; both are kept."""
    resume = al.keras.Resume(tmp_path, pipeline())
    data = resume.dataset().repeat()
    model().fit(data, epochs=2, steps_per_epoch=5, callbacks=[resume], shuffle=False, verbose=0)
    again = al.keras.Resume(tmp_path, pipeline())
    assert (again.epoch, again.step, again.initial_epoch) == (1, 2, 2)


def test_the_file_is_whole_when_a_save_is_cut_off(tmp_path, monkeypatch):
    broken_off(tmp_path, 11)
    made, resume = model(), al.keras.Resume(tmp_path, pipeline())

    def cut_off(path, target):
        raise OSError("no space")

    made.optimizer.build(made.trainable_variables)
    monkeypatch.setattr(Path, "replace", cut_off)
    resume.set_model(made)
    with pytest.raises(OSError, match="no space"):
        resume.save()
    monkeypatch.undo()
    again = al.keras.Resume(tmp_path, pipeline())
    assert (again.epoch, again.step) == (1, 3)
    made.load_weights(again.file)  # an ordinary file of weights


# What is refused


def test_another_pipeline_is_refused_with_what_changed(tmp_path):
    broken_off(tmp_path, 3)
    with pytest.raises(al.SpecError, match=r"(?s)Resume\('.*'\): the pipeline.*\n-batch_size: 4\n\+batch_size: 5\n.*"):
        al.keras.Resume(tmp_path, pipeline(batch_size=5))
    al.keras.Resume(tmp_path, pipeline(workers=1))
    al.keras.Resume(tmp_path / "other", pipeline(batch_size=5))


def test_another_file_is_refused(tmp_path):
    (tmp_path / "resume.weights.h5").write_text("no such file")
    with pytest.raises(al.SpecError, match=r"must be a file that Resume wrote"):
        al.keras.Resume(tmp_path, pipeline())
    (tmp_path / "resume.weights.h5").unlink()
    model().save_weights(tmp_path / "resume.weights.h5")
    with pytest.raises(al.SpecError, match=r"must be a file that Resume wrote"):
        al.keras.Resume(tmp_path, pipeline())


def test_other_data_another_epoch_and_an_unbuilt_model(tmp_path):
    broken_off(tmp_path, 11)
    resume = al.keras.Resume(tmp_path, pipeline())
    with pytest.raises(al.ArgumentError, match=r"fit\(resume.dataset\(\), ...\)"):
        model().fit(pipeline().to_tf(), callbacks=[resume], verbose=0, shuffle=False)
    with pytest.raises(al.ArgumentError, match=r"initial_epoch=resume.initial_epoch"):
        model().fit(resume.dataset(), epochs=3, callbacks=[resume], verbose=0, shuffle=False)
    unbuilt = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    unbuilt.compile("sgd", "mse")
    with pytest.raises(al.ArgumentError, match="must be built"):
        unbuilt.fit(resume.dataset(), initial_epoch=1, epochs=3, callbacks=[resume], verbose=0, shuffle=False)
    with pytest.raises(al.ArgumentError, match=r"it must be a Pipeline. Received \w*Dataset"):
        al.keras.Resume(tmp_path, pipeline().to_tf())
    with pytest.raises(al.ArgumentError, match=r"it must be a Pipeline. Received Views"):
        al.keras.Resume(tmp_path, al.Views(pipeline().source, [[al.RandomFlip()]] * 2))
    with pytest.raises(al.ArgumentError, match=r"Resume\(every=...\)"):
        al.keras.Resume(tmp_path, pipeline(), every=0)
    for folder in ("gs://bucket/run", resume.file):
        with pytest.raises(al.ArgumentError, match=r"Resume\(folder\): it must be a folder"):
            al.keras.Resume(folder, pipeline())


def test_clearing_begins_anew(tmp_path):
    broken_off(tmp_path, 3)
    al.keras.Resume(tmp_path, pipeline()).clear()
    assert al.keras.Resume(tmp_path, pipeline()).step == 0
