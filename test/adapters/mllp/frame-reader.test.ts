import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../../adapters/mllp/frame-reader.ts';
import { type Framing, frame, framingNamed } from '../../../adapters/mllp/framing.ts';
import type { FoundFrame } from '../../../src/peer/index.ts';
import { processorTime } from '../../support/processor-time.ts';

const MB = 1024 * 1024;
const framing = (name: string): Framing => {
  const found = framingNamed(name);
  if (found === undefined) throw new Error(`${name} names no framing`);
  return found;
};

const show = (found: readonly FoundFrame[]): string[] =>
  found.map((one) => {
    if (one.kind === 'frame') return one.body.toString('latin1');
    if (one.kind === 'junk') return `junk ${one.bytes.toString('latin1')}`;
    return one.kind === 'restart' ? `restart ${one.lost}` : 'too-large';
  });

/** Reads the text in chunks of so many bytes. */
function read(name: string, text: string, size = text.length, limit = MB): string[] {
  const reader = new FrameReader(framing(name), limit);
  const bytes = Buffer.from(text, 'latin1');
  const found: FoundFrame[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    found.push(...reader.push(bytes.subarray(at, at + size)));
  }
  return show(found);
}

describe.each(['mllp', 'flexible'])('MLLP read as %s', (name) => {
  const cases: readonly [what: string, text: string, found: string[]][] = [
    ['a message', '\x0bMSH|1\x1c\r', ['MSH|1']],
    ['an empty message', '\x0b\x1c\r', ['']],
    ['two messages', '\x0ba\x1c\r\x0bb\x1c\r', ['a', 'b']],
    ['line ends between messages', '\r\n\x0ba\x1c\r\r\n\x0bb\x1c\r\n', ['a', 'b']],
    ['junk before a message', 'HELLO\r\n\x0ba\x1c\r', ['junk HELLO\r\n', 'a']],
    ['an end byte inside a message', '\x0ba\x1cb\x1c\x1cc\x1c\r', ['a\x1cb\x1c\x1cc']],
    ['a line end inside a message', '\x0ba\rb\r\x1c\r', ['a\rb\r']],
    ['a start byte inside a message', '\x0bab\x0bc\x0bd\x1c\r', ['restart 4', 'd']],
    ['a message that has not ended', '\x0bab', []],
  ];

  test.for(cases)('%s', ([, text, found]) => {
    expect(read(name, text)).toEqual(found);
  });

  test('chunks do not matter: every message is the same byte by byte', () => {
    for (const [, text, found] of cases) {
      const wanted = found.filter((one) => !/^(junk|restart)/.test(one));
      const bytewise = read(name, text, 1).filter((one) => !/^(junk|restart)/.test(one));
      expect(bytewise).toEqual(wanted);
    }
  });

  test('a message larger than the limit ends the reading', () => {
    expect(read(name, `\x0b${'x'.repeat(100)}\x1c\r\x0ba\x1c\r`, 10, 64)).toEqual(['too-large']);
    expect(read(name, `\x0b${'x'.repeat(64)}\x1c\r`, 10, 64)).toHaveLength(1);
  });
});

describe('what careless senders leave out is forgiven by flexible alone', () => {
  test('the last CR, if the next message begins', () => {
    expect(read('flexible', '\x0ba\x1c\x0bb\x1c\r')).toEqual(['a', 'b']);
    expect(read('flexible', '\x0ba\x1c\x0bb\x1c\r', 1)).toEqual(['a', 'b']);
    expect(read('mllp', '\x0ba\x1c\x0bb\x1c\r')).toEqual(['restart 2', 'b']);
  });

  test('the last CR at the end, after a pause', () => {
    const reader = new FrameReader(framing('flexible'), MB);
    expect(reader.push(Buffer.from('\x0ba\x1c'))).toEqual([]);
    expect(reader.almostEnded).toBe(true);
    expect(reader.finish().toString()).toBe('a');
    expect(show(reader.push(Buffer.from('\r\x0bb\x1c\r')))).toEqual(['b']);
  });

  test('the start byte before a header', () => {
    expect(read('flexible', 'MSH|a\x1c\r\rMSH|b\x1c\r')).toEqual(['MSH|a', 'MSH|b']);
    expect(read('flexible', 'MSH|a\x1c\rBHS|b\x1c\r', 1)).toEqual(['MSH|a', 'BHS|b']);
    expect(read('flexible', 'MS\x0ba\x1c\r', 1)).toContain('a');
    expect(read('mllp', 'MSH|a\x1c\r')).toEqual(['junk MSH|a\x1c\r']);
  });
});

test('messages without a start byte end with a line end', () => {
  expect(read('ascii-lf', 'MSH|1\rPID|2\r\n\n MSH|2\n')).toEqual(['MSH|1\rPID|2\r', 'MSH|2']);
  expect(read('ascii-cr-lf', 'MSH|1\nPID\r\nMSH|2\r\n', 1)).toEqual(['MSH|1\nPID', 'MSH|2']);
  expect(read('ascii-cr', 'MSH|1\rMSH|2\r', 3)).toEqual(['MSH|1', 'MSH|2']);
});

test('marks may be bytes of our own', () => {
  expect(read('02/03', '\x02a\x03\x02b\x03')).toEqual(['a', 'b']);
  expect(read('/1E', 'a\x1eb\x1e')).toEqual(['a', 'b']);
  expect(frame(Buffer.from('a'), framing('0B/1C0D')).toString('latin1')).toBe('\x0ba\x1c\r');
  expect(['0b/', 'b/1c', '0b/1c0d0a', 'tcp', 'constructor'].map(framingNamed)).toEqual(
    Array.from({ length: 5 }, () => undefined),
  );
});

test('the time to read grows with the bytes, not with their square', () => {
  const chunk = Buffer.alloc(1024, 'x');
  const reader = new FrameReader(framing('mllp'), 64 * MB);
  const begin = processorTime();
  reader.push(Buffer.of(0x0b));
  for (let n = 0; n < 40 * 1024; n++) reader.push(chunk);
  const [found] = reader.push(Buffer.of(0x1c, 0x0d));
  // 40 MB in chunks of 1 KB; a quadratic reader takes minutes.
  expect(processorTime() - begin).toBeLessThan(2_000);
  expect(found?.kind === 'frame' && found.body.length).toBe(40 * MB);
});

test('many lone end and start bytes are read in linear time too', () => {
  const begin = processorTime();
  const reader = new FrameReader(framing('mllp'), 64 * MB);
  reader.push(Buffer.of(0x0b));
  reader.push(Buffer.alloc(4 * MB, '\x1cx'));
  reader.push(Buffer.alloc(4 * MB, 0x0b));
  reader.push(Buffer.alloc(4 * MB, 0x1c));
  expect(show(reader.push(Buffer.of(0x0d)))).toHaveLength(1);
  expect(processorTime() - begin).toBeLessThan(2_000);
});
