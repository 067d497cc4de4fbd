"""Reads the same scans with Sohoa and its peers, in one run: bench.py BIN SCANS OUT [RUNS]

The readers take turns file by file, so that whatever else the machine does hits all alike. Leaves
what it took in OUT/runs.jsonl, and texts and PDFs in OUT/SET/READER; `table.py` shows it.
"""

import json
import pathlib
import shutil
import sys

from measure import measured
from peers import ONE_BY_ONE, WARM, Job
from scans import gold, images, pdfs


def main():
    bin, scans, out = (pathlib.Path(arg).resolve() for arg in sys.argv[1:4])
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sets = {"gold": gold(scans), "pdf": pdfs(scans)}
    with open(out / "runs.jsonl", "w") as rows, open(out / "log.txt", "w") as log:
        for which, files in sets.items():
            pages = [images(path, out / which / "images") for path in files]
            for run in range(runs):
                jobs = [(Job(bin, [f], [p]), ONE_BY_ONE) for f, p in zip(files, pages)]
                for job, readers in [*jobs, (Job(bin, files, pages), WARM)]:
                    print(f"bench: {which}: {job.names}", file=sys.stderr)
                    for reader, command in readers.items():
                        job.out = out / which / reader
                        row = {"set": which, "run": run, "reader": reader}
                        row |= read(reader, command, job, log)
                        print(json.dumps(row), file=rows, flush=True)


def read(reader, command, job, log):
    job.out.mkdir(parents=True, exist_ok=True)
    print(f"== {reader}: {job.names}", file=log, flush=True)
    took = measured(command(job), log)
    if took["code"] != 0:
        print(f"bench: {reader} ended with {took['code']}: see log.txt", file=sys.stderr)
    return {"pages": sum(map(len, job.images)), **took}


main()
