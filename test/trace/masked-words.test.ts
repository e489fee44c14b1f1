import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { causeOfFailure } from '../../src/trace/cause.ts';
import { maskedWords } from '../../src/trace/masked-words.ts';
import { examples } from '../support/examples.ts';

test.for([
  ['Unknown patient Zwingli 47118800', 'Unknown patient Xxxxxxx 00000000'],
  ['ward UNKNOWN is not in the table', 'ward UNKNOWN is not in the table'],
  ['bed of "Doe, John" is taken', 'bed of "Xxx, Xxxx" is taken'],
  ["O'Brien May DOE 550 Xyz (4711)", "O'Xxxxx Xxx XXX 000 Xxx (0000)"],
] as const)('%s is shown as %s', ([text, shown]) => {
  expect(maskedWords(text)).toBe(shown);
});

const part = fc.constantFrom(
  ...'Unknown patient ward Doe John DOE O\'Brien Müller 4711 12 1970-01-01 Mar (4711) "Doe" is not for of'.split(
    ' ',
  ),
  ...'PID-3.1 ADT^A01 DOE^JOHN a@b.example /in/doe.hl7 doe.pdf https://x.example/P/4711 10.1.2.3:25 der nicht'.split(
    ' ',
  ),
  ...'SQLSTATE 23505 550 5.1.1 ms mar MAR May line NullPointerException Xyz X. , ; :'.split(' '),
);

test('whoever sees the masked words sees the same causes, so that a group is one for all', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const said = parts.join(' ');
      const text = 'the peer answered AE';
      expect(causeOfFailure({ text, said: maskedWords(said) })).toBe(
        causeOfFailure({ text, said }),
      );
    }),
    { numRuns: examples(2_000) },
  );
});
