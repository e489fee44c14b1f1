import { expect, test } from 'vitest';
import { joinedParts } from '../../src/flow/joined-parts.ts';

const part = (body: string, type: string) => ({
  body: Buffer.from(body),
  type,
  charset: undefined,
});

test('parts that are not JSON are texts in a JSON array, and bytes stay as they are', () => {
  const parts = [
    part('{"a":1}\n', 'application/json'),
    part('x"y', 'text/plain'),
    part('{', 'application/json'),
  ];
  const json = joinedParts(parts, { ...joining, as: 'json' });
  expect(JSON.parse(Buffer.from(json.body).toString())).toEqual([{ a: 1 }, 'x"y', '{']);
  const bytes = joinedParts(parts, { ...joining, as: 'bytes' });
  expect(Buffer.from(bytes.body).toString()).toBe('{"a":1}\nx"y{');
});

const result = (id: string, charset: string, end = '\r'): string =>
  [
    'MSH|^~\\&|LAB|N|W|M|2026||ORU^R01|',
    id,
    '|P|2.5.1||||||',
    charset,
    end,
    'PID|1||7||Müller',
    end,
  ].join('');
const joining = { name: 'n', at: 0 };

test('an HL7 batch has one charset and segments that end with CR, whatever its parts have', () => {
  const latin = {
    body: Buffer.from(result('1', '8859/1'), 'latin1'),
    type: 'HL7v2',
    charset: undefined,
  };
  const ofService = {
    body: Buffer.from(result('2', ''), 'latin1'),
    type: 'HL7v2',
    charset: 'iso-8859-1',
  };
  const utf8 = part(result('3', 'UNICODE UTF-8', '\n'), 'HL7v2');
  const same = joinedParts([latin, ofService], { ...joining, as: 'hl7' });
  expect(same.charset).toBe('iso-8859-1');
  expect(Buffer.from(same.body).toString('latin1')).toContain(result('2', ''));
  const mixed = joinedParts([latin, ofService, utf8], { ...joining, as: 'hl7' });
  expect(mixed.charset).toBe('utf-8');
  const text = Buffer.from(mixed.body).toString();
  for (const id of ['1', '2', '3']) expect(text).toContain(result(id, 'UNICODE UTF-8'));
  expect(text).toContain('\rBTS|3\r');
});

test('texts of different charsets are read each in its own', () => {
  const latin = {
    body: Buffer.from('Müller', 'latin1'),
    type: 'text/plain',
    charset: 'iso-8859-1',
  };
  const json = joinedParts([latin, part('Jörg', 'text/plain')], { ...joining, as: 'json' });
  expect(JSON.parse(Buffer.from(json.body).toString())).toEqual(['Müller', 'Jörg']);
  const lines = joinedParts([latin, part('Jörg', 'text/plain')], { ...joining, as: 'lines' });
  expect(lines).toMatchObject({ charset: 'utf-8', body: Buffer.from('Müller\nJörg\n') });
});
