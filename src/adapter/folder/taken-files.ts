import { createHash } from 'node:crypto';
import { TemporaryError } from '../../error/adapter-error.ts';
import type { Memory } from '../adapter.ts';
import type { FileFacts } from './file-store.ts';

const HASH_LENGTH = 12;
/** What one durable memory can hold: 600 KB of hashes. */
const MOST = 50_000;
/** Up to here the memory is written after every file; a larger one only when the look ends. */
const SMALL = 1_000;

/**
 * The files that were delivered and are still there, because removing them failed, was cut off, or is
 * not wanted. Kept durably, so that none is delivered again after a restart. A file that changed is
 * another file.
 */
export interface TakenFiles {
  readonly size: number;
  has(path: string, facts: FileFacts): boolean;
  /** Notes a delivered file; resolves once that is durable. */
  add(path: string, facts: FileFacts): Promise<void>;
  /** Notes that a file is gone; made durable by the next `add` or `save`. */
  forget(path: string, facts: FileFacts): void;
  /** Forgets every file that is not among these. */
  keepOnly(files: readonly (FileFacts & { readonly path: string })[]): void;
  /** Makes everything durable. */
  save(): Promise<void>;
}

/** Reads what was taken before. */
export async function takenFiles(memory: Memory): Promise<TakenFiles> {
  const taken = parse(await memory.read());
  let dirty = false;

  const save = async (): Promise<void> => {
    if (!dirty) return;
    await memory.write([...taken].join(''));
    dirty = false;
  };

  return {
    get size() {
      return taken.size;
    },
    has: (path, facts) => taken.has(hash(path, facts)),
    async add(path, facts) {
      if (taken.size >= MOST) throw tooMany();
      taken.add(hash(path, facts));
      dirty = true;
      // A memory of thousands of files is costly to write; until then the duplicate window guards them.
      if (taken.size <= SMALL) await save();
    },
    forget(path, facts) {
      dirty = taken.delete(hash(path, facts)) || dirty;
    },
    keepOnly(files) {
      if (taken.size === 0) return;
      const there = new Set(files.map((file) => hash(file.path, file)));
      for (const one of taken) {
        if (there.has(one)) continue;
        taken.delete(one);
        dirty = true;
      }
    },
    save,
  };
}

/** File names may be patient data, and a memory is not the trace: it holds hashes only. */
function hash(path: string, { size, modified }: FileFacts): string {
  return createHash('sha256')
    .update(`${path}\n${size}\n${modified}`)
    .digest('base64url')
    .slice(0, HASH_LENGTH);
}

function parse(text = ''): Set<string> {
  const taken = new Set<string>();
  for (let at = 0; at + HASH_LENGTH <= text.length; at += HASH_LENGTH) {
    taken.add(text.slice(at, at + HASH_LENGTH));
  }
  return taken;
}

function tooMany(): TemporaryError {
  return new TemporaryError(
    `${MOST} files that were taken are still in the folder, more than can be remembered; archive, delete or move files away`,
  );
}
