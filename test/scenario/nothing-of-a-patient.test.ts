import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { type RunningProduction, runProduction } from '../../src/cli/run-production.ts';
import { rootLogger } from '../../src/log/logger.ts';
import { framed, mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';

const MARKER = 'ZQXMARKER';
const SECRET = 'sq-secret-value-77';

const message = (id: string, body = ''): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01\rPID|1||${MARKER}7^^^H^MR||${MARKER}^JOHN\rPV1|1|I\r${body}`;

test('whatever goes wrong, no line of the log holds anything of a body or a secret, and the figures count it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-marker-'));
  const lines: string[] = [];
  const answers = [
    'AE',
    'AR',
    Buffer.from(`\u000b${MARKER} nonsense\u001c\r`),
    'close',
    'AA',
  ] as const;
  await using receiver = await mllpReceiver((_, index) => answers[index % answers.length] ?? 'AA');
  const port = await freePort();
  await writeFile(
    join(folder, 'production.yaml'),
    `production: marker
settings: { search: { mrn: PID-3.1 } }
credentials: { key: { kind: basic, user: hub, password: "\${env:KEY}" } }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}", validate: structure }, to: [router] }
  files: { adapter: file-in, settings: { folder: drop, every: 50ms, stable: 0s }, to: [router] }
processes:
  router:
    rules:
      - { name: broken, when: 'field("MSH-10").startsWith("RULE") && number(field("PID-5.1")) > 1.0', send: out }
      - { name: changed, when: 'field("MSH-10").startsWith("TRANSFORM")', send: [{ to: out, transform: breaks }] }
      - { name: thrown, when: 'field("MSH-10").startsWith("CODE")', send: [{ to: out, transform: throws }] }
      - { name: rest, send: out }
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}", ackTimeout: 1s }, retry: { every: 50ms, for: 300ms } }
transforms: { breaks: breaks.yaml, throws: throws.ts }
`,
  );
  await writeFile(
    join(folder, 'breaks.yaml'),
    `start: copy\nsteps:\n  - { set: PID-5.1, to: 'string(number(field("PID-5.1")))' }\n`,
  );
  await writeFile(
    join(folder, 'throws.ts'),
    `import { defineTransform } from 'waybill';\nexport default defineTransform((message) => { throw new Error('cannot do ' + message.document.get('PID-5.1')); });\n`,
  );
  await mkdir(join(folder, 'drop'));
  await writeFile(join(folder, 'drop', `${MARKER}.hl7`), '');
  let running: RunningProduction | undefined;
  try {
    running = await runProduction({
      folder,
      data: join(folder, 'data'),
      durability: 'process-crash',
      environment: { KEY: SECRET },
      log: rootLogger('debug', { write: (line: string) => void lines.push(line) }),
    });
    const ids = ['RULE', 'TRANSFORM', 'CODE', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6'];
    await sendUntilAcknowledged(
      port,
      ids.map((id) => message(id)),
      () => undefined,
    );
    // refused: unknown segment order, junk, a broken frame
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(framed(message('BAD', `${MARKER} is no segment\r`)));
    await once(socket, 'data');
    socket.end(`${MARKER} GET / HTTP/1.1`);
    const { metrics } = running;
    await vi.waitFor(async () => {
      const text = await metrics.text();
      expect(text).toMatch(/waybill_messages_accepted_total\{production="marker",host="in"\} 9/);
      const settled = (host: string, status: string): number =>
        Number(
          new RegExp(
            `settled_total\\{production="marker",host="${host}",status="${status}"\\} (\\d+)`,
          ).exec(text)?.[1] ?? 0,
        );
      // a rule, a transform and its code fail; the others go on to the operation, where AE suspends
      expect([settled('router', 'suspended'), settled('router', 'completed')]).toEqual([3, 6]);
      const ends = ['completed', 'error', 'suspended'].map((status) => settled('out', status));
      expect(ends.reduce((sum, count) => sum + count, 0)).toBe(6);
      expect(ends[0]).toBeGreaterThan(0);
      expect(text).toMatch(/waybill_queue_depth\{production="marker",host="out"\} 0/);
      expect(text).toMatch(/waybill_send_retries_total/);
      expect(text).toMatch(/waybill_total_seconds_bucket/);
    }, 20_000);
    await vi.waitFor(() => expect(lines.join('\n')).toContain('"file-empty"'), 10_000);
    expect(lines.length).toBeGreaterThan(20);
    const { names, manager } = running.broker;
    expect(
      (await manager.streams.info(names.suspended.stream)).state.messages,
    ).toBeGreaterThanOrEqual(3);
  } finally {
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  }
  expect(lines.filter((line) => line.includes(MARKER) || line.includes(SECRET))).toEqual([]);
});
