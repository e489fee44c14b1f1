import type { Buffer } from 'node:buffer';
import { buffered } from '../charset.ts';
import { BatchTally, batchLine, LINE_HEAD, mayBeBatchLine } from './batch-tally.ts';
import type { Hl7Finding } from './finding.ts';
import { declaredDelimiters } from './header.ts';

/** The messages of a file or frame, and whether their number agrees with its counts. */
export interface Hl7Batch {
  /** `single`: one message; `batch`: in FHS or BHS; `several`: more than one MSH without either. */
  readonly kind: 'single' | 'batch' | 'several';
  /** Each message from its MSH on, byte for byte and in order; parts of the same memory. */
  readonly messages: readonly Uint8Array[];
  readonly findings: readonly Hl7Finding[];
}

/**
 * Splits a batch: FHS, BHS, messages, BTS, FTS, each envelope optional. Wrong counts in BTS-1 and
 * FTS-1, and lines outside a message, are findings. Linear in the size of the body.
 */
export function hl7Batch(bytes: Uint8Array): Hl7Batch {
  const buffer = buffered(bytes);
  const separator = declaredDelimiters(buffer).field;
  const tally = new BatchTally(separator);
  const messages: Uint8Array[] = [];
  let message = -1;
  const endMessage = (end: number): void => {
    if (message >= 0) messages.push(buffer.subarray(message, end));
    message = -1;
  };
  for (const [start, end] of linesOf(buffer)) {
    const head = (length: number): string =>
      buffer.toString('latin1', start, Math.min(start + length, end));
    const name = mayBeBatchLine(buffer[start]) ? batchLine(head(4), separator) : '';
    tally.take(name, () => head(LINE_HEAD));
    if (name === '') continue;
    endMessage(start);
    if (name === 'MSH') message = start;
  }
  endMessage(buffer.length);
  return { findings: tally.finish(), kind: tally.kind, messages };
}

/**
 * Start and end of every line, without blanks and a BOM before its first character. LF ends lines
 * only if it ends the first.
 */
function* linesOf(buffer: Buffer): Generator<readonly [start: number, end: number]> {
  const first = Math.max(firstCharacter(buffer, 0), 0);
  const cr = buffer.indexOf(13, first);
  const lf = buffer.indexOf(10, first);
  const mark = cr < 0 || (lf >= 0 && lf < cr) ? 10 : 13;
  let at = 0;
  while (at < buffer.length) {
    const start = firstCharacter(buffer, at);
    if (start >= buffer.length) return;
    const found = buffer.indexOf(mark, start);
    const end = found < 0 ? buffer.length : found;
    yield [start, end];
    at = end + 1;
  }
}

function firstCharacter(buffer: Buffer, from: number): number {
  let at = from === 0 && buffer.toString('latin1', 0, 3) === '\u00ef\u00bb\u00bf' ? 3 : from;
  while (at < buffer.length && (buffer[at] ?? 0) <= 32) at++;
  return at;
}
