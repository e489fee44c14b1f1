import { chmod, chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditMark } from '../../src/access/audit/audit-proof.ts';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { masterKey } from '../../src/credential/secret/master-key.ts';
import { secretStore } from '../../src/credential/secret/secret-store.ts';
import { keepPrivate, openToOthers } from '../../src/database/private-files.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import { asNobody } from '../support/as-nobody.ts';
import { adt, operated } from '../support/operator.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sampleSession } from '../support/trace-sample.ts';

const rights = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** Whatever of a folder others may touch, with what lies in it. */
async function openIn(folder: string): Promise<string[]> {
  const names = ['', ...(await readdir(folder, { recursive: true }))];
  const found: string[] = [];
  for (const name of names) {
    // files of a database come and go
    const mode = await rights(join(folder, name)).catch(() => 0);
    if ((mode & 0o077) !== 0) found.push(name === '' ? '.' : name);
  }
  return found;
}

test('nothing that a running production writes for itself is open to other accounts', async () => {
  const before = process.umask();
  expect(before & 0o077, 'a umask that would hide everything proves nothing').not.toBe(0o077);
  await using ward = await operated();
  await ward.send('A1');
  await ward.ask('GET', '/api/v1/audit');
  const data = join(ward.folder.path, 'data');
  expect(adt('A1').length).toBeGreaterThan(0);
  expect(await openIn(data)).toEqual([]);
  const names = await readdir(data);
  expect(names).toEqual(expect.arrayContaining(['jetstream', 'trace', 'nats.conf', 'nats.log']));
  expect((await readdir(join(data, 'trace'))).some((name) => name.endsWith('.db-wal'))).toBe(true);
});

test('what an earlier start left open is closed, and what others put there is not touched', async () => {
  await using folder = await temporaryFolder('open-data');
  const data = join(folder.path, 'data');
  await mkdir(join(data, 'trace'), { recursive: true });
  await mkdir(join(data, 'archive'));
  const own = ['meta.db', 'meta.db-wal', 'meta.db.damaged-1', 'secrets.json', 'nats.conf'];
  const traces = ['trace/2026-11-24.db', 'trace/2026-11-24.db-shm', 'trace/held.db.damaged-1'];
  for (const name of [...own, ...traces, 'notes.txt', 'archive/one.hl7']) {
    await writeFile(join(data, name), 'x');
    await chmod(join(data, name), 0o664);
  }
  await chmod(data, 0o755);
  await symlink(join(data, 'notes.txt'), join(data, 'audit.db'));

  const changed = keepPrivate(data);

  expect(changed[0]).toBe(data);
  expect(await rights(data)).toBe(0o700);
  expect(await rights(join(data, 'trace'))).toBe(0o700);
  for (const name of [...own, ...traces]) expect(await rights(join(data, name)), name).toBe(0o600);
  expect(await rights(join(data, 'notes.txt'))).toBe(0o664);
  expect(await rights(join(data, 'archive/one.hl7'))).toBe(0o664);
  expect(keepPrivate(data)).toEqual([]);
});

test('a database that was open to others is closed when it is opened, with its log', async () => {
  await using folder = await temporaryFolder('open-trace');
  {
    await using store = sqliteTraceStore({ folder: folder.path });
    await store.apply(sampleSession({ body: 'PID|1' }).all);
    await using _ = await metaDatabase({ data: folder.path });
  }
  await chmod(folder.path, 0o700);
  const files = (await readdir(folder.path)).filter((name) => name.endsWith('.db'));
  for (const name of files) await chmod(join(folder.path, name), 0o644);
  await using store = sqliteTraceStore({ folder: folder.path });
  await using _ = await metaDatabase({ data: folder.path });
  await store.apply(sampleSession({ body: 'PID|2' }).all);
  expect(files.length).toBeGreaterThan(2);
  expect(await openIn(folder.path)).toEqual([]);
});

test.skipIf(process.geteuid?.() !== 0)(
  'what is open and belongs to somebody else is an error that says how to close it; a mounted volume is not',
  async () => {
    await using folder = await temporaryFolder('of-others');
    await chmod(folder.path, 0o777);
    await asNobody(async () => expect(keepPrivate(folder.path)).toEqual([]));
    await writeFile(join(folder.path, 'meta.db'), 'x', { mode: 0o644 });
    await asNobody(async () => {
      expect(() => keepPrivate(folder.path)).toThrow(/chmod -R go= .*meta\.db/);
    });
    await chown(join(folder.path, 'meta.db'), 65_534, 65_534);
    await asNobody(async () => expect(keepPrivate(folder.path)).toHaveLength(1));
    expect(await rights(folder.path)).toBe(0o777);
  },
);

test('a key that others may read is named', async () => {
  await using folder = await temporaryFolder('keys');
  const [open, closed] = [join(folder.path, 'open.key'), join(folder.path, 'closed.key')];
  await writeFile(open, 'x', { mode: 0o640 });
  await writeFile(closed, 'x', { mode: 0o600 });
  expect(openToOthers([open, closed, undefined, '', join(folder.path, 'none')])).toEqual([open]);
});

test.skipIf(process.geteuid?.() !== 0)(
  'what root writes in the data folder of another account belongs to that account',
  async () => {
    await using folder = await temporaryFolder('sudo');
    const data = join(folder.path, 'data');
    await mkdir(data);
    await chown(data, 65_534, 65_534);
    // as by `sudo waybill secret set`, `user add`
    const store = secretStore(join(data, 'secrets.json'), masterKey('a passphrase that is long'), {
      N: 2,
      r: 1,
      p: 1,
    });
    await store.set('ward', 'secret');
    await auditMark({ data }).write({ seq: 1, hash: '0'.repeat(64) });
    await (await metaDatabase({ data })).close();
    const names = await readdir(data);
    expect(names).toEqual(expect.arrayContaining(['audit.mark', 'meta.db', 'secrets.json']));
    for (const name of names)
      expect([name, (await stat(join(data, name))).uid]).toEqual([name, 65_534]);
  },
);

test.skipIf(process.geteuid?.() !== 0)(
  'files that root left in the streams of another account refuse the start, with what to run',
  async () => {
    await using folder = await temporaryFolder('by-root');
    const worker = join(folder.path, 'jetstream/obs/worker');
    await mkdir(worker, { recursive: true });
    for (const path of ['', 'jetstream', 'jetstream/obs'])
      await chown(join(folder.path, path), 65_534, 65_534);
    await chmod(folder.path, 0o700);
    await chmod(join(folder.path, 'jetstream'), 0o700);
    await chmod(worker, 0o700);
    await asNobody(async () => {
      expect(() => keepPrivate(folder.path)).toThrow(/obs\/worker: .*chown -R --reference=/);
    });
    await chown(worker, 65_534, 65_534);
    await asNobody(async () => expect(keepPrivate(folder.path)).toEqual([]));
  },
);
