"""Every type that pyarrow can put into Parquet; as a program, writes a folder of files with them.

Arguments: folder, codec, data page version, whether there is a page index (yes or no).
"""

import datetime as dt
import decimal
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def stamp(i):
    return dt.datetime(1969, 12, 31, 23) + dt.timedelta(hours=i, microseconds=i * 1_000)


def table(rows, start=0):
    """Rows numbered from `start` on, of every type; `required` is their number."""

    def some(make, every=7):
        """A value for each row, and a null for every seventh."""
        return [None if i % every == 0 else make(i) for i in range(start, start + rows)]

    columns = {
        "bool": pa.array(some(lambda i: i % 3 == 0)),
        **{t: pa.array(some(lambda i: i % 100), getattr(pa, t)()) for t in (
            "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")},
        "float16": pa.array(some(lambda i: i % 100)).cast(pa.float32()).cast(pa.float16()),
        "nan": pa.array([float("nan") if i % 2 else i / 3 for i in range(start, start + rows)]),
        "text": pa.array(some(lambda i: f"tøxt {i}" * (i % 5))),
        "large_text": pa.array(some(lambda i: f"t{i}"), pa.large_string()),
        "text_view": pa.array(some(lambda i: f"a longer text number {i}"), pa.string_view()),
        "binary": pa.array(some(lambda i: bytes([i % 256, 0, 255]))),
        "large_binary": pa.array(some(lambda i: bytes([i % 256])), pa.large_binary()),
        "binary_view": pa.array(some(lambda i: bytes([i % 256]) * 20), pa.binary_view()),
        "fixed": pa.array(some(lambda i: i.to_bytes(16, "big")), pa.binary(16)),
        "decimal9": pa.array(some(lambda i: decimal.Decimal(i).scaleb(-2)), pa.decimal128(9, 2)),
        "decimal38": pa.array(some(lambda i: decimal.Decimal(f"{i}123456789012345678901234.5678")), pa.decimal128(38, 4)),
        "decimal76": pa.array(some(lambda i: decimal.Decimal(10**60 + i)), pa.decimal256(76, 0)),
        "date32": pa.array(some(lambda i: dt.date(1960, 1, 1) + dt.timedelta(days=i))),
        "time32_ms": pa.array(some(lambda i: dt.time(i % 24, 1, 2, 3000)), pa.time32("ms")),
        "time64_us": pa.array(some(lambda i: dt.time(i % 24, 1, 2, 3)), pa.time64("us")),
        "time64_ns": pa.array(some(lambda i: i * 1_000_001), pa.time64("ns")),
        **{f"timestamp_{u}": pa.array(some(stamp), pa.timestamp("us")).cast(pa.timestamp(u), safe=False) for u in ("ms", "us", "ns")},
        **{f"timestamp_{u}_utc": pa.array(some(stamp), pa.timestamp("us")).cast(pa.timestamp(u), safe=False).cast(pa.timestamp(u, "UTC")) for u in ("ms", "us", "ns")},
        "timestamp_zone": pa.array(some(stamp), pa.timestamp("us")).cast(pa.timestamp("us", "Europe/Copenhagen")),
        "timestamp_offset": pa.array(some(stamp), pa.timestamp("us")).cast(pa.timestamp("us", "+02:00")),
        **{f"duration_{u}": pa.array(some(lambda i: i), pa.duration(u)) for u in ("s", "ms", "us", "ns")},
        "dictionary": pa.array(some(lambda i: f"k{i % 5}")).dictionary_encode(),
        "null": pa.nulls(rows),
        "list": pa.array(some(lambda i: [None if j == 1 else j for j in range(i % 4)]), pa.list_(pa.int32())),
        "large_list": pa.array(some(lambda i: [str(i)] * (i % 3)), pa.large_list(pa.string())),
        "fixed_list": pa.array(some(lambda i: [i, i + 1]), pa.list_(pa.int64(), 2)),
        "struct": pa.array(some(lambda i: {"a": i, "b": None if i % 2 else {"c": [str(i)]}}),
                           pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.list_(pa.string()))]))])),
        "map": pa.array(some(lambda i: [(f"k{j}", j) for j in range(i % 3)]), pa.map_(pa.string(), pa.int64())),
        "list_of_list": pa.array(some(lambda i: [[i], [], None][: i % 4]), pa.list_(pa.list_(pa.int64()))),
    }
    table = pa.table(columns)
    fields = [
        f.with_metadata({"comment": f"column {i}", "PARQUET:field_id": str(100 + i)})
        for i, f in enumerate(table.schema)
    ]
    fields.append(pa.field("required", pa.int64(), nullable=False, metadata={"unit": "m"}))
    numbers = pa.array(range(start, start + rows))
    return pa.table([*table.columns, numbers], schema=pa.schema(fields, metadata={"owner": "hygge"}))


if __name__ == "__main__":
    folder, codec, version, indexed = sys.argv[1:5]
    for part in range(2):
        pq.write_table(
            table(1_500, part * 1_500),
            f"{folder}/part-{part}.parquet",
            compression=codec,
            data_page_version=version,
            write_page_index=indexed == "yes",
            row_group_size=600,
            data_page_size=2_000,
        )
