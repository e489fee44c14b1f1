import type { AnswerTo, KafkaLibrary } from './broker.ts';

type FetchedPartition = AnswerTo<'fetch'>['responses'][number]['partitions'][number];

/** One message as a partition holds it. */
export interface KafkaRecord {
  readonly offset: bigint;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  /** Null deletes what the key stands for (a tombstone). */
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
}

export interface FetchedRecords {
  readonly records: readonly KafkaRecord[];
  /** Where the next ones begin. */
  readonly next: bigint;
}

const ABORT = 0;

/**
 * The records of an answer from an offset on: without those of transactions that were given up, and without the marks
 * that end transactions.
 */
export function recordsOf(
  { records: batches, abortedTransactions }: FetchedPartition,
  from: bigint,
  { IS_CONTROL, IS_TRANSACTIONAL }: Pick<KafkaLibrary, 'IS_CONTROL' | 'IS_TRANSACTIONAL'>,
): FetchedRecords {
  const aborted = new Abandoned(abortedTransactions ?? []);
  const records: KafkaRecord[] = [];
  let next = from;
  for (const batch of batches ?? []) {
    const { firstOffset, lastOffsetDelta, attributes, producerId, firstTimestamp } = batch;
    next = firstOffset + BigInt(lastOffsetDelta) + 1n;
    aborted.upTo(next);
    if ((attributes & IS_CONTROL) !== 0) {
      const type = batch.records[0]?.key?.readInt16BE(2);
      if (type === ABORT) aborted.end(producerId);
      continue;
    }
    if ((attributes & IS_TRANSACTIONAL) !== 0 && aborted.has(producerId)) continue;
    for (const one of fromOn(batch, from)) records.push(recordOf(one, firstOffset, firstTimestamp));
  }
  return { records, next: next < from ? from : next };
}

type FetchedBatch = NonNullable<FetchedPartition['records']>[number];
type FetchedRecord = FetchedBatch['records'][number];

/** A batch that is packed comes whole. */
const fromOn = ({ firstOffset, records }: FetchedBatch, from: bigint): readonly FetchedRecord[] =>
  firstOffset >= from
    ? records
    : records.filter((one) => firstOffset + BigInt(one.offsetDelta) >= from);

const recordOf = (
  { offsetDelta, timestampDelta, key, value, headers }: FetchedRecord,
  firstOffset: bigint,
  firstTimestamp: bigint,
): KafkaRecord => ({
  offset: firstOffset + BigInt(offsetDelta),
  timestamp: Number(firstTimestamp + timestampDelta),
  key,
  value,
  headers:
    headers.length === 0
      ? NONE
      : headers.map(([name, content]) => [name?.toString() ?? '', content ?? Buffer.alloc(0)]),
});

const NONE: KafkaRecord['headers'] = [];

interface AbandonedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** The producers whose transaction at an offset was given up. */
class Abandoned {
  readonly #later: AbandonedTransaction[];
  readonly #now = new Set<bigint>();

  constructor(transactions: readonly AbandonedTransaction[]) {
    this.#later = transactions.toSorted((one, other) =>
      one.firstOffset < other.firstOffset ? -1 : 1,
    );
  }

  /** Transactions that began before an offset count from now on. */
  upTo(offset: bigint): void {
    for (let [first] = this.#later; first !== undefined && first.firstOffset < offset; ) {
      this.#now.add(first.producerId);
      this.#later.shift();
      [first] = this.#later;
    }
  }

  end(producerId: bigint): void {
    this.#now.delete(producerId);
  }

  has(producerId: bigint): boolean {
    return this.#now.has(producerId);
  }
}
