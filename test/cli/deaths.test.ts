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

test('the code of a suspect begins once that of what waited for the one before it has paused', async () => {
  await using folder = await temporaryFolder('deaths');
  const { path } = folder;
  await life(path, [1, 3], 3);
  // of the others that wait for the trial of 1, 2 begins before that of 3
  expect(await life(path, [1, 2, 3], 3)).toEqual({ ended: [1, 2], fatal: [] });
  await life(path, [3, 4], 3);
  expect(await life(path, [4])).toEqual({ ended: [4], fatal: [3] });
});

test('however many others were in hand, what ran alone is remembered', async () => {
  await using folder = await temporaryFolder('deaths');
  const inHand = Array.from({ length: 256 }, (_, message) => ({
    host: 'host',
    message,
    size: -1,
    digest: '',
    ran: message === 0,
  }));
  for (let times = 0; times < 2; times++) countDeaths(folder.path, inHand, 1_000 + times);
  const others = inHand.map((one) => ({ ...one, message: one.message + 1_000, ran: false }));
  const deaths = countDeaths(folder.path, others, 1_010);
  expect(deaths.find(({ message }) => message === 0)).toMatchObject({ running: 2 });
});

test('a message that engines did not survive is tried once when a person resends it', () => {
  const marks = new WorkMarks();
  const known = { host: 'host', size: 1, digest: '' };
  marks.stuck = [
    { ...known, message: 3 },
    { ...known, message: 10, deaths: 2 },
  ];
  const refused = (id: number, resendOf?: number) => () =>
    marks.refuseStuck('host', {
      message: envelope({ id, ...(resendOf !== undefined && { resendOf }) }),
      bytes: undefined,
    });
  expect(refused(3)).toThrow('the engine got stuck');
  expect(refused(11, 3)).not.toThrow();
  // the resend that killed an engine comes again from its queue
  expect(refused(10, 3)).toThrow('ended 2 times');
});

test('a message that came to an end is suspected of nothing, and one in hand when the machine lost power of little', async () => {
  await using folder = await temporaryFolder('deaths');
  const { path } = folder;
  // killed by others, each time in the middle of the same message
  for (let times = 0; times < 3; times++) {
    expect(await life(path, [1, 2], 2)).toMatchObject({ fatal: [] });
    expect(await life(path, [2])).toEqual({ ended: [2], fatal: [] });
  }
  const at = join(path, 'at-work');
  await life(path, [9], 9);
  expect(lastWork(at)).toMatchObject([{ message: 9, ran: true }]);
  await utimes(at, 0, 0);
  expect(lastWork(at)).toMatchObject([{ message: 9, ran: false }]);
});
