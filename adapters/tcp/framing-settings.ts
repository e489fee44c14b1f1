import { type SettingsFault, setting } from 'waybill/adapter';
import { wireBytes } from './wire-bytes.ts';

const LINE_ENDS = {
  lf: [Buffer.from('\n')],
  crlf: [Buffer.from('\r\n')],
  cr: [Buffer.from('\r')],
  any: [Buffer.from('\r'), Buffer.from('\n')],
} as const;

export const lineEnds = (name: keyof typeof LINE_ENDS): readonly Buffer[] => LINE_ENDS[name];

const framing = setting.choice(
  {
    lines: 'A message is a line (lineEnd)',
    marks: 'Chosen bytes come after each message, and usually before it (startMark, endMark)',
    length: 'The length of each message comes before it (lengthBytes, lengthForm, lengthCounts)',
    fixed: 'Every message has the same number of bytes (recordLength)',
    closed: 'A message ends when its sender closes the connection',
  },
  {
    help: 'How messages are separated on the wire. What surrounds a message is not part of it.',
    default: 'lines',
  },
);

const details = {
  startMark: setting.optional(
    wireBytes({
      help: 'With framing: marks, the bytes before each message. If left out, the first byte after a message begins the next. Names, hexadecimal or text in quotes.',
      example: 'STX',
    }),
  ),
  endMark: setting.optional(
    wireBytes({
      help: 'With framing: marks, the bytes after each message. Names, hexadecimal or text in quotes.',
      example: 'ETX CR',
    }),
  ),
  lengthBytes: setting.integer({
    help: 'With framing: length, how many bytes the length has.',
    default: 4,
    minimum: 1,
    maximum: 8,
  }),
  lengthForm: setting.choice(
    {
      big: 'Binary, the highest byte first (network order)',
      little: 'Binary, the lowest byte first',
      digits: 'Decimal digits in ASCII, with zeros or blanks before them',
    },
    { help: 'With framing: length, how the length is written.', default: 'big' },
  ),
  lengthCounts: setting.choice(
    { body: 'Only the message', all: 'The message and the length itself' },
    { help: 'With framing: length, what the length counts.', default: 'body' },
  ),
  recordLength: setting.optional(
    setting.integer({
      help: 'With framing: fixed, how many bytes every message has.',
      minimum: 1,
      maximum: 1_048_576,
    }),
  ),
};

/** How messages are received. */
export const framingIn = {
  framing,
  lineEnd: setting.choice(
    {
      any: 'CR, LF or both',
      crlf: 'CR and LF',
      lf: 'LF; a CR before it is part of the line',
      cr: 'CR; an LF after it is part of the next line',
    },
    { help: 'With framing: lines, what ends a line. Empty lines are ignored.', default: 'any' },
  ),
  ...details,
};

/** How messages are sent. */
export const framingOut = {
  framing,
  lineEnd: setting.choice(
    { crlf: 'CR and LF', lf: 'LF alone', cr: 'CR alone' },
    { help: 'With framing: lines, the line end written after each message.', default: 'crlf' },
  ),
  ...details,
  pad: setting.optional(
    wireBytes({
      help: 'With framing: fixed, what shorter messages are padded with. If left out, a shorter one is set aside.',
      example: 'SP',
    }),
  ),
};

export type FramingValues = setting.ValuesOf<
  Omit<typeof framingOut, 'lineEnd' | 'pad'> & { readonly lineEnd: typeof framingIn.lineEnd }
> & { readonly pad?: Buffer | undefined };

/** Settings that a framing lacks, and those that belong to another. */
export function framingFaults(values: FramingValues): SettingsFault[] {
  const { framing: kind } = values;
  const faults: SettingsFault[] = [];
  const needs = (name: 'endMark' | 'recordLength', of: string, remedy: string): void => {
    if (kind !== of || values[name] !== undefined) return;
    faults.push({ path: [name], what: `is missing: framing is ${of}`, remedy });
  };
  needs('endMark', 'marks', 'Say which bytes come after a message, such as ETX or CR LF.');
  needs('recordLength', 'fixed', 'Say how many bytes every message has.');
  for (const [name, of] of BELONGS) {
    if (values[name] === undefined || kind === of) continue;
    faults.push({
      path: [name],
      what: `has no effect: framing is ${kind}`,
      remedy: `Set framing: ${of}, or remove it.`,
    });
  }
  for (const name of ['startMark', 'endMark', 'pad'] as const) {
    if (values[name]?.length !== 0) continue;
    faults.push({ path: [name], what: 'has no bytes', remedy: 'Leave it out if there are none.' });
  }
  return faults;
}

const BELONGS = [
  ['startMark', 'marks'],
  ['endMark', 'marks'],
  ['recordLength', 'fixed'],
  ['pad', 'fixed'],
] as const;
