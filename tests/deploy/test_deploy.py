"""The deployment files: of the form that those who read them want, and fitting each other."""

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
    return {name: d["spec"]["template"]["spec"] for name, d in kinds.items()}


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
        for name in ROLES | {"migrate"}:
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

    def test_it_is_of_the_form_that_compose_reads(self):
        run(PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", self.file)

    def test_every_service_is_watched_limited_and_can_end_in_time(self):
        for name, service in self.compose["services"].items():
            with self.subTest(name):
                ends = name in {"bucket", "migrate"}
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
        named = {secret["file"] for secret in self.compose["secrets"].values()}
        self.assertEqual(named | {"compose/secrets/broker_password"}, made)
        for config in self.compose["configs"].values():
            self.assertTrue((DEPLOY / config["file"]).is_file(), config)


class Kubernetes(unittest.TestCase):
    def test_every_manifest_is_of_the_form_that_kubernetes_takes(self):
        secrets = documents(KUBERNETES / "secrets.example.yaml")
        for document in manifests() + secrets:
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
            [container] = pod["containers"]
            with self.subTest(name):
                self.assertEqual(container["args"][0], name)
                self.assertFalse(pod["automountServiceAccountToken"])
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                seccomp = pod["securityContext"]["seccompProfile"]
                self.assertEqual(seccomp, {"type": "RuntimeDefault"})
                shut = container["securityContext"]
                self.assertFalse(shut["allowPrivilegeEscalation"])
                self.assertTrue(shut["readOnlyRootFilesystem"])
                self.assertEqual(shut["capabilities"], {"drop": ["ALL"]})
                self.assertIn("memory", container["resources"]["limits"])
                mounted = {mount["name"] for mount in container["volumeMounts"]}
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


class Systemd(unittest.TestCase):
    def test_the_unit_is_understood_and_shut_in(self):
        unit = (DEPLOY / "systemd/sohoa.service").read_text()
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "sohoa.service"
            # The program is not installed where the tests run.
            copy.write_text(unit.replace("/usr/bin/sohoa ", "/bin/true "))
            self.assertEqual(run("systemd-analyze", "verify", copy), "")
            run("systemd-analyze", "security", "--offline=yes", "--threshold=20", copy)
        run("systemd-sysusers", "--dry-run", DEPLOY / "systemd/sohoa.sysusers")


if __name__ == "__main__":
    unittest.main()
