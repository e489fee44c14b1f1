import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { auditLog } from '../../../src/access/audit/audit-log.ts';
import { proveRegularly } from '../../../src/access/audit/audit-proof.ts';
import { auditCommand } from '../../../src/cli/command/audit.ts';
import { userCommand } from '../../../src/cli/command/user.ts';
import { rootLogger } from '../../../src/log/logger.ts';
import { ran } from '../../support/command.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const act = (n: number) => ({
  actor: { name: 'anna', via: 'local' },
  ip: '10.0.0.1',
  action: 'message.view',
  object: `message ${n}`,
  outcome: 'done' as const,
});

test('nothing in the audit log can be changed or removed by its own file', async () => {
  await using folder = await temporaryFolder();
  await using audit = await auditLog({ data: folder.path });
  await audit.record(act(1));
  const file = new DatabaseSync(join(folder.path, 'audit.db'));
  expect(() => file.exec("UPDATE audit SET actor = 'bert'")).toThrow(/only be appended to/);
  expect(() => file.exec('DELETE FROM audit')).toThrow(/only be appended to/);
  file.close();
});

test('who gets around that is found out: a changed row, one taken out, and an end cut off', async () => {
  await using folder = await temporaryFolder();
  await using audit = await auditLog({ data: folder.path });
  for (const n of [1, 2, 3, 4]) await audit.record(act(n));
  const { head, rows, broken } = await audit.verify();
  expect([rows, broken]).toEqual([4, undefined]);
  const forge = new DatabaseSync(join(folder.path, 'audit.db'));
  const unlock = (): void =>
    forge.exec('DROP TRIGGER IF EXISTS audit_fixed; DROP TRIGGER IF EXISTS audit_kept');
  unlock();
  forge.exec('DELETE FROM audit WHERE seq = 4');
  const cut = await ran(auditCommand(), ['verify', '--data', folder.path, '--head', head]);
  expect([cut.code, cut.errors]).toEqual([
    1,
    expect.stringMatching(/row 4 .* acts were cut off there/),
  ]);
  unlock();
  forge.exec("UPDATE audit SET object = 'message 9' WHERE seq = 2");
  expect((await audit.verify()).broken).toBe(2);
  forge.exec('DELETE FROM audit WHERE seq = 1');
  expect((await audit.verify()).broken).toBe(2);
  forge.close();
});

test('the log is proved at the start, and tells the last hash to another place; a broken one is an error there', async () => {
  await using folder = await temporaryFolder();
  await using audit = await auditLog({ data: folder.path });
  for (const n of [1, 2, 3]) await audit.record(act(n));
  const lines: string[] = [];
  const log = rootLogger('info', { write: (line) => void lines.push(line) });
  const told = async (): Promise<object> => {
    using _ = proveRegularly(audit, log);
    return await vi.waitFor(() => JSON.parse(lines.pop() ?? '') as object);
  };
  const { head } = await audit.verify();
  expect(await told()).toMatchObject({ event: 'audit-proved', rows: 3, head });
  const forge = new DatabaseSync(join(folder.path, 'audit.db'));
  forge.exec('DROP TRIGGER audit_kept; DELETE FROM audit WHERE seq = 3');
  forge.close();
  expect(await told()).toMatchObject({ event: 'audit-broken', row: 3, level: 'error' });
});

test('values that were searched for are hashed, and yet it can be asked who searched for one', async () => {
  await using folder = await temporaryFolder();
  await using audit = await auditLog({ data: folder.path });
  const detail = { criteria: { search: { mrn: '4711-SECRET' }, contains: 'Doe', limit: 50 } };
  await audit.record({ ...act(1), action: 'message.search', detail });
  const [row] = await audit.list({ action: 'message.' });
  expect(row?.detail).not.toMatch(/4711-SECRET|Doe/);
  for (const n of Array.from({ length: 150 }, (_, index) => index + 2)) await audit.record(act(n));
  expect(await audit.list({ searched: ' 4711-secret', limit: 1 })).toEqual([row]);
  expect(await audit.list({ searched: '4712' })).toEqual([]);
  expect(row?.detail).toContain('"limit":50');
});

test('an end that was cut off is found by the next act, told, and shows for ever; also after a restart', async () => {
  await using folder = await temporaryFolder();
  const cuts: unknown[] = [];
  const open = () => auditLog({ data: folder.path }, { onCut: (cut) => void cuts.push(cut) });
  const cut = (from: number): void => {
    using forge = disposable(new DatabaseSync(join(folder.path, 'audit.db')));
    forge.value.exec(`DROP TRIGGER IF EXISTS audit_kept; DELETE FROM audit WHERE seq >= ${from}`);
  };
  {
    await using audit = await open();
    for (const n of [1, 2, 3, 4]) await audit.record(act(n));
    cut(4);
    await audit.record(act(5));
    expect(cuts).toEqual([{ from: 4, to: 4 }]);
    expect(await audit.list({ action: 'audit.cut' })).toMatchObject([
      { seq: 5, outcome: 'failed' },
    ]);
    expect((await audit.verify()).broken).toBe(5);
    await audit.record(act(6));
    expect(cuts).toHaveLength(1);
  }
  // while nobody runs
  cut(7);
  await using again = await open();
  await again.record(act(8));
  expect(cuts).toEqual([
    { from: 4, to: 4 },
    { from: 7, to: 7 },
  ]);
});

test('a log without an end proves nothing any more, even to who never wrote it', async () => {
  await using folder = await temporaryFolder();
  {
    await using audit = await auditLog({ data: folder.path });
    for (const n of [1, 2, 3]) await audit.record(act(n));
  }
  using forge = disposable(new DatabaseSync(join(folder.path, 'audit.db')));
  forge.value.exec('DROP TRIGGER audit_kept; DELETE FROM audit WHERE seq = 3');
  const told = await ran(auditCommand(), ['verify', '--data', folder.path]);
  expect([told.code, told.errors]).toEqual([1, expect.stringMatching(/row 3 .* cut off there/)]);
});

test('who writes the whole log anew has no seal, and is found by what was kept elsewhere', async () => {
  await using folder = await temporaryFolder();
  await using forged = await temporaryFolder();
  const key = { WAYBILL_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') };
  await using audit = await auditLog({ data: folder.path }, { environment: key });
  for (const n of [1, 2, 3]) await audit.record(act(n));
  expect(await audit.verify()).toMatchObject({ rows: 3, sealed: 3, broken: undefined });
  const exported = (await ran(auditCommand(), ['export', '--data', folder.path])).output;
  const anchor = join(forged.path, 'kept.jsonl');
  await writeFile(anchor, exported);
  // the same acts but one, by somebody who has the code and not the key
  await using lie = await auditLog({ data: forged.path }, { environment: {} });
  for (const n of [1, 2, 4]) await lie.record(act(n));
  await using read = await auditLog({ data: forged.path }, { environment: key });
  expect(await read.verify()).toMatchObject({ rows: 3, sealed: 0, broken: undefined });
  const verify = (data: string) =>
    ran(auditCommand(), ['verify', '--data', data, '--anchor', anchor]);
  expect((await verify(folder.path)).code).toBe(0);
  expect((await verify(forged.path)).errors).toMatch(/3 of the acts of --anchor/);
  // a seal that is not of the key is no seal
  using forge = disposable(new DatabaseSync(join(folder.path, 'audit.db')));
  forge.value.exec(
    "DROP TRIGGER audit_fixed; UPDATE audit SET seal = substr(seal, 1, 70) || 'beef' WHERE seq = 2",
  );
  expect((await audit.verify()).broken).toBe(2);
});

/** Closes a database with the block it stands in. */
function disposable(value: DatabaseSync): Disposable & { readonly value: DatabaseSync } {
  return { value, [Symbol.dispose]: () => value.close() };
}

test('two processes write one chain', async () => {
  await using folder = await temporaryFolder();
  await using one = await auditLog({ data: folder.path });
  await using other = await auditLog({ data: folder.path });
  for (const n of [1, 2, 3]) {
    await one.record(act(n));
    await other.record(act(n + 10));
  }
  expect(await one.verify()).toMatchObject({ rows: 6, broken: undefined });
});

test('what the command line does to users is in the log, which it lists, proves and exports', async () => {
  await using folder = await temporaryFolder();
  const data = ['--data', folder.path];
  const added = await ran(userCommand(), ['add', 'anna', '--role', 'viewer', ...data]);
  const wrong = await ran(userCommand(), ['add', 'bert', '--role', 'viewr', ...data]);
  expect(wrong.errors).toMatch(/did you mean viewer\?/);
  const glass = await ran(userCommand(), ['break-glass', ...data]);
  expect(glass.output).toMatch(/user +break-glass-\w+\npassword +\w{20}\n/);
  const all = await ran(userCommand(), ['list', ...data]);
  expect(all.output).toMatch(/anna +viewer +\* +must change +never/);
  expect(all.output).not.toContain(added.output.trim());
  const list = await ran(auditCommand(), ['list', '--json', ...data]);
  const rows = JSON.parse(list.output) as { action: string; object: string; via: string }[];
  expect(rows.map(({ action }) => action)).toEqual(['user.break-glass', 'user.add']);
  const exported = await ran(auditCommand(), ['export', ...data]);
  expect(exported.output.trim().split('\n')).toHaveLength(2);
  expect((await ran(auditCommand(), ['verify', ...data])).output).toMatch(/^[\da-f]{64}\n$/);
});

test('a value is found by its hash, also in rows of before hashes were noted', async () => {
  await using folder = await temporaryFolder();
  await using audit = await auditLog({ data: folder.path });
  const searched = (value: string) => ({ ...act(1), detail: { search: { mrn: value } } });
  for (const value of ['4711', '4712', '4711']) await audit.record(searched(value));
  const file = new DatabaseSync(join(folder.path, 'audit.db'));
  file.exec("DELETE FROM audit_hash WHERE seq = 1; UPDATE audit_hash SET seq = 1 WHERE hash = ''");
  file.close();
  expect((await audit.list({ searched: '4711' })).map(({ seq }) => seq)).toEqual([3, 1]);
  expect(await audit.people({ searched: ' 4712 ' })).toMatchObject([{ actor: 'anna', acts: 1 }]);
  const listed = Array.from({ length: 450 }, (_, n) => `${n}`);
  await audit.record({ ...act(2), detail: { patient: listed } });
  expect((await audit.list({ searched: '449', action: 'message.' })).map(({ seq }) => seq)).toEqual(
    [4],
  );
  expect((await audit.verify()).broken).toBeUndefined();
});
