import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { type RunningProduction, runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { type MllpPeer, mllpPeer } from '../support/mllp-peer.ts';
import { admission } from '../support/mllp-peers.ts';
import { mllpSender } from '../support/mllp-sender.ts';

const codeThat = (does: string): string =>
  `import { defineProcess } from 'waybill';\nexport default defineProcess(async (message, context) => { ${does} });\n`;

const REPLY = `return { type: 'HL7v2:ACK:2.5.1', code: 'AA', body: Buffer.from('MSH|^~\\\\&|R|B|S|A|20260101||ACK|1|P|2.5.1\\rMSA|AA|' + message.document().get('MSH-10') + '|done by code\\r') };`;

const CODES = {
  silent: codeThat('return undefined;'),
  replies: codeThat(`await context.send('out'); ${REPLY}`),
  fails: codeThat(`throw new Error('cannot');`),
  calls: codeThat(
    `const answer = await context.call('discards'); if (answer.status !== 'discarded') throw new Error(answer.status); return undefined;`,
  ),
};

/** Every process that can stand in front of an operation, with a service of its own that passes the answer on. */
const PROCESSES: Readonly<Record<string, string>> = {
  discards: '{ rules: [{ otherwise: discard }] }',
  suspends: '{ rules: [{ otherwise: suspend }] }',
  'discards-queued': '{ run: queued, rules: [{ otherwise: discard }] }',
  'suspends-queued': '{ run: queued, rules: [{ otherwise: suspend }] }',
  'silent-inline': '{ run: inline, code: silent.ts }',
  'silent-queued': '{ run: queued, code: silent.ts }',
  'replies-inline': '{ run: inline, code: replies.ts }',
  'replies-queued': '{ run: queued, code: replies.ts }',
  'fails-inline': '{ run: inline, code: fails.ts }',
  'fails-queued': '{ run: queued, code: fails.ts }',
  'calls-a-router': '{ run: queued, code: calls.ts }',
  'passes-on': '{ rules: [{ otherwise: send, send: [{ to: discards }, { to: out }] }] }',
  'asks-the-peer': '{ run: queued, rules: [{ name: all, send: [{ to: out }] }] }',
};

interface Lab extends AsyncDisposable {
  readonly ports: ReadonlyMap<string, number>;
  readonly running: RunningProduction;
  readonly peer: MllpPeer;
  restart(): Promise<void>;
}

async function lab(answerTimeout: string): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-answer-'));
  const peer = await mllpPeer();
  const ports = new Map<string, number>();
  for (const name of Object.keys(PROCESSES)) ports.set(name, await freePort());
  const services = [...ports].map(
    ([name, port]) =>
      `  in-${name}: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}", acknowledge: application, answerTimeout: ${answerTimeout} }, to: [${name}] }`,
  );
  const processes = Object.entries(PROCESSES).map(([name, text]) => `  ${name}: ${text}`);
  await mkdir(join(folder, 'production'));
  await writeFile(
    join(folder, 'production/production.yaml'),
    [
      'production: answers',
      'settings: { shutdownTimeout: 2s }',
      'services:',
      ...services,
      'processes:',
      ...processes,
      'operations:',
      `  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${peer.port}" }, replies: { AE: fail } }`,
      '',
    ].join('\n'),
  );
  for (const [name, code] of Object.entries(CODES)) {
    await writeFile(join(folder, `production/${name}.ts`), code);
  }
  const start = (): Promise<RunningProduction> =>
    runProduction({
      folder: join(folder, 'production'),
      data: join(folder, 'data'),
      durability: 'process-crash',
      log: silentLogger,
    });
  let running = await start();
  return {
    ports,
    peer,
    get running() {
      return running;
    },
    async restart() {
      await running.stop();
      running = await start();
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      await peer[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test('a sender that waits for the application is answered at once where no operation will answer', async () => {
  await using made = await lab('60s');
  const expected: Readonly<Record<string, string>> = {
    discards: 'AA',
    suspends: 'AE',
    'discards-queued': 'AA',
    'suspends-queued': 'AE',
    'silent-inline': 'AA',
    'silent-queued': 'AA',
    'replies-inline': 'AA done by code',
    'replies-queued': 'AA done by code',
    'fails-inline': 'AE',
    'fails-queued': 'AE',
    'calls-a-router': 'AA',
    'passes-on': 'AA',
    'asks-the-peer': 'AA',
  };
  const found: Record<string, string> = {};
  for (const [name, port] of made.ports) {
    await using sender = await mllpSender(port);
    sender.send(admission(`M-${name}`));
    await sender.answered(1);
    expect(sender.codes()).toEqual([expect.stringContaining(`|M-${name}`)]);
    const byCode = sender.answers[0]?.includes('done by code') === true ? ' done by code' : '';
    found[name] = `${sender.codes()[0]?.slice(0, 2)}${byCode}`;
  }
  expect(found).toEqual(expected);
});

/** Sends the message on a connection of its own; gives code, control id and text of the answer. */
async function ask(to: number, id: string): Promise<string> {
  await using sender = await mllpSender(to);
  sender.send(admission(id));
  await sender.answered(1);
  return `${sender.codes()[0]} ${/MSA\|[^\r]*\|([^|\r]*)/.exec(sender.answers[0] ?? '')?.[1]}`;
}

test('a repetition gets the answer of the first time, and the message goes out once: later, meanwhile, after a restart', async () => {
  await using made = await lab('20s');
  const port = made.ports.get('asks-the-peer') ?? 0;
  const inline = made.ports.get('replies-inline') ?? 0;
  made.peer.script((body) =>
    Buffer.from(
      `\u000bMSH|^~\\&|R|B|S|A|20260101||ACK|1|P|2.5.1\rMSA|AE|${body.split('|')[9]}|bed 7 is not known\r\u001c\r`,
    ),
  );
  expect(await ask(port, 'R1')).toBe('AE|R1 bed 7 is not known');
  expect(await ask(port, 'R1')).toBe('AE|R1 bed 7 is not known');
  expect(await ask(inline, 'R2')).toBe('AA|R2 done by code');
  expect(await ask(inline, 'R2')).toBe('AA|R2 done by code');
  await vi.waitFor(() => expect(made.peer.received).toHaveLength(2));

  made.peer.hold();
  const both = [ask(port, 'R3'), ask(port, 'R3')];
  await vi.waitFor(() => expect(made.peer.received).toHaveLength(3));
  made.peer.release();
  expect(await Promise.all(both)).toEqual(['AE|R3 bed 7 is not known', 'AE|R3 bed 7 is not known']);

  await made.restart();
  expect(await ask(port, 'R1')).toBe('AE|R1 bed 7 is not known');
  expect(await ask(inline, 'R2')).toBe('AA|R2 done by code');
  expect(made.peer.received).toHaveLength(3);
});
