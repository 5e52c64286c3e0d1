"""Lints the chart strictly and renders every values file; each object must please the schemas of Kubernetes, oldest and newest.

Usage: render.py OUT. The objects of each values file go to the folder OUT. Those of the Prometheus operator are for monitors.py.
"""

import pathlib
import sys

import helm_python
import kubernetes_validate
import yaml

import chart

# The versions that the chart is for; Chart.yaml names the oldest.
OLDEST, NEWEST = "1.29", "1.37"
INFO = 1
FILES_MIN = 25


def lint(name, wanted):
    report = helm_python.lint(chart.CHART, wanted, strict=True, namespace=chart.NAMESPACE)
    found = [message for message in report["messages"] if message["severity"] > INFO]
    assert not found and not report["errors"], f"{name}: {found} {report['errors']}"


def judge(name, things):
    seen = set()
    for thing in things:
        identity = (thing["kind"], thing["metadata"]["name"])
        assert identity not in seen, f"{name}: {identity} is there twice"
        seen.add(identity)
        assert thing["metadata"]["namespace"] == chart.NAMESPACE, f"{name}: {identity} is in no namespace"
        if not chart.is_monitor(thing):
            for version in (OLDEST, NEWEST):
                kubernetes_validate.validate(thing, version, strict=True)


def reaches_the_bridge(name, things):
    """What the schemas cannot see: Services, budgets and policies mean the pods, and let the homeserver in before they are ready."""
    labels = [thing["spec"]["template"]["metadata"]["labels"] for thing in things if thing["kind"] == "StatefulSet"]
    for thing in things:
        spec = thing.get("spec", {})
        if thing["kind"] == "Service":
            assert spec["publishNotReadyAddresses"], f"{name}: the first ping could never arrive"
        selector = {
            "Service": spec.get("selector"),
            "StatefulSet": spec.get("selector", {}).get("matchLabels"),
            "PodDisruptionBudget": spec.get("selector", {}).get("matchLabels"),
            "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
        }.get(thing["kind"])
        if selector:
            fitting = [label for label in labels if selector.items() <= label.items()]
            assert len(fitting) == 1, f"{name}: {thing['kind']} means {len(fitting)} bridges"


def must_fail():
    """The judge sees what is wrong, or its yes would mean nothing."""
    with_typo = chart.render(chart.values(dict(chart.files("values"))["02-discord"]))
    chart.named(with_typo, "StatefulSet", "suite-magpie-discord")["spec"]["replica"] = 1
    try:
        judge("a typo", with_typo)
    except kubernetes_validate.ValidationError:
        return
    raise AssertionError("a word that Kubernetes does not know was not seen")


def main(out):
    count = 0
    found = chart.files("values")
    assert len(found) >= FILES_MIN, f"only {len(found)} values files"
    for name, text in found:
        wanted = chart.values(text)
        lint(name, wanted)
        things = chart.render(wanted)
        judge(name, things)
        reaches_the_bridge(name, things)
        (pathlib.Path(out) / f"{name}.yaml").write_text(yaml.safe_dump_all(things))
        count += len(things)
    must_fail()
    oldest = f'">={OLDEST}.0-0"'
    assert oldest in (chart.CHART / "Chart.yaml").read_text(), f"Chart.yaml names another version than {oldest}"
    print(f"{len(found)} values files, {count} objects, Kubernetes {OLDEST} and {NEWEST}")


if __name__ == "__main__":
    main(*sys.argv[1:])
