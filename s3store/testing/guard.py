"""Run a server that ends when the process that started it ends, even if that process is killed.

The first argument is the number of seconds in which the server must stop, the others are its command. Standard input
is a pipe from the process that started this one. The operating system closes the pipe when that process ends.
"""

import os
import subprocess
import sys
import threading

__all__: list[str] = []


def main(seconds: float, command: list[str]) -> int:
    """Run *command* to its end, and return its exit status, or 128 plus the number of the signal that ended it."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the command of servers.py
    threading.Thread(target=_stop_at_end_of_input, args=(server, seconds), daemon=True).start()
    status = server.wait()
    return status if status >= 0 else 128 - status


def _stop_at_end_of_input(server: "subprocess.Popen[bytes]", seconds: float) -> None:
    # Not sys.stdin: the interpreter cannot exit while a thread reads from it.
    os.read(0, 1)
    server.terminate()
    try:
        server.wait(seconds)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
