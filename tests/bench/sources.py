"""The data that cases move: generated once, kept under the build folder. Called with a source's
name, the folder, the generator and the scale; prints where the source is."""

import os
import shutil
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from measure import once


def make(name, folder, tpch, scale):
    """Makes the source `name` in `folder` unless it is there; answers with its folder. A source
    holds the table `t`, or many."""
    path = os.path.join(folder, f"{name}-{scale}")
    if os.path.exists(path):
        return path
    part = path + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    if name == "small":
        for index in range(200):
            os.makedirs(f"{part}/e{index:03}")
            ids = list(range(index * 1000, index * 1000 + 1000))
            table = pa.table({"id": ids, "name": [f"name {i}" for i in ids], "amount": [i / 7 for i in ids]})
            pq.write_table(table, f"{part}/e{index:03}/data.parquet")
    elif name in ("lineitem", "lineitem-10"):
        factor, files = (10, 40) if name.endswith("-10") else (1, 4)
        once([tpch, part, "--scale", str(scale * factor), "--parts", str(files), "--table", "lineitem"])
        os.rename(f"{part}/lineitem", f"{part}/t")
    else:
        kind = name.removeprefix("lineitem-")
        base = make("lineitem", folder, tpch, scale)
        os.makedirs(f"{part}/t")
        how = {"csv": "(format csv, header)", "ndjson": "(format json)"}[kind]
        duckdb.execute(f"copy (from read_parquet('{base}/t/*.parquet')) to '{part}/t/data.{kind}' {how}")
    os.rename(part, path)
    return path


if __name__ == "__main__":
    print(make(*sys.argv[1:4], float(sys.argv[4])))
