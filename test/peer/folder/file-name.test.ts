import { expect, test } from 'vitest';
import { checkFileName, numbered, temporaryPath } from '../../../src/peer/folder/file-name.ts';

test.for(['a.hl7', 'ÄÖ ü.hl7', '.hidden', 'a..b', '病人.txt', '{x}$(rm)'])(
  'takes the name %s',
  (name) => {
    expect(() => checkFileName(name)).not.toThrow();
  },
);

test.for(['', '  ', '.', '..', '../x', 'a/b', 'a\\b', 'a\0b', 'a\nb', 'a\u007fb', 'x'.repeat(256)])(
  'refuses the name %j, keeps the message for a person and does not quote it',
  (name) => {
    let thrown: unknown;
    try {
      checkFileName(name);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'ADAPTER_SUSPEND' });
    // Short ones occur in any text.
    expect(String(thrown).includes(name) && name.length > 3).toBe(false);
  },
);

test('a temporary name is different for two messages, and for a try after one without an end', () => {
  const one = { folder: 'in', name: 'lab.hl7', message: { id: 17 } };
  expect(temporaryPath('.*.part', one)).toBe('in/.lab.hl7.17.part');
  expect(temporaryPath('.*.part', { ...one, message: { id: 18 } })).not.toBe(
    temporaryPath('.*.part', one),
  );
  expect(temporaryPath('.*.part', { ...one, earlier: 2 })).toBe('in/.lab.hl7.17-2.part');
});

test('a temporary name may have a folder or a fixed beginning', () => {
  const one = { folder: '/in', name: 'lab.hl7', message: { id: 17 } };
  expect(temporaryPath('tmp/*', one)).toBe('/in/tmp/lab.hl7.17');
  expect(temporaryPath('/tmp/*', one)).toBe('/tmp/lab.hl7.17');
  expect(temporaryPath('wb-', one)).toBe('/in/wb-lab.hl7.17');
});

test('a long name does not make the temporary one too long, nor does $& in it matter', () => {
  const long = temporaryPath('.*.part', { folder: '', name: 'x'.repeat(255), message: { id: 17 } });
  expect(long).toBe('.17.part');
  const odd = temporaryPath('.*.part', { folder: '', name: '$&.hl7', message: { id: 17 } });
  expect(odd).toBe('.$&.hl7.17.part');
});

test('numbers go before the ending', () => {
  expect([0, 1, 12].map((n) => numbered('lab.hl7', n))).toEqual([
    'lab.hl7',
    'lab-1.hl7',
    'lab-12.hl7',
  ]);
  expect(numbered('noending', 1)).toBe('noending-1');
});
