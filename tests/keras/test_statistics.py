"""`fit` and `standardize` beside Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alike import assert_same_run

CASES: dict[str, dict[str, Any]] = {
    "mean": {"featurewise_center": True},
    "mean and std": {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 1 / 255},
    "zca": {"featurewise_center": True, "zca_whitening": True, "zca_epsilon": 1e-2, "rescale": 1 / 255},
    "sample and data set": {"samplewise_center": True, "featurewise_center": True},
}


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", CASES)
def test_fitted(name: str, layout: str, both: Any) -> None:
    pictures = np.random.default_rng(1).uniform(0, 255, (20, 8, 10, 3)).astype("float32")
    pictures = pictures if layout == "channels_last" else np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    exact, _, theirs = both(**CASES[name], rotation_range=20, data_format=layout)
    for augment in (False, True):
        for generator in (exact, theirs):
            generator.fit(pictures, augment=augment, rounds=2, seed=4)
        for statistic in ("mean", "std", "zca_whitening_matrix"):
            ours, other = getattr(exact, statistic), getattr(theirs, statistic)
            assert (ours is None) == (other is None)
            if ours is not None:
                np.testing.assert_allclose(ours, other, atol=2e-3 * np.abs(other).max())
                setattr(exact, statistic, other)  # an SVD magnifies last bits
        assert_same_run(*(g.flow(pictures, batch_size=6, seed=2) for g in (exact, theirs)), batches=4, most=2e-3)


def test_standardize_works_in_place_on_images_and_batches(both: Any, images: np.ndarray) -> None:
    exact, _, theirs = both(samplewise_center=True, samplewise_std_normalization=True, rescale=1 / 255)
    for x in (images[0].astype("float32"), images.astype("float32")):
        ours, other = x.copy(), x.copy()
        assert exact.standardize(ours) is ours
        np.testing.assert_allclose(ours, theirs.standardize(other), atol=1e-5)


@pytest.mark.parametrize("name", ["mean", "mean and std", "zca"])
def test_what_was_not_fitted_warns_and_is_left_out(name: str, both: Any, images: np.ndarray) -> None:
    exact, _, theirs = both(**CASES[name])
    flow = exact.flow(images, batch_size=3, shuffle=False)
    with pytest.warns(UserWarning, match="hasn't been fit"):
        batch = next(flow)
    with pytest.warns(UserWarning, match="hasn't been fit"):
        np.testing.assert_allclose(batch, next(theirs.flow(images, batch_size=3, shuffle=False)), atol=1e-4)


def test_fit_needs_four_dimensions(both: Any, images: np.ndarray) -> None:
    for generator in both(featurewise_center=True):
        with pytest.raises(ValueError, match="should have rank 4"):
            generator.fit(images[0])
