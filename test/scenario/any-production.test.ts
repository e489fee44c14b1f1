import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { commandLine } from '../support/command.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import {
  mllpReceiver,
  type Received,
  type ScriptedAnswer,
  sendUntilAcknowledged,
} from '../support/mllp-peers.ts';
import { type Random, random } from '../support/random.ts';
import {
  counterOf,
  Owed,
  type RandomProduction,
  randomProduction,
  type Tag,
  writeProduction,
} from '../support/random-production.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { whileMoving } from '../support/while-moving.ts';

/**
 * Any production that the format allows, under a load, with kills of engine and nats-server and stops, owes its receivers
 * what a model of a few lines says: each message by each way, and nothing else. What a kill
 * interrupts may come twice; what code counts is counted once.
 *
 * `WAYBILL_PRODUCTIONS=100 WAYBILL_SEED=7` for others; a failure names its seed.
 */
const PRODUCTIONS = Number(process.env['WAYBILL_PRODUCTIONS'] ?? 1);
const SEED = Number(process.env['WAYBILL_SEED'] ?? 20_261_128);

const EACH = 30;
const KILLS = 3;

const messageOf = (id: string, third: number): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01|20260101\rPID|1|${third}|P^^^H^MR||\r`;

function tagOf({ body }: Pick<Received, 'body'>): Tag {
  const segments = body.toString().split('\r');
  const field = (name: string, at: number): string =>
    segments.find((one) => one.startsWith(name))?.split('|')[at] ?? '';
  return `${field('MSH', 9)}:${field('PID', 5)}`;
}

/** A receiver that refuses some messages, and hangs up on some that it has taken, the first time. */
async function receiver(source: Random) {
  const accepted: Tag[] = [];
  const hungUp = new Set<Tag>();
  const refused = new Set<Tag>();
  const one = await mllpReceiver((message): ScriptedAnswer => {
    const tag = tagOf(message);
    const mood = source.below(12);
    if (mood === 0 && !refused.has(tag)) {
      refused.add(tag);
      return 'AE';
    }
    accepted.push(tag);
    if (mood !== 1 || hungUp.has(tag)) return 'AA';
    hungUp.add(tag);
    return 'close';
  });
  return {
    port: one.port,
    accepted,
    hungUp,
    [Symbol.asyncDispose]: () => one[Symbol.asyncDispose](),
  };
}

const countsOf = (tags: Iterable<Tag>): Map<Tag, number> => {
  const counts = new Map<Tag, number>();
  for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return counts;
};

/** What is not there as often as owed, and what is there more often. */
function compared(owed: readonly Tag[], accepted: readonly Tag[]) {
  const [due, got] = [countsOf(owed), countsOf(accepted)];
  const tags = [...new Set([...owed, ...accepted])];
  const less = tags.filter((tag) => (got.get(tag) ?? 0) < (due.get(tag) ?? 0));
  const strange = tags.filter((tag) => !due.has(tag));
  const more = tags.filter((tag) => due.has(tag) && (got.get(tag) ?? 0) > (due.get(tag) ?? 0));
  return { less, strange, more };
}

for (let seed = SEED; seed < SEED + PRODUCTIONS; seed++) {
  test(`what production ${seed} owes arrives, whatever dies`, {
    retry: 0,
    timeout: 400_000,
  }, async ({ onTestFailed }) => {
    await using scope = new AsyncDisposableStack();
    const production: RandomProduction = randomProduction(seed);
    const source = random(seed + 1);
    const folder = scope.use(await temporaryFolder('any'));
    const [files, data] = [join(folder.path, 'production'), join(folder.path, 'data')];
    const receivers = new Map<string, Awaited<ReturnType<typeof receiver>>>();
    for (const { kind, name } of production.hosts)
      if (kind === 'operation') receivers.set(name, scope.use(await receiver(source)));
    const listening = [await freePort(), await freePort()];
    const ports = [...receivers.values()].map(({ port }) => port);
    await writeProduction(files, production, { receivers: ports, listening });
    const start = () => startEngineProcess({ production: files, data, ports: listening });
    let engine = await start();
    scope.defer(() => engine[Symbol.asyncDispose]());
    const written = await readFile(join(files, 'production.yaml'), 'utf8');
    const owed = new Owed(production);
    const differences = () =>
      [...receivers].map(([name, { accepted }]) => ({
        name,
        ...compared(owed.tags.get(name) ?? [], accepted),
      }));
    onTestFailed(({ task }) => {
      const why = task.result?.errors?.map(({ message }) => message).join('\n');
      process.stderr.write(
        `${seed}: ${why}\n${JSON.stringify(differences())}\n${written}\n${engine.output().slice(-3_000)}\n`,
      );
    });

    const sending = production.services.map((to, n) => {
      const ids = Array.from({ length: EACH }, (_, k) => ({ id: `${n}-${k}`, third: k % 3 }));
      for (const { id, third } of ids) owed.comes(to, id, third);
      return sendUntilAcknowledged(
        listening[n] ?? 0,
        ids.map(({ id, third }) => messageOf(id, third)),
        () => undefined,
      );
    });
    for (let n = 0; n < KILLS; n++) {
      await sleep(200 + source.below(800));
      const act = source.below(4);
      // the one that was killed before may be on its way up
      if (act >= 2) await vi.waitFor(async () => process.kill(await engine.natsPid(), 'SIGKILL'));
      if (act === 2) continue;
      if (act === 0) await engine.stop();
      else await engine.kill();
      engine = await start();
    }
    await Promise.all(sending);
    const none = [...receivers.keys()].map((name) => ({ name, less: [], strange: [] }));
    await whileMoving(() => {
      const wrong = differences().filter(({ less, strange }) => less.length + strange.length > 0);
      return { left: wrong.map(({ name, less, strange }) => ({ name, less, strange })) };
    }, 60_000);
    // what comes late would be too much
    await sleep(500);
    expect(differences()).toMatchObject(none);
    for (const [name, count] of owed.counted) {
      const { stdout } = await commandLine('state', counterOf(name), '--data', data);
      expect({ name, count: stdout.trim() }).toEqual({ name, count: String(count) });
    }
    for (const { name, more } of differences()) {
      const hungUp = receivers.get(name)?.hungUp ?? new Set();
      const unasked = more.filter((tag) => !hungUp.has(tag));
      expect(unasked.length, `${name}: ${unasked.join(' ')}`).toBeLessThanOrEqual(KILLS * 8);
    }
  });
}
