import { expect, test, vi } from 'vitest';
import { inFlight, unlessLate } from '../../src/peer/in-flight.ts';

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

test('what takes too long, or is aborted, is given up before anybody is told', async () => {
  const told: string[] = [];
  const { signal } = new AbortController();
  const limits = {
    signal,
    time: 60_000,
    late: () => 'late',
    givenUp: () => void told.push('given up'),
  };
  await expect(unlessLate(Promise.resolve(7), limits)).resolves.toBe(7);
  await expect(unlessLate(Promise.reject(new Error('no')), limits)).rejects.toThrow('no');
  expect(told).toEqual([]);
  const never = new Promise<never>(() => undefined);
  await expect(unlessLate(never, { ...limits, time: 1 })).rejects.toThrow('late');
  expect(told).toEqual(['given up']);
  const stop = new AbortController();
  const waiting = unlessLate(never, { ...limits, signal: stop.signal });
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  expect(told).toEqual(['given up', 'given up']);
});

test('work that fails because it was given up does not say so instead', async () => {
  const work = Promise.withResolvers<never>();
  const waiting = unlessLate(work.promise, {
    signal: new AbortController().signal,
    time: 1,
    late: () => 'late',
    givenUp: () => work.reject(new Error('its connection is gone')),
  });
  await expect(waiting).rejects.toThrow('late');
});
