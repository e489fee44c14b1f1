import { idAtTime } from '../../src/message/id.ts';
import type { Envelope } from '../../src/message/message.ts';
import type { SearchKey, TraceInput } from '../../src/trace/trace-input.ts';
import { hl7, NOON } from './trace-sample.ts';

export interface SplitSession {
  /** The file, as it came. */
  readonly whole: number;
  /** For each patient the part, and what a process made from it without saying who it is about. */
  readonly parts: readonly { readonly mrn: string; readonly id: number; readonly made: number }[];
  readonly all: readonly TraceInput[];
}

const leg = (message: Envelope, body: string, keys: readonly SearchKey[]): TraceInput => ({
  kind: 'entry',
  entry: {
    record: {
      kind: 'leg',
      message,
      status: 'completed',
      started: message.created,
      done: message.created,
    },
    body: Buffer.from(body),
  },
  keys,
});

const of = (mrns: readonly string[]): SearchKey[] => mrns.map((value) => ({ name: 'mrn', value }));

/**
 * A file that `split` divided into a message for each patient; `record` made a text without any search field from each
 * and sent it on.
 */
export function splitSession(
  mrns: readonly string[],
  {
    at = NOON,
    later = at + 1,
    branches = true,
    apart = false,
  }: {
    readonly at?: number;
    readonly later?: number;
    readonly branches?: boolean;
    /** `record` has a queue: it begins once all parts are made. */
    readonly apart?: boolean;
  } = {},
): SplitSession {
  const whole = idAtTime(at);
  const common = { sessionId: whole, type: 'HL7v2:ADT_A01:2.5.1', received: at, size: 9 };
  const first = { ...common, id: whole, created: at, source: 'file-in', target: 'split' };
  const all = [leg(first, mrns.map((mrn) => hl7('C', mrn)).join(''), of(mrns))];
  const parts = mrns.map((mrn, index) => {
    const id = idAtTime(later) + (apart ? index : 2 * index);
    const made = id + (apart ? mrns.length : 1);
    const part = { part: index + 1, parts: mrns.length, branch: branches ? id : undefined };
    const one = { ...common, ...part, created: later };
    all.push(
      leg(
        { ...one, id, parentId: whole, source: 'split', target: 'record' },
        hl7(`C${index}`, mrn),
        of([mrn]),
      ),
      leg(
        { ...one, id: made, parentId: id, type: 'text/plain', source: 'record', target: 'paper' },
        `page ${index}`,
        [],
      ),
    );
    return { mrn, id, made };
  });
  return { whole, parts, all };
}
