import { expect, test } from 'vitest';
import { fieldMask, MASKED_PATHS } from '../../../src/operator/rights/field-mask.ts';

const mask = fieldMask(MASKED_PATHS);
const shown = (text: string, type: string): string =>
  new TextDecoder().decode(mask(new TextEncoder().encode(text), { type }));

test('every repetition and every such segment is masked, and what separates stays', () => {
  const header = 'MSH|^~\\&|ADT|HOSP|WARD|HOSP|20260101||ADT^A01|1|P|2.5.1';
  const text = [
    header,
    'PID|1||4711^^^HOSP^MR~AB-12^^^X||Müller^Änne||19700101|F|||Weg 3^^Köln',
    'NK1|1|Doe^John|SPO|Str. 9',
    'NK1|2|Roe^Jane',
    'OBX|1|NM|8867-4^Heart rate||72',
    '',
  ].join('\r');
  expect(shown(text, 'HL7v2:ADT_A01:2.5.1').split('\r')).toEqual([
    header,
    'PID|1||0000^^^XXXX^XX~XX-00^^^X||Xxxxxx^Xxxx||00000000|F|||Xxx 0^^Xxxx',
    'NK1|1|Xxx^Xxxx|SPO|Xxx. 0',
    'NK1|2|Xxx^Xxxx',
    'OBX|1|NM|8867-4^Heart rate||72',
    '',
  ]);
});

test('an HL7 null and an escaped delimiter keep their meaning; other escapes are hidden', () => {
  const text = 'MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\rPID|1||""||A\\T\\B\\X4D4E\\';
  expect(shown(text, 'HL7v2:ADT_A01:2.5')).toContain('PID|1||""||X\\T\\X\\X0X0X\\');
});

test('JSON is masked by the names of its properties, at any depth', () => {
  const patient = {
    resourceType: 'Patient',
    name: [{ family: 'Doe', given: ['John'] }],
    birthDate: '1970-01-01',
    contained: [{ identifier: { value: '4711' }, status: 'final' }],
    mrn: 4711,
  };
  expect(JSON.parse(shown(JSON.stringify(patient), 'application/fhir+json'))).toEqual({
    resourceType: 'Patient',
    name: [{ family: 'Xxx', given: ['Xxxx'] }],
    birthDate: '0000-00-00',
    contained: [{ identifier: { value: '0000' }, status: 'final' }],
    mrn: 0,
  });
});

test('what nobody has said how to mask is not shown at all', () => {
  expect(() => shown('Dear Mr Doe', 'text/plain')).toThrow(/message.content.unmasked/);
  expect(() => shown('<a>Doe</a>', 'application/xml')).toThrow(/message.content.unmasked/);
});
