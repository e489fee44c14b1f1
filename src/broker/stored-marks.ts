import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { background } from '../error/background.ts';
import { isSystemError, toldElsewhere, tolerate, unless } from '../error/foreseen.ts';
import { bootId } from '../time/boot.ts';
import { pause } from '../time/pause.ts';

/** How far each stream was stored, recorded in a data folder: after a start it shows what is missing. */
export interface StoredMarks {
  /** Stream → the sequence of the last message that was acknowledged to us. */
  readonly last: ReadonlyMap<string, number>;
  /** Whether the machine has restarted since, without the engine having stopped cleanly. */
  readonly afterPowerLoss: boolean;
  /** Called for each acknowledgement. */
  readonly stored: (stream: string, sequence: number) => void;
  /** The stream was found to end there. */
  cut(stream: string, sequence: number): void;
  /** @param clean whether the engine stopped cleanly */
  close(clean?: boolean): Promise<void>;
}

interface Written {
  /** The boot of the machine during which it was written. */
  readonly boot: string;
  /** The engine stopped cleanly. */
  readonly clean: boolean;
  readonly streams: Readonly<Record<string, number>>;
}

/** Milliseconds between two writes. */
const EVERY = 1_000;

/**
 * Reads and maintains `stored.json` in a data folder. It is synced once a second while something is
 * stored, independently of the durability of the streams: it costs one small write and shows, after
 * a power failure or the loss of part of the disk, how many messages are gone.
 */
export async function storedMarks(data: string): Promise<StoredMarks> {
  const file = join(data, 'stored.json');
  const before = await readWritten(file);
  // elsewhere than on Linux all boots count as the same
  const boot = bootId() ?? '';
  const last = new Map(Object.entries(before?.streams ?? {}));
  let changed = before?.clean !== false;
  let writing: Promise<void> = Promise.resolve();

  const write = (clean: boolean): Promise<void> => {
    changed = false;
    const text = JSON.stringify({
      boot,
      clean,
      streams: Object.fromEntries(last),
    } satisfies Written);
    writing = writing.catch(toldElsewhere).then(() => replaceFile(file, text));
    return writing;
  };
  const what = `writing ${file}`;
  const stop = new AbortController();
  const keep = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await pause(EVERY, stop.signal, { ref: false });
      if (changed && !stop.signal.aborted) await write(false).catch(unless(isDiskTrouble, what));
    }
  };
  background(keep(), what);

  return {
    last,
    afterPowerLoss: before !== undefined && !before.clean && before.boot !== boot,
    stored(stream, sequence) {
      if (sequence <= (last.get(stream) ?? 0)) return;
      last.set(stream, sequence);
      changed = true;
    },
    cut(stream, sequence) {
      last.set(stream, sequence);
      changed = true;
    },
    async close(clean = true) {
      stop.abort();
      await write(clean).catch(unless(isDiskTrouble, what));
    },
  };
}

/** Milliseconds after which what a server had acknowledged also outlasts the end of all servers of a cluster. */
const OUTLASTS = 2_000;

/**
 * Records how far a stream is known to reach into which this engine writes every few seconds: it shows a NATS that was
 * restored from a backup also to an engine that had stored nothing else since then.
 */
export function markedLater(
  stream: string,
  { stored }: Pick<StoredMarks, 'stored'>,
  now = () => performance.now(),
): (sequence: number) => void {
  let next: { readonly sequence: number; readonly at: number } | undefined;
  return (sequence) => {
    // one that begins anew, or was put back, does not reach as far any more
    if (next !== undefined && sequence < next.sequence) next = undefined;
    if (next !== undefined && now() - next.at < OUTLASTS) return;
    if (next !== undefined) stored(stream, next.sequence);
    next = { sequence, at: now() };
  };
}

/** A full or broken disk stops nothing here: the marks are only older. */
const isDiskTrouble = (error: unknown): boolean => isSystemError(error);

async function readWritten(file: string): Promise<Written | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Written;
  } catch (error) {
    // a first start, or a truncated file: nothing is known
    if (!(error instanceof SyntaxError)) {
      tolerate(error, (one) => isSystemError(one, 'ENOENT'), `reading ${file}`);
    }
    return undefined;
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
