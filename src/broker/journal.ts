import { setTimeout as sleep } from 'node:timers/promises';
import { nuid } from '@nats-io/transport-node';
import { describeError, EngineError } from '../error/engine-error.ts';
import type { JournalEntry } from '../message/record.ts';
import { describeSize } from '../time/size.ts';
import type { Broker } from './broker.ts';
import { type EncodedEntry, encodeEntry, joinEntries } from './journal-batch.ts';

/** A stream of records: accepted messages, or their outcomes. */
export interface Journal {
  /** Resolves once the entry is stored. Rejects with QUEUE_UNAVAILABLE if it could not be, within about 10 s. */
  append(entry: JournalEntry): Promise<void>;
  /** Resolves once everything appended is stored or was rejected. */
  flush(): Promise<void>;
}

const BATCH_LIMIT = 256 * 1024;
const TRIES = 4;
/** The part of the server's largest message that is reserved for the record and its headers. */
const ROOM = 64 * 1024;
const USUAL_PAYLOAD = 1024 * 1024;

/**
 * The entry without its reply if that is too large for one NATS message, since the entry must be
 * stored and otherwise never would be.
 */
function fitting(entry: JournalEntry, largest: number): JournalEntry {
  const { record, body } = entry;
  if (record.kind !== 'outcome' || body === undefined || body.byteLength <= largest) {
    return entry;
  }
  const left = `the reply of ${describeSize(body.byteLength)} is too large to be stored`;
  const warning = record.warning === undefined ? left : `${record.warning}; ${left}`;
  return { record: { ...record, warning } };
}

interface Waiting extends EncodedEntry {
  stored(): void;
  failed(error: Error): void;
}

/**
 * Group commit: while one publish is in flight, further entries are collected and sent together as
 * one JetStream message; all waiting callers get the same acknowledgement. One message per entry
 * was rejected: with `sync_interval: always` a publish costs the same at 200 bytes and at 60 KB.
 */
export function journal({ publisher, connection }: Broker, subject: string): Journal {
  const largest = (): number => (connection.info?.max_payload ?? USUAL_PAYLOAD) - ROOM;
  const waiting: Waiting[] = [];
  let running: Promise<void> | undefined;
  // Nats-Msg-Id of each batch: a batch that is resent after a timeout is stored once
  const writer = nuid.next();
  let number = 0;

  const publish = async (batch: readonly Waiting[]): Promise<void> => {
    const bytes = joinEntries(batch);
    const msgID = `${writer}.${number++}`;
    for (let tries = 1; ; tries++) {
      try {
        await publisher.publish(subject, bytes, { msgID });
        return;
      } catch (error) {
        if (tries === TRIES) throw error;
        await sleep(50 * 2 ** tries);
      }
    }
  };

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = takeBatch(waiting);
      try {
        await publish(batch);
        for (const one of batch) one.stored();
      } catch (error) {
        const failure = new EngineError(
          'QUEUE_UNAVAILABLE',
          `the journal could not be written: ${describeError(error).text}`,
          { retryable: true },
        );
        for (const one of batch) one.failed(failure);
      }
    }
    running = undefined;
  };

  return {
    append(entry) {
      return new Promise((stored, failed) => {
        waiting.push({ ...encodeEntry(fitting(entry, largest())), stored, failed });
        running ??= drain();
      });
    },
    async flush() {
      while (running !== undefined) await running;
    },
  };
}

/** Takes as many entries from the front as fit into one message, at least one. */
function takeBatch(waiting: Waiting[]): Waiting[] {
  let size = 0;
  let count = 0;
  while (count < waiting.length) {
    size += waiting[count]?.size ?? 0;
    if (count > 0 && size > BATCH_LIMIT) break;
    count++;
  }
  return waiting.splice(0, count);
}
