"""What the book tells people to prepare for the compose file must be what the bridge then accepts.

Usage: compose.py PROGRAM. The program stands for the one in the image; its folders are led to a scratch folder.
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
TOKEN = "aaa.bbb.ccc"
DATABASE = "postgres://magpie:secret@postgres/discord\n"


def service():
    """The service of the bridge, and the registration that Synapse is given."""
    compose = YAML_SAFE.load((ROOT / "deploy" / "compose.yaml").read_text())
    return compose["services"]["discord"], compose["services"]["synapse"]


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


def main(program):
    bridge, synapse = service()
    variables, arguments = init((ROOT / "docs" / "install.md").read_text())
    assert "./data/discord:/etc/magpie/config:ro" in bridge["volumes"], bridge["volumes"]
    assert "./data/discord/registration.yaml:/registrations/discord.yaml:ro" in synapse["volumes"], synapse["volumes"]
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        for folder in ("etc/magpie/config", "run/secrets", "var/spool/magpie"):
            (root / folder).mkdir(parents=True)
        settings = root / "etc/magpie/config"
        # In the place of the person who is asked for it.
        code, words = run(program, settings, {**os.environ, **variables}, *arguments, "--yes", "--set", f"token={TOKEN}")
        assert code == 0, words
        (root / "run/secrets/discord-database").write_text(DATABASE)
        inside = {
            name: value.replace("/etc/magpie/config", str(settings)).replace("/run/secrets", str(root / "run/secrets"))
            for name, value in bridge["environment"].items()
        }
        code, words = run(program, root, inside, "check-config")
        assert code == 0, words
        code, words = run(program, root, {**inside, "MAGPIE_APPSERVICE__URL": "http://elsewhere:8080"}, "check-config")
        assert code == 3 and "http://elsewhere:8080" in words, words
    print("the bridge accepts what the book prepares")


if __name__ == "__main__":
    main(str(pathlib.Path(sys.argv[1]).absolute()))
