"""Installs, upgrades, rolls back, uninstalls and installs the chart again; the tokens must stay, and pods roll when they should."""

import helm_python
import yaml

import chart
import cluster

BRIDGE = "suite-magpie-discord"
SECRETS = {f"{BRIDGE}-registration", "suite-magpie-double-puppets"}
VALUES = {
    **chart.values("doublePuppets: { generate: true }"),
    "bridges": {"discord": {"enabled": True, "config": {"platform": {"token": "aaa.bbb.ccc"}}}},
}


class Story:
    """One release in one cluster."""

    def __init__(self):
        self.cluster = cluster.Cluster()
        self.helm = helm_python.Config(kube_apiserver=self.cluster.url, namespace=chart.NAMESPACE, kubeconfig_content=self.kubeconfig())

    def kubeconfig(self):
        return yaml.safe_dump({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.cluster.url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": chart.NAMESPACE}}],
            "current-context": "c",
        })

    def tokens(self):
        found = {}
        for name in SECRETS:
            text = chart.contents(self.cluster.of("secrets")[name])["registration.yaml"]
            registration = yaml.safe_load(text)
            found[name] = (registration["as_token"], registration["hs_token"])
        return found

    def pod(self):
        return self.cluster.of("statefulsets")[BRIDGE]["spec"]["template"]

    def registration(self):
        return yaml.safe_load(chart.contents(self.cluster.of("secrets")[f"{BRIDGE}-registration"])["registration.yaml"])

    def install(self, values):
        return self.helm.install(chart.CHART, chart.NAME, values)

    def upgrade(self, values):
        return self.helm.upgrade(chart.CHART, chart.NAME, values)


def play(story):
    release = story.install(VALUES)
    assert (release["revision"], release["status"]) == (1, "deployed"), release
    tokens, first = story.tokens(), story.pod()
    assert len({token for pair in tokens.values() for token in pair}) == 4, "a token is there twice"

    story.upgrade(VALUES)
    assert story.tokens() == tokens and story.pod() == first, "an upgrade that changes nothing rolls pods or tokens"

    loud = chart.laid_over(VALUES, {"config": {"logging": {"level": "debug"}}})
    story.upgrade(loud)
    assert story.tokens() == tokens, "an upgrade made new tokens"
    changed = story.pod()
    assert changed["metadata"]["annotations"]["checksum/config"] != first["metadata"]["annotations"]["checksum/config"]
    assert changed["spec"] == first["spec"]

    moved = chart.laid_over(loud, {"bridges": {"discord": {"config": {"appservice": {"url": "https://bridge.example.org"}}}}})
    story.upgrade(moved)
    assert story.tokens() == tokens and story.registration()["url"] == "https://bridge.example.org"
    marks = [pod["metadata"]["annotations"]["checksum/registration"] for pod in (changed, story.pod())]
    assert marks[0] != marks[1], "the pod goes on with the old registration"

    story.helm.rollback(chart.NAME, version=1)
    assert story.tokens() == tokens and story.pod() == first, "the rollback does not lead back"
    assert len(story.helm.history(chart.NAME)) == 5

    rotated(story, tokens)

    story.helm.uninstall(chart.NAME)
    left = {resource for resource in ("statefulsets", "services", "serviceaccounts", "networkpolicies", "poddisruptionbudgets")
            if story.cluster.of(resource)}
    assert not left, f"{left} outlive the release"
    assert set(story.cluster.of("secrets")) == SECRETS, "what the homeserver knows is gone, or what it does not is left"

    kept = story.tokens()
    story.install(VALUES)
    assert story.tokens() == kept, "installed again, it has new tokens"


def rotated(story, tokens):
    """A rotation of the operator's own outlives the next upgrade, the old token included."""
    key = ("v1", "secrets", chart.NAMESPACE, f"{BRIDGE}-registration")
    before = story.registration()
    registration = before | {
        "as_token": "n" * 63 + "a",
        "hs_token": "n" * 63 + "w",
        "magpie_previous_as_token": before["as_token"],
        "magpie_previous_hs_token": tokens[key[3]][1],
        "magpie_previous_until_ms": 1795858123456,
        "magpie_secrets_key": before["as_token"],
    }
    text = chart.base64.b64encode(yaml.safe_dump(registration).encode()).decode()
    story.cluster.objects[key]["data"]["registration.yaml"] = text
    story.upgrade(VALUES)
    assert story.registration() == registration, "the rotation is lost"


def main():
    story = Story()
    try:
        play(story)
    except helm_python.HelmError as error:
        raise AssertionError("\n".join([str(error), *story.cluster.asked[-12:]])) from error
    finally:
        story.cluster.close()
    print(f"installed twice, upgraded, rolled back and uninstalled with {len(story.cluster.asked)} requests")


if __name__ == "__main__":
    main()
