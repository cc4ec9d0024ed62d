"""Runs of programs measured, and races between two ways of doing the same.

What is jagad's own is read from /proc: its CPU seconds from its stat when it has ended but was not reaped yet, which
leaves its children out, and its peak memory from VmHWM every 10 ms while it runs. The peak that wait4 (getrusage) tells
is the largest of jagad and every tool it ran, so it bounds the other from above.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
GIB, MIB = 2**30, 2**20


class Run:
    """One process from start to end."""

    def __init__(self, argv, **popen):
        start = time.monotonic()
        child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **popen)
        said = []
        reader = threading.Thread(target=lambda: said.append(child.stderr.read()))
        reader.start()
        self.peak_bytes = 0
        while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            self.peak_bytes = max(self.peak_bytes, peak_of(child.pid))
            time.sleep(0.01)
        self.wall = time.monotonic() - start
        stat = pathlib.Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        self.own_cpu = (int(stat[11]) + int(stat[12])) / TICKS
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.all_cpu = usage.ru_utime + usage.ru_stime
        self.rusage_peak_bytes = usage.ru_maxrss * 1024
        reader.join()
        if child.returncode != 0:
            sys.exit(f"bench: {argv} ended with {child.returncode}: {said[0].decode()[-2000:]}")


def peak_of(pid):
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def pipeline(command):
    return Run(["bash", "-o", "pipefail", "-c", command])


def show(title, header, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def race(title, ours, theirs, goal, gib, rounds, settle=lambda: None):
    """Runs the two by turns and shows medians and their ratio; `settle` goes before each. The first of each warms up and
    does not count: then the repository is made, and the S3 server makes its pools."""
    for run in [ours, theirs]:
        run()
    runs = {"jagad": [], "by hand": []}
    for number in range(rounds):
        order = [("jagad", ours), ("by hand", theirs)]
        for name, run in order if number % 2 == 0 else reversed(order):
            settle()
            os.sync()
            runs[name].append(run())
            print(f"bench: {title}: {name} {runs[name][-1].wall:.2f} s", file=sys.stderr)
    middle = {name: statistics.median(run.wall for run in of) for name, of in runs.items()}
    spread = {name: f"{min(r.wall for r in of):.2f} to {max(r.wall for r in of):.2f}" for name, of in runs.items()}
    own = runs["jagad"]
    rows = [
        ["wall, median", f"{middle['jagad']:.2f} s", f"{middle['by hand']:.2f} s",
         f"**{middle['jagad'] / middle['by hand']:.2f}** (goal {goal})"],
        ["wall, from to", spread["jagad"], spread["by hand"], ""],
        ["CPU with all tools, median", *(f"{statistics.median(r.all_cpu for r in of):.1f} s" for of in runs.values()), ""],
        ["CPU of jagad itself per GiB of dump", f"{statistics.median(r.own_cpu for r in own) / gib:.2f} s", "", ""],
        ["peak memory of jagad itself", f"{max(r.peak_bytes for r in own) / MIB:.1f} MiB", "", "(goal 64 MiB)"],
    ]
    show(title, ["", "jagad", "by hand", "ratio"], rows)
