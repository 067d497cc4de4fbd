"""Makes a first corpus for every target: grow.py CORPUS [FOLDER…]

Files of the folders that are at most 64 KB become scans or PDFs, JPEGs among them images to be
sealed, and lists of procedures a procedure; the rest is made here, in the forms that the program
itself writes.
"""

import json
import pathlib
import struct
import sys

LARGEST = 64 << 10
ID = "01938a7e-0000-7000-8000-000000000001"
CARD = "001199000013||Nguyễn Thị Mẫu|01011999|Nữ|Phường Mẫu, Hà Nội|02032022"
SEPARATOR = "SOHOA|1|H26.01.02-261123-0007|1.001193-TP01"
MRZ = (
    "IDVNM1990000137001199000013<<0\n"
    "9901014F3901013VNM<<<<<<<<<<<0\n"
    "NGUYEN<<THI<MAU<<<<<<<<<<<<<<<"
)

corpus = pathlib.Path(sys.argv[1])


def put(target, name, content):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        content = content.encode()
    (folder / name).write_bytes(content)


def put_json(target, name, value):
    put(target, name, json.dumps(value, ensure_ascii=False))


def frame(head, body=b""):
    head = json.dumps(head, ensure_ascii=False).encode()
    return struct.pack("<IQ", len(head), len(body)) + head + body


def answers():
    word = {"text": "Số:", "x": 1, "y": 1, "w": 9, "h": 9, "confidence": 0.9, "line": 0, "block": 0}
    other = {"engine": "tesseract", "text": "S0:", "confidence": 0.4}
    reading = {
        "seq": 0, "width": 100, "height": 50, "dpi": 300, "rotation_deg": 0, "skew_deg": 0.5,
        "blank": False, "fingerprint": "0a" * 32, "text": "Số: 12\n", "confidence": 0.9,
        "blake3": "00" * 32,
        "words": [word, {**word, "zone": "number", "otherwise": other}],
        "marks": [{"kind": "seal", "x": 2, "y": 2, "w": 9, "h": 9, "confidence": 1.0}],
        "flaws": ["blurred"], "codes": [{"kind": "separator", "text": SEPARATOR}],
        "kind": {"id": "birth_certificate", "confidence": 0.7}, "millis": {"decode": 3},
    }
    jpeg = {"format": "jpeg", "width": 100, "height": 50, "components": 1}
    ccitt = {"format": "ccitt", "width": 100, "height": 50}
    put("answers", "jpeg", frame({"answer": "read", "reading": reading, "image": jpeg}, b"\xff\xd8\xff"))
    put("answers", "ccitt", frame({"answer": "read", "reading": reading, "image": ccitt}, b"\x00\x01"))
    put("answers", "unpacked", frame({"answer": "unpacked", "pages": 3, "media_type": "image/tiff"}))
    put("answers", "refused", frame({"answer": "refused", "reason": "scan.broken", "detail": "cut"}))
    put("answers", "ready", frame({"answer": "ready", "version": "0.1.0", "walls": ["seccomp"]}))
    put("answers", "ask", frame({"ask": "read", "seq": 1}, b"scan"))


def bodies():
    citizen = {"type": "citizen", "number": "001199000013", "name": "Nguyễn Thị Mẫu", "born": "1999-01-01"}
    company = {"type": "organisation", "number": "0100109106", "name": "Công ty Mẫu"}
    for name, subject in (("citizen", citizen), ("organisation", company)):
        asked = {"procedure": "1.001193", "subject": subject}
        put_json("bodies", f"open-{name}", {**asked, "lane": "backlog", "office": "H26.01.02"})
        put_json("bodies", f"ask-{name}", {**asked, "purpose": "Đăng ký khai sinh", "asked_by": "H26"})
        put_json("bodies", f"case-{name}", {**asked, "case": "a", "component": "1.001193-TP01"})
    put_json("bodies", "assign", {"component": "1.001193-TP01", "kind": "birth_certificate"})


def messages():
    jobs = [
        {"do": "unpack", "scan": ID}, {"do": "read", "page": ID}, {"do": "file", "scans": 2},
        {"do": "seal", "document": ID, "revision": "a"}, {"do": "file"},
    ]
    for at, job in enumerate(jobs):
        message = {"version": 1, "lane": "counter", "office": "H26.01.02", "dossier": ID, "job": job}
        put_json("messages", f"job-{at}", message)


def scans(folders):
    for folder in map(pathlib.Path, folders):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            content, name = path.read_bytes(), f"{path.parent.name}-{path.name}"
            # Of an image to be sealed only the head is read, so a large one may be cut.
            put_jpeg(name, content[:LARGEST])
            if 0 < len(content) <= LARGEST:
                put("pdfs" if b"%PDF-" in content[:1024] else "scans", name, content)


def put_jpeg(name, content):
    frames = [content.find(bytes([0xFF, marker, 0])) for marker in (0xC0, 0xC1, 0xC2)]
    frame = content[min((at for at in frames if at != -1), default=len(content)) :]
    if content.startswith(b"\xff\xd8\xff") and 10 <= len(frame):
        height, width, components = struct.unpack(">HHB", frame[5:10])
        put("sealing", name, struct.pack(">HHB", width, height, components) + content)


def catalogues(folders):
    """The first procedures of every list: ours, and the national one where a folder has it."""
    for folder in map(pathlib.Path, folders):
        for path in sorted(folder.rglob("*.json")):
            if LARGEST << 6 < path.stat().st_size:
                continue
            whole = json.loads(path.read_bytes())
            if isinstance(whole, dict) and "procedures" in whole:
                put_json("catalogue", path.name, {**whole, "procedures": whole["procedures"][:1]})
            elif isinstance(whole, list):
                put_json("catalogue", path.name, whole[:1])


def main():
    tests = pathlib.Path(__file__).resolve().parent.parent
    answers()
    bodies()
    messages()
    catalogues([tests.parent / "schemas" / "catalogue", *sys.argv[2:]])
    scans([tests / "papers" / "sample", *sys.argv[2:]])
    for target in ("codes", "mrz"):
        for name, text in (("card", CARD), ("separator", SEPARATOR), ("mrz", MRZ)):
            put(target, name, text)


main()
