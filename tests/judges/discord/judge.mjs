// discord.js as a puppet: one JSON command per input line, one JSON event per output line.
//
// It runs in the folder where discord.js is installed and loads it from there. It must use discord.js only as its
// documentation says, because its point is to behave as somebody else's bot would.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.cwd(), 'package.json'));
const { Client, Events, GatewayIntentBits, WebhookClient } = require('discord.js');

const rest = { api: process.env.JUDGE_API };
const client = new Client({
  rest,
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMembers,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.GuildMessageTyping,
    GatewayIntentBits.GuildWebhooks,
    GatewayIntentBits.MessageContent,
  ],
});

const say = (event, fields = {}) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
const write = (message) => ({
  id: message.id,
  channel: message.channelId,
  guild: message.guildId,
  content: message.content,
  author: message.author?.id,
  name: message.author?.username,
  shown: message.member?.displayName ?? message.author?.displayName,
  webhook: message.webhookId,
  reply: message.reference?.messageId ?? null,
  pings: [...(message.mentions?.users?.keys() ?? [])],
  everyone: message.mentions?.everyone ?? false,
  edited: message.editedTimestamp !== null,
  created: message.createdTimestamp,
});

client.once(Events.ClientReady, (ready) => {
  const guilds = ready.guilds.cache.map((guild) => ({
    id: guild.id,
    name: guild.name,
    channels: guild.channels.cache.map((channel) => ({ id: channel.id, name: channel.name, type: channel.type })),
    members: guild.memberCount,
  }));
  say('ready', { user: ready.user.id, guilds });
});
client.on(Events.MessageCreate, (message) => say('create', write(message)));
client.on(Events.MessageUpdate, (_, message) => say('update', write(message)));
client.on(Events.MessageDelete, (message) => say('delete', { id: message.id, channel: message.channelId }));
client.on(Events.MessageBulkDelete, (messages) => say('bulk', { ids: [...messages.keys()] }));
client.on(Events.TypingStart, (typing) => say('typing', { user: typing.user.id, channel: typing.channel.id }));
client.on(Events.WebhooksUpdate, (channel) => say('webhooks', { channel: channel.id }));
client.on(Events.ShardResume, (_, replayed) => say('resumed', { replayed }));
client.on(Events.ShardDisconnect, (close) => say('disconnected', { code: close.code }));
client.on(Events.Error, (error) => say('error', { text: String(error) }));
client.on(Events.ShardError, (error) => say('shard-error', { text: String(error) }));

const fetchChannel = (id) => client.channels.fetch(id);
const fetchMessage = async (command) => (await fetchChannel(command.channel)).messages.fetch(command.message);
const deeds = {
  send: async (command) => write(await (await fetchChannel(command.channel)).send(command.options)),
  reply: async (command) => write(await (await fetchMessage(command)).reply(command.options)),
  edit: async (command) => write(await (await fetchMessage(command)).edit(command.options)),
  delete: async (command) => void (await (await fetchMessage(command)).delete()),
  type: async (command) => void (await (await fetchChannel(command.channel)).sendTyping()),
  history: async (command) => {
    const page = await (await fetchChannel(command.channel)).messages.fetch(command.options);
    return { messages: [...page.values()].map(write) };
  },
  members: async (command) => {
    const members = await (await client.guilds.fetch(command.guild)).members.fetch();
    return { names: members.map((member) => member.displayName) };
  },
  search: async (command) => {
    const members = await (await client.guilds.fetch(command.guild)).members.search({ query: command.query, limit: 5 });
    return { users: [...members.keys()] };
  },
  direct: async (command) => {
    const channel = await client.users.createDM(command.user);
    const sent = await channel.send(command.options);
    return { channel: channel.id, recipient: channel.recipientId, id: sent.id };
  },
  makeWebhook: async (command) => {
    const hook = await (await fetchChannel(command.channel)).createWebhook({ name: command.name });
    return { id: hook.id, token: hook.token };
  },
  webhooks: async (command) => {
    const hooks = await (await fetchChannel(command.channel)).fetchWebhooks();
    return { webhooks: hooks.map((hook) => ({ id: hook.id, name: hook.name, token: hook.token ?? null })) };
  },
  webhookSend: async (command) => {
    const sent = await new WebhookClient({ id: command.id, token: command.token }, { rest }).send(command.options);
    return { id: sent.id, name: sent.author.username };
  },
  webhookEdit: async (command) => {
    const hook = new WebhookClient({ id: command.id, token: command.token }, { rest });
    const edited = await hook.editMessage(command.message, command.options);
    return { id: edited.id, content: edited.content };
  },
  webhookDelete: async (command) => {
    await new WebhookClient({ id: command.id, token: command.token }, { rest }).deleteMessage(command.message);
  },
};

const act = async (line) => {
  const command = JSON.parse(line);
  if (command.do === 'stop') {
    await client.destroy();
    process.exit(0);
  }
  try {
    say('done', (await deeds[command.do](command)) ?? {});
  } catch (error) {
    say('done', { failed: error.code ?? String(error), status: error.status ?? null });
  }
};

let queue = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  queue = queue.then(() => act(line));
});
client.login(process.env.JUDGE_TOKEN).catch((error) => {
  say('error', { text: String(error) });
  process.exit(1);
});
