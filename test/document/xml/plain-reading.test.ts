import { expect, test } from 'vitest';
import { parseXml } from '../../../src/document/xml/parse-xml.ts';
import { PlainReading } from '../../../src/document/xml/plain-reading.ts';
import type { XmlElement, XmlRoot, XmlTree } from '../../../src/document/xml/tree.ts';
import { TreeReading } from '../../../src/document/xml/tree-reading.ts';
import { xmlDocument } from '../../../src/document/xml/xml-document.ts';
import { random } from '../../support/random.ts';

const TEXTS = [
  `<?xml version="1.0" encoding="UTF-8" standalone='yes'?>
<!-- an order --><?style href="x"?>
<o:order xmlns:o="urn:order" xmlns="urn:default" id="7">
  <o:patient o:kind="in" kind="in" xml:lang="de"><größe einheit='cm'>Müller &amp; Söhne</größe><n/></o:patient>
  <line n="1" >a</line ><line xmlns=""
    n="2&#10;&lt;"><![CDATA[<b>]]]]></line>
</o:order>
`,
  `\uFEFF<a:b xmlns:a="urn:a" c='1 &lt; 2' d="&#x1F600;😀">é\r\n&amp;<![CDATA[]]><!-->\r--></a:b>\r\n<!-- ] -->`,
  `<r a="1" b="2" c="3" d="4" e="5" f="6" g="7" h="8" i="9"><e xmlns:x="u" x:a="" xmlns:y="u" y:b="\t"/>]&#93;&gt;</r>`,
] as const;

/** What makes a text unreadable, or another one. */
const PIECES =
  `< > / & &amp; &#13; &#x0; &#xD800; &b; " ' = <!-- --> -- <![CDATA[ ]]> <? ?> <?xml?> <?XML?>
<?xml&version="1.0"?> xmlns="" xmlns:a="u" xmlns:a="" xmlns:xml="u" xmlns="http://www.w3.org/2000/xmlns/" xml:id="1" :
a a="1" &a="1" &x:a="1" é × · \u0370 😀 \ud800 \0 \u007f \ufffe \u2028 \uFEFF <a/> <a> </a> <a:b> <xml:a/> <xmlns:a/> <__proto__/>
__proto__="1" <!DOCTYPE&a> ? <?a&?b?> <?a?> - . 1 &xmlns:b="&u"`
    .split(/\s/)
    // a blank of its own
    .map((piece) =>
      piece.startsWith('&') && piece.length > 1 && !piece.endsWith(';')
        ? piece.replaceAll('&', ' ')
        : piece.replace(/([?EA])&/, '$1 '),
    ) as [string, ...string[]];

const { below, pick } = random(20261129);

function changed(text: string): string {
  const at = below(text.length + 1);
  const more = below(4) === 0 ? '' : pick([...PIECES, '\r', '\n', '\t'] as typeof PIECES);
  return text.slice(0, at) + more + text.slice(at + (below(3) === 0 ? below(8) : 0));
}

/** Undefined if it is not plain. */
function plain(text: string): XmlTree | undefined {
  const reading = new TreeReading(text);
  return new PlainReading(text, reading).read(text.length) === false ? reading.tree() : undefined;
}

/** By saxes alone: an instruction that is not plain stands behind it, and is taken away again. */
function bySaxes(text: string): XmlTree {
  const tree = parseXml(`${text}<?\u0370?>`);
  tree.root.children.pop();
  return { ...tree, size: tree.size - 1, top: tree.top.slice(0, -1) };
}

const shown = (node: XmlRoot | XmlElement): unknown => [
  { ...node, parent: undefined, attributes: undefined, children: undefined },
  'attributes' in node ? node.attributes.map((one) => ({ ...one, parent: undefined })) : [],
  node.children.map((one) => (one.kind === 'element' ? shown(one) : { ...one, parent: undefined })),
];
const told = ({ root, namespaces, size, top }: XmlTree): string =>
  JSON.stringify([shown(root), [...namespaces], size, top.length]);

test('what is plain is read as saxes reads it', () => {
  const texts = Array.from({ length: 1_500 }, (_, round) => {
    let text: string = TEXTS[round % TEXTS.length] ?? '';
    for (let times = 1 + below(3); times > 0; times--) text = changed(text);
    return text;
  });
  const read = texts.flatMap((text) => {
    const tree = plain(text);
    return tree === undefined ? [] : [{ text, told: told(tree) }];
  });
  expect(read).toEqual(read.map(({ text }) => ({ text, told: told(bySaxes(text)) })));
  // neither everything nor nothing is plain
  expect(read.length).toBeGreaterThan(200);
  expect(read.length).toBeLessThan(1_300);
});

test.for(TEXTS)('%# is plain', (text) => {
  expect(plain(text)).toBeDefined();
});

test('a document within one, as long as it may be, is read in turns', () => {
  const inner = '<a/>'.repeat(20_000);
  const written = inner.replaceAll('<', '&lt;');
  expect(plain(`<r>${written}</r>`)).toBeUndefined();
  expect(plain(`<r a="${written}"/>`)).toBeUndefined();
  expect(parseXml(`<r>${written}</r>`).element.children).toMatchObject([{ value: inner }]);
});

test('a name of letters that are not Latin is read all the same', () => {
  expect(plain('<Ͱ/>')).toBeUndefined();
  expect(parseXml('<r><Ͱ/></r>').element.children).toMatchObject([{ name: 'Ͱ' }]);
});

test.for(['r', 'Ͱ'])(
  'in <%s>, what looks like the end of a comment in its beginning stays',
  (name) => {
    const text = `<${name}><!-->c--><v>old</v></${name}>`;
    const document = xmlDocument(Buffer.from(text));
    document.set('//v', 'new');
    expect(Buffer.from(document.bytes()).toString()).toBe(text.replace('old', 'new'));
  },
);
