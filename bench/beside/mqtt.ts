import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { generate, type Packet, parser } from 'mqtt-packet';
import mqttIn from '../../adapters/mqtt/mqtt-in.ts';
import mqttOut from '../../adapters/mqtt/mqtt-out.ts';
import { mosquitto } from '../../test/support/mosquitto.ts';
import { message } from '../messages.ts';
import { InTurn, type Subjects, sender, Taken, taking, timed } from './subject.ts';

const run = promisify(execFile);
const nobody = { kind: 'basic', user: '', password: '' } as const;

/**
 * The packets of one connection by mqtt-packet alone: what a client has to do at least. With `taken` it goes on with a
 * session that the broker kept, and acknowledges each of its messages once it is stored.
 */
async function bareClient(port: number, clientId: string, taken?: Taken) {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  const read = parser({ protocolVersion: 5 });
  const heard = new Map<string, (packet: Packet) => void>();
  read.on('packet', (packet: Packet) => heard.get(packet.cmd)?.(packet));
  socket.on('data', (chunk) => read.parse(chunk));
  const write = (packet: Packet): void => {
    socket.write(generate(packet, { protocolVersion: 5 }));
  };
  const answered = (cmd: string): Promise<Packet> =>
    new Promise((resolve) => {
      heard.set(cmd, resolve);
    });
  await once(socket, 'connect');
  const turn = new InTurn();
  read.on('packet', (packet: Packet) => {
    if (packet.cmd !== 'publish') return;
    taken?.one();
    const { messageId = 0, topic, payload } = packet;
    turn.take({ body: payload, origin: topic }, () =>
      write({ cmd: 'puback', messageId, reasonCode: 0 }),
    );
  });
  const welcome = answered('connack');
  write({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clean: taken === undefined,
    clientId,
    keepalive: 60,
    properties: { sessionExpiryInterval: taken === undefined ? 0 : 3_600, receiveMaximum: 20 },
  });
  await welcome;
  const waiting = new Map<number, () => void>();
  let id = 0;
  return {
    publish(topic: string, payload: Buffer): Promise<void> {
      heard.set('puback', ({ messageId = 0 }) => {
        waiting.get(messageId)?.();
        waiting.delete(messageId);
      });
      id = (id % 60_000) + 1;
      const messageId = id;
      return new Promise((resolve) => {
        waiting.set(messageId, resolve);
        write({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false });
      });
    },
    async close(): Promise<void> {
      await turn.ended;
      const ended = once(socket, 'close');
      write({ cmd: 'disconnect' });
      socket.end();
      await ended;
    },
  };
}

/** MQTT 5 with QoS 1 at Mosquitto: each message acknowledged. */
export async function mqttSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const lines = ['max_queued_messages 0'];
  const peer = undo.use(await mosquitto({ lines }));
  const body = message(1).bytes;
  const at = { connect: `127.0.0.1:${peer.port}` };
  const bare = await bareClient(peer.port, 'sender');
  undo.defer(() => bare.close());
  const out = await sender(mqttOut, { ...at, topic: 'out/a' }, nobody);
  undo.defer(() => out.close());
  const credential = nobody;
  const where = { ...at, topics: ['in/a'], clientId: 'adapter' };
  /** Both sessions begin anew, and hold as many messages. */
  const prepare = async (messages: number): Promise<void> => {
    const to = ['-p', String(peer.port), '-V', '5', '-q', '1', '-t', 'in/a', '-E'];
    for (const id of ['bare', 'adapter']) {
      await run('mosquitto_sub', [...to, '-i', id]);
      await run('mosquitto_sub', [...to, '-i', id, '-c', '-x', '3600']);
    }
    await timed(messages, () => bare.publish('in/a', body));
  };
  const opened = undo.move();
  return {
    subjects: [
      {
        what: 'mqtt-in',
        prepare,
        async bare(messages) {
          const taken = new Taken(messages);
          const client = await bareClient(peer.port, 'bare', taken);
          const took = await taken.spent;
          await client.close();
          return took;
        },
        adapter: (messages) => taking(mqttIn, where, { credential, messages }),
      },
      {
        what: 'mqtt-out',
        bare: (messages) => timed(messages, () => bare.publish('out/a', body)),
        adapter: (messages) => timed(messages, () => out.send(body)),
      },
    ],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
