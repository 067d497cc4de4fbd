"""Makes up a year of dossiers, writes the statements that fill an office's database with them, and
prints what the indicators of one office must be: year.py TO YEAR OFFICE OTHER_OFFICE

The figures are reckoned here from the dossiers as they were made up, by the words of the
ministry's note on Decision 766/QĐ-TTg, and not from the database: whoever reads the database must
come to the same.
"""

import datetime
import json
import math
import random
import sys
import uuid

# Vietnam's clock: a year begins there.
HANOI = datetime.timezone(datetime.timedelta(hours=7))
# Ends with a paper that proves something, and ends with none.
BIRTH, RESIDENCE = "1.001193", "1.004222"
CERTIFICATE = "KQ.G15.000031"
SUBJECT = {"type": "citizen", "number": "001199000013", "name": "Nguyễn Thị Mẫu", "born": "1999-01-01"}


def micros(moment):
    return round(moment.timestamp() * 1_000_000)


class Dossier:
    """A dossier with all that is counted of it."""

    def __init__(self, chance, number, opened, office):
        self.id, self.code = str(uuid.UUID(int=chance.getrandbits(128))), f"NAM-{number:06}"
        self.office, self.opened = office, opened
        self.procedure = chance.choice([BIRTH, RESIDENCE])
        self.closed = chance.random() < 0.8
        # Papers: how many pages each has, whether it is filed, whether a person filed it. One that
        # the office issued is filed under its result's code, and is not of the components.
        self.papers = [
            {"id": str(uuid.UUID(int=chance.getrandbits(128))),
             "pages": chance.randint(1, 3), "filed": chance.random() < 0.85,
             "by_person": chance.random() < 0.15,
             "component": CERTIFICATE if chance.random() < 0.4 else f"TP{place:02}"}
            for place in range(chance.randint(0, 3))
        ]
        # Records that came of it: of which paper, which result that is (handed in or issued),
        # whether it is in force, whether the portal has taken it, and how long it took.
        self.records = [
            {"paper": paper, "result": CERTIFICATE if chance.random() < 0.7 else None,
             "in_force": chance.random() < 0.85, "taken": chance.random() < 0.3,
             "wait": chance.choice([None, chance.randint(2, 900)])}
            for paper in self.papers if paper["filed"] and chance.random() < 0.9
        ]
        # Components that a record stood in for when it was opened, or a paper of another Kho, or
        # both; what became of them since.
        self.reusable = [
            {"component": f"TP{place:02}", "original": chance.random() < 0.2,
             "why": chance.choice([None, None, "scan", "declined"]),
             "record": source != "kho",
             # Of those whose place something took: pages were added to some, another paper to others.
             "change": chance.choice([None, None, "corrected", "longer", "superseded", "revoked",
                                      "expired"]),
             "kho": chance.choice(["used", "used", "declined"]) if source != "record" else None,
             "national": chance.random() < 0.5}
            for place in range(chance.choice([0, 0, 1, 2, 3]))
            for source in [chance.choice(["record", "record", "kho", "both"])]
        ]

    def collected(self, component):
        return any(p["filed"] and p["component"] == component for p in self.papers)

    def asked_again(self):
        return [r for r in self.reusable if self.collected(r["component"]) and not r["original"]]

    def unreasoned(self):
        return [r for r in self.asked_again() if r["why"] is None and r["kho"] != "declined"]

    # A paper that was put right, or has pages more, is the same paper.
    def by_record(self):
        again = self.asked_again()
        stands = (None, "corrected", "longer")
        return [r for r in self.reusable
                if r not in again and r["record"] and r["change"] in stands]

    def by_kho(self):
        taken = self.asked_again() + self.by_record()
        return [r for r in self.reusable if r not in taken and r["kho"] == "used"]

    def reused(self):
        return self.by_record() + self.by_kho()

    def issued(self):
        return [r for r in self.records if r["in_force"] and r["result"] == CERTIFICATE
                and r["paper"]["component"] == CERTIFICATE]

    def has_result(self):
        return bool(self.issued())

    def attached(self):
        handed_in = any(p["filed"] and p["component"] != CERTIFICATE for p in self.papers)
        return handed_in or bool(self.reused())

    def synced(self):
        return any(r["national"] for r in self.by_kho()) or any(r["taken"] for r in self.issued())


def made_up(year, office, other):
    chance = random.Random(766)
    begins = datetime.datetime(year, 1, 1, tzinfo=HANOI)
    ends = datetime.datetime(year + 1, 1, 1, tzinfo=HANOI)
    second = datetime.timedelta(seconds=1)
    moments = [begins - second, begins, ends - second, ends]
    length = int((ends - begins).total_seconds())
    moments += [begins + datetime.timedelta(seconds=chance.randrange(length)) for _ in range(1200)]
    dossiers = [Dossier(chance, number, moment, chance.choice([office, office, other]))
                for number, moment in enumerate(moments)]
    for edge in dossiers[:4]:
        edge.office = office
    return dossiers, [d for d in dossiers if begins <= d.opened < ends and d.office == office]


class Statements:
    """SQL that every database takes, values and all."""

    def __init__(self, file):
        self.file = file

    def execute(self, sql, values):
        parts = sql.split("?")
        assert len(parts) == 1 + len(values), sql
        told = [part + self.literal(value) for part, value in zip(parts, values)]
        print("".join(told) + parts[-1] + ";", file=self.file)

    @staticmethod
    def literal(value):
        if value is None:
            return "null"
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return str(int(value))


def keep(db, dossiers):
    """Writes the dossiers as Sohoa would have."""
    chance = random.Random(118)
    new = lambda: str(uuid.UUID(int=chance.getrandbits(128)))
    nothing = "0" * 64
    db.execute("insert into subject (number, body) values (?, ?) on conflict do nothing",
               (SUBJECT["number"], json.dumps(SUBJECT)))
    for dossier in dossiers:
        opened = micros(dossier.opened)
        db.execute(
            "insert into dossier (dossier_id, code, office, procedure, procedure_version, lane,"
            " subject, number, state, opened_at) values (?, ?, ?, ?, 1, 'counter', ?, ?, ?, ?)",
            (dossier.id, dossier.code, dossier.office, dossier.procedure, json.dumps(SUBJECT),
             SUBJECT["number"], "closed" if dossier.closed else "open", opened))
        scan = new()
        db.execute(
            "insert into scan (scan_id, dossier_id, place, blake3, bytes, media_type, state,"
            " received_at) values (?, ?, 1, ?, 1, 'image/jpeg', 'unpacked', ?)",
            (scan, dossier.id, nothing, opened))
        seq = 0
        for place, paper in enumerate(dossier.papers):
            pages = [new() for _ in range(paper["pages"])]
            for page in pages:
                db.execute(
                    "insert into page (page_id, scan_id, dossier_id, seq, state)"
                    " values (?, ?, ?, ?, 'read')", (page, scan, dossier.id, seq))
                seq += 1
            db.execute(
                "insert into document (document_id, dossier_id, place, revision, pages, component,"
                " confidence, verdict, why, assigned_by, seal)"
                " values (?, ?, ?, '', ?, ?, 1, ?, '', ?, 'none')",
                (paper["id"], dossier.id, place, json.dumps(pages),
                 paper["component"] if paper["filed"] else None,
                 "filed" if paper["filed"] else "unsure",
                 "can-bo" if paper["by_person"] else None))
        for record in dossier.records:
            record_id = new()
            code = f"NAM.{record_id}"
            db.execute("insert into digitisation (code, prefix, record_id) values (?, '', ?)",
                       (code, record_id))
            # A later version counts no second time.
            last = chance.randint(1, 2)
            for version in range(1, last + 1):
                in_use = "published" if record["in_force"] else "revoked"
                wait = record["wait"]
                published = opened + (wait or 0) * 1_000_000 + (version - 1) * 3_600_000_000
                db.execute(
                    "insert into record (record_id, version, document_id, dossier_id, revision,"
                    " digitisation_code, state, published_at, hash, pdf, body, result, scanned_at)"
                    " values (?, ?, ?, ?, '', ?, ?, ?, ?, ?, '{}', ?, ?)",
                    (record_id, version, record["paper"]["id"], dossier.id, code,
                     in_use if version == last else "superseded", published, nothing, nothing,
                     record["result"], None if wait is None else opened))
            # What was withdrawn since isn't there any more.
            filed_as = record["paper"]["component"]
            if record["taken"] and record["result"] == filed_as:
                db.execute("insert into synced_result (dossier_id, record_id, at)"
                           " values (?, ?, ?)", (dossier.id, record_id, opened))
        for place, relied in enumerate(dossier.reusable):
            of = (dossier.id, relied["component"], new())
            if relied["record"]:
                db.execute(
                    "insert into relied (dossier_id, component, record_id, version, original,"
                    " noted_at) values (?, ?, ?, 1, ?, ?)", (*of, relied["original"], opened))
                if relied["change"] == "longer":
                    # Counted as no result and no wait: neither its first version nor a result.
                    code = f"NAM.{of[2]}"
                    db.execute("insert into digitisation (code, prefix, record_id)"
                               " values (?, '', ?)", (code, of[2]))
                    db.execute(
                        "insert into record (record_id, version, document_id, dossier_id,"
                        " revision, digitisation_code, state, published_at, hash, pdf, body)"
                        " values (?, 2, ?, ?, '', ?, 'published', ?, ?, ?, '{}')",
                        (of[2], new(), dossier.id, code, opened, nothing, nothing))
                if relied["change"]:
                    change = "superseded" if relied["change"] == "longer" else relied["change"]
                    db.execute(
                        "insert into relied_change (dossier_id, component, record_id, version,"
                        " change, at, told) values (?, ?, ?, 1, ?, ?, 1)",
                        (*of, change, opened))
            if relied["kho"]:
                inquiry = new()
                db.execute(
                    "insert into inquiry (inquiry_id, dossier_id, store, national, component,"
                    " delivery_id, asked_at, principal, question)"
                    " values (?, ?, 'kho', ?, ?, ?, ?, '', '{}')",
                    (inquiry, dossier.id, relied["national"], relied["component"], new(), opened))
                words = ["shown", "used"] + ["declined"] * (relied["kho"] == "declined")
                for at, word in enumerate(words):
                    db.execute(
                        "insert into inquiry_word (inquiry_id, place, dossier_id, component, word,"
                        " paper, original, said_by, principal, at)"
                        " values (?, ?, ?, ?, ?, 0, ?, 'can-bo', '', ?)",
                        (inquiry, at + 1, dossier.id, relied["component"], word,
                         relied["original"], opened + at))
            if relied["why"] == "scan":
                db.execute(
                    "insert into ask_again (scan_id, dossier_id, component, reason, at)"
                    " values (?, ?, ?, 'authenticity', ?)",
                    (scan, dossier.id, relied["component"], opened))
            if relied["why"] == "declined":
                db.execute(
                    "insert into lookup_word (lookup_id, place, word, dossier, component, said_by,"
                    " at) values (?, 1, 'declined', ?, ?, 'can-bo', ?)",
                    (new(), dossier.code, relied["component"], opened))


def hundredths(value):
    return math.floor(value * 100 + 0.5) / 100


def figures(dossiers):
    """The figures, by name: numerator, denominator, percentage, points."""
    births = [d for d in dossiers if d.procedure == BIRTH]
    finished = [d for d in births if d.closed]
    digitised = [d for d in dossiers if d.attached()
                 and (d.procedure != BIRTH or d.has_result())]
    again = [r for d in dossiers for r in d.asked_again()]
    reusable = sum(len(d.reusable) for d in dossiers)
    pages = [p for d in dossiers for p in d.papers for _ in range(p["pages"])]
    counted = {
        "result_available": (sum(d.has_result() for d in finished), len(finished)),
        "digitised": (len(digitised), len(dossiers)),
        "reused": (sum(bool(d.reused()) for d in dossiers), len(dossiers)),
        "synced": (sum(d.synced() for d in dossiers), len(dossiers)),
        "reused_of_reusable": (sum(len(d.reused()) for d in dossiers), reusable),
        "asked_again": (len(again), reusable),
        "asked_again_unreasoned": (sum(len(d.unreasoned()) for d in dossiers), reusable),
        "pages_corrected": (sum(p["by_person"] for p in pages), len(pages)),
    }
    # Most points, and the percentage that earns them all.
    points = {"result_available": (6, 100), "digitised": (4, 80), "reused": (2, 80),
              "synced": (4, 100)}
    out = []
    for name, (of, all_) in counted.items():
        percent = 100 * of / all_
        most, full = points.get(name, (None, None))
        score = None if most is None else hundredths(min(most, most * percent / full))
        out.append({"figure": name, "of": of, "all": all_, "percent": hundredths(percent),
                    "score": score, "most": most})
    return out


def median(waits):
    waits, middle = sorted(waits), len(waits) // 2
    return waits[middle] if len(waits) % 2 else (waits[middle - 1] + waits[middle]) // 2


def main():
    file, year, office, other = sys.argv[1:]
    dossiers, counted = made_up(int(year), office, other)
    with open(file, "w", encoding="utf-8") as to:
        print("begin;", file=to)
        keep(Statements(to), dossiers)
        print("commit;", file=to)
    waits = [r["wait"] for d in counted for r in d.records if r["wait"] is not None]
    print(json.dumps({"key": office, "dossiers": len(counted), "indicators": figures(counted),
                      "median_seconds": median(waits)}))


if __name__ == "__main__":
    main()
