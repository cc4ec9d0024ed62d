"""The measurements of bench/run, which prepares the servers and the working directory: see there."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

from race import GIB, MIB, Run, pipeline, race, show

JAGAD, ROUNDS, STREAM, PARTS = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4].split(",")
WORK = pathlib.Path.cwd()
# What each process of the stream may reserve of writable memory of its own, used or not: stacks of threads and the
# allocator's arenas count whole. The kernel refuses more, so what grows with the dump cannot pass.
DATA_LIMIT = 192 * MIB


def jagad(*args, limit=None):
    prefix = ["prlimit", f"--data={limit}"] if limit else []
    return Run([*prefix, JAGAD, *args])


def sql(*statements):
    for statement in statements:
        subprocess.run(["psql", "-XAtqc", statement, "postgres"], check=True, stdout=subprocess.DEVNULL)


def settle():
    sql("CHECKPOINT")


def answer(statement, database):
    return subprocess.check_output(["psql", "-XAtqc", statement, database], text=True).strip()


def latest(database, store="main"):
    listed = subprocess.check_output([JAGAD, "list", database, "--store", store, "--json"], text=True)
    return json.loads(listed)["backups"][0]


def dump_size():
    path = WORK / "plain.dump"
    subprocess.run(["pg_dump", "-Fc", "-Z0", "-f", path, "shop"], check=True)
    size = path.stat().st_size
    path.unlink()
    return size / GIB


def compare():
    gib = dump_size()
    disk = int(answer("SELECT pg_database_size('shop')", "postgres")) / GIB
    print(f"{os.cpu_count()} cores; database of {disk:.2f} GiB on disk, dump of {gib:.2f} GiB; {ROUNDS} rounds by turns")
    if "backup" in PARTS:
        race("Backup to a directory", lambda: jagad("backup", "shop"),
             lambda: pipeline("pg_dump -Fc -Z0 shop | zstd -3 -q >/dev/null"), "1.15", gib, ROUNDS, settle)
    if "s3" in PARTS:
        chain = "pg_dump -Fc -Z0 shop | zstd -3 -q | openssl enc -aes-256-ctr -pbkdf2 -pass pass:x | rclone rcat rgw:backups/base"
        race("Backup to S3", lambda: jagad("backup", "shop", "--store", "s3"), lambda: pipeline(chain), "< 1.00", gib, ROUNDS, settle)
    if "restore" in PARTS:
        restores(gib)


def restores(gib):
    jagad("backup", "shop")
    subprocess.run("pg_dump -Fc -Z0 shop | zstd -3 -q >shop.zst", shell=True, check=True)

    def ours():
        run = jagad("restore", "shop@latest", "--into", "ours", "--yes")
        same("ours")
        sql("DROP DATABASE ours")
        return run

    def theirs():
        sql("CREATE DATABASE theirs")
        run = pipeline("zstd -dcq shop.zst | pg_restore -d theirs")
        same("theirs")
        sql("DROP DATABASE theirs")
        return run

    race("Restore from a directory", ours, theirs, "1.10", gib, ROUNDS, settle)
    if "s3" in PARTS:
        identity = latest("shop", "s3")["id"]
        run = jagad("restore", identity, "--store", "s3", "--into", "ours", "--yes")
        same("ours")
        sql("DROP DATABASE ours")
        print(f"\nRestore from S3, once: {run.wall:.2f} s, peak memory of jagad itself {run.peak_bytes / MIB:.1f} MiB.")
    os.unlink("shop.zst")


def same(database):
    count = "SELECT count(*), sum(total) FROM orders"
    if answer(count, database) != answer(count, "shop"):
        sys.exit(f"bench: {database} is not what was dumped")


def stream():
    (WORK / "stream-size").write_text(STREAM)
    rows = []
    for store in ["s3", "main"]:
        run = jagad("backup", "stream", "--store", store, limit=DATA_LIMIT)
        rows.append(stream_row(f"backup to {store}", run))
        identity = latest("stream", store)["id"]
        run = jagad("verify", identity, "--store", store, "--level", "read", limit=DATA_LIMIT)
        rows.append(stream_row(f"verify --level read from {store}", run))
        jagad("delete", identity, "--store", store, "--yes")
    header = ["", "wall", "peak of jagad itself", "peak by getrusage, tools included", "CPU of jagad itself"]
    show(f"A dump of {STREAM} under a hard limit (`prlimit --data={DATA_LIMIT // MIB}MiB`)", header, rows)


def stream_row(what, run):
    print(f"bench: {what}: {run.wall:.0f} s, {run.peak_bytes / MIB:.1f} MiB, own CPU {run.own_cpu:.0f} s", file=sys.stderr)
    return [what, f"{run.wall:.0f} s", f"**{run.peak_bytes / MIB:.1f} MiB**",
            f"{run.rusage_peak_bytes / MIB:.1f} MiB", f"{run.own_cpu:.0f} s"]


def cores():
    (WORK / "stream-size").write_text("1GiB")
    rows = []
    for level in [3, 12]:
        run = jagad("backup", "stream", "--set", f"databases.stream.compression_level={level}")
        rows.append([str(level), f"{run.wall:.2f} s", f"{run.own_cpu:.2f} s", f"{run.own_cpu / run.wall:.2f}"])
    show("One stream of 1 GiB on all cores", ["level", "wall", "CPU of jagad itself", "cores"], rows)


def start():
    walls = []
    for _ in range(50):
        begin = time.monotonic()
        subprocess.run([JAGAD, "--version"], check=True, stdout=subprocess.DEVNULL)
        walls.append(time.monotonic() - begin)
    print(f"\n`jagad --version`: {statistics.median(walls) * 1000:.1f} ms (median of 50)")


def many_backups(count):
    """A store with `count` backups: the manifest of a real one under other ids."""
    jagad("backup", "tiny", "--store", "many")
    backups = WORK / "many/databases/tiny/backups"
    real = next(backups.iterdir())
    text = (real / "manifest.json").read_text()
    for number in range(1, count):
        at = datetime.now(timezone.utc) - timedelta(hours=number)
        ident = f"{at:%Y%m%dT%H%M%SZ}-full-{number:06d}"
        manifest = json.loads(text.replace(real.name, ident))
        manifest["started_at"] = manifest["finished_at"] = f"{at:%Y-%m-%dT%H:%M:%S.000Z}"
        (backups / ident).mkdir()
        (backups / ident / "manifest.json").write_text(json.dumps(manifest))


def listing():
    many_backups(2000)
    runs = [jagad("list", "--store", "many") for _ in range(5)]
    listed = subprocess.check_output([JAGAD, "list", "--store", "many", "--json", "--limit", "5000"], text=True)
    found = len(json.loads(listed)["backups"])
    middle = statistics.median(run.wall for run in runs)
    print(f"\n`jagad list` over {found} backups in a directory: {middle * 1000:.0f} ms (median of 5), "
          f"peak {max(run.peak_bytes for run in runs) / MIB:.1f} MiB")
    shutil.rmtree(WORK / "many")


if {"backup", "s3", "restore"} & set(PARTS):
    compare()
for part, measure in {"stream": stream, "cores": cores, "start": start, "list": listing}.items():
    if part in PARTS:
        measure()
