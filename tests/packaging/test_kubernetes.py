"""The manifests are what Kubernetes takes, fit each other and the image, and let the pods do no more than they need."""

import copy

import kubernetes_validate
import pytest

from tests.packaging.image import CHECKOUT, stages
from tests.packaging.kubernetes import Manifest, manifests, pods, templates

VERSIONS = ["1.30", kubernetes_validate.latest_version()]
MANIFESTS = [pytest.param(each, id=f"{each['kind']} {each['metadata']['name']}") for each in manifests()]
PODS = [pytest.param(pod, id=pod["containers"][0]["name"]) for pod in pods()]


def the(kind: str) -> Manifest:
    """The only manifest of a kind."""
    (found,) = [each for each in manifests() if each["kind"] == kind]
    return found


def container(pod: Manifest) -> Manifest:
    """A pod's only one."""
    (found,) = pod["containers"]
    return found


def chosen(selector: dict[str, str]) -> list[Manifest]:
    """The templates of the pods that a selector finds."""
    return [template for template in templates() if selector.items() <= template["metadata"]["labels"].items()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS)
def test_kubernetes_takes_the_manifest(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_misspelt_field_would_be_found(version: str) -> None:
    misspelt = copy.deepcopy(the("Deployment"))
    found = container(misspelt["spec"]["template"]["spec"])
    found["livenessProb"] = found.pop("livenessProbe")
    with pytest.raises(kubernetes_validate.ValidationError, match="livenessProb"):
        kubernetes_validate.validate(misspelt, version, strict=True)


@pytest.mark.parametrize("pod", PODS)
def test_a_pod_may_do_next_to_nothing(pod: Manifest) -> None:
    (user,) = [step.text for step in stages((CHECKOUT / "Dockerfile").read_text())[-1] if step.name == "USER"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user.split(":")[0]),
        "runAsGroup": int(user.split(":")[1]),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(pod)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert set(container(pod)["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("pod", PODS)
def test_a_pod_may_write_to_tmp_alone_and_gets_no_settings_from_services(pod: Manifest) -> None:
    (mount,) = container(pod)["volumeMounts"]
    (volume,) = pod["volumes"]
    assert (mount["mountPath"], mount["name"], "emptyDir" in volume) == ("/tmp", volume["name"], True)  # noqa: S108
    assert pod["enableServiceLinks"] is False


def test_what_is_selected_is_there() -> None:
    serving = {"app.kubernetes.io/name": "ghsync", "app.kubernetes.io/component": "serve"}
    deployment = the("Deployment")["spec"]
    assert deployment["selector"]["matchLabels"] == serving
    assert the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == serving
    assert the("Service")["spec"]["selector"] == serving
    assert chosen(serving) == [deployment["template"]]
    assert len(chosen(the("NetworkPolicy")["spec"]["podSelector"]["matchLabels"])) == len(templates())


def test_settings_come_from_what_is_there() -> None:
    kinds = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
    there = {(each["kind"], each["metadata"]["name"]) for each in manifests()}
    sources = [source for pod in pods() for source in container(pod)["envFrom"]]
    named = [(kinds[how], to["name"], to.get("optional")) for source in sources for how, to in source.items()]
    assert {(kind, name) for kind, name, optional in named if not optional} <= there
    assert {name for _, name, optional in named if optional} == {"ghsync-owner"}


def test_ports_are_those_that_ghsync_listens_on() -> None:
    (variables,) = [step.words for step in stages((CHECKOUT / "Dockerfile").read_text())[-1] if step.name == "ENV"]
    webhooks = dict(each.split("=", 1) for each in variables)["GHSYNC_PORT"]
    operations = the("ConfigMap")["data"]["GHSYNC_OPERATIONS_PORT"]
    template = the("Deployment")["spec"]["template"]
    serving = container(template["spec"])
    assert serving["ports"] == [
        {"name": "webhooks", "containerPort": int(webhooks)},
        {"name": "operations", "containerPort": int(operations)},
    ]
    probes = {name: serving[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {
        "startupProbe": {"path": "/healthz", "port": "operations"},
        "livenessProbe": {"path": "/healthz", "port": "operations"},
        "readinessProbe": {"path": "/readyz", "port": "operations"},
    }
    assert template["metadata"]["annotations"]["prometheus.io/port"] == operations
    assert [port["targetPort"] for port in the("Service")["spec"]["ports"]] == ["webhooks"]
    admitted = [rule["ports"][0]["port"] for rule in the("NetworkPolicy")["spec"]["ingress"]]
    assert admitted == [int(webhooks), int(operations)]
