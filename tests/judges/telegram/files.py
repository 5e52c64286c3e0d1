"""Files in commands."""

import base64


def content(value):
    """The bytes of a file in a command, with its name; nothing for other values."""
    if isinstance(value, dict) and "$file" in value:
        name, text = value["$file"]
        return name, base64.b64decode(text)
    if isinstance(value, dict) and "$zeros" in value:
        name, size = value["$zeros"]
        return name, bytes(size)
    return None
