import { describe, expect, test } from 'vitest';
import { astmDocument, documentOf, kindOf } from '../../../src/document/index.ts';
import { fileType } from '../../../src/peer/folder/file-type.ts';

const RESULT = [
  'H|\\^&|M7||LAB^1|||||||P|LIS2-A2|20260101',
  'P|1|4711|||Doe^Jane',
  'O|1|S1||^^^GLU\\^^^NA|R',
  'R|1|^^^GLU|5.4|mmol/L||N',
  'C|1|I|clean &F& dry&E&|G',
  'R|2|^^^NA|140|mmol/L||N',
  'L|1|N',
  '',
].join('\r');
const read = (text: string, charset?: string) => astmDocument(Buffer.from(text, 'latin1'), charset);

describe('a message of ASTM', () => {
  test('is known by its type and by its first characters', () => {
    expect(['application/astm', 'text/x-astm; charset=utf-8'].map(kindOf)).toEqual([
      'astm',
      'astm',
    ]);
    expect(fileType(Buffer.from(RESULT), 'result.txt')).toBe('text/plain');
    expect(fileType(Buffer.from(RESULT), '')).toBe('application/astm');
    expect(documentOf(Buffer.from(RESULT), { type: 'application/astm' }).get('R[2]-4')).toBe('140');
  });

  test('counts fields as the standard does, and takes escapes out of values', () => {
    const document = read(RESULT);
    expect(document.get('H-1')).toBe('H');
    expect(document.get('H-2')).toBe('\\^&');
    expect(document.get('H-5.1')).toBe('LAB');
    expect(document.get('C-4')).toBe('clean | dry&');
    expect(document.all('O-5.4')).toEqual(['GLU', 'NA']);
    expect(document.segments('R').map((one) => one.get('R-3.4'))).toEqual(['GLU', 'NA']);
    expect(document.segments('R')[1]?.name).toBe('R');
  });

  test('has the delimiters that its header says', () => {
    const document = read('H!~:+!M7\rR!1!::GLU!5!4\rO!1!a~b\r');
    expect(document.get('R-3.3')).toBe('GLU');
    expect(document.all('O-3')).toEqual(['a', 'b']);
    document.set('R-4', '1!2');
    expect(document.text()).toContain('R!1!::GLU!1+F+2!4');
  });

  test.for(['\r', '\n', '\r\n'])('has lines that end with %j, and keeps them', (end) => {
    const text = RESULT.replaceAll('\r', end);
    const document = read(text);
    expect(document.get('R[2]-4')).toBe('140');
    document.set('R[2]-4', '141');
    expect(document.text()).toBe(text.replace('140', '141'));
  });

  test('goes through and back byte for byte where nothing is changed', () => {
    for (const text of [RESULT, `\r\n${RESULT}\r\n`, `${RESULT}oops\rX\r`, RESULT.toLowerCase()]) {
      const bytes = Buffer.from(text, 'latin1');
      const document = astmDocument(bytes);
      expect(document.get('R[2]-4')).toBe('140');
      expect(document.bytes()).toBe(bytes);
    }
  });

  test('takes new records before the terminator, and values in its charset', () => {
    const document = read(RESULT, 'ISO-8859-1');
    document.set('P-6.2', 'Zoë');
    document.set('R[3]-4', '7');
    expect(Buffer.from(document.bytes()).toString('latin1')).toMatch(
      /Doe\^Zoë\r[^]*\rR\|\|\|7\rL\|1\|N\r$/,
    );
    expect(() => document.set('P-6.2', '日')).toThrow(/ISO-8859-1 cannot write/i);
    document.remove('R');
    expect(document.all('R-4')).toEqual([]);
    expect(document.get('C-2')).toBe('1');
  });

  test('does not give away the letter of a record nor its delimiters', () => {
    const document = read(RESULT);
    for (const path of ['R-1', 'H-1', 'H-2', 'R']) {
      expect(() => document.set(path, 'x'), path).toThrow(
        expect.objectContaining({ code: 'PATH_INVALID' }),
      );
    }
    document.set('R-2', '9');
    expect(document.get('R-2')).toBe('9');
  });

  test.for(['', 'MSH|^~\\&|A', 'H', 'H|', 'H|\\^', 'H|||', 'HELLO', 'P|1\rH|\\^&\r'])(
    'does not begin with %j',
    (text) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ code: 'DOCUMENT_UNREADABLE' }));
    },
  );

  test.for(['R-0', 'r-4', 'RR-4', 'R-4.1.1', 'R.4', 'R[0]-4', '', 'R-'])(
    'has no place %j',
    (path) => {
      expect(() => read(RESULT).get(path)).toThrow(
        expect.objectContaining({ code: 'PATH_INVALID' }),
      );
    },
  );
});
