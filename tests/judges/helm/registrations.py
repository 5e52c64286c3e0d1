"""Writes the registrations of a rendering with all bridges, for a homeserver to read.

Usage: registrations.py OUT. Each goes to a file of its own in the folder OUT; `tokens.json` has the `as_token` by the name of its bot.
"""

import json
import pathlib
import sys

import yaml

import chart


def main(out):
    folder = pathlib.Path(out)
    things = chart.render(chart.values(dict(chart.files("values"))["14-suite"]))
    secrets = [thing for thing in things if thing["kind"] == "Secret" and "registration.yaml" in thing["data"]]
    tokens = {}
    for secret in secrets:
        text = chart.contents(secret)["registration.yaml"]
        (folder / f"{secret['metadata']['name']}.yaml").write_bytes(text)
        registration = yaml.safe_load(text)
        tokens[registration["sender_localpart"]] = registration["as_token"]
    (folder / "tokens.json").write_text(json.dumps(tokens))
    print(f"{len(secrets)} registrations")


if __name__ == "__main__":
    main(*sys.argv[1:])
