import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createTransport } from 'nodemailer';
import smtpOut from '../../adapters/smtp/smtp-out.ts';
import { portOf } from './sending-peer.ts';
import { type Subject, type Subjects, sender, timed } from './subject.ts';

const TO = { from: 'hub@hospital.example', to: 'registrar@hospital.example' };
const TEXT = 'A letter is attached.';

/** Mails with an attachment to a server of another process, beside the pool of nodemailer. */
export async function smtpSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const server = fork(fileURLToPath(import.meta.url), ['--serve']);
  undo.defer(() => ended(server));
  const [port] = (await once(server, 'message')) as [number];
  const given = {
    ...TO,
    connect: `127.0.0.1:${port}`,
    security: 'none',
    subject: 'ADT_A01',
    text: TEXT,
    mailsPerConnection: 1_000_000,
  };
  const out = await sender(smtpOut, given, { kind: 'basic', user: '', password: '' });
  undo.defer(() => out.close());
  const pool = (connections: number) => {
    const transport = createTransport({
      host: '127.0.0.1',
      port,
      ignoreTLS: true,
      pool: true,
      maxConnections: connections,
      maxMessages: Number.POSITIVE_INFINITY,
    });
    undo.defer(() => transport.close());
    return transport;
  };
  const subject = (connections: number, bytes: number): Subject => {
    const body = Buffer.alloc(bytes, 'MSH|^~\\&|x|');
    const transport = pool(connections);
    const mail = (id: number) => ({
      ...TO,
      subject: `ADT_A01 ${id}`,
      text: TEXT,
      attachments: [{ filename: `${id}.hl7`, content: body }],
    });
    return {
      what: `smtp-out, ${bytes / 1_000} KB over ${connections}`,
      bare: (messages) => timed(messages, (id) => transport.sendMail(mail(id)), connections),
      adapter: (messages) =>
        timed(messages, () => out.send(body, { type: 'HL7v2:ADT_A01:2.5.1' }), connections),
    };
  };
  const subjects = [subject(1, 1_000), subject(5, 1_000), subject(5, 100_000)];
  const all = undo.move();
  return { subjects, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill();
  await once(child, 'exit');
}

/** A server that accepts everything and keeps nothing, so that only the clients are measured. */
function talk(socket: Socket): void {
  let pending = Buffer.alloc(0);
  let inMail = false;
  socket.write('220 bench\r\n');
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const mark = inMail ? '\r\n.\r\n' : '\r\n';
      const end = pending.indexOf(mark);
      if (end < 0) return;
      const verb = pending.subarray(0, 4).toString().toUpperCase();
      pending = pending.subarray(end + mark.length);
      if (inMail) inMail = false;
      else if (verb === 'EHLO') socket.write('250-bench\r\n250-PIPELINING\r\n');
      else if (verb === 'DATA') {
        inMail = true;
        socket.write('354 go ahead\r\n');
        continue;
      } else if (verb === 'QUIT') {
        socket.end('221 bye\r\n');
        return;
      }
      socket.write('250 ok\r\n');
    }
  });
  socket.on('error', () => undefined);
}

async function serve(): Promise<void> {
  const server = createServer({ noDelay: true }, talk).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.(portOf(server));
}

if (process.argv[2] === '--serve') await serve();
