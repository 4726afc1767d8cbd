"""Measures hygge against its peers on the same data, side by side; prints a table."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

import measure
from cases import CASES

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="the folder of the hygge and tpch binaries")
    parser.add_argument("--case", action="append", help="only this case; may be repeated")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="TPC-H scale factor")
    parser.add_argument("--data", default=None, help="where sources are kept")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    return parser.parse_args()


def source_of(case, data, options):
    """Makes the case's source in a process of its own: this one stays small, because what it
    starts is first a copy of it, and the peak memory of small commands would be its own."""
    tpch = os.path.join(options.bin, "tpch")
    command = [sys.executable, f"{HERE}/sources.py", case.source, data, tpch, str(options.scale)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def hygge(binary, case, source, work):
    """A fresh project and destination for every run; only the run itself is measured."""
    def run():
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(f"{work}/flows/f")
        os.symlink(source, f"{work}/source")
        with open(f"{work}/hygge.yml", "w") as file:
            file.write("name: bench\n" + (f"options:\n  {case.options}\n" if case.options else ""))
        with open(f"{work}/flows/f/flow.yml", "w") as file:
            file.write(case.flow)
        return measure.once([binary, "go", "--quiet"], cwd=work)
    return run


def peer(how, source, work):
    table = f"{source}/t" if os.path.isdir(f"{source}/t") else source
    if isinstance(how, list):
        command = [word.replace("{src}", table).replace("{dst}", work) for word in how]
    else:
        command = [sys.executable, "-c", f"src, dst = {table!r}, {work!r}\n{how}"]

    def run():
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        return measure.once(command)
    return run


def row(name, taken, against):
    took = measure.median(taken)
    return (
        f"| {name} | {took.wall:.2f} s | {took.cpu:.2f} s | {took.peak / 1e6:.0f} MB | "
        f"{'' if against is None else f'{measure.ratio(against, taken):.2f}'} |"
    )


def main():
    options = arguments()
    options.bin = os.path.abspath(options.bin)
    data = options.data or os.path.join(os.path.dirname(options.bin), "bench-data")
    os.makedirs(data, exist_ok=True)
    chosen = [case for case in CASES if not options.case or case.name in options.case]
    lines = []
    with tempfile.TemporaryDirectory(dir=data) as work:
        for case in chosen:
            source = source_of(case, data, options)
            contestants = {"hygge": hygge(os.path.join(options.bin, "hygge"), case, source, f"{work}/hygge")}
            for name, how in case.peers.items():
                contestants[name] = peer(how, source, f"{work}/peer")
            taken = measure.in_turn(contestants, options.runs)
            print(f"\n{case.title}\n", flush=True)
            table = ["| | wall | CPU | peak memory | hygge takes, of its time |", "|---|--:|--:|--:|--:|"]
            table += [row(name, each, None if name == "hygge" else taken["hygge"]) for name, each in taken.items()]
            print("\n".join(table), flush=True)
            lines += ["", f"**{case.title}**", "", *table]
    if options.write:
        head = (
            f"Medians of {options.runs} runs in turn on {os.cpu_count()} cores, warm page cache, whole "
            f"processes; TPC-H `lineitem` at scale {options.scale:g} where no other data is named. "
            "The last column is hygge's time divided by the peer's."
        )
        path = os.path.join(ROOT, "README.md")
        text = open(path).read()
        block = "<!-- bench -->\n" + head + "\n" + "\n".join(lines) + "\n<!-- /bench -->"
        text = re.sub(r"<!-- bench -->.*<!-- /bench -->", lambda _: block, text, flags=re.S)
        open(path, "w").write(text)


if __name__ == "__main__":
    main()
