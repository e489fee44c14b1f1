import { describe, expect, test } from 'vitest';
import { type Held, Partition } from '../../../adapters/kafka/partition.ts';
import { type KafkaRecord, recordsOf } from '../../../adapters/kafka/records.ts';

const RECORD = 1_000;

const records = (count: number, from = 0): { records: KafkaRecord[]; next: bigint } => ({
  records: Array.from({ length: count }, (_, n) => ({
    offset: BigInt(from + n),
    timestamp: 0,
    key: null,
    value: Buffer.alloc(RECORD - 500),
    headers: [['ward', Buffer.alloc(300)] as const],
  })),
  next: BigInt(from + count),
});

/** A partition whose records are stored one by one, each once `store` is called. */
function partition(held: Held, parallel = 1) {
  const turns: (() => void)[] = [];
  const one = new Partition(
    { topic: 't', partition: 0 },
    { offset: 0n, topicId: '', committed: 0n },
    {
      parallel,
      held,
      store: () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        turns.push(resolve);
        return promise;
      },
      again: () => Promise.resolve(false),
      moved: () => undefined,
      signal: new AbortController().signal,
    },
  );
  const store = async (): Promise<void> => {
    turns.shift()?.();
    await new Promise(setImmediate);
  };
  return { one, store, turns };
}

describe('the records that wait', () => {
  test('all partitions together take no more than they may, and each its share even then', async () => {
    const held = { bytes: 0, most: 10 * RECORD, share: 2 * RECORD };
    const [full, other] = [partition(held), partition(held)];
    full.one.take(records(20));
    // what there was no room for is fetched again
    expect(full.one.next).toBe(10n);
    expect(full.one.hasRoom).toBe(false);
    expect(other.one.hasRoom).toBe(true);
    other.one.take(records(20));
    expect(other.one.next).toBe(2n);
    expect(other.one.hasRoom).toBe(false);
    expect(held.bytes).toBe(12 * RECORD);
    for (let n = 0; n < 10; n++) await full.store();
    expect(full.one.position).toBe(10n);
    expect(full.one.hasRoom).toBe(true);
    full.one.take(records(1, 10));
    for (let n = 0; n < 2; n++) await other.store();
    await full.store();
    expect(held.bytes).toBe(0);
    expect([full.one.position, other.one.position]).toEqual([11n, 2n]);
  });

  test('one that comes while others are being stored does not wait for them, up to as many as may be stored at a time', async () => {
    const { one, store, turns } = partition({ bytes: 0, most: 1e6, share: 1e6 }, 3);
    for (const n of [0, 1, 2, 3]) one.take(records(1, n));
    expect(turns).toHaveLength(3);
    await store();
    expect(turns).toHaveLength(3);
    expect(one.position).toBe(1n);
  });

  test('a batch of more records than a function takes arguments is read', () => {
    const one = { offsetDelta: 0, timestampDelta: 0n, key: null, value: null, headers: [] };
    const all = Array.from({ length: 200_000 }, (_, n) => ({ ...one, offsetDelta: n }));
    const batch = { firstOffset: 0n, lastOffsetDelta: all.length - 1, attributes: 0, records: all };
    const fetched = { records: [{ ...batch, firstTimestamp: 0n, producerId: -1n }] };
    const marks = { IS_CONTROL: 32, IS_TRANSACTIONAL: 16 };
    const found = recordsOf(fetched as unknown as Parameters<typeof recordsOf>[0], 100n, marks);
    expect([found.records.length, found.records[0]?.offset, found.next]).toEqual([
      199_900,
      100n,
      200_000n,
    ]);
  });
});
