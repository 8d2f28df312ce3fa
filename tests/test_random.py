"""Philox against its published answers and TensorFlow's kernel; `Draw` against the distributions it promises."""

from __future__ import annotations

import itertools
from typing import Any

import array_api_strict
import numpy as np
import pytest
from scipy import stats

import augline.random as random_module
from augline.errors import ArgumentError
from augline.philox import philox4x32
from augline.random import Draw, Layout, stream_id

IDS = np.arange(50_000)

# Random123's kat_vectors, philox4x32 10: counter, key, answer.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in text.split())


@pytest.mark.parametrize("xp", [np, array_api_strict], ids=["numpy", "strict"])
@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(xp: Any, counter: str, key: str, answer: str) -> None:
    counters = tuple(xp.asarray([c], dtype=xp.uint64) for c in words(counter))
    assert tuple(int(word[0]) for word in philox4x32(xp, counters, words(key))) == words(answer)


def test_philox_equals_tensorflow_kernel() -> None:
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(1)
    for c0, c1, c2, c3, k0, k1 in rng.integers(0, 2**32, (5, 6), dtype=np.uint64).tolist():
        c0 = min(c0, 2**32 - 200)  # the kernel carries into the next word; our blocks count one word only
        kernel = tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[400],
            key=tf.constant([k0 | k1 << 32], tf.uint64),
            counter=tf.constant([c0 | c1 << 32, c2 | c3 << 32], tf.uint64),
            alg=1,
            dtype=tf.uint32,
        )
        blocks = np.arange(c0, c0 + 100, dtype=np.uint64)
        ours = philox4x32(np, (blocks, *(np.asarray([c], np.uint64) for c in (c1, c2, c3))), (k0, k1))
        assert np.array_equal(np.stack(ours, axis=-1).reshape(-1), kernel.numpy())


def ask_everything(draw: Draw) -> list[Any]:
    n = draw.size
    column = draw.xp.asarray(np.linspace(0.5, 2.0, n))
    top = draw.xp.asarray(np.arange(1, n + 1))
    return [
        draw.uniform("scalar", -2.0, 3.0),
        draw.at("A").uniform("shaped", shape=(3, 5)),
        draw.at("A").at("B").uniform("bounds", -column, column, shape=(2,)),
        draw.integers("integers", -5, 10),
        draw.integers("sizes", 0, top, shape=(7,)),
        draw.chance("p", 0.3),
        draw.normal("normal", 1.0, 2.0),
        draw.normal("normals", column, column, shape=(4, 3)),
        draw.permutation("perm", 6),
        draw.permutation("perms", 5, shape=(2,)),
    ]


def test_strict_namespace_gives_the_same_bits() -> None:
    ids = np.asarray([0, 5, 2**31, 2**32 + 1, 2**40 - 1])
    epochs = np.asarray([0, 1, 2, 2**16, 2**24 - 1])
    for epoch in (3, epochs):
        strict_epoch = epoch if isinstance(epoch, int) else array_api_strict.asarray(epoch)
        ours = ask_everything(Draw(2**63 + 9, epoch, ids))
        strict = ask_everything(Draw(2**63 + 9, strict_epoch, array_api_strict.asarray(ids), xp=array_api_strict))
        for a, b in zip(ours, strict, strict=True):
            assert a.tobytes() == np.asarray(b).tobytes()
            assert str(a.dtype) == str(b.dtype).rsplit(".", 1)[-1]


def test_tensorflow_graph_gives_the_same_bits() -> None:
    tf = pytest.importorskip("tensorflow")
    xp = pytest.importorskip("augline.engines.arrays.tensorflow")

    @tf.function
    def graph(epoch: Any, ids: Any) -> Any:
        return ask_everything(Draw(7, epoch, ids, xp=xp))

    ids = np.asarray([3, 2**33, 2**40 - 1])
    results = graph(tf.constant(9, tf.int64), tf.constant(ids, tf.int64))
    for a, b in zip(ask_everything(Draw(7, 9, ids)), results, strict=True):
        assert np.array_equal(a, b.numpy())


def test_counter_key_and_elements_are_laid_out_as_documented() -> None:
    seed, epoch, sample = 0x123456789ABCDEF0, 0xABCDEF, 0x9876543210
    u = Draw(seed, epoch, [3, sample]).at("RandomRotation").uniform("angle", shape=(3, 2))
    low, high = (epoch << 40 | sample) & 0xFFFFFFFF, (epoch << 40 | sample) >> 32
    counter = ([0, 1], [0x350F3B3F], [low], [high])
    blocks = philox4x32(np, tuple(np.asarray(c, np.uint64) for c in counter), (0x9ABCDEF0, 0x12345678))
    assert np.array_equal(u[1].ravel(), (np.stack(blocks, axis=-1).ravel()[:6] >> 8) / 2**24)


def test_normal_of_the_opposite_word_is_the_opposite(monkeypatch: pytest.MonkeyPatch) -> None:
    z = Draw(11, 0, IDS).normal("z")
    monkeypatch.setattr(random_module, "philox4x32", lambda *args: [w ^ 0xFFFFFFFF for w in philox4x32(*args)])
    assert np.array_equal(Draw(11, 0, IDS).normal("z"), -z)


def test_stream_id_is_a_stable_32_bit_hash() -> None:
    assert stream_id("RandomRotation/angle") == 0x350F3B3F
    assert stream_id("RandomRotation/p") != stream_id("RandomRotation/angle")


def test_number_depends_on_its_own_sample_only() -> None:
    whole = ask_everything(Draw(7, 2, range(8)))
    part = ask_everything(Draw(7, 2, [5, 6]))
    for index in (0, 1, 3, 5, 6, 8, 9):  # the draws whose bounds do not follow the batch
        assert np.array_equal(whole[index][5:7], part[index])


def test_number_does_not_depend_on_other_draws() -> None:
    alone = Draw(7, 0, range(4)).at("Flip").uniform("u")
    draw = Draw(7, 0, range(4))
    ask_everything(draw)
    assert np.array_equal(draw.at("Flip").uniform("u"), alone)


def test_longer_shape_begins_with_the_shorter() -> None:
    short, long = (Draw(7, 0, range(3)).uniform("u", shape=(n,)) for n in (3, 11))
    assert np.array_equal(short, long[:, :3])
    assert np.array_equal(short[:, 0], Draw(7, 0, range(3)).uniform("u"))


def test_layout_changes_nothing() -> None:
    plain = ask_everything(first := Draw(7, 1, range(6)))
    layouts = [
        first.layout,
        Layout(tuple(reversed(first.layout.blocks))),
        Layout((("unused", 3), ("A/shaped", 9))),
        Layout((("A/shaped", 1),)),  # fewer blocks than needed
    ]
    for layout in layouts:
        for a, b in zip(plain, ask_everything(Draw(7, 1, range(6), layout=layout)), strict=True):
            assert a.tobytes() == b.tobytes()


def test_layout_makes_one_philox_call(monkeypatch: pytest.MonkeyPatch) -> None:
    ask_everything(first := Draw(7, 0, range(6)))
    calls = spy_on_counters(monkeypatch)
    layout = first.layout
    ask_everything(second := Draw(7, 1, range(6), layout=layout))
    assert len(calls) == 1
    assert second.layout is layout


def test_layout_grows_and_leaves_the_given_one_alone() -> None:
    layout = Layout((("a", 1),))
    draw = Draw(7, 0, [0], layout=layout)
    draw.uniform("a", shape=(9,))
    draw.uniform("b")
    draw.uniform("huge", shape=(64, 64))
    assert layout.blocks == (("a", 1),)
    assert draw.layout.blocks == (("a", 3), ("b", 1))


def spy_on_counters(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    calls: list[np.ndarray] = []

    def spy(xp: Any, counter: Any, key: Any) -> Any:
        calls.append(np.stack(np.broadcast_arrays(*counter), axis=-1).reshape(-1, 4))
        return philox4x32(xp, counter, key)

    monkeypatch.setattr(random_module, "philox4x32", spy)
    return calls


@pytest.mark.parametrize("with_layout", [False, True])
def test_no_counter_serves_two_draws(monkeypatch: pytest.MonkeyPatch, with_layout: bool) -> None:
    ask_everything(first := Draw(7, 0, range(6)))
    calls = spy_on_counters(monkeypatch)
    for epoch in (0, 1):
        ids = [0, 1, 2**32, 2**32 + 1, 2**39, 2**39 + 1]
        ask_everything(Draw(7, epoch, ids, layout=first.layout if with_layout else None))
    counters = np.concatenate(calls)
    assert len(np.unique(counters, axis=0)) == len(counters)


def test_same_name_twice_raises() -> None:
    draw = Draw(7, 0, [0])
    draw.at("Flip").uniform("u")
    draw.at("Crop").uniform("u")
    with pytest.raises(ArgumentError, match=r"Draw\('Flip/u'\).*one draw per batch.*Give one of the two a name="):
        draw.uniform("Flip/u", shape=(2,))


def test_streams_that_collide_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_module, "stream_id", lambda path: 5)
    draw = Draw(7, 0, [0])
    draw.uniform("a")
    with pytest.raises(ArgumentError, match=r"Draw\('b'\).*stream of a. Give one of them a name="):
        draw.uniform("b")


def test_stream_of_the_order_is_taken() -> None:
    with pytest.raises(ArgumentError, match="stream of the order of the samples"):
        Draw(7, 0, [0]).uniform("order")
    Draw(7, 0, [0]).at("Mix").uniform("order")


@pytest.mark.parametrize(
    ("seed", "epoch", "ids", "message"),
    [
        (-1, 0, [0], r"seed must be an int in \[0, 2\*\*64\). Received -1"),
        (2**64, 0, [0], "seed must be"),
        (True, 0, [0], "seed must be"),
        (1.5, 0, [0], "seed must be"),
        (0, -1, [0], r"epoch must be integers in \[0, 16777216\). Received -1"),
        (0, 2**24, [0], "epoch must be"),
        (0, [0, 2**24], [0, 1], "epoch must be .* Received int64 values from 0 to 16777216"),
        (0, 0.0, [0], "epoch must be"),
        (0, 0, [-1], r"Draw\(ids\): sample ids must be"),
        (0, 0, [0, 2**40], "sample ids must be"),
        (0, 0, [0.5], "sample ids must be"),
        (0, 0, [[1, 2]], r"one axis. Received shape \(1, 2\)"),
    ],
)
def test_out_of_range_arguments_raise(seed: Any, epoch: Any, ids: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Draw(seed, epoch, ids)


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 2), (0, 2**32 + 1), (np.asarray([0, 5]), np.asarray([1, 5]))])
def test_empty_or_too_wide_integers_raise(low: Any, high: Any) -> None:
    with pytest.raises(ArgumentError, match=r"Draw.integers\('T/i'\): high - low must be"):
        Draw(0, 0, [0, 1]).at("T").integers("i", low, high)


# The seeds below are fixed, so these tests never flicker; the bounds are those a fresh seed passes too, about five
# standard deviations wide, or p > 1e-4.


def test_uniform_is_uniform() -> None:
    u = Draw(11, 0, IDS).uniform("u")
    assert u.dtype == np.float64
    assert 0 <= u.min() < 1e-4
    assert 1 - 1e-4 < u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    shaped = Draw(11, 0, IDS[:5000]).uniform("s", -3.0, 5.0, shape=(3, 3))
    assert stats.kstest(shaped.ravel(), "uniform", args=(-3.0, 8.0)).pvalue > 1e-4


def test_per_sample_bounds_meet_their_own_sample() -> None:
    low = np.asarray([0.0, 10.0, 20.0])
    values = Draw(1, 0, range(3)).uniform("u", low, low + 1, shape=(4, 2))
    assert np.array_equal(np.floor(values), np.broadcast_to(low[:, None, None], (3, 4, 2)))


def test_integers_are_uniform_and_stay_inside() -> None:
    values = Draw(11, 0, IDS).integers("i", -3, 8)
    assert values.dtype == np.int64
    counts = np.bincount(values + 3, minlength=11)
    assert len(counts) == 11
    assert stats.chisquare(counts).pvalue > 1e-4
    assert Draw(11, 0, IDS).integers("wide", 0, 2**32).max() > 2**32 - 2**20
    sizes = np.arange(1, 50_001)
    assert np.all(Draw(11, 0, IDS).integers("sizes", 0, sizes) < sizes)


@pytest.mark.parametrize("p", [0.0, 0.01, 0.5, 0.9, 1.0])
def test_chance_has_its_probability(p: float) -> None:
    hits = Draw(11, 0, IDS).chance("p", p)
    assert hits.dtype == np.bool_
    assert abs(hits.mean() - p) <= 5 * np.sqrt(p * (1 - p) / len(IDS))


def test_normal_is_normal() -> None:
    z = Draw(11, 0, IDS).normal("z", shape=(4,)).ravel()
    assert stats.kstest(z, "norm").pvalue > 1e-4
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.std() - 1) < 5 / np.sqrt(2 * z.size)
    assert 3.9 < np.abs(z).max() < 4.03
    scaled = Draw(11, 0, IDS).normal("z", 3.0, 0.5, shape=(4,)).ravel()
    assert np.allclose(scaled, 3 + 0.5 * z, rtol=0, atol=1e-15)


def test_normal_table_is_symmetric_with_unit_variance() -> None:
    start, width = random_module._normal_table()
    end = start + width
    assert start.shape == (4096,)
    assert np.array_equal(start, -end[::-1])
    assert np.sum(start**2 + start * end + end**2) / (3 * 4096) == pytest.approx(1, abs=1e-7)
    knots = np.arange(1, 4096) / 4096
    assert np.allclose(start[1:], stats.norm.ppf(knots), rtol=0, atol=2**-24)
    assert np.array_equal(np.round(start * 2**24), start * 2**24)


def test_permutations_are_all_alike() -> None:
    orders = Draw(11, 0, IDS).permutation("perm", 4)
    assert orders.dtype == np.int64
    assert np.array_equal(np.sort(orders, axis=-1), np.broadcast_to(np.arange(4), (len(IDS), 4)))
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-4


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(abs(np.corrcoef(a, b)[0, 1]))


def test_names_epochs_seeds_ids_and_elements_are_independent() -> None:
    bound = 5 / np.sqrt(len(IDS))
    draws = {
        "base": Draw(11, 0, IDS).uniform("u", shape=(6,))[:, 0],
        "element": Draw(11, 0, IDS).uniform("u", shape=(6,))[:, 1],
        "block": Draw(11, 0, IDS).uniform("u", shape=(6,))[:, 4],
        "name": Draw(11, 0, IDS).uniform("v"),
        "path": Draw(11, 0, IDS).at("u").uniform("u"),
        "epoch": Draw(11, 1, IDS).uniform("u"),
        "epochs": Draw(11, IDS + 2, IDS).uniform("u"),
        "seed": Draw(12, 0, IDS).uniform("u"),
        "high seed": Draw(11 + 2**32, 0, IDS).uniform("u"),
        "next id": Draw(11, 0, IDS + 1).uniform("u"),
        "high id": Draw(11, 0, IDS + 2**32).uniform("u"),
    }
    for (name, a), (other, b) in itertools.combinations(draws.items(), 2):
        assert correlation(a, b) < bound, (name, other)
