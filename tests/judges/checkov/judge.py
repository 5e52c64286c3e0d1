"""Lets checkov look at rendered objects and at container files; what it finds must be explained.

Usage: judge.py OBJECTS CONTAINERS, two folders.
"""

import json
import pathlib
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).parent
PROGRAM = pathlib.Path(sys.executable).parent / "checkov"
OBJECTS_MIN = 100


def look(folder, framework):
    """What was found, and how much was looked at. Nothing is asked of the network."""
    ended = subprocess.run(
        [PROGRAM, "--directory", folder, "--framework", framework, "--output", "json", "--compact", "--quiet", "--skip-download"],
        capture_output=True, text=True, timeout=300, check=False,
    )
    report = json.loads(ended.stdout)
    assert not report["summary"]["parsing_errors"], report
    found = {(failed["check_id"], failed["resource"].split(".")[0]) for failed in report["results"]["failed_checks"]}
    return found, report["summary"]


def main(objects, containers):
    explained = {(line["check"], line["kind"]) for line in yaml.safe_load((HERE / "explained.yaml").read_text())}
    found, summary = look(objects, "kubernetes")
    assert summary["resource_count"] >= OBJECTS_MIN, summary
    in_containers, of_containers = look(containers, "dockerfile")
    assert of_containers["passed"], of_containers
    assert not in_containers, f"in the container files: {in_containers}"
    assert not found - explained, f"not explained: {sorted(found - explained)}"
    assert not explained - found, f"explained and not found any more: {sorted(explained - found)}"
    print(f"{summary['passed'] + of_containers['passed']} checks passed, {len(found)} failures explained")


if __name__ == "__main__":
    main(*sys.argv[1:])
