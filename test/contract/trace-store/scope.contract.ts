import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskedError } from '../../../src/api/shown.ts';
import { causeOfFailure } from '../../../src/trace/cause.ts';
import type { ShownTo } from '../../../src/trace/shown-to.ts';
import type { TraceInput } from '../../../src/trace/trace-input.ts';
import type { TraceQuery } from '../../../src/trace/trace-query.ts';
import { examples } from '../../support/examples.ts';
import { hl7, NOON, sampleSession } from '../../support/trace-sample.ts';
import { searchKeysOf } from './asked.ts';
import { type OpenTraceStore, opened } from './opened.ts';

const SEARCH = { mrn: 'PID-3.1', name: 'PID-5.1' };
const NAMES = ['MEIER', 'MUELLER', 'SCHMID', 'ROTH'];
const SOURCES = ['adt-in', 'lab-in'];
const TARGETS = ['ward', 'lab', 'billing'];
const HOSTS = [...SOURCES, 'router', ...TARGETS];

interface Leg {
  readonly id: number;
  readonly sessionId: number;
  readonly source: string;
  readonly target: string;
  readonly body: string;
  readonly keys: Readonly<Record<string, string>>;
  readonly code?: string;
  readonly text?: string;
  readonly said?: string;
}

const keysOf = (mrn: string, name: string) => [
  { name: 'mrn', value: mrn },
  { name: 'name', value: name },
];

/** Sessions whose two legs hold different patients, as after a transform that takes names out or merges records. */
function world(): { readonly inputs: readonly TraceInput[]; readonly legs: readonly Leg[] } {
  const inputs: TraceInput[] = [];
  const legs: Leg[] = [];
  for (let n = 0; n < 24; n++) {
    const [came = '', sent = ''] = [NAMES[n % 4], NAMES[(n * 3 + 1) % 4]];
    const [source = '', target = ''] = [SOURCES[n % 2], TARGETS[n % 3]];
    const failed = n % 3 === 1;
    const text = `the receiver knows no "${sent}^ANNA" with number 47${110_000 + n}`;
    const said = n % 6 === 1 ? `ward closed for patient ${sent} ANNA` : 'database is read-only';
    const error = { code: n % 2 === 0 ? 'ADAPTER_REJECTED' : 'REPLY_NEGATIVE', text, said };
    const sample = sampleSession({
      at: NOON + n * 60_000,
      number: n,
      source,
      target,
      body: hl7(`A${n}`, `M${n}`, `${came}^ANNA`),
      sent: hl7(`B${n}`, `S${n}`, `${sent}^ANNA`),
      outcome: failed ? { status: 'suspended', error: { ...error, retryable: false } } : {},
    });
    const common = { sessionId: sample.root };
    inputs.push(
      { ...sample.arrival, keys: keysOf(`M${n}`, came) },
      { ...sample.queued, keys: keysOf(`S${n}`, sent) },
      sample.outcome,
    );
    legs.push(
      {
        ...common,
        id: sample.root,
        source,
        target: 'router',
        body: `|M${n}^|${came}`,
        keys: { mrn: `M${n}`, name: came },
      },
      {
        ...common,
        id: sample.derived,
        source: 'router',
        target,
        body: `|S${n}^|${sent}`,
        keys: { mrn: `S${n}`, name: sent },
        ...(failed ? error : {}),
      },
    );
  }
  return { inputs, legs };
}

const fits = (asked: string, value: string): boolean =>
  asked.endsWith('*') ? value.startsWith(asked.slice(0, -1)) : value === asked;

/** What somebody may be told, worked out from the messages alone. */
function expected(legs: readonly Leg[], query: TraceQuery, masksAll: boolean): number[] {
  const { visible = HOSTS, search = {}, contains, error, cause } = query;
  const isOpen = ({ source, target }: Leg): boolean =>
    visible.includes(source) && visible.includes(target);
  const isSeen = ({ source, target }: Leg): boolean =>
    visible.includes(source) || visible.includes(target);
  const shown = ({ text = '', said, ...leg }: Leg): { text: string; said?: string | undefined } =>
    isOpen({ ...leg, text }) && !masksAll ? { text, said } : maskedError({ text, said });
  const asked = Object.entries(search);
  return legs
    .filter(isSeen)
    .filter((leg) => (asked.length === 0 && contains === undefined) || isOpen(leg))
    .filter((leg) =>
      asked.every(([name, value]) =>
        legs.some(
          (other) =>
            other.sessionId === leg.sessionId &&
            isOpen(other) &&
            fits(value, other.keys[name] ?? ''),
        ),
      ),
    )
    .filter(({ body }) => contains === undefined || body.includes(contains))
    .filter((leg) => (error === undefined && cause === undefined) || leg.text !== undefined)
    .filter(
      (leg) =>
        error === undefined ||
        (leg.code ?? '').includes(error) ||
        (isOpen(leg) && Object.values(shown(leg)).some((one) => one?.includes(error) === true)),
    )
    .filter((leg) => cause === undefined || causeOfFailure(shown(leg)) === cause)
    .map(({ id }) => id)
    .toSorted((a, b) => a - b);
}

const FAILURE = {
  text: 'the receiver knows no "ROTH^ANNA" with number 47110001',
  said: 'database is read-only',
};

const criteria = fc.record(
  {
    search: fc.oneof(
      fc.record({ name: fc.constantFrom('M*', 'ME*', 'S*', ...NAMES) }),
      fc.record({ mrn: fc.constantFrom('M1*', 'S1*', 'M4', 'S7') }),
      fc.record({ name: fc.constantFrom('M*', ...NAMES), mrn: fc.constantFrom('M*', 'S*') }),
    ),
    contains: fc.constantFrom('MEIER', 'SCHMID', '|M1', '|S1'),
    error: fc.constantFrom(
      'MEIER',
      'SCHMID',
      'knows no',
      'REJECTED',
      '47110',
      'XXXX',
      '0000',
      'read-only',
    ),
    cause: fc.constantFrom(
      causeOfFailure(FAILURE),
      causeOfFailure(maskedError(FAILURE)),
      causeOfFailure({ ...FAILURE, said: 'ward closed for patient MEIER ANNA' }),
      'another one',
    ),
  },
  { requiredKeys: [] },
);

/** No question is answered about what its asker is not shown. */
export function describeTraceScope(name: string, open: OpenTraceStore): void {
  describe(`${name}: who sees only some hosts`, () => {
    test('finds by any criteria what they are shown of that, and nothing of the rest', async () => {
      const store = await opened(open);
      const { inputs, legs } = world();
      await store.apply(inputs);
      const keys = searchKeysOf(SEARCH);
      let told = 0;
      await fc.assert(
        fc.asyncProperty(
          criteria,
          fc.option(fc.subarray(HOSTS), { nil: undefined }),
          fc.boolean(),
          async (asked, visible, masksAll) => {
            const shown: ShownTo = { mask: maskedError, masksAll, keys };
            const query = { ...asked, visible, limit: 7 };
            const found: number[] = [];
            let after: string | undefined;
            do {
              const page = await store.find({ ...query, after }, { shown });
              found.push(...page.items.map(({ id }) => id));
              after = page.next;
            } while (after !== undefined);
            expect(found.toSorted((a, b) => a - b)).toEqual(expected(legs, query, masksAll));
            told += found.length;
          },
        ),
        { numRuns: examples(200) },
      );
      expect(told).toBeGreaterThan(2);
    });

    test('gets groups of failures without what is not open to them, and finds each group by its cause', async () => {
      const store = await opened(open);
      await store.apply(world().inputs);
      const shown: ShownTo = { mask: maskedError, masksAll: false };
      const secret = /MEIER|MUELLER|SCHMID|ROTH|47110/;
      const groupsOf = (visible: readonly string[]) =>
        store.failures({ byCause: true, visible }, shown);
      const own = await groupsOf(['lab']);
      expect(own.length).toBeGreaterThan(0);
      for (const group of own)
        expect(`${group.text} ${group.said} ${group.cause}`).not.toMatch(secret);
      const all = await groupsOf(HOSTS);
      expect(all.some(({ text }) => secret.test(text))).toBe(true);
      for (const visible of [['lab'], ['router', 'lab'], HOSTS]) {
        for (const { host, status, code, cause, count } of await groupsOf(visible)) {
          const query = { target: host, status: [status], error: code, cause, visible };
          const { items } = await store.find({ ...query, limit: 100 }, { shown });
          expect(items).toHaveLength(count);
        }
      }
      // a store that is not told how texts are shown tells none of them
      for (const { text, said } of await store.failures({ byCause: true, visible: ['lab'] }))
        expect([text, said]).toEqual(['', undefined]);
    });

    test('without a reader of search keys only sessions that are open as a whole are found', async () => {
      const store = await opened(open);
      const { inputs } = world();
      await store.apply(inputs);
      const search = { name: 'M*' };
      const some = await store.find({ search, visible: ['router', 'ward'] });
      expect(some.items).toEqual([]);
      const whole = await store.find({ search, visible: ['adt-in', 'router', 'ward'], limit: 100 });
      expect(whole.items.length).toBeGreaterThan(0);
    });
  });
}
