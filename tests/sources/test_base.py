"""Subsets, splits and configurations, for every source alike."""

from __future__ import annotations

import numpy as np
import pytest

from augline.errors import ArgumentError, SpecError
from augline.sources import Arrays, Folder, Subset, Targets, from_config
from augline.sources.split import keyed


def numbered(count: int, labels=None) -> Arrays:
    return Arrays(np.arange(count, dtype=np.uint16)[:, None, None, None] * np.ones((1, 2, 5, 1), np.uint16), labels)


class TestSelect:
    def test_reads_names_and_ids_are_those_of_the_root(self) -> None:
        subset = numbered(10, np.arange(10) * 3).select([7, 2, 5]).select([2, 0])
        assert len(subset) == 2
        assert subset.read(0)[0, 0, 0] == 5
        assert subset.name(1) == "images[7]"
        np.testing.assert_array_equal(subset.ids(np.array([1, 0])), [7, 5])
        np.testing.assert_array_equal(subset.targets.take([1, 0])["labels"], [21, 15])

    def test_a_sample_that_comes_again_has_draws_of_its_own(self) -> None:
        subset = numbered(4).select([3, 1, 3, 3, 0])
        assert subset.ids(np.arange(5)).tolist() == [3, 1, 7, 11, 0]
        again = subset.select([2, 0, 0, 2])
        assert len({*again.ids(np.arange(4)).tolist()}) == 4
        assert again.origins(np.arange(4)).tolist() == [3, 3, 3, 3]
        for seed in range(9):
            assert not np.intersect1d(
                *(part.origins(np.arange(len(part))) for part in subset.split(0.4, seed=seed))
            ).size

    def test_by_a_mask(self) -> None:
        np.testing.assert_array_equal(
            numbered(4).select(np.array([True, False, False, True])).ids(np.arange(2)), [0, 3]
        )

    @pytest.mark.parametrize("indices", [[10], [-1], [0.5], [[1]]])
    def test_wrong_indices(self, indices) -> None:
        with pytest.raises(ArgumentError, match=r"^Arrays\(10 images.*indices must .*\. Received .*\. "):
            numbered(10).select(indices)


class TestSplit:
    @pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.77, 0.999])
    def test_parts_are_disjoint_and_complete(self, fraction: float) -> None:
        training, validation = numbered(101).split(fraction)
        ids = [part.ids(np.arange(len(part))) for part in (training, validation)]
        np.testing.assert_array_equal(np.sort(np.concatenate(ids)), np.arange(101))
        assert len(validation) == min(max(round(101 * fraction), 1), 100)

    def test_the_choice_never_changes(self) -> None:
        """Written down: another order would leak validation samples into training after an update."""
        _, validation = numbered(20).split(0.25, seed=7)
        np.testing.assert_array_equal(validation.ids(np.arange(5)), CHOSEN)

    def test_splitmix64(self) -> None:
        """The first output of SplitMix64 from 0, and the second stage from there."""
        assert keyed(np.array([0]), 0).tolist() == [splitmix(splitmix(0))]
        assert splitmix(0) == 0xE220A8397B1DCDAF
        assert keyed(np.array([5]), -3).tolist() == [splitmix(splitmix(2**64 - 3) ^ 5)]

    def test_seeds_choose_differently(self) -> None:
        chosen = [set(numbered(200).split(seed=seed)[1].indices.tolist()) for seed in range(4)]
        overlaps = [len(a & b) for i, a in enumerate(chosen) for b in chosen[:i]]
        assert max(overlaps) < 20  # 8 of 40 are expected

    def test_every_sample_is_chosen_equally_often(self) -> None:
        counts = np.zeros(50)
        for seed in range(400):
            counts[numbered(50).split(seed=seed)[1].indices] += 1
        assert np.abs(counts - 80).max() < 4.5 * np.sqrt(400 * 0.2 * 0.8)

    def test_classes_are_split_alike(self) -> None:
        labels = np.repeat([0, 1, 2], [50, 10, 200]).astype(np.int32)
        training, validation = numbered(260, labels).split(0.2)
        np.testing.assert_array_equal(np.bincount(validation.targets.labels), [10, 2, 40])
        np.testing.assert_array_equal(np.bincount(training.targets.labels), [40, 8, 160])

    def test_rare_classes_are_on_both_sides(self) -> None:
        labels = np.repeat(np.arange(5), [1, 2, 3, 40, 54]).astype(np.int32)
        for fraction in (0.01, 0.1, 0.9):
            training, validation = numbered(100, labels).split(fraction)
            for part in (training, validation):
                assert {1, 2, 3, 4} <= set(part.targets.labels.tolist())

    def test_the_total_is_kept_over_many_classes(self) -> None:
        labels = np.repeat(np.arange(30), 7)
        assert len(numbered(210, labels).split(0.2)[1]) == 42

    @pytest.mark.parametrize("form", ["one-hot", "binary"])
    def test_rows_that_are_classes(self, form: str) -> None:
        classes = np.repeat([0, 1], [90, 10])
        labels = np.eye(2)[classes] if form == "one-hot" else classes[:, None].astype(np.float32)
        _, validation = numbered(100, labels).split(0.2)
        assert np.bincount(validation.targets.class_indices).tolist() == [18, 2]

    def test_stratify_can_be_turned_off_but_not_forced(self) -> None:
        labels = np.repeat([0, 1], [98, 2])
        sides = {len(set(numbered(100, labels).split(stratify=False, seed=s)[1].targets.labels)) for s in range(9)}
        assert sides == {1, 2}
        for labels in (None, np.arange(100)):  # of classes that are all different none could be held out
            with pytest.raises(ArgumentError, match=r"labels that are classes, .*\. Received .*\. Pass stratify=False"):
                numbered(100, labels).split(stratify=True)
        assert len(numbered(100, np.arange(100)).split(0.2)[1]) == 20

    @pytest.mark.parametrize("fraction", [0, 1, 20, -0.1, float("nan")])
    def test_wrong_fractions(self, fraction: float) -> None:
        with pytest.raises(ArgumentError, match=r"between 0 and 1\. Received fraction=.*\. Pass 0\.2"):
            numbered(10).split(fraction)

    def test_too_few(self) -> None:
        with pytest.raises(ArgumentError, match=r"needs 2 samples\. Received 1\. Add"):
            numbered(1).split()

    def test_a_part_can_be_split_again(self) -> None:
        training, validation = numbered(100).split(0.2)
        smaller, test = training.split(0.25)
        ids = [set(part.ids(np.arange(len(part))).tolist()) for part in (smaller, test, validation)]
        assert [len(part) for part in ids] == [60, 20, 20]
        assert len(set.union(*ids)) == 100


def splitmix(state: int) -> int:
    """In plain integers, after Vigna's splitmix64.c."""
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


CHOSEN = sorted(sorted(range(20), key=lambda i: splitmix(splitmix(7) ^ i))[:5])


class TestConfig:
    def test_of_a_split_and_a_selection(self, write, tmp_path) -> None:
        write(*(f"{c}/{i}.png" for c in "ab" for i in range(6)))
        training, validation = Folder(tmp_path).split(0.5, seed=3)
        for part in (training, validation, validation.select([2, 0])):
            again = from_config(part.config())
            assert isinstance(again, Subset)
            np.testing.assert_array_equal(again.ids(np.arange(len(again))), part.ids(np.arange(len(part))))
            assert again.config() == part.config()

    @pytest.mark.parametrize(
        ("config", "words"),
        [
            ({"Foldr": {}}, r"must be one of .*Received .*Foldr.*Did you mean 'Folder'\?"),
            ({}, r"must be one of .*Received \{\}\. Write"),
            ({"Folder": {"pth": "x"}}, r"^Folder: it must have this source's arguments\. Received .*pth.*\. Correct"),
            ({"Subset": {}}, r"^Subset: .*Received 'source'"),
        ],
    )
    def test_wrong_ones(self, config, words: str) -> None:
        with pytest.raises(SpecError, match=words):
            from_config(config)


class TestTargets:
    def test_no_targets(self) -> None:
        targets = Targets()
        assert targets.take([0, 1]) == {}
        assert targets.class_indices is None
        assert targets.label_spec is None

    @pytest.mark.parametrize("labels", [np.float32([0.5, 1]), np.float32([[1, 1], [0, 1]]), np.ones((2, 2, 2))])
    def test_what_is_no_class(self, labels) -> None:
        assert Targets(labels=labels).class_indices is None
