import { isUtf8 } from 'node:buffer';
import type { NewMessage } from 'waybill/adapter';
import { describedBody } from 'waybill/peer/http';
import type { Share } from './membership.ts';
import type { KafkaRecord } from './records.ts';

interface Taken extends Share {
  /** Of the topic; may be empty. */
  readonly topicId: string;
  /** Where the message was taken from, for people. */
  readonly place: string;
}

interface Shown {
  readonly as: 'value' | 'record';
  readonly type: string | undefined;
}

const LONGEST_NAME = 250;
/** The last moment of a Date, in milliseconds. */
const LAST_TIME = 8.64e15;

/** What is delivered for a record. */
export function messageOf(
  record: KafkaRecord,
  { topic, partition, topicId, place }: Taken,
  { as, type }: Shown,
): NewMessage {
  const { offset, key, headers } = record;
  const header = (name: string): string | undefined =>
    headers.findLast((one) => one[0].toLowerCase() === name)?.[1].toString();
  const facts = {
    origin: `${place}/${topic}/${partition}/${offset}`,
    // a topic that was made anew counts from 0 again
    dedupeKey: `${topicId === '' ? topic : topicId}/${partition}/${offset}`,
    ...(key !== null && isUtf8(key) && { name: key.toString().slice(0, LONGEST_NAME) }),
    ...traced(header('traceparent')),
  };
  if (as === 'record') {
    const body = Buffer.from(JSON.stringify(wholeOf(record, { topic, partition })));
    return { ...facts, body, type: 'application/json', charset: 'utf-8' };
  }
  const body = record.value ?? Buffer.alloc(0);
  return { ...facts, body, ...describedBody(body, header('content-type'), type) };
}

function traced(header: string | undefined): { readonly traceparent?: string } {
  return header !== undefined && /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(header)
    ? { traceparent: header }
    : {};
}

/** A record as JSON: bytes that are no text are in base64, under a name that says so. */
function wholeOf(
  { offset, timestamp, key, value, headers }: KafkaRecord,
  { topic, partition }: Share,
): object {
  return {
    topic,
    partition,
    offset: Number(offset),
    // a sender may write any number
    timestamp: Math.abs(timestamp) <= LAST_TIME ? new Date(timestamp).toISOString() : null,
    ...named('key', key),
    headers: Object.fromEntries(headers.map(([name, content]) => [name, content.toString()])),
    ...named('value', value),
  };
}

const named = (name: string, bytes: Buffer | null): object =>
  bytes === null || isUtf8(bytes)
    ? { [name]: bytes === null ? null : bytes.toString() }
    : { [`${name}Base64`]: bytes.toString('base64') };
