"""Checks the PDFs that the last run of bench.py left: pdfs.py OUT SCANS

Against PDF/A by veraPDF; their size; how like the scan their pages look; the text of two of them.
"""

import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy
import scans

VERAPDF = pathlib.Path(__file__).parent.parent / "verapdf/verapdf.sh"
MAKERS = ["sohoa", "ocrmypdf"]
DPI = 150  # What a screen shows of a page.


def main():
    out, originals = pathlib.Path(sys.argv[1], "pdf"), scans.pdfs(pathlib.Path(sys.argv[2]))
    if not out.is_dir():
        sys.exit(f"{out} isn't there: run `make bench` first")
    made = {maker: [out / maker / file.name for file in originals] for maker in MAKERS}
    code = subprocess.run([VERAPDF, *made["sohoa"]]).returncode

    print("\n| scan | KB | " + " | ".join(f"{maker} KB" for maker in MAKERS) + " |")
    print("|---|---|" + "---|" * len(MAKERS))
    for files in zip(originals, *made.values()):
        sizes = [f"{file.stat().st_size / 1000:.0f}" for file in files]
        print(f"| {files[0].stem} | {' | '.join(sizes)} |")
    sizes = [sum(file.stat().st_size for file in files) for files in (originals, *made.values())]
    print(f"| all | {' | '.join(f'{size / 1000:.0f}' for size in sizes)} |\n")

    print("likeness to the scan (SSIM, 1 is the same), and of the least like half inch:\n")
    print("| PDFs of | mean | worst pages |\n|---|---|---|")
    for maker, files in made.items():
        found = sorted(
            likeness(page, other) + (f"{original.stem} {at}",)
            for original, file in zip(originals, files)
            for at, (page, other) in enumerate(zip(pages(original), pages(file), strict=True), 1)
        )
        mean = sum(row[0] for row in found) / len(found)
        worst = "; ".join(f"{name}: {whole:.3f}, {spot:.3f}" for whole, spot, name in found[:3])
        print(f"| {maker} | {mean:.4f} | {worst} |")

    for file in made["sohoa"][1:4:2]:
        print(f"\n`pdftotext -layout {file.name}`, first page:\n", flush=True)
        subprocess.run(["pdftotext", "-layout", "-l", "1", file, "-"], check=True)
    sys.exit(code)


def pages(file):
    """Its pages as a screen shows them."""
    with tempfile.TemporaryDirectory() as work:
        page = pathlib.Path(work, "page")
        subprocess.run(["pdftoppm", "-r", str(DPI), file, page], check=True)
        return [cv2.imread(str(image)) for image in sorted(pathlib.Path(work).iterdir())]


def likeness(scan, page):
    """Structural similarity of a page to its scan: of the whole, and of the least like half inch.
    The scan is fitted, turned and moved first so that it lies as the page does."""
    height, width = page.shape[:2]
    scan = cv2.resize(scan, (width, height), interpolation=cv2.INTER_CUBIC)
    grey = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (page, scan)]
    matrix = numpy.eye(2, 3, dtype=numpy.float32)
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-6)
    try:
        cv2.findTransformECC(*grey, matrix, cv2.MOTION_EUCLIDEAN, until, None, 5)
    except cv2.error:
        pass  # A blank page: it lies as it lay.
    way = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    scan = cv2.warpAffine(scan, matrix, (width, height), flags=way, borderMode=cv2.BORDER_REPLICATE)
    same = similarity(scan.astype(numpy.float32), page.astype(numpy.float32)).mean(axis=2)
    half_inch = cv2.blur(same, (DPI // 2, DPI // 2))
    return float(same.mean()), float(half_inch.min())


def similarity(a, b):
    """SSIM by pixel and colour (Wang et al. 2004)."""
    def mean(image):
        return cv2.GaussianBlur(image, (11, 11), 1.5)

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    light, contrast = 6.5025, 58.5225  # (0.01 * 255)^2, (0.03 * 255)^2
    return ((2 * mean_a * mean_b + light) * (2 * covariance + contrast)) / (
        (mean_a**2 + mean_b**2 + light) * (var_a + var_b + contrast)
    )


main()
