"""`python -I -S warm_proxy.py SOCKET WORD ...`: seems to be a process of the warm parent (see warm.py).

It has that process's standard streams, passes signals on to it, and ends as it does. If it is killed, so is that one.
It is a program of the standard library alone, and starts in a few milliseconds.
"""

import json
import os
import signal
import socket
import struct
import sys


def main() -> None:
    path, *words = sys.argv[1:]
    passed_on = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)  # until it is known whom they are for
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    order = {"words": words, "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109
    content = json.dumps(order).encode()
    socket.send_fds(connection, [struct.pack("!I", len(content))], [0, 1, 2])
    connection.sendall(content)
    answers = connection.makefile("r")
    pid = int(answers.readline())
    for number in passed_on:
        signal.signal(number, lambda received, _: os.kill(pid, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
    code = int(answers.readline())
    if code < 0:
        if -code in passed_on:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main()
