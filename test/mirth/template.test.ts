import { expect, test } from 'vitest';
import { parseXml } from '../../src/mirth/e4x/xml.ts';
import { VariableMap } from '../../src/mirth/maps.ts';
import { render, templateFault } from '../../src/mirth/template.ts';

const PUT = new VariableMap(Object.entries({ no: false, zero: 0, void: '' }));

const VARIABLES: Readonly<Record<string, unknown>> = {
  mrn: '123',
  empty: '',
  'first name': 'Jane',
  codes: ['A', 'B'],
  headers: new VariableMap([['X-Unit', 'W1']]),
  ...Object.fromEntries(['no', 'zero', 'void'].map((name) => [name, PUT.get(name)])),
  order: parseXml('<order><item n="1">a</item><item n="2">b</item></order>'),
};

const filled = (template: string): string =>
  render(template, {
    lookup: (name) => VARIABLES[name],
    message: { encodedData: () => '{"a":1}', messageId: () => '7' },
  });

test.each([
  ['${mrn}-$mrn $!{mrn}', '123-123 123'],
  ['${first name}: ${maps.get("first name")}', 'Jane: Jane'],
  ['$unknown ${unknown} $!unknown|$!{unknown.part}', '$unknown ${unknown} |'],
  ['costs 5$ and #1, #hash', 'costs 5$ and #1, #hash'],
  ['${message.encodedData}/${message.getMessageId()}', '{"a":1}/7'],
  ["${headers.get('X-Unit')} $headers.size()", 'W1 1'],
  ['${order.item[1]} ${codes[0]} $codes.size()', 'b A 2'],
  ["$mrn.substring(1) ${mrn.length()} ${mrn.equals('123')}", '23 3 true'],
  ['${JsonUtil.prettyPrint(${message.encodedData})}', '{\n  "a" : 1\n}'],
  ["${XmlUtil.encode('a<b')}", 'a&lt;b'],
  ["#if($mrn == '123')yes#{else}no#end", 'yes'],
  ['#if($no)a#elseif(!$maps.get("no") && $zero + 1 == 1)b#end', 'b'],
  ['#if($void)a#end$void.length()', 'a0'],
  ['#if($unknown)a#elseif($mrn && !$unknown)b#else c#end', 'b'],
  [
    '#set($n = 2 + 3 * 2)\n$n #foreach($one in $codes)$foreach.count:$one#if($foreach.hasNext),#end#end',
    '8 1:A,2:B',
  ],
  ['#foreach($n in [1..3])$n#end ## a comment', '123 '],
  ['#[[ $mrn ]]# \\$mrn #* gone *#', ' $mrn  $mrn '],
  [
    '$mrn.constructor.constructor("return 1")() ${mrn.__proto__}',
    '$mrn.constructor.constructor("return 1")() ${mrn.__proto__}',
  ],
])('%s', (template, expected) => {
  expect(templateFault(template)).toBeUndefined();
  expect(filled(template)).toBe(expected);
});

test.each([
  ['#macro(x)a#end', /uses #macro \(line 1\)/],
  ['a\n#if($x) no end', /an #if without an #end \(line 2\)/],
  ['#end', /too many/],
  ['#set($a.b = 1)', /sets a part/],
  ['${a.b(1}', /lacks a \)/],
])('%s is told of, and where', (template, fault) => {
  expect(templateFault(template)).toMatch(fault);
});

test('a template that would make no end of text is stopped', () => {
  const loop = '#foreach($a in [1..100000])#foreach($b in [1..100000])x#end#end';
  expect(() => filled(loop)).toThrow(/too many parts/);
});
