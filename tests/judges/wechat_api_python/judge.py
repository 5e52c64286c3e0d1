"""wechatpy as a judge: its clients of Official Accounts and of WeCom work against a simulator, which they take for WeChat's own servers.

Speaks JSON lines: each command on standard input is answered by one line, {"refused": code} where the other side says no by a code.
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")

import requests
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException
from wechatpy.work import WeChatClient as WeComClient
from wechatpy.work import parse_message

# Where WeChat is for wechatpy, and by what it speaks there.
KINDS = {
    "official": ("https://api.weixin.qq.com", WeChatClient),
    "wecom": ("https://qyapi.weixin.qq.com", WeComClient),
}

CLIENTS = {}


class Detour(HTTPAdapter):
    """Everything that is meant for WeChat goes to the simulator."""

    def __init__(self, origin, simulator):
        super().__init__()
        self.origin = origin
        self.simulator = simulator

    def send(self, request, **options):
        request.url = self.simulator + request.url.removeprefix(self.origin)
        return super().send(request, **options)


class Nowhere(HTTPAdapter):
    """And nothing goes anywhere else."""

    def send(self, request, **options):
        raise requests.ConnectionError("the judge speaks to the simulator alone")


def begin(command):
    origin, kind = KINDS[command["kind"]]
    client = kind(command["id"], command["secret"], timeout=20)
    # A proxy of the environment is none of ours.
    client._http.trust_env = False
    client._http.mount("https://", Nowhere())
    client._http.mount(origin, Detour(origin, command["simulator"]))
    # WeCom's fetches files past its own session.
    requests.get = client._http.get
    CLIENTS[command["client"]] = client
    return {}


def call(command):
    target = CLIENTS[command["client"]]
    for name in command["method"].split("."):
        target = getattr(target, name)
    return {"told": target(*command.get("args", []), **command.get("named", {}))}


def upload(command):
    file = (command["name"], bytes.fromhex(command["bytes"]), command["mime"])
    return {"told": CLIENTS[command["client"]].media.upload(command["type"], file)}


def download(command):
    response = CLIENTS[command["client"]].media.download(command["media"])
    if not isinstance(response, requests.Response):
        return {"told": response}
    if response.headers["Content-Type"].startswith("application/json"):
        # WeCom's client hands over a refusal as if it were the file.
        return {"refused": response.json()["errcode"]}
    return {"mime": response.headers["Content-Type"], "bytes": response.content.hex()}


def read(command):
    message = parse_message(command["document"])
    return {"event": message.event, "token": message.token}


DEEDS = {"begin": begin, "call": call, "upload": upload, "download": download, "read": read}


def main():
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = DEEDS[command["do"]](command)
        except WeChatClientException as error:
            answer = {"refused": error.errcode}
        print(json.dumps(answer), flush=True)


main()
