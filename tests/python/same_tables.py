"""Compares two folders of Parquet files as three independent readers see them."""

import glob
import os
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

a, b = sys.argv[1:3]


def files(folder):
    found = sorted(glob.glob(os.path.join(glob.escape(folder), "**", "*.parquet"), recursive=True))
    assert found, f"no files in {folder}"
    return found


def arrow(folder):
    return pa.concat_tables([pq.ParquetFile(f).read() for f in files(folder)], promote_options="default")


left, right = arrow(a), arrow(b)
assert left.schema.equals(right.schema), f"schemas differ:\n{left.schema}\n---\n{right.schema}"
assert left.num_rows == right.num_rows, f"rows: {left.num_rows} and {right.num_rows}"


def plain(table):
    """Equal values may have got other places in a dictionary: they are compared without it."""
    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table.column(index).cast(field.type.value_type)
            table = table.set_column(index, field.name, column)
    return table


assert plain(left).equals(plain(right)), "pyarrow reads different values"

left, right = (pl.concat([pl.read_parquet(f) for f in files(x)], how="vertical_relaxed") for x in (a, b))
assert left.equals(right), "Polars reads different values"

query = "select count(*), sum(hash(t)) from read_parquet(?, union_by_name=true) t"
left, right = (duckdb.execute(query, [files(x)]).fetchone() for x in (a, b))
assert left == right, f"DuckDB reads different values: {left} and {right}"
