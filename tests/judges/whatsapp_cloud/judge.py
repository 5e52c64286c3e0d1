"""pywa as a judge: sends through it, and lets it check and read webhooks.

Speaks JSON lines: a command on standard input is answered by one line {"event": "done", ...}. What comes by webhook is one line for each
update. What pywa complains about in its log is a line {"event": "complaint"}.
"""

import json
import logging
import os
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
from pywa import WhatsApp, types, utils
from pywa.errors import WhatsAppError

OUTPUT = threading.Lock()


def tell(event, **fields):
    with OUTPUT:
        print(json.dumps({"event": event, **fields}, default=str), flush=True)


class Complaints(logging.Handler):
    def emit(self, record):
        words = self.format(record)
        # Refusing forgeries is what the judge is asked for; everything else that it says is a complaint.
        is_refusal = "signature" in words or "verify token" in words
        tell("refused" if is_refusal else "complaint", words=words)


logging.getLogger("pywa").addHandler(Complaints(logging.WARNING))
warnings.simplefilter("ignore")

session = httpx.Client(timeout=20)
wa = WhatsApp(
    phone_id=os.environ["JUDGE_NUMBER"],
    token=os.environ["JUDGE_TOKEN"],
    session=session,
    waba_id=os.environ["JUDGE_ACCOUNT"],
    app_secret=os.environ["JUDGE_SECRET"],
    verify_token=os.environ["JUDGE_VERIFY"],
    # The test decides what a repeat is.
    skip_duplicate_updates=False,
)
session.base_url = os.environ["JUDGE_API"]


def media(file):
    return file and {
        "id": file.id,
        "mime": file.mime_type,
        "sha256": file.sha256,
        "filename": file.filename,
        "bytes": file.get_bytes().hex(),
        "voice": getattr(file, "voice", None),
    }


def person(user):
    return {"wa_id": user.wa_id, "user_id": user.bsuid, "name": user.name, "username": user.username}


@wa.on_message
def on_message(_, message):
    tell(
        "message",
        id=message.id,
        type=message.type.value,
        user=person(message.from_user),
        at=int(message.timestamp.timestamp()),
        text=message.text,
        caption=message.caption,
        media=media(message.media),
        place=message.location and [message.location.latitude, message.location.longitude, message.location.name],
        contacts=[contact.name.formatted_name for contact in message.contacts or []],
        reaction=message.reaction and {"emoji": message.reaction.emoji, "to": message.reaction.message_id},
        order=message.order and [[product.sku, product.quantity] for product in message.order.products],
        reply=message.reply_to_message and message.reply_to_message.id,
        forwarded=[message.forwarded, message.forwarded_many_times],
        referral=message.referral and message.referral.headline,
        error=message.error and message.error.code,
    )


@wa.on_callback_button
def on_button(_, button):
    tell("button", id=button.id, data=button.data, title=button.title, reply=button.reply_to_message.id)


@wa.on_callback_selection
def on_row(_, row):
    tell("row", data=row.data, title=row.title, description=row.description, reply=row.reply_to_message.id)


@wa.on_message_status
def on_status(_, status):
    tell(
        "status",
        id=status.id,
        status=status.status.value,
        user=person(status.from_user),
        tracker=status.tracker,
        error=status.error and status.error.code,
        details=status.error and status.error.details,
    )


@wa.on_phone_number_change
def on_number(_, change):
    tell("number", old=change.old_wa_id, new=change.new_wa_id, user_id=change.new_user_id, body=change.body)


@wa.on_edited_message
def on_edit(_, edit):
    tell("edit", original=edit.original_message_id, text=edit.message.text)


@wa.on_deleted_message
def on_delete(_, deleted):
    tell("delete", original=deleted.original_message_id)


@wa.on_outgoing_message
def on_echo(_, message):
    tell("echo", text=message.text)


class Webhook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        token, challenge = query.get(utils.HUB_VT, [None])[0], query.get(utils.HUB_CH, [None])[0]
        self.answer(*wa.webhook_challenge_handler(vt=token, ch=challenge))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refusal = wa.webhook_update_validator(update=body, hmac_header=self.headers.get(utils.HUB_SIG))
        self.answer(*(refusal or wa.webhook_update_handler(update=body)))

    def answer(self, text, status):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def sections(wanted):
    rows = [types.SectionRow(title=row["title"], callback_data=row["id"], description=row.get("description")) for row in wanted]
    return types.SectionList(button_title="Choose", sections=[types.Section(title="All", rows=rows)])


def send(kind, to, fields):
    if "buttons" in fields:
        fields["buttons"] = [types.Button(title=button["title"], callback_data=button["id"]) for button in fields["buttons"]]
    if "rows" in fields:
        fields["buttons"] = sections(fields.pop("rows"))
    if kind == "contact":
        fields["contact"] = types.Contact(
            name=types.Contact.Name(formatted_name=fields["contact"], first_name=fields["contact"]),
            phones=[types.Contact.Phone(phone="+1 650 555 0000", type="CELL")],
        )
    if kind == "template":
        fields["language"] = types.templates.TemplateLanguage(fields["language"])
        values = [{"type": "text", "text": text} for text in fields.pop("params", [])]
        fields["params"] = [{"type": "body", "parameters": values}] if values else None
    method = getattr(wa, "send_message" if kind == "text" else f"send_{kind}")
    return {"id": method(to=to, **fields).id}


def act(command):
    deed = command.pop("do")
    if deed == "send":
        return send(command.pop("kind"), command.pop("to"), command)
    if deed == "unreact":
        return {"id": wa.remove_reaction(**command).id}
    if deed == "read":
        return {"success": wa.mark_message_as_read(**command).success}
    if deed == "type":
        return {"success": wa.indicate_typing(**command).success}
    if deed == "upload":
        return {"id": wa.upload_media(media=bytes.fromhex(command.pop("bytes")), **command).id}
    if deed == "download":
        found = wa.get_media_url(command["id"])
        content = wa.get_media_bytes(found.url)
        return {"bytes": content.hex(), "mime": found.mime_type, "sha256": found.sha256, "size": found.file_size}
    if deed == "delete":
        return {"success": wa.delete_media(command["id"]).success}
    if deed == "templates":
        return {"names": [template.name for template in wa.get_templates()]}
    if deed == "number":
        return {"name": wa.get_business_phone_number().verified_name}
    if deed == "profile":
        return {"about": wa.get_business_profile().about}
    if deed == "redirect":
        return wa.api.set_waba_alternate_callback_url(waba_id=wa.waba_id, **command)
    raise ValueError(deed)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell("ready", address=f"http://127.0.0.1:{server.server_port}/")
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "stop":
            break
        try:
            tell("done", **act(command))
        except WhatsAppError as error:
            tell("done", error=error.code, details=error.details, name=type(error).__name__)
        except Exception as error:
            tell("complaint", words=repr(error))
    server.shutdown()


main()
