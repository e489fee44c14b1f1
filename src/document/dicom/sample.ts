import { type Attribute, type DataSet, writeDataSet } from './data-set.ts';
import { fileHead } from './file-head.ts';

const text = (tag: string, vr: string, value: string): Attribute => {
  const padded = value.length % 2 === 0 ? value : value + (vr === 'UI' ? '\0' : ' ');
  return { tag, vr, value: Buffer.from(padded, 'latin1'), items: undefined, raw: undefined };
};
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
    text('00080008', 'CS', 'DERIVED\\PRIMARY'),
    text('00080016', 'UI', SECONDARY_CAPTURE),
    text('00080018', 'UI', INSTANCE),
    text('00080060', 'CS', 'OT'),
    text('00100010', 'PN', 'DOE^JANE'),
    text('00100020', 'LO', '4711'),
    sequence('00400275', { attributes: [text('00400009', 'SH', 'STEP1')] }),
  ];
  const head = fileHead(uids, { transferSyntax: EXPLICIT, source: 'CT1' });
  return Buffer.concat([head, writeDataSet({ attributes }, { explicit: true })]);
}
