"""Stands in for Percona's xtrabackup and xbstream, which cannot be had here: it takes the options that their documentation names,
refuses the others, writes the files and the words that they write, and holds to the order of a prepare. The data is real: it comes from
the server's CLONE plugin, so that a server starts on what is restored. An incremental holds all of it again.

    xtrabackup.py xtrabackup SERIES ARGUMENTS...
    xtrabackup.py xbstream SERIES ARGUMENTS...
"""

import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import zlib

MAGIC = b"XBSTCK01"
CHECKPOINTS = "xtrabackup_checkpoints"
FLAGS = {"--backup", "--prepare", "--apply-log-only", "--no-defaults"}
VALUES = {
    "--defaults-file",
    "--stream",
    "--target-dir",
    "--extra-lsndir",
    "--incremental-lsn",
    "--incremental-dir",
    "--datadir",
    "--host",
}
# What 9.7 calls these options; the old names are taken with a warning, and both names together are none.
RENAMED = {
    "--apply-log-only": "--apply-redo-only",
    "--incremental-dir": "--prepare-incremental-from-dir",
}


def say(text):
    sys.stderr.write("2026-01-02T03:04:05.000000-00:00 0 " + text + "\n")


def fail(text):
    say("[ERROR] [MY-011825] [Xtrabackup] " + text)
    sys.exit(1)


def parse(arguments, series):
    options = {}
    for number, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--defaults-file" and number > 0:
            fail("--defaults-file must be specified first on the command line")
        if name not in FLAGS and name not in VALUES:
            fail("unknown option '%s'" % argument)
        if name in FLAGS and value or name in VALUES and not value:
            fail("option '%s' has no or an unexpected value" % name)
        if series.startswith("9.") and name in RENAMED:
            say("[Warning] %s is deprecated, use %s" % (name, RENAMED[name]))
        options[name] = value
    if ("--backup" in options) == ("--prepare" in options):
        fail("one of --backup and --prepare")
    return options


def ask(options, sql):
    client = ["mysql", "--defaults-file=" + options["--defaults-file"], "-N", "-B", "-e", sql]
    path = os.path.join(os.path.dirname(os.environ["JAGAD_STANDIN"]), "mysql")
    run = subprocess.run([path] + client[1:], capture_output=True, text=True)
    if run.returncode != 0:
        fail("failed to connect to MySQL server: " + run.stderr.strip())
    return run.stdout.strip()


def lsn(options):
    return int(ask(options, "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Innodb_redo_log_current_lsn'"))


def chunk(kind, path, offset=0, data=b""):
    head = MAGIC + bytes([0]) + kind + struct.pack("<I", len(path)) + path
    if kind != b"P":
        return head
    return head + struct.pack("<QQI", len(data), offset, zlib.crc32(data)) + data


def stream(folder, suffix):
    out = sys.stdout.buffer
    for parent, folders, names in os.walk(folder):
        if not folders and not names:
            # A stream has no folders: this file keeps one that is empty.
            open(os.path.join(parent, "db.opt"), "w").close()
            names = ["db.opt"]
        for name in sorted(names):
            path = os.path.join(parent, name)
            own = os.path.relpath(path, folder)
            own += suffix if "xtrabackup_" not in own and "backup-my" not in own else ""
            own = own.encode()
            offset = 0
            with open(path, "rb") as file:
                while data := file.read(1 << 20):
                    out.write(chunk(b"P", own, offset, data))
                    offset += len(data)
            if offset == 0:
                out.write(chunk(b"P", own))
            out.write(chunk(b"E", own))
    out.flush()


def write_checkpoints(folder, kind, begins, ends, last):
    text = "backup_type = %s\nfrom_lsn = %d\nto_lsn = %d\nlast_lsn = %d\nflushed_lsn = %d\nredo_memory = 0\nredo_frames = 0\n"
    with open(os.path.join(folder, CHECKPOINTS), "w") as file:
        file.write(text % (kind, begins, ends, last, last))


def read_checkpoints(folder):
    try:
        with open(os.path.join(folder, CHECKPOINTS)) as file:
            pairs = [line.split(" = ") for line in file.read().splitlines()]
    except FileNotFoundError:
        fail("failed to read metadata from %s/%s" % (folder, CHECKPOINTS))
    values = dict(pairs)
    return values["backup_type"], *(int(values[name]) for name in ("from_lsn", "to_lsn", "last_lsn"))


def back_up(options, series):
    for name in ("--defaults-file", "--stream", "--target-dir", "--extra-lsndir", "--datadir"):
        if name not in options:
            fail("Please set parameter '%s'" % name.lstrip("-"))
    if not stat.S_ISREG(os.lstat(options["--defaults-file"]).st_mode):
        fail("--defaults-file is no regular file")
    version = ask(options, "SELECT VERSION()")
    if version.split(".")[:2] != series.split(".")[:2]:
        fail("Unsupported server version %s" % version)
    os.chdir(options["--datadir"])
    begins, ends = int(options.get("--incremental-lsn", 0)), lsn(options)
    place = tempfile.mkdtemp(prefix="standin-", dir="/tmp")
    os.chmod(place, 0o777)
    folder = os.path.join(place, "files")
    try:
        ask(options, "CLONE LOCAL DATA DIRECTORY = '%s'" % folder)
        last = lsn(options)
        kind = "incremental" if "--incremental-lsn" in options else "full-backuped"
        binlog = ask(options, "SHOW BINARY LOG STATUS").split("\t")
        info = "uuid = 0\ntool_name = xtrabackup\nserver_version = %s\nbinlog_pos = filename '%s', position '%s'\n" % (version, *binlog[:2])
        for into in (folder, options["--extra-lsndir"]):
            write_checkpoints(into, kind, begins, ends, last)
            with open(os.path.join(into, "xtrabackup_info"), "w") as file:
                file.write(info)
        with open(os.path.join(folder, "backup-my.cnf"), "w") as file:
            file.write("[mysqld]\ninnodb_checksum_algorithm=crc32\ninnodb_data_file_path=ibdata1:12M:autoextend\ninnodb_page_size=16384\n"
                       "innodb_undo_directory=./\ninnodb_undo_tablespaces=2\nserver_id=1\ninnodb_redo_log_encrypt=OFF\n")
        stream(folder, ".delta" if kind == "incremental" else "")
    finally:
        shutil.rmtree(place)


def prepare(options):
    target = options["--target-dir"]
    kind, begins, ends, last = read_checkpoints(target)
    system = os.path.join(target, "ibdata1")
    if "--incremental-dir" in options:
        if kind != "log-applied":
            fail("applying incremental backup needs target prepared with --apply-log-only.")
        source = options["--incremental-dir"]
        _, from_lsn, to_lsn, last = read_checkpoints(source)
        if from_lsn != ends:
            fail("This incremental backup seems not to be proper for the target. Check 'to_lsn' of the target and 'from_lsn' of the incremental.")
        for name in os.listdir(target):
            path = os.path.join(target, name)
            if name.startswith(("xtrabackup_", "backup-my")):
                continue
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        for parent, _, names in os.walk(source):
            for name in names:
                path = os.path.join(parent, name)
                own = os.path.join(target, os.path.relpath(path, source).removesuffix(".delta"))
                os.makedirs(os.path.dirname(own), exist_ok=True)
                shutil.copyfile(path, own)
        ends = to_lsn
    elif kind == "full-prepared":
        say("[Note] [MY-011825] [Xtrabackup] This target seems to be already prepared.")
        return
    # No server starts on what is only half prepared.
    if os.path.exists(system + ".half"):
        os.rename(system + ".half", system)
    if "--apply-log-only" in options:
        os.rename(system, system + ".half")
        write_checkpoints(target, "log-applied", 0, ends, last)
    else:
        write_checkpoints(target, "full-prepared", 0, ends, last)


def unpack(arguments):
    if arguments[:2] != ["-x", "-C"] or len(arguments) != 3:
        fail("xbstream -x -C DIR")
    data, at = sys.stdin.buffer, 0
    open_files = {}
    while head := data.read(14):
        if head[:8] != MAGIC or len(head) < 14:
            fail("xbstream: wrong chunk magic at offset %d" % at)
        path = data.read(struct.unpack("<I", head[10:])[0]).decode()
        if head[9:10] == b"E":
            open_files.pop(path).close()
            continue
        length, offset, crc = struct.unpack("<QQI", data.read(20))
        body = data.read(length)
        if len(body) < length or zlib.crc32(body) != crc:
            fail("xbstream: invalid checksum at offset %d" % at)
        if path not in open_files:
            full = os.path.join(arguments[2], path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            open_files[path] = open(full, "xb")
        open_files[path].seek(offset)
        open_files[path].write(body)
        at += length
    if open_files:
        fail("xbstream: the stream ends in the middle of a file")


def main():
    program, series, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
    if arguments == ["--version"]:
        sys.stderr.write("%s version %s-2 based on MySQL server %s Linux (x86_64) (revision id: 0)\n" % (program, series, series))
        return
    if program == "xbstream":
        unpack(arguments)
        return
    options = parse(arguments, series)
    if "--backup" in options:
        back_up(options, series)
    else:
        prepare(options)
    say("[Note] [MY-011825] [Xtrabackup] completed OK!")


main()
