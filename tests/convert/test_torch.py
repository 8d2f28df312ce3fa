"""PyTorch's data sets and loaders as they are, where PyTorch is installed; `test_streams.py` has stand-ins."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")
data = pytest.importorskip("torch.utils.data")

import augline as al  # noqa: E402


class Images(data.Dataset):
    """Five of them, in torch's layout and augline's, with a label."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return torch.full((3, 8, 6), index, dtype=torch.bfloat16), torch.full((8, 6, 3), index).byte(), index


class Stream(data.IterableDataset):
    def __iter__(self):
        worker = data.get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        return ((torch.full((2,), number), number) for number in range(first, 9, step))


class Counted(Stream):
    def __len__(self):
        return 9


def labels(dataset):
    """Those of two passes, batch by batch."""
    return [[np.atleast_1d(element[-1]).tolist() for element in dataset.as_numpy_iterator()] for _ in range(2)]


def test_maps() -> None:
    dataset = al.to_dataset(Images(), batch_size=2)
    assert [spec.dtype.name for spec in dataset.element_spec] == ["float32", "uint8", "int64"]
    assert dataset.element_spec[0].shape.as_list() == [None, 3, 8, 6]
    assert dataset.cardinality() == 3
    assert labels(dataset) == [[[0, 1], [2, 3], [4]]] * 2
    assert labels(al.to_dataset(data.Subset(Images(), [4, 1]), batch_size=1)) == [[[4], [1]]] * 2
    parts = data.random_split(Images(), [2, 3])
    assert sorted(label for part in parts for label in labels(al.to_dataset(part))[0]) == [[0], [1], [2], [3], [4]]
    tensors = data.TensorDataset(torch.zeros(4, 2, requires_grad=True), torch.arange(4))
    assert sorted(chain(*labels(al.to_dataset(tensors, batch_size=3, shuffle=True))[0])) == [0, 1, 2, 3]
    assert labels(al.to_dataset((torch.zeros(3, 2), torch.arange(3)), batch_size=2)) == [[[0, 1], [2]]] * 2
    assert [part.shape for part in al.to_dataset(torch.zeros(40, 2))] == [(32, 2), (8, 2)]


# torch forks its workers, which JAX, where an earlier test has imported it, and Python 3.12 advise against
@pytest.mark.filterwarnings("ignore:.*fork:RuntimeWarning", "ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 2])
def test_loaders(workers: int) -> None:
    def loader(dataset, **options):
        return data.DataLoader(dataset, num_workers=workers, **options)

    assert labels(al.to_dataset(loader(Images(), batch_size=2, drop_last=True))) == [[[0, 1], [2, 3]]] * 2
    assert labels(al.to_dataset(loader(Images(), batch_size=None), batch_size=4)) == [[[0, 1, 2, 3], [4]]] * 2
    chosen = loader(Images(), sampler=data.SubsetRandomSampler([4, 2]), pin_memory=False)
    assert [sorted(map(sum, one)) for one in labels(al.to_dataset(chosen))] == [[2, 4]] * 2
    for kind in (Stream, Counted):  # two workers have four batches of 9 samples, where the loader says three
        passes = labels(al.to_dataset(loader(kind(), batch_size=3, persistent_workers=workers > 0)))
        assert [sorted(chain(*one)) for one in passes] == [list(range(9))] * 2


def test_dicts_and_collating_functions() -> None:
    def collate(samples):
        return {"images": torch.stack([image for _, image, _ in samples]), "labels": [one for *_, one in samples]}

    loader = data.DataLoader(Images(), batch_size=2, collate_fn=collate)
    first = next(iter(al.to_dataset(loader, augment=[al.Rescaling(1 / 255)])))
    assert first["images"].shape == (2, 8, 6, 3)
    np.testing.assert_allclose(first["images"][1], 1 / 255)
    assert first["labels"].numpy().tolist() == [0, 1]


def test_refusals() -> None:
    with pytest.raises(al.ArgumentError, match="channels come last"):
        al.to_dataset(Images(), batch_size=2, augment=[al.RandomFlip()])
    with pytest.raises(al.ArgumentError, match="a DataLoader that makes batches itself"):
        al.to_dataset(data.DataLoader(Images(), batch_size=2), batch_size=2)
