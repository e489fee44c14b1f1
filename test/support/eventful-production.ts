import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../sandbox/free-port.ts';
import { isSystemError } from '../../src/error/foreseen.ts';
import { commandLine } from './command.ts';
import { type EngineProcess, startEngineProcess } from './engine-process.ts';
import {
  mllpReceiver,
  type Received,
  type ScriptedAnswer,
  sendUntilAcknowledged,
} from './mllp-peers.ts';
import { movableClocks } from './movable-clocks.ts';
import { startNats } from './nats.ts';
import { actsOnData, actsOnFiles, actsOnFolder, actsOnNats, type Outside } from './outside-acts.ts';
import { canMount, smallDisk } from './small-disk.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { whileMoving } from './while-moving.ts';

const SENDERS = 4;
/** Everything that ever had a queue. */
const HOSTS = ['in', 'files', 'router', 'first', 'second', 'third', 'renamed', 'third-b'];
/** The number of the sender that writes files. */
export const BY_FILE = SENDERS;
/** The number of the sender that writes files with names that others have, or that are odd. */
export const BY_ODD_FILE = SENDERS + 1;
/** Milliseconds between two messages of a sender: more are under way at an event where somebody asked for many events. */
const PACE = process.env['WAYBILL_EVENTS'] === undefined ? 100 : 60;
/** Milliseconds in which something works again by itself once the cause is gone. */
export const GOING_ON = 90_000;
/** Characters of what each wrote. */
const REPORTED = 4_000;
/** As `faketime` writes them: to this far from the time. */
const JUMPS = ['+1h', '-1h', '+400d', '-400d', '+7m', '-20s', '+0'];
/** Megabytes of the disk of NATS. */
const ROOM = 1_024;
/** Only acts whose names match happen. */
const CHOSEN = new RegExp(process.env['WAYBILL_ACTS'] ?? '');

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

const definition = (
  ports: Ports,
  folder: string,
  { third, order, enabled, partitions }: Shape,
): string => `
production: events
settings: { search: { id: MSH-10 }, shutdownTimeout: 10s }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:\${env:PORT}" }, to: [router] }
  files: { adapter: file-in, settings: { folder: "${folder}", archive: "${folder}.taken", every: 200ms, stable: 0s, order: name }, to: [router] }
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

/** A production to which things happen, and what it owes to its receivers. */
export interface EventfulProduction extends AsyncDisposable {
  readonly nats: {
    readonly url: string;
    readonly user?: string | undefined;
    readonly password?: string | undefined;
  };
  /** Makes this many things happen, one after another. */
  happen(events: number): Promise<void>;
  /** Everything that ever had a queue is back and on, and the senders have their last answers. */
  calm(): Promise<void>;
  /** How many messages each sender got acknowledged: they are numbered from 0. */
  readonly acknowledged: ReadonlyMap<number, number>;
  readonly received: Readonly<Record<'first' | 'second' | 'third', readonly Received[]>>;
  /** Whether what was routed at that time certainly goes to the third receiver; milliseconds since 1970. */
  wasSentToThird(at: number): boolean;
  /** Files that no engine has taken yet. */
  filesLeft(): Promise<readonly string[]>;
  /** The last that the engines wrote. */
  report(): string;
  /** What happened, and what was answered. */
  readonly told: readonly string[];
}

/** The folder may be away. */
async function intoFolder(from: string, to: string): Promise<void> {
  for (;;) {
    try {
      return await rename(from, to);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      await sleep(50);
    }
  }
}

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function eventfulProduction(seed: number): Promise<EventfulProduction> {
  const scope = new AsyncDisposableStack();
  const folder = scope.use(await temporaryFolder('events'));
  const disk = canMount ? scope.use(await smallDisk(ROOM)) : undefined;
  const nats = scope.use(await startNats('process-crash', disk?.path));
  const first = scope.use(await moodyReceiver());
  const second = scope.use(await moodyReceiver());
  const third = scope.use(await moodyReceiver());
  const receivers = [first, second, third];
  const dataDisk = canMount ? scope.use(await smallDisk(ROOM)) : undefined;
  const dataOf = (which: 0 | 1): string =>
    join(which === 0 ? (dataDisk ?? folder).path : folder.path, `data-${which}`);
  const natsUrl = `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`;
  const files = join(folder.path, 'production');
  await mkdir(files);
  const folderIn = join(folder.path, 'in');
  await mkdir(folderIn);
  const ports = { first: first.port, second: second.port, third: third.port };
  const listening = [await freePort(), await freePort()] as const;
  const next = random(seed);
  const told: string[] = [];
  let shape = WHOLE;

  const clocks = scope.use(await movableClocks(folder.path));
  const write = (): Promise<void> =>
    writeFile(join(files, 'production.yaml'), definition(ports, folderIn, shape));
  const start = (which: 0 | 1): Promise<EngineProcess> =>
    startEngineProcess({
      production: files,
      data: dataOf(which),
      ports: [listening[which]],
      plane: which === 0,
      environment: {
        PORT: String(listening[which]),
        WAYBILL_NATS: natsUrl,
        ...clocks.environment(which),
      },
      arguments: ['--nats', natsUrl, '--log-level', 'error'],
    });
  await write();
  const engines: [EngineProcess, EngineProcess] = [await start(0), await start(1)];

  /** The times in which both engines certainly had the third receiver; the last one lasts. */
  const times: { readonly from: number; to: number }[] = [{ from: Date.now(), to: Infinity }];
  let isCertain = true;
  const acknowledged = new Map<number, number>();
  let sending = true;
  async function* messages(sender: number): AsyncGenerator<string> {
    for (let n = 0; sending; n++) {
      await sleep(PACE);
      yield messageOf(sender, n);
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

  /** Each whole at once, as a careful sender does. */
  const writer = (async () => {
    for (let n = 0; sending; n++) {
      await sleep(100);
      const path = join(folderIn, `${String(n).padStart(8, '0')}.hl7`);
      await writeFile(join(folder.path, 'part'), messageOf(BY_FILE, n));
      await intoFolder(join(folder.path, 'part'), path);
      acknowledged.set(BY_FILE, n + 1);
    }
  })();

  const ask = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await commandLine(
      ...words,
      '--nats',
      natsUrl,
      '--production',
      'events',
    );
    return code === 0 ? stdout.trim() : `${code}: ${stderr.trim()}`;
  };
  const change = async (to: Partial<Shape>): Promise<string> => {
    const last = times.at(-1);
    if (last !== undefined) last.to = Math.min(last.to, Date.now());
    isCertain = false;
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
  const toNats = (signal: NodeJS.Signals): string => {
    try {
      if (nats.pid !== undefined) process.kill(nats.pid, signal);
      return '';
    } catch {
      // one that was just killed is not started again yet
      return 'there is none';
    }
  };
  const any = <Item>(items: readonly Item[]): Item => items[next(items.length)] as Item;
  const one = (): 0 | 1 => (next(2) === 0 ? 0 : 1);
  const host = (): string => any(['in', 'files', 'router', 'first', 'second', ...shape.third]);

  const outside: Outside = {
    nats,
    disk,
    dataDisk,
    files,
    folderIn,
    data: dataOf(0),
    below: next,
    apply: () => ask('apply', '--leave-waiting', '--reason', 'an event'),
    write,
    async drop(name) {
      const n = acknowledged.get(BY_ODD_FILE) ?? 0;
      const from = join(folder.path, 'odd');
      const to = join(folderIn, name);
      // one that is not taken yet is not replaced
      for (let waited = 0; existsSync(to); waited += 50) {
        if (waited > 5_000) return;
        await sleep(50);
      }
      await writeFile(from, messageOf(BY_ODD_FILE, n));
      await intoFolder(from, to);
      acknowledged.set(BY_ODD_FILE, n + 1);
    },
  };
  const all: Readonly<Record<string, () => Promise<string>>> = {
    ...actsOnNats(outside),
    ...actsOnFiles(outside),
    ...actsOnFolder(outside),
    ...actsOnData(outside),
    ...(clocks.canMove
      ? {
          'the clock of an engine jumps': async () => {
            // when a message was routed is no longer comparable with when files were changed
            times.length = 0;
            return clocks.jump(one(), any(JUMPS));
          },
        }
      : {}),
    'an engine is killed': () => restart(one(), 'kill'),
    'an engine is stopped and started': () => restart(one(), 'stop'),
    'both engines are killed': async () => {
      await Promise.all(engines.map((engine) => engine.kill()));
      engines[0] = await start(0);
      engines[1] = await start(1);
      return '';
    },
    'an engine stands still': () => stand(one()),
    'NATS is killed': async () => toNats('SIGKILL'),
    'NATS and an engine are killed': async () => {
      toNats('SIGKILL');
      return restart(one(), 'kill');
    },
    'NATS stands still': async () => {
      toNats('SIGSTOP');
      await sleep(500 + next(8_000));
      return toNats('SIGCONT');
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
    'a host is stopped': () =>
      ask('stop', any(['files', 'router', 'first', 'second', ...shape.third])),
    'a host is started': () => ask('start', host()),
    'a host is put on hold': () => ask('override', host(), 'hold', '--for', '3s'),
    'a message is sent again': async () => {
      const found = await ask('find', 'target=third', '--limit', '20', '--json');
      if (!found.startsWith('{')) return found;
      const { items } = JSON.parse(found) as { readonly items: readonly { readonly id: number }[] };
      return items.length === 0 ? 'there is none' : ask('resend', String(any(items).id));
    },
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
  const acts = Object.entries(all).filter(([name]) => CHOSEN.test(name));
  /** An uncertain time ends once both engines run what the files say. */
  const settle = async (): Promise<void> => {
    if (isCertain) return;
    const said = await ask('apply', '--leave-waiting');
    await Promise.all([restart(0, 'stop'), restart(1, 'stop')]);
    told.push(`settled: ${said}`);
    isCertain = true;
    if (shape.third.length > 0 && !clocks.moved) times.push({ from: Date.now(), to: Infinity });
  };

  /** What every sender has sent by now arrives, and nobody started anything again for it. */
  const allGoOn = async (): Promise<void> => {
    const owed = Array.from({ length: SENDERS + 1 }, (_, sender) => ({
      sender,
      upTo: (acknowledged.get(sender) ?? 0) + 3,
    }));
    /** Who waits for which, and how many of those up to it have come: later ones say nothing of them. */
    const look = (name: string, { received }: { received: readonly Received[] }) => {
      const come = new Set(received.map(({ controlId }) => controlId));
      return owed.map(({ sender, upTo }) => {
        const numbers = Array.from({ length: upTo + 1 }, (_, n) => `${sender}-${n}`);
        const late = come.has(`${sender}-${upTo}`) ? [] : [`${name} ${sender}-${upTo}`];
        return { late, count: numbers.filter((id) => come.has(id)).length };
      });
    };
    const moved = () =>
      owed.map(({ sender, upTo }) => Math.min(upTo, acknowledged.get(sender) ?? 0));
    try {
      await whileMoving(() => {
        const seen = [...look('first', first), ...look('second', second)];
        const left = seen.flatMap(({ late }) => late);
        return { left, moved: [moved(), seen.map(({ count }) => count)] };
      }, GOING_ON);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${await ask('status')}`, { cause: error });
    }
  };

  scope.defer(() => Promise.all(engines.map((engine) => engine.kill())).then(() => undefined));
  return {
    nats,
    acknowledged,
    received: { first: first.received, second: second.received, third: third.received },
    told,
    report: () => engines.map((engine) => engine.output().slice(-REPORTED)).join('\n---\n'),
    async filesLeft() {
      const entries = await readdir(folderIn, { withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    },
    wasSentToThird: (at) => times.some(({ from, to }) => at > from && at < to),
    async happen(events) {
      for (let event = 0; event < events; event++) {
        const [name, act] = any(acts);
        told.push(name);
        const said = await act();
        if (said !== '') told.push(`  ${said.slice(0, 300)}`);
        if (next(4) === 0) await settle();
        await sleep(next(700));
      }
    },
    async calm() {
      told.push('calm');
      await change({ ...WHOLE, third: ['third', 'renamed', 'third-b'] });
      for (const name of HOSTS) told.push(await ask('start', name));
      told.push('all go on');
      await allGoOn();
      told.push('both are started again');
      await Promise.all([restart(0, 'stop'), restart(1, 'stop')]);
      sending = false;
      told.push('the senders end');
      await Promise.all([...senders, writer]);
      told.push('judged');
    },
    async [Symbol.asyncDispose]() {
      sending = false;
      await scope.disposeAsync();
    },
  };
}
