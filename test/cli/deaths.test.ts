import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { countDeaths, forgetDeathsOf, tooManyDeaths } from '../../src/cli/deaths.ts';
import { lastWork, WorkRecord } from '../../src/cli/work-record.ts';
import { subject } from '../../src/flow/subject.ts';
import { watchedProcess } from '../../src/flow/watched-process.ts';
import { WorkMarks } from '../../src/flow/work-marks.ts';
import { inlineBody } from '../../src/message/body.ts';
import { envelope } from '../support/subject-message.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** An engine that is given messages all at once, until they have ended or one of them has killed it. */
async function life(data: string, messages: readonly number[], killer?: number) {
  const at = join(data, 'at-work');
  const deaths = countDeaths(data, lastWork(at) ?? [], Date.now());
  const marks = new WorkMarks();
  marks.suspects = deaths.filter((one) => tooManyDeaths(one) === undefined);
  marks.onSurvived = (one) => forgetDeathsOf(data, one);
  const record = new WorkRecord(at);
  marks.record = record;
  const ended: number[] = [];
  let isDead = false;
  const work = watchedProcess(
    'host',
    {
      readsBody: false,
      async run({ message: { id } }) {
        if (id === killer) isDead = true;
        await Promise.resolve();
        // the dead do nothing more, and their marks stay as they are
        if (isDead) return new Promise(() => undefined);
        ended.push(id);
        return { status: 'discarded', sends: [], explain: undefined };
      },
    },
    marks,
  );
  for (const id of messages) {
    const body = inlineBody(Buffer.from(`message ${id}`));
    void work.run(subject(envelope({ id, size: body.size }), body));
  }
  await vi.waitFor(() => expect(isDead || ended.length === messages.length).toBe(true), {
    interval: 5,
  });
  record.close();
  const fatal = deaths.filter((one) => tooManyDeaths(one) !== undefined);
  return { ended, fatal: fatal.map(({ message }) => message) };
}

test('of messages that were in hand when engines died, each is tried alone, and only the one that kills them is set aside', async () => {
  await using folder = await temporaryFolder('deaths');
  const { path } = folder;
  expect(await life(path, [1, 2, 3, 4], 3)).toEqual({ ended: [], fatal: [] });
  expect(await life(path, [1, 2, 3, 4], 3)).toEqual({ ended: [1, 2], fatal: [] });
  expect(await life(path, [3, 4, 5], 3)).toEqual({ ended: [], fatal: [] });
  expect(await life(path, [4, 5])).toEqual({ ended: [4, 5], fatal: [3] });
});

test('a message that came to an end, or was in hand when the machine lost power, is suspected of nothing', async () => {
  await using folder = await temporaryFolder('deaths');
  const { path } = folder;
  // killed by others, each time in the middle of the same message
  for (let times = 0; times < 3; times++) {
    expect(await life(path, [1, 2], 2)).toMatchObject({ fatal: [] });
    expect(await life(path, [2])).toEqual({ ended: [2], fatal: [] });
  }
  const at = join(path, 'at-work');
  await life(path, [9], 9);
  expect(lastWork(at)).toHaveLength(1);
  await utimes(at, 0, 0);
  expect(lastWork(at)).toEqual([]);
});
