import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { LiveMessage } from '../../../src/operator/live/live-record.ts';
import { type EventSourceClient, eventSource } from '../../support/event-source.ts';
import { type Operated, operated } from '../../support/operator.ts';

let production: Operated;

beforeAll(async () => {
  production = await operated();
});
afterAll(async () => production[Symbol.asyncDispose]());

const streamUrl = (query = ''): URL => new URL(`/api/v1/stream${query}`, production.url);

function completed({ events }: EventSourceClient): Set<number> {
  return new Set(
    events
      .filter(({ event }) => event === 'messages')
      .flatMap(({ data }) => (data as { items: LiveMessage[] }).items)
      .filter(({ status }) => status === 'completed')
      .map(({ id }) => id),
  );
}

test('after a reconnect the stream goes on where it was left, without a gap', async () => {
  const before = await eventSource(streamUrl('?topics=messages'));
  await vi.waitFor(() => expect(before.events[0]?.event).toBe('hello'));
  await production.send('L1');
  await vi.waitFor(() =>
    expect({ ended: before.ended, completed: completed(before).size }).toEqual({
      ended: false,
      completed: 1,
    }),
  );
  await before.close();
  for (const id of ['L2', 'L3', 'L4']) await production.send(id);
  await vi.waitFor(() => expect(production.receiver.received).toHaveLength(4));

  await using after = await eventSource(streamUrl('?topics=messages'), before.lastId);
  await vi.waitFor(() => expect(completed(after).size).toBe(3));
  expect(after.events.map(({ event }) => event)).not.toContain('reset');
  expect([...completed(after)].filter((id) => completed(before).has(id))).toEqual([]);
});

test('what is told is in the trace already', async () => {
  await using stream = await eventSource(streamUrl('?topics=messages'));
  await vi.waitFor(() => expect(stream.events).toHaveLength(1));
  await production.send('T1');
  await vi.waitFor(() => expect(completed(stream).size).toBe(1));
  const [id] = completed(stream);
  const { body } = await production.ask<{ status: string }>('GET', `/api/v1/messages/${id}`);
  expect(body.status).toBe('completed');
});

test('who left off in a stream that is no more is told to read anew', async () => {
  await using stream = await eventSource(streamUrl(), '17.longgone');
  await vi.waitFor(() => expect(stream.events[0]?.event).toBe('reset'));
  expect(stream.lastId).toMatch(/^\d+\.\w+$/);
});

test.for(['1000000', '-1', '0x1', '99999999999999999999', ''])(
  'who says to have been at %s of the stream, where nobody was, is told to read anew',
  async (place) => {
    const known = await eventSource(streamUrl());
    await vi.waitFor(() => expect(known.lastId).toBeDefined());
    await known.close();
    const epoch = known.lastId?.split('.')[1] ?? '';
    await using stream = await eventSource(streamUrl(), `${place}.${epoch}`);
    await vi.waitFor(() => expect(stream.events[0]?.event).toBe('reset'));
  },
);

test('a host that is switched off shows in the states and in the event log', async () => {
  await using stream = await eventSource(streamUrl('?topics=hosts,events'));
  await vi.waitFor(() => expect(stream.events.map(({ event }) => event)).toContain('hosts'));
  const stopped = await production.ask('POST', '/api/v1/hosts/hl7-out/stop', { reason: 'test' });
  expect(stopped.status).toBe(200);
  await vi.waitFor(
    () => {
      expect(JSON.stringify(stream.events)).toContain('host-stopped');
      expect(JSON.stringify(stream.events)).toContain('"health":"off"');
    },
    { timeout: 8_000 },
  );
  await production.ask('POST', '/api/v1/hosts/hl7-out/start', {});
});
