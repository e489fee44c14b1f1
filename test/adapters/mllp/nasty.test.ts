import { expect, test, vi } from 'vitest';
import mllpIn from '../../../adapters/mllp/mllp-in.ts';
import { type MllpSender, mllpSender, portOf } from '../../support/mllp-sender.ts';
import { type NastyCase, nastyCase, nastyNames } from '../../support/nasty-cases.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';
import { processorTime } from '../../support/processor-time.ts';

/** The right answer to one nasty input. */
interface Right {
  /** MSA-1 and MSA-2 of every answer, in order. */
  readonly answers: readonly string[];
  /** Whether the connection stays open. */
  readonly stays: boolean;
  /** How many messages are delivered; by default as many as were answered with an accept code. */
  readonly delivered?: number;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What an operator is told. */
  readonly event?: RegExp;
  /** What one of the answers says, ERR included. */
  readonly says?: RegExp;
  /** The delivered bytes are those between the marks. */
  readonly exact?: true;
  /** In at most so many milliseconds of processor time. */
  readonly within?: number;
}

const RIGHT: Readonly<Record<string, Right | readonly Right[]>> = {
  'split-every-byte': { answers: ['AA|N1'], stays: true, exact: true },
  'two-frames-one-chunk': { answers: ['AA|N2A', 'AA|N2B'], stays: true },
  'one-and-a-half-frames': { answers: ['AA|N3A', 'AA|N3B'], stays: true },
  'utf8-char-split': { answers: ['AA|N4'], stays: true, exact: true },
  'fs-cr-split': { answers: ['AA|N5A', 'AA|N5B'], stays: true },
  'crlf-between-frames': { answers: ['AA|N6A', 'AA|N6B'], stays: true },
  'junk-before-vt': { answers: ['AA|N7'], stays: true, event: /bytes that belong to no message/ },
  'http-request-flood': { answers: [], stays: false, event: /addressed as a web server/ },
  'tls-client-hello-on-plain-port': { answers: [], stays: false, event: /speaks TLS\. Add a tls/ },
  'vt-restart-inside-frame': {
    answers: ['AA|N10'],
    stays: true,
    event: /began a message anew; 13 bytes of the one before were dropped/,
  },
  'no-fs-then-silence': {
    answers: [],
    stays: false,
    settings: { frameTimeout: '100ms' },
    event: /did not finish a message in time \(\d+ bytes came\)/,
  },
  'no-fs-endless': { answers: [], stays: false, event: /sent more than 52428800 bytes/ },
  'empty-frame': { answers: ['AR|', 'AA|N13'], stays: true, says: /Empty message/ },
  'not-hl7': { answers: ['AR|', 'AA|N14'], stays: true, says: /Message does not start with MSH/ },
  'msh-too-short': { answers: ['AR|'], stays: true, says: /MSH-9 missing/ },
  'bad-encoding-characters': {
    answers: ['AR|', 'AR|'],
    stays: true,
    says: /Invalid encoding characters/,
  },
  'no-msh-9': { answers: ['AR|N17'], stays: true, says: /ERR\|\|?MSH\^1\^9.*101/ },
  'no-msh-10': { answers: ['AR|'], stays: true, says: /MSH-10 missing/ },
  'version-2.9': [
    { answers: ['AA|N19'], stays: true },
    {
      answers: ['AR|N19'],
      stays: true,
      settings: { versions: ['2.5.1'] },
      says: /MSH\^1\^12.*203.*Unsupported version id 2\.9/,
    },
  ],
  'custom-delimiters': { answers: ['AA|N20'], stays: true, says: /^MSH\$%\*!\?\$.*\rMSA\$AA\$N20/ },
  'lf-terminators': { answers: ['AA|N21'], stays: true, exact: true },
  'crlf-terminators': { answers: ['AA|N22'], stays: true, exact: true },
  'blank-and-indented-segments': { answers: ['AA|N23'], stays: true, exact: true },
  'line-that-is-no-segment': [
    { answers: ['AA|N24'], stays: true, exact: true },
    {
      answers: ['AE|N24'],
      stays: true,
      settings: { validate: 'structure' },
      says: /100.*Line 3 is not a segment/,
    },
  ],
  'invalid-utf8-declared-utf8': [
    { answers: ['AE|N25'], stays: true, says: /102.*Invalid byte at offset \d+ for UNICODE UTF-8/ },
    { answers: ['AA|N25'], stays: true, exact: true, settings: { validate: 'none' } },
  ],
  'latin1-declared-8859/1': { answers: ['AA|N26'], stays: true, exact: true, says: /\|8859\/1\r/ },
  'unknown-charset': [
    { answers: ['AE|N27'], stays: true, says: /MSH\^1\^18.*103.*ISO IR 999 not supported/ },
    { answers: ['AA|N27'], stays: true, exact: true, settings: { validate: 'none' } },
  ],
  utf16le: { answers: ['AR|'], stays: true, says: /does not start with MSH \(UTF-16\?\)/ },
  'huge-obx5-10MB': { answers: ['AA|N29'], stays: true, exact: true, within: 2_000 },
  'two-msh-no-bhs': { answers: ['AE|N30A'], stays: true, says: /100.*2 MSH segments in one frame/ },
  'batch-bhs-count-mismatch': [
    {
      answers: ['AA|N31A', 'AA|N31B'],
      stays: true,
      event: /BTS-1 is 3, found 2/,
    },
    {
      answers: ['AA|N31A'],
      stays: true,
      delivered: 2,
      settings: { batchAnswer: 'batch' },
      event: /BTS-1 is 3, found 2/,
      says: /^BHS[^]*MSA\|AA\|N31A[^]*MSA\|AA\|N31B[^]*BTS\|2\|BTS-1 is 3, found 2/,
    },
    {
      answers: ['AA|'],
      stays: true,
      delivered: 1,
      settings: { batch: 'whole' },
      exact: true,
    },
  ],
  'ack-on-inbound': [
    {
      answers: [],
      stays: true,
      delivered: 0,
      event: /acknowledgement arrived from 127.0.0.1 and was ignored/,
    },
    { answers: [], stays: true, delivered: 1, settings: { inboundAcks: 'deliver' } },
  ],
  'enhanced-mode-never': [
    { answers: [], stays: true, delivered: 1, settings: { acknowledge: 'by-message' } },
    { answers: ['AA|N33'], stays: true },
  ],
  'enhanced-mode-al': [
    { answers: ['CA|N34'], stays: true, settings: { acknowledge: 'by-message' } },
    { answers: ['AA|N34'], stays: true },
  ],
  'duplicate-msh10': { answers: ['AA|N35', 'AA|N35'], stays: true },
  'bad-escapes': { answers: ['AA|N36'], stays: true, exact: true },
  'control-id-with-delimiters': { answers: ['AA|N\\F\\37'], stays: true },
  'nul-and-control-bytes': { answers: ['AA|N38'], stays: true, exact: true },
  'fs-inside-payload': { answers: ['AA|N39'], stays: true, exact: true },
  '100k-segments': { answers: ['AA|N40'], stays: true, exact: true, within: 2_000 },
};

const ALIVE =
  'MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|ALIVE|P|2.5.1\rEVN|A01|20260101\rPID|1||1||X\rPV1|1|I\r';

const CASES = Object.entries(RIGHT).flatMap(([name, right]) =>
  [right]
    .flat()
    .map((one, index) => ({ name: index === 0 ? name : `${name} (${index + 1})`, one })),
);

test('every nasty input has its right answer here', () => {
  expect(Object.keys(RIGHT)).toEqual(nastyNames());
});

test.for(CASES)('$name is answered right', async ({ name, one }) => {
  const nasty = nastyCase(name.replace(/ \(\d\)$/, ''));
  await using opened = await openInbound(mllpIn, { listen: '127.0.0.1:0', ...one.settings });
  await using sender = await mllpSender(portOf(opened));
  const began = processorTime();
  await writeAll(sender, nasty);
  await sender.answered(one.answers.length);
  expect(processorTime() - began).toBeLessThan(one.within ?? 10_000);
  await vi.waitFor(() => expect(sender.closed).toBe(!one.stays));
  if (one.stays) await expectAlive(sender, one.answers.length);

  expect(sender.codes().slice(0, one.answers.length)).toEqual(one.answers);
  expectDelivered(opened, one, nasty);
  const events = opened.events.map(({ text }) => text).join('\n');
  // what is taken is told nowhere, and what is refused always
  const taken = one.answers.every((answer) => /^[AC]A/.test(answer));
  expect(events).toMatch(one.event ?? (taken ? /^$/ : /^Refused a message of/));
  expect(sender.answers.join('\n')).toMatch(one.says ?? /^/);
});

async function writeAll({ socket }: MllpSender, { chunks }: NastyCase): Promise<void> {
  for (const chunk of chunks) {
    if (socket.destroyed || !socket.writable) return;
    await new Promise((resolve) => {
      socket.write(chunk, resolve);
    });
  }
}

/** The connection still takes a good message; nothing else was answered before it. */
async function expectAlive(sender: MllpSender, answersBefore: number): Promise<void> {
  sender.send(ALIVE);
  await sender.answered(answersBefore + 1);
  expect(sender.codes().slice(answersBefore)).toEqual(['AA|ALIVE']);
}

function expectDelivered(opened: OpenedInbound, one: Right, { chunks }: NastyCase): void {
  const bodies = opened.delivered.filter(({ dedupeKey }) => dedupeKey !== 'ALIVE');
  const accepted = one.answers.filter((code) => /^[AC]A/.test(code)).length;
  expect(bodies).toHaveLength(one.delivered ?? accepted);
  if (one.exact !== true) return;
  const sent = Buffer.concat(chunks);
  const inside = sent.subarray(sent.indexOf(0x0b) + 1, sent.lastIndexOf(0x1c));
  expect(bodies[0]?.body.equals(inside), 'the bytes were changed').toBe(true);
}
