"""Compares two folders that hold every type, as three independent readers see them."""

import glob
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

a, b = (sorted(glob.glob(f"{glob.escape(folder)}/*.parquet")) for folder in sys.argv[1:3])
assert a and b, (a, b)


def plain(column):
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


left, right = (pa.concat_tables([pq.ParquetFile(f).read() for f in files]) for files in (a, b))
for old, new in zip(left.schema, right.schema, strict=True):
    assert old.equals(new, check_metadata=False), f"{old} has become {new}"
    metadata = {k: v for k, v in (new.metadata or {}).items() if k != b"PARQUET:field_id"}
    assert metadata == {k: v for k, v in old.metadata.items() if k != b"PARQUET:field_id"}, (old.name, metadata)
assert right.schema.metadata.get(b"owner") == b"hygge", right.schema.metadata
for name in left.column_names:
    old, new = plain(left[name]).combine_chunks(), plain(right[name]).combine_chunks()
    if pa.types.is_floating(old.type):
        old, new = (pc.fill_null(pc.if_else(pc.is_nan(x), None, x), -1) for x in (old, new))
    assert old.equals(new), f"{name}: pyarrow reads different values"

# Statistics still rule out what they should, and no more.
for low in (0, 1_000, 2_999):
    only = pa.schema([("required", pa.int64())])
    rows = [ds.dataset(files, schema=only).count_rows(filter=ds.field("required") >= low) for files in (a, b)]
    assert rows == [3_000 - low] * 2, rows

# Polars and DuckDB do not know every type; what they know, they must see alike.
known = [f.name for f in left.schema if not pa.types.is_decimal256(f.type) and f.name not in ("map", "text_view", "binary_view", "float16", "null")]
for name in known:
    old, new = (pl.concat([pl.read_parquet(f, columns=[name]) for f in files]) for files in (a, b))
    assert old.equals(new), f"{name}: Polars reads different values"
for name in [n for n in known if not n.startswith("duration")]:
    query = f'select count(*), count("{name}"), sum(hash("{name}"::varchar)) from read_parquet(?)'
    old, new = (duckdb.execute(query, [files]).fetchone() for files in (a, b))
    assert old == new, f"{name}: DuckDB reads different values: {old} and {new}"
rows = [duckdb.execute("select count(*) from read_parquet(?) where required between 700 and 1900", [f]).fetchone() for f in (a, b)]
assert rows == [(1_201,)] * 2, rows
