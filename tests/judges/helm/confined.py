"""What no schema of Kubernetes sees of a pod: its user can read its Secrets, writes only where the bridge must, and has time to end.

Shared by render.py. The numbers are those of the image (`deploy/container`) and of the bridge (`STOP_PATIENCE` in `common/src/runtime/run.rs`).
"""

import yaml

import chart

USER = 65532
# What the bridge takes to end what is under way, and a bit for the database.
END_SECONDS_MIN = 15
# Readable for the user's group, which is that of the files; for nobody else.
MODE = 0o440
WRITABLE = {"/var/lib/magpie", "/var/spool/magpie"}


def judge(name, things):
    for pod, template in chart.pods(things).items():
        faults = list(of_user(template["spec"])) + list(of_volumes(template["spec"], chart.claims(things, pod)))
        faults += of_paths(template["spec"], config(things, pod))
        assert not faults, f"{name}, {pod}: {faults}"


def config(things, pod):
    """The configuration file that a pod reads."""
    secret = chart.named(things, "Secret", f"{pod.removesuffix('-doctor')}-config")
    return yaml.safe_load(chart.contents(secret)["config.yaml"])


def of_user(spec):
    outer, inner = spec["securityContext"], spec["containers"][0]["securityContext"]
    if {outer["runAsUser"], inner["runAsUser"], outer["fsGroup"], inner["runAsGroup"]} != {USER}:
        yield "the user is not the image's, or its files belong to another group"
    if not inner["readOnlyRootFilesystem"] or inner["capabilities"] != {"drop": ["ALL"]} or inner["allowPrivilegeEscalation"]:
        yield "it may more than it must"
    # A pod that says nothing has 30 s.
    if spec.get("terminationGracePeriodSeconds", 30) < END_SECONDS_MIN:
        yield "it is killed before it has ended"


def of_volumes(spec, made):
    """Secrets can be read, and all that is mounted is there."""
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    mounts = {mount["name"]: mount for mount in spec["containers"][0]["volumeMounts"]}
    if set(mounts) != set(volumes) | made:
        yield f"mounted are {set(mounts)}, there are {set(volumes) | made}"
    for volume_name, volume in volumes.items():
        source = volume.get("secret") or volume.get("projected")
        if source and (source.get("defaultMode") != MODE or not mounts[volume_name].get("readOnly")):
            yield f"{volume_name} can be read by others, by nobody, or be written"


def of_paths(spec, settings):
    """What the bridge writes lies where it may write."""
    container = spec["containers"][0]
    open_folders = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    written = {variables["TMPDIR"], settings["bridge"]["media_folder"]}
    url = settings.get("database", {}).get("url", "")
    if url.startswith("sqlite:"):
        written.add(url.removeprefix("sqlite:").rpartition("/")[0])
    if open_folders != WRITABLE or not written <= open_folders:
        return [f"{written} are written, {open_folders} can be"]
    return []


def must_fail(things):
    """The judge sees what is wrong, or its yes would mean nothing."""
    pod = chart.named(things, "StatefulSet", "suite-magpie-discord")["spec"]["template"]["spec"]
    registration = next(volume for volume in pod["volumes"] if volume["name"] == "registration")
    registration["secret"]["defaultMode"] = 0o400
    pod["containers"][0]["env"][1]["value"] = "/tmp"
    pod["terminationGracePeriodSeconds"] = 10
    try:
        judge("spoiled", things)
    except AssertionError as error:
        found = str(error)
        assert all(words in found for words in ("registration can be read", "/tmp", "killed before")), found
        return
    raise AssertionError("a pod that cannot work was not seen")
