import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresTraceStore } from '../../../src/trace/store/postgres/trace-store.ts';
import { sqliteTraceStore } from '../../../src/trace/store/sqlite/trace-store.ts';
import {
  newTraceKey,
  type TraceCipher,
  traceCipher,
} from '../../../src/trace/store/trace-cipher.ts';
import type { TraceStore } from '../../../src/trace/trace-store.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../../support/postgres.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { hl7, NOON, sampleSession } from '../../support/trace-sample.ts';

const KEY = newTraceKey();
const NEXT = newTraceKey();
const MARKER = 'SECRETMRN';
const body = (control: string): string => hl7(control, MARKER, 'HIDDEN^PERSON').repeat(3);
const before = sampleSession({ mrn: MARKER, body: body('C1') });
const after = sampleSession({ number: 1, mrn: MARKER, body: body('C2'), sent: body('C3') });
const last = sampleSession({ number: 2, mrn: MARKER, body: body('C4') });

/** One store at a time, opened again with other keys. */
interface Lab extends AsyncDisposable {
  open(cipher?: TraceCipher): Promise<TraceStore>;
  /** Everything that lies on the disk. */
  raw(): Promise<Buffer>;
  /** Changes every body a little. */
  damage(): Promise<void>;
  bodies(): Promise<number>;
}

const programs = await postgresPrograms();
let server: PostgresServer;
let count = 0;

async function sqliteLab(): Promise<Lab> {
  const folder: TemporaryFolder = await temporaryFolder('encrypted');
  const files = async (): Promise<string[]> =>
    (await readdir(folder.path)).map((name) => join(folder.path, name));
  const asked = async (sql: string): Promise<unknown[]> => {
    const found: unknown[] = [];
    for (const path of (await files()).filter((one) => one.endsWith('.db'))) {
      using db = new DatabaseSync(path);
      found.push(...db.prepare(sql).all());
    }
    return found;
  };
  return {
    open: async (cipher) => sqliteTraceStore({ folder: folder.path, cipher }),
    raw: async () =>
      Buffer.concat(await Promise.all((await files()).map((path) => readFile(path)))),
    damage: async () => {
      await asked(
        `UPDATE body SET data = CAST(substr(data, 1, length(data) - 4) || x'00000000' AS BLOB)`,
      );
    },
    bodies: async () => (await asked('SELECT id FROM body')).length,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function postgresLab(): Promise<Lab> {
  const production = `sealed-${++count}`;
  const asked = async <Row>(sql: string): Promise<Row[]> => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    try {
      await client.query(`SET search_path = "waybill_${production}"`);
      return (await client.query(sql)).rows as Row[];
    } finally {
      await client.end();
    }
  };
  return {
    open: (cipher) => postgresTraceStore({ url: server.url, production, cipher }),
    async raw() {
      const bodies = await asked<{ data: Buffer; hash: Buffer }>('SELECT data, hash FROM body');
      const keys = await asked<{ value: string }>('SELECT value FROM skey');
      return Buffer.concat([
        ...bodies.flatMap(({ data, hash }) => [data, hash]),
        ...keys.map(({ value }) => Buffer.from(value)),
      ]);
    },
    async damage() {
      await asked(
        `UPDATE body SET data = substr(data, 1, length(data) - 4) || decode('00000000', 'hex')`,
      );
    },
    bodies: async () => (await asked('SELECT id FROM body')).length,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function text(store: TraceStore, id: number): Promise<string> {
  return Buffer.from((await store.body(id))?.bytes ?? []).toString();
}

async function foundBy(store: TraceStore, search: Record<string, string>): Promise<number[]> {
  const { items } = await store.find({ search, limit: 50 });
  return [...new Set(items.map(({ sessionId }) => sessionId))].toSorted((a, b) => a - b);
}

function describeEncryption(name: string, lab: () => Promise<Lab>): void {
  test(`${name}: nothing of a body or a search key is to be read where it lies, and all of it by its key`, async () => {
    await using made = await lab();
    {
      await using store = await made.open();
      await store.apply(before.all);
    }
    // compressed it is not to be read as it is; its search key is
    expect((await made.raw()).includes(MARKER)).toBe(true);
    await using other = await lab();
    await using store = await other.open(traceCipher([KEY], true));
    await store.apply([...before.all, ...after.all]);
    const raw = await other.raw();
    for (const told of [MARKER, 'HIDDEN', 'PID|1', `C${after.root}`]) {
      expect(raw.includes(told), told).toBe(false);
    }
    expect(await text(store, after.root)).toBe(body('C2'));
    expect(await text(store, after.derived)).toBe(body('C3'));
    expect(await foundBy(store, { mrn: MARKER.toLowerCase() })).toEqual([before.root, after.root]);
    expect(await foundBy(store, { mrn: MARKER, 'control-id': `C${after.root}` })).toEqual([
      after.root,
    ]);
    expect((await store.quickFind(MARKER)).map(({ field }) => field)).toEqual(['mrn', 'mrn']);
    expect((await store.find({ contains: 'HIDDEN', limit: 50 })).items.length).toBeGreaterThan(0);
    await expect(store.find({ search: { mrn: 'SECRET*' }, limit: 1 })).rejects.toMatchObject({
      code: 'QUERY_INVALID',
    });
  });

  test(`${name}: an equal body is stored once, also where it was stored in clear, or under an earlier key`, async () => {
    await using made = await lab();
    let stored = 0;
    for (const cipher of [undefined, traceCipher([KEY], true), traceCipher([KEY, NEXT], true)]) {
      await using store = await made.open(cipher);
      await store.apply(before.all);
      expect(await store.differences(before.all)).toEqual([]);
      stored ||= await made.bodies();
      expect(await made.bodies()).toBe(stored);
    }
  });

  test(`${name}: what lay there in clear, and what an earlier key encrypted, stays readable and is found`, async () => {
    await using made = await lab();
    const steps = [
      [undefined, before],
      [traceCipher([KEY], true), after],
      [traceCipher([KEY, NEXT], true), last],
    ] as const;
    for (const [cipher, sample] of steps) {
      await using store = await made.open(cipher);
      await store.apply(sample.all);
    }
    for (const writes of [true, false]) {
      await using store = await made.open(traceCipher([KEY, NEXT], writes));
      expect(await foundBy(store, { mrn: MARKER })).toEqual([before.root, after.root, last.root]);
      expect(await text(store, before.root)).toBe(body('C1'));
      expect(await text(store, after.root)).toBe(body('C2'));
      expect(await text(store, last.root)).toBe(body('C4'));
    }
  });

  test(`${name}: what is kept beyond its day stays readable and is found`, async () => {
    await using made = await lab();
    await using store = await made.open(traceCipher([KEY], true));
    await store.apply([...before.all, ...after.all]);
    await store.hold(after.root, { reason: 'a question', by: 'anna' });
    const now = NOON + 30 * 86_400_000;
    await store.purge({ now, keep: 86_400_000, removeBody: () => Promise.resolve() });
    expect(await foundBy(store, { mrn: MARKER })).toEqual([after.root]);
    expect(await text(store, after.derived)).toBe(body('C3'));
  });

  test(`${name}: without the key, or with another, it says which is missing, and nothing is changed`, async () => {
    await using made = await lab();
    {
      await using store = await made.open(traceCipher([KEY], true));
      await store.apply(before.all);
    }
    for (const cipher of [undefined, traceCipher([NEXT], true), traceCipher([NEXT], false)]) {
      await expect((async () => made.open(cipher))()).rejects.toMatchObject({
        code: 'CREDENTIAL_MISSING',
        message: expect.stringContaining(KEY.id),
      });
    }
    await using store = await made.open(traceCipher([KEY], true));
    expect(await text(store, before.root)).toBe(body('C1'));
  });

  test(`${name}: a body that somebody changed is an error, not another body`, async () => {
    await using made = await lab();
    {
      await using store = await made.open(traceCipher([KEY], true));
      await store.apply(before.all);
    }
    await made.damage();
    await using store = await made.open(traceCipher([KEY], true));
    await expect(store.body(before.root)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('was changed outside Waybill'),
    });
  });
}

describeEncryption('sqlite', sqliteLab);

// without a server (apt-get install postgresql) there is nothing to test against
describe.runIf(programs !== undefined)('a private PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres(programs ?? '');
  });
  afterAll(() => server[Symbol.asyncDispose]());
  describeEncryption('postgres', postgresLab);
});
