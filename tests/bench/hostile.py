"""Has every file of a folder read, each in a call of its own, and prints what became of it, as a
table: hostile.py BINDIR FOLDER

Time is that of the whole call, the start of a reader (0.2 s) among it; memory is the most that the
reader held.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time


def call(command):
    """Exit code, seconds, and kilobytes of the largest process among the command's own."""
    since = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - since, used.ru_maxrss


def fates(entries):
    """How the pages ended, equal ends counted."""
    ends = collections.Counter()
    for entry in entries:
        error = entry.get("error")
        ends[error["code"] if error else "blank" if entry["blank"] else "read"] += 1
    return ends


def main():
    sohoa, folder = pathlib.Path(sys.argv[1]) / "sohoa", pathlib.Path(sys.argv[2])
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    all_ends, slowest, largest = collections.Counter(), 0, 0
    print("| file | pages | fate | ms | peak MB |")
    print("|---|---|---|---|---|")
    for path in files:
        handle, out = tempfile.mkstemp()
        os.close(handle)
        command = [sohoa, "--log", "error", "read", path, "--jobs", "1", "--json", out]
        code, seconds, kilobytes = call(command)
        entries = json.loads(pathlib.Path(out).read_bytes()) if code in (0, 5) else []
        os.unlink(out)
        ends = fates(entries) or collections.Counter([f"exit code {code}"])
        fate = ", ".join(end if n == len(entries) else f"{n} {end}" for end, n in ends.items())
        name, peak = path.relative_to(folder), kilobytes // 1024
        print(f"| {name} | {len(entries)} | {fate} | {seconds * 1000:.0f} | {peak} |", flush=True)
        all_ends += ends
        slowest, largest = max(slowest, seconds), max(largest, peak)
    ends = ", ".join(f"{n} {end}" for end, n in all_ends.most_common())
    print(f"\n{len(files)} files: {ends}; at most {slowest:.1f} s and {largest} MB each.")


main()
