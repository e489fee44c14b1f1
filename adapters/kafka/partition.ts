import { background, isTold } from 'waybill/adapter';
import { UnderWay } from 'waybill/peer';
import type { Position, Share } from './membership.ts';
import type { FetchedRecords, KafkaRecord } from './records.ts';

/** A partition is asked for more while less than this waits for its turn. */
const FEW = 200;
const LITTLE = 1024 * 1024;

interface Storing {
  /** How many records are stored at a time. */
  readonly parallel: number;
  /** Resolves once the record is done with; false if it is not, as the signal aborted. */
  readonly keep: (record: KafkaRecord, from: Partition, signal: AbortSignal) => Promise<boolean>;
  /** Called when there is room again, or the position has moved. */
  readonly moved: () => void;
  readonly signal: AbortSignal;
}

interface Pending {
  readonly offset: bigint;
  isDone: boolean;
}

/** A partition while it is ours: its records are stored in their order. */
export class Partition implements Share {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  /** The position that the group knows. */
  committed: bigint;
  /** The one that was written last, whether the brokers have it or not. */
  written: bigint;
  readonly #storing: Storing;
  readonly #work = new UnderWay();
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;
  readonly #waiting: KafkaRecord[] = [];
  readonly #pending: Pending[] = [];
  #next: bigint;
  #bytes = 0;
  #inHand = 0;

  constructor(
    { topic, partition }: Share,
    { offset, topicId, committed }: Position & { readonly committed: bigint },
    storing: Storing,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.topicId = topicId;
    this.committed = committed;
    this.written = committed;
    this.#next = offset;
    this.#storing = storing;
    this.#signal = AbortSignal.any([storing.signal, this.#ending.signal]);
  }

  /** Where the records begin that are to be fetched. */
  get next(): bigint {
    return this.#next;
  }

  /** The first record that is not stored. */
  get position(): bigint {
    return this.#pending[0]?.offset ?? this.#next;
  }

  get hasRoom(): boolean {
    return this.#waiting.length < FEW && this.#bytes < LITTLE;
  }

  take({ records, next }: FetchedRecords): void {
    this.#next = next;
    for (const record of records) {
      this.#waiting.push(record);
      this.#pending.push({ offset: record.offset, isDone: false });
      this.#bytes += sizeOf(record);
    }
    this.#pump();
    // what is left out moves the position, too
    if (records.length === 0) this.#storing.moved();
  }

  /** The records from here to there are gone. */
  goOnAt(offset: bigint): void {
    this.#next = offset;
    this.#storing.moved();
  }

  /** Others get it: nothing more is begun, and what cannot be stored is tried no more. */
  giveUp(): void {
    this.#ending.abort(new Error('given to another member'));
  }

  /** Resolves once nothing is being stored. */
  async stored(): Promise<void> {
    await this.#work.ended();
  }

  #pump(): void {
    while (this.#inHand < this.#storing.parallel && !this.#signal.aborted) {
      const record = this.#waiting.shift();
      if (record === undefined) return;
      this.#inHand += 1;
      background(this.#work.run(this.#store(record)), 'taking a message', isTold);
    }
  }

  async #store(record: KafkaRecord): Promise<void> {
    const { keep, moved } = this.#storing;
    let isDone = false;
    try {
      isDone = await keep(record, this, this.#signal);
    } finally {
      this.#inHand -= 1;
    }
    if (!isDone) return;
    this.#bytes -= sizeOf(record);
    const one = this.#pending.find(({ offset }) => offset === record.offset);
    if (one !== undefined) one.isDone = true;
    while (this.#pending[0]?.isDone === true) this.#pending.shift();
    this.#pump();
    moved();
  }
}

const sizeOf = ({ key, value }: KafkaRecord): number =>
  (key?.length ?? 0) + (value?.length ?? 0) + 200;
