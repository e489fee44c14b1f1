import { EngineError } from 'waybill/adapter';
import type { Answers, Sign } from './answers.ts';
import { ENQ, EOT } from './frame.ts';
import type { LinkValues } from './link-settings.ts';

/**
 * What happened to a message: `ACK` the other side has it; `NAK` it refused a frame every time; `BUSY` it accepts
 * nothing now; `contention` it began to send at the same time.
 */
export type Sent = 'ACK' | 'NAK' | 'BUSY' | 'contention';

/** The line while this side sends. */
export interface Line {
  readonly place: string;
  readonly values: LinkValues;
  readonly answers: Answers;
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/**
 * Sends one message (E1381 §6.2 to §6.5). Throws REPLY_TIMEOUT if the other side falls silent, after telling it
 * that the transmission is over.
 *
 *     ENQ ──ACK──► frame ──ACK──► next frame … ──► EOT
 *      │ NAK: busy    │ NAK: the same frame again
 */
export async function transmit(frames: readonly Buffer[], line: Line): Promise<Sent> {
  const agreed = await establish(line);
  if (agreed !== 'ACK') return agreed;
  for (const [at, frame] of frames.entries()) {
    if (await isTaken(frame, line, at + 1 === frames.length)) continue;
    await line.write(Buffer.of(EOT));
    return 'NAK';
  }
  await line.write(Buffer.of(EOT));
  return 'ACK';
}

async function establish(line: Line): Promise<Sent> {
  const said = await ask(Buffer.of(ENQ), line, 'an enquiry (ENQ)');
  if (said === 'ENQ') return 'contention';
  return said === 'ACK' ? 'ACK' : 'BUSY';
}

async function isTaken(frame: Buffer, line: Line, isLast: boolean): Promise<boolean> {
  for (let left = line.values.tries; left > 0; left--) {
    const what = isLast ? 'the last frame of a message: it may have it' : 'a frame';
    const said = await ask(frame, line, what);
    // EOT accepts the frame and requests the line, which the other side gets at the end of the message (§6.5.2.3)
    if (said === 'ACK' || said === 'EOT') return true;
  }
  return false;
}

/** Sends something and returns the answer. */
async function ask(
  bytes: Buffer,
  { answers, values, place, write }: Line,
  what: string,
): Promise<Sign> {
  answers.clear();
  await write(bytes);
  const said = await answers.next(values.replyTimeout);
  if (said !== undefined) return said;
  await write(Buffer.of(EOT));
  throw new EngineError(
    'REPLY_TIMEOUT',
    `${place} did not answer within ${values.replyTimeout} ms to ${what}. Look at the device: it may be off, or speak without the low-level protocol (ENQ, STX … ETX).`,
    { retryable: true },
  );
}
