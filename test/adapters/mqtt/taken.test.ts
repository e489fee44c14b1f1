import type { IPublishPacket } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { TakenPackets } from '../../../adapters/mqtt/taken.ts';

const packet = (messageId: number, payload: string, more: Partial<IPublishPacket> = {}) =>
  ({
    cmd: 'publish',
    topic: 'lab/in',
    payload: Buffer.from(payload),
    qos: 1,
    dup: false,
    messageId,
    ...more,
  }) as IPublishPacket;

const again = (messageId: number, payload: string, more: Partial<IPublishPacket> = {}) =>
  packet(messageId, payload, { dup: true, ...more });

const memory = { read: () => Promise.resolve(undefined), write: () => Promise.resolve() };

test.for([
  { version: '5', atOnce: 2, first: false },
  // whole messages up to 64, prints above
  { version: '5', atOnce: 65, first: true },
  // how many a broker hands out cannot be limited
  { version: '3.1.1', atOnce: 2, first: true },
] as const)(
  'what is handed out again is known by its number and its bytes: $version, $atOnce',
  async ({ version, atOnce, first }) => {
    const taken = await TakenPackets.read({ version, atOnce }, memory);
    for (const id of [1, 2, 3]) await taken.add(packet(id, `m${id}`));
    await taken.add(packet(4, 'x'.repeat(20_000)));
    expect(taken.has(again(1, 'm1'))).toBe(first);
    expect(taken.has(again(3, 'm3'))).toBe(true);
    expect(taken.has(again(4, 'x'.repeat(20_000)))).toBe(true);
    // another message under a number that is used again
    expect(taken.has(again(3, 'other'))).toBe(false);
    expect(taken.has(again(3, 'm3', { topic: 'lab/out' }))).toBe(false);
    expect(taken.has(packet(3, 'm3'))).toBe(false);
    // one that is acknowledged anew is again among the last
    expect(taken.has(again(3, 'm3'))).toBe(true);
    await taken.add(packet(5, 'm5'));
    expect(taken.has(again(3, 'm3'))).toBe(true);
  },
);
