import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { array, assert, constantFrom, property, string, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dicomSample } from '../../../src/document/dicom/sample.ts';
import { DicomDocument, dicomDocument, fileHead } from '../../../src/document/index.ts';
import { dcmtk, dicomFile, element, hasDcmtk, instanceUid } from '../../support/dicom.ts';
import { processorTime } from '../../support/processor-time.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const sample = (): DicomDocument => dicomDocument(dicomSample());

const dumped = (document: DicomDocument): string => [...document.lines()].join('\n');

/** A file of these elements, in Explicit VR Little Endian unless another is named. */
function fileOf(elements: readonly Buffer[], transferSyntax = '1.2.840.10008.1.2.1'): Buffer {
  const head = fileHead(
    { classUid: '1.2.3', instanceUid: '1.2.4' },
    { transferSyntax, source: '' },
  );
  return Buffer.concat([head, ...elements]);
}

/** An element without its type. */
function untyped(group: number, number: number, value: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, Buffer.from(value)]);
}

/** The beginning of what has no length. */
const opened = (head: string): Buffer => Buffer.from(`${head}ffffffff`, 'hex');

describe('reading', () => {
  test('numbers, and what has none', () => {
    const us = Buffer.alloc(4);
    us.writeUInt16LE(512, 0);
    us.writeUInt16LE(65_535, 2);
    const fl = Buffer.alloc(4);
    fl.writeFloatLE(0.1);
    const document = dicomDocument(
      fileOf([
        element(0x0018, 0x9087, 'FD', Buffer.alloc(8)),
        element(0x0028, 0x0010, 'US', us),
        element(0x0018, 0x9461, 'FL', fl),
        element(0x7fe0, 0x0010, 'OW', Buffer.alloc(10)),
      ]),
    );
    expect(document.all('Rows')).toEqual(['512', '65535']);
    expect(document.get('DiffusionBValue')).toBe('0');
    expect(document.get('FieldOfViewDimensionsInFloat')).toBe('0.1');
    expect(document.get('PixelData')).toBe('');
    expect(document.has('PixelData')).toBe(true);
    expect(document.has('Columns')).toBe(false);
  });

  test.for([
    ['ISO_IR 192', Buffer.from('Müller^Åsa'), 'Müller^Åsa'],
    ['ISO_IR 100', Buffer.from('Müller', 'latin1'), 'Müller'],
    ['ISO_IR 144', Buffer.from([0xbb, 0xee, 0xda]), 'Люк'],
    ['', Buffer.from('M\xfcller', 'latin1'), 'Müller'],
  ] as const)('names in %s', ([charset, bytes, name]) => {
    const given = [element(0x0008, 0x0005, 'CS', charset), element(0x0010, 0x0010, 'PN', bytes)];
    expect(dicomDocument(fileOf(given)).get('PatientName')).toBe(name);
  });

  test('a path that is none names the nearest keyword', () => {
    expect(() => sample().get('PatientsName')).toThrow('Did you mean PatientName?');
    expect(() => sample().get('Patient Name')).toThrow(/is no attribute/);
    expect(sample().get('(0010,0040)')).toBe('');
    expect(sample().get('(0009,1001)')).toBe('');
  });

  test.for([
    ['1.2.840.10008.1.2.2', /Big Endian/],
    ['', /no usable Transfer Syntax UID/],
  ] as const)('an encoding that is not read is said: %s', ([transferSyntax, words]) => {
    expect(() => dicomDocument(fileOf([], transferSyntax))).toThrow(words);
  });
});

describe('writing', () => {
  test('keeps every byte of what is not changed', () => {
    const file = dicomFile({ patient: 'DOE^JOHN' });
    const document = dicomDocument(file);
    document.set('PatientName', 'DOE^JACK');
    expect(Buffer.from(document.bytes())).toEqual(dicomFile({ patient: 'DOE^JACK' }));
    document.set('PatientName', 'DOE^JOHN');
    expect(Buffer.from(document.bytes())).toEqual(file);
  });

  test('makes attributes in their place, items and values one after the other', () => {
    const document = sample();
    document.set('AccessionNumber', 'A1');
    document.set('PatientName.2', 'ANN');
    document.set('PatientName.5', 'MD');
    document.set('ImageType[3]', 'AXIAL');
    document.set('RequestAttributesSequence[2]/ScheduledProcedureStepID', 'STEP2');
    document.set('RequestAttributesSequence[*]/RequestedProcedureID', 'R1');
    const again = dicomDocument(document.bytes());
    expect(dumped(again)).toBe(dumped(document));
    expect(again.get('AccessionNumber')).toBe('A1');
    expect(again.get('PatientName')).toBe('DOE^ANN^^^MD');
    expect(again.all('ImageType')).toEqual(['DERIVED', 'PRIMARY', 'AXIAL']);
    expect(again.all('RequestAttributesSequence/ScheduledProcedureStepID')).toEqual([
      'STEP1',
      'STEP2',
    ]);
    expect(again.all('RequestAttributesSequence/RequestedProcedureID')).toEqual(['R1', 'R1']);
    const tags = dumped(again)
      .split('\n')
      .filter((line) => line.startsWith('('));
    expect(tags).toEqual(tags.toSorted());
  });

  test('a sequence of unknown type has no types inside, also once it was changed', () => {
    const file = fileOf([
      opened('40007502554e0000'),
      opened('feff00e0'),
      untyped(0x0010, 0x0010, 'DOE '),
      untyped(0x0010, 0x0020, 'P4711 '),
      Buffer.from('feff0de000000000feffdde000000000', 'hex'),
      element(0x0040, 0xa124, 'UI', '1.2.3'),
    ]);
    const document = dicomDocument(file);
    document.set('RequestAttributesSequence/PatientName', 'MAY');
    const again = dicomDocument(document.bytes());
    expect(again.get('RequestAttributesSequence/PatientName')).toBe('MAY');
    expect(again.get('RequestAttributesSequence/PatientID')).toBe('P4711');
    expect(again.get('UID')).toBe('1.2.3');
    document.set('RequestAttributesSequence/PatientName', 'DOE');
    expect(Buffer.from(document.bytes())).toEqual(file);
  });

  test('a new instance UID stands in the head of the file, too', () => {
    const document = sample();
    document.set('SOPInstanceUID', '1.2.3.99');
    const again = dicomDocument(document.bytes());
    expect(again.get('MediaStorageSOPInstanceUID')).toBe('1.2.3.99');
    expect(again.get('SOPInstanceUID')).toBe('1.2.3.99');
  });

  test('removes attributes, values and items', () => {
    const document = sample();
    document.remove('PatientName');
    document.remove('ImageType[1]');
    document.remove('RequestAttributesSequence[1]');
    document.remove('AccessionNumber');
    const again = dicomDocument(document.bytes());
    expect(again.has('PatientName')).toBe(false);
    expect(again.all('ImageType')).toEqual(['PRIMARY']);
    expect(again.has('RequestAttributesSequence[1]')).toBe(false);
    document.remove('RequestAttributesSequence');
    expect(dicomDocument(document.bytes()).has('RequestAttributesSequence')).toBe(false);
  });

  test.for([
    ['ImageType[9]', 'X', /there are only 2, and the next would be 3/],
    ['RequestAttributesSequence', 'X', /a sequence has no value/],
    ['PatientID/PatientName', 'X', /is no sequence/],
    ['Rows', 'many', /no number of the type US/],
    ['Rows', '70000', /no number of the type US/],
    ['PixelData', 'X', /are bytes/],
    ['PatientName', 'Люк', /cannot write. Set SpecificCharacterSet/],
    ['PatientComments', 'x'.repeat(70_000), /too long for its type/],
  ] as const)('what cannot be written is said: %s = %s', ([path, value, words]) => {
    expect(() => sample().set(path, value)).toThrow(words);
  });

  test('a copy is independent', () => {
    const document = sample();
    const copy = document.copy();
    copy.set('PatientID', 'X');
    expect(document.get('PatientID')).toBe('4711');
    expect(copy.copy().get('PatientID')).toBe('X');
  });
});

function readOrRefusal(file: Buffer): unknown {
  try {
    return dicomDocument(file);
  } catch (error) {
    return error;
  }
}

describe('a file that is damaged or means harm', () => {
  test('is read as far as it goes, and passed on with all its bytes', () => {
    const whole = dicomFile({ instance: 7 });
    const codes = new Set<string | undefined>();
    for (let length = 0; length < whole.length; length += 1) {
      const file = whole.subarray(0, length);
      const document = readOrRefusal(file);
      if (!(document instanceof DicomDocument)) {
        codes.add((document as { code?: string }).code);
        continue;
      }
      expect(['', instanceUid(7)]).toContain(document.get('SOPInstanceUID'));
      if (document.has('PatientName')) document.set('PatientName', 'DOE^JOHN');
      expect(Buffer.from(document.bytes())).toEqual(file);
    }
    expect(codes).toEqual(new Set(['DOCUMENT_UNREADABLE']));
  });

  test('sequences in each other without end, and lengths that lie, cost no more than their bytes', () => {
    const nested = Buffer.alloc(1_000_000);
    const step = Buffer.from('080006115351000000ffffffff'.slice(0, 24), 'hex');
    for (let at = 0; at + 20 <= nested.length; at += 20) {
      Buffer.from([0x40, 0, 0x75, 2, 0x53, 0x51, 0, 0, 255, 255, 255, 255]).copy(nested, at);
      Buffer.from([0xfe, 0xff, 0, 0xe0, 255, 255, 255, 255]).copy(nested, at + 12);
    }
    const began = processorTime();
    expect(dicomDocument(fileOf([nested])).get('PatientName')).toBe('');
    expect(dicomDocument(fileOf([step, nested])).get('PatientName')).toBe('');
    expect(processorTime() - began).toBeLessThan(2_000);
  });

  test('what is written is read again as it was written', () => {
    const value = string({ unit: 'grapheme-ascii', maxLength: 40 }).map((one) =>
      one.replace(/[\\^=]/g, '_').trim(),
    );
    const change = tuple(
      constantFrom(
        'PatientID',
        'PatientName',
        'StudyDescription',
        'RequestAttributesSequence[1]/ScheduledProcedureStepDescription',
        'AccessionNumber',
      ),
      value,
    );
    assert(
      property(array(change, { maxLength: 8 }), (changes) => {
        const document = sample();
        const wanted = new Map<string, string>();
        for (const [path, text] of changes) {
          document.set(path, text);
          wanted.set(path, text);
        }
        const again = dicomDocument(document.bytes());
        for (const [path, text] of wanted) expect(again.get(path)).toBe(text);
      }),
    );
  });
});

/** The same file in another encoding, by `dcmconv`. */
async function converted(file: Uint8Array, ...how: readonly string[]): Promise<Buffer> {
  await using folder = await temporaryFolder('dicom');
  const [from, to] = [join(folder.path, 'a.dcm'), join(folder.path, 'b.dcm')];
  await writeFile(from, file);
  const done = await dcmtk('dcmconv', ...how, from, to);
  if (done.code !== 0) throw new Error(done.said);
  return await readFile(to);
}

const withoutHead = (one: DicomDocument): string[] =>
  dumped(one)
    .split('\n')
    .filter((line) => !line.startsWith('(0002'));

describe.skipIf(!hasDcmtk)('beside DCMTK', () => {
  test.for([
    ['implicit', '+ti'],
    ['explicit', '+te'],
    ['deflated', '+td'],
    ['sequences of known length', '+e'],
    ['sequences of unknown length', '-e'],
  ] as const)('the same is read in %s, and what is changed is read by it', async ([, how]) => {
    const file = await converted(dicomSample(), how);
    const document = dicomDocument(file);
    expect(withoutHead(document)).toEqual(withoutHead(sample()));
    document.set('PatientName', 'ROE^RICHARD');
    document.set('RequestAttributesSequence[1]/ScheduledProcedureStepID', 'OTHER');
    const back = dicomDocument(await converted(document.bytes(), '+te'));
    expect(back.get('PatientName')).toBe('ROE^RICHARD');
    expect(back.get('RequestAttributesSequence/ScheduledProcedureStepID')).toBe('OTHER');
    expect(back.get('PatientID')).toBe('4711');
  });
});
