"""Lays out on disk what a pod would see: its Secrets as files, its environment, with the paths of one folder in place of the root.

Where we are root, the files belong to whom the node would give them, and the program runs as the pod's user.
"""

import os
import pathlib
import subprocess

import yaml

import chart

TOKENS = {"discord": "aaa.bbb.ccc", "telegram": "1234567890:AAHb7c_d-e8F"}
HEX = "0123456789abcdef" * 4
# What Secrets that are there hold, by the setting that they are named for.
GIVEN = {
    "platform.webhook_secret": HEX,
    "platform.cloud_access_token": HEX,
    "platform.cloud_app_secret": HEX,
    "platform.cloud_verify_token": HEX,
    "platform.official_app_id": "wx5823bf96d3bd56c7",
    "platform.official_app_secret": HEX,
    "platform.official_token": HEX[:32],
    "platform.official_aes_key": "A" * 43,
    "platform.wecom_corp_id": "wwd08c8e7c775ab44d",
    "platform.wecom_secret": HEX,
    "platform.wecom_token": HEX[:32],
    "platform.wecom_aes_key": "A" * 43,
    "platform.wecom_kf_secret": HEX[::-1],
    "platform.proxy": "http://user:password@proxy.matrix.svc:3128",
    "platform.wechaty_token": f"insecure_{HEX}",
    "platform.wechaty_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "database.url": "postgres://magpie:secret@postgres.db.svc/discord",
    "database.encryption_key": HEX,
    "provisioning.secret": HEX[::-1],
}
FOLDERS = ["/etc/magpie", "/var/lib/magpie", "/var/spool/magpie"]


def can_become(user):
    """Whether we are root, and root of a machine or container that has this user."""
    ranges = [line.split() for line in pathlib.Path("/proc/self/uid_map").read_text().splitlines()]
    return os.geteuid() == 0 and any(int(first) <= user < int(first) + int(count) for first, _, count in ranges)


class Pod:
    """The pod of a StatefulSet or of `helm test`, below `root`; `given` is what Secrets that are there hold besides, by the setting."""

    def __init__(self, root, things, name, given=None):
        self.root = pathlib.Path(root)
        self.things = things
        self.bridge = name.removesuffix("-doctor").rpartition("-")[2]
        self.given = GIVEN | {"platform.token": TOKENS.get(self.bridge)} | (given or {})
        self.spec = chart.pods(things)[name]["spec"]
        self.container = self.spec["containers"][0]
        claims = chart.claims(things, name)
        self.volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        assert not claims & set(self.volumes), "a volume is there twice"
        self.volumes |= {claim: {} for claim in claims}
        self.missing = []
        self.modes = {}
        self.lay_out()

    def lay_out(self):
        for mount in self.container["volumeMounts"]:
            folder = self.path(mount["mountPath"])
            folder.mkdir(parents=True)
            volume = self.volumes.pop(mount["name"])
            source = volume.get("secret") or volume.get("projected")
            if source:
                self.modes[folder] = source["defaultMode"]
            for name, text in self.files(volume).items():
                if text is None:
                    self.missing.append(folder / name)
                else:
                    (folder / name).write_text(self.moved(text))
        assert not self.volumes, f"nobody mounts {self.volumes}"

    def files(self, volume):
        """The files of a volume; those of Secrets that are not the chart's are known by their setting, or missing."""
        if "projected" in volume:
            items = [item for source in volume["projected"]["sources"] for item in source["secret"]["items"]]
            return {item["path"]: self.given[item["path"]] for item in items}
        if "secret" not in volume:
            return {}
        name = volume["secret"]["secretName"]
        ours = [thing for thing in self.things if thing["kind"] == "Secret" and thing["metadata"]["name"] == name]
        inside = chart.contents(ours[0]) if ours else {}
        items = volume["secret"].get("items") or [{"key": key, "path": key} for key in inside]
        return {item["path"]: inside[item["key"]].decode() if ours else None for item in items}

    def moved(self, text):
        """The same text with paths of the pod led to our folder."""
        for folder in FOLDERS:
            text = text.replace(folder, str(self.path(folder)))
        return text

    def path(self, path):
        return self.root / path.lstrip("/")

    def environment(self):
        return {variable["name"]: self.moved(variable["value"]) for variable in self.container["env"]}

    def config(self):
        return yaml.safe_load(self.path("/etc/magpie/config/config.yaml").read_text())

    def hand_over(self):
        """Gives the files of Secrets to root and the pod's group, as the node does for `fsGroup`."""
        self.root.chmod(0o755)
        group = self.spec["securityContext"]["fsGroup"]
        for folder, mode in self.modes.items():
            for file in folder.iterdir():
                os.chown(file, 0, group)
                file.chmod(mode)
        for mount in self.container["volumeMounts"]:
            if not mount.get("readOnly"):
                os.chown(self.path(mount["mountPath"]), 0, group)
                self.path(mount["mountPath"]).chmod(0o2770)

    def run(self, program, *arguments):
        """Runs the bridge's program as the pod would; gives its exit code and words."""
        user, group = (self.spec["securityContext"][key] for key in ("runAsUser", "runAsGroup"))
        if not can_become(user):
            return self.write(program, *arguments)
        self.hand_over()
        # By its number the program is found whoever may see its folder.
        with open(program, "rb") as opened:
            number = opened.fileno()
            as_user = {"user": user, "group": group, "extra_groups": [], "pass_fds": [number]}
            return self.ended([f"/proc/self/fd/{number}", *arguments], **as_user)

    def write(self, program, *arguments):
        """The same with our own rights, for what the program writes in the operator's hands."""
        return self.ended([program, *arguments])

    def ended(self, command, **more):
        ended = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60, check=False, **more)
        return ended.returncode, ended.stdout + ended.stderr
