"""Reads a Secret in the binary form in which Helm keeps its releases. https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding

Knows the numbers of the fields that are needed here, from k8s.io/api/core/v1/generated.proto, and no others.
"""

import base64

MAGIC = b"k8s\x00"
VARINT, BYTES = 0, 2


def secret(body):
    """The Secret of a request, as JSON would have it."""
    assert body.startswith(MAGIC), "this is no protobuf of Kubernetes"
    parts = fields(dict(fields(body[len(MAGIC):]))[2])
    thing = dict(parts)
    metadata = fields(thing[1])
    named = dict(metadata)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": named[1].decode(),
            "namespace": named.get(3, b"").decode(),
            "labels": {key.decode(): value.decode() for key, value in entries(metadata, 11)},
        },
        "data": {key.decode(): base64.b64encode(value).decode() for key, value in entries(parts, 2)},
        "type": thing.get(3, b"").decode(),
    }


def entries(found, number):
    """The entries of a map, each a message with key 1 and value 2."""
    pairs = [dict(fields(text)) for known, text in found if known == number]
    return [(pair.get(1, b""), pair.get(2, b"")) for pair in pairs]


def fields(text):
    """The fields of a message: number and value."""
    found, at = [], 0
    while at < len(text):
        tag, at = varint(text, at)
        number, kind = tag >> 3, tag & 7
        assert kind in (VARINT, BYTES), f"a field of the kind {kind} is not known here"
        value, at = varint(text, at)
        if kind == BYTES:
            value, at = text[at:at + value], at + value
        found.append((number, value))
    return found


def varint(text, at):
    value = shift = 0
    while True:
        byte = text[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
