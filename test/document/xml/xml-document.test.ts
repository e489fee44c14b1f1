import { expect, test } from 'vitest';
import { xmlDocument } from '../../../src/document/xml/xml-document.ts';
import { processorTime } from '../../support/processor-time.ts';

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
  ['count(/r/div) div count(//and)', '2'],
  ['count(/r/div[and and or])', '1'],
  ['count(/r/* | //or) * 2 mod 4', '2'],
  ['count(/r/div/child::*[position() != last()])', '1'],
  ['name(//or/ancestor::*[2])', 'r'],
  ['name(//or/preceding-sibling::*[1])', 'and'],
  ['name(//or/following::*[1])', 'div'],
  ['name((//div)[last()])', 'div'],
  ['//div[2]/preceding::or', 'o'],
  ['string(-//n + - -3)', '1'],
  ['//n = //m', 'true'],
  ['//n != //n', 'false'],
  ['//n < 3 and not(//n > 2)', 'true'],
  ['concat(substring("12345", 2, 3), translate("bar", "abc", "AB"))', '234BAr'],
  ['normalize-space("  a  b ")', 'a b'],
  ['substring-after(//n/@t, "-")', 'y'],
  ['sum(//n | //m) div 0', 'Infinity'],
  ['string(number("x"))', 'NaN'],
  ['round(2.5) + floor(-1.5) + ceiling(1.2)', '3'],
  ['count(//@*)', '1'],
  ['lang("en")', 'false'],
  ['//processing-instruction("p")', 'data'],
  ['//comment()', ' c '],
] as const)('by XPath 1.0, %s is %j', ([path, value]) => {
  const text =
    '<r><div><and>a</and><or>o</or></div><!-- c --><?p data?><div/><n t="x-y">2</n><m>2</m></r>';
  expect(xmlDocument(Buffer.from(text)).get(path)).toBe(value);
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
      .replace('Müller &amp; Söhne', 'a &amp; &lt;b&gt;')
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

test('every character that no change touches stays, also in what a change stands in', () => {
  const text = `<?xml version='1.0'?>\n<!-- x -->\n<a  b = 'ü "' c="1" ><d/><e></e><f\n/>&#65;<![CDATA[x]]></a >\n<!-- end -->`;
  const copy = xmlDocument(Buffer.from(text)).copy();
  copy.set('/a/@b', `'"&`);
  copy.set('/a/d', 'x\n');
  copy.set('/a/e', '1');
  copy.set('/a/e', '');
  copy.set('/a/f/@g', '\t');
  copy.remove('/comment()[1]');
  copy.remove('/a/@c');
  expect(Buffer.from(copy.bytes()).toString()).toBe(
    text
      .replace(`'ü "' c="1"`, `'&apos;"&amp;'`)
      .replace('<d/>', '<d>x\n</d>')
      .replace('<f\n/>', '<f g="&#9;"\n/>')
      .replace('<!-- x -->', ''),
  );
  expect(copy.copy().get('/a/d')).toBe('x\n');
});

test('a copy and its original do not change each other', () => {
  const original = xmlDocument(Buffer.from('<a><b>1</b></a>'));
  const copy = original.copy();
  original.set('/a/b', '2');
  const later = original.copy();
  copy.remove('/a/b');
  later.set('/a/c', '3');
  expect([original, copy, later].map((one) => Buffer.from(one.bytes()).toString())).toEqual([
    '<a><b>2</b></a>',
    '<a></a>',
    '<a><b>2</b><c>3</c></a>',
  ]);
});

const siblings = (bytes: number): Buffer => {
  let text = '<r xmlns="urn:r">';
  for (let at = 0; text.length < bytes; at++) text += `<s id="${at}"><v>x</v></s>`;
  return Buffer.from(`${text}</r>`);
};

test('64 KB of equal siblings are read and asked in a moment', () => {
  const large = siblings(65_536);
  const began = processorTime();
  const one = xmlDocument(large);
  expect(one.get('//s[last()]/@id')).not.toBe('');
  expect(one.all('/r/s/v').length).toBeGreaterThan(1_000);
  expect(one.get('count(//s/following-sibling::s[1])')).not.toBe('');
  expect(processorTime() - began).toBeLessThan(1_000);
});

test('a path that compares all with all ends with what to do, not with a pause', () => {
  const one = xmlDocument(siblings(400_000));
  const began = processorTime();
  expect(() => one.get('count(//s[preceding::s/@id = @id])')).toThrow(
    expect.objectContaining({ code: 'EXPRESSION_TOO_COSTLY', retryable: false }),
  );
  expect(processorTime() - began).toBeLessThan(2_000);
});

test('a loop can make and read many elements by their numbers', () => {
  const one = xmlDocument(Buffer.from('<r/>'));
  for (let at = 1; at < 5_000; at++) one.set(`/r/s[${at}]/@id`, String(at));
  for (let at = 1; at < 5_000; at++) expect(one.get(`/r/s[${at}]/@id`)).toBe(String(at));
  one.remove('/r/s[2]');
  expect(one.get('/r/s[2]/@id')).toBe('3');
});

test('all paths on one document have a budget together', () => {
  const one = xmlDocument(siblings(40_000));
  expect(() => {
    for (let at = 0; at < 10_000; at++) one.get('count(//node())');
  }).toThrow(expect.objectContaining({ code: 'EXPRESSION_TOO_COSTLY' }));
});

test.for([
  ['too many nodes', `<a>${'<b/>'.repeat(500_001)}</a>`, 'more than 500000'],
  ['too many in each other', '<a>'.repeat(300) + '</a>'.repeat(300), 'more than 256 deep'],
] as const)('%s are refused before they are worked on', ([, text, why]) => {
  expect(() => xmlDocument(Buffer.from(text))).toThrow(
    expect.objectContaining({ code: 'DOCUMENT_UNREADABLE', message: expect.stringContaining(why) }),
  );
});

test.for(['/a[', '//', 'a b', 'nothing(1)', '$x', 'count()', 'nothing::a', '('.repeat(100)])(
  'the XPath %s is refused',
  (path) => {
    expect(() => document.get(path)).toThrow(
      expect.objectContaining({ code: 'PATH_INVALID', message: expect.stringContaining('XPath') }),
    );
  },
);
