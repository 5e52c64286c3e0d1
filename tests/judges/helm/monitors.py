"""What the chart makes for the Prometheus operator must please the operator's own schemas.

Usage: monitors.py SPECS, the folder with the schemas.
"""

import json
import pathlib
import sys

import jsonschema

import chart

KINDS = ["ServiceMonitor", "PodMonitor", "PrometheusRule"]


def closed(schema):
    """The same schema with every object closed that names its fields, and its patterns in Python's spelling."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if isinstance(inner.get("pattern"), str):
        inner["pattern"] = inner["pattern"].replace("^(?i)", "(?i)^")
    if isinstance(inner.get("properties"), dict) and inner.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


def must_fail(schemas, things):
    """The judge sees what is wrong, or its yes would mean nothing."""
    monitor = next(thing for thing in things if thing["kind"] == "ServiceMonitor")
    monitor["spec"]["endpoints"][0]["intervall"] = "1s"
    try:
        jsonschema.validate(monitor, schemas["ServiceMonitor"])
    except jsonschema.ValidationError:
        return
    raise AssertionError("a word that the operator does not know was not seen")


def main(specs):
    folder = pathlib.Path(specs)
    schemas = {kind: closed(json.loads((folder / f"{kind.lower()}-v1.schema.json").read_text())) for kind in KINDS}
    seen = []
    for _, text in chart.files("values"):
        monitors = [thing for thing in chart.render(chart.values(text)) if chart.is_monitor(thing)]
        for thing in monitors:
            jsonschema.validate(thing, schemas[thing["kind"]])
        seen += monitors
    assert {thing["kind"] for thing in seen} == set(KINDS), "a kind is in no values file"
    rules = next(thing for thing in seen if thing["kind"] == "PrometheusRule")
    for rule in rules["spec"]["groups"][0]["rules"]:
        assert rule["annotations"]["runbook_url"] == f"https://docs.example.org/runbooks/{rule['alert']}.md"
    must_fail(schemas, seen)
    print(f"{len(seen)} objects of the Prometheus operator")


if __name__ == "__main__":
    main(*sys.argv[1:])
