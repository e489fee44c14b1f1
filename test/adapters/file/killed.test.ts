import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const COUNT = 300;
/** After how many deliveries in all the process is killed. */
const KILLS = [20, 60, 61, 150, 220] as const;

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

interface Lab extends AsyncDisposable {
  readonly inbox: string;
  readonly archive: string;
  /** What was delivered, in order: control ids of HL7, else names. */
  delivered(): Promise<string[]>;
  run(): ChildProcess;
}

async function lab(): Promise<Lab> {
  const folder = await temporaryFolder('killed');
  const [inbox, archive, records] = ['in', 'done', 'records'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  for (const path of [inbox, archive, records]) await mkdir(path);
  const program = join(import.meta.dirname, '../../support/file-in-process.ts');
  return {
    inbox,
    archive,
    run: () =>
      spawn(process.execPath, ['--conditions=waybill-source', program, inbox, archive, records], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    async delivered() {
      const text = await readFile(join(records, 'delivered'), 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Kills the process after so many deliveries, again and again, and lets the last one finish. */
async function killedAgainAndAgain(one: Lab): Promise<string[]> {
  for (const count of KILLS) {
    const child = one.run();
    await vi.waitFor(
      async () => expect((await one.delivered()).length).toBeGreaterThanOrEqual(count),
      { timeout: 10_000, interval: 1 },
    );
    await kill(child);
  }
  const last = one.run();
  await vi.waitFor(async () => expect(await readdir(one.inbox)).toEqual([]), { timeout: 10_000 });
  await kill(last);
  return one.delivered();
}

test('a process that is killed again and again loses no file, and repeats at most one a kill', async () => {
  await using one = await lab();
  const names = Array.from({ length: COUNT }, (_, n) => `f${String(n).padStart(4, '0')}.txt`);
  for (const name of names) await writeFile(join(one.inbox, name), `content of ${name}`);
  const all = await killedAgainAndAgain(one);
  expect(new Set(all)).toEqual(new Set(names));
  expect(all.length - COUNT).toBeLessThanOrEqual(KILLS.length);
  const archived = await readdir(one.archive);
  expect(archived.toSorted()).toEqual(names);
  for (const name of archived) {
    expect(await readFile(join(one.archive, name), 'utf8')).toBe(`content of ${name}`);
  }
});

test.for([
  ['small', ''],
  ['large', 'x'.repeat(10_000)],
] as const)(
  'in the middle of a %s file of many messages it loses none, repeats at most one a kill and keeps the order',
  async ([, note]) => {
    await using one = await lab();
    const ids = Array.from({ length: COUNT }, (_, n) => `M${String(n).padStart(4, '0')}`);
    const messages = ids.map(
      (id) => `MSH|^~\\&|A|B|C|D|2026||ADT^A01|${id}|P|2.5\rNTE|1||${note}\r`,
    );
    const batch = `BHS|^~\\&\r${messages.join('')}BTS|${COUNT}\r`;
    await writeFile(join(one.inbox, '.all.hl7'), batch);
    await rename(join(one.inbox, '.all.hl7'), join(one.inbox, 'all.hl7'));
    const all = await killedAgainAndAgain(one);
    expect([...new Set(all)]).toEqual(ids);
    expect(all.length - COUNT).toBeLessThanOrEqual(KILLS.length);
    expect(await readFile(join(one.archive, 'all.hl7'), 'utf8')).toBe(batch);
  },
);
