import { constants, type Stats } from 'node:fs';
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rm,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fileIn from '../../adapters/file/file-in.ts';
import fileOut from '../../adapters/file/file-out.ts';
import { message } from '../messages.ts';
import { kept, type Spent, type Subjects, sender, Taken, taking, timed } from './subject.ts';

const nobody = { kind: 'basic', user: '', password: '' } as const;
const body = Buffer.from(message(1).bytes);

/** Files of a folder beside `node:fs`: each written, synced and renamed, or read, stored and moved. */
export async function fileSubjects(): Promise<Subjects> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-files-'));
  const [inbox, archive, outbox] = ['in', 'taken', 'out'].map((name) => join(folder, name));
  if (inbox === undefined || archive === undefined || outbox === undefined) throw new Error();
  let name = 0;
  await emptied(inbox, archive, outbox);
  const out = await sender(fileOut, { folder: outbox, name: 'f{id}.hl7' }, nobody);
  const where = { folder: inbox, archive, stable: '0s', every: '20ms' };
  const prepare = async (messages: number): Promise<void> => {
    await emptied(inbox, archive);
    await timed(messages, (n) => writeFile(join(inbox, `${n}.hl7`), body));
  };
  return {
    subjects: [
      {
        what: 'file-out',
        prepare: () => emptied(outbox),
        bare: (messages) => timed(messages, () => written(outbox, `b${++name}.hl7`)),
        adapter: (messages) => timed(messages, () => out.send(body)),
      },
      {
        what: 'file-in',
        prepare,
        bare: (messages) => readAll({ inbox, archive, messages, unsynced: 64 }),
        adapter: (messages) => taking(fileIn, where, { credential: nobody, messages }),
      },
      {
        what: 'file-in, beside one that syncs each',
        prepare,
        bare: (messages) => readAll({ inbox, archive, messages, unsynced: 1 }),
        adapter: (messages) => taking(fileIn, where, { credential: nobody, messages }),
      },
    ],
    async [Symbol.asyncDispose]() {
      await out.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Nobody sees half of it, nothing is overwritten, and a loss of power takes neither its bytes nor its name. */
async function written(folder: string, name: string): Promise<void> {
  const half = join(folder, `.${name}.part`);
  const file = await open(half, 'w');
  await file.write(body);
  await file.sync();
  await file.close();
  await link(half, join(folder, name));
  await unlink(half);
  await synced(folder);
}

const isSame = (one: Stats, other: Stats): boolean =>
  one.size === other.size && one.mtimeMs === other.mtimeMs;

async function synced(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync();
  await handle.close();
}

async function emptied(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await rm(path, { recursive: true, force: true });
    await mkdir(path);
  }
}

interface Reading {
  readonly inbox: string;
  readonly archive: string;
  readonly messages: number;
  /** After how many files their names are synced; each is remembered as taken until then. */
  readonly unsynced: number;
}

/**
 * The oldest first. Each is only stored if it was not written to meanwhile, is stored before it is moved, and moved over
 * nothing that is there, if it is still what was read.
 */
async function readAll({ inbox, archive, messages, unsynced }: Reading): Promise<Spent> {
  const names = await readdir(inbox);
  const found = await Promise.all(
    names.map(async (name) => ({ name, before: await lstat(join(inbox, name)) })),
  );
  const taken = new Taken(messages);
  const moved = new Set<string>();
  for (const { name, before } of found.toSorted((a, b) => a.before.mtimeMs - b.before.mtimeMs)) {
    const from = join(inbox, name);
    const file = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
    const read = Buffer.allocUnsafe(before.size);
    await file.read(read, 0, before.size, 0);
    const isAsListed = isSame(await file.stat(), before);
    await file.close();
    if (!isAsListed) continue;
    taken.one();
    await kept({ body: read, name });
    moved.add(name);
    if (!isSame(await lstat(from), before)) continue;
    await link(from, join(archive, name));
    await unlink(from);
    if (moved.size < unsynced) continue;
    await synced(archive);
    moved.clear();
  }
  return await taken.spent;
}
