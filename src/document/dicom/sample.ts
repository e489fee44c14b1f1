import { type Attribute, attributeOf, type DataSet, writeDataSet } from './data-set.ts';
import { fileHead, HEAD_ENCODING } from './file-head.ts';

const sequence = (tag: string, ...items: DataSet[]): Attribute => ({
  tag,
  vr: 'SQ',
  value: Buffer.alloc(0),
  items,
  raw: undefined,
});

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
const EXPLICIT = '1.2.840.10008.1.2.1';
const INSTANCE = '1.2.3.4';

/** A file without a picture, for the reference of paths. */
export function dicomSample(): Uint8Array {
  const uids = { classUid: SECONDARY_CAPTURE, instanceUid: INSTANCE };
  const attributes = [
    attributeOf('00080008', 'CS', 'DERIVED\\PRIMARY'),
    attributeOf('00080016', 'UI', SECONDARY_CAPTURE),
    attributeOf('00080018', 'UI', INSTANCE),
    attributeOf('00080060', 'CS', 'OT'),
    attributeOf('00100010', 'PN', 'DOE^JANE'),
    attributeOf('00100020', 'LO', '4711'),
    sequence('00400275', { attributes: [attributeOf('00400009', 'SH', 'STEP1')] }),
  ];
  const head = fileHead(uids, { transferSyntax: EXPLICIT, source: 'CT1' });
  return Buffer.concat([head, writeDataSet({ attributes }, HEAD_ENCODING)]);
}
