"""Installs, tests, upgrades, rolls back, uninstalls and installs the chart again; the tokens must stay, and pods roll when they should.

Usage: lifecycle.py PROGRAMS, the folder with the bridges' programs, for the rotation.
"""

import pathlib
import subprocess
import sys
import tempfile

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
# A pod of a test has ended as soon as it is there.
TEST_SECONDS_MAX = 60


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

    def must_refuse(self, words, act):
        """What Helm says no to, in the cluster's words or the chart's."""
        try:
            act()
        except helm_python.HelmError as error:
            assert words in str(error), f"refused with other words: {error}"
        else:
            raise AssertionError(f"nobody said: {words}")

    def write(self, text):
        """The registration's Secret gets another text, by somebody's hand."""
        self.cluster.write_by_hand("secrets", f"{BRIDGE}-registration", "registration.yaml", chart.base64.b64encode(text.encode()).decode())


def play(story, programs):
    release = story.install(VALUES)
    assert (release["revision"], release["status"]) == (1, "deployed"), release
    tokens, first = story.tokens(), story.pod()
    assert len({token for pair in tokens.values() for token in pair}) == 4, "a token is there twice"
    tested(story)

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

    enlarged(story)
    assert story.tokens() == tokens, "the claim's story made new tokens"
    rotated(story, programs)

    story.helm.uninstall(chart.NAME)
    left = {resource for resource in ("statefulsets", "services", "serviceaccounts", "networkpolicies", "poddisruptionbudgets")
            if story.cluster.of(resource)}
    assert not left, f"{left} outlive the release"
    assert set(story.cluster.of("secrets")) == SECRETS, "what the homeserver knows is gone, or what it does not is left"

    kept = story.tokens()
    story.install(VALUES)
    assert story.tokens() == kept, "installed again, it has new tokens"


def tested(story):
    """`helm test` runs the doctor of each bridge, believes its end, and takes the pod away when all is well."""
    ended = story.helm.test(chart.NAME, timeout=TEST_SECONDS_MAX, logs=True)
    assert f"the words of {BRIDGE}-doctor" in ended["logs"], ended
    assert not story.cluster.of("pods"), "the pod of a test that went well is left"
    story.cluster.pods_end = "Failed"
    story.must_refuse(f"{BRIDGE}-doctor", lambda: story.helm.test(chart.NAME, timeout=TEST_SECONDS_MAX))
    assert set(story.cluster.of("pods")) == {f"{BRIDGE}-doctor"}, "the pod of a test that failed is gone, and its words with it"
    story.cluster.pods_end = "Succeeded"
    story.helm.test(chart.NAME, timeout=TEST_SECONDS_MAX)


def enlarged(story):
    """Nobody may change the claim of a StatefulSet; once that is gone, without its pod, the next upgrade makes it anew."""
    larger = chart.laid_over(VALUES, {"bridges": {"discord": {"persistence": {"size": "9Gi"}}}})
    story.must_refuse("Forbidden", lambda: story.upgrade(larger))
    del story.cluster.objects[("apps/v1", "statefulsets", chart.NAMESPACE, BRIDGE)]
    story.upgrade(larger)
    claim = story.cluster.of("statefulsets")[BRIDGE]["spec"]["volumeClaimTemplates"][0]
    assert claim["spec"]["resources"]["requests"]["storage"] == "9Gi"


def by_the_program(story, programs):
    """What the README tells: both files out of their Secrets, and the program rotates one beside the other."""
    with tempfile.TemporaryDirectory() as folder:
        for name, file in ((f"{BRIDGE}-config", "config.yaml"), (f"{BRIDGE}-registration", "registration.yaml")):
            (pathlib.Path(folder) / file).write_bytes(chart.contents(story.cluster.of("secrets")[name])[file])
        ended = subprocess.run(
            [pathlib.Path(programs) / "magpie-discord", "--config", "config.yaml", "registration", "--rotate"],
            cwd=folder, env={"MAGPIE_APPSERVICE__REGISTRATION": "registration.yaml"}, capture_output=True, text=True, timeout=60, check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return (pathlib.Path(folder) / "registration.yaml").read_text()


def rotated(story, programs):
    """A rotation outlives the next upgrade, its old tokens and its very bytes; a rollback past it is refused."""
    before, text = story.registration(), by_the_program(story, programs)
    registration = yaml.safe_load(text)
    for key in ("as_token", "hs_token"):
        assert registration[key] != before[key] == registration[f"magpie_previous_{key}"], "this was no rotation"
    story.write(text)
    old, values = story.pod(), chart.laid_over(VALUES, {"bridges": {"discord": {"persistence": {"size": "9Gi"}}}})
    story.upgrade(values)
    standing = chart.contents(story.cluster.of("secrets")[f"{BRIDGE}-registration"])["registration.yaml"].decode()
    assert standing == text, "the rotation is lost, or Helm took it from whoever wrote it"
    assert story.pod() != old, "the pod goes on with the tokens from before"

    story.must_refuse("conflict", lambda: story.helm.rollback(chart.NAME, version=1))
    assert story.registration() == registration, "a rollback brought old tokens back"
    story.upgrade(chart.laid_over(values, {"config": {"logging": {"level": "warn"}}}))
    assert story.registration() == registration, "the way back loses the rotation"

    story.write("as_token: \"only this")
    story.must_refuse("holds no registration", lambda: story.upgrade(values))
    story.write(text)
    story.upgrade(values)


def main(programs):
    story = Story()
    try:
        play(story, programs)
    except helm_python.HelmError as error:
        raise AssertionError("\n".join([str(error), *story.cluster.asked[-12:]])) from error
    finally:
        story.cluster.close()
    print(f"installed twice, tested, upgraded, rolled back and uninstalled with {len(story.cluster.asked)} requests")


if __name__ == "__main__":
    main(*sys.argv[1:])
