import { background, isTold } from 'waybill/adapter';
import { UnderWay } from 'waybill/peer/basics';
import type { Position, Share } from './membership.ts';
import type { FetchedRecords, KafkaRecord } from './records.ts';

/** A partition is asked for more while fewer records than this wait for their turn. */
const FEW = 200;

/** What the records of all partitions take in memory, as far as they wait. */
export interface Held {
  bytes: number;
  /** What all may take together. */
  readonly most: number;
  /** What each may take even if all together take too much, so that those that stand still do not stop the others. */
  readonly share: number;
}

interface Storing {
  /** How many records are stored at a time. */
  readonly parallel: number;
  readonly held: Held;
  /** Stores a record; undefined if it is not to be stored. */
  readonly store: (record: KafkaRecord, from: Partition) => Promise<unknown> | undefined;
  /** Called where that throws. Resolves once the record is done with; false if it is not, as the signal aborted. */
  readonly again: (
    error: unknown,
    unstored: { readonly record: KafkaRecord; readonly from: Partition },
    signal: AbortSignal,
  ) => Promise<boolean>;
  /** Called when a record is stored, or the position has moved without one. */
  readonly moved: (which: Partition) => void;
  readonly signal: AbortSignal;
}

interface Begun {
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
  readonly #storing: Storing;
  readonly #work = new UnderWay();
  readonly #ending = new AbortController();
  readonly #end = (): void => this.#ending.abort(new Error('given to another member'));
  /** Those from `#first` on wait for their turn. */
  #records: readonly KafkaRecord[] = [];
  #first = 0;
  /** Those whose turn has come, until all before them are done. */
  readonly #begun: Begun[] = [];
  #next: bigint;
  #bytes = 0;
  #lanes = 0;
  #isOurs = true;

  constructor(
    { topic, partition }: Share,
    { offset, topicId, committed }: Position & { readonly committed: bigint },
    storing: Storing,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.topicId = topicId;
    this.committed = committed;
    this.#next = offset;
    this.#storing = storing;
    // a signal made of others costs more to ask than a message to store
    storing.signal.addEventListener('abort', this.#end, { once: true });
  }

  /** Where the records begin that are to be fetched. */
  get next(): bigint {
    return this.#next;
  }

  /** The first record that is not stored. */
  get position(): bigint {
    return this.#begun[0]?.offset ?? this.#records[this.#first]?.offset ?? this.#next;
  }

  /** What is to be fetched at a time, in bytes. */
  get share(): number {
    return this.#storing.held.share;
  }

  get hasRoom(): boolean {
    const { held } = this.#storing;
    const isLittle = this.#records.length - this.#first < FEW && this.#bytes < held.share;
    return isLittle && (held.bytes < held.most || this.#bytes === 0);
  }

  /** Takes as many of them as there is room for, at least one; what is left is fetched again. */
  take({ records, next }: FetchedRecords): void {
    const { held } = this.#storing;
    const taken: KafkaRecord[] = this.#records.slice(this.#first);
    this.#next = next;
    for (const record of records) {
      if (held.bytes >= held.most && this.#bytes >= held.share) {
        this.#next = record.offset;
        break;
      }
      taken.push(record);
      this.#hold(sizeOf(record));
    }
    this.#records = taken;
    this.#first = 0;
    this.#pump();
    // what is left out moves the position, too
    if (records.length === 0 && this.position !== this.committed) this.#hasMoved();
  }

  /** The records from here to there are gone. */
  goOnAt(offset: bigint): void {
    this.#next = offset;
    this.#hasMoved();
  }

  /** Others get it: nothing more is begun, and what cannot be stored is tried no more. */
  giveUp(): void {
    this.#storing.signal.removeEventListener('abort', this.#end);
    this.#end();
  }

  /** Others have it: what is still being stored moves its position no more. */
  release(): void {
    this.#isOurs = false;
  }

  /** Resolves once nothing is being stored. */
  async stored(): Promise<void> {
    await this.#work.ended();
  }

  #hasMoved(): void {
    if (this.#isOurs) this.#storing.moved(this);
  }

  #hold(bytes: number): void {
    this.#bytes += bytes;
    this.#storing.held.bytes += bytes;
  }

  #pump(): void {
    // each takes a record before it waits
    while (
      this.#lanes < this.#storing.parallel &&
      this.#first < this.#records.length &&
      !this.#ending.signal.aborted
    ) {
      this.#lanes += 1;
      background(this.#work.run(this.#storeAll()), 'taking a message', isTold);
    }
  }

  /** Stores what waits, one after the other. */
  async #storeAll(): Promise<void> {
    const { signal } = this.#ending;
    try {
      while (!signal.aborted) {
        const record = this.#records[this.#first];
        if (record === undefined) {
          this.#records = [];
          this.#first = 0;
          return;
        }
        this.#first += 1;
        const begun: Begun = { offset: record.offset, isDone: false };
        this.#begun.push(begun);
        let isDone = true;
        try {
          // a message takes as long as a few promises: there is only the one of the store
          await this.#storing.store(record, this);
        } catch (error) {
          isDone = await this.#storing.again(error, { record, from: this }, signal);
        }
        if (!isDone) return;
        this.#hold(-sizeOf(record));
        begun.isDone = true;
        while (this.#begun[0]?.isDone === true) this.#begun.shift();
        this.#hasMoved();
      }
    } finally {
      this.#lanes -= 1;
    }
  }
}

const sizeOf = ({ key, value, headers }: KafkaRecord): number =>
  (headers.length === 0 ? 200 : headers.reduce((sum, [, content]) => sum + content.length, 200)) +
  (key?.length ?? 0) +
  (value?.length ?? 0);
