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


def texts(wanted):
    """What each template gives without a cluster, by its path."""
    with helm_python.Chart.load(CHART) as chart:
        return chart.render(wanted, name=NAME, namespace=NAMESPACE)


def notes(wanted):
    """The words that an operator reads after an installation."""
    return "".join(text for path, text in texts(wanted).items() if path.endswith("NOTES.txt"))


def render(wanted):
    """All objects of a rendering without a cluster, hooks included."""
    return [
        thing
        for path, text in sorted(texts(wanted).items())
        if not path.endswith("NOTES.txt")
        for thing in yaml.safe_load_all(text)
        if thing
    ]


def named(things, kind, name):
    """The object of this kind and name."""
    found = [thing for thing in things if thing["kind"] == kind and thing["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects {kind} {name}"
    return found[0]


def pods(things):
    """The specification of each pod by the name of what makes it: StatefulSets, and the pods of `helm test`."""
    sets = {thing["metadata"]["name"]: thing["spec"]["template"] for thing in things if thing["kind"] == "StatefulSet"}
    return sets | {thing["metadata"]["name"]: thing for thing in things if thing["kind"] == "Pod"}


def claims(things, name):
    """The names of the claims that a StatefulSet of this name makes; none for other pods."""
    sets = [thing for thing in things if thing["kind"] == "StatefulSet" and thing["metadata"]["name"] == name]
    return {claim["metadata"]["name"] for thing in sets for claim in thing["spec"].get("volumeClaimTemplates", [])}


def contents(secret):
    """The files of a Secret."""
    return {key: base64.b64decode(text) for key, text in secret["data"].items()}


def is_monitor(thing):
    """Whether the object is for the Prometheus operator, whose kinds Kubernetes itself does not know."""
    return thing["apiVersion"].startswith("monitoring.coreos.com/")
