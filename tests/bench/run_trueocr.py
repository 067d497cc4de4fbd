"""Reads pages with trueocr on one thread: run_trueocr.py OUT NAME=IMAGE[:IMAGE…]…

Leaves OUT/NAME.txt for each.
"""

import pathlib
import sys

import cv2
import trueocr

cv2.setNumThreads(1)
model = trueocr.load_model(threads=1)
for scan in sys.argv[2:]:
    name, images = scan.split("=", 1)
    text = "\f".join(model.predict(image).text for image in images.split(":"))
    pathlib.Path(sys.argv[1], f"{name}.txt").write_text(text, encoding="utf-8")
