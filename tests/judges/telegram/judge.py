"""The judge of the Telegram simulator: python-telegram-bot or aiogram, told what to do in lines of JSON.

Commands come in, events go out; every command ends with `done`. Files are written `{"$file": [name, base64]}` or
`{"$zeros": [name, bytes]}`. What a library makes of an answer is given back as it understood it, so that a field it could not read is
missing there.
"""

import asyncio
import hashlib
import importlib
import json
import os
import sys
import traceback


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


async def serve(library, line):
    command = json.loads(line)
    deed = command["do"]
    if deed == "call":
        return {"result": await library.call(command["method"], command.get("args", {}))}
    if deed == "download":
        data = await library.download(command["file_id"])
        return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    if deed == "poll":
        await library.poll(command.get("allowed"), lambda update: tell("update", update=update))
    elif deed == "webhook":
        await library.webhook(command, lambda update: tell("update", update=update))
    elif deed == "unpoll":
        await library.unpoll()
    else:
        raise ValueError(f"there is no command {deed}")
    return {}


async def main():
    url, token = os.environ["JUDGE_URL"], os.environ["JUDGE_TOKEN"]
    library = importlib.import_module(f"with_{sys.argv[1]}").Library(url, token)
    await library.start()
    tell("ready", me=library.me)
    lines = asyncio.get_running_loop()
    while line := await lines.run_in_executor(None, sys.stdin.readline):
        if json.loads(line)["do"] == "stop":
            break
        try:
            tell("done", **await serve(library, line))
        except Exception as error:  # Every fault is the test's to judge.
            known = library.error(error)
            if known is None:
                traceback.print_exc()
            tell("done", **(known or {"error": "crash", "message": repr(error)}))
    await library.stop()


asyncio.run(main())
