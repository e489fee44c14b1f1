import { expect, test } from 'vitest';
import { hl7Document } from '../../../src/document/index.ts';
import { hl7, MSH } from '../../support/hl7-corpus.ts';

const BODY = hl7(MSH, 'PID|1||123^^^H~456||DOE^JOHN', 'OBX|1|NM|a||1', 'OBX|2|NM|b||2', 'PV1|1|I');

function changed(change: (document: ReturnType<typeof hl7Document>) => void): string[] {
  const document = hl7Document(BODY);
  change(document);
  return Buffer.from(document.bytes()).toString().split('\r').slice(1, -1);
}

const [PID = '', OBX1 = '', OBX2 = '', PV1 = ''] = BODY.toString().split('\r').slice(1);

test.for([
  ['PID-1', '9', 'PID|9||123^^^H~456||DOE^JOHN'],
  ['PID-3', '7^X', 'PID|1||7^X~456||DOE^JOHN'],
  ['PID-3.1', '7', 'PID|1||7^^^H~456||DOE^JOHN'],
  ['PID-3[2]', '7', 'PID|1||123^^^H~7||DOE^JOHN'],
  ['PID-3[4]', '7', 'PID|1||123^^^H~456~~7||DOE^JOHN'],
  ['PID-3[*].4', 'Y', 'PID|1||123^^^Y~456^^^Y||DOE^JOHN'],
  ['PID-3.4.2', '1.2', 'PID|1||123^^^H&1.2~456||DOE^JOHN'],
  ['PID-5.3', 'M', 'PID|1||123^^^H~456||DOE^JOHN^M'],
  ['PID-7', '19610615', 'PID|1||123^^^H~456||DOE^JOHN||19610615'],
  ['PID-7', '', 'PID|1||123^^^H~456||DOE^JOHN'],
  ['PID-5', 'A&B', 'PID|1||123^^^H~456||A\\T\\B'],
  ['PID-5', 'A|B^C&D~E', 'PID|1||123^^^H~456||A\\F\\B^C&D\\R\\E'],
  ['PID-5.1', 'A|B^C&D~E\\', 'PID|1||123^^^H~456||A\\F\\B\\S\\C\\T\\D\\R\\E\\E\\^JOHN'],
  ['PID-5.1', 'x\rZZZ|1\n', 'PID|1||123^^^H~456||x\\X0D\\ZZZ\\F\\1\\X0A\\^JOHN'],
  ['PID-5.1', 'a\\.br\\b', 'PID|1||123^^^H~456||a\\.br\\b^JOHN'],
] as const)('writing %s as %j touches only that', ([path, value, line]) => {
  expect(changed((document) => document.set(path, value))).toEqual([line, OBX1, OBX2, PV1]);
});

test('a segment that is missing is made at the end, a numbered one after the last of its name', () => {
  expect(changed((document) => document.set('NTE-3', 'x'))).toEqual([
    PID,
    OBX1,
    OBX2,
    PV1,
    'NTE|||x',
  ]);
  expect(changed((document) => document.set('OBX[3]-5', '3'))).toEqual([
    PID,
    OBX1,
    OBX2,
    PV1,
    'OBX|||||3',
  ]);
  expect(() => hl7Document(BODY).set('OBX[9]-5', '3')).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID', message: expect.stringContaining('OBX[3]') }),
  );
});

test('a star writes into every segment of the name', () => {
  expect(changed((document) => document.set('OBX[*]-6', 'mg'))).toEqual([
    PID,
    'OBX|1|NM|a||1|mg',
    'OBX|2|NM|b||2|mg',
    PV1,
  ]);
});

test('a whole segment cannot be written as a value', () => {
  expect(() => hl7Document(BODY).set('PID', 'x')).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID' }),
  );
});

test('removing reaches everything that the path reaches', () => {
  expect(changed((document) => document.remove('OBX'))).toEqual([PID, PV1]);
  expect(changed((document) => document.remove('OBX[2]'))).toEqual([PID, OBX1, PV1]);
  expect(changed((document) => document.remove('PV1'))).toEqual([PID, OBX1, OBX2]);
  expect(changed((document) => document.remove('OBX-5'))).toEqual([
    PID,
    'OBX|1|NM|a||',
    'OBX|2|NM|b||',
    PV1,
  ]);
  expect(changed((document) => document.remove('PID-3'))).toEqual([
    'PID|1||||DOE^JOHN',
    OBX1,
    OBX2,
    PV1,
  ]);
  expect(changed((document) => document.remove('PID-3[1]'))).toEqual([
    'PID|1||456||DOE^JOHN',
    OBX1,
    OBX2,
    PV1,
  ]);
  expect(changed((document) => document.remove('PID-3[9]'))).toEqual([PID, OBX1, OBX2, PV1]);
  expect(changed((document) => document.remove('PID-3.1'))).toEqual([
    'PID|1||^^^H~||DOE^JOHN',
    OBX1,
    OBX2,
    PV1,
  ]);
  expect(changed((document) => document.remove('QQQ-1'))).toEqual([PID, OBX1, OBX2, PV1]);
});

test('segments are put before, after and at the end', () => {
  expect(
    changed((document) => {
      document.insertAfter('PID', 'PD1', { 4: 'x' });
      document.insertBefore('OBX[2]', 'NTE', { 1: '1', '3.2': 'y' });
      document.insertAfter('QQQ', 'ZZ1');
      document.append('ZZ2', { '3[2].1': 'b' });
    }),
  ).toEqual([PID, 'PD1||||x', OBX1, 'NTE|1||^y', OBX2, PV1, 'ZZ1', 'ZZ2|||~b']);
});

test('repetitions are put in and taken out', () => {
  expect(changed((document) => document.insertRepetition('PID-3', '7'))[0]).toBe(
    'PID|1||123^^^H~456~7||DOE^JOHN',
  );
  expect(changed((document) => document.insertRepetition('PID-3[1]', '7'))[0]).toBe(
    'PID|1||7~123^^^H~456||DOE^JOHN',
  );
  expect(changed((document) => document.insertRepetition('PID-13', '7'))[0]).toBe(
    `${PID}||||||||7`,
  );
});

test('raw copies a whole field with its structure and escapes', () => {
  const document = hl7Document(hl7(MSH, 'PV1|1|I|W\\T\\1^2&3~X||||A'));
  document.setRaw('PV1-6', document.raw('PV1-3'));
  document.setRaw('PV1-7', 'x|y\r');
  expect(document.get('PV1')).toBe('PV1|1|I|W\\T\\1^2&3~X|||W\\T\\1^2&3~X|x\\F\\y\\X0D\\');
});

test('a changed message can be changed again after it was written', () => {
  const document = hl7Document(BODY);
  document.set('PV1-2', 'O');
  expect(Buffer.from(document.bytes()).toString()).toContain('PV1|1|O\r');
  document.remove('PV1');
  expect(Buffer.from(document.bytes()).toString()).not.toContain('PV1');
});

test('a copy changes alone', () => {
  const document = hl7Document(BODY);
  const copy = document.copy();
  copy.set('PV1-2', 'O');
  const second = copy.copy();
  second.set('PV1-2', 'E');
  expect([document, copy, second].map((one) => one.get('PV1-2'))).toEqual(['I', 'O', 'E']);
  expect(document.bytes()).toBe(BODY);
});

test('a segment that loses its line end gets it back when another one follows', () => {
  const document = hl7Document(Buffer.from(`${MSH}\rPID|1`));
  document.append('PV1', { 2: 'I' });
  expect(document.text()).toBe(`${MSH}\rPID|1\rPV1||I\r`);
});

test('new delimiters rewrite the message with the same meaning', () => {
  const document = hl7Document(hl7(MSH, 'PID|1|a\\F\\b\\T\\c^d&e~f|x$y|\\.br\\'));
  document.set('MSH-2', '%*!?');
  document.set('MSH-1', '$');
  expect(document.text()).toBe(
    `${MSH.replaceAll('^', '%').replace('%~\\&', '%*!?').replaceAll('|', '$')}\rPID$1$a|b&c%d?e*f$x!F!y$!.br!\r`,
  );
  expect(document.get('PID-2.1')).toBe('a|b&c');
  expect(document.get('MSH-1')).toBe('$');
  expect(document.get('MSH-2')).toBe('%*!?');
  document.set('PID-5', 'a$b');
  expect(document.get('PID-5')).toBe('a$b');
  expect(() => document.set('MSH-2', 'a~\\&')).toThrow(
    expect.objectContaining({ code: 'MESSAGE_INVALID' }),
  );
});
