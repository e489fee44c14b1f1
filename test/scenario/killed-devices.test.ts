import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '../../sandbox/free-port.ts';
import { dicomDocument } from '../../src/document/dicom/dicom-document.ts';
import { astmDevice, astmServer, result } from '../support/astm-device.ts';
import { dicomFile, hasDcmtk, startArchive, storescu } from '../support/dicom.ts';
import { type Cut, framedPeer } from '../support/framed-peer.ts';
import { describeKilled, type KilledLine } from '../support/killed-lines.ts';
import { noWebsockets, websocketPeer } from '../support/websocket-peer.ts';

const byLine: Cut = (bytes) => {
  const end = bytes.indexOf('\n');
  if (end < 0) return undefined;
  return { body: bytes.subarray(0, end), rest: Buffer.from(bytes.subarray(end + 1)) };
};

const peers = new AsyncDisposableStack();
const lines: readonly KilledLine[] = [
  await tcpLine(),
  ...(noWebsockets === undefined ? [await websocketLine()] : []),
  await astmLine(),
  ...(hasDcmtk ? [await dicomLine()] : []),
];

async function tcpLine(): Promise<KilledLine> {
  const receiver = peers.use(await framedPeer(byLine, () => Buffer.from('OK\r\n')));
  const listen = await freePort();
  return {
    name: 'tcp',
    listen,
    service: `{ listen: "127.0.0.1:${listen}", type: text/plain, answer: stored }`,
    operation: `{ connect: "127.0.0.1:${receiver.port}", reply: framed, accepted: OK }`,
    async send(n) {
      const socket = connect(listen, '127.0.0.1');
      try {
        socket.write(`${n}\n`);
        // a killed engine ends the connection without an error
        const answered = once(socket, 'data') as Promise<[Buffer]>;
        const ended = once(socket, 'end').then(() => [Buffer.alloc(1)]);
        const [answer = Buffer.alloc(1)] = await Promise.race([answered, ended]);
        return answer[0] === 6;
      } finally {
        socket.destroy();
      }
    },
    arrived: async () => await Promise.resolve(receiver.received.map((body) => Number(body))),
  };
}

async function websocketLine(): Promise<KilledLine> {
  const receiver = peers.use(await websocketPeer());
  const listen = await freePort();
  return {
    name: 'websocket',
    listen,
    service: `{ listen: "127.0.0.1:${listen}", type: text/plain }`,
    operation: `{ url: "ws://127.0.0.1:${receiver.port}/killed" }`,
    async send(n) {
      const socket = new WebSocket(`ws://127.0.0.1:${listen}/`);
      const over = Promise.race([once(socket, 'error'), once(socket, 'close')]).then(() => {
        throw new Error('the connection is lost');
      });
      try {
        await Promise.race([once(socket, 'open'), over]);
        const answered = once(socket, 'message');
        socket.send(String(n));
        const [{ data: answer }] = (await Promise.race([answered, over])) as [{ data: unknown }];
        return String(answer).includes('stored');
      } finally {
        over.catch(() => undefined);
        socket.close();
      }
    },
    async arrived() {
      const { received } = await receiver.at('/killed');
      return received.map(({ body }) => Number(body));
    },
  };
}

async function astmLine(): Promise<KilledLine> {
  const receiver = peers.use(await astmServer());
  const listen = await freePort();
  return {
    name: 'astm',
    listen,
    service: `{ listen: "127.0.0.1:${listen}" }`,
    operation: `{ connect: "127.0.0.1:${receiver.port}" }`,
    async send(n) {
      await using device = await astmDevice(listen);
      return (await device.send(result(String(n)))) === '\x06';
    },
    arrived: async () =>
      await Promise.resolve(receiver.received.map((body) => Number(String(body).split('|')[2]))),
  };
}

async function dicomLine(): Promise<KilledLine> {
  const receiver = peers.use(await startArchive());
  const listen = await freePort();
  return {
    name: 'dicom',
    listen,
    service: `{ listen: "127.0.0.1:${listen}" }`,
    operation: `{ connect: "127.0.0.1:${receiver.port}", title: ARCHIVE }`,
    async send(n) {
      const { code } = await storescu(listen, [dicomFile({ instance: n + 1 })]);
      return code === 0;
    },
    async arrived() {
      const files = await receiver.files();
      return files.map((file) => {
        const uid = dicomDocument(file).get('SOPInstanceUID');
        return Number(uid.slice(uid.lastIndexOf('.') + 1)) - 1;
      });
    },
  };
}

describeKilled(lines, peers);
