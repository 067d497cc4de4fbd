"""Has schemathesis ask the whole interface of a running Sohoa whatever its description allows, and
more: run.py BINDIR EXAMPLES

A `sohoa all` on a folder of its own, with a dossier and a record in it; asked once with an
administrator's key and once with a counter's. It fails where the server breaks (5xx), or where an
answer is not what `openapi.json` says: its status, its content type, its headers, its body.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCHEMATHESIS = ROOT / ".parts/schemathesis/bin/schemathesis"
SAMPLE = ROOT / "tests/papers/sample/thuong-tru"
CASE = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3"
# A stream of events ends when its dossier does.
ENDLESS = "/v1/dossiers/{code}/events"
CHECKS = ",".join([
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
])


class Office:
    """A `sohoa all` that ends with the script."""

    def __init__(self, programs, folder):
        self.sohoa, self.data = programs / "sohoa", folder / "data"
        config = folder / "sohoa.toml"
        config.write_text('office.code = "H26.01.02"\nfiling.quiet_seconds = 0\n')
        self.log = open(folder / "log", "w+")
        self.process = subprocess.Popen(
            [self.sohoa, "--log", "error", "all", "--data", self.data, "--config", config,
             "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stderr=self.log)
        self.server = self.address()

    def address(self):
        for _ in range(600):
            told = pathlib.Path(self.log.name).read_text()
            if "http://" in told:
                return "http://" + told.split("http://", 1)[1].split()[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"sohoa did not start:\n{told}")

    def key(self, name, *roles):
        args = [arg for role in roles for arg in ("--role", role)]
        made = subprocess.run(
            [self.sohoa, "access", "key", "new", name, *args, "--office", "H26", "--data",
             self.data], check=True, capture_output=True, text=True)
        return made.stdout.strip()

    def send_sample(self):
        """So that there is something to be found."""
        dossier = json.loads((SAMPLE / "dossier.json").read_text())
        subject = dossier["subject"]
        push = [self.sohoa, "push", *sorted(SAMPLE.glob("0*")), "--procedure",
                dossier["procedure"], "--case", CASE, "--citizen", subject["number"],
                "--name", subject["name"], "--born", subject["born"], "--server", self.server,
                "--key-file", self.data / "key"]
        subprocess.run(push, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


def ask(office, name, key, examples, folder):
    # In a file: what stands in a command line is there for everyone on this machine to see.
    config = folder / f"{name}.toml"
    config.write_text(f'[headers]\nAuthorization = "Bearer {key}"\n')
    os.chmod(config, 0o600)
    return subprocess.run(
        [SCHEMATHESIS, "--config-file", config, "run", f"{office.server}/v1/openapi.json",
         "--checks", CHECKS, "--exclude-path", ENDLESS, "--max-examples", str(examples),
         "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all",
         "--generation-database", "none", "--seed", "1", "--continue-on-failure",
         "--request-timeout", "30", "--warnings", "off", "--no-color"]).returncode


def main():
    programs, examples = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        office = Office(programs, folder)
        try:
            office.send_sample()
            askers = {
                "administrator": ["administrator"],
                "counter": ["officer", "back_office"],
            }
            for name, roles in askers.items():
                print(f"--- asked with the key of: {name}", flush=True)
                failed += ask(office, name, office.key(f"schemathesis {name}", *roles), examples,
                              folder) != 0
            try:
                urllib.request.urlopen(f"{office.server}/healthz", timeout=10)
            except urllib.error.URLError as error:
                sys.exit(f"the server does not answer any more: {error}")
        finally:
            office.end()
            print(pathlib.Path(office.log.name).read_text()[-4000:], file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
