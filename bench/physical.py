"""The measurements of bench/physical, which prepares the server and the working directory: see there."""
import os
import pathlib
import shutil
import subprocess
import sys

from race import GIB, MIB, Run, pipeline, race

JAGAD, ROUNDS, SCALE, ONLY = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
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


def pgbackrest(*args):
    return Run([*AS.split(), os.environ["PGBACKREST"], f"--config={WORK}/br.conf", "--stanza=main", *args])


def beside_pgbackrest():
    """A repository in a directory, compressed and encrypted as jagad does it, on as many cores."""
    for name in ["br", "br/repo", "br/log", "br/lock", "br/spool", "theirs"]:
        (WORK / name).mkdir()
        shutil.chown(WORK / name, *(["postgres", "postgres"] if AS else [os.getuid(), os.getgid()]))
    (WORK / "br.conf").write_text(f"""[main]
pg1-path={WORK}/data
pg1-socket-path={WORK}
pg1-user=postgres
[global]
repo1-path={WORK}/br/repo
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=benchmark
repo1-bundle=y
repo1-block=y
compress-type=zst
compress-level=3
process-max={os.cpu_count()}
start-fast=y
log-level-file=off
log-path={WORK}/br/log
lock-path={WORK}/br/lock
spool-path={WORK}/br/spool
""")
    pgbackrest("stanza-create")
    push = f"{os.environ['PGBACKREST']} --config={WORK}/br.conf --stanza=main archive-push %p"
    for sql in [f"ALTER SYSTEM SET archive_command = '{push}'", "SELECT pg_reload_conf()"]:
        subprocess.run([f"{BIN}/psql", "-XAtqc", sql], check=True, stdout=subprocess.DEVNULL)
    # The command line comes before what the server wrote down.
    subprocess.run([*AS.split(), f"{BIN}/pg_ctl", "-D", f"{WORK}/data", "-l", f"{WORK}/log", "-w", "restart", "-o",
                    f"-c listen_addresses='' -c unix_socket_directories={WORK} -c summarize_wal=on -c max_wal_size=4GB "
                    "-c wal_keep_size=2GB -c checkpoint_timeout=1h -c archive_mode=on"], check=True, stdout=subprocess.DEVNULL)
    race("Full backup beside pgBackRest", lambda: jagad("backup", "main"), lambda: pgbackrest("backup", "--type=full"), "0.70",
         gib, ROUNDS, settle)
    race("Incremental backup beside pgBackRest", lambda: jagad("backup", "main", "--type", "incremental"),
         lambda: pgbackrest("backup", "--type=incr"), "0.70", gib, ROUNDS, change)
    for ours_kind, theirs_kind in [("full", "full"), *[("incremental", "incr")] * INCREMENTALS]:
        change()
        jagad("backup", "main", "--type", ours_kind)
        pgbackrest("backup", f"--type={theirs_kind}")

    def ours():
        run = jagad("restore", "main@latest", "--target-dir", str(WORK / "ours"))
        shutil.rmtree(WORK / "ours")
        return run

    def theirs():
        run = pgbackrest("restore", f"--pg1-path={WORK}/theirs/data")
        shutil.rmtree(WORK / "theirs/data")
        return run

    race(f"Restore of a full and {INCREMENTALS} incrementals beside pgBackRest", ours, theirs, "0.80", gib, ROUNDS)


gib = size_of(WORK / "data") / GIB
print(f"{os.cpu_count()} cores; pgbench -s {SCALE}, {gib:.2f} GiB of files; {ROUNDS} rounds by turns")
if ONLY in ["", "tools"]:
    race("Full backup to a directory", lambda: jagad("backup", "main"),
         lambda: pipeline(f"{BIN}/pg_basebackup -w -c fast -X fetch -Ft -D - | zstd -3 -q >/dev/null"), "1.00", gib, ROUNDS, settle)
    restores()
if ONLY in ["", "pgbackrest"]:
    beside_pgbackrest()
