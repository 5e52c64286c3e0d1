"""Lints the chart strictly and renders every values file; each object must please the schemas of Kubernetes, oldest and newest.

Usage: render.py OUT. The objects of each values file go to the folder OUT. Those of the Prometheus operator are for monitors.py.
"""

import pathlib
import sys
import urllib.parse

import helm_python
import kubernetes_validate
import yaml

import chart
import confined

# The versions that the chart is for; Chart.yaml names the oldest.
OLDEST, NEWEST = "1.29", "1.37"
INFO = 1
FILES_MIN = 30
WEBHOOK = "/_magpie/webhook"
PUBLIC_MEDIA = {"/_magpie/media/", "/_magpie/files/"}
# Settings that only a bridge has which its network calls.
CALLED = {"cloud_phone_number_id", "cloud_webhook_url", "official_app_id", "wecom_corp_id"}
# The ports of addresses without one; Wechaty's gateways have their own.
USUAL = {"http": 80, "https": 443, "ws": 80, "wss": 443}
GATEWAY = 8788
# The ports of addresses that a network names in what it tells: WeChat's of pictures begin with `http://` (`FACE_HOSTS` in bridges/wechat).
FETCHED = {"wechat": {80, 443}}


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
        if thing["kind"] == "NetworkPolicy":
            tests = [other["metadata"]["labels"] for other in things if other["kind"] == "Pod"]
            theirs = [label for label in tests if spec["podSelector"]["matchLabels"].items() <= label.items()]
            assert len(theirs) == 1, f"{name}: where nothing may reach anything, {len(theirs)} tests could work by {thing['metadata']['name']}"
        selector = {
            "Service": spec.get("selector"),
            "StatefulSet": spec.get("selector", {}).get("matchLabels"),
            "PodDisruptionBudget": spec.get("selector", {}).get("matchLabels"),
            "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
        }.get(thing["kind"])
        if selector:
            fitting = [label for label in labels if selector.items() <= label.items()]
            assert len(fitting) == 1, f"{name}: {thing['kind']} means {len(fitting)} bridges"


def reaches_the_network(name, things, wanted):
    """Policies let a bridge reach every address of its platform, and Ingresses lead to it where the network calls it."""
    for bridge, own in (wanted.get("bridges") or {}).items():
        of_bridge = [thing for thing in things if thing["metadata"]["name"] == f"{chart.NAME}-magpie-{bridge}"]
        platform = (own.get("config") or {}).get("platform") or {}
        for policy in (thing for thing in of_bridge if thing["kind"] == "NetworkPolicy"):
            open_ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
            missing = (ports(platform) | FETCHED.get(bridge, {443})) - open_ports
            assert not missing, f"{name}: {bridge} cannot reach the ports {missing}"
        settings = {*platform, *(path.removeprefix("platform.") for path in own.get("secrets") or {})}
        for ingress in (thing for thing in of_bridge if thing["kind"] == "Ingress"):
            paths = [path["path"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
            is_called = bool(CALLED & settings) or platform.get("mode") == "webhook"
            wanted_paths = PUBLIC_MEDIA | set(own["ingress"].get("webhookPaths", [])) | ({WEBHOOK} if is_called else set())
            assert set(paths) == wanted_paths, f"{name}: {bridge} shows {paths} to the world, not {wanted_paths}"


def tells_how_to_go_on(name, things, wanted):
    """The notes name the registration of each bridge, and warn of what would be lost."""
    words = chart.notes(wanted)
    told = {"registration", "double-puppets"} if (wanted.get("doublePuppets") or {}).get("generate") else {"registration"}
    volumes = [volume for pod in chart.pods(things).values() for volume in pod["spec"]["volumes"] if volume["name"] in told]
    for volume in volumes:
        assert f"get secret {volume['secret']['secretName']} " in words, f"{name}: the notes say nothing of {volume}"
    is_lost = any(not own.get("persistence", {}).get("enabled", True) for own in (wanted.get("bridges") or {}).values())
    assert ("WARNING: " in words) == is_lost, f"{name}: {words}"


def ports(platform):
    """The ports of the addresses that a bridge calls."""
    found = set()
    for setting, value in platform.items():
        if setting == "wechaty_endpoint":
            found.add(urllib.parse.urlsplit(f"//{value.rpartition('://')[2]}").port or GATEWAY)
        elif isinstance(value, str) and "://" in value and "webhook" not in setting:
            address = urllib.parse.urlsplit(value)
            found.add(address.port or USUAL[address.scheme])
    return found


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
    confined.must_fail(chart.render(chart.values(dict(chart.files("values"))["02-discord"])))
    count = 0
    found = chart.files("values")
    assert len(found) >= FILES_MIN, f"only {len(found)} values files"
    for name, text in found:
        wanted = chart.values(text)
        lint(name, wanted)
        things = chart.render(wanted)
        judge(name, things)
        reaches_the_bridge(name, things)
        reaches_the_network(name, things, wanted)
        tells_how_to_go_on(name, things, wanted)
        confined.judge(name, things)
        (pathlib.Path(out) / f"{name}.yaml").write_text(yaml.safe_dump_all(things))
        count += len(things)
    must_fail()
    oldest = f'">={OLDEST}.0-0"'
    assert oldest in (chart.CHART / "Chart.yaml").read_text(), f"Chart.yaml names another version than {oldest}"
    print(f"{len(found)} values files, {count} objects, Kubernetes {OLDEST} and {NEWEST}")


if __name__ == "__main__":
    main(*sys.argv[1:])
