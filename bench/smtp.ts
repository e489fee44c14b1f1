import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createTransport } from 'nodemailer';
import smtpOut from '../adapters/smtp/smtp-out.ts';
import { print, table } from '../src/cli/output.ts';
import { inlineBody } from '../src/message/body.ts';
import type { Message } from '../src/message/message.ts';
import { lent } from './lent.ts';
import { median } from './median.ts';

/** Mails per second with the adapter, compared with nodemailer's own pool and the same mail. */
export interface SmtpRate {
  readonly connections: number;
  /** Bytes of the attached body. */
  readonly bytes: number;
  /** Medians of the rounds. */
  readonly nodemailer: Pace;
  readonly adapter: Pace;
  /** Median of the ratios of the rates in the same round. */
  readonly ratio: number;
}

export interface Pace {
  readonly perSecond: number;
  /**
   * Milliseconds of this process's CPU time per mail, which says more than the rate if the machine
   * is also doing other work.
   */
  readonly cpu: number;
}

interface Load {
  readonly port: number;
  readonly connections: number;
  readonly mails: number;
  readonly body: Buffer;
}

/** Measures both in every round, so that other work on the machine affects both. The server is a separate process. */
export async function runSmtpBench(mails: number, rounds: number): Promise<SmtpRate[]> {
  const server = fork(fileURLToPath(import.meta.url), ['--listen']);
  try {
    const [port] = (await once(server, 'message')) as [number];
    const rates: SmtpRate[] = [];
    for (const [connections, bytes] of [
      [1, 1_000],
      [5, 1_000],
      [5, 100_000],
    ] as const) {
      const load = { port, connections, mails, body: Buffer.alloc(bytes, 'MSH|^~\\&|x|') };
      rates.push(await compared(load, rounds));
    }
    return rates;
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

async function compared(load: Load, rounds: number): Promise<SmtpRate> {
  const bare: Pace[] = [];
  const own: Pace[] = [];
  for (let round = 0; round <= rounds; round++) {
    bare.push(await withNodemailer(load));
    own.push(await withAdapter(load));
  }
  // The first round warmed up.
  bare.shift();
  own.shift();
  return {
    connections: load.connections,
    bytes: load.body.length,
    nodemailer: medianPace(bare),
    adapter: medianPace(own),
    ratio: median(own.map(({ perSecond }, at) => perSecond / (bare[at]?.perSecond ?? perSecond))),
  };
}

const medianPace = (paces: readonly Pace[]): Pace => ({
  perSecond: median(paces.map(({ perSecond }) => perSecond)),
  cpu: median(paces.map(({ cpu }) => cpu)),
});

async function withNodemailer({ port, connections, mails, body }: Load): Promise<Pace> {
  const transport = createTransport({
    host: '127.0.0.1',
    port,
    ignoreTLS: true,
    pool: true,
    maxConnections: connections,
    maxMessages: Number.POSITIVE_INFINITY,
  });
  const rate = await rated({ connections, mails }, async (id) => {
    await transport.sendMail({
      from: 'hub@hospital.example',
      to: 'registrar@hospital.example',
      subject: `ADT_A01 ${id}`,
      text: 'A letter is attached.',
      attachments: [{ filename: `${id}.hl7`, content: body }],
    });
  });
  transport.close();
  return rate;
}

async function withAdapter({ port, connections, mails, body }: Load): Promise<Pace> {
  const open = await smtpOut.open(
    lent(smtpOut.settings, {
      connect: `127.0.0.1:${port}`,
      security: 'none',
      from: 'hub@hospital.example',
      to: 'registrar@hospital.example',
      subject: 'ADT_A01',
      text: 'A letter is attached.',
      mailsPerConnection: 1_000_000,
    }),
  );
  const { signal } = new AbortController();
  const rate = await rated({ connections, mails }, async (id) => {
    await open.send(outgoing(id, body), signal);
  });
  await open.close();
  return rate;
}

async function rated(
  { connections, mails }: Pick<Load, 'connections' | 'mails'>,
  send: (id: number) => Promise<void>,
): Promise<Pace> {
  let next = 0;
  const began = performance.now();
  const before = process.cpuUsage();
  const drive = async (): Promise<void> => {
    while (next < mails) await send(++next);
  };
  await Promise.all(Array.from({ length: connections }, drive));
  const { user, system } = process.cpuUsage(before);
  return {
    perSecond: mails / ((performance.now() - began) / 1_000),
    cpu: (user + system) / 1_000 / mails,
  };
}

function outgoing(id: number, body: Buffer): Message {
  return {
    id,
    sessionId: id,
    source: 'bench',
    target: 'bench',
    type: 'HL7v2:ADT_A01:2.5.1',
    created: Date.now(),
    received: Date.now(),
    size: body.length,
    body: inlineBody(body),
  };
}

/** A server that accepts everything and keeps nothing, so that only the clients are measured. */
function serve(socket: Socket): void {
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

const { values } = parseArgs({
  options: {
    listen: { type: 'boolean', default: false },
    mails: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
  },
});

if (values.listen) {
  const server = createServer({ noDelay: true }, serve).listen(0, '127.0.0.1', () => {
    process.send?.((server.address() as AddressInfo).port);
  });
} else if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rates = await runSmtpBench(Number(values.mails), Number(values.rounds));
  print(
    table([
      ['connections', 'body', 'nodemailer/s', 'smtp-out/s', 'ratio', 'cpu ms', 'cpu ms'],
      ...rates.map(({ connections, bytes, nodemailer, adapter, ratio }) => [
        String(connections),
        String(bytes),
        nodemailer.perSecond.toFixed(0),
        adapter.perSecond.toFixed(0),
        ratio.toFixed(2),
        nodemailer.cpu.toFixed(2),
        adapter.cpu.toFixed(2),
      ]),
    ]),
  );
}
