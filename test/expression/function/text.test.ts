import { expect, test } from 'vitest';
import { ADMISSION, scopeOf, valueOf } from '../../support/subject-message.ts';

const scope = scopeOf(ADMISSION);

test.for<[string, unknown]>([
  ['upper("straße")', 'STRASSE'],
  ['lower("ÄB")', 'äb'],
  ['capitalize("VAN DER DOE-O\'NEIL")', "Van Der Doe-O'neil"],
  ['trim("  a b ")', 'a b'],
  ['left("abcdef", 3)', 'abc'],
  ['left("ab", 9)', 'ab'],
  ['right("abcdef", 2)', 'ef'],
  ['right("ab", 0)', ''],
  ['right("ab", 9)', 'ab'],
  ['substring("abcdef", 2)', 'cdef'],
  ['substring("abcdef", 2, 4)', 'cd'],
  ['substring("ab", 5, 9)', ''],
  ['replace("a.b.c", ".", "$&")', 'a$&b$&c'],
  ['replaceMatches("555-0102", "(\\\\d)(\\\\d)", "$2$1")', '555-1020'],
  ['firstMatch("MRN: 4711 x", "MRN: (\\\\d+)")', '4711'],
  ['firstMatch("abc", "b")', 'b'],
  ['firstMatch("abc", "z")', ''],
  ['split("a,b", ",")', ['a', 'b']],
  ['piece("a^b^c", "^", 2)', 'b'],
  ['piece("a", "^", 2)', ''],
  ['padLeft("7", 3, "0")', '007'],
  ['padRight("ab", 4, ".")', 'ab..'],
  ['digits("(555) 010-2030")', '5550102030'],
  ['firstOf([field("PID-14"), field("PID-13")])', '(555) 010-2030'],
  ['firstOf(["", ""])', ''],
])('%s', ([source, value]) => {
  expect(valueOf(source, scope)).toEqual(value);
});
