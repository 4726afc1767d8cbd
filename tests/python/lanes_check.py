"""Checks what landed through each lane, as three independent readers see it.

Arguments: the project's folder, and a file with what `hygge go --log-format json` said.
"""

import functools
import glob
import hashlib
import json
import pathlib
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from lanes_make import CODECS, KEPT, LANES, LARGE, ROWS, wanted_codec

# What these readers do not know.
POLARS_LACKS = {"decimal76", "map", "text_view", "binary_view", "float16", "null"}
DUCKDB_LACKS = POLARS_LACKS | {f"duration_{unit}" for unit in ("s", "ms", "us", "ns")}
duckdb.execute("set threads = 1")


def files(folder):
    found = sorted(glob.glob(f"{glob.escape(str(folder))}/*.parquet"))
    assert found, f"nothing in {folder}"
    return found


def plain(column):
    """Values in one piece, equal ones alike: without dictionaries and without NaN."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return column.combine_chunks()


def arrow(paths):
    first, *others = (pq.ParquetFile(path).read() for path in paths)
    return pa.concat_tables([first, *(in_form(first.schema, table) for table in others)])


def in_form(schema, table):
    """Equal types in the form they have in `schema`."""
    for at, field in enumerate(schema):
        column = table.column(at)
        if column.type != field.type:
            dictionary = pa.types.is_dictionary(field.type)
            column = column.dictionary_encode() if dictionary else column.cast(field.type)
            table = table.set_column(at, field, column)
    return table


def polars(paths, names):
    return pl.concat([pl.read_parquet(path, columns=names) for path in paths], how="vertical_relaxed")


def duck(paths, names):
    sums = ", ".join(f'count("{name}"), sum(hash("{name}"::varchar))' for name in names)
    return duckdb.execute(f"select count(*), {sums} from read_parquet(?)", [paths]).fetchone()


@functools.cache
def source(folder):
    """What the readers see at the source: columns of pyarrow, of Polars, and sums of DuckDB."""
    paths = files(folder)
    table = arrow(paths)
    names = table.column_names
    return {
        "paths": paths,
        "table": table,
        "columns": [plain(column) for column in table.columns],
        "polars": polars(paths, [name for name in names if name not in POLARS_LACKS]),
        "duckdb": duck(paths, [name for name in names if name not in DUCKDB_LACKS]),
    }


def same_values(old, paths, first):
    table = arrow(paths)
    names = old["table"].column_names
    # By place: the lane may have given them other names.
    renamed = table.column_names[first:first + len(names)]
    for at, name in enumerate(names):
        assert old["columns"][at].equals(plain(table.column(first + at))), f"{name}: pyarrow reads other values"
    known = [new for name, new in zip(names, renamed) if name not in POLARS_LACKS]
    seen = polars(paths, known)
    assert old["polars"].equals(seen.rename(dict(zip(known, old["polars"].columns)))), "Polars reads other values"
    known = [new for name, new in zip(names, renamed) if name not in DUCKDB_LACKS]
    assert old["duckdb"] == duck(paths, known), "DuckDB reads other values"
    return table, renamed


def without_id(field):
    return {key: value for key, value in (field.metadata or {}).items() if key != b"PARQUET:field_id"}


def same_schema(old, table, first, kept):
    schema = old["table"].schema
    for at, field in enumerate(schema):
        new = table.schema.field(first + at)
        assert field.type == new.type and field.nullable == new.nullable, f"{field} has become {new}"
        assert without_id(field) == without_id(new), (field.name, field.metadata, new.metadata)
        if kept:
            assert field.metadata == new.metadata, (field.name, "field id", field.metadata, new.metadata)
    assert (table.schema.metadata or {}).get(b"owner") == b"hygge", table.schema.metadata


def statistics(chunk):
    if not chunk.is_stats_set:
        return None
    said = chunk.statistics
    # As text: not every type can be compared, or read, in every form.
    try:
        bounds = (str(said.min_raw), str(said.max_raw)) if said.has_min_max else None
    except NotImplementedError:
        bounds = "unknown to pyarrow"
    return bounds, said.null_count if said.has_null_count else None


def same_beside(old, paths, first, options, codec, added):
    """What stands beside chunks that were moved: codec, statistics, indexes, order."""
    before = [group for path in old["paths"] for group in groups(path)]
    after = [group for path in paths for group in groups(path)]
    assert [g.num_rows for g in before] == [g.num_rows for g in after], "row groups"
    for one, other in zip(before, after):
        assert other.num_columns == one.num_columns + added
        for at in range(one.num_columns):
            a, b = one.column(at), other.column(first + at)
            name = a.path_in_schema
            assert statistics(a) == statistics(b), (name, statistics(a), statistics(b))
            assert (a.has_offset_index, a.has_column_index) == (b.has_offset_index, b.has_column_index), name
            assert set(a.encodings) == set(b.encodings), name
            assert b.compression.lower() == codec, (name, b.compression)
        expected = [(first + s.column_index, s.descending, s.nulls_first) for s in one.sorting_columns]
        found = [(s.column_index, s.descending, s.nulls_first) for s in other.sorting_columns]
        assert expected == found and bool(expected) == options["sorted"], ("order", expected, found)


def groups(path):
    metadata = pq.ParquetFile(path).metadata
    return [metadata.row_group(i) for i in range(metadata.num_row_groups)]


def prunes(paths, number, text, rows):
    """Filters find the rows they should, and leave out what they can."""
    for low, high in ((0, rows), (rows // 3, rows // 2), (rows - 1, rows), (rows, rows + 5)):
        expected = max(0, min(high, rows) - low)
        between = (ds.field(number) >= low) & (ds.field(number) < high)
        only = pa.schema([(number, pa.int64())])
        assert ds.dataset(paths, schema=only).count_rows(filter=between) == expected
        lazy = pl.concat([pl.scan_parquet(path).select(number) for path in paths])
        lazy = lazy.filter((pl.col(number) >= low) & (pl.col(number) < high))
        assert lazy.select(pl.len()).collect().item() == expected
        query = f'select count(*) from read_parquet(?) where "{number}" >= ? and "{number}" < ?'
        assert duckdb.execute(query, [paths, low, high]).fetchone() == (expected,)
    query = f'select count(*) from read_parquet(?) where "{number}" = ? and "{text}" = ?'
    assert duckdb.execute(query, [paths, 1_234, "t1234"]).fetchone() == (1,)
    assert pl.concat([pl.scan_parquet(path).select(text) for path in paths]).filter(pl.col(text) == "t1234").collect().height == 1
    # No file has rows above its highest, by its statistics alone.
    for path in paths:
        fragment = ds.ParquetFileFormat().make_fragment(path, filesystem=LocalFileSystem())
        assert fragment.split_by_row_group(filter=ds.field(number) >= rows) == []


def excludes(path, column, value):
    """Whether DuckDB finds by bloom filters alone that no row group of a file has a value."""
    query = "select bool_and(bloom_filter_excludes) from parquet_bloom_probe(?, ?, ?)"
    return duckdb.execute(query, [path, column, value]).fetchone()[0]


def blooms(old, paths, number, text):
    """Bloom filters exclude what they excluded at the source, and never what is there."""
    for before, path in zip(old["paths"], paths, strict=True):
        for column, renamed, value in (
            ("required", number, 1_234), ("required", number, 10**9),
            ("large_text", text, "t1234"), ("large_text", text, "nothing of the kind"),
        ):
            assert excludes(before, column, value) == excludes(path, renamed, value), (column, value)
        assert not excludes(path, text, "t1234") and excludes(path, text, "nothing of the kind")


def scanned(paths, where):
    """Row groups that DuckDB looks into for a filter, as its profile says."""
    query = f"explain (analyze, format json) select sum(hash(required)) from read_parquet(?) where {where}"
    (_, said), = duckdb.execute(query, [paths]).fetchall()

    def walk(node):
        return node.get("row_groups_scanned", 0) + sum(map(walk, node.get("children", [])))

    return sum(map(walk, json.loads(said)["operator"]))


def check(root, name, lane, entity, options, said):
    paths = files(root / "lake" / name / entity)
    if name == "incremental":
        # The rows of all of its files, each once.
        old = source(root / "source" / list(SMALL_SOURCES)[0])
    elif lane["source"] == "groups":
        old = source(root / "source" / entity)
    else:
        old = source(root / lane["source"] / entity)
    rows = old["table"].num_rows
    codec = wanted_codec(lane, options)
    expected = lane["how"]
    if lane["codec"] in CODECS.values() and expected is None:
        expected = "copied" if CODECS[options["codec"]] == codec else "recompressed"
    if expected is not None:
        assert said == expected, f"the summary says {said}"
    first = lane["first"]
    table, renamed = same_values(old, paths, first)
    kept = lane["data"] == KEPT
    same_schema(old, table, first, kept)
    if kept:
        same_beside(old, paths, first, options, codec, table.num_columns - len(renamed))
    else:
        # Every reader understands the statistics of floats, too.
        for group in (group for path in paths for group in groups(path)):
            for chunk in (group.column(i) for i in range(group.num_columns)):
                if chunk.path_in_schema in ("float16", "float32", "float64"):
                    assert chunk.statistics.has_min_max, chunk.path_in_schema
    if said == "copied" and name in ("copied", "verified", "large_copied"):
        digests = [[hashlib.sha256(open(p, "rb").read()).digest() for p in x] for x in (old["paths"], paths)]
        assert digests[0] == digests[1], "it is no copy"
    number = renamed[old["table"].column_names.index("required")]
    text = renamed[old["table"].column_names.index("large_text")]
    prunes(paths, number, text, rows)
    if kept and options["bloom"] and name != "large_divided":
        blooms(old, paths, number, text)
    if entity.startswith("large") and number == "required":
        assert (scanned(paths, "required >= 0"), scanned(paths, f"required > {LARGE}")) == (2, 1)
    if name == "constants":
        assert table["source"].unique().to_pylist() == ["shop"] and table["loaded_at"].null_count == 0
    if name == "hashed":
        texts, numbers = old["table"]["text"].to_pylist(), old["table"]["required"].to_pylist()
        hashes = [None if t is None else hashlib.sha256(f"{t}|{n}".encode()).hexdigest() for t, n in zip(texts, numbers)]
        assert table["hash_id"].to_pylist() == hashes


SMALL_SOURCES = LANES["copied"]["sources"]

if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    said = {}
    for line in open(sys.argv[2]):
        event = json.loads(line)
        if event["event"] == "finished":
            assert event["status"] == "success", event
            said[event["flow"], event["entity"]] = event["how"]
    wrong = []
    count = 0
    for name, lane in LANES.items():
        for entity, options in lane["sources"].items():
            count += 1
            try:
                check(root, name, lane, entity, options, said.pop((name, entity)))
            except Exception as error:
                wrong.append(f"{name}, {entity}: {type(error).__name__} {error}"[:2_000])
    assert not said, said
    assert not wrong, f"{len(wrong)} of {count} are wrong:\n" + "\n".join(wrong[:20])
    print(count)
