import { hash as digest } from 'node:crypto';
import type { Memory } from '../../adapter/adapter.ts';
import { TemporaryError } from '../../error/adapter-error.ts';
import { bootId } from '../../time/boot.ts';
import type { FileFacts } from './file-store.ts';
import { filterInTurns } from './in-turns.ts';

const HASH_LENGTH = 12;
/** How many files one durable memory can hold: 600 KB of hashes. */
const MOST = 50_000;
/** Up to this size the memory is written after every file; a larger one when the look ends, and at intervals before. */
const SMALL = 1_000;
const LATEST = 60_000;

/**
 * The files that were delivered and are still there, because removing them failed, was interrupted,
 * or is not wanted. Stored durably, so that none is delivered again after a restart. A file that
 * changed is another file.
 */
export interface TakenFiles {
  readonly size: number;
  has(path: string, facts: FileFacts): boolean;
  /** How many messages of a file were delivered by an earlier try. */
  begun(path: string, facts: FileFacts): number;
  /** Notes that this many messages of a file, but not all, were delivered; resolves once that is durable. */
  noteBegun(path: string, facts: FileFacts, messages: number): Promise<void>;
  /** Throws if no further file can be noted: what is delivered then would be delivered again. */
  ensureRoom(): void;
  /** Notes a delivered file; resolves once that is durable. */
  add(path: string, facts: FileFacts): Promise<void>;
  /**
   * Notes that a file was moved or deleted, but may be back after a loss of power; made durable by the next `add` or
   * `save`. If it is there again without one, somebody put it there, and it is not known.
   */
  cleared(path: string, facts: FileFacts): void;
  /** Notes that a file is gone for good; made durable as that is. */
  forget(path: string, facts: FileFacts): void;
  /**
   * Forgets every file that is not among these, unless it is all of them: a share that is not mounted looks like an
   * empty folder, and what it has would be taken again once it is back. A full memory is emptied for files that are there.
   * With a million files others get their turn meanwhile.
   */
  keepOnly(files: readonly (FileFacts & { readonly path: string })[]): Promise<void>;
  /** Makes everything durable. */
  save(): Promise<void>;
}

/** Reads what was taken before. */
export async function takenFiles(memory: Memory, boot = bootId()): Promise<TakenFiles> {
  const { taken, begun, isOld } = parse(await memory.read(), boot);
  const cleared = new Set<string>();
  let dirty = isOld;
  let saved = performance.now();

  const save = async (): Promise<void> => {
    if (!dirty) return;
    await memory.write(written({ taken, begun, cleared }, boot));
    dirty = false;
    saved = performance.now();
  };
  /** A memory of thousands of files is expensive to write; for this long the duplicate window covers them. */
  const saveSoon = async (): Promise<void> => {
    dirty = true;
    if (taken.size <= SMALL || performance.now() - saved > LATEST) await save();
  };

  return {
    get size() {
      return taken.size + begun.size;
    },
    has: (path, facts) => taken.size > 0 && taken.has(hash(path, facts)),
    begun: (path, facts) => (begun.size > 0 ? begun.get(hash(path, facts)) : undefined) ?? 0,
    noteBegun(path, facts, messages) {
      begun.set(hash(path, facts), messages);
      return saveSoon();
    },
    ensureRoom() {
      if (taken.size >= MOST) throw tooMany();
    },
    async add(path, facts) {
      const file = hash(path, facts);
      taken.add(file);
      begun.delete(file);
      cleared.delete(file);
      await saveSoon();
    },
    cleared(path, facts) {
      if (!taken.delete(hash(path, facts))) return;
      addOne(cleared, hash(path, facts));
      dirty = true;
    },
    forget(path, facts) {
      const file = hash(path, facts);
      dirty = taken.delete(file) || cleared.delete(file) || dirty;
    },
    async keepOnly(files) {
      if (taken.size + begun.size === 0) return;
      const gone = new Set([...taken, ...begun.keys()]);
      const found = await filterInTurns(files, (file) => gone.delete(hash(file.path, file)));
      // without room for what is there, nothing would ever be taken again, whatever was moved away
      const mustForget = taken.size >= MOST && files.length > 0;
      if (found.length === 0 && !mustForget) return;
      for (const one of gone) dirty = taken.delete(one) || begun.delete(one) || dirty;
    },
    save,
  };
}

/** File names may be patient data, and a memory is not the trace: it holds only hashes. */
function hash(path: string, { size, modified, version }: FileFacts): string {
  const text = `${path}\n${size}\n${modified}${version === undefined ? '' : `\n${version}`}`;
  return digest('sha256', text, 'base64url').slice(0, HASH_LENGTH);
}

/** Instead of the number of messages: all were delivered, and the file was moved or deleted. */
const AWAY = 0;
/** Instead of a hash: when that was. */
const BOOT = 'boot';

/** The oldest one goes where it is never sure that they stay away. */
function addOne(cleared: Set<string>, file: string): void {
  cleared.add(file);
  const [oldest] = cleared;
  if (cleared.size > SMALL && oldest !== undefined) cleared.delete(oldest);
}

interface Noted {
  readonly taken: Set<string>;
  readonly begun: Map<string, number>;
  readonly cleared: ReadonlySet<string>;
}

function written({ taken, begun, cleared }: Noted, boot: string | undefined): string {
  const notes = [...begun].map(([file, messages]) => `\n${file} ${messages}`);
  const away = [...cleared].map((file) => `\n${file} ${AWAY}`);
  if (away.length > 0) away.push(`\n${BOOT} ${boot}`);
  return [...taken, ...notes, ...away].join('');
}

/**
 * Hashes, one after another; then a line for each partly delivered file: its hash and the number of messages. In the same
 * form come the files that were cleared, and in which boot of the machine: what was away in this one stays away.
 */
function parse(
  text: string | undefined,
  now: string | undefined,
): Omit<Noted, 'cleared'> & { readonly isOld: boolean } {
  const [hashes = '', ...lines] = (text ?? '').split('\n');
  const taken = new Set<string>();
  for (let at = 0; at + HASH_LENGTH <= hashes.length; at += HASH_LENGTH) {
    taken.add(hashes.slice(at, at + HASH_LENGTH));
  }
  const { [BOOT]: boot, ...notes } = Object.fromEntries(
    lines.map((line) => line.split(' ') as [string, string]),
  );
  const begun = new Map<string, number>();
  for (const [file, messages] of Object.entries(notes)) {
    if (Number(messages) !== AWAY) begun.set(file, Number(messages));
    else if (boot !== now || now === undefined) taken.add(file);
  }
  return { taken, begun, isOld: boot !== undefined };
}

function tooMany(): TemporaryError {
  return new TemporaryError(
    `${MOST} taken files are still in the folder, more than can be remembered; archive, delete or move files`,
  );
}
