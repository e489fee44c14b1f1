import { SuspendError } from 'waybill/adapter';

/** The length before each message. */
export interface LengthPrefix {
  readonly bytes: number;
  readonly form: 'big' | 'little' | 'digits';
  /** It counts its own bytes as well. */
  readonly countsItself: boolean;
}

/** The prefix for a body of so many bytes. Throws SuspendError if the length does not fit. */
export function lengthField(prefix: LengthPrefix, size: number): Buffer {
  const { bytes, form, countsItself } = prefix;
  const value = size + (countsItself ? bytes : 0);
  if (value > mostOf(prefix)) {
    throw new SuspendError(
      `The body has ${size} bytes, which does not fit in a length of ${bytes} bytes (lengthBytes). Agree on a longer one with the peer, or send less.`,
    );
  }
  if (form === 'digits') return Buffer.from(String(value).padStart(bytes, '0'), 'latin1');
  const field = Buffer.alloc(bytes);
  // Node writes at most 6 bytes; those before them are 0 for any possible length.
  const low = Math.min(bytes, 6);
  if (form === 'big') field.writeUIntBE(value, bytes - low, low);
  else field.writeUIntLE(value, 0, low);
  return field;
}

/** The length of the body after this field, or its fault, which follows "it sent". */
export function bodyLength(prefix: LengthPrefix, field: Buffer): number | string {
  const value = valueOf(prefix, field);
  if (value === undefined) return 'a length that is not written in digits';
  const length = value - (prefix.countsItself ? prefix.bytes : 0);
  return length < 0 ? 'a length that is less than its own bytes (lengthCounts)' : length;
}

function valueOf({ form }: LengthPrefix, field: Buffer): number | undefined {
  if (form === 'digits') {
    const text = field.toString('latin1').trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  }
  // A number is inexact beyond 2^53, which is too large in any case.
  const ordered = form === 'big' ? [...field] : [...field].toReversed();
  return ordered.reduce((sum, byte) => sum * 256 + byte, 0);
}

function mostOf({ bytes, form }: LengthPrefix): number {
  return (form === 'digits' ? 10 : 256) ** bytes - 1;
}
