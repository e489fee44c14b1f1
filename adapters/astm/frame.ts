/** The low-level protocol of laboratory instruments: ASTM E1381, today CLSI LIS01. */

export const [ENQ, ACK, NAK, EOT] = [0x05, 0x06, 0x15, 0x04];
export const [STX, ETX, ETB] = [0x02, 0x03, 0x17];
const CR = 0x0d;
const LF = 0x0a;

/** §6.3.1.2: characters of text in a frame. LIS01 allows 64,000. */
const FRAME_TEXT = 240;

/** Frames are numbered 1 to 7, then 0 (§6.3.2). */
export const nextNumber = (number: number): number => (number + 1) % 8;

/**
 * The frames of a message, with the numbers 1, 2 … of a transmission. Each record begins a new frame and
 * ends with ETX; longer ones continue in intermediate frames, which end with ETB.
 */
export function framesOf(message: Uint8Array, most = FRAME_TEXT): Buffer[] {
  const frames: Buffer[] = [];
  let number = 1;
  for (const record of recordsOf(message)) {
    for (let at = 0; at < record.length; at += most) {
      const isLast = at + most >= record.length;
      frames.push(frameOf(number, record.subarray(at, at + most), isLast));
      number = nextNumber(number);
    }
  }
  return frames;
}

/** The records of a message as they are sent: without line feeds and blank lines, each with its CR. */
function recordsOf(message: Uint8Array): Buffer[] {
  const text = Buffer.from(message).toString('latin1');
  return text
    .split(/[\r\n]+/)
    .filter((record) => record !== '')
    .map((record) => Buffer.from(`${record}\r`, 'latin1'));
}

function frameOf(number: number, text: Buffer, isLast: boolean): Buffer {
  const frame = Buffer.allocUnsafe(text.length + 7);
  const end = text.length + 2;
  frame[0] = STX;
  frame[1] = 0x30 + number;
  text.copy(frame, 2);
  frame[end] = isLast ? ETX : ETB;
  frame.write(checksum(frame.subarray(1, end + 1)), end + 1, 'latin1');
  frame[end + 3] = CR;
  frame[end + 4] = LF;
  return frame;
}

/** §6.3.3.1: the sum of the frame number, the text and ETB or ETX, modulo 256, in two hexadecimal digits. */
export function checksum(counted: Uint8Array): string {
  let sum = 0;
  for (const byte of counted) sum += byte;
  return (sum % 256).toString(16).toUpperCase().padStart(2, '0');
}

/** §6.6: bytes that are forbidden in a message, because the link protocol uses them. */
const RESTRICTED: ReadonlySet<number> = new Set([
  0x01,
  STX,
  ETX,
  EOT,
  ENQ,
  ACK,
  0x10,
  0x11,
  0x12,
  0x13,
  0x14,
  NAK,
  0x16,
  ETB,
]);

/** All of them are below this. */
const BEYOND = 0x18;

/** The first byte that cannot be sent; undefined if there is none. */
export function restrictedByte(message: Uint8Array): number | undefined {
  for (const byte of message) if (byte < BEYOND && RESTRICTED.has(byte)) return byte;
  return undefined;
}
