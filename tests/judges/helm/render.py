"""Lints the chart strictly and renders every values file; each object must please the schemas of Kubernetes, oldest and newest.

Usage: render.py SPECS OUT. SPECS is the folder with the schemas of the Prometheus operator; the objects of the values files go to OUT.
"""

import json
import pathlib
import sys

import helm_python
import jsonschema
import kubernetes_validate
import yaml

import chart

OLDEST, NEWEST = "1.29", "1.37"
INFO = 1
FILES_MIN = 25


def lint(name, wanted):
    report = helm_python.lint(chart.CHART, wanted, strict=True, namespace=chart.NAMESPACE)
    found = [message for message in report["messages"] if message["severity"] > INFO]
    assert not found and not report["errors"], f"{name}: {found} {report['errors']}"


def monitors(specs):
    kinds = ["ServiceMonitor", "PodMonitor", "PrometheusRule"]
    return {kind: json.loads((specs / f"{kind.lower()}-v1.schema.json").read_text()) for kind in kinds}


def judge(name, things, schemas):
    seen = set()
    for thing in things:
        kind = thing["kind"]
        identity = (kind, thing["metadata"]["name"])
        assert identity not in seen, f"{name}: {identity} is there twice"
        seen.add(identity)
        assert thing["metadata"]["namespace"] == chart.NAMESPACE, f"{name}: {identity} is in no namespace"
        if kind in schemas:
            # The schemas know each field; they close no object by themselves.
            jsonschema.validate(thing, closed(schemas[kind]))
            continue
        for version in (OLDEST, NEWEST):
            kubernetes_validate.validate(thing, version, strict=True)


def closed(schema):
    """The same schema with every object closed that names its fields, and its patterns in Python's spelling."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if isinstance(inner.get("pattern"), str):
        inner["pattern"] = inner["pattern"].replace("^(?i)", "(?i)^")
    if isinstance(inner.get("properties"), dict) and "additionalProperties" not in inner:
        if inner["properties"].keys() - {"apiVersion", "kind", "metadata"} or "type" in inner:
            inner["additionalProperties"] = False
    return inner


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
    """The judges see what is wrong, or their yes would mean nothing."""
    with_typo = chart.render(chart.values(dict(chart.files("values"))["02-discord"]))
    chart.named(with_typo, "StatefulSet", "suite-magpie-discord")["spec"]["replica"] = 1
    try:
        judge("a typo", with_typo, {})
    except kubernetes_validate.ValidationError:
        return
    raise AssertionError("a word that Kubernetes does not know was not seen")


def main(specs, out):
    schemas = monitors(pathlib.Path(specs))
    count = 0
    found = chart.files("values")
    assert len(found) >= FILES_MIN, f"only {len(found)} values files"
    for name, text in found:
        wanted = chart.values(text)
        lint(name, wanted)
        things = chart.render(wanted)
        judge(name, things, schemas)
        reaches_the_bridge(name, things)
        (pathlib.Path(out) / f"{name}.yaml").write_text(yaml.safe_dump_all(things))
        count += len(things)
    must_fail()
    print(f"{len(found)} values files, {count} objects, Kubernetes {OLDEST} and {NEWEST}")


if __name__ == "__main__":
    main(*sys.argv[1:])
