import { expect, test } from 'vitest';
import { readData, writeData } from '../../src/mirth/data-type.ts';
import { formatDate, parseDate } from '../../src/mirth/date-format.ts';
import { e4x, XML, XMLList } from '../../src/mirth/index.ts';

const HL7 = 'MSH|^~\\&|A|B\rPID|1||1^2&3~4||X\\T\\Y\rOBX|1\rOBX|2\r';

test('HL7 that no script changes is written back as it came', () => {
  expect(writeData('HL7V2', readData('HL7V2', HL7))).toBe(HL7);
  expect(writeData('HL7V2', readData('HL7V2', HL7.replaceAll('\r', '\r\n')))).toBe(HL7);
});

test('parts of HL7 are read, written, repeated and removed', () => {
  const msg = readData('HL7V2', HL7);
  expect(msg['PID']['PID.3'].length()).toBe(2);
  expect(msg['PID']['PID.3'][0]['PID.3.2']['PID.3.2.2'].toString()).toBe('3');
  expect(String(msg['PID']['PID.9']['PID.9.1'])).toBe('');
  msg['PID']['PID.8']['PID.8.2'] = 'M';
  msg['PID']['PID.3'][2] = '';
  msg['OBX'][1]['OBX.5'] = msg['PID']['PID.3'][0];
  delete msg['OBX'][0];
  // an element keeps its name where it is put: PID.3 is the third field there too
  expect(writeData('HL7V2', msg)).toBe(
    'MSH|^~\\&|A|B\rPID|1||1^2&3~4~||X\\T\\Y|||^M\rOBX|2||1^2&3\r',
  );
});

test('XML is compared, added, filtered and gone through as E4X does', () => {
  const xml = XML('<a n="1"><b>x</b><b>y</b><c><d/></c></a>');
  expect(e4x.equal(xml.b[0], 'x')).toBe(true);
  expect(e4x.equal(xml.b[0], XML('<b>x</b>'))).toBe(true);
  expect(e4x.equal(xml.b[0], XML('<q>x</q>'))).toBe(false);
  expect(e4x.equal(undefined, xml.none)).toBe(true);
  for (const nothing of [undefined, null, '', 0]) expect(e4x.equal(xml.none, nothing)).toBe(false);
  expect(e4x.equal(xml.c.d, '')).toBe(true);
  expect(e4x.equal(xml.c.d, 0)).toBe(false);
  expect(e4x.equal(1, '1')).toBe(true);
  expect(e4x.typeOf(xml.none)).toBe('xml');
  expect([...e4x.each(xml.b)].map(String)).toEqual(['x', 'y']);
  expect(Object.keys(xml.b)).toEqual(['0', '1']);
  expect(String(e4x.where(xml.b, (one) => String(one) === 'y'))).toBe('y');
  expect(xml.children().length()).toBe(3);
  expect(xml.b[0].parent().localName()).toBe('a');
  expect(xml.b.length()).toBe(2);
  expect(xml.b[0].substring(0, 1)).toBe('x');
  expect('b' in xml && !('q' in xml)).toBe(true);
  expect(xml.hasOwnProperty('c')).toBe(true);
  expect(() => (xml.b.q = 1)).toThrow(/list of 2/);
  xml.e = e4x.xml`<e v="${'"<'}">${xml.b[0]}${'<'}</e>`;
  expect(xml.e.toXMLString()).toBe('<e v="&quot;&lt;"><b>x</b>&lt;</e>');
  expect(XMLList('<a/><b/>').length()).toBe(2);
  expect(XML('<a><b/><c/><b/></a>').replace('b', XML('<n/>')).toXMLString()).toBe(
    '<a><n/><c/></a>',
  );
});

test('several elements are their XML, not their text, and nothing is indented', () => {
  const xml = XML('<a>\n  <b> x </b>\n  <b>y</b><c><d/></c></a>');
  expect(String(xml.b)).toBe('<b>x</b><b>y</b>');
  expect(String(xml.b.text())).toBe('xy');
  expect(xml.b.hasSimpleContent()).toBe(false);
  expect(xml.b[0].hasSimpleContent()).toBe(true);
  expect(String(xml.c)).toBe('<c><d/></c>');
  expect(String(readData('HL7V2', 'MSH|^~\\&|\rPID| 1 | A ^B')['PID']['PID.2'])).toBe(
    '<PID.2><PID.2.1>A</PID.2.1><PID.2.2>B</PID.2.2></PID.2>',
  );
});

test('a script may give XML back', async () => {
  const xml: unknown = await (async () => XML('<a>1</a>'))();
  expect(String(xml)).toBe('1');
});

test('namespaces are kept, or left out where the data type says so', () => {
  const source = '<p:a xmlns:p="urn:x"><p:b>1</p:b></p:a>';
  const xml = readData('XML', source);
  expect(String(xml.b)).toBe('');
  expect(String(xml[e4x.qualifiedName('urn:x', 'b')])).toBe('1');
  expect(String(xml['*::b'])).toBe('1');
  expect(writeData('XML', xml)).toBe(source);
  expect(writeData('XML', readData('XML', source, { stripNamespaces: true }))).toBe(
    '<a><b>1</b></a>',
  );
});

test('XML that is broken, declares entities or is too deep is refused without being quoted', () => {
  expect(() => XML('<a><secret></a>')).toThrow(SyntaxError);
  expect(() => XML('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')).toThrow(/DTD/);
  expect(() => XML('<a>'.repeat(400) + '</a>'.repeat(400))).toThrow(/256/);
});

test('delimited text is read by its marks and column names, and written back', () => {
  const settings = { columnDelimiter: ';', columnNames: ['id', 'name'] };
  const rows = readData('DELIMITED', '1;"A;""B"""\n2;C\n', settings);
  expect(String(rows.row[0].name)).toBe('A;"B"');
  rows.row[1].name = 'D';
  expect(writeData('DELIMITED', rows, settings)).toBe('1;"A;""B"""\n2;D\n');
});

test.each([
  ['5" tube,b\r\n', {}, [['5" tube', 'b']]],
  ['"two\nlines, ""quoted""",b\n', {}, [['two\nlines, "quoted"', 'b']]],
  ['a,\n\nb', {}, [['a', ''], [''], ['b']]],
  ['"a\\"b\\\\",c', { quoteEscape: '\\' }, [['a"b\\', 'c']]],
  [
    "'a|b'|c0d\u001ee",
    { columnDelimiter: '|', quoteToken: "'", recordDelimiter: '0x1E' },
    [['a|b', 'c0d'], ['e']],
  ],
  // marks that say nothing are the usual ones, and not found everywhere without an end
  [
    'a,"b""c"\nd',
    { columnDelimiter: '""', recordDelimiter: '""', quoteToken: '""' },
    [['a', 'b"c'], ['d']],
  ],
])('a delimited text %j is split as Mirth Connect does it', (body, settings, expected) => {
  const rows = [...readData('DELIMITED', body, settings).children()];
  expect(rows.map((row) => [...row.children()].map(String))).toEqual(expected);
});

test('rows of delimited text may be numbered, and only what has a delimiter is quoted', () => {
  const rows = readData('DELIMITED', 'a"b,c\nd', { numberedRows: true });
  expect(String(rows.row2.column1)).toBe('d');
  expect(writeData('DELIMITED', rows)).toBe('a"b,c\nd\n');
  const escaped = { quoteEscape: '\\' };
  rows.row2.column1 = '1,"2"';
  expect(writeData('DELIMITED', rows, escaped)).toBe('a"b,c\n"1,\\"2\\""\n');
});

test('dates are written and read by the patterns of Java, in a time zone', () => {
  const date = new Date('2026-03-05T14:07:09.012Z');
  expect(formatDate("yyyyMMddHHmmss.SSS 'at' EEE MMM", date, 'UTC')).toBe(
    '20260305140709.012 at Thu Mar',
  );
  expect(formatDate('dd/MM/yy hh:mm a Z XXX', date, 'Europe/Berlin')).toBe(
    '05/03/26 03:07 PM +0100 +01:00',
  );
  expect(parseDate('yyyyMMddHHmm', '202603051507', 'Europe/Berlin').toISOString()).toBe(
    '2026-03-05T14:07:00.000Z',
  );
  expect(parseDate('dd-MMM-yyyy hh:mm a', '05-Mar-2026 03:07 PM', 'UTC').toISOString()).toBe(
    '2026-03-05T15:07:00.000Z',
  );
  expect(() => parseDate('yyyyMMdd', 'soon')).toThrow(/not in the form yyyyMMdd/);
});
