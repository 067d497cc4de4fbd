"""The deployment files: of the form that those who read them want, and fitting each other."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
PROGRAMS = pathlib.Path(sys.executable).parent
ROLES = {"intake", "records", "review", "work"}
README = (ROOT / "README.md").read_text()
# What the program takes when nothing is said: a test of its own holds README to it.
USUAL, USUAL_CLUSTER = (
    tomllib.loads(block.split("```")[0]) for block in README.split("```toml\n")[1:3]
)
# PostgreSQL keeps so many connections for its superuser.
RESERVED = 3


# What README has typed, a command a line, by its words.
TYPED = [line.split() for line in README.replace("\\\n", " ").splitlines()]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def manifests():
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    return [d for name in kustomization["resources"] for d in documents(KUBERNETES / name)]


def of_kind(kind):
    return {d["metadata"]["name"]: d for d in manifests() if d["kind"] == kind}


def pods():
    kinds = {**of_kind("Deployment"), **of_kind("Job")}
    for name, document in of_kind("CronJob").items():
        kinds[name] = document["spec"]["jobTemplate"]
    return {name: d["spec"]["template"]["spec"] for name, d in kinds.items()}


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def connections_a_process():
    capacity = (DEPLOY / "capacity.md").read_text()
    [most] = re.findall(r"A process takes (\d+) at most", capacity)
    return int(most)


def megabytes(said):
    [(number, unit)] = re.findall(r"^(\d+)(Mi|Gi|m|g)$", said)
    return int(number) * (1024 if unit[0] in "Gg" else 1)


class Readers:
    """The readers of the workers whose settings these are."""

    def __init__(self, settings):
        reader = settings["reader"]
        # One more is kept for the counter.
        self.a_worker = reader["count"] + 1
        self.megabytes = self.a_worker * reader.get("memory_mb", USUAL["reader"]["memory_mb"])
        usual = USUAL_CLUSTER["broker"]["window"]
        self.window = settings["broker"].get("window", usual)


class Everything(unittest.TestCase):
    def test_yaml_is_tidy(self):
        files = [str(path) for path in DEPLOY.rglob("*.yaml")]
        run(PROGRAMS / "yamllint", "--strict", "-c", ROOT / "tests/deploy/yamllint.yaml", *files)

    def test_scripts_and_settings_can_be_read(self):
        files = [path for path in DEPLOY.rglob("*") if path.is_file()]
        scripts = [path for path in files if path.read_bytes().startswith(b"#!")]
        self.assertGreater(len(scripts), 3)
        for script in scripts:
            run("bash", "-n", script)
            self.assertTrue(script.stat().st_mode & 0o100, f"{script} can't be run")
        for settings in DEPLOY.rglob("*.toml"):
            sections = tomllib.loads(settings.read_text())
            self.assertLessEqual({"database", "broker", "store"}, sections.keys(), settings)
            self.assertIn("code", sections["office"], settings)
            for section in sections.values():
                bare = {"url", "secret_key", "password"} & section.keys()
                self.assertFalse(bare, f"{settings}: a secret is written out")


class Image(unittest.TestCase):
    def test_what_is_built_is_what_is_run(self):
        header = (DEPLOY / "Dockerfile").read_text().split("\nFROM ")[0]
        [built] = re.findall(r"--tag (\S+)", header)
        workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
        self.assertEqual(built, f"sohoa:{workspace['package']['version']}")
        services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
        for name in ROLES | {"migrate", "backup"}:
            self.assertEqual(services[name]["image"], built, name)
        [build] = [service["build"] for service in services.values() if "build" in service]
        context = DEPLOY / build["context"]
        self.assertEqual(context.resolve(), ROOT)
        self.assertEqual(context.resolve() / build["dockerfile"], DEPLOY / "Dockerfile")
        kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
        images = [f"{image['name']}:{image['newTag']}" for image in kustomization["images"]]
        self.assertEqual(images, [built])

    def test_no_secret_goes_along_when_it_is_built(self):
        left_out = (ROOT / ".dockerignore").read_text().split()
        self.assertLessEqual({"deploy/compose/secrets", "sohoa-data", ".sohoa"}, set(left_out))


class Compose(unittest.TestCase):
    file = DEPLOY / "compose.yaml"

    def setUp(self):
        self.compose = yaml.safe_load(self.file.read_text())
        self.settings = tomllib.loads((DEPLOY / "compose/sohoa.toml").read_text())

    def test_it_is_of_the_form_that_compose_reads(self):
        run(PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", self.file)

    def test_every_service_is_watched_limited_and_can_end_in_time(self):
        for name, service in self.compose["services"].items():
            with self.subTest(name):
                ends = name in {"backup", "bucket", "migrate"}
                self.assertTrue(ends or "test" in service["healthcheck"])
                self.assertIn("memory", service["deploy"]["resources"]["limits"])
                if name in ROLES:
                    self.assertEqual(service["command"][0], name)
                    self.assertGreater(int(service["stop_grace_period"].rstrip("s")), 10)
                    self.assertTrue(service["read_only"])
                for port in service.get("ports", []):
                    self.assertTrue(port.startswith("127.0.0.1:"), "TLS ends before Sohoa")

    def test_what_it_mounts_is_there_or_made(self):
        made = set()
        with tempfile.TemporaryDirectory() as folder:
            run(DEPLOY / "compose/secrets.sh", folder)
            first = {p.name: p.read_text() for p in pathlib.Path(folder).iterdir()}
            run(DEPLOY / "compose/secrets.sh", folder)
            again = {p.name: p.read_text() for p in pathlib.Path(folder).iterdir()}
            self.assertEqual(first, again, "made once")
            made = {f"compose/secrets/{name}" for name in first}
            self.assertTrue(first["database_url"].endswith("@postgres/sohoa?sslmode=disable"))
            self.assertTrue(self.compose["networks"]["inside"]["internal"], "no TLS within")
            self.assertEqual(self.compose["services"]["postgres"]["networks"], ["inside"])
        named = {secret["file"] for secret in self.compose["secrets"].values()}
        self.assertEqual(named | {"compose/secrets/broker_password"}, made)
        for config in self.compose["configs"].values():
            self.assertTrue((DEPLOY / config["file"]).is_file(), config)
        dockerfile = (DEPLOY / "Dockerfile").read_text()
        for volume in self.compose["services"]["backup"]["volumes"][1:]:
            self.assertIn(f" {volume.split(':')[1]}", dockerfile, "made for the user of the image")

    def test_the_commands_of_the_readme_name_what_is_there(self):
        typed = [words for words in TYPED if words[:3] == ["docker", "compose", "--file"]]
        self.assertEqual({words[3] for words in typed}, {"deploy/compose.yaml"})
        services = self.compose["services"]
        [made] = [words for words in typed if "exec" in words]
        self.assertEqual(made[-4:], services["records"]["command"][1:5])
        [restored] = [words for words in typed if "restore" in words]
        [backup, _] = services["backup"]["entrypoint"][-1].replace("\\\n", " ").splitlines()
        self.assertEqual(restored[restored.index("restore") + 1 :], backup.split()[2:])

    def test_what_comes_in_by_its_ports_is_believed(self):
        [network] = self.compose["networks"]["outside"]["ipam"]["config"]
        self.assertEqual(self.settings["access"]["proxies"], [network["gateway"]])
        for service in self.compose["services"].values():
            if "ports" in service:
                self.assertIn("outside", service["networks"])

    def test_as_many_workers_as_it_speaks_of_find_their_readers_and_connections(self):
        services = self.compose["services"]
        [scale] = re.findall(r"--scale work=(\d+)", self.file.read_text())
        workers = max(services["work"]["deploy"]["replicas"], int(scale))
        readers = Readers(self.settings)
        limits = services["work"]["deploy"]["resources"]["limits"]
        self.assertEqual(self.settings["reader"]["count"], int(limits["cpus"]))
        self.assertLess(readers.megabytes + 512, megabytes(limits["memory"]))
        self.assertLessEqual(2 * workers * readers.a_worker, readers.window)
        # The other roles, and a migration and a backup beside them.
        processes = workers + len(ROLES - {"work"}) + 2
        [there] = re.findall(r"max_connections=(\d+)", str(services["postgres"]["command"]))
        self.assertLessEqual(processes * connections_a_process() + RESERVED, int(there))


class Kubernetes(unittest.TestCase):
    def test_every_manifest_is_of_the_form_that_kubernetes_takes(self):
        examples = [d for path in KUBERNETES.glob("*.example.yaml") for d in documents(path)]
        for document in manifests() + examples:
            with self.subTest(f"{document['kind']} {document['metadata']['name']}"):
                kubernetes_validate.validate(document, "1.37", strict=True)

    def test_every_role_is_there_with_a_budget_and_its_own_pods(self):
        self.assertEqual(of_kind("Deployment").keys(), ROLES)
        self.assertEqual(of_kind("PodDisruptionBudget").keys(), ROLES)
        self.assertEqual(of_kind("Service").keys(), ROLES - {"work"})
        for kind in ("Deployment", "PodDisruptionBudget"):
            for name, document in of_kind(kind).items():
                selector = document["spec"]["selector"]["matchLabels"]
                self.assertEqual(selector, {"app.kubernetes.io/component": name})

    def test_no_pod_is_more_than_it_need_be(self):
        for name, pod in pods().items():
            with self.subTest(name):
                self.assertFalse(pod["automountServiceAccountToken"])
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                seccomp = pod["securityContext"]["seccompProfile"]
                self.assertEqual(seccomp, {"type": "RuntimeDefault"})
                mounted = set()
                for container in containers(pod):
                    self.assertEqual(container["args"][0], name)
                    shut = container["securityContext"]
                    self.assertFalse(shut["allowPrivilegeEscalation"])
                    self.assertTrue(shut["readOnlyRootFilesystem"])
                    self.assertEqual(shut["capabilities"], {"drop": ["ALL"]})
                    self.assertIn("memory", container["resources"]["limits"])
                    mounted |= {mount["name"] for mount in container["volumeMounts"]}
                self.assertEqual(mounted, {volume["name"] for volume in pod["volumes"]})

    def test_roles_are_probed_and_have_time_to_drain(self):
        for name in ROLES:
            pod = pods()[name]
            [container] = pod["containers"]
            self.assertGreater(pod["terminationGracePeriodSeconds"], 10)
            for probe, path in [
                ("startupProbe", "/healthz"),
                ("livenessProbe", "/healthz"),
                ("readinessProbe", "/readyz"),
            ]:
                self.assertEqual(container[probe]["httpGet"]["path"], path)

    def test_workers_grow_with_the_age_of_the_queue(self):
        [scaler] = of_kind("HorizontalPodAutoscaler").values()
        self.assertEqual(scaler["spec"]["scaleTargetRef"]["name"], "work")
        self.assertNotIn("replicas", of_kind("Deployment")["work"]["spec"], "two would decide")
        metrics = [metric["external"]["metric"] for metric in scaler["spec"]["metrics"]]
        self.assertEqual({metric["name"] for metric in metrics}, {"sohoa_queue_oldest_due_seconds"})
        lanes = {metric["selector"]["matchLabels"]["lane"] for metric in metrics}
        self.assertEqual(lanes, {"counter", "backlog"})

    def test_settings_name_the_files_that_the_secret_holds(self):
        [secret] = documents(KUBERNETES / "secrets.example.yaml")
        settings = tomllib.loads((KUBERNETES / "sohoa.toml").read_text())
        said = [setting for section in settings.values() for setting in section.items()]
        files = [value for name, value in said if name.endswith("_file")]
        self.assertEqual({pathlib.Path(file).name for file in files}, secret["stringData"].keys())
        self.assertTrue(all(file.startswith("/etc/sohoa/secrets/") for file in files))

    def test_all_workers_find_their_readers_memory_and_connections(self):
        text = (KUBERNETES / "sohoa.toml").read_text()
        settings = tomllib.loads(text)
        readers = Readers(settings)
        [container] = pods()["work"]["containers"]
        limits = container["resources"]["limits"]
        self.assertEqual(settings["reader"]["count"], int(limits["cpu"]))
        self.assertLess(readers.megabytes + 512, megabytes(limits["memory"]))
        [scaler] = of_kind("HorizontalPodAutoscaler").values()
        workers = scaler["spec"]["maxReplicas"]
        self.assertLessEqual(2 * workers * readers.a_worker, readers.window)
        roles = of_kind("Deployment").values()
        processes = sum(role["spec"].get("replicas", workers) for role in roles)
        # Those that take another's place, a migration and a backup.
        processes += sum(role["spec"]["strategy"]["rollingUpdate"]["maxSurge"] for role in roles)
        processes += len(of_kind("Job")) + len(of_kind("CronJob"))
        for said in (text, (KUBERNETES / "autoscaling.yaml").read_text()):
            [there] = re.findall(r"max_connections = (\d+)", said)
            self.assertLessEqual(processes * connections_a_process() + RESERVED, int(there))

    def test_nobody_is_believed_to_have_ended_tls_before_somebody_says_so(self):
        settings = tomllib.loads((KUBERNETES / "sohoa.toml").read_text())
        self.assertEqual(settings["access"]["proxies"], [])

    def test_the_keys_of_a_backup_lie_on_a_volume_of_their_own(self):
        [make, look] = containers(pods()["backup"])
        [target, keys] = [make["args"][1], make["args"][2].removeprefix("--keys=")]
        self.assertEqual(look["args"], ["backup", target, "--verify"])
        claims = {v["name"]: v.get("persistentVolumeClaim") for v in pods()["backup"]["volumes"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in make["volumeMounts"]}
        held = [claims[mounts[path]] for path in (target, str(pathlib.Path(keys).parent))]
        self.assertNotEqual(held[0]["claimName"], held[1]["claimName"])
        names = {claim["claimName"] for claim in held}
        self.assertEqual(names, of_kind("PersistentVolumeClaim").keys())

    def test_the_commands_of_the_readme_name_what_is_there(self):
        [made] = [words for words in TYPED if words[:2] == ["kubectl", "exec"]]
        [container] = pods()[made[4].removeprefix("deployment/")]["containers"]
        said = [f"{option}={value}" for option, value in (made[-4:-2], made[-2:])]
        self.assertEqual(said, container["args"][1:3])
        # What is put in the place of `backup` is the first word of the one that makes it.
        [make] = pods()["backup"]["initContainers"]
        self.assertEqual((make["name"], make["args"][0]), ("sohoa", "backup"))
        [stopped] = [words for words in TYPED if words[:2] == ["kubectl", "scale"]]
        self.assertLessEqual(ROLES, set(stopped))

    def test_the_example_of_an_ingress_leads_where_the_table_of_paths_says(self):
        [ingress] = documents(KUBERNETES / "ingress.example.yaml")
        [rule] = ingress["spec"]["rules"]
        # ingress-nginx takes the first that fits at the beginning, the longest first.
        led = [(p["path"], p["backend"]["service"]["name"]) for p in rule["http"]["paths"]]
        led.sort(key=lambda one: -len(one[0]))
        table = paths_of_roles()
        asked = json.loads((ROOT / "schemas/openapi.json").read_text())["paths"]
        self.assertGreater(len(asked), 40)
        for path in asked:
            with self.subTest(path):
                address = re.sub(r"\{[^}]+\}", "H26.01.02-260101-0001", path)
                role = next(role for own, role in led if re.match(own, address))
                fitting = [own for own in table if path == own or path.startswith(f"{own}/")]
                self.assertIn(role, table[max(fitting, key=len)])


def paths_of_roles():
    section = README.split("\n### One address\n")[1].split("\n### ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `/v1/")]
    quoted = re.compile(r"`([^`]+)`")
    return {path: quoted.findall(row[2]) for row in rows for path in quoted.findall(row[1])}


class Alerts(unittest.TestCase):
    def test_rules_call_for_what_they_are_there_for(self):
        promtool = ROOT / ".parts/prometheus/promtool"
        run(promtool, "test", "rules", ROOT / "tests/deploy/alerts.yaml")


class Systemd(unittest.TestCase):
    def test_the_units_are_understood_and_shut_in(self):
        with tempfile.TemporaryDirectory() as folder:
            units = [path for path in (DEPLOY / "systemd").iterdir() if path.suffix != ".sysusers"]
            self.assertEqual(len(units), 3)
            copies = [pathlib.Path(folder) / unit.name for unit in units]
            for unit, copy in zip(units, copies):
                # The program is not installed where the tests run.
                copy.write_text(unit.read_text().replace("/usr/bin/sohoa ", "/bin/true "))
            self.assertEqual(run("systemd-analyze", "verify", *copies), "")
            for copy in copies:
                if copy.suffix == ".service":
                    run("systemd-analyze", "security", "--offline=yes", "--threshold=20", copy)
        run("systemd-sysusers", "--dry-run", DEPLOY / "systemd/sohoa.sysusers")


if __name__ == "__main__":
    unittest.main()
