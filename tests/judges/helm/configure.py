"""The bridges' own programs must accept every configuration and registration of the chart, read every setting from a Secret that may come
from one, and know just the settings of its schema. The doctor of `helm test` must find what a pod has.

Usage: configure.py PROGRAMS, the folder that holds them.
"""

import collections
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
# What the chart itself must know, such as for the registration; `templates` is a part of `bridge`.
NOT_FROM_SECRETS = {"homeserver", "appservice", "templates"}
BRIDGES = ["discord", "telegram", "whatsapp", "wechat"]
# How the names of values files end that set all settings of a bridge.
OF_ALL_SETTINGS = ("-every-setting", "-settings", "-telegram-webhook")
NOBODY_IS_THERE = """
homeserver: { url: "http://127.0.0.1:9" }
bridges:
  discord:
    enabled: true
    config: { platform: { token: aaa.bbb.ccc, api_url: "http://127.0.0.1:9", cdn_url: "http://127.0.0.1:9", gateway_hosts: [127.0.0.1] } }
"""
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
            code, words = laid_out.write(program, "registration", "--double-puppets")
        else:
            code, words = laid_out.write(program, "registration")
        assert code == 0 and path.exists(), words


def accepted(programs):
    """Counts the configurations that their programs accept, by bridge."""
    count = collections.Counter()
    for name, text in chart.files("values"):
        wanted = chart.values(text)
        things = chart.render(wanted)
        for bridge, stateful_set in bridges(things, wanted).items():
            program = programs / f"magpie-{bridge}"
            with tempfile.TemporaryDirectory() as root:
                laid_out = pod.Pod(root, things, stateful_set)
                give_missing(laid_out, program)
                code, words = laid_out.run(program, "check-config")
                assert code == 0, f"{name}, {bridge}:\n{words}"
                same_registration(name, laid_out, program)
            count[bridge] += 1
    return count


def from_secrets(programs):
    """Every setting that may come from a Secret is read from there, for each bridge: a file that sets all is turned round."""
    count = collections.Counter()
    for name, text in chart.files("values"):
        if not name.endswith(OF_ALL_SETTINGS):
            continue
        wanted = chart.values(text)
        [(bridge, own)] = wanted["bridges"].items()
        names = secret_names(bridge)
        own["secrets"], given = own.get("secrets", {}), {}
        for path, value in list(places(own["config"])):
            if path in names:
                given[path] = as_text(take(own["config"], path))
                own["secrets"][path] = {"name": "all", "key": path}
        with tempfile.TemporaryDirectory() as root:
            laid_out = pod.Pod(root, chart.render(wanted), f"{chart.NAME}-magpie-{bridge}", given)
            code, words = laid_out.run(programs / f"magpie-{bridge}", "check-config")
            assert code == 0, f"{name}, all from Secrets:\n{words}"
        count[bridge] += len(own["secrets"])
    assert set(count) == set(BRIDGES), f"only {set(count)} were tried"
    return count


def places(config, above=()):
    """Each setting of a configuration by its place, groups before what is in them."""
    for key, value in config.items():
        yield ".".join((*above, key)), value
        if isinstance(value, dict):
            yield from places(value, (*above, key))


def take(config, path):
    *above, last = path.split(".")
    for key in above:
        config = config[key]
    return config.pop(last)


def as_text(value):
    """A value as a variable of the environment would have it."""
    if isinstance(value, dict):
        return ",".join(f"{key}={inner}" for key, inner in value.items())
    if isinstance(value, list):
        return ",".join(value)
    return json.dumps(value) if isinstance(value, bool) else str(value)


def secret_names(bridge):
    """The settings that the schema lets come from Secrets."""
    defs = json.loads((chart.CHART / "values.schema.json").read_text())["$defs"]
    return set(defs["secretOfAll"]["enum"]) | set(defs[f"{bridge}Secrets"]["propertyNames"]["anyOf"][1]["enum"])


def same_registration(name, laid_out, program):
    """The chart's registration is what the program would write with the same tokens."""
    path = laid_out.path("/etc/magpie/registration/registration.yaml")
    before = yaml.safe_load(path.read_text())
    code, words = laid_out.write(program, "registration")
    assert code == 0, words
    after = yaml.safe_load(path.read_text())
    assert before == after, f"{name}: the program writes {after} in the place of {before}"


def examined(programs):
    """The pod of `helm test` runs the doctor, who finds all but the homeserver and the network: nobody is there."""
    wanted = chart.values(NOBODY_IS_THERE)
    with tempfile.TemporaryDirectory() as root:
        laid_out = pod.Pod(root, chart.render(wanted), f"{chart.NAME}-magpie-discord-doctor")
        code, words = laid_out.run(programs / "magpie-discord", *laid_out.container["args"])
    found = {line.split(":")[0].split(maxsplit=1)[1]: line.split()[0] for line in words.splitlines() if line.startswith(("ok", "FAULT"))}
    faults = {check for check, finding in found.items() if finding == "FAULT"}
    assert code == 1 and faults == {"homeserver", "API"}, words
    seen = {"configuration", "registration", "database", "disk of the database", "disk for files"}
    assert seen <= set(found), words


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
        _, words = laid_out.write(program, "--config", str(path), "check-config")
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
        platform = defs.get(f"{bridge}Platform")
        assert platform, f"the schema does not tell the settings of {bridge}: define `{bridge}Platform`"
        known = known_settings(program)
        for section, part in {**sections, "platform": platform}.items():
            of_both = set(part["properties"]) | OF_THE_CHART.get(section, set())
            assert of_both == known[section], f"{bridge}, {section}: only one knows {of_both ^ known[section]}"
        wanted = leaves({section: part for section, part in ({**sections, "platform": platform}).items() if section not in NOT_FROM_SECRETS})
        wanted |= {"homeserver.status_endpoint", "homeserver.message_send_checkpoint_endpoint"}
        listed = secret_names(bridge)
        assert listed == wanted, f"{bridge}: only one lets these come from Secrets: {listed ^ wanted}"


def leaves(sections):
    """The settings that a text can give, by their places: those of one value, lists, and groups of such values."""
    found = set()
    for section, part in sections.items():
        for key, setting in part["properties"].items():
            inner = setting.get("additionalProperties") or {}
            if setting.get("type") != "object" or inner.get("enum"):
                found.add(f"{section}.{key}")
            elif "properties" in setting:
                found |= leaves({f"{section}.{key}": setting})
    return found


def main(programs):
    programs = pathlib.Path(programs)
    missing = [bridge for bridge in BRIDGES if not (programs / f"magpie-{bridge}").exists()]
    assert not missing, f"not built: {missing}; `cargo build --workspace` does that"
    count = accepted(programs)
    refused(programs)
    examined(programs)
    schema_knows(programs)
    turned = from_secrets(programs)
    assert set(count) == set(BRIDGES), f"values files are missing: {count}"
    print(f"{count.total()} configurations accepted: {dict(count)}; settings from Secrets: {dict(turned)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
