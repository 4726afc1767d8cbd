"""Runs commands as whole processes and says what they took.

Wall seconds, CPU seconds (user + system) and peak memory are the operating system's own account
of the finished process. Two commands are compared pair by pair, in turn (A B A B …), so that a
machine that slows down slows both; what is quoted is the median, and the median of the ratios.
"""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Taken:
    wall: float
    cpu: float
    peak: int  # bytes


class Failed(Exception):
    pass


def once(command, cwd=None, env=None):
    """Runs a command once; raises Failed with what it said if it fails."""
    read, write = os.pipe()
    started = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=write, stderr=write
    )
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"{command[0]} ended with {child.returncode}:\n{said.decode(errors='replace')[-2000:]}")
    return Taken(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def median(taken):
    return Taken(
        statistics.median(t.wall for t in taken),
        statistics.median(t.cpu for t in taken),
        int(statistics.median(t.peak for t in taken)),
    )


def in_turn(contestants, runs):
    """Runs each contestant (name → callable that prepares and returns Taken) in turn, once
    uncounted and `runs` times counted. Returns name → list of Taken."""
    for each in contestants.values():
        each()
    taken = {name: [] for name in contestants}
    for _ in range(runs):
        for name, each in contestants.items():
            taken[name].append(each())
    return taken


def ratio(a, b):
    """The median of the pairwise ratios of wall time a/b."""
    return statistics.median(x.wall / y.wall for x, y in zip(a, b))
