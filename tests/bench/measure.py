"""Runs a command and says what it took."""

import os
import pathlib
import subprocess
import threading
import time

# One thread for whoever looks here: the readers are compared by what a page costs, and
# Tesseract's threads cost more than they bring.
ENVIRONMENT = {**os.environ, "OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1"}
MB = 1 << 20


def measured(command, log):
    """CPU seconds (user and system, of the process and all that it waited for), wall seconds,
    peak MB of its largest process and of all its processes together, exit code. What it says
    goes to `log`.

    This process must stay small: until a child has become its program, the kernel counts our
    memory as the child's.
    """
    since = time.monotonic()
    child = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=ENVIRONMENT,
    )
    family = Family(child.pid)
    family.start()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - since
    child.returncode = os.waitstatus_to_exitcode(status)
    family.over.set()
    family.join()
    largest = used.ru_maxrss * 1024 / MB
    return {
        "cpu": used.ru_utime + used.ru_stime,
        "wall": wall,
        "largest": largest,
        "together": max(family.peak / MB, largest),
        "code": child.returncode,
    }


class Family(threading.Thread):
    """Looks at the memory of a process and its descendants, 50 times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            self.peak = max(self.peak, sum(resident(pid) for pid in family(self.pid)))


def family(pid):
    """A process and all its descendants."""
    pids = [pid]
    for pid in pids:
        try:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                pids.extend(map(int, (task / "children").read_text().split()))
        except OSError:
            pass  # It has ended.
    return pids


def resident(pid):
    """Resident bytes of a process, 0 when it has ended."""
    try:
        pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def highest(pid):
    """Most bytes that a process ever had resident, 0 when it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines())
    return next((int(cells[1]) * 1024 for cells in lines if cells[0] == "VmHWM:"), 0)
