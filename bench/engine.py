"""The measurements of bench/engine, which prepares the server and the working directory: see there."""
import json
import os
import pathlib
import subprocess
import sys

from race import GIB, MIB, Run, pipeline, race

JAGAD, ENGINE, ROUNDS, ROWS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
CLIENT = os.environ["CLIENT"]
WORK = pathlib.Path.cwd()


def jagad(*args):
    return Run([JAGAD, *args])


def shell(command):
    return subprocess.check_output(["bash", "-o", "pipefail", "-c", command], text=True).strip()


class Sql:
    """MySQL and MariaDB, by the tools of the family."""

    def __init__(self):
        folder = os.path.dirname(CLIENT)
        dump = "mysqldump" if ENGINE == "mysql" else "mariadb-dump"
        self.login = f"--no-defaults --socket={WORK}/socket --user=root"
        extra = "--set-gtid-purged=OFF" if ENGINE == "mysql" else ""
        self.dump = f"{folder}/{dump} {self.login} --single-transaction --quick --routines --triggers --events --hex-blob {extra} shop"

    def query(self, statement, database=""):
        return shell(f'{CLIENT} {self.login} --batch --skip-column-names {database} -e "{statement}"')

    def theirs_backup(self):
        return pipeline(f"{self.dump} | zstd -3 -q >/dev/null")

    def prepare_restore(self):
        shell(f"{self.dump} | zstd -3 -q >shop.zst")

    def ours_restore(self):
        run = jagad("restore", "shop@latest", "--into", "ours", "--yes")
        self.same("ours")
        self.query("DROP DATABASE ours")
        return run

    def theirs_restore(self):
        self.query("CREATE DATABASE theirs")
        run = pipeline(f"zstd -dcq shop.zst | {CLIENT} {self.login} theirs")
        self.same("theirs")
        self.query("DROP DATABASE theirs")
        return run

    def same(self, database):
        count = "SELECT COUNT(*), SUM(total) FROM orders"
        if self.query(count, database) != self.query(count, "shop"):
            sys.exit(f"bench: {database} is not what was dumped")


class Redis:
    """Redis; by hand it is filled by redis-cli --pipe with the commands that made the keys."""

    def query(self, *words):
        return shell(f"{CLIENT} -s {WORK}/socket {' '.join(words)}")

    def theirs_backup(self):
        return pipeline(f"{CLIENT} -s {WORK}/socket --rdb - 2>/dev/null | zstd -3 -q >/dev/null")

    def prepare_restore(self):
        self.keys = self.query("DBSIZE")
        with open("commands", "wb") as file:
            for n in range(1, ROWS + 1):
                command(file, "HSET", f"order:{n}", "customer", n % 5000, "total", n % 100000 / 100, "note", f"{n:040x}")
                if n % 10 == 0:
                    command(file, "SET", f"session:{n}", f"{n:040x}", "EX", 86400)
                if n % 100 == 0:
                    command(file, "ZADD", "best", n % 1000, f"article {n}")

    def ours_restore(self):
        run = jagad("restore", "shop@latest", "--clean", "--skip-verify", "--yes")
        if self.query("DBSIZE") != self.keys:
            sys.exit("bench: keys are missing")
        return run

    def theirs_restore(self):
        self.query("FLUSHALL")
        return pipeline(f"{CLIENT} -s {WORK}/socket --pipe <commands >/dev/null")


def command(file, *words):
    words = [str(word).encode() for word in words]
    file.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))


engine = Redis() if ENGINE == "redis" else Sql()
first = jagad("backup", "shop")
manifest = json.loads(shell(f"{JAGAD} show shop@latest --json"))["manifest"]
plain = sum(part["plain_bytes"] for part in manifest["parts"])
gib = plain / GIB
print(f"{os.cpu_count()} cores; {ROWS} orders, {plain / MIB:.0f} MiB of dump; {ROUNDS} rounds by turns")
race(f"{ENGINE}: backup to a directory", lambda: jagad("backup", "shop"), engine.theirs_backup, "1.15", gib, ROUNDS)
engine.prepare_restore()
goal = "2.00" if ENGINE == "redis" else "1.10"
race(f"{ENGINE}: restore from a directory", engine.ours_restore, engine.theirs_restore, goal, gib, ROUNDS)
