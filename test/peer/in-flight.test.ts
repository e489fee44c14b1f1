import { expect, test, vi } from 'vitest';
import { inFlight } from '../../src/peer/in-flight.ts';

test('work is waited for, and its value or error passed on', async () => {
  const work = inFlight();
  const { signal } = new AbortController();
  await expect(work.until(signal, () => Promise.resolve(7))).resolves.toBe(7);
  await expect(work.until(signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await work.ended(0);
});

test('an abort ends the wait with its reason, and the work goes on', async () => {
  const work = inFlight();
  const controller = new AbortController();
  const late = Promise.withResolvers<number>();
  const waiting = work.until(controller.signal, () => late.promise);
  controller.abort(new Error('timed out'));
  await expect(waiting).rejects.toThrow('timed out');
  const ended = vi.fn<() => void>();
  const ending = work.ended(10_000).finally(ended);
  await Promise.resolve();
  expect(ended).not.toHaveBeenCalled();
  late.reject(new Error('too late to matter'));
  await ending;
});

test('work that was given up does not hold up the end for longer than the grace', async () => {
  const work = inFlight();
  const controller = new AbortController();
  const waiting = work.until(controller.signal, () => new Promise(() => undefined));
  controller.abort(new Error('timed out'));
  await expect(waiting).rejects.toThrow('timed out');
  await work.ended(10);
});

test('nothing is begun once the signal has aborted', async () => {
  const begun = { work: false };
  const begin = (): Promise<void> => {
    begun.work = true;
    return Promise.resolve();
  };
  await expect(inFlight().until(AbortSignal.abort(new Error('stopped')), begin)).rejects.toThrow(
    'stopped',
  );
  expect(begun.work).toBe(false);
});
