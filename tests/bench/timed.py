"""Runs a command and appends what it and its children took: timed.py LOG COMMAND…"""

import resource
import subprocess
import sys
import time

log, command = sys.argv[1], sys.argv[2:]
since = time.monotonic()
code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
wall = time.monotonic() - since
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(log, "a", encoding="ascii") as out:
    print(used.ru_utime + used.ru_stime, wall, used.ru_maxrss, code, file=out)
