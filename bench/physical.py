"""The measurements of bench/physical, which prepares the server and the working directory: see there."""
import os
import pathlib
import shutil
import subprocess
import sys

from race import GIB, MIB, Run, pipeline, race

JAGAD, ROUNDS, SCALE = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
BIN, WORK, AS = os.environ["BIN"], pathlib.Path.cwd(), os.environ["AS_SERVER"]
INCREMENTALS = 3


def jagad(*args):
    return Run([JAGAD, *args])


def settle():
    subprocess.run([f"{BIN}/psql", "-XAtqc", "CHECKPOINT"], check=True)


def size_of(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file() and not path.is_symlink())


def change():
    subprocess.run([f"{BIN}/pgbench", "-n", "-c", "2", "-t", "3000"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    settle()


def by_hand(name, parent=None):
    """A backup as two files, compressed, with its manifest beside: what the next one and the merge need."""
    (WORK / name).mkdir()
    since = f"--incremental={WORK}/{parent}/backup_manifest" if parent else ""
    subprocess.run(["bash", "-o", "pipefail", "-c",
                    f"{BIN}/pg_basebackup -w -c fast -X fetch -Ft -D - {since} | zstd -3 -q >{WORK}/{name}/base.tar.zst"], check=True)
    subprocess.run(["bash", "-o", "pipefail", "-c",
                    f"zstd -dcq {WORK}/{name}/base.tar.zst | tar -xO --occurrence=1 backup_manifest >{WORK}/{name}/backup_manifest"], check=True)


def restores():
    by_hand("b0")
    jagad("backup", "main")
    for number in range(1, INCREMENTALS + 1):
        change()
        by_hand(f"b{number}", f"b{number - 1}")
        jagad("backup", "main", "--type", "incremental")
    links = [f"b{number}" for number in range(INCREMENTALS + 1)]
    disk = {"jagad": 0, "by hand": 0}

    def ours():
        run = jagad("restore", "main@latest", "--target-dir", str(WORK / "ours"))
        disk["jagad"] = size_of(WORK / "ours")
        shutil.rmtree(WORK / "ours")
        return run

    def theirs():
        unpack = "; ".join(f"mkdir u/{link} && zstd -dcq {link}/base.tar.zst | tar -x -C u/{link}" for link in links)
        chain = " ".join(f"u/{link}" for link in links)
        os.mkdir("u")
        run = pipeline(f"set -e; {unpack}; {BIN}/pg_combinebackup {chain} -o theirs")
        disk["by hand"] = size_of(WORK / "u") + size_of(WORK / "theirs")
        shutil.rmtree("u")
        shutil.rmtree("theirs")
        return run

    race(f"Restore of a full and {INCREMENTALS} incrementals", ours, theirs, "0.60", gib, ROUNDS)
    print(f"\nDisk: {disk['jagad'] / MIB:.0f} MiB against {disk['by hand'] / MIB:.0f} MiB "
          f"(**{disk['jagad'] / disk['by hand']:.2f}**, goal 0.50).")


gib = size_of(WORK / "data") / GIB
print(f"{os.cpu_count()} cores; pgbench -s {SCALE}, {gib:.2f} GiB of files; {ROUNDS} rounds by turns")
race("Full backup to a directory", lambda: jagad("backup", "main"),
     lambda: pipeline(f"{BIN}/pg_basebackup -w -c fast -X fetch -Ft -D - | zstd -3 -q >/dev/null"), "1.00", gib, ROUNDS, settle)
restores()
