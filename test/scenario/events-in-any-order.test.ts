import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { askControl } from '../../src/control/control.ts';
import { remoteTrace } from '../../src/control/remote-trace.ts';
import { PLANE } from '../../src/control/verbs.ts';
import { type EngineProcess, startEngineProcess, waybill } from '../support/engine-process.ts';
import { mllpReceiver, type ScriptedAnswer, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/**
 * What nobody names: acts on a running production in an order that a seed decides, with two
 * engines, NATS, an operator plane, receivers and people who change it meanwhile. At the end every
 * acknowledged message has arrived or is shown as failed, in order where order is promised, and the
 * trace agrees with the streams.
 *
 * `WAYBILL_EVENTS=60 WAYBILL_SEED=7` for more of them; a failure names its seed and its acts.
 */
const EVENTS = Number(process.env['WAYBILL_EVENTS'] ?? 5);
const SEED = Number(process.env['WAYBILL_SEED'] ?? 20_261_127);
const SENDERS = 4;

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What people change of the production. */
interface Shape {
  /** The names under which the third receiver is known. */
  readonly third: readonly string[];
  readonly order: string;
  readonly enabled: boolean;
  readonly partitions: number;
}

const WHOLE: Shape = { third: ['third'], order: 'fifo', enabled: true, partitions: 4 };
const ORDERS = ['fifo', 'none', '{ by-key: field("PID-3.1"), partitions: 3 }'];

interface Ports {
  readonly first: number;
  readonly second: number;
  readonly third: number;
}

const definition = (ports: Ports, { third, order, enabled, partitions }: Shape): string => `
production: events
settings: { search: { id: MSH-10 }, shutdownTimeout: 10s }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:\${env:PORT}" }, to: [router] }
processes:
  router:
    run: queued
    order: fifo
    rules:
      - { name: all, send: [${['first', 'second', ...third].join(', ')}] }
operations:
  first:
    adapter: mllp-out
    settings: { connect: "127.0.0.1:${ports.first}" }
    timeout: 2s
    retry: { every: 100ms, for: forever }
  second:
    adapter: mllp-out
    settings: { connect: "127.0.0.1:${ports.second}" }
    order: { by-key: field("PID-3.1"), partitions: ${partitions} }
    timeout: 2s
    retry: { every: 100ms, for: forever }
${third
  .map(
    (name) => `  ${name}:
    adapter: mllp-out
    settings: { connect: "127.0.0.1:${ports.third}" }
    order: ${order}
    enabled: ${enabled}
    timeout: 2s
    retry: { every: 100ms, for: forever }
    replies: { AE: suspend }
`,
  )
  .join('')}`;

const messageOf = (sender: number, n: number): string =>
  `MSH|^~\\&|S${sender}|A|R|B|20260101||ADT^A01^ADT_A01|${sender}-${n}|P|2.5.1\rEVN|A01|20260101\rPID|1||P${sender}x${n % 3}^^^H^MR||DOE^JOHN\rPV1|1|I\r${
    n % 50 === 49 ? `OBX|1|TX|T||${'x'.repeat(400_000)}\r` : ''
  }`;

/** A receiver whose behaviour changes. */
async function moodyReceiver() {
  let mood: ScriptedAnswer | undefined;
  let times = 0;
  const receiver = await mllpReceiver(() => {
    if (mood === undefined || times <= 0) return 'AA';
    times -= 1;
    return mood;
  });
  return {
    port: receiver.port,
    received: receiver.received,
    become(next: ScriptedAnswer, forMessages: number) {
      mood = next;
      times = forMessages;
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

test(`after ${EVENTS} events in an order that seed ${SEED} decides nothing is lost, hidden or out of order`, {
  retry: 0,
  timeout: 120_000 + EVENTS * 20_000,
}, async () => {
  await using folder = await temporaryFolder('events');
  await using nats = await startNats();
  await using first = await moodyReceiver();
  await using second = await moodyReceiver();
  await using third = await moodyReceiver();
  const receivers = [first, second, third];
  const natsUrl = `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`;
  const files = join(folder.path, 'production');
  await mkdir(files);
  const ports = { first: first.port, second: second.port, third: third.port };
  const listening = [await freePort(), await freePort()] as const;
  const next = random(SEED);
  const told: string[] = [];
  let shape = WHOLE;

  const write = (): Promise<void> =>
    writeFile(join(files, 'production.yaml'), definition(ports, shape));
  const start = (which: 0 | 1): Promise<EngineProcess> =>
    startEngineProcess({
      production: files,
      data: join(folder.path, `data-${which}`),
      ports: [listening[which]],
      environment: { PORT: String(listening[which]), WAYBILL_NATS: natsUrl },
      arguments: [
        '--nats',
        natsUrl,
        '--log-level',
        'error',
        ...(which === 0 ? [] : ['--role', 'engine']),
      ],
    });
  await write();
  const engines: [EngineProcess, EngineProcess] = [await start(0), await start(1)];

  /** From when a message was sent with which targets in the production, as far as that is certain. */
  let certain: readonly string[] | undefined = shape.third;
  const expected = new Map<string, readonly string[] | undefined>();
  const acknowledged = new Map<number, number>();
  let sending = true;
  async function* messages(sender: number): AsyncGenerator<string> {
    for (let n = 0; sending; n++) {
      await sleep(60);
      expected.set(`${sender}-${n}`, certain);
      yield messageOf(sender, n);
      // it may have been routed before or after a change
      if (expected.get(`${sender}-${n}`) !== certain) expected.set(`${sender}-${n}`, undefined);
      acknowledged.set(sender, n + 1);
    }
  }
  const senders = Array.from({ length: SENDERS }, (_, sender) =>
    sendUntilAcknowledged(
      sender % 2 === 0 ? listening : [...listening].toReversed(),
      messages(sender),
      () => undefined,
    ),
  );

  const ask = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await waybill(
      ...words,
      '--nats',
      natsUrl,
      '--production',
      'events',
    );
    return code === 0 ? stdout.trim() : `${code}: ${stderr.trim()}`;
  };
  const change = async (to: Partial<Shape>): Promise<string> => {
    certain = undefined;
    shape = { ...shape, ...to };
    await write();
    return ask('apply', '--leave-waiting', '--reason', 'an event');
  };
  const restart = async (which: 0 | 1, how: 'kill' | 'stop'): Promise<string> => {
    await engines[which][how]();
    engines[which] = await start(which);
    return '';
  };
  const stand = async (which: 0 | 1): Promise<string> => {
    process.kill(engines[which].pid, 'SIGSTOP');
    await sleep(500 + next(14_000));
    process.kill(engines[which].pid, 'SIGCONT');
    return '';
  };
  const any = <Item>(items: readonly Item[]): Item => items[next(items.length)] as Item;
  const one = (): 0 | 1 => (next(2) === 0 ? 0 : 1);
  const host = (): string => any(['in', 'router', 'first', 'second', ...shape.third]);

  const acts: Readonly<Record<string, () => Promise<string>>> = {
    'an engine is killed': () => restart(one(), 'kill'),
    'an engine is stopped and started': () => restart(one(), 'stop'),
    'both engines are killed': async () => {
      await Promise.all(engines.map((engine) => engine.kill()));
      engines[0] = await start(0);
      engines[1] = await start(1);
      return '';
    },
    'an engine stands still': () => stand(one()),
    'NATS is killed': async () => {
      if (nats.pid !== undefined) process.kill(nats.pid, 'SIGKILL');
      return '';
    },
    'NATS and an engine are killed': async () => {
      if (nats.pid !== undefined) process.kill(nats.pid, 'SIGKILL');
      return restart(one(), 'kill');
    },
    'a receiver answers nothing': async () => {
      any(receivers).become('silence', 1 + next(3));
      return '';
    },
    'a receiver closes': async () => {
      any(receivers).become(any(['close', 'close-in-answer'] as const), 1 + next(5));
      return '';
    },
    'a receiver is slow': async () => {
      any(receivers).become({ code: 'AA', after: 300 }, 1 + next(10));
      return '';
    },
    'the third receiver refuses': async () => {
      third.become('AE', 1 + next(5));
      return '';
    },
    // an engine without its listener does not count as started
    'a host is stopped': () => ask('stop', any(['router', 'first', 'second', ...shape.third])),
    'a host is started': () => ask('start', host()),
    'a host is put on hold': () => ask('override', host(), 'hold', '--for', '3s'),
    'the order changes': () => change({ order: any(ORDERS) }),
    'the partitions change': () => change({ partitions: 2 + next(6) }),
    'a host is switched off or on': () => change({ enabled: !shape.enabled }),
    'a host is renamed': () => change({ third: any([['third'], ['renamed'], ['third-b']]) }),
    'a host is taken out': () => change({ third: [] }),
    'a host is doubled': () => change({ third: ['third', 'third-b'] }),
    'the files are broken': async () => {
      await writeFile(join(files, 'production.yaml'), 'production: [events');
      const said = await ask('apply', '--reason', 'broken');
      await write();
      return said;
    },
  };
  /** An uncertain time ends once both engines run what the files say. */
  const settle = async (): Promise<void> => {
    if (certain !== undefined) return;
    const said = await ask('apply', '--leave-waiting');
    await Promise.all([restart(0, 'stop'), restart(1, 'stop')]);
    told.push(`settled: ${said}`);
    certain = shape.third;
  };

  try {
    for (let event = 0; event < EVENTS; event++) {
      const [name, act] = any(Object.entries(acts));
      told.push(name);
      const said = await act();
      if (said !== '') told.push(`  ${said.slice(0, 300)}`);
      if (next(4) === 0) await settle();
      await sleep(next(700));
    }
    // everything that had a queue is back, and on
    await change({ ...WHOLE, third: ['third', 'renamed', 'third-b'] });
    await Promise.all([restart(0, 'stop'), restart(1, 'stop')]);
    for (const name of ['in', 'router', 'first', 'second', 'third', 'renamed', 'third-b']) {
      const said = await ask('start', name);
      told.push(`start ${name}: ${said}`);
    }
    await sleep(300);
    sending = false;
    await Promise.all(senders);

    await using broker = await connectBroker({
      url: nats.url,
      user: nats.user,
      password: nats.password,
      production: 'events',
      role: 'test',
    });
    const trace = remoteTrace(broker, 'test');
    await vi.waitFor(
      async () => {
        const { items } = await trace.find({ status: ['queued', 'retrying'], limit: 20 });
        expect(items.filter(({ target }) => target !== 'in')).toEqual([]);
      },
      { timeout: 90_000, interval: 500 },
    );
    /** Whether people see that it failed. */
    const isShown = async (id: string): Promise<boolean> => {
      const { items } = await trace.find({ search: { id }, status: ['suspended'], limit: 10 });
      return items.some(({ target }) => target !== 'first' && target !== 'second');
    };
    for (const [sender, count] of acknowledged) {
      const all = Array.from({ length: count }, (_, n) => n);
      for (const [name, { received }] of Object.entries({ first, second, third })) {
        const arrived = [...new Set(received.map(({ controlId }) => controlId))]
          .filter((id) => id.startsWith(`${sender}-`))
          .map((id) => Number(id.slice(id.indexOf('-') + 1)));
        const have = new Set(arrived);
        const owed = all.filter(
          (n) => name !== 'third' || (expected.get(`${sender}-${n}`)?.length ?? 0) > 0,
        );
        const lost: number[] = [];
        for (const n of owed.filter((n) => !have.has(n))) {
          if (name !== 'third' || !(await isShown(`${sender}-${n}`))) lost.push(n);
        }
        expect.soft(lost, `lost at ${name}`).toEqual([]);
        if (name === 'first')
          expect.soft(arrived, 'the order of first').toEqual(arrived.toSorted((a, b) => a - b));
        if (name === 'second') {
          for (const key of [0, 1, 2]) {
            const its = arrived.filter((n) => n % 3 === key);
            expect.soft(its, 'the order of second').toEqual(its.toSorted((a, b) => a - b));
          }
        }
      }
    }
    const verified = await askControl(
      broker,
      PLANE.verify,
      { repair: false, by: 'test' },
      { timeout: 60_000 },
    );
    const nothing = { count: 0, ids: [] };
    expect.soft(verified).toMatchObject({ behind: 0, missing: nothing, incomplete: nothing });
    expect.soft(verified).toMatchObject({ outcome: nothing, lost: nothing, doubled: nothing });
    const total = [...acknowledged.values()].reduce((sum, count) => sum + count, 0);
    const repeated = receivers.map(
      ({ received }) => received.length - new Set(received.map(({ controlId }) => controlId)).size,
    );
    told.push(`${total} acknowledged, ${repeated.join(', ')} repeated`);
    expect.soft(total).toBeGreaterThan(EVENTS);
  } finally {
    sending = false;
    process.stderr.write(`${told.join('\n')}\n`);
    for (const engine of engines) {
      if (engine.output() !== '') process.stderr.write(`${engine.output().slice(-3_000)}\n`);
    }
    await Promise.all(engines.map((engine) => engine.kill()));
  }
});
