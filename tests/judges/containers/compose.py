"""What the book tells people to prepare for the compose file must be what each of its bridges then accepts.

Usage: compose.py PROGRAMS, the folder that holds them. They stand for those in the images; their folders are led to a scratch folder.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).parents[3]
YAML_SAFE = YAML(typ="safe")
# What `init` asks a person for, by bridge.
ANSWERS = {"discord": ["--set", "token=aaa.bbb.ccc"], "telegram": ["--set", "token=1234567890:AAHb7c_d-e8F"], "whatsapp": [], "wechat": []}
DATABASE = "postgres://magpie:secret@postgres/{bridge}\n"


def bridges(compose):
    """The services that are built from this repository, by name."""
    found = {name: service for name, service in compose["services"].items() if "build" in service}
    for name, service in found.items():
        assert service["build"]["args"]["BRIDGE"] == name and service["image"] == f"magpie-{name}", name
        assert f"./data/{name}:/etc/magpie/config:ro" in service["volumes"], service["volumes"]
        assert service["secrets"] == [{"source": f"{name}-database", "target": "database"}], service["secrets"]
        assert f"{name}-database" in compose["secrets"] and name in compose["volumes"], name
        assert f"CREATE DATABASE {name};" in compose["configs"]["databases"]["content"], name
        assert service.get("profiles", [name]) == [name], service["profiles"]
    return found


def init(book):
    """The book's command that writes the settings: its variables and its arguments."""
    found = re.findall(r"^(MAGPIE_\S+=\S+ .*magpie-discord init .*)$", book, re.MULTILINE)
    assert len(found) == 1, "the book shows no such command, or several"
    words = found[0].split()
    variables = dict(word.split("=", 1) for word in words if word.startswith("MAGPIE_"))
    return variables, words[len(variables) + 1:]


def run(program, folder, variables, *arguments):
    ended = subprocess.run([program, *arguments], cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def judge(program, bridge, service, book):
    # The book shows Discord and says that its name stands for any.
    variables, arguments = init(book.replace("discord", bridge).replace(f"magpie-{bridge} init", "magpie-discord init"))
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        for folder in ("etc/magpie/config", "run/secrets", "var/spool/magpie"):
            (root / folder).mkdir(parents=True)
        settings = root / "etc/magpie/config"
        # In the place of the person who is asked for it.
        code, words = run(program, settings, {**os.environ, **variables}, *arguments, "--yes", *ANSWERS[bridge])
        assert code == 0, f"{bridge}: {words}"
        (root / "run/secrets/database").write_text(DATABASE.format(bridge=bridge))
        inside = {
            name: value.replace("/etc/magpie/config", str(settings)).replace("/run/secrets", str(root / "run/secrets"))
            for name, value in service["environment"].items()
        }
        code, words = run(program, root, inside, "check-config")
        assert code == 0, f"{bridge}: {words}"
        code, words = run(program, root, {**inside, "MAGPIE_APPSERVICE__URL": "http://elsewhere:8080"}, "check-config")
        assert code == 3 and "http://elsewhere:8080" in words, f"{bridge}: {words}"


def main(programs):
    compose = YAML_SAFE.load((ROOT / "deploy" / "compose.yaml").read_text())
    book = (ROOT / "docs" / "install.md").read_text()
    registrations = "./data/discord/registration.yaml:/registrations/discord.yaml:ro"
    assert registrations in compose["services"]["synapse"]["volumes"], compose["services"]["synapse"]["volumes"]
    found = bridges(compose)
    assert set(found) == set(ANSWERS), f"the compose file has {set(found)}"
    for bridge, service in found.items():
        judge(str(programs / f"magpie-{bridge}"), bridge, service, book)
    print(f"the bridges accept what the book prepares: {', '.join(found)}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).absolute())
