import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { Credential } from '../../src/adapter/index.ts';
import { examples } from './examples.ts';
import { inSources, program } from './program.ts';
import { random } from './random.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** In each run of the tests; each costs the start of a process. */
export const KILLS = examples(3);
/** How many may wait at the source while more are added. */
const BACKLOG = 40;
/** The longest delay between the awaited delivery and killing the process. */
const LATER = 12;
/** The longest time that a process without any delivery runs before it is killed. */
const EARLY = 700;
const PATIENCE = 60_000;

/** The adapter to run, and its input. */
export interface ServiceOrder {
  readonly adapter: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly credentials: Readonly<Record<string, Credential>>;
  /** The production's folder: paths are relative to it. */
  readonly base?: string;
}

export interface Content {
  /** Its HL7 control id, otherwise its name. */
  readonly id: string;
  /** Its bytes, as Latin-1 characters. */
  readonly body: string;
}

/** A message as it was stored. */
export interface Delivery extends Content {
  /** The key that identifies a repetition. */
  readonly key: string;
}

export interface KilledOptions {
  /** The same seed reproduces a failure. */
  readonly seed: number;
  readonly kills: number;
  /** The messages that must be delivered, in their order. */
  readonly expected: readonly string[];
  /** Adds the next file or mail to the source; resolves to how many messages it has, 0 after the last one. */
  readonly put?: () => Promise<number>;
  /** Whether a repetition has the key of the first. Default: true. */
  readonly keyed?: boolean;
  /** What is still at the source. */
  readonly left: () => Promise<readonly unknown[]>;
}

/**
 * Runs a service that is killed with SIGKILL at random moments while more keeps arriving, and lets
 * the last run finish. Checks that every message was delivered, in order, and that at most one was
 * repeated per kill, in a way that the duplicate window recognizes. Resolves to them, each once.
 */
export async function killedAgainAndAgain(
  order: ServiceOrder,
  { seed, kills, expected, put = () => Promise.resolve(0), left, keyed = true }: KilledOptions,
): Promise<readonly Content[]> {
  await using folder = await temporaryFolder('killed');
  await writeFile(join(folder.path, 'order'), JSON.stringify(order));
  const chance = random(seed);
  const count = { put: 0, delivered: 0, complete: false };
  const over = new AbortController();
  const coming = feed(put, count, over.signal);
  try {
    for (let kill = 0; kill < kills; kill++) {
      await using one = await startProcess(folder.path, () => (count.delivered += 1));
      const enough = chance.below(Math.ceil(expected.length / (kills + 1)));
      const wait = chance.below(enough === 0 ? EARLY : LATER);
      const start = count.delivered;
      await one.until(() => count.delivered >= Math.min(start + enough, expected.length));
      await sleep(wait);
    }
    await using one = await startProcess(folder.path, () => (count.delivered += 1));
    await one.until(() => count.complete);
    // a broker may have handed out what it no longer counts
    await vi.waitFor(
      async () => expect((await deliveries(folder.path)).at(-1)?.id).toBe(expected.at(-1)),
      { timeout: 2 * PATIENCE },
    );
    await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: PATIENCE });
  } finally {
    over.abort();
    await coming;
  }
  const all = await deliveries(folder.path);
  return onceEach(all, { expected, kills, keyed });
}

async function feed(
  put: () => Promise<number>,
  count: { put: number; readonly delivered: number; complete: boolean },
  signal: AbortSignal,
): Promise<void> {
  for (let more = 1; more > 0 && !signal.aborted; ) {
    if (count.put - count.delivered < BACKLOG) {
      more = await put();
      count.put += more;
    } else await sleep(2);
  }
  count.complete = true;
}

interface Run extends AsyncDisposable {
  /** Throws if the process ends by itself, or if nothing comes of it for too long. */
  until(done: () => boolean): Promise<void>;
}

async function startProcess(records: string, told: () => void): Promise<Run> {
  const words = await program('test/support/inbound-process.ts', records);
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let trouble = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (trouble += text));
  let latest = performance.now() + PATIENCE;
  child.stdout.on('data', (bytes: Uint8Array) => {
    latest = performance.now() + PATIENCE;
    bytes.forEach(told);
  });
  const ended = once(child, 'close');
  return {
    async until(done) {
      while (!done()) {
        if (child.exitCode !== null)
          throw new Error(`the process ended by itself: ${inSources(trouble)}`);
        if (performance.now() > latest)
          throw new Error(`nothing more is delivered: ${inSources(trouble)}`);
        await sleep(1);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function deliveries(records: string): Promise<readonly Delivery[]> {
  const text = await readFile(join(records, 'delivered'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Delivery);
}

function onceEach(
  all: readonly Delivery[],
  { expected, kills, keyed }: Pick<KilledOptions, 'expected' | 'kills' | 'keyed'>,
): readonly Content[] {
  // A repetition comes right after the first: what is repeated is not older than what came before.
  const first = all.filter(({ id }, index) => all[index - 1]?.id !== id);
  expect(first.map(({ id }) => id)).toEqual(expected);
  expect(all.length - first.length).toBeLessThanOrEqual(kills);
  if (keyed === true) {
    const known = all.filter((one, index) => all[index - 1]?.key !== one.key);
    expect(known).toEqual(first);
  }
  return first.map(({ id, body }) => ({ id, body }));
}
