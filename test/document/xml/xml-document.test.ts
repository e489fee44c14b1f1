import { expect, test } from 'vitest';
import { anyNamespace } from '../../../src/document/xml/local-name.ts';
import { xmlDocument } from '../../../src/document/xml/xml-document.ts';

const TEXT = `<?xml version="1.0" encoding="UTF-8"?>
<!-- an order -->
<o:order xmlns:o="urn:order" xmlns="urn:default" id="7">
  <o:patient o:kind="in"><name use='official'>Müller &amp; Söhne</name><name>Bea</name></o:patient>
  <lines><line n="1">a</line><line n="2"><![CDATA[<b>]]></line></lines>
</o:order>
`;

const document = xmlDocument(Buffer.from(TEXT));

test.for([
  ['/order/@id', '7'],
  ['/order/patient/name', 'Müller & Söhne'],
  ['/o:order/o:patient/name[2]', 'Bea'],
  ['//name[@use="official"]', 'Müller & Söhne'],
  ['//line[2]', '<b>'],
  ['//line[last()]/@n', '2'],
  ['//patient/@o:kind', 'in'],
  ['count(//line)', '2'],
  ['string(//line[@n = 1 or @n = 3])', 'a'],
  ['2 * count(//line) div 2', '2'],
  ['//line[. = "a"]/../line[position() > 1]/@n', '2'],
  ['//nothing', ''],
  ['//x:nothing', ''],
  ['/order/child::lines/child::line[attribute::n="1"]/text()', 'a'],
] as const)('%s reads %j', ([path, value]) => {
  expect(document.get(path)).toBe(value);
});

test('all values, and whether something is there', () => {
  expect(document.all('//name')).toEqual(['Müller & Söhne', 'Bea']);
  expect(document.all('//line/@n')).toEqual(['1', '2']);
  expect(document.has('//line[@n="2"]')).toBe(true);
  expect(document.has('//nothing')).toBe(false);
  expect(document.has('count(//line) = 2')).toBe(true);
  expect(document.has('count(//line) = 3')).toBe(false);
});

test.for([
  ['/a/b', "/*[local-name()='a']/*[local-name()='b']"],
  ['/a:b/@c', '/a:b/@c'],
  ['a[b and c]', "*[local-name()='a'][*[local-name()='b'] and *[local-name()='c']]"],
  ['div div div', "*[local-name()='div'] div *[local-name()='div']"],
  ['* and *', '* and *'],
  ['count(a) * 2 mod b', "count(*[local-name()='a']) * 2 mod *[local-name()='b']"],
  ["'a' = $b", "'a' = $b"],
  ['a|/b', "*[local-name()='a']|/*[local-name()='b']"],
  ['ancestor::a/attribute::b', "ancestor::*[local-name()='a']/attribute::b"],
  ['../a/.', "../*[local-name()='a']/."],
] as const)('names without prefix in %s match in any namespace', ([xpath, expected]) => {
  expect(anyNamespace(xpath)).toBe(expected);
});

function changed(change: (copy: ReturnType<typeof xmlDocument>) => void, text = TEXT): string {
  const copy = xmlDocument(Buffer.from(text)).copy();
  change(copy);
  return Buffer.from(copy.bytes()).toString();
}

test('an unchanged document is the original bytes', () => {
  const bytes = Buffer.from(TEXT);
  const unchanged = xmlDocument(bytes);
  unchanged.get('//name');
  expect(unchanged.bytes()).toBe(bytes);
  expect(Buffer.from(unchanged.copy().bytes()).equals(bytes)).toBe(true);
});

test('a change is written and nothing else of the content is', () => {
  const text = changed((copy) => {
    copy.set('/order/@id', '8"<');
    copy.set('//name[1]', 'a & <b>');
    copy.remove('//line[1]');
  });
  expect(text).toBe(
    TEXT.replace('id="7"', 'id="8&quot;&lt;"')
      .replace("use='official'>Müller &amp; Söhne", 'use="official">a &amp; &lt;b&gt;')
      .replace('<line n="1">a</line>', ''),
  );
});

test('places of a plain path are made, in the namespace around them', () => {
  const text = changed((copy) => {
    copy.set('/order/patient/address[2]/city/@code', 'X');
    copy.set('/order/lines/line[3]', 'c');
  });
  expect(text).toContain('<o:address/><o:address><o:city code="X"/></o:address></o:patient>');
  expect(text).toContain('</line><line>c</line></lines>');
});

test.for(['/', '//comment()', '//nothing', '/other/x', '/order/x[@a="1"]/y', '/order/@a/b'])(
  'the place %s cannot be written or made',
  (path) => {
    expect(() => document.copy().set(path, 'x')).toThrow(
      expect.objectContaining({ code: 'PATH_INVALID' }),
    );
  },
);

test('the encoding and the line ends stay', () => {
  const latin = Buffer.from(
    '<?xml version="1.0" encoding="ISO-8859-1"?>\r\n<a>\r\n<b>M\xfcller</b></a>\r\n',
    'latin1',
  );
  const read = xmlDocument(latin);
  expect(read.get('/a/b')).toBe('Müller');
  read.set('/a/b', 'Söhne');
  expect(Buffer.from(read.bytes()).toString('latin1')).toBe(
    '<?xml version="1.0" encoding="ISO-8859-1"?>\r\n<a>\r\n<b>S\xf6hne</b></a>\r\n',
  );
  expect(() => read.set('/a/b', '日本')).toThrow(
    expect.objectContaining({ code: 'MESSAGE_INVALID' }),
  );
  expect(() => read.set('/a/b', 'a\0b')).toThrow(
    expect.objectContaining({ code: 'MESSAGE_INVALID' }),
  );
});

test.for([
  ['a document type', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 'DTD'],
  ['a document type behind comments', '<?xml version="1.0"?><!-- x --><!DOCTYPE a><a/>', 'DTD'],
  ['an unknown entity', '<a>&x;</a>', 'well-formed'],
  ['an open element', '<a>\n<b></a>', 'line 2'],
  ['an unquoted attribute', '<a b=1/>', 'well-formed'],
  ['nothing', '', 'well-formed'],
  ['two roots', '<a/><b/>', 'well-formed'],
  ['an unbound prefix', '<x:a/>', 'well-formed'],
  [
    'an encoding that is not supported',
    '<?xml version="1.0" encoding="EBCDIC-X"?><a/>',
    'not supported',
  ],
] as const)('%s is refused', ([, text, why]) => {
  expect(() => xmlDocument(Buffer.from(text))).toThrow(
    expect.objectContaining({ code: 'DOCUMENT_UNREADABLE', message: expect.stringContaining(why) }),
  );
});

test('bytes that are not of the encoding are refused', () => {
  expect(() => xmlDocument(Buffer.from('<a>\xfc</a>', 'latin1'))).toThrow(
    expect.objectContaining({ message: expect.stringContaining('offset 3') }),
  );
});

test.for(['/a[', '//', 'a b', 'nothing(1)', '$x'])('the XPath %s is refused', (path) => {
  expect(() => document.get(path)).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID', message: expect.stringContaining('XPath') }),
  );
});
