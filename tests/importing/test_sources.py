"""Containers, told by their content: what rows they give, and what becomes of broken and hostile ones."""

import csv
import gzip
import io
import json
import os
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotate.importing import limits, sources, texts
from annotate.importing.problems import Unreadable
from annotate.kinds import Problem

ROWS = [
    {"instruction": 'Say "hi" {to} [them], \\ and ünïcödé \u2028', "tags": ["a", "b"]},
    {"instruction": "Two\nlines", "input": "x"},
    {"instruction": "Braces } in ] text {", "meta": {"deep": {"deeper": [1, {"a": "}"}]}}},
]


def as_json_lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_json_list(rows, **options):
    return json.dumps(rows, ensure_ascii=False, **options).encode()


def as_parquet(rows, **options):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, **options)
    return out.getvalue()


def as_csv(names, rows, **options):
    out = io.StringIO()
    writer = csv.writer(out, **options)
    writer.writerows([names, *rows])
    return out.getvalue().encode()


def rows_of(data, skip=0):
    """What a file gives: (number, row or Problem) pairs."""
    return [
        (number, row if isinstance(row, Problem) else json.loads(row))
        for number, row in sources.read(io.BytesIO(data), skip).rows
    ]


CONTAINERS = {
    "json lines": (as_json_lines(ROWS), [1, 2, 3]),
    "json lines, BOM and CRLF": (b"\xef\xbb\xbf" + as_json_lines(ROWS).replace(b"\n", b"\r\n"), [1, 2, 3]),
    "json lines, no newline at the end": (as_json_lines(ROWS).rstrip(), [1, 2, 3]),
    "json list in one line": (as_json_list(ROWS), [1, 2, 3]),
    "json list, indented": (as_json_list(ROWS, indent=2), [1, 2, 3]),
    "json list, gzipped": (gzip.compress(as_json_list(ROWS)), [1, 2, 3]),
    "json lines, gzipped in two members": (
        gzip.compress(as_json_lines(ROWS[:1])) + gzip.compress(as_json_lines(ROWS[1:])),
        [1, 2, 3],
    ),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_gives_its_rows_and_their_numbers(name):
    data, numbers = CONTAINERS[name]
    assert rows_of(data) == list(zip(numbers, ROWS, strict=True))
    assert rows_of(data, skip=2) == [(numbers[2], ROWS[2])]


WRAPS = [
    '{"data": %s}',
    '{"object": "list", "total": 3, "data": %s, "has_more": false, "next": {"a": [{"b": "]}"}]}}\n',
    '\n{"meta": {"page": 1, "next": null}, "runs": %s}',
]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_in_an_object_is_read_as_the_list(wrap, indent, monkeypatch):
    data = (wrap % json.dumps(ROWS, indent=indent)).encode()
    for size in (100, 101, 102, 103, 150, limits.MB):
        monkeypatch.setattr(limits, "CHUNK", size)
        assert rows_of(data) == rows_of(gzip.compress(data)) == list(enumerate(ROWS, 1))


def test_rows_in_lines_may_begin_with_a_list_too():
    rows = [{"data": [{"a": 1}]}, {"data": [{"b": 2}]}]
    assert rows_of(as_json_lines(rows)) == list(enumerate(rows, 1))


def test_blank_lines_are_no_rows_but_are_counted_as_lines():
    assert [number for number, _ in rows_of(b'\n\n{"instruction": "a"}\n  \n{"instruction": "b"}\n')] == [3, 5]


@pytest.mark.parametrize("size", range(1, 40))
def test_where_a_chunk_ends_makes_no_difference(size, monkeypatch):
    monkeypatch.setattr(limits, "CHUNK", size)
    for data in (as_json_list(ROWS, indent=1), as_json_lines(ROWS)):
        assert rows_of(data) == list(enumerate(ROWS, 1))


def test_parquet_gives_rows_without_what_is_null():
    data = as_parquet([{"instruction": "a", "input": None, "n": 1}, {"instruction": "b", "input": "c", "n": None}])
    assert rows_of(data) == [(1, {"instruction": "a", "n": 1}), (2, {"instruction": "b", "input": "c"})]
    assert rows_of(data, skip=1) == [(2, {"instruction": "b", "input": "c"})]


def test_parquet_nested_columns_come_as_json():
    row = {"messages": [{"role": "user", "content": "hi"}], "tags": ["a"], "meta": {"x": 1.5}}
    assert rows_of(as_parquet([row])) == [(1, row)]


def test_parquet_text_that_is_not_utf8_spoils_only_its_row():
    column = pa.array([b"good", b"\xff\xfe", b"also good"], pa.binary()).view(pa.string())
    out = io.BytesIO()
    pq.write_table(pa.table({"instruction": column}), out)
    (_, first), (number, second), (_, third) = rows_of(out.getvalue())
    assert first == {"instruction": "good"} and third == {"instruction": "also good"}
    assert number == 2 and "UTF-8" in second.reason


def test_parquet_is_skipped_into_across_batches(monkeypatch):
    monkeypatch.setattr("annotate.importing.parquet.ROWS", 7)
    rows = [{"instruction": f"i{n}"} for n in range(50)]
    data = as_parquet(rows, row_group_size=11)
    for skip in (0, 7, 22, 50):
        assert rows_of(data, skip) == list(enumerate(rows, 1))[skip:]


def test_progress_runs_to_one():
    for data in (as_json_lines(ROWS * 5), gzip.compress(as_json_lines(ROWS * 5)), as_parquet([{"instruction": "a"}])):
        source = sources.read(io.BytesIO(data))
        list(source.rows)
        assert source.progress() == 1.0


# --- CSV -------------------------------------------------------------------------------------------------------------


def test_csv_numbers_rows_by_their_first_line_and_keeps_newlines_in_cells():
    data = as_csv(["instruction", "input"], [["a", "one\ntwo"], ["b", ""], ["c", 'say "x"']])
    assert rows_of(data) == [
        (2, {"instruction": "a", "input": "one\ntwo"}),
        (4, {"instruction": "b"}),
        (5, {"instruction": "c", "input": 'say "x"'}),
    ]
    assert rows_of(data, skip=2) == [(5, {"instruction": "c", "input": 'say "x"'})]


@pytest.mark.parametrize("separator", ",;\t")
def test_csv_by_any_usual_separator(separator):
    data = as_csv(["instruction", "source"], [["a, b; c", "x"]], delimiter=separator)
    assert rows_of(data) == [(2, {"instruction": "a, b; c", "source": "x"})]


def test_csv_cells_of_structured_columns_hold_json():
    row = {
        "messages": [{"role": "user", "content": "hi"}],
        "meta": {"a": 1},
        "priority": 3,
        "tags": ["x", "y"],
        "prompt": [{"role": "user", "content": "q"}],
    }
    data = as_csv(row, [[json.dumps(value) for value in row.values()]])
    assert rows_of(data) == [(2, row)]


def test_csv_tags_may_be_separated_by_commas_and_plain_text_stays_text():
    data = as_csv(["instruction", "tags", "chosen"], [["a", "x, y", "[not json"]])
    assert rows_of(data) == [(2, {"instruction": "a", "tags": ["x", "y"], "chosen": "[not json"})]


def test_csv_numbered_columns_make_responses():
    data = as_csv(["instruction", "response_1", "model_1", "response_2"], [["a", "one", "m", "two"]])
    assert rows_of(data) == [(2, {"instruction": "a", "responses": [{"text": "one", "model": "m"}, {"text": "two"}]})]


def test_csv_refuses_single_rows_and_goes_on():
    data = b'instruction,meta\ngood,\nthree,cells,here\nx,"{not json"\n"quote"d,y\n\xff\xfe,\nlast,\n'
    found = dict(rows_of(data))
    assert found[2] == {"instruction": "good"} and found[7] == {"instruction": "last"}
    assert {number: (one.field, one.reason.split(":")[0]) for number, one in found.items() if number not in (2, 7)} == {
        3: ("row", "has 3 cells, the first line names 2 columns"),
        4: ("meta", "must be JSON"),
        5: ("row", "is not CSV"),
        6: ("row", "is not UTF-8 text"),
    }


def test_csv_ends_with_an_open_quote():
    (first, second) = rows_of(b'instruction\ngood\n"open\nand on\n')
    assert first == (2, {"instruction": "good"})
    assert second[0] == 3 and "is not CSV" in second[1].reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_lines_end_as_in_any_system_wherever_a_chunk_ends(end, monkeypatch):
    data = f'instruction,input{end}a,"one{end}two"{end}b,{end}c,d'.encode()
    for size in (4, 5, 6, 7, 18, 19, 100):
        monkeypatch.setattr(limits, "CHUNK", size)
        assert rows_of(data) == [
            (2, {"instruction": "a", "input": f"one{end}two"}),
            (4, {"instruction": "b"}),
            (5, {"instruction": "c", "input": "d"}),
        ]


def test_a_csv_header_may_be_quoted_over_lines():
    assert rows_of(b'"the\ninstruction",b\n1,2\n') == [(3, {"the\ninstruction": "1", "b": "2"})]


@pytest.mark.parametrize("header", [b"instruction,instruction\na,b\n", b"instruction,\na,b\n"])
def test_csv_must_name_its_columns(header):
    with pytest.raises(Unreadable, match="first line must name every column once"):
        rows_of(header)


# --- Broken files ----------------------------------------------------------------------------------------------------

BROKEN = {
    "empty": (b"  \n\n ", "empty"),
    "a zip archive": (b"PK\x03\x04rest", "zip archive"),
    "UTF-16": ('{"instruction": "a"}'.encode("utf-16"), "neither UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "neither UTF-8"),
    "gzip cut short": (gzip.compress(as_json_lines(ROWS * 100))[:-20], "damaged or cut short"),
    "gzip of noise": (b"\x1f\x8b" + os.urandom(100), "damaged or cut short"),
    "Parquet cut short": (as_parquet([{"instruction": "a"}])[:-30], "damaged or cut short"),
    "Parquet by its first bytes only": (b"PAR1" + os.urandom(50), "damaged or cut short"),
    "Parquet footer of noise": (
        b"PAR1" + os.urandom(64) + (40).to_bytes(4, "little") + b"PAR1",
        "damaged or cut short",
    ),
    "Parquet that lies about its footer": (b"PAR1" + (2**31).to_bytes(4, "little") + b"PAR1", "damaged or cut short"),
    "CSV whose header never ends": (b'instruction,"b\n1,2\n', "must name the columns, is not CSV"),
    "CSV whose header is no text": (b"\xff,\xff\n1,2\n", "must name the columns, is not UTF-8"),
    "CSV without a header": ("\u00a0\n".encode(), "empty"),
    "one object": (json.dumps({"meta": {"deep": {}}, "rows": ROWS}, indent=1).encode(), "This is one JSON object"),
    "a list in an object cut short": (b'{"data": [{"a": 1}]', "broken after row 1"),
    "a list in an object cut shorter": (b'{"data": [{"a": 1}], "next": ', "broken after row 1"),
    "a list in an object with numbers": (b'{"data": [{"a": 1}, 2, {"b": 2}]}', "broken after row 1"),
    "a list cut short": (as_json_list(ROWS)[:-1], "broken after row 3"),
    "a list with a comma missing": (b'[{"a": 1} {"b": 2}]', "broken after row 1"),
    "a list with a comma too many": (b'[{"a": 1},]', "broken after row 1"),
    "a list of numbers": (b"[1, 2, 3]", "broken after row 0"),
    "a list of lists": (b"[[1], [2]]", "broken after row 0"),
    "a list that closes too often": (b'[{"a": 1}}, {"b": 2}]', "broken after row 1"),
    "something after the list": (b'[{"a": 1}] x', "broken after row 1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_given_up_with_a_reason(name):
    data, reason = BROKEN[name]
    with pytest.raises(Unreadable, match=reason):
        rows_of(data)


def test_an_empty_list_has_no_rows():
    assert rows_of(b" [ ] ") == []


def test_a_bad_object_in_a_list_spoils_only_itself():
    found = [row for _, row in sources.read(io.BytesIO(b'[{"a": 1}, {"b": NaN, }, {"c": 3}]')).rows]
    assert found == [b'{"a": 1}', b'{"b": NaN, }', b'{"c": 3}']


# --- Hostile files ---------------------------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """A file of `size` bytes that repeats `piece` after `head`, made while it is read."""

    def __init__(self, head, piece, size):
        self.head, self.piece, self.size, self.at = head, piece * (2 * limits.MB // len(piece)), size, 0

    def readable(self):
        return True

    def seek(self, place, whence=os.SEEK_SET):
        self.at = place + (self.size if whence == os.SEEK_END else 0)
        return self.at

    def read(self, count=-1):
        count = max(0, min(count, self.size - self.at))
        start, self.at = self.at, self.at + count
        return (self.head[start:] + self.piece)[:count] if start < len(self.head) else self.piece[:count]


def exhausted(file):
    """Read it all; what was given up or refused, the seconds it took, and the megabytes that were held."""
    usual = pa.default_memory_pool()
    arrow = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(arrow)
    tracemalloc.start()
    begin = time.monotonic()
    try:
        refused = [row.reason for _, row in sources.read(file).rows if isinstance(row, Problem)]
    except Unreadable as error:
        refused = [str(error)]
    finally:
        peak = tracemalloc.get_traced_memory()[1] + arrow.max_memory()
        tracemalloc.stop()
        pa.set_memory_pool(usual)
    return refused, time.monotonic() - begin, peak / limits.MB


#: What is made only when its own test wants it: some of it is large.
HOSTILE: dict[str, tuple[Callable[[], Any], str]] = {
    "one line of 1 GB": (lambda: Endless(b'{"instruction": "', b"x", limits.GB), "is longer than 8 MB"),
    "a list with one object of 1 GB": (
        lambda: Endless(b'[{"instruction": "', b"x", limits.GB),
        "Row 1 of the list is longer",
    ),
    "a list of 1 GB of brackets": (lambda: Endless(b"[", b"[", limits.GB), "Row 1 of the list is longer"),
    "a CSV cell of 1 GB": (
        lambda: Endless(b'instruction\n"', b"%s\n" % (b"x" * 100), limits.GB),
        "Is a quote opened and not closed",
    ),
    "a CSV line of 1 GB": (lambda: Endless(b"instruction\n", b"x,", limits.GB), "a row is too long"),
    "a CSV header of a million columns": (
        lambda: io.BytesIO(",".join(f"c{n}" for n in range(1_000_000)).encode()),
        "more than 1000 columns",
    ),
    "a gzip file of empty members": (lambda: io.BytesIO(gzip.compress(b"") * 1_500_000), "too many tiny parts"),
    "a gzip bomb": (lambda: io.BytesIO(gzip.compress(bytes(100 * limits.MB))), "more than 100 times as large"),
    "a gzip bomb of good rows": (
        lambda: io.BytesIO(gzip.compress(b'{"instruction": "a"}\n' * 5_000_000, 9)),
        "more than 100 times as large",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_soon_and_in_little_memory(name):
    make, reason = HOSTILE[name]
    refused, seconds, peak = exhausted(make())
    assert len(refused) == 1 and reason in refused[0]
    assert seconds < 10
    assert peak < 100


def bomb(path, value, rows, **options):
    """A Parquet file of one column in which every row has the same value: ten groups of `rows` rows."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value]))
    with pq.ParquetWriter(path, pa.schema([("instruction", column.type)]), **options) as writer:
        for _ in range(10):
            writer.write_table(pa.table({"instruction": column}), row_group_size=rows)
    return path


@pytest.mark.parametrize("written_as", ["strings", "categories"])
@pytest.mark.parametrize(("length", "rows"), [(1_000, 2_000_000), (5_000_000, 200)])
def test_a_parquet_bomb_is_refused_soon_and_in_little_memory(tmp_path, length, rows, written_as):
    path = bomb(tmp_path / "bomb.parquet", "x" * length, rows, store_schema=written_as == "categories")
    assert path.stat().st_size < 3 * limits.MB
    with path.open("rb") as file:
        refused, seconds, peak = exhausted(file)
    assert len(refused) == 1 and "more than 100 times as large" in refused[0]
    assert seconds < 10
    assert peak < 250


def test_a_parquet_bomb_of_numbers_in_lists(tmp_path):
    path = tmp_path / "bomb.parquet"
    lists = pa.FixedSizeListArray.from_arrays(pa.array([0] * 20_000_000, pa.int8()), 1_000)
    pq.write_table(pa.table({"meta": lists.cast(pa.list_(pa.int8()))}), path)
    with path.open("rb") as file:
        refused, seconds, _peak = exhausted(file)
    assert len(refused) == 1 and "more than 100 times as large" in refused[0]
    assert seconds < 10


def lying(path, table, **options):
    """A Parquet file whose footer says that its first column is small."""
    pq.write_table(table, path, use_dictionary=False, write_statistics=False, **options)
    data, size = path.read_bytes(), pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    footer = data[start:-8].replace(varint(size), varint(900, len(varint(size))))
    path.write_bytes(data[:start] + footer + data[-8:])
    assert pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size == 900


def varint(number, least=1):
    """A number as Thrift writes it, in at least so many bytes."""
    out: list[int] = []
    number *= 2
    while number or len(out) < least:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out[:-1], out[-1] & 127])


def hostile_parquet(path, name):
    if name == "a footer that lies":
        lying(path, pa.table({"instruction": ["x" * 250_000_000]}), compression="zstd")
    elif name == "a list of one large string":
        strings = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 1_000_000]))
        table = pa.table({"tags": pa.ListArray.from_arrays(pa.array([0, 100_000], pa.int32()), strings)})
        pq.write_table(table, path, store_schema=False)
    else:
        noise = [os.urandom(200_000).hex() for _ in range(16)]
        table = pa.table({"a": pa.array(["x" * 18_000_000] * 16), "b": noise})
        pq.write_table(table, path, compression="zstd", use_dictionary=False)


@pytest.mark.parametrize("name", ["a footer that lies", "a list of one large string", "rows that are large together"])
def test_parquet_is_unpacked_where_memory_is_bounded(tmp_path, name):
    path = tmp_path / "hostile.parquet"
    hostile_parquet(path, name)
    with path.open("rb") as file:
        refused, seconds, peak = exhausted(file)
        assert len(refused) == 1 and "too much time or memory" in refused[0]
        assert seconds < 10 and peak < 10
        with pytest.raises(Unreadable, match="too much time or memory"):
            sources.first(file, 20)


def test_rows_of_the_largest_size_are_read_from_parquet():
    rows = [{"instruction": os.urandom(limits.MOST_ROW_BYTES // 2 - 100).hex()} for _ in range(8)]
    data = as_parquet(rows, compression="none")
    assert [row for _, row in rows_of(data)] == rows
    assert sources.first(io.BytesIO(data), 1) == [(1, json.dumps(rows[0], separators=(",", ":")).encode())]


def test_parquet_categories_are_text():
    table = pa.table({"instruction": ["a", "b", "a"], "category": pa.array(["x", "y", "x"]).dictionary_encode()})
    out = io.BytesIO()
    pq.write_table(table, out)
    assert [row for _, row in rows_of(out.getvalue())] == table.to_pylist()


def test_parquet_with_too_many_columns():
    table = pa.table({f"c{n}": ["x"] for n in range(1_001)})
    out = io.BytesIO()
    pq.write_table(table, out)
    with pytest.raises(Unreadable, match="more than 1000 columns"):
        rows_of(out.getvalue())


@pytest.mark.parametrize(
    "column",
    [
        pa.array([{"bytes": b"x"}]),
        pa.array([b"x"]),
        pa.array([["x"]], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    ],
    ids=["bytes in an object", "bytes", "categories in a list"],
)
def test_parquet_with_a_column_that_is_no_text(column):
    out = io.BytesIO()
    pq.write_table(pa.table({"instruction": ["a"], "odd": column}), out)
    with pytest.raises(Unreadable, match="Column “odd” can't be imported"):
        rows_of(out.getvalue())


def test_a_parquet_row_that_is_too_long_spoils_only_itself(monkeypatch):
    monkeypatch.setattr(limits, "MOST_ROW_BYTES", 1_000)
    found = rows_of(as_parquet([{"instruction": "a"}, {"instruction": "b" * 2_000}, {"instruction": "c"}]))
    assert [number for number, row in found if isinstance(row, Problem)] == [2]


def test_lines_at_the_limit_pass_and_longer_ones_do_not(monkeypatch):
    monkeypatch.setattr(limits, "MOST_ROW_BYTES", 100)
    monkeypatch.setattr(limits, "CHUNK", 64)
    fits, longer = b'{"a":"' + b"x" * 92 + b'"}', b'{"a":"' + b"x" * 93 + b'"}'
    found = [type(row) for _, row in sources.read(io.BytesIO(b"\n".join([fits, longer, fits]))).rows]
    assert found == [bytes, Problem, bytes]


def test_lines_are_split_without_holding_them():
    chunks = iter([b"a\nb", b"b\n", b"\nc"])
    assert list(texts.lines(chunks)) == [(1, b"a"), (2, b"bb"), (3, b""), (4, b"c")]
