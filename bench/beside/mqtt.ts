import { once } from 'node:events';
import { connect } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import mqttOut from '../../adapters/mqtt/mqtt-out.ts';
import { mosquitto } from '../../test/support/mosquitto.ts';
import { message } from '../messages.ts';
import { type Subjects, sender, timed } from './subject.ts';

const nobody = { kind: 'basic', user: '', password: '' } as const;

/** The packets of one connection by mqtt-packet alone: what a client has to do at least. */
async function bareClient(port: number, clientId: string) {
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
  const welcome = answered('connack');
  write({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clean: true,
    clientId,
    keepalive: 60,
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
  const opened = undo.move();
  return {
    subjects: [
      {
        what: 'mqtt-out',
        bare: (messages) => timed(messages, () => bare.publish('out/a', body)),
        adapter: (messages) => timed(messages, () => out.send(body)),
      },
    ],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
