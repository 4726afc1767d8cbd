"""The cases: what moves, and how each peer does the same. Add a case or a peer here.

A case is a function of a `Bench` that yields its title, the flow for hygge, and a dictionary of
peers: name → Python source (run by the environment's interpreter, with `src` and `dst` defined)
or a list (a command in which {src} and {dst} are replaced).
"""

from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    title: str
    source: str  # a folder under the data folder, made by `sources.py`
    flow: str  # flow.yml; paths are relative to the project
    peers: dict = field(default_factory=dict)
    options: str = ""  # hygge.yml, under `options:`


POLARS = "import polars as pl\n"
DUCKDB = "import duckdb\n"
PYARROW = "import pyarrow as pa, pyarrow.parquet as pq, pyarrow.dataset as ds\n"


def polars_copy(compression, plan="f", read="scan_parquet(src + '/*.parquet')"):
    return (
        POLARS + f"f = pl.{read}\nf = {plan}\n"
        f"f.sink_parquet(dst + '/out.parquet', compression='{compression}')\n"
    )


def duckdb_copy(compression, select="*", read="read_parquet('{src}/*.parquet')"):
    return (
        DUCKDB + f'q = f"copy (select {select} from {read}) '
        f"to '{{dst}}/out.parquet' (format parquet, compression {compression})\"\nduckdb.execute(q)\n"
    )


def pyarrow_copy(compression):
    return PYARROW + (
        "d = ds.dataset(src, format='parquet')\n"
        "w = pq.ParquetWriter(dst + '/out.parquet', d.schema, "
        f"compression='{compression}')\n"
        "for b in d.to_batches():\n    w.write_batch(b)\nw.close()\n"
    )


CP = ["cp", "-r", "{src}", "{dst}/copy"]
CP_SYNC = ["sh", "-c", "cp -r '{src}' '{dst}/copy' && find '{dst}' -type f -exec sync -d {} +"]
PARQUET = "home: source\nstore: lake\nentities: [t]\n"


def store(more, home="home: source\n"):
    return f"{home}store:\n  path: lake\n{more}entities: [t]\n"


CASES = [
    Case(
        "copy",
        "Parquet → Parquet, unchanged (not synced)",
        "lineitem",
        PARQUET,
        {"cp -r": CP, "Polars": polars_copy("snappy"), "DuckDB": duckdb_copy("snappy"), "pyarrow": pyarrow_copy("snappy")},
        "durability: process",
    ),
    Case(
        "copy-synced",
        "Parquet → Parquet, unchanged, synced to disk",
        "lineitem",
        PARQUET,
        {"cp -r, synced": CP_SYNC},
        "durability: disk",
    ),
    Case(
        "recompress",
        "Parquet snappy → zstd",
        "lineitem",
        store("  compression: zstd\n"),
        {"Polars": polars_copy("zstd"), "DuckDB": duckdb_copy("zstd"), "pyarrow": pyarrow_copy("zstd")},
        "durability: process",
    ),
    Case(
        "constants",
        "Parquet + two constant columns",
        "lineitem",
        store(
            "  polish:\n    constants:\n      - {name: source, value: tpch}\n"
            "      - {name: __rowMarker__, value: 4}\n"
        ),
        {
            "Polars": polars_copy("snappy", "f.with_columns(pl.lit('tpch').alias('source'), pl.lit(4).alias('__rowMarker__'))"),
            "DuckDB": duckdb_copy("snappy", "*, 'tpch' as source, 4 as __rowMarker__"),
        },
        "durability: process",
    ),
    Case(
        "polish",
        "Parquet, hashed key and renamed columns",
        "lineitem",
        store(
            "  polish:\n    hash_ids:\n      - {name: id, from_columns: [l_orderkey, l_linenumber]}\n"
            "    columns: {case: pascal}\n"
        ),
        {
            "DuckDB": duckdb_copy("snappy", "sha256(l_orderkey::text || '|' || l_linenumber::text) as Id, *"),
        },
        "durability: process",
    ),
    Case(
        "csv",
        "CSV → Parquet",
        "lineitem-csv",
        store("", "home:\n  type: local\n  format: csv\n  path: source\n  format_options: {try_parse_dates: true}\n"),
        {
            "Polars": polars_copy("snappy", read="scan_csv(src + '/*.csv', try_parse_dates=True)"),
            "DuckDB": duckdb_copy("snappy", read="read_csv('{src}/*.csv')"),
        },
        "durability: process",
    ),
    Case(
        "ndjson",
        "NDJSON → Parquet",
        "lineitem-ndjson",
        store("", "home:\n  type: local\n  format: ndjson\n  path: source\n"),
        {
            "Polars": polars_copy("snappy", read="scan_ndjson(src + '/*.ndjson')"),
            "DuckDB": duckdb_copy("snappy", read="read_json('{src}/*.ndjson')"),
        },
        "durability: process",
    ),
    Case(
        "small",
        "200 entities of 1,000 rows, synced to disk",
        "small",
        "home: source\nstore: lake\nentities: [" + ", ".join(f"e{i:03}" for i in range(200)) + "]\n",
        {
            "Polars": POLARS + "import os\nfor e in sorted(os.listdir(src)):\n    os.makedirs(f'{dst}/{e}')\n"
            "    pl.scan_parquet(f'{src}/{e}/*.parquet').sink_parquet(f'{dst}/{e}/out.parquet')\n",
        },
    ),
    Case(
        "ten-times",
        "Parquet, hashed key, ten times the rows (for the memory)",
        "lineitem-10",
        store("  polish:\n    hash_ids:\n      - {name: id, from_columns: [l_orderkey, l_linenumber]}\n"),
        {},
        "durability: process",
    ),
]
