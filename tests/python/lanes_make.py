"""The sources and the lanes of the end-to-end test of lanes; as a program, writes them as a project.

Arguments: the project's folder.
"""

import itertools
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

import all_types

# As pyarrow and as hygge call them.
CODECS = {"none": "uncompressed", "snappy": "snappy", "gzip": "gzip", "lz4": "lz4", "brotli": "brotli", "zstd": "zstd"}
ROWS = 3_000
# Rows of a row group that is worth keeping.
LARGE = 21_000


def options():
    """How each source is written: every codec, version of pages, with and without page index; and
    among these every pair with bloom filters, dictionaries, checksums and an order of rows."""
    for codec, version, indexed in itertools.product(CODECS, ("1.0", "2.0"), (False, True)):
        turn = list(CODECS).index(codec) + (version == "2.0") + 2 * indexed
        name = f"{codec}_v{version[0]}_{'indexed' if indexed else 'bare'}"
        yield name, {
            "codec": codec,
            "version": version,
            "indexed": indexed,
            "bloom": turn % 2 == 1,
            "dictionary": turn // 2 % 2 == 0,
            "checksum": turn % 3 == 1,
            "sorted": turn % 3 != 2,
        }


SMALL = dict(options())
SOME = {name: SMALL[name] for name in list(SMALL)[::5]}
LARGE_ONES = {
    f"large_{codec}": {
        "codec": codec, "version": version, "indexed": True, "bloom": True,
        "dictionary": True, "checksum": False, "sorted": True,
    }
    for codec, version in (("snappy", "1.0"), ("zstd", "2.0"))
}
CLOTHES = {"clothes": {**LARGE_ONES["large_snappy"], "bloom": False, "indexed": False, "sorted": False}}
SOURCES = {**SMALL, **LARGE_ONES, **CLOTHES}

KEPT, ENCODED = "kept", "encoded"
OF = len(all_types.table(1).schema)


def lane(store, how, sources=SMALL, data=KEPT, source="source", first=0, codec=None):
    """`how` as the summary should say it; `data` whether chunks are moved as they are or encoded;
    `first` the place of the source's first column."""
    return {"store": store, "how": how, "sources": sources, "data": data, "source": source, "first": first, "codec": codec}


SMALL_GROUPS = "re-encoded: small row groups are merged"
LANES = {
    "copied": lane({}, "copied"),
    "verified": lane({"verify": "values"}, "copied"),
    "renamed": lane({"polish": "{columns: {case: pascal}}"}, "copied"),
    "constants": lane(
        {"polish": "{constants: [{name: source, value: shop}], timestamps: [{name: loaded_at}]}"},
        f"2 of {OF + 2} columns encoded"),
    "hashed": lane(
        {"polish": "{hash_ids: [{name: hash_id, from_columns: [text, required]}]}"},
        f"1 of {OF + 1} columns encoded", first=1),
    **{f"to_{codec}": lane({}, None, codec=codec) for codec in CODECS.values()},
    "verified_to_zstd": lane({"verify": "values"}, None, codec="zstd", sources=SOME),
    "encoded": lane({"batch_size": "1000"}, "re-encoded: `batch_size` is set", data=ENCODED),
    "merged": lane({}, SMALL_GROUPS, sources=SOME, data=ENCODED, source="groups"),
    "large_copied": lane({}, "copied", sources=LARGE_ONES),
    "large_divided": lane({"target_file_size": "1 MB"}, "copied", sources=LARGE_ONES),
    "large_renamed": lane({"polish": "{columns: {case: pascal}}"}, "copied", sources=LARGE_ONES),
    "large_to_gzip": lane({}, "recompressed", sources=LARGE_ONES, codec="gzip"),
    "other_clothes": lane({"verify": "values"}, f"3 of {OF} columns encoded", sources=CLOTHES, data=ENCODED),
    "incremental": lane({"incremental": "true"}, None, sources=SOME, data=ENCODED, source="growing"),
}


def wanted_codec(lane, options):
    """What the store is asked for: the codec of the source, unless the lane has its own."""
    return lane["codec"] or CODECS[options["codec"]]


def write(table, path, options, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    place = [i for i, name in enumerate(leaf_paths(table)) if name == "required"]
    pq.write_table(
        table, path,
        compression=options["codec"],
        data_page_version=options["version"],
        write_page_index=options["indexed"],
        use_dictionary=options["dictionary"],
        write_page_checksum=options["checksum"],
        bloom_filter_options={c: {"ndv": 50_000, "fpp": 0.001} for c in ("required", "large_text")} if options["bloom"] else None,
        sorting_columns=[pq.SortingColumn(place[0])] if options["sorted"] else None,
        **{"row_group_size": 1 << 20, "data_page_size": 2_000, **more},
    )


def leaf_paths(table):
    """The columns as the file has them, nested ones taken apart."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.slice(0, 0), sink)
    schema = pq.ParquetFile(sink.getvalue()).schema
    return [schema.column(i).path for i in range(len(schema))]


def other_clothes(table):
    """The same values, of types that differ in their form alone."""
    for name, cast in (("text", pa.large_string()), ("binary", pa.large_binary())):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at).with_type(cast), table[name].cast(cast))
    at = table.schema.get_field_index("dictionary")
    plain = table["dictionary"].cast(pa.string())
    return table.set_column(at, table.schema.field(at).with_type(pa.string()), plain)


def flow(root, name, lane):
    lines = [f"home: {lane['source']}", "store:", f"  path: lake/{name}"]
    lines += [f"  {key}: {value}" for key, value in lane["store"].items()]
    if name == "incremental":
        lines += ["run_type: incremental", "watermark: {primary_key: required, watermark_column: required}"]
    lines.append("entities:")
    for source, options in lane["sources"].items():
        lines.append(f"  - {{name: {source}, store: {{compression: {wanted_codec(lane, options)}}}}}")
    path = root / "flows" / name / "flow.yml"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n")


def grow(root, part, first, rows):
    """Adds rows to the sources that grow."""
    table = all_types.table(rows, first)
    for name, options in SOME.items():
        write(table, root / "growing" / name / f"{part}.parquet", options)


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    if sys.argv[2:] == ["more"]:
        # Some of these rows have landed, some have not; and all of those that follow are new.
        grow(root, "b", 1_000, 1_500)
        grow(root, "c", 2_500, 500)
    else:
        table, large = all_types.table(ROWS), all_types.table(2 * LARGE)
        for name, options in SMALL.items():
            write(table, root / "source" / name / "a.parquet", options)
        for name, options in SOME.items():
            for part in range(2):
                rows = table.slice(part * ROWS // 2, ROWS // 2)
                write(rows, root / "groups" / name / f"{part}.parquet", options, row_group_size=600)
        for name, options in LARGE_ONES.items():
            write(large, root / "source" / name / "a.parquet", options, row_group_size=LARGE, data_page_size=1 << 16)
        for part, change in enumerate((lambda table: table, other_clothes)):
            rows = change(large.slice(part * LARGE, LARGE))
            write(rows, root / "source" / "clothes" / f"{part}.parquet", CLOTHES["clothes"], data_page_size=1 << 16)
        grow(root, "a", 0, 1_500)
        for name, lane in LANES.items():
            flow(root, name, lane)
