"""What the judge does with python-telegram-bot."""

import asyncio
import socket

import telegram
from telegram.ext import Updater
from telegram.request import HTTPXRequest

from files import content

OBJECTS = {
    "reply_parameters": telegram.ReplyParameters,
    "link_preview_options": telegram.LinkPreviewOptions,
    "permissions": telegram.ChatPermissions,
    "reply_markup": telegram.InlineKeyboardMarkup,
}

LISTS = {
    "entities": telegram.MessageEntity,
    "caption_entities": telegram.MessageEntity,
    "commands": telegram.BotCommand,
    "reaction": telegram.ReactionType,
    "options": telegram.InputPollOption,
}

MEDIA = {
    "photo": telegram.InputMediaPhoto,
    "video": telegram.InputMediaVideo,
    "audio": telegram.InputMediaAudio,
    "document": telegram.InputMediaDocument,
    "animation": telegram.InputMediaAnimation,
}


class Library:
    def __init__(self, url, token):
        request = HTTPXRequest(read_timeout=30, write_timeout=30, connect_timeout=30)
        base = {"base_url": f"{url}/bot", "base_file_url": f"{url}/file/bot"}
        self.bot = telegram.Bot(token, request=request, **base)
        self.updater = self.task = None

    async def start(self):
        await self.bot.initialize()
        self.me = plain(await self.bot.get_me())

    async def stop(self):
        await self.unpoll()
        await self.bot.shutdown()

    async def call(self, method, args):
        method = getattr(self.bot, method)
        return plain(await method(**{name: self.given(name, value) for name, value in args.items()}))

    async def download(self, file_id):
        return bytes(await (await self.bot.get_file(file_id)).download_as_bytearray())

    async def poll(self, allowed, heard):
        await self.begin(heard)
        await self.updater.start_polling(timeout=5, allowed_updates=allowed)

    async def webhook(self, command, heard):
        await self.begin(heard)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        await self.updater.start_webhook(
            listen="127.0.0.1",
            port=port,
            url_path="hook",
            webhook_url=f"http://127.0.0.1:{port}/hook",
            secret_token=command["secret"],
            max_connections=command.get("connections", 40),
            allowed_updates=command.get("allowed"),
        )

    async def begin(self, heard):
        queue = asyncio.Queue()
        self.updater = Updater(self.bot, queue)
        await self.updater.initialize()

        async def listen():
            while True:
                heard(plain(await queue.get()))

        self.task = asyncio.create_task(listen())

    async def unpoll(self):
        if self.updater:
            # Not `shutdown`, which would end the bot's connections too.
            await self.updater.stop()
            await self.bot.delete_webhook()
            self.task.cancel()
            self.updater = None

    def error(self, error):
        if not isinstance(error, telegram.error.TelegramError):
            return None
        wait = getattr(error, "retry_after", None)
        return {
            "error": type(error).__name__,
            "message": error.message,
            "retry_after": wait.total_seconds() if hasattr(wait, "total_seconds") else wait,
            "migrate_to": getattr(error, "new_chat_id", None),
        }

    def given(self, name, value):
        if (file := content(value)) is not None:
            return telegram.InputFile(file[1], filename=file[0], attach=False)
        if name in OBJECTS:
            return OBJECTS[name].de_json(value, self.bot)
        if name in LISTS:
            return [LISTS[name].de_json(item, self.bot) for item in value]
        if name == "media":
            return self.media(value) if isinstance(value, dict) else [self.media(item) for item in value]
        return value

    def media(self, item):
        fields = {name: self.given(name, value) for name, value in item.items() if name != "type"}
        if (file := content(item["media"])) is not None:
            fields["media"] = telegram.InputFile(file[1], filename=file[0], attach=True)
        return MEDIA[item["type"]](**fields)


def plain(value):
    if isinstance(value, telegram.TelegramObject):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value
