import { describe, expect, test } from 'vitest';
import { framingOf } from '../../../adapters/tcp/framing.ts';
import { framingIn, framingOut } from '../../../adapters/tcp/framing-settings.ts';
import { wireBytesOf } from '../../../adapters/tcp/wire-bytes.ts';
import type { FoundFrame } from '../../../src/peer/index.ts';
import { readGiven } from '../../support/open-adapter.ts';
import { processorTime } from '../../support/processor-time.ts';

type Given = Readonly<Record<string, unknown>>;

const incoming = (given: Given) => framingOf(readGiven(framingIn, given));
const outgoing = (given: Given) => framingOf(readGiven(framingOut, given));

const show = (found: FoundFrame): string => {
  if (found.kind === 'frame') return found.body.toString('latin1');
  if (found.kind === 'junk') return `junk ${found.bytes.toString('latin1')}`;
  if (found.kind === 'restart') return `restart ${found.lost}`;
  return found.kind === 'broken' ? `broken: ${found.why}` : found.kind;
};

/** What is found in the bytes, whether they come at once, one by one or a few at a time. */
function read(given: Given, text: string, limit = 1_000): string[] {
  const bytes = Buffer.from(text, 'latin1');
  const [first = [], ...others] = [bytes.length, 1, 2, 3, 7].map((size) => {
    const reader = incoming(given).reader(limit);
    const found: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      found.push(...reader.push(bytes.subarray(at, at + size)).map(show));
    }
    const last = reader.atEnd();
    if (last !== undefined) found.push(`at the end ${last.toString('latin1')}`);
    if (reader.open) found.push(`open ${reader.pending}`);
    return merged(found);
  });
  for (const other of others) expect(other).toEqual(first);
  return first;
}

/** Junk that came in parts is still junk. */
function merged(found: readonly string[]): string[] {
  const whole: string[] = [];
  for (const one of found) {
    const last = whole.at(-1);
    if (one.startsWith('junk ') && last?.startsWith('junk ') === true) {
      whole[whole.length - 1] = last + one.slice('junk '.length);
    } else whole.push(one);
  }
  return whole;
}

/** What goes over the wire for a body that comes in parts. */
function written(given: Given, ...parts: readonly string[]): string {
  const framing = outgoing(given);
  const bytes = parts.map((part) => Buffer.from(part, 'latin1'));
  const { before, after } = framing.around(Buffer.concat(bytes).length);
  const guard = framing.guard();
  return Buffer.concat([before, ...bytes.map(guard), after]).toString('latin1');
}

const STX_ETX = { framing: 'marks', startMark: 'STX', endMark: 'ETX' };

describe('what comes in is cut into messages', () => {
  test.for<[Given, string, string[]]>([
    [{}, 'one\r\ntwo\nthree\r\r\nfour', ['one', 'two', 'three', 'open 4']],
    [{ lineEnd: 'crlf' }, 'a\rb\nc\r\n\r\nd\r\n', ['a\rb\nc', 'd']],
    [{ lineEnd: 'lf' }, 'a\r\nb\n\n', ['a\r', 'b']],
    [{ lineEnd: 'cr' }, 'a\nb\rc\r', ['a\nb', 'c']],
    [STX_ETX, '\x02one\x03\r\n\x02two\x03', ['one', 'two']],
    [STX_ETX, 'noise\x02one\x03more', ['junk noise', 'one', 'junk more']],
    [STX_ETX, '\x02lost\x02one\x03\x02\x03\x02\x02x\x03', ['restart 4', 'one', 'x']],
    [
      { framing: 'marks', endMark: '"END" CR LF' },
      'aENDbEND\r\ncEN\r\nEND\r\n',
      ['aENDb', 'cEN\r\n'],
    ],
    [
      { framing: 'marks', startMark: '"<<"', endMark: '">>"' },
      '<<a<b>c>>> <<d>>',
      ['a<b>c', 'junk > ', 'd'],
    ],
    [{ framing: 'length' }, '\0\0\0\x03abc\0\0\0\0\0\0\0\x01d\0\0', ['abc', 'd', 'open 2']],
    [{ framing: 'length', lengthBytes: 2, lengthForm: 'little' }, '\x03\0abc\x01\0d', ['abc', 'd']],
    [
      { framing: 'length', lengthBytes: 2, lengthCounts: 'all' },
      '\0\x05abc\0\x02\0\x03d',
      ['abc', 'd'],
    ],
    [{ framing: 'length', lengthForm: 'digits' }, '0003abc  01d0000', ['abc', 'd']],
    [{ framing: 'length', lengthBytes: 8 }, '\0\0\0\0\0\0\0\x02ab', ['ab']],
    [{ framing: 'fixed', recordLength: 3 }, 'abcdefg', ['abc', 'def', 'open 1']],
    [{ framing: 'closed' }, 'all of it\r\n', ['at the end all of it\r\n']],
    [{ framing: 'closed' }, '', []],
  ])('%j: %j', ([given, text, found]) => {
    expect(read(given, text)).toEqual(found);
  });

  test.for<[Given, string, RegExp]>([
    [
      { framing: 'length', lengthForm: 'digits' },
      'GET / HTTP/1.1',
      /^broken: a length that is not written/,
    ],
    [
      { framing: 'length', lengthBytes: 2, lengthCounts: 'all' },
      '\0\x01',
      /^broken: a length that is less/,
    ],
    [{ framing: 'length' }, '\x7f\xff\xff\xff', /^too-large$/],
    [{ framing: 'length', lengthBytes: 8 }, '\xff'.repeat(8), /^too-large$/],
    [{}, `${'x'.repeat(1_001)}\n`, /^too-large$/],
    [STX_ETX, `\x02${'x'.repeat(1_001)}\x03`, /^too-large$/],
    [{ framing: 'closed' }, 'x'.repeat(1_001), /^too-large$/],
  ])('%j: what cannot be read or is too large ends the reading: %j', ([given, text, wanted]) => {
    const reader = incoming(given).reader(1_000);
    const found = [...Buffer.from(text, 'latin1')].flatMap((byte) => reader.push(Buffer.of(byte)));
    expect(found.map(show).join()).toMatch(wanted);
    expect(reader.push(Buffer.from('more\n\x02\x03'))).toEqual([]);
  });

  test('a chunk with a message in each few bytes takes a time that grows with its bytes', () => {
    const reader = incoming({}).reader(100_000_000);
    const begin = processorTime();
    expect(reader.push(Buffer.from('ab\r'.repeat(300_000)))).toHaveLength(300_000);
    expect(reader.push(Buffer.from('\r'.repeat(1_000_000)))).toHaveLength(0);
    expect(processorTime() - begin).toBeLessThan(10_000);
  });
});

describe('what goes out', () => {
  test.for<[Given, string]>([
    [{}, 'abc\r\n'],
    [{ lineEnd: 'cr' }, 'abc\r'],
    [STX_ETX, '\x02abc\x03'],
    [{ framing: 'marks', endMark: 'ETX CR' }, 'abc\x03\r'],
    [{ framing: 'length' }, '\0\0\0\x03abc'],
    [{ framing: 'length', lengthBytes: 8, lengthCounts: 'all' }, '\0\0\0\0\0\0\0\x0babc'],
    [{ framing: 'length', lengthBytes: 8, lengthForm: 'little' }, '\x03\0\0\0\0\0\0\0abc'],
    [{ framing: 'length', lengthForm: 'digits', lengthBytes: 5 }, '00003abc'],
    [{ framing: 'fixed', recordLength: 3 }, 'abc'],
    [{ framing: 'fixed', recordLength: 5, pad: 'SP' }, 'abc  '],
    [{ framing: 'closed' }, 'abc'],
  ])('%j: %j, and is read again by the same framing', ([given, wire]) => {
    expect(written(given, 'a', 'b', 'c')).toBe(wire);
    const { pad: _, ...same } = given;
    expect(read(same, wire).map((one) => one.replace('at the end ', '').trim())).toEqual(['abc']);
  });

  test.for<[Given, string[]]>([
    [{}, ['line\r\nbreak']],
    [{}, ['line\r', '\nbreak']],
    [STX_ETX, ['a\x03b']],
    [STX_ETX, ['a\x02b']],
    [{ framing: 'marks', endMark: '"END"' }, ['xE', 'N', 'Dx']],
    [{ framing: 'fixed', recordLength: 2 }, ['abc']],
    [{ framing: 'fixed', recordLength: 4 }, ['abc']],
    [{ framing: 'length', lengthBytes: 1, lengthForm: 'digits' }, ['0123456789']],
    [{ framing: 'length', lengthBytes: 1 }, ['x'.repeat(256)]],
  ])('%j: what the peer would take for something else is set aside: %j', ([given, parts]) => {
    expect(() => written(given, ...parts)).toThrow(
      expect.objectContaining({ code: 'ADAPTER_SUSPEND' }),
    );
  });

  test.for<[Given, string[]]>([
    [{}, ['line\r', 'break\n']],
    [{ framing: 'marks', endMark: '"END"' }, ['E', 'EN', 'N', 'D', 'E', 'N']],
  ])('%j: a part of a mark is no mark: %j', ([given, parts]) => {
    expect(written(given, ...parts)).toContain(parts.join(''));
  });
});

describe('bytes are written', () => {
  test.for([
    ['STX', '\x02'],
    ['stx CR  LF', '\x02\r\n'],
    ['0x1C 0D', '\x1c\r'],
    ['1c0d', '\x1c\r'],
    ['"O K" CR', 'O K\r'],
    ['""', ''],
    ['', ''],
  ] as const)('%j', ([text, bytes]) => {
    expect(wireBytesOf(text)?.toString('latin1')).toBe(bytes);
  });

  test.for(['STX,ETX', 'XYZ', '0x1', '"open', 'ACK"', `"${'x'.repeat(257)}"`])('not %j', (text) => {
    expect(wireBytesOf(text)).toBeUndefined();
  });
});
