"""Runs a program on a terminal of some width and prints what it shows there.

usage: terminal.py COLUMNS WORD PROGRAM [ARGUMENT ...]; ends with the program's exit code.

Presses Ctrl-C when WORD is shown for the first time; an empty WORD is never shown.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

columns, word = int(sys.argv[1]), sys.argv[2].encode()
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execv(sys.argv[3], sys.argv[3:])
shown = b""
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if word and word in shown:
        os.write(terminal, b"\x03")
        word = b""
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(status))
