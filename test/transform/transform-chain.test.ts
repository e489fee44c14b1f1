import { expect, test } from 'vitest';
import type { Document } from '../../src/document/document.ts';
import { callProblems } from '../../src/transform/call-problems.ts';
import { moduleTransform } from '../../src/transform/module-transform.ts';
import type { Transform } from '../../src/transform/transform.ts';
import { transformChain } from '../../src/transform/transform-chain.ts';
import { ADMISSION, scopeOf } from '../support/subject-message.ts';
import { inputOf, textOf, transformOf } from '../support/transform-reading.ts';

const input = (): ReturnType<typeof inputOf> => inputOf(scopeOf(ADMISSION));

function code(transform: unknown): Transform {
  const found = moduleTransform('code', transform);
  if (found === undefined) throw new Error('it is no function');
  return found;
}

const calling = (...calls: string[]): Transform =>
  transformOf({ steps: calls.map((call) => ({ call })) });

test('each transform gets what the one before made', async () => {
  const chain = transformChain([
    transformOf({ type: 'ADT_A08', steps: [{ set: 'PID-5.1', value: 'X' }] }, { name: 'a' }),
    transformOf(
      {
        start: 'empty',
        type: 'application/json',
        name: '{event}.json',
        steps: [{ set: '/name', to: 'field("PID-5.1") + type' }],
      },
      { name: 'b' },
    ),
  ]);
  expect(chain.name).toBe('a, b');
  const [made] = await chain.apply(input());
  expect(made).toMatchObject({ type: 'application/json', name: 'A08.json' });
  expect(textOf(made)).toBe('{"name":"XADT_A08"}');
});

test('a chain makes as many messages as its transforms do together', async () => {
  const chain = transformChain([
    code(() => [
      { body: 'a', type: 'text/plain' },
      { body: 'b', type: 'text/plain' },
    ]),
    code(({ document }: { document: Document }) =>
      document.get('.') === 'a' ? [] : [document.get('.'), 'c'],
    ),
  ]);
  const made = await chain.apply(input());
  expect(made.map((output) => textOf(output))).toEqual(['b', 'c']);
});

test('a chain leaves the document it gets as it is, whatever its transforms do with theirs', async () => {
  const given = input();
  const spoil = code(({ document }: { document: Document }) => {
    document.set('PID-5.1', 'SPOILT');
    return document;
  });
  for (const chain of [[spoil], [spoil, spoil]]) {
    const [made] = await transformChain(chain).apply(given);
    expect(textOf(made)).toContain('SPOILT');
  }
  expect(given.document.get('PID-5.1')).toBe('DOE');
});

test('a chain of one transform that leaves its document alone is that one', () => {
  const one = transformOf({ steps: [] });
  expect(transformChain([one])).toBe(one);
});

test('calls in a ring, and of code, are found before a message comes', () => {
  const transforms = new Map<string, Transform>([
    ['a', calling('b', 'd')],
    ['b', calling('c')],
    ['c', calling('b')],
    ['d', calling('code')],
    ['code', code(() => '')],
  ]);
  expect(callProblems(transforms)).toEqual([
    { transform: 'b', text: 'It calls itself: b, c, b.' },
    { transform: 'c', text: 'It calls itself: c, b, c.' },
    {
      transform: 'd',
      text: 'code is code and cannot be called. Name both in the rule: transform: [d, code].',
    },
  ]);
});
