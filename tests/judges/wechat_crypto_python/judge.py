"""wechatpy as a judge: it seals, signs, opens and reads callbacks of Official Accounts and of WeCom.

Speaks JSON lines: each command on standard input is answered by one line, {"refused": ...} where wechatpy says no.
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")

import xmltodict
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.enterprise.crypto import WeChatCrypto as WeComCrypto
from wechatpy.exceptions import WeChatException
from wechatpy.utils import check_signature

FIELDS = (
    "content", "image", "media_id", "format", "recognition", "thumb_media_id", "location_x", "location_y", "scale", "label", "title",
    "description", "url", "event", "key", "ticket",
)


def crypto(command):
    kind = WeComCrypto if command.get("platform") == "wecom" else WeChatCrypto
    return kind(command["token"], command["key"], command["receiver"])


def seal(command):
    sealed = crypto(command).encrypt_message(command["message"], command["nonce"], command["timestamp"])
    parts = xmltodict.parse(sealed)["xml"]
    return {"sealed": parts["Encrypt"], "signature": parts["MsgSignature"]}


def opened(command):
    message = {"Encrypt": command["sealed"]}
    return {"message": crypto(command).decrypt_message(message, command["signature"], command["timestamp"], command["nonce"])}


def url_check(command):
    words = (command["signature"], command["timestamp"], command["nonce"], command["sealed"])
    return {"message": crypto(command).check_signature(*words)}


def plain_check(command):
    check_signature(command["token"], command["signature"], command["timestamp"], command["nonce"])
    return {}


def read(command):
    message = parse_message(command["document"])
    fields = {name: str(getattr(message, name)) for name in FIELDS if getattr(message, name, None) is not None}
    return {"type": message.type, "id": message.id, "source": message.source, "target": message.target, "fields": fields}


DEEDS = {"seal": seal, "open": opened, "url_check": url_check, "plain_check": plain_check, "read": read}


def main():
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = DEEDS[command["do"]](command)
        except (WeChatException, ValueError, IndexError) as error:
            answer = {"refused": type(error).__name__}
        print(json.dumps(answer), flush=True)


main()
