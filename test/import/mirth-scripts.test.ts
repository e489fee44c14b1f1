import { expect, test } from 'vitest';
import { rewriteScript } from '../../src/import/mirth/script/rewrite.ts';
import { cases, channel, imported, marksOf, problemsOf, stateOf } from './imported.ts';
import { javaScript } from './mirth-export.ts';

const rewritten = (text: string): ReturnType<typeof rewriteScript> =>
  rewriteScript(text, { templates: new Set(), secretName: () => 'SECRET_X' });

const PID = "msg['PID']['PID.5']['PID.5.1']";

/** What a script writes into PID-5.1. */
async function made(script: string): Promise<string> {
  const production = imported(
    channel({ transformer: { inbound: 'HL7V2', steps: [javaScript('script', script)] } }),
  );
  expect(marksOf(production)).toEqual([]);
  expect(stateOf(production)).toBe('complete');
  expect(await problemsOf(production)).toEqual([]);
  return cases(
    production,
    `cases:\n  - name: made\n    message: adt.hl7\n    expect: { adt-in-ward: { fields: { PID-5.1: made } } }\n`,
  );
}

test.each([
  [
    'octal numbers and escapes',
    String.raw`if (010 == 8 && 09 == 9 && '\101' == 'A') ${PID} = 'made';`,
  ],
  ['characters without width', `\u200Bif (true) ${PID}\u200B = 'made';`],
  [
    'classes of Java by importPackage, Packages and Mirth’s own names',
    `importPackage(java.util);
importPackage(Packages.java.lang);
var list = new ArrayList();
list.add(new StringBuilder('ma').append('de'));
var map = new Packages.java.util.LinkedHashMap();
map.put('x', com.mirth.connect.server.userutil.DateUtil.getCurrentDate('yyyy').length());
var of = Packages.com.mirth.connect.server.controllers.ChannelController.getInstance().getDeployedChannelById(channelId).getName();
var hash = com.google.common.hash.Hashing.sha256().hashUnencodedChars('ab');
var text = com.google.common.hash.Hashing.md5().hashString('ä', java.nio.charset.StandardCharsets.UTF_8).toString();
if (of === channelName && text === '8419b71c87a225a2c70b50486fbee545' && hash == '8fb20ef63ced4145fc2e983ffe597d1dcff39154c3bf21f0fa9dde6a0c50fdc9' && map.get('x') == 4 && Packages.org.apache.commons.lang3.StringUtils.isBlank(' ')) ${PID} = list.get(0).toString();`,
  ],
  [
    'patterns of Java',
    String.raw`var parts = 'a.b'.split('\\.'); if (parts.length == 2 && 'made '.length() == 5) ${PID} = ' made '.replaceAll('\\s', '');`,
  ],
  [
    'XML without anything is no empty text',
    `var none = msg['PID']['PID.30'], plain = none.toString(), empty = <a><b/></a>;
function isNone(it) { return it == ''; }
if (none != '' && plain == '' && empty.b == '' && !isNone(none) && isNone(empty.b) && undefined == none)
  ${PID} = 'made';`,
  ],
  [
    'helpers of Mirth',
    `var ack = ACKGenerator.generateAckResponse(connectorMessage.getRawData(), 'AA', '');
var json = XmlUtil.toJson('<a><b>made</b></a>');
if (ack.indexOf('MSA|AA') > 0 && FileUtil.encode('x') == 'eA==') ${PID} = JSON.parse(json).a.b;`,
  ],
])('%s', async (_, script) => {
  expect(await made(script)).toMatch(/1 passed/);
});

test('a comparison with an empty text stays where nothing is XML', () => {
  const script = "var a = $('x').trim(); var b; if (a == '' || b == 0) { b = 1; }";
  expect(rewritten(script).text).toBe(script);
  expect(
    rewritten("var a = msg.b; for each (var c in a) if (a == '' || c != '') d();").text,
  ).toContain("e4x.equal(a, '') || !e4x.equal(c, '')");
});

test('XML that is added to XML stays XML, whatever the value is called; texts and numbers stay so', () => {
  expect(rewritten("var list = msg['a']; var one = msg['b'][0]; list += one;").text).toContain(
    'list = e4x.add(list, one)',
  );
  expect(rewritten("msg['b'] = msg['b'] + msg['c'] + <d/>;").text).toContain(
    "= e4x.add(e4x.add(msg['b'], msg['c']), e4x.xml`<d/>`)",
  );
  expect(rewritten("return msg['b'] + <d>+</d> + msg['c'];").text).toContain(
    "e4x.add(e4x.add(msg['b'], e4x.xml`<d>+</d>`), msg['c'])",
  );
  expect(rewritten("msg['b'] += <a/> + msg['c'];").text).toContain(
    "= e4x.add(msg['b'], e4x.add(e4x.xml`<a/>`, msg['c']))",
  );
  expect(rewritten("return msg['b'] + ' ' + msg['c'] + i;").text).not.toContain('add');
  const plain = "var text = 'a'; var n = 0; for (var i = 0; i < 3; i++) { text += 'b'; n += 1; }";
  expect(rewritten(plain).text).toContain("text += 'b'; n += 1;");
});

test.for([
  ["return msg['b'] /* a + b */ + msg['c'];", "e4x.add(msg['b'] /* a + b */, msg['c'])"],
  ["return msg['b'] // 1 + 2\n + msg['c'];", "e4x.add(msg['b'] // 1 + 2\n , msg['c'])"],
  ["return msg['b'] /* == */ == msg['c'];", "e4x.equal(msg['b'] /* == */, msg['c'])"],
  ["var one = msg['a']; one += (msg['b'] + msg['c']);", "one, (e4x.add(msg['b'], msg['c'])))"],
  ["var one = msg['a']; one /* + */ += msg['b'];", "one /* + */ = e4x.add(one, msg['b'])"],
] as const)('operators are found beside comments and parentheses: %s', ([script, text]) => {
  const after = rewritten(script);
  expect(after.marks).toEqual([]);
  expect(after.text).toContain(text);
});

test('what only old scripts may do is told of', () => {
  expect(rewritten('with (msg) { a = 1; }').marks).toMatchObject([
    { line: 1, what: expect.stringMatching(/'with' in strict mode/) },
  ]);
  expect(rewritten('var a = 1;\nvar static = 2;').marks).toMatchObject([
    { line: 2, category: 'a script that cannot be parsed' },
  ]);
  expect(rewritten("FileUtil.write('/tmp/x', false, 'a');").marks).toMatchObject([
    { category: 'files in a script' },
  ]);
  const controller = 'com.mirth.connect.server.controllers.ChannelController.getInstance()';
  for (const other of ['.getChannels()', ".getDeployedChannelById('4711').getName()"])
    expect(rewritten(`var one = ${controller}${other};`).marks).toMatchObject([
      { category: 'Java' },
    ]);
  expect(rewritten('importClass(java.util.ArrayList); new Scanner();').marks).toMatchObject([
    { category: 'Java' },
    { category: 'an unknown name' },
  ]);
});
