import { expect, test } from 'vitest';
import { besideRhino, differencesOf, rhinoJar } from '../support/rhino.ts';

const ADT =
  'MSH|^~\\&|EPIC|MAIN|HUB|MAIN|20260115083000||ADT^A01|A1|P|2.5\rPID|1||123^^^MAIN~456^^^OLD||DOE^JOHN||19800102|M\rNK1|1|ROE^A\rNK1|2|\rOBX|1|NM|GLU||7\rOBX|2|NM|NA||140\r';

/** What scripts do with E4X, each a script of its own. */
const SCRIPTS = `return msg['PID']['PID.5']['PID.5.1'].toString();
return msg.PID['PID.3'].length() + '/' + msg['OBX'].length() + '/' + msg['ZZZ'].length();
return msg['ZZZ']['ZZZ.1'].toString() == '' && msg['ZZZ'].toString() === '';
return msg['ZZZ'] == '' ;
return msg['ZZZ'] == undefined;
return msg['ZZZ'] == null;
return typeof msg['PID'] + typeof msg['ZZZ'] + typeof msg['PID'].toString();
return msg['NK1'][1]['NK1.2'] == '';
return msg['NK1'][1]['NK1.2']['NK1.2.1'] == '';
return msg['PID']['PID.8'] == 'M';
return msg['PID']['PID.8']['PID.8.1'] === 'M';
return 'M' == msg['PID']['PID.8']['PID.8.1'];
return msg['OBX'][0]['OBX.5']['OBX.5.1'] > 5;
return msg['OBX'][0]['OBX.5']['OBX.5.1'] + 1;
return msg['OBX'][0]['OBX.5']['OBX.5.1'] * 2;
return Number(msg['OBX'][1]['OBX.5']['OBX.5.1']) - 1;
msg['PID']['PID.5']['PID.5.1'] = 'ROE';
msg['PID']['PID.30']['PID.30.1'] = 'new';
msg['PID']['PID.5']['PID.5.1'] += '!';
msg['PID']['PID.3'][1]['PID.3.1'] = 'x';
msg['PID']['PID.3'][2]['PID.3.1'] = 'third';
delete msg['OBX'][0];
delete msg['OBX'];
delete msg['PID']['PID.3'];
msg['ZPI']['ZPI.1']['ZPI.1.1'] = 'z';
msg['OBX'][5]['OBX.1']['OBX.1.1'] = 'far';
for each (var one in msg['OBX']) one['OBX.1']['OBX.1.1'] = 'n';
var n = 0; for each (var one in msg..OBX) n++; return n;
var seen = ''; for (var key in msg['OBX']) seen += key; return seen;
var seen = ''; for each (var part in msg.children()) seen += part.localName() + ' '; return seen;
return msg.OBX.(OBX.1 == 2).length();
return msg['OBX'].child('OBX.3').toString();
return msg.descendants('OBX.5').length();
return msg['PID'].childIndex();
return msg['OBX'][1].childIndex();
return msg['PID'].parent().localName();
return msg.PID.name() + '|' + msg['PID'].localName();
return msg.PID.name().localName + '|' + msg.PID.name().uri + '|' + typeof msg.PID.name();
return (msg.PID.name() == 'PID') + '|' + (msg.PID.name() === 'PID') + '|' + ('PID' == msg.PID.name()) + '|' + (msg.PID.name() != 'OBX');
switch (msg.PID.name()) { case 'PID': return 'one'; default: return 'other'; }
var made = {}; for each (var part in msg.children()) made[part.name()] = part.children().length(); return JSON.stringify(made);
return msg.PID.name().indexOf('P');
var names = []; for each (var part in msg.children()) names.push(part.name()); return names.join(',') + names.indexOf('PID');
return msg.PID.name().toString().substring(0, 2) + msg.PID.name().localName.length + String(msg.PID.name());
channelMap.put('name', msg.PID.name()); return 'x' + $('name');
return (msg.PID.name() == msg.PID.name()) + '|' + JSON.stringify(msg.PID.name());
msg.appendChild(<ZZZ><ZZZ.1>a</ZZZ.1></ZZZ>);
msg['PID'].appendChild(<PID.40>q</PID.40>);
msg.insertChildAfter(msg['PID'][0], <ZZA/>);
msg.insertChildBefore(msg['PID'][0], <ZZB/>);
msg['PID'].prependChild(<PID.0>q</PID.0>);
msg['PID'].setName('PIX');
msg['PID'].@id = '7'; return msg['PID'].@id.toString() + msg.PID.attribute('id') + msg['PID'].attributes().length();
var copy = msg['PID'].copy(); copy['PID.8']['PID.8.1'] = 'F'; return msg['PID']['PID.8'].toString() + copy['PID.8'].toString();
msg['NK1'] = msg['OBX'][0];
msg['PID']['PID.3'] = msg['PID']['PID.5'];
msg['PID']['PID.5'] = 'text';
msg['PID']['PID.8'] = '';
msg['PID']['PID.8'] = null;
msg['PID']['PID.8'] = undefined;
msg['PID']['PID.8']['PID.8.1'] = 5;
msg['PID']['PID.8']['PID.8.1'] = true;
msg['OBX'] = msg['OBX'] + <OBX><OBX.1>9</OBX.1></OBX>;
msg['OBX'] += <OBX><OBX.1>9</OBX.1></OBX>;
return (msg['NK1'] + <d>+</d> + msg['OBX']).length();
msg['NK1'] += <NK1/> + msg['OBX'];
var list = <a/> + msg['NK1']; list = list + <c/>; return list.toXMLString();
var list = new XMLList(); list += <a>1</a>; list += <a>2</a>; return list.length() + list.toXMLString();
var x = <a b="1"><c>{1 + 1}</c></a>; return x.toXMLString() + x.c + x.@b;
var v = 'q"<'; var x = <a b={v}>{v}</a>; return x.toXMLString();
return <a> t </a>.toString();
return <a><b> t </b></a>.toString();
return new XML('<a>\\n  <b>1</b>\\n</a>').toXMLString();
return <a/>.hasSimpleContent() + '' + <a><b/></a>.hasComplexContent();
return <a>1</a> == 1;
return <a>1</a> + <b>2</b>;
return (<a>1</a>).toString() + 'x';
return msg['PID'].hasOwnProperty('PID.5') + '' + msg['PID'].hasOwnProperty('PID.99') + ('PID.5' in msg['PID']);
return msg['PID']['PID.5'].length() + '' + msg['PID']['PID.5']['PID.5.1'].length();
return msg['PID']['PID.5'].toString().length;
return msg['PID']['PID.5']['PID.5.1'].toString().substring(0, 2).toLowerCase();
return msg['PID']['PID.5']['PID.5.1'].substring(0, 2);
return msg['PID'].elements().length() + '/' + msg['PID'].elements('PID.3').length() + '/' + msg['PID']['*'].length();
return msg.*.length();
return msg['PID'].text().toString() + '|' + msg['PID']['PID.8']['PID.8.1'].text();
return msg['OBX'].toString() == msg['OBX'].toXMLString();
channelMap.put('a', msg['PID']['PID.5']['PID.5.1']); return channelMap.get('a') == 'DOE';
channelMap.put('a', msg['PID']['PID.5']['PID.5.1'].toString()); return $('a') + $c('a');
$c('n', 1); $c('b', true); $c('s', 'x'); return $('n') + 1;
return $('none') + '|' + channelMap.get('none') + '|' + channelMap.containsKey('none');
return validate(msg['PID']['PID.99'], 'd', []) + validate(msg['PID']['PID.8'], '', [['M', 'male']]);
createSegment('ZZZ', msg)['ZZZ.1'] = 'a';
createSegment('OBX', msg, 2)['OBX.1']['OBX.1.1'] = '3';
if (msg['PID']['PID.19']) return 'there'; return 'not there';
if (msg['PID']['PID.19'].toString()) return 'there'; return 'not there';
if (!msg['ZZZ']) return 'none'; return 'some';
return msg['PID']['PID.5'] ? 1 : 2;
return msg['PID']['PID.5']['PID.5.1'] && 'and';
return msg['ZZZ'] || 'or';
switch (msg['PID']['PID.8']['PID.8.1'].toString()) { case 'M': return 'male'; default: return 'other'; }
switch (msg['PID']['PID.8']['PID.8.1']) { case 'M': return 'male'; default: return 'other'; }
return ['a', 'M'].indexOf(msg['PID']['PID.8']['PID.8.1'].toString());
return parseInt(msg['OBX'][1]['OBX.5']['OBX.5.1']) / 7;
return msg['OBX'][1]['OBX.5']['OBX.5.1'].toString().replace(/4/g, 'x');
var i = msg['OBX'].length() - 1; while (i >= 0) { if (msg['OBX'][i]['OBX.3'].toString() == 'GLU') delete msg['OBX'][i]; i--; }
var parts = msg['PID']['PID.5']['PID.5.1'].toString().split('O'); return parts.length + parts[1];
msg['OBX'][0]['OBX.5']['OBX.5.1'] = msg['OBX'][0]['OBX.5']['OBX.5.1'].toString().concat('!');
var none = msg['PID']['PID.77']['PID.77.1']; none = 'x'; return msg.PID['PID.77'].length();
return XML(msg['PID']).toXMLString() == msg['PID'].toXMLString();
return (msg['PID']['PID.5']['PID.5.1'] + msg['PID']['PID.5']['PID.5.2']).toString();
var name = msg['PID']['PID.5']['PID.5.1'] + msg['PID']['PID.5']['PID.5.2']; return name + '!' + name.length();
return msg['PID']['PID.5']['PID.5.1'] + ' ' + msg['PID']['PID.5']['PID.5.2'];
return msg['PID']['PID.5']['PID.5.1'] + msg['PID']['PID.8']['PID.8.1'] + msg['PID']['PID.7']['PID.7.1'] + '.';
var a = [], i = 1; a[0] = i + 2; return a[0] + i;
return msg['PID'] == msg['PID'].copy();
msg['PID']['PID.3'][0] = <PID.3><PID.3.1>q</PID.3.1></PID.3>;
msg.PID.setChildren(<PID.1>1</PID.1>);
msg.replace('NK1', <NKX/>);
msg['PID'].replace('PID.8', <PID.8>F</PID.8>);
return msg['PID']['PID.3'][9].toString() + msg['PID']['PID.3'][9];
throw 'own';
return undefinedName;
msg['PID']['PID.3']['PID.3.1'] = 'both';
return msg['PID']['PID.3']['PID.3.1'].toString();
return msg['OBX']['OBX.3'].toString();`.split('\n');

test.skipIf(rhinoJar === undefined)('E4X does here what it does in Rhino', async () => {
  const compared = await besideRhino(
    SCRIPTS.map((script) => ({ name: script, script, message: ADT })),
  );
  const told = compared.flatMap((one) =>
    differencesOf(one).map((difference) => `${one.name}\n    ${difference}`),
  );
  expect(told.join('\n')).toBe('');
  expect(compared.filter(({ here }) => here !== undefined).length).toBeGreaterThan(90);
});
