import type { ConfirmChannel, Message } from 'amqplib';
import rhea, { type Connection, type EventContext } from 'rhea';
import amqpIn from '../../adapters/amqp/amqp-in.ts';
import amqpOut from '../../adapters/amqp/amqp-out.ts';
import amqp1In from '../../adapters/amqp/v1/amqp1-in.ts';
import amqp1Out from '../../adapters/amqp/v1/amqp1-out.ts';
import { rabbit } from '../../test/support/rabbit.ts';
import { message } from '../messages.ts';
import {
  AT_ONCE,
  InTurn,
  type Spent,
  type Subject,
  type Subjects,
  sender,
  Taken,
  taking,
  timed,
} from './subject.ts';

const hub = { kind: 'basic', user: 'hub', password: 'pw' } as const;
const body = message(1).bytes;

/** RabbitMQ beside amqplib (0-9-1) and rhea (1.0): each message confirmed, each acknowledged once it is stored. */
export async function amqpSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const broker = undo.use(await rabbit());
  const channel = await (await broker.client()).createConfirmChannel();
  channel.on('return', ({ properties }: Message) => cameBack.add(properties.messageId));
  for (const queue of ['in', 'out']) await channel.assertQueue(queue, { durable: true });
  const channels = await channelsOf(broker);
  const connection = await opened(broker.port);
  undo.defer(() => connection.close());
  const at = { connect: `127.0.0.1:${broker.port}`, credential: 'hub' };
  const out = await sender(amqpOut, { ...at, routingKey: 'out' }, hub);
  undo.defer(() => out.close());
  const out1 = await sender(amqp1Out, { ...at, address: '/queues/out' }, hub);
  undo.defer(() => out1.close());
  const prepare = async (messages: number): Promise<void> => {
    for (const queue of ['in', 'out']) await channel.purgeQueue(queue);
    await timed(messages, () => published(channel, 'in'));
  };
  const credential = hub;
  const subjects: Subject[] = [
    {
      what: 'amqp-out, beside less',
      isLess: true,
      prepare,
      bare: (messages) => timed(messages, () => published(channel, 'out')),
      adapter: (messages) => timed(messages, () => out.send(body)),
    },
    {
      what: 'amqp-out',
      prepare,
      bare: (messages) => eachOnOne(channels, messages),
      adapter: (messages) => timed(messages, () => out.send(body)),
    },
    {
      what: 'amqp-in',
      prepare,
      bare: (messages) => consumed(broker, messages),
      adapter: (messages) => taking(amqpIn, { ...at, queue: 'in' }, { credential, messages }),
    },
    {
      what: 'amqp1-out',
      prepare,
      bare: bareOut1(connection),
      adapter: (messages) => timed(messages, () => out1.send(body)),
    },
    {
      what: 'amqp1-in',
      prepare,
      bare: (messages) => received(connection, messages),
      adapter: (messages) =>
        taking(amqp1In, { ...at, address: '/queues/in' }, { credential, messages }),
    },
  ];
  const all = undo.move();
  return { subjects, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

let number = 0;
const LATE = 30_000;

/**
 * With the properties that the adapter gives a message: its type, its time, and what it is known by. A message that no
 * queue gets comes back before it is confirmed; one that is not confirmed in time is told.
 */
function published(channel: ConfirmChannel, queue: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const messageId = `bench.${++number}`;
  const options = {
    persistent: true,
    mandatory: true,
    contentType: 'application/hl7-v2',
    messageId,
    timestamp: Math.round(Date.now() / 1_000),
  };
  const late = setTimeout(() => reject(new Error('not confirmed in time')), LATE);
  channel.publish('', queue, body, options, (error: unknown) => {
    clearTimeout(late);
    if (error !== null) reject(new Error('not confirmed', { cause: error }));
    else if (cameBack.delete(messageId)) reject(new Error('no queue got it'));
    else resolve();
  });
  return promise;
}

const cameBack = new Set<unknown>();

async function channelsOf(
  broker: Awaited<ReturnType<typeof rabbit>>,
): Promise<readonly ConfirmChannel[]> {
  const own = await broker.client();
  return await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const one = await own.createConfirmChannel();
      one.on('return', ({ properties }: Message) => cameBack.add(properties.messageId));
      return one;
    }),
  );
}

/** With the promise of the adapter: a channel that is closed for a message takes no other one along, whose fate nobody would know. */
async function eachOnOne(channels: readonly ConfirmChannel[], messages: number): Promise<Spent> {
  const free = [...channels];
  return await timed(messages, async () => {
    const channel = free.pop();
    if (channel === undefined) throw new Error('more at once than there are channels');
    await published(channel, 'out');
    free.push(channel);
  });
}

async function consumed(broker: Awaited<ReturnType<typeof rabbit>>, messages: number) {
  const channel = await (await broker.client()).createChannel();
  await channel.prefetch(20);
  const taken = new Taken(messages);
  const turn = new InTurn();
  await channel.consume('in', (one) => {
    if (one === null) return;
    taken.one();
    turn.take({ body: one.content, origin: one.fields.routingKey }, () => channel.ack(one));
  });
  const took = await taken.spent;
  await turn.ended;
  await channel.close();
  return took;
}

async function opened(port: number): Promise<Connection> {
  const { user: username, password } = hub;
  const options = { host: '127.0.0.1', port, username, password, reconnect: false };
  const connection = rhea.create_container().connect(options);
  await new Promise((resolve) => void connection.once('connection_open', resolve));
  return connection;
}

/** Sends over one link, which is opened with the first message. */
function bareOut1(connection: Connection): (messages: number) => Promise<Spent> {
  const waiting = new Map<unknown, () => void>();
  const link = connection.open_sender({ target: '/queues/out', autosettle: true });
  link.on('accepted', ({ delivery }: EventContext) => {
    waiting.get(delivery)?.();
    waiting.delete(delivery);
  });
  return (messages) =>
    timed(messages, async () => {
      if (!link.sendable())
        await new Promise((resolve) => void link.once('sendable', resolve as () => void));
      const { promise, resolve } = Promise.withResolvers<void>();
      const letter = {
        body: rhea.message.data_section(body),
        durable: true,
        message_id: `bench.${++number}`,
        content_type: 'application/hl7-v2',
        creation_time: new Date(),
      };
      waiting.set(link.send(letter), resolve);
      await promise;
    });
}

async function received(connection: Connection, messages: number): Promise<Spent> {
  const taken = new Taken(messages);
  const source = '/queues/in';
  const link = connection.open_receiver({ source, autoaccept: false, credit_window: 0 });
  link.add_credit(20);
  const turn = new InTurn();
  link.on('message', ({ delivery, message: one }: EventContext) => {
    taken.one();
    turn.take({ body: one?.body as unknown }, () => {
      delivery?.accept();
      link.add_credit(1);
    });
  });
  const took = await taken.spent;
  await turn.ended;
  link.close();
  return took;
}
