import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import type { Broker } from '../broker/broker.ts';
import { EngineError } from '../error/engine-error.ts';
import { describeSize } from '../time/size.ts';

const compress = promisify(gzip);
/** The first byte of what is compressed; JSON begins with a brace. */
const COMPRESSED = 0x1f;
/** Bytes of an answer that is read, at most. */
const MOST = 512 * 1024 * 1024;

/**
 * An answer for NATS. What is large is compressed, beside this thread: a description of thousands of hosts would be more
 * than NATS takes at once. Throws MESSAGE_TOO_LARGE.
 */
export async function answerBytes(
  { connection }: Pick<Broker, 'connection'>,
  answer: object,
): Promise<Uint8Array> {
  const json = Buffer.from(JSON.stringify(answer));
  const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  if (json.byteLength <= most / 4) return json;
  const bytes = await compress(json, { level: 1 });
  if (bytes.byteLength <= most) return bytes;
  throw new EngineError(
    'MESSAGE_TOO_LARGE',
    `the answer has ${describeSize(bytes.byteLength)}, compressed, and NATS accepts ${describeSize(most)} at once: ask for less`,
  );
}

/** What `answerBytes` has written, or an older version. */
export function readAnswer(data: Uint8Array): unknown {
  const bytes = data[0] === COMPRESSED ? gunzipSync(data, { maxOutputLength: MOST }) : data;
  return JSON.parse(Buffer.from(bytes).toString()) as unknown;
}
