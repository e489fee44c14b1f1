import { expect, test } from 'vitest';
import { readData } from '../../src/mirth/data-type.ts';
import { incoming } from '../../src/mirth/incoming.ts';
import {
  ACKGenerator,
  FileUtil,
  HashUtil,
  JsonUtil,
  java,
  javaString,
  Lists,
  Maps,
  org,
  SerializerFactory,
  XmlUtil,
} from '../../src/mirth/index.ts';
import { keptText } from '../../src/mirth/plain-text.ts';

const ADT = 'MSH|^~\\&|EPIC|MAIN|HUB|NORTH|20260101||ADT^A01|77|P|2.5\rPID|1||123^^^M';

test('an acknowledgement turns sender and receiver round and has the message’s number', () => {
  const ack = ACKGenerator.generateAckResponse(ADT, 'AE', 'No such ward');
  expect(ack).toMatch(
    /^MSH\|\^~\\&\|HUB\|NORTH\|EPIC\|MAIN\|\d{14}\|\|ACK\^A01\^ACK\|\d{14}\|P\|2\.5\rMSA\|AE\|77\|No such ward\r$/,
  );
  const old = ACKGenerator.generateAckResponse(
    ADT.replace('2.5', '2.3'),
    false,
    'AA',
    '',
    'yyyy',
    'E1',
  );
  expect(old).toMatch(/\|ACK\|\d{4}\|P\|2\.3\rMSA\|AA\|77\rERR\|E1\r$/);
  expect(() => ACKGenerator.generateAckResponse('<a/>', 'AA', '')).toThrow(/MSH/);
});

test('an acknowledgement that is made with new is the same text', () => {
  // as scripts write it, which Rhino permits
  const make = ACKGenerator.generateAckResponse as unknown as new (
    ...given: readonly unknown[]
  ) => InstanceType<typeof String>;
  expect(new make(ADT, 'AA', '').toString()).toMatch(/\rMSA\|AA\|77\r$/);
});

test('what is written into XML keeps its carriage returns and letters', () => {
  expect(XmlUtil.encode('a\rb\né')).toBe('a&#13;b&#10;&#233;');
  expect(XmlUtil.decode('&#13;&#xE9;&amp;')).toBe('\ré&');
});

test('XML and JSON are laid out as Mirth Connect does it', () => {
  expect(XmlUtil.prettyPrint('<a><b>1</b></a>')).toBe('<a>\n    <b>1</b>\n</a>\n');
  expect(JsonUtil.prettyPrint('{"a":[1,{}],"b":[]}')).toBe(
    '{\n  "a" : [\n    1,\n    { }\n  ],\n  "b" : [ ]\n}',
  );
});

test('values of a map are objects to a script, as Java gives them', () => {
  const map = Maps.map().add('empty', '').add('no', false).add('none', undefined);
  const [empty, no, other] = [map.get('empty'), map.get('no'), map.get('empty')];
  expect([Boolean(empty), Boolean(no), String(empty), String(no)]).toEqual([
    true,
    true,
    '',
    'false',
  ]);
  expect(empty === other).toBe(true);
  expect(map.get('none')).toBe('undefined');
});

test('XML and JSON become each other', () => {
  const json = XmlUtil.toJson(
    '<x:o xmlns:x="u" id="7"><c>1.50</c><c>true</c><e/><t k="v">a</t></x:o>',
  );
  expect(JSON.parse(json)).toEqual({
    o: { '@id': 7, c: ['1.50', true], e: null, t: { '@k': 'v', $: 'a' } },
  });
  expect(JsonUtil.toXml('{"o":{"@id":7,"c":["1","2"],"t":{"$":"a<b"}}}')).toBe(
    '<o id="7"><c>1</c><c>2</c><t>a&lt;b</t></o>',
  );
  expect(XmlUtil.decode(XmlUtil.encode('<a href="x">\'&'))).toBe('<a href="x">\'&');
  expect(() => XmlUtil.toJson('no xml')).toThrow(SyntaxError);
});

test('a serializer gives back what it was given', () => {
  const hl7 = SerializerFactory.getSerializer('HL7V2');
  expect(hl7.fromXML(hl7.toXML(ADT))).toBe(`${ADT}\r`);
  expect(hl7.toXML(ADT)).toContain('<PID.3.1>123</PID.3.1>');
  expect(() => SerializerFactory.getSerializer('DICOM')).toThrow(/DICOM/);
});

test('classes of Java do what scripts use them for', () => {
  const list = new java.util.ArrayList([1]);
  list.add(0, 'first');
  expect([
    list.size(),
    list.get(0),
    list.map(String).length,
    new java.util.ArrayList(16).size(),
  ]).toEqual([2, 'first', 2, 0]);
  expect(list.addAll(list) && list.size()).toBe(4);
  expect(new java.util.HashSet(['a', 'b', 'a']).size()).toBe(2);
  // more than a call has arguments
  expect(new java.util.ArrayList(Array.from({ length: 200_000 })).size()).toBe(200_000);
  expect(new java.lang.StringBuilder('a').append('b').insert(0, '>').toString()).toBe('>ab');
  expect(java.lang.Integer.parseInt('012') + java.lang.Integer.valueOf('3')).toBe(15);
  expect(() => java.lang.Integer.parseInt('1x')).toThrow(/number/);
  expect(java.lang.String.format('%05d|%-4s|%.2f%%', 42, 'ab', 1.005)).toBe('00042|ab  |1.00%');
  expect(java.net.URLEncoder.encode('a b&c')).toBe('a+b%26c');
  expect(org.apache.commons.lang3.StringUtils.leftPad('7', 3, '0')).toBe('007');
  const digest = java.security.MessageDigest.getInstance('SHA-256').digest(
    javaString('x').getBytes(),
  );
  expect(Buffer.from(digest).toString('hex')).toBe(HashUtil.generate('x'));
  expect(new java.lang.String(FileUtil.decode(FileUtil.encode('Äx'))).toString()).toBe('Äx');
  expect([Lists.list(1, 2).append(3).size(), Maps.map('a', 1).add('b', 2).get('b')]).toEqual([
    3, 2,
  ]);
});

test('a text knows the methods of Java', () => {
  const text = javaString('a.b.c');
  expect([
    text.length(),
    text.split('\\.').length,
    text.replaceAll('[.]', '-'),
    text.matches('a.*'),
  ]).toEqual([5, 3, 'a-b-c', true]);
  expect(javaString(5)).toBe(5);
});

test.each([
  [
    'application/json',
    '{"a":1.50,"b":12345678901234567890}',
    '{"a":1.50,"b":12345678901234567890}',
  ],
  ['', '{"base64":"TVNIfMO8"}', 'MSH|ü'],
  ['multipart/mixed', '{"base64":"TVNIfMO8"}', 'MSH|ü'],
  ['application/octet-stream', '{"base64":"TVNIfMO8"}', 'TVNIfMO8'],
  ['application/json', '{"base64":"TVNIfMO8"}', '{"base64":"TVNIfMO8"}'],
])('the body of a request of type %s is what the channel used to get', (type, body, text) => {
  const request = `{"method":"POST","path":"/","headers":{"content-type":"${type}"},"body":${body}}`;
  expect(incoming({ http: 'body' }, 'application/json', request).body).toBe(text);
});

test.each([
  '<r><Content>&lt;doc xmlns="urn:x"&gt;1&lt;/doc&gt;</Content></r>',
  '<x:r xmlns:x="urn:y"><Content><![CDATA[<doc xmlns:x="urn:x">1</doc>]]></Content></x:r>',
])('without namespaces, neither has a document that is a text of %s', (body) => {
  const read = readData('XML', body, { stripNamespaces: true }) as Record<string, unknown>;
  expect(String(read['Content'])).toBe('<doc >1</doc>');
});

test('line ends of HL7 that nothing else is done to are its own, those of raw text stay', () => {
  expect(keptText('HL7V2', 'MSH|A\r\nPID|1\nPV1\r')).toBe('MSH|A\rPID|1\rPV1\r');
  expect(keptText('RAW', 'MSH|A\r\nPID|1\n')).toBe('MSH|A\r\nPID|1\n');
});
