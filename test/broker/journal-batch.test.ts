import { array, assert, record as fields, option, property, string, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBatch, encodeEntry, joinEntries } from '../../src/broker/journal-batch.ts';
import type { JournalEntry, OutcomeRecord } from '../../src/message/record.ts';

const outcome = (id: number, text: string): OutcomeRecord => ({
  kind: 'outcome',
  id,
  sessionId: id,
  host: 'out',
  status: 'completed',
  started: 1,
  done: 2,
  attempts: 1,
  warning: text,
});

test('entries come out as they went in, with and without bodies, whatever their bytes', () => {
  assert(
    property(
      array(
        fields({
          text: string({ unit: 'binary' }),
          body: option(uint8Array({ maxLength: 300 }), { nil: undefined }),
        }),
      ),
      (given) => {
        const entries: JournalEntry[] = given.map(({ text, body }, id) => ({
          record: outcome(id, text),
          body,
        }));
        const read = decodeBatch(joinEntries(entries.map(encodeEntry)));
        expect(read.map(({ record }) => record)).toEqual(entries.map(({ record }) => record));
        expect(read.map(({ body }) => body && [...body])).toEqual(
          entries.map(({ body }) => body && [...body]),
        );
      },
    ),
  );
});

test('an explanation that several records share is written into each of them', () => {
  const explain = {
    rules: [{ rule: 'a"b', result: 'fired' as const }],
    sent: [{ to: 'x', rule: 'a"b' }],
  };
  const records = [1, 2].map((id) => ({ ...outcome(id, 'w'), explain }));
  const read = decodeBatch(joinEntries(records.map((record) => encodeEntry({ record }))));
  expect(read.map(({ record }) => record)).toEqual(records);
});

test('a long explanation is packed once, and is one object again for all that share it', () => {
  const rules = Array.from({ length: 32 }, (_, number) => ({
    rule: `rule ${number}`,
    result: 'no' as const,
    when: `field("PV1-3.${number}") == "ICU"`,
  }));
  const explain = { rules, sent: [{ to: 'x', rule: 'rule 31' }] };
  const records = [1, 2].map((id) => ({ ...outcome(id, 'w'), explain }));
  const bytes = joinEntries(records.map((record) => encodeEntry({ record })));
  expect(bytes.byteLength).toBeLessThan(JSON.stringify(explain).length);
  const [first, second] = decodeBatch(bytes).map(({ record }) => record);
  expect([first, second]).toEqual(records);
  expect(first).toHaveProperty('explain', explain);
  expect(Reflect.get(first ?? {}, 'explain')).toBe(Reflect.get(second ?? {}, 'explain'));
});
