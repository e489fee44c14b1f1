import { setting } from 'waybill/adapter';

/** The bytes around a message on the wire. */
export interface Framing {
  /** The byte before each message; undefined if there is none. */
  readonly start: number | undefined;
  /** One or two bytes after it. */
  readonly end: readonly [number] | readonly [number, number];
  /** Tolerates careless senders that leave out the start byte or the last end byte. */
  readonly lenient: boolean;
}

const VT = 0x0b;
const FS = 0x1c;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

const MLLP: Framing = { start: VT, end: [FS, CR], lenient: false };

const KNOWN: Readonly<Record<string, Framing>> = {
  flexible: { ...MLLP, lenient: true },
  mllp: MLLP,
  'ascii-lf': { start: undefined, end: [LF], lenient: false },
  'ascii-cr-lf': { start: undefined, end: [CR, LF], lenient: false },
  'ascii-cr': { start: undefined, end: [CR], lenient: false },
};

/** `0B/1C0D`: hexadecimal, the start byte (or none), a slash, one or two end bytes. */
const CUSTOM = /^([0-9a-f]{2})?\/([0-9a-f]{2})([0-9a-f]{2})?$/i;

const byteOf = (hex: string): number => Number.parseInt(hex, 16);

/** The framing a setting names; undefined if it names none. */
export function framingNamed(text: string): Framing | undefined {
  const known = Object.hasOwn(KNOWN, text) ? KNOWN[text] : undefined;
  if (known !== undefined) return known;
  const [, start, first, second] = CUSTOM.exec(text) ?? [];
  if (first === undefined) return undefined;
  return {
    start: start === undefined ? undefined : byteOf(start),
    end: second === undefined ? [byteOf(first)] : [byteOf(first), byteOf(second)],
    lenient: false,
  };
}

/** The setting `framing`, the same in both directions except for its default. */
export function framingSetting(
  initial: 'flexible' | 'mllp',
): setting.Setting<Framing, string | undefined> {
  const base = setting.text({
    help: 'How messages are delimited on the wire: mllp (VT … FS CR); flexible (the same, but a missing VT or last CR is tolerated); ascii-lf, ascii-cr-lf or ascii-cr (no start, one line end after the message); or custom bytes in hexadecimal, such as 0B/1C0D.',
    default: initial,
    example: '0B/1C0D',
    advanced: true,
  });
  return {
    ...base,
    read: (given) => {
      const framing = typeof given === 'string' ? framingNamed(given) : undefined;
      return framing === undefined
        ? setting.bad(
            'must be flexible, mllp, ascii-lf, ascii-cr-lf, ascii-cr, or bytes in hexadecimal such as 0B/1C0D',
          )
        : setting.good(framing);
    },
  };
}

/** What to write before and after a message. */
export function frameMarks({ start, end }: Framing): { before: Buffer; after: Buffer } {
  return { before: Buffer.from(start === undefined ? [] : [start]), after: Buffer.from(end) };
}

/** A message with its marks, in one buffer: one packet on the wire. */
export function frame(body: Uint8Array, framing: Framing): Buffer {
  const { before, after } = frameMarks(framing);
  return Buffer.concat([before, body, after]);
}

/**
 * Makes a body safe between marks: an acknowledgement repeats fields of the sender, and a mark in
 * them would cut it in two. Framings without a start byte end in a line end, which HL7 itself
 * needs.
 */
export function withoutMarks(body: Uint8Array, { start, end: [first] }: Framing): Uint8Array {
  if (start === undefined || (!body.includes(start) && !body.includes(first))) return body;
  return body.map((byte) => (byte === start || byte === first ? SPACE : byte));
}
