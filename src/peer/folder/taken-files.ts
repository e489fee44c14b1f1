import { hash as digest } from 'node:crypto';
import type { Memory } from '../../adapter/adapter.ts';
import { TemporaryError } from '../../error/adapter-error.ts';
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
  /** Notes that a file is gone; made durable by the next `add` or `save`. */
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
export async function takenFiles(memory: Memory): Promise<TakenFiles> {
  const { taken, begun } = parse(await memory.read());
  let dirty = false;
  let saved = performance.now();

  const save = async (): Promise<void> => {
    if (!dirty) return;
    const notes = [...begun].map(([file, messages]) => `\n${file} ${messages}`);
    await memory.write([...taken, ...notes].join(''));
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
      taken.add(hash(path, facts));
      begun.delete(hash(path, facts));
      await saveSoon();
    },
    forget(path, facts) {
      dirty = taken.delete(hash(path, facts)) || dirty;
    },
    async keepOnly(files) {
      if (taken.size + begun.size === 0) return;
      const gone = new Set([...taken, ...begun.keys()]);
      const found = await filterInTurns(files, (file) => gone.delete(hash(file.path, file)));
      // without room for what is there, nothing would ever be taken again, whatever was moved away
      const mustForget = taken.size >= MOST && files.length > 0;
      if (found.length === 0 && !mustForget) return;
      for (const one of gone) {
        taken.delete(one);
        begun.delete(one);
        dirty = true;
      }
    },
    save,
  };
}

/** File names may be patient data, and a memory is not the trace: it holds only hashes. */
function hash(path: string, { size, modified, version }: FileFacts): string {
  const text = `${path}\n${size}\n${modified}${version === undefined ? '' : `\n${version}`}`;
  return digest('sha256', text, 'base64url').slice(0, HASH_LENGTH);
}

/** Hashes, one after another; then a line for each partly delivered file: its hash and the number of messages. */
function parse(text = ''): { taken: Set<string>; begun: Map<string, number> } {
  const [hashes = '', ...notes] = text.split('\n');
  const taken = new Set<string>();
  for (let at = 0; at + HASH_LENGTH <= hashes.length; at += HASH_LENGTH) {
    taken.add(hashes.slice(at, at + HASH_LENGTH));
  }
  const begun = notes.map((note): [string, number] => {
    const [file = '', messages] = note.split(' ');
    return [file, Number(messages)];
  });
  return { taken, begun: new Map(begun) };
}

function tooMany(): TemporaryError {
  return new TemporaryError(
    `${MOST} taken files are still in the folder, more than can be remembered; archive, delete or move files`,
  );
}
