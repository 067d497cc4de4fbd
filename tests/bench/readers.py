"""What readers bring together, and whether one stays small: readers.py BIN SCANS

Pages a minute with one reader and with two; and the memory of one reader over a thousand pages of
300 dpi colour A4, looked at ten times a second.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from measure import MB, family, highest, measured, resident
from scans import pdfs

ROUNDS = 3
# In one PDF, as often as the longest that is accepted (500 pages) allows; twice that is the most
# that one reader is asked before it is replaced (1,000 questions).
LONGEST = 495
TIMES = 2


def main():
    bin, scans = (pathlib.Path(arg).resolve() for arg in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as work:
        together(bin, pdfs(scans), work)
        flat(bin, pdfs(scans), pathlib.Path(work, "thousand.pdf"))


def reading(bin, files, jobs, work):
    program = [bin / "sohoa", "--log", "error", "read"]
    return [*program, *files, "--jobs", str(jobs), "--text", pathlib.Path(work, "read.txt")]


def together(bin, files, work):
    """One reader and two, in turns."""
    pages = sum(map(page_count, files))
    minute = {1: [], 2: []}
    print(f"load of the machine: {pathlib.Path('/proc/loadavg').read_text().split()[0]}")
    for _ in range(ROUNDS):
        for jobs, rates in minute.items():
            took = measured(reading(bin, files, jobs, work), sys.stderr)
            rates.append(60 * pages / took["wall"])
    ratios = [two / one for one, two in zip(minute[1], minute[2])]
    print(f"| readers | pages a minute (median of {ROUNDS}) |\n|---|---|")
    for jobs, rates in minute.items():
        print(f"| {jobs} | {statistics.median(rates):.0f} |")
    print(f"\ntwo do {statistics.median(ratios):.2f} times the pages of one\n")


def flat(bin, files, thousand):
    """The memory of one reader."""
    colour = [file for file in files if is_colour(file)]
    once = sum(map(page_count, colour))
    inputs = colour * (LONGEST // once)
    # Pages that come again are the same objects: the file is no larger than the scans.
    subprocess.run(["qpdf", "--empty", "--pages", *inputs, "--", thousand], check=True)
    pages = page_count(thousand) * TIMES
    command = reading(bin, [thousand] * TIMES, 1, thousand.parent)
    sohoa = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    seen, peak = {}, 0
    while sohoa.poll() is None:
        for pid in family(sohoa.pid)[1:]:
            seen.setdefault(pid, []).append(resident(pid) / MB)
            peak = max(peak, highest(pid) / MB)
        time.sleep(0.1)
    if sohoa.returncode != 0:
        sys.exit(f"sohoa read ended with {sohoa.returncode}")
    sizes = max(seen.values(), key=len)
    part = max(1, len(sizes) * 50 // pages)
    print(f"one reader over {pages} pages of 300 dpi colour A4, MB:\n")
    print("| pages | mean | highest seen |\n|---|---|---|")
    for label, some in [("first 50", sizes[:part]), ("last 50", sizes[-part:]), ("all", sizes)]:
        print(f"| {label} | {statistics.mean(some):.0f} | {max(some):.0f} |")
    print(f"\npeak, as the kernel counts it: {peak:.0f} MB; readers: {len(seen)}")


def is_colour(file):
    """Whether its first page is a colour JPEG of 300 dpi."""
    listed = ["pdfimages", "-list", "-f", "1", "-l", "1", file]
    lines = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.splitlines()
    # page num type width height color comp bpc enc interp object ID x-ppi y-ppi size ratio
    cells = lines[2].split() if len(lines) > 2 else [""] * 14
    return cells[5] == "rgb" and cells[8] == "jpeg" and cells[12] == "300"


def page_count(file):
    counted = subprocess.run(["qpdf", "--show-npages", file], check=True, capture_output=True)
    return int(counted.stdout)


main()
