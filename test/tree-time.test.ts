import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { processorTime } from './support/processor-time.ts';
import { treeTime } from './tree-time.ts';

const BUSY =
  'const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);';

test.skipIf(!existsSync('/proc/self/stat'))(
  'the processor time of a test file has what its processes used, also those of its processes, while they run and afterwards',
  async () => {
    const before = treeTime();
    const own = processorTime();
    const script = `${BUSY} process.stdin.resume();`;
    const child = spawn('sh', ['-c', `"$0" -e '${script}'; :`, process.execPath], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const used = (): number => treeTime() - before - (processorTime() - own) / 1_000;
    await vi.waitFor(() => expect(used()).toBeGreaterThan(0.28));
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
    expect(used()).toBeGreaterThan(0.28);
  },
);
