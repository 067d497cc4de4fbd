"""Turns pages by known angles and asks how they lie: turned.py BIN SCANS

The lean that Sohoa finds is set beside jdeskew's, its orientation beside Tesseract's. A page is
first straightened by what Sohoa finds, so that no turn passes 15 degrees; both then count from
what each finds of the straightened page: the error is angle(turned) - angle(straightened) - turn.
Angles are in degrees, clockwise. Pages on which Tesseract can't say at all how they lie (blank
backs) are left out.
"""

import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import jdeskew.estimator
import numpy
from measure import measured
from PIL import Image
from scans import gold, images, pdfs

TURNS = [sign * turn for turn in (0.3, 0.7, 1.5, 3, 7, 14.5) for sign in (1, -1)]
# Tesseract's confidence that it has text before it: backs with the ghost of a seal stay below 0.5,
# the pages of text seen have 20 and more.
TEXT = 2
STRAIGHT = 0.05  # Sohoa doesn't turn a page that leans by less.


def main():
    bin, scans = (pathlib.Path(arg).resolve() for arg in sys.argv[1:3])
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        pages = {}
        for scan in [*gold(scans), *pdfs(scans)]:
            for image in images(scan, work / "images"):
                # Some pages are in both folders.
                pages[f"{scan.parent.name}-{image.stem}"] = Page(image)
        files = laid(work, pages, lambda _, page: page.pixels)
        lies, _ = straight(bin, files)
        bare = [name for name in pages if by_tesseract(files[name])[1] < TEXT]
        pages = {name: page for name, page in pages.items() if name not in bare}
        print(f"{len(pages)} pages; {len(bare)} without text left out: {', '.join(bare)}\n")
        leans(bin, work, pages, {name: lies[name]["skew"] for name in pages})
        orientations(bin, work, pages)


class Page:
    def __init__(self, path):
        with Image.open(path) as image:
            self.dpi = image.info.get("dpi", (300, 300))
            self.pixels = numpy.array(image.convert("L"))
        self.paper = float(numpy.median(self.pixels))
        self.bilevel = set(numpy.unique(self.pixels)) <= {0, 255}

    def turned(self, angle):
        """On an unchanged canvas, as a scanner's glass is. What turns in has the paper's tone, so
        that no edge but the page's own tells the angle."""
        height, width = self.pixels.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1)
        size, way = (width, height), cv2.INTER_LANCZOS4
        pixels = cv2.warpAffine(self.pixels, matrix, size, flags=way, borderValue=self.paper)
        return numpy.where(pixels < 128, 0, 255).astype("uint8") if self.bilevel else pixels


def laid(work, pages, turn):
    """Pages as files that are quick to read, their pixels turned."""
    files = {name: work / f"{name}.bmp" for name in pages}
    for name, page in pages.items():
        Image.fromarray(turn(name, page)).save(files[name], dpi=page.dpi)
    return files


def straight(bin, files):
    """How Sohoa thinks that pages lie, by name; and the CPU seconds of the whole process."""
    with tempfile.TemporaryFile("w+") as said:
        took = measured([bin / "examples/straight", *files.values()], said)
        said.seek(0)
        lines = said.read().splitlines()
    if took["code"] != 0:
        sys.exit("\n".join(lines))
    lies = {}
    for name, line in zip(files, lines):
        rotation, sure, skew = line.split()
        lies[name] = {"rotation": int(rotation), "sure": sure == "true", "skew": float(skew)}
    return lies, took["cpu"]


def leans(bin, work, pages, lean):
    found, cpu = {"Sohoa": {}, "jdeskew": {}}, {"Sohoa": 0, "jdeskew": 0}
    for turn in [0, *TURNS]:
        files = laid(work, pages, lambda name, page: page.turned(turn - lean[name]))
        lies, took = straight(bin, files)
        cpu["Sohoa"] += took
        since = time.process_time()
        found["jdeskew"][turn] = {
            name: jdeskew.estimator.get_angle(cv2.imread(file, cv2.IMREAD_GRAYSCALE))
            for name, file in files.items()
        }
        cpu["jdeskew"] += time.process_time() - since
        found["Sohoa"][turn] = {name: lies[name]["skew"] for name in pages}

    heads = [f"{peer}: mean, median, worst" for peer in found]
    print(f"| turned by, degrees | {' | '.join(heads)} |")
    print("|---|---|---|")
    for turns in [*([turn, -turn] for turn in TURNS[::2]), TURNS]:
        label = f"±{turns[0]}" if turns != TURNS else "all"
        print(f"| {label} | " + " | ".join(summary(found[peer], turns) for peer in found) + " |")
    touched = [sum(STRAIGHT <= abs(a) for a in found[peer][0].values()) for peer in found]
    print("| straight ones turned | " + " | ".join(f"{n} of {len(pages)}" for n in touched) + " |")
    costs = [cpu[peer] / len(pages) / (1 + len(TURNS)) for peer in found]
    print("| CPU s a page | " + " | ".join(f"{cost:.3f}" for cost in costs) + " |\n")


def summary(found, turns):
    errors = [abs(found[turn][name] - found[0][name] - turn) for turn in turns for name in found[0]]
    mean, median = statistics.mean(errors), statistics.median(errors)
    return f"{mean:.3f}, {median:.3f}, {max(errors):.3f}"


def orientations(bin, work, pages):
    """Every page in all four turns."""
    wrong, cpu = {"Sohoa": [], "Tesseract": []}, {"Sohoa": 0, "Tesseract": 0}
    asked = 0
    for turn in (0, 90, 180, 270):
        files = laid(work, pages, lambda _, page: numpy.rot90(page.pixels, -turn // 90))
        lies, took = straight(bin, files)
        cpu["Sohoa"] += took
        for name, file in files.items():
            rotation = lies[name]["rotation"]
            if not lies[name]["sure"]:
                asked += 1
                rotation = by_reading(bin, file)
            due = (360 - turn) % 360
            if rotation != due:
                wrong["Sohoa"].append(f"{name} at {turn}")
            rotation, _, took = by_tesseract(file)
            cpu["Tesseract"] += took
            if rotation != due:
                wrong["Tesseract"].append(f"{name} at {turn}")

    total = 4 * len(pages)
    print("| orientation by | right | CPU s a page |\n|---|---|---|")
    for peer, names in wrong.items():
        print(f"| {peer} | {total - len(names)} of {total} | {cpu[peer] / total:.3f} |")
    print(f"\nSohoa also read lines both ways on {asked} of them (not in its CPU).")
    for peer, names in wrong.items():
        print(f"Wrong by {peer}: {', '.join(names) or 'none'}")


def by_tesseract(file):
    """Tesseract's answer, None where it has none; its confidence; its CPU seconds."""
    with tempfile.TemporaryFile("w+") as said:
        took = measured(["tesseract", file, "-", "--psm", "0"], said)
        said.seek(0)
        answer = dict(re.findall(r"^(Rotate|Orientation confidence): (\S+)$", said.read(), re.M))
    if not answer:
        return None, 0, took["cpu"]
    return int(answer["Rotate"]), float(answer["Orientation confidence"]), took["cpu"]


def by_reading(bin, file):
    """The reader's own answer."""
    command = [bin / "sohoa", "--log", "error", "read", file, "--jobs", "1", "--json", "-"]
    said = subprocess.run(command, check=True, capture_output=True).stdout
    return json.loads(said)[0]["rotation_deg"]


main()
