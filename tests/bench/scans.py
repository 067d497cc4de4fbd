"""The scans that are measured with: `gold` (page images, NAME.gt.txt beside each) and `pdf`
(scans as they arrived)."""

import subprocess


def gold(scans):
    return [path for path in sorted((scans / "gold").iterdir()) if path.suffix != ".txt"]


def pdfs(scans):
    return sorted((scans / "pdf").glob("*.pdf"))


def images(scan, folder):
    """The pages of a scan as images: a PDF's at 300 dpi, for whoever can't take PDFs."""
    if scan.suffix != ".pdf":
        return [scan]
    folder.mkdir(parents=True, exist_ok=True)
    # JPEG: Tesseract lays it into its PDF as it is.
    subprocess.run(["pdftoppm", "-r", "300", "-jpeg", scan, folder / scan.stem], check=True)
    return sorted(folder.glob(f"{scan.stem}-*.jpg"))
