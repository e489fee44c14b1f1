import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startEngineProcess } from '../support/engine-process.ts';

const SIZE = 100 * 1024 * 1024;
/** The engine with all its parts takes some 250 MiB; a file held in memory would add at least its size. */
const GROWTH = 90;

function rssMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

test('a file of 100 MB passes byte for byte with bounded memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-large-'));
  await Promise.all(['in', 'out', 'done'].map((name) => mkdir(join(folder, name))));
  await writeFile(
    join(folder, 'production.yaml'),
    `production: large
services:
  files: { adapter: file-in, settings: { folder: in, pattern: "*.bin", every: 200ms, archive: done }, to: [files-out] }
operations:
  files-out: { adapter: file-out, settings: { folder: out, name: "{name}" }, timeout: 5m }
`,
  );
  try {
    await using engine = await startEngineProcess({
      production: folder,
      data: join(folder, 'data'),
      ports: [],
      arguments: ['--durability', 'process-crash', '--log-level', 'warn'],
    });
    await writeFile(join(folder, 'in', 'first.bin'), 'small');
    await vi.waitFor(
      async () => expect(await readdir(join(folder, 'out'))).toContain('first.bin'),
      30_000,
    );
    const before = rssMiB(engine.pid);

    const file = await open(join(folder, 'in', 'big.part'), 'w');
    const block = randomBytes(1024 * 1024);
    for (let written = 0; written < SIZE; written += block.byteLength) await file.write(block);
    await file.close();
    const expected = await digest(join(folder, 'in', 'big.part'));
    await rename(join(folder, 'in', 'big.part'), join(folder, 'in', 'big.bin'));

    let peak = 0;
    await vi.waitFor(
      async () => {
        peak = Math.max(peak, rssMiB(engine.pid));
        expect((await stat(join(folder, 'out', 'big.bin'))).size).toBe(SIZE);
      },
      { timeout: 90_000, interval: 50 },
    );
    expect(await digest(join(folder, 'out', 'big.bin'))).toBe(expected);
    expect(peak - before).toBeLessThan(GROWTH);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
