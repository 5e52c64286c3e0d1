"""What the judge does with aiogram."""

import asyncio

from aiogram import Bot, Dispatcher, methods
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError, TelegramMigrateToChat, TelegramRetryAfter
from aiogram.types import BufferedInputFile
from aiogram.utils.serialization import deserialize_telegram_object_to_python
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web
from pydantic import BaseModel

from files import content


class Library:
    def __init__(self, url, token):
        self.bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))
        self.task = self.runner = None

    async def start(self):
        self.me = plain(await self.bot.get_me())

    async def stop(self):
        await self.unpoll()
        await self.bot.session.close()

    async def call(self, method, args):
        kind = getattr(methods, method[0].upper() + method[1:])
        return plain(await self.bot(kind(**{name: given(value) for name, value in args.items()})))

    async def download(self, file_id):
        return (await self.bot.download(file_id)).read()

    async def poll(self, allowed, heard):
        dispatcher = self.dispatcher(heard)
        polling = dispatcher.start_polling(
            self.bot, allowed_updates=allowed, handle_signals=False, close_bot_session=False, polling_timeout=5
        )
        self.task = asyncio.create_task(polling)
        self.running = dispatcher

    async def webhook(self, command, heard):
        app = web.Application()
        handler = SimpleRequestHandler(self.dispatcher(heard), self.bot, secret_token=command["secret"])
        handler.register(app, path="/hook")
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        await self.bot.set_webhook(
            f"http://127.0.0.1:{port}/hook",
            secret_token=command["secret"],
            max_connections=command.get("connections"),
            allowed_updates=command.get("allowed"),
        )

    async def unpoll(self):
        if self.task:
            await self.running.stop_polling()
            await self.task
            self.task = None
        if self.runner:
            await self.bot.delete_webhook()
            await self.runner.cleanup()
            self.runner = None

    def dispatcher(self, heard):
        dispatcher = Dispatcher()

        @dispatcher.update.outer_middleware()
        async def hear(handler, update, data):
            heard(plain(update))

        return dispatcher

    def error(self, error):
        if not isinstance(error, TelegramAPIError):
            return None
        return {
            "error": type(error).__name__,
            "message": error.message,
            "retry_after": getattr(error, "retry_after", None) if isinstance(error, TelegramRetryAfter) else None,
            "migrate_to": error.migrate_to_chat_id if isinstance(error, TelegramMigrateToChat) else None,
        }


def given(value):
    if (file := content(value)) is not None:
        return BufferedInputFile(file[1], file[0])
    if isinstance(value, dict):
        return {name: given(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [given(inner) for inner in value]
    return value


def plain(value):
    if isinstance(value, BaseModel):
        return named(deserialize_telegram_object_to_python(value))
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def named(value):
    """With the Bot API's own name where Python has another."""
    if isinstance(value, dict):
        return {"from" if name == "from_user" else name: named(inner) for name, inner in value.items()}
    return [named(inner) for inner in value] if isinstance(value, list) else value
