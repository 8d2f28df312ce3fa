"""Dataframes and CSV files."""

from __future__ import annotations

import importlib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from augline.errors import ArgumentError, SourceError, SpecError
from augline.sources import Table, from_config

COLUMNS = {
    "file": ["c.png", "a.png", "b.png"],
    "kind": ["dog", "cat", "dog"],
    "code": [2, 0, 2],
    "age": [1.5, 2.0, 7.25],
    "wings": [0, 1, 1],
    "fur": [1, 0, 1],
    "tags": ["red|big", "", "big"],
    "weight": [1.0, 0.5, 2.0],
}


@pytest.fixture(params=["pandas", "polars", "pyarrow", "csv", "parquet"])
def table(request, write, tmp_path: Path):
    """The same table in five forms, beside its images."""
    write(*COLUMNS["file"])
    if request.param == "csv":
        lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in zip(*COLUMNS.values(), strict=True))]
        (tmp_path / "photos.csv").write_text("\n".join(lines) + "\n")
        return tmp_path / "photos.csv"
    if request.param == "parquet":
        pytest.importorskip("polars").DataFrame(COLUMNS).write_parquet(tmp_path / "photos.parquet")
        return tmp_path / "photos.parquet"
    module = pytest.importorskip(request.param)
    return module.table(COLUMNS) if request.param == "pyarrow" else module.DataFrame(COLUMNS)


def test_classes(table, tmp_path: Path) -> None:
    source = Table(table, image="file", label="kind", root=tmp_path, weight="weight")
    assert source.class_names == ("cat", "dog")
    assert [Path(path).name for path in source.paths] == COLUMNS["file"]
    np.testing.assert_array_equal(source.targets.labels, [1, 0, 1])
    np.testing.assert_array_equal(source.targets.weights, np.float32([1, 0.5, 2]))
    assert repr(source).endswith(", 3 images, 2 classes)")
    assert source.read(0)[:4] == b"\x89PNG"


def test_integers_are_class_indices(table, tmp_path: Path) -> None:
    labels = Table(table, image="file", label="code", root=tmp_path).targets.labels
    np.testing.assert_array_equal(labels, [2, 0, 2])
    assert labels.dtype == np.int32


def test_floats_are_a_regression(table, tmp_path: Path) -> None:
    for task in (None, "regression"):
        labels = Table(table, image="file", label="age", root=tmp_path, task=task).targets.labels
        np.testing.assert_array_equal(labels, np.float32([1.5, 2, 7.25]))
    codes = Table(table, image="file", label="code", root=tmp_path, task="regression").targets.labels
    assert codes.dtype == np.float32


def test_several_outputs(table, tmp_path: Path) -> None:
    labels = Table(table, image="file", label=["age", "fur"], root=tmp_path).targets.labels
    np.testing.assert_array_equal(labels, np.float32([[1.5, 1], [2, 0], [7.25, 1]]))


def test_columns_of_zeros_and_ones(table, tmp_path: Path) -> None:
    source = Table(table, image="file", label=["wings", "fur"], root=tmp_path, task="multilabel")
    np.testing.assert_array_equal(source.targets.labels, [[0, 1], [1, 0], [1, 1]])
    assert source.class_names == ("wings", "fur")
    with pytest.raises(ArgumentError, match=r"zeros and ones\. Received 2\.0\. Correct"):
        Table(table, image="file", label=["code", "fur"], root=tmp_path, task="multilabel")


def test_strings_of_labels(table, tmp_path: Path) -> None:
    source = Table(table, image="file", label="tags", root=tmp_path, task="multilabel")
    assert source.class_names == ("big", "red")
    np.testing.assert_array_equal(source.targets.labels, [[1, 1], [0, 0], [1, 0]])
    assert source.targets.labels.dtype == np.float32


def test_lists_of_labels(write, tmp_path: Path) -> None:
    write("a.png", "b.png")
    for module in ("pandas", "polars"):
        frame = importlib.import_module(module).DataFrame({"file": ["a.png", "b.png"], "tags": [["x", "y"], []]})
        source = Table(frame, image="file", label="tags", root=tmp_path, task="multilabel")
        np.testing.assert_array_equal(source.targets.labels, [[1, 1], [0, 0]])
        with pytest.raises(ArgumentError, match=r"one label per row\. Received lists\. Pass task='multilabel'"):
            Table(frame, image="file", label="tags", root=tmp_path)


class TestErrors:
    def test_no_such_column(self, table, tmp_path: Path) -> None:
        with pytest.raises(
            ArgumentError, match=r"Received 'knd'\. Did you mean 'kind'\? The columns are 'file', 'kind', "
        ):
            Table(table, image="file", label="knd", root=tmp_path)

    def test_missing_files(self, table, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="Received 3 of 3 that do not"):
            Table(table, image="file", root=tmp_path / "elsewhere")

    @pytest.mark.parametrize("module", ["pandas", "polars"])
    @pytest.mark.parametrize("values", [["a", None], [1.0, None], [1.0, float("nan")]])
    def test_nulls(self, write, tmp_path: Path, module: str, values) -> None:
        write("a.png", "b.png")
        frame = importlib.import_module(module).DataFrame({"file": ["a.png", "b.png"], "y": values})
        with pytest.raises(ArgumentError, match=r"column 'y' must have a value.*Received nothing in row 1 .*\. Fill"):
            Table(frame, image="file", label="y", root=tmp_path)

    def test_pandas_na(self, write, tmp_path: Path) -> None:
        pandas = pytest.importorskip("pandas")
        write("a.png", "b.png")
        frame = pandas.DataFrame({"file": ["a.png", "b.png"], "y": pandas.array([1, None], "Int64")})
        with pytest.raises(ArgumentError, match="nothing in row 1"):
            Table(frame, image="file", label="y", root=tmp_path)

    def test_no_dataframe(self) -> None:
        with pytest.raises(ArgumentError, match=r"a dataframe, or the path of a CSV or .*\. Received int\. Pass"):
            Table(3, image="file")

    def test_two_columns_of_one_name_and_none_at_all(self, tmp_path: Path) -> None:
        frame = pytest.importorskip("pandas").DataFrame([["a.png", 1, 2]], columns=["file", "kind", "kind"])
        (tmp_path / "twice.csv").write_text("file,kind,kind\na.png,1,2\n")
        for table in (frame, tmp_path / "twice.csv"):
            with pytest.raises(ArgumentError, match=r"'kind'.* 2.*Rename or drop"):
                Table(table, image="file", label="kind")
        with pytest.raises(ArgumentError, match=r"label must name columns\. Received label=\[\]"):
            Table(frame, image="file", label=[])

    def test_a_lazy_frame(self) -> None:
        polars = pytest.importorskip("polars")
        with pytest.raises(ArgumentError, match=r"Received LazyFrame\. .*collect"):
            Table(polars.LazyFrame(COLUMNS), image="file")

    def test_words_for_a_regression(self, table, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match=r"column 'kind' must hold numbers"):
            Table(table, image="file", label="kind", root=tmp_path, task="regression")

    def test_unknown_task(self, table) -> None:
        with pytest.raises(
            ArgumentError, match=r"task must be one of .*Received task='regresion'\. Did you mean 'regression'"
        ):
            Table(table, image="file", label="age", task="regresion")


class TestCsv:
    def write_csv(self, tmp_path: Path, text: str) -> Path:
        path = tmp_path / "photos.csv"
        path.write_text(text)
        return path

    def test_paths_start_from_the_file(self, write, tmp_path: Path) -> None:
        write("0012", "deep/b.png")
        source = Table(self.write_csv(tmp_path, "file\n0012\ndeep/b.png\n"), image="file")
        assert source.paths == [str(tmp_path / "0012"), str(tmp_path / "deep" / "b.png")]
        assert source.targets.take([0]) == {}

    def test_numeric_only_where_all_are(self, write, tmp_path: Path) -> None:
        write("1", "2")
        source = Table(self.write_csv(tmp_path, "\ufefffile,y\n1,7\n2,b\n"), image="file", label="y")
        assert source.class_names == ("7", "b")

    def test_config(self, write, tmp_path: Path) -> None:
        write("1", "2")
        source = Table(self.write_csv(tmp_path, "file,y\n1,b\n2,a\n"), image="file", label="y")
        again = from_config(source.config())
        assert (again.paths, again.class_names, again.config()) == (source.paths, ("a", "b"), source.config())

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "header line"),
            ("file,y\n", "there must be rows"),
            ("file,y\na\n", r"Received 1 values in row 0 .*for 2 columns"),
            ("file,y\na,\n", r"nothing in row 0"),
            ("file,y\na,1.5\nb, N/A\n", r"nothing in row 1"),
            ("file,y\na\0,1\n", r"CSV, in UTF-8, or Parquet\. Received one that begins with b'file,y"),
            ("PAR1file,y\n", r"the Parquet file must be readable"),
            ("file;y\na;1,5\n", r"separated by commas\. Received 'file;y'\. Pass .*sep=';'"),
        ],
    )
    def test_damaged(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises((ArgumentError, SourceError), match=rf"^Table\('.*photos\.csv'\): .*{words}"):
            Table(self.write_csv(tmp_path, text), image="file", label="y")

    def test_missing(self) -> None:
        with pytest.raises(SourceError, match=r"readable\. Received .*No such file"):
            Table("nowhere.csv", image="file")


def test_a_dataframe_has_no_config(write, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    write("a.png")
    with pytest.raises(SpecError, match="a dataframe cannot be written"):
        Table(pandas.DataFrame({"file": ["a.png"]}), image="file", root=tmp_path).config()


def test_a_large_file_takes_little_more_than_itself(tmp_path) -> None:
    """Rows, text and labels were once held whole, as Python objects and at 4 bytes a character."""
    (tmp_path / "a.png").touch()
    label, other = "a label of some length " * 8, "a column that nobody asked for " * 8
    path = tmp_path / "many.csv"
    path.write_text("file,label,other\n" + f"a.png,{label},{other}\n" * 20_000)
    tracemalloc.start()
    source = Table(path, image="file", label="label")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(source) == 20_000
    assert source.class_names == (label,)
    assert peak < 3 * path.stat().st_size
