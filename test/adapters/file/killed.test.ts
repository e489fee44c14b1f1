import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const FILES = 300;
/** After how many deliveries in all the process is killed. */
const KILLS = [20, 60, 61, 150, 220] as const;

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('a process that is killed again and again loses no file, and repeats at most one a kill', async () => {
  await using folder = await temporaryFolder('killed');
  const [inbox, archive, records] = ['in', 'done', 'records'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  for (const path of [inbox, archive, records]) await mkdir(path);
  const names = Array.from({ length: FILES }, (_, n) => `f${String(n).padStart(4, '0')}.txt`);
  for (const name of names) await writeFile(join(inbox, name), `content of ${name}`);

  const run = (): ChildProcess =>
    spawn(
      process.execPath,
      [
        '--conditions=waybill-source',
        join(import.meta.dirname, '../../support/file-in-process.ts'),
        inbox,
        archive,
        records,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
  const delivered = async (): Promise<string[]> => {
    const text = await readFile(join(records, 'delivered'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  };
  for (const count of KILLS) {
    const child = run();
    await vi.waitFor(async () => expect((await delivered()).length).toBeGreaterThanOrEqual(count), {
      timeout: 10_000,
      interval: 1,
    });
    await kill(child);
  }
  const last = run();
  await vi.waitFor(async () => expect(await readdir(inbox)).toEqual([]), { timeout: 10_000 });
  await kill(last);

  const all = await delivered();
  expect(new Set(all)).toEqual(new Set(names));
  expect(all.length - FILES).toBeLessThanOrEqual(KILLS.length);
  const archived = await readdir(archive);
  expect(archived.toSorted()).toEqual(names);
  for (const name of archived) {
    expect(await readFile(join(archive, name), 'utf8')).toBe(`content of ${name}`);
  }
});
