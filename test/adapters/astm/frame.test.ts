import { describe, expect, test } from 'vitest';
import { checksum, framesOf } from '../../../adapters/astm/frame.ts';
import { LinkReader, type Said } from '../../../adapters/astm/link-reader.ts';
import { messageProblem } from '../../../adapters/astm/message.ts';
import { frame, frames, result } from '../../support/astm-device.ts';

/** As the manual of an analyser prints them (Beckman Coulter Access, C03112): number, record, checksum. */
const PRINTED = [
  ['1H|\\^&|', '61'],
  ['2P|1|098765678', 'A3'],
  ['3O|1|SPEC1234||^^^Ferritin|R||||||A||||Serum', 'F8'],
  ['4L|1|F', 'FF'],
] as const;

describe('frames that are sent', () => {
  test.for(PRINTED)('%j has the checksum %s', ([text, sum]) => {
    expect(checksum(Buffer.from(`${text}\r\x03`))).toBe(sum);
  });

  test('are numbered 1 to 7 and then 0, a record each, longer ones in parts of 240', () => {
    const message = result('C1', `C|1|I|${'x'.repeat(1_300)}\r`);
    const made = framesOf(Buffer.from(message)).map((one) => one.toString('latin1'));
    expect(made).toEqual(frames(message));
    expect(made.map((one) => one[1]).join('')).toBe('12345670123');
    expect(made.filter((one) => one.includes('\x17'))).toHaveLength(5);
    expect(Math.max(...made.map((one) => one.length))).toBe(247);
  });

  test('hold what the message holds, whatever its line ends', () => {
    const wanted = frames('H|\\^&\rL|1|N\r');
    for (const text of ['H|\\^&\rL|1|N', 'H|\\^&\nL|1|N\n', 'H|\\^&\r\n\r\nL|1|N\r\n']) {
      expect(framesOf(Buffer.from(text)).map((one) => one.toString('latin1'))).toEqual(wanted);
    }
  });
});

describe('what cannot be sent', () => {
  test.for<[string, string | undefined]>([
    ['H|\\^&\rL|1|N\r', undefined],
    ['H|\\^&\rL|1|N\rH|\\^&\rL|1|N\r', undefined],
    ['MSH|^~\\&|A\r', 'not-astm'],
    ['Hello', 'not-astm'],
    ['', 'not-astm'],
    ['H|\\^&\rP|1\r', 'it does not end with a terminator record (L)'],
    ['H|\\^&\rP|1|\x03\rL|1\r', 'it has the byte 0x03, which the link protocol uses'],
  ])('%j: %s', ([text, problem]) => {
    expect(messageProblem(Buffer.from(text, 'latin1'))).toBe(problem);
  });
});

const show = (said: Said): string => {
  if (said.kind === 'frame')
    return `${said.number}${said.isLast ? '!' : ''} ${said.text.toString('latin1')}`;
  if (said.kind === 'bad-frame') return said.why;
  return said.kind === 'noise' ? `noise ${said.bytes.toString('latin1')}` : said.kind;
};

/** Noise that came in parts is still noise. */
const joined = (said: string[]): string => said.join('\n').replaceAll('\nnoise ', '');

/** What is understood, whether it comes at once or byte by byte. */
function read(text: string, checks = true): string[] {
  const bytes = Buffer.from(text, 'latin1');
  const whole = new LinkReader(checks).push(bytes).map(show);
  const reader = new LinkReader(checks);
  const single = [...bytes].flatMap((byte) => reader.push(Buffer.of(byte)).map(show));
  expect(joined(single)).toBe(joined(whole));
  return whole;
}

describe('what comes over a link', () => {
  const good = frame(1, 'H|\\^&\r');
  const part = frame(2, 'P|1', '\x17');

  test.for<[string, string[]]>([
    [`\x05${good}${part}\x04`, ['ENQ', '1! H|\\^&\r', '2 P|1', 'EOT']],
    ['\x06\x15', ['ACK', 'NAK']],
    // what instruments leave out at the end of a frame
    [`${good.slice(0, -2)}${part.slice(0, -1)}\x04`, ['1! H|\\^&\r', '2 P|1', 'EOT']],
    [`\r\nnoise${good}`, ['noise noise', '1! H|\\^&\r']],
    [good.replace('H', 'J'), ['has a wrong checksum']],
    [good.toLowerCase().replace('h', 'H'), ['1! H|\\^&\r']],
    // a frame that begins anew, and one that the device has given up
    [`\x021H|lost${good}`, ['1! H|\\^&\r']],
    ['\x021H|lost\x05', ['ENQ']],
    ['\x021H|lost\x04', ['EOT']],
    [frame(9, 'H'), ['has no number from 0 to 7']],
    ['\x02\x0303\r\n', ['has no number from 0 to 7']],
  ])('%j: %j', ([text, said]) => {
    expect(read(text)).toEqual(said);
  });

  test('may have any checksum where it is not looked at', () => {
    expect(read('\x021H|\\^&\r\x03\r\n', false)).toEqual(['1! H|\\^&\r']);
    expect(read('\x021H|\\^&\r\x0300\r\n', false)).toEqual(['1! H|\\^&\r']);
  });

  test('without an end is given up where no frame is so long', () => {
    const reader = new LinkReader(true);
    const said = reader.push(Buffer.concat([Buffer.of(2), Buffer.alloc(70_000, 'x')])).map(show);
    expect(said[0]).toBe('is longer than 64010 bytes');
    expect(reader.open).toBe(false);
    // the checksum does not count
    const longest = Buffer.from(frame(1, 'x'.repeat(64_008)), 'latin1');
    expect(reader.push(longest).map(({ kind }) => kind)).toEqual(['frame']);
  });
});
