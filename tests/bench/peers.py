"""The readers that are set side by side: how each takes one file, or all in one process.

A reader is a function of the job that answers with its command; it leaves NAME.txt and, where it
makes them, NAME.pdf in the job's folder.
"""

import pathlib
import sys
from dataclasses import dataclass

HERE = pathlib.Path(__file__).parent


@dataclass
class Job:
    """Scans to be read in one call."""

    bin: pathlib.Path  # where the programs of Sohoa are
    scans: list[pathlib.Path]  # as they arrived
    images: list[list[pathlib.Path]]  # of each scan its pages, for those that can't take PDFs
    out: pathlib.Path | None = None  # folder for what is read

    @property
    def name(self):
        return self.scans[0].stem

    @property
    def names(self):
        return ", ".join(scan.name for scan in self.scans)


def sohoa(job):
    """Straightened, read, sealed as PDF/A-2u."""
    out = [part for kind in ("text", "pdf", "json") for part in (f"--{kind}", job.out)]
    return [job.bin / "sohoa", "--log", "error", "read", *job.scans, "--jobs", "1", *out]


def ocrmypdf(job):
    """The same job: straightened, read, PDF/A-2b."""
    options = "--deskew --rotate-pages --force-ocr --output-type pdfa --jobs 1 -l vie".split()
    # It refuses signed scans otherwise.
    options += ["--invalidate-digital-signatures", "--sidecar", job.out / f"{job.name}.txt"]
    return [sys.executable, "-m", "ocrmypdf", *options, job.scans[0], job.out / f"{job.name}.pdf"]


def tesseract(job):
    """Read as it lies; a searchable PDF."""
    pages = job.out / f"{job.name}.list"
    pages.write_text("".join(f"{image}\n" for image in job.images[0]))
    return ["tesseract", pages, job.out / job.name, "-l", "vie", "txt", "pdf"]


def trueocr(job):
    """Straightened and read; no PDF."""
    scans = [f"{scan.stem}={':'.join(map(str, i))}" for scan, i in zip(job.scans, job.images)]
    return [sys.executable, HERE / "run_trueocr.py", job.out, *scans]


# A scan a call, each in a process of its own: start-up is paid for each.
ONE_BY_ONE = {"sohoa": sohoa, "ocrmypdf": ocrmypdf, "tesseract": tesseract, "trueocr": trueocr}
# All scans in one call, as a server has it: start-up is paid once.
WARM = {"sohoa-warm": sohoa, "trueocr-warm": trueocr}
