from __future__ import annotations

import threading

import numpy as np
import pytest

import augline as al
from augline.buffers import _KEPT, Buffers


def address(array: np.ndarray) -> int:
    return array.ctypes.data


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 7, 5, 3), (0, 4, 4, 3)])
def test_memory_is_aligned_and_of_the_shape_asked_for(shape, dtype):
    array = Buffers().take(shape, dtype)
    assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
    assert array.size == 0 or address(array) % 64 == 0
    assert array.flags.c_contiguous
    assert array.flags.writeable


def test_what_nobody_holds_is_used_again():
    buffers = Buffers()
    places = set()
    for _ in range(50):
        places.add(address(buffers.take((4, 100, 100, 3), "uint8")))
    assert len(places) == 1


def test_what_is_held_is_not():
    buffers = Buffers()
    held = [buffers.take((4, 100, 100, 3), "uint8") for _ in range(3 * _KEPT)]
    assert len({address(array) for array in held}) == 3 * _KEPT
    assert len(buffers._kept) == _KEPT


HOLDERS = {
    "itself": lambda array: array,
    "a view": lambda array: array[1:, ::2],
    "a view of a view": lambda array: array[1:].reshape(-1)[5:].view(np.int8),
    "a memoryview": memoryview,
    "an iterator": lambda array: iter(array),
    "asarray": np.asarray,
    "frombuffer": lambda array: np.frombuffer(array, np.uint8),
    "dlpack": lambda array: array.__dlpack__(),
    "from_dlpack": np.from_dlpack,
    "ctypes": lambda array: array.ctypes,
}


@pytest.mark.parametrize("how", HOLDERS)
def test_whoever_shares_the_memory_keeps_it(how):
    buffers = Buffers()
    array = buffers.take((4, 100, 100, 3), "uint8")
    place = address(array)
    holder = HOLDERS[how](array)
    del array
    taken = [buffers.take((4, 100, 100, 3), "uint8") for _ in range(_KEPT - 1)]
    assert place not in {address(other) for other in taken}
    del holder, taken
    again = [buffers.take((4, 100, 100, 3), "uint8") for _ in range(_KEPT)]
    assert place in {address(other) for other in again}


def test_batches_held_while_others_come_do_not_change():
    rng = np.random.default_rng(0)
    source = al.Arrays(rng.integers(0, 255, (400, 16, 24, 3), dtype=np.uint8))
    pipe = al.Pipeline(source, [al.RandomFlip(), al.RandomRotation(0.1)], batch_size=4)
    held, copies = [], []
    for batch in pipe:
        held.append(batch[1:3, ::2])  # views: the batches themselves are gone
        copies.append(held[-1].copy())
    for view, copy in zip(held, copies, strict=True):
        np.testing.assert_array_equal(view, copy)


def test_threads_never_get_the_same_memory():
    buffers, clashes = Buffers(), []

    def work(number: int) -> None:
        for _ in range(500):
            mine = buffers.take((50, 40), "uint8")
            mine[:] = number
            if (mine != number).any():
                clashes.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []


def test_memory_of_a_loop_does_not_grow():
    pipe = al.Pipeline(al.Arrays(np.zeros((300, 16, 24, 3), np.uint8)), [al.RandomFlip()], batch_size=4)
    for _ in pipe:
        pass
    assert len(pipe.batches._buffers._kept) <= 5  # the taker's, two ahead, one planned, one being taken over
