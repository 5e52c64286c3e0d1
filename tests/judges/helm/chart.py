"""The chart as Helm sees it: values files laid over each other, objects out of them. Shared by the judges beside it."""

import base64
import pathlib

import helm_python
import yaml

HERE = pathlib.Path(__file__).parent
CHART = HERE.parents[2] / "helm" / "magpie"
NAME, NAMESPACE = "suite", "matrix"


def files(folder):
    """The values files of a folder, each with its name."""
    found = sorted((HERE / folder).glob("*.yaml"))
    return [(file.stem, file.read_text()) for file in found]


def values(text):
    """The values of a file, laid over the base."""
    base = yaml.safe_load((HERE / "base.yaml").read_text())
    return laid_over(base, yaml.safe_load(text) or {})


def laid_over(below, above):
    """What Helm makes of two files after each other."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {
        key: laid_over(below[key], above[key]) if key in below and key in above else {**below, **above}[key]
        for key in {**below, **above}
    }


def render(wanted):
    """All objects of a rendering without a cluster, hooks included."""
    with helm_python.Chart.load(CHART) as chart:
        texts = chart.render(wanted, name=NAME, namespace=NAMESPACE)
    return [
        thing
        for path, text in sorted(texts.items())
        if not path.endswith("NOTES.txt")
        for thing in yaml.safe_load_all(text)
        if thing
    ]


def named(things, kind, name):
    """The object of this kind and name."""
    found = [thing for thing in things if thing["kind"] == kind and thing["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects {kind} {name}"
    return found[0]


def contents(secret):
    """The files of a Secret."""
    return {key: base64.b64decode(text) for key, text in secret["data"].items()}


def is_monitor(thing):
    """Whether the object is for the Prometheus operator, whose kinds Kubernetes itself does not know."""
    return thing["apiVersion"].startswith("monitoring.coreos.com/")
