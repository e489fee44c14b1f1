import { SuspendError } from 'waybill/adapter';
import { type FrameShare, type FrameSource, UNLIMITED } from 'waybill/peer/tcp';
import { FixedReader, LengthReader } from './counted-reader.ts';
import { type FramingValues, lineEnds } from './framing-settings.ts';
import { type LengthPrefix, lengthField } from './length-prefix.ts';
import { MarkedReader } from './marked-reader.ts';
import { UntilClosedReader } from './until-closed-reader.ts';

/** How messages are separated in a stream of bytes, in one direction. */
export interface Framing {
  reader(limit: number, share?: FrameShare): FrameSource;
  /** What surrounds a body of so many bytes. Throws SuspendError if it does not fit. */
  around(size: number): { readonly before: Buffer; readonly after: Buffer };
  /**
   * Passes on the parts of a body, and throws SuspendError at one that contains the bytes that mark its end: the
   * peer would split the message there, and take the rest for another.
   */
  guard(): (part: Buffer) => Buffer;
  /** A message ends with its connection. */
  readonly endsByClosing: boolean;
}

const NOTHING = Buffer.alloc(0);
const pass = (part: Buffer): Buffer => part;

/** The framing of the settings. They are complete: `framingFaults` has checked them. */
export function framingOf(values: FramingValues): Framing {
  const { framing } = values;
  if (framing === 'lines') return marked(undefined, lineEnds(values.lineEnd));
  if (framing === 'marks') return marked(values.startMark, [values.endMark ?? NOTHING]);
  if (framing === 'fixed') return fixed(values.recordLength ?? 1, values.pad);
  if (framing === 'closed') return untilClosed;
  return counted({
    bytes: values.lengthBytes,
    form: values.lengthForm,
    countsItself: values.lengthCounts === 'all',
  });
}

/** `ends`: any of them ends a message; the first is written. */
function marked(start: Buffer | undefined, ends: readonly Buffer[]): Framing {
  const [end = NOTHING] = ends;
  const before = start ?? NOTHING;
  const guarded = new GuardedMarks(start === undefined ? ends : [start, ...ends]);
  return {
    reader: (limit, share = UNLIMITED) => new MarkedReader({ start, ends }, limit, share),
    around: () => ({ before, after: end }),
    guard: () => markGuard(guarded),
    endsByClosing: false,
  };
}

function counted(prefix: LengthPrefix): Framing {
  return {
    reader: (limit, share = UNLIMITED) => new LengthReader(prefix, limit, share),
    around: (size) => ({ before: lengthField(prefix, size), after: NOTHING }),
    guard: () => pass,
    endsByClosing: false,
  };
}

function fixed(length: number, pad: Buffer | undefined): Framing {
  return {
    reader: (_, share = UNLIMITED) => new FixedReader(length, share),
    around(size) {
      const missing = length - size;
      if (missing < 0 || (missing > 0 && pad === undefined)) {
        throw new SuspendError(
          `The body has ${size} bytes, and every message is sent with ${length} (recordLength). Correct the transform that makes it, or set pad for shorter ones.`,
        );
      }
      return { before: NOTHING, after: Buffer.alloc(missing, pad) };
    },
    guard: () => pass,
    endsByClosing: false,
  };
}

const untilClosed: Framing = {
  reader: (limit, share = UNLIMITED) => new UntilClosedReader(limit, share),
  around: () => ({ before: NOTHING, after: NOTHING }),
  guard: () => pass,
  endsByClosing: true,
};

/** Bytes that a body must not contain. */
class GuardedMarks {
  /** How many bytes of one may stand at the end of a part. */
  readonly overlap: number;
  /** A single byte is looked for as such, which is quicker. */
  readonly #all: readonly (Buffer | number)[];

  constructor(all: readonly Buffer[]) {
    this.overlap = Math.max(...all.map((mark) => mark.length)) - 1;
    this.#all = all.map((mark) => (mark.length === 1 ? mark.readUInt8() : mark));
  }

  areIn(bytes: Buffer): boolean {
    for (const mark of this.#all) if (bytes.includes(mark)) return true;
    return false;
  }
}

/** Finds marks even across two parts. */
function markGuard(marks: GuardedMarks): (part: Buffer) => Buffer {
  const { overlap } = marks;
  let tail: Buffer = NOTHING;
  return (part) => {
    const isAcross =
      tail.length > 0 && marks.areIn(Buffer.concat([tail, part.subarray(0, overlap)]));
    if (isAcross || marks.areIn(part)) {
      throw new SuspendError(
        'The body contains the bytes that mark the beginning or end of a message on the wire, so the peer would split it in two. Remove them in a transform, or agree on another framing, and resend.',
      );
    }
    if (overlap === 0) return part;
    const seen = part.length >= overlap ? part : Buffer.concat([tail, part]);
    tail = seen.subarray(Math.max(0, seen.length - overlap));
    return part;
  };
}
