import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { commandLine } from '../support/command.ts';
import { startEngineProcess, waybill } from '../support/engine-process.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';

const messageOf = (id: string, event = 'A01'): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^${event}^ADT_A01|${id}|P|2.5.1\rEVN|${event}\rPID|1||${id}^^^H^MR||DOE^JOHN\rPV1|1|I\r`;

const production = (
  port: number,
  ward: number,
  lab: number,
  target = 'ward',
): string => `production: commands
settings: { search: { mrn: PID-3.1 } }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [router] }
processes:
  router:
    rules:
      - { name: admissions, when: 'event == "A01"', send: ${target} }
      - otherwise: suspend
operations:
  ward: { adapter: mllp-out, settings: { connect: "127.0.0.1:${ward}" } }
  lab: { adapter: mllp-out, settings: { connect: "127.0.0.1:${lab}" } }
`;

test('an operator stops, starts, finds, traces, resends, replays and changes a running production from a terminal', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-commands-'));
  const data = join(folder, 'data');
  await using ward = await mllpReceiver();
  await using lab = await mllpReceiver();
  const port = await freePort();
  const file = join(folder, 'production.yaml');
  await writeFile(file, production(port, ward.port, lab.port));
  const json = async (...words: string[]): Promise<unknown> => {
    const { stdout, stderr, code } = await commandLine(...words, '--data', data, '--json');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as unknown;
  };
  try {
    await using engine = await startEngineProcess({
      production: folder,
      data,
      ports: [port],
      plane: true,
    });
    const started = Date.now();
    await sendUntilAcknowledged(
      port,
      ['M1', 'M2'].map((id) => messageOf(id)),
      () => undefined,
    );
    await vi.waitFor(() => expect(ward.received).toHaveLength(2), 20_000);

    // a stopped host queues, and says who stopped it and why
    expect((await waybill('stop', 'ward', '--reason', 'maintenance', '--data', data)).code).toBe(0);
    await sendUntilAcknowledged(port, [messageOf('M3')], () => undefined);
    const [status] = (await json('status')) as [
      {
        hosts: {
          host: string;
          state: string;
          queue?: { depth: number };
          switchedOff?: { reason: string };
        }[];
      },
    ];
    expect(status.hosts.find(({ host }) => host === 'ward')).toMatchObject({
      state: 'stopped',
      queue: { depth: 1 },
      switchedOff: { reason: 'maintenance' },
    });
    expect(ward.received).toHaveLength(2);

    // one that waits is taken out of the queue, and the audit log knows who did it
    await sendUntilAcknowledged(port, [messageOf('MX')], () => undefined);
    const mistaken = await vi.waitFor(async () => {
      const { items } = (await json('find', 'mrn=MX')) as {
        items: { id: number; target: string }[];
      };
      const found = items.find(({ target }) => target === 'ward');
      expect(found).toBeDefined();
      return found;
    }, 30_000);
    expect(await json('abort', String(mistaken?.id), '--reason', 'a mistake')).toMatchObject({
      target: 'ward',
      status: 'discarded',
    });
    await vi.waitFor(async () => {
      expect(await json('audit', 'list', '--action', 'message.abort')).toMatchObject([
        { object: `message ${mistaken?.id}`, via: 'command line', outcome: 'done' },
      ]);
    });
    expect((await commandLine('start', 'ward', '--data', data)).code).toBe(0);
    await vi.waitFor(async () => {
      expect(await json('audit', 'list', '--action', 'host.start')).toMatchObject([
        { object: 'host ward', via: 'command line' },
      ]);
    });
    await vi.waitFor(() => expect(ward.received).toHaveLength(3), 20_000);

    // find by patient, trace with the rule that fired
    const page = await vi.waitFor(async () => {
      const found = (await json('find', 'mrn=M2')) as {
        items: { id: number; sessionId: number; target: string; status: string }[];
      };
      expect(found.items.find(({ target }) => target === 'ward')?.status).toBe('completed');
      return found;
    }, 30_000);
    const sent = page.items.find(({ target }) => target === 'ward');
    const drawn = await commandLine('trace', String(sent?.sessionId), '--data', data);
    expect(drawn.stdout).toContain('admissions');
    expect(drawn.stdout).toContain('ward');

    // resend elsewhere, edited
    await writeFile(join(folder, 'edited.hl7'), messageOf('M2-EDITED'));
    const resent = (await json(
      'resend',
      String(sent?.id),
      '--to',
      'lab',
      '--body',
      join(folder, 'edited.hl7'),
    )) as { messageId: number; of: number };
    expect(resent.of).toBe(sent?.id);
    await vi.waitFor(() =>
      expect(lab.received.map(({ controlId }) => controlId)).toEqual(['M2-EDITED']),
    );
    await vi.waitFor(async () => {
      const { items } = (await json('find', String(resent.messageId))) as {
        items?: { resendOf?: number }[];
      };
      expect(items?.some(({ resendOf }) => resendOf === sent?.id) ?? true).toBe(true);
    }, 20_000);

    // replay everything that went to the ward, into the lab, in order
    const replayed = (await json(
      'replay',
      'ward',
      '--from',
      `${Math.ceil((Date.now() - started) / 1_000) + 60}s`,
      '--into',
      'lab',
    )) as unknown[];
    expect(replayed).toHaveLength(3);
    await vi.waitFor(() =>
      expect(lab.received.slice(1).map(({ controlId }) => controlId)).toEqual(['M1', 'M2', 'M3']),
    );

    // a service is sent nothing, and says where to look instead of "0 messages"
    const nothing = await commandLine('replay', 'in', '--from', '2h', '--data', data);
    expect(nothing.stdout).toMatch(
      /no message goes to in, it only sends. Replay what it sends to: /,
    );

    // a check that fails changes nothing; a good one restarts only what changed
    await writeFile(file, production(port, ward.port, lab.port, 'wart'));
    const refused = await waybill('apply', '--data', data);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('ward');
    await writeFile(file, production(port, ward.port, lab.port, 'lab'));
    // whoever names a folder means the production in it
    const other = await commandLine('apply', tmpdir(), '--data', data);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/the running production was read from .*nothing was applied/);
    const applied = await commandLine('apply', folder, '--data', data);
    expect({ code: applied.code, stderr: applied.stderr }).toEqual({ code: 0, stderr: '' });
    await sendUntilAcknowledged(port, [messageOf('M4')], () => undefined);
    await vi.waitFor(() => expect(lab.received.at(-1)?.controlId).toBe('M4'), 20_000);
    expect(ward.received).toHaveLength(3);
    expect(engine.output()).not.toContain('DOE');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a suspended message is settled by its resend', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-suspended-'));
  const data = join(folder, 'data');
  await using ward = await mllpReceiver();
  const port = await freePort();
  await writeFile(join(folder, 'production.yaml'), production(port, ward.port, ward.port));
  try {
    await using _ = await startEngineProcess({
      production: folder,
      data,
      ports: [port],
      plane: true,
    });
    await sendUntilAcknowledged(port, [messageOf('S1', 'A99')], () => undefined);
    const find = async (...words: string[]): Promise<{ id: number; status: string }[]> =>
      (
        JSON.parse((await commandLine('find', ...words, '--data', data, '--json')).stdout) as {
          items: { id: number; status: string }[];
        }
      ).items;
    const [suspended] = await vi.waitFor(async () => {
      const items = await find('status=suspended');
      expect(items).toHaveLength(1);
      return items;
    }, 30_000);
    await writeFile(join(folder, 'corrected.hl7'), messageOf('S1', 'A01'));
    const resent = await commandLine(
      'resend',
      String(suspended?.id),
      '--body',
      join(folder, 'corrected.hl7'),
      '--data',
      data,
    );
    expect(resent.stdout).toContain('resent');
    await vi.waitFor(
      () => expect(ward.received.map(({ controlId }) => controlId)).toEqual(['S1']),
      20_000,
    );
    await vi.waitFor(async () => expect(await find('status=suspended')).toHaveLength(0), 30_000);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
