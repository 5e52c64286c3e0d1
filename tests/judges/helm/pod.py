"""Lays out on disk what a pod would see: its Secrets as files, its environment, with the paths of one folder in place of the root."""

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


class Pod:
    """The pod of one StatefulSet, below `root`."""

    def __init__(self, root, things, name):
        self.root = pathlib.Path(root)
        self.things = things
        self.bridge = name.rpartition("-")[2]
        self.spec = chart.named(things, "StatefulSet", name)["spec"]["template"]["spec"]
        self.container = self.spec["containers"][0]
        claims = chart.named(things, "StatefulSet", name)["spec"].get("volumeClaimTemplates", [])
        self.volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        assert not any(claim["metadata"]["name"] in self.volumes for claim in claims), "a volume is there twice"
        self.volumes |= {claim["metadata"]["name"]: {} for claim in claims}
        self.missing = []
        self.lay_out()

    def lay_out(self):
        for mount in self.container["volumeMounts"]:
            folder = self.path(mount["mountPath"])
            folder.mkdir(parents=True)
            for name, text in self.files(self.volumes.pop(mount["name"])).items():
                if text is None:
                    self.missing.append(folder / name)
                else:
                    (folder / name).write_text(self.moved(text))
        assert not self.volumes, f"nobody mounts {self.volumes}"

    def files(self, volume):
        """The files of a volume; those of Secrets that are not the chart's are known by their setting, or missing."""
        if "projected" in volume:
            items = [item for source in volume["projected"]["sources"] for item in source["secret"]["items"]]
            given = GIVEN | {"platform.token": TOKENS.get(self.bridge)}
            return {item["path"]: given[item["path"]] for item in items}
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

    def run(self, program, *arguments):
        """Runs the bridge's program as the pod would; gives its exit code and words."""
        ended = subprocess.run(
            [program, *arguments], env=self.environment(), capture_output=True, text=True, timeout=60, check=False
        )
        return ended.returncode, ended.stdout + ended.stderr
