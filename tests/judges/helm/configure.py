"""The bridges' own programs must accept every configuration and registration of the chart, and know just the settings of its schema.

Usage: configure.py PROGRAMS, the folder that holds them. Bridges that have no program there are named.
"""

import json
import pathlib
import re
import sys
import tempfile

import yaml

import chart
import pod

# What the chart sets itself, or by another name.
OF_THE_CHART = {
    "homeserver": {"double_puppets"},
    "appservice": {"listen", "registration"},
    "bridge": {"media_folder"},
}
UNKNOWN = "nobody_knows_this"


def bridges(things, wanted):
    """Each bridge of a rendering by its name, with that of its StatefulSet."""
    enabled = [bridge for bridge, own in (wanted.get("bridges") or {}).items() if own.get("enabled")]
    sets = {thing["metadata"]["labels"]["app.kubernetes.io/component"]: thing for thing in things if thing["kind"] == "StatefulSet"}
    assert set(enabled) == set(sets), f"{enabled} are enabled, {set(sets)} are there"
    return {bridge: sets[bridge]["metadata"]["name"] for bridge in enabled}


def give_missing(laid_out, program):
    """Secrets that are there already hold what the program itself writes."""
    for path in laid_out.missing:
        if "double-puppets" in str(path):
            code, words = laid_out.run(program, "registration", "--double-puppets")
        else:
            code, words = laid_out.run(program, "registration")
        assert code == 0 and path.exists(), words


def accepted(programs):
    """Counts the configurations that their programs accept; names the bridges without one."""
    count, without = 0, set()
    for name, text in chart.files("values"):
        wanted = chart.values(text)
        things = chart.render(wanted)
        for bridge, stateful_set in bridges(things, wanted).items():
            program = programs / f"magpie-{bridge}"
            if not program.exists():
                without.add(bridge)
                continue
            with tempfile.TemporaryDirectory() as root:
                laid_out = pod.Pod(root, things, stateful_set)
                give_missing(laid_out, program)
                code, words = laid_out.run(program, "check-config")
                assert code == 0, f"{name}, {bridge}:\n{words}"
                same_registration(name, laid_out, program)
            count += 1
    return count, without


def same_registration(name, laid_out, program):
    """The chart's registration is what the program would write with the same tokens."""
    path = laid_out.path("/etc/magpie/registration/registration.yaml")
    before = yaml.safe_load(path.read_text())
    code, words = laid_out.run(program, "registration")
    assert code == 0, words
    after = yaml.safe_load(path.read_text())
    assert before == after, f"{name}: the program writes {after} in the place of {before}"


def refused(programs):
    """What is wrong must be seen, or the yes above would mean nothing."""
    program = programs / "magpie-discord"
    wanted = chart.values(dict(chart.files("values"))["02-discord"])
    things = chart.render(wanted)
    with tempfile.TemporaryDirectory() as root:
        laid_out = pod.Pod(root, things, "suite-magpie-discord")
        path = laid_out.path("/etc/magpie/registration/registration.yaml")
        path.write_text(path.read_text().replace("discord_", "dis.cord_"))
        code, words = laid_out.run(program, "check-config")
        assert code == 3 and "are not among these" in words, words


def known_settings(program):
    """The settings of each section, as the program lists them when it meets one that it does not know."""
    sections = ["homeserver", "appservice", "database", "bridge", "provisioning", "logging", "platform"]
    config = {section: {UNKNOWN: 1} for section in sections}
    config["bridge"]["relay_templates"] = {UNKNOWN: 1}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        laid_out = type("Plain", (pod.Pod,), {"__init__": lambda self: None, "environment": lambda self: {}})()
        _, words = laid_out.run(program, "--config", str(path), "check-config")
    found = re.findall(rf"unknown setting `{UNKNOWN}`.*?Allowed here: ([^\n]*?)\.\n", words, re.DOTALL)
    known = [set(line.split(", ")) for line in found]
    assert len(known) == len(sections) + 1, words
    templates = next(settings for settings in known if "emote" in settings)
    known.remove(templates)
    return dict(zip(sections, known)) | {"templates": templates}


def schema_knows(programs):
    """The chart's schema and the programs know the same settings."""
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    defs = schema["$defs"]
    sections = {
        "homeserver": schema["properties"]["homeserver"],
        "appservice": defs["appservice"],
        "database": defs["database"],
        "bridge": defs["bridgeSection"],
        "provisioning": defs["provisioning"],
        "logging": defs["logging"],
        "templates": defs["bridgeSection"]["properties"]["relay_templates"],
    }
    for bridge in schema["properties"]["bridges"]["properties"]:
        program = programs / f"magpie-{bridge}"
        if not program.exists():
            continue
        platform = defs.get(f"{bridge}Platform")
        assert platform, f"the schema does not tell the settings of {bridge}: define `{bridge}Platform`"
        known = known_settings(program)
        for section, part in {**sections, "platform": platform}.items():
            of_both = set(part["properties"]) | OF_THE_CHART.get(section, set())
            assert of_both == known[section], f"{bridge}, {section}: only one knows {of_both ^ known[section]}"


def main(programs):
    programs = pathlib.Path(programs)
    count, without = accepted(programs)
    refused(programs)
    schema_knows(programs)
    assert count, "nothing was checked"
    print(f"{count} configurations accepted; no program yet for: {', '.join(sorted(without)) or 'none'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
