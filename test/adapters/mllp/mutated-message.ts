import type { Random } from '../../support/random.ts';
import { adt } from './listening.ts';

const ORU = (id: string): string =>
  `MSH|^~\\&|LAB|L|EHR|H|20260101||ORU^R01^ORU_R01|${id}|P|2.3|||AL|NE||8859/1\rPID|1||77^^^H||M\u00fcller^J\u00f6rg\rOBR|1|||CBC\rOBX|1|NM|WBC||7.2|10*9/L|||||F\rOBX|2|TX|NOTE||line\\.br\\two\\X0D\\~again||||||F\r`;
const ODD = (id: string): string =>
  `MSH$%*!?$APP$FAC$R$F$20260101$$ADT%A01$${id}$P$2.5\rPID$1$$123%%%H*456%%%S$$D!S!OE%J\r`;
const BATCH = (id: string): string =>
  `BHS|^~\\&|A|B|C|D|2026||||${id}\r${adt(`${id}.1`)}${adt(`${id}.2`)}BTS|2\r`;

const SPLICES = [
  '|',
  '^',
  '~',
  '\\',
  '&',
  '\r',
  '\n',
  '\r\n',
  'MSH|^~\\&|',
  '\rMSH|^~\\&|',
  'MSA|AA|1\r',
  '\\X',
  '\\XFF\\',
  '""',
  '\u0000',
  '\ufeff',
  '\u00ef\u00bb\u00bf',
  'ZZZ|1\r',
  'BTS|9\r',
  '|'.repeat(500),
  '\\F\\'.repeat(200),
  '~'.repeat(2_000),
] as const;

type Mutation = (bytes: Buffer, chance: Random) => Buffer;

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  (bytes) => bytes,
  (bytes, chance) => {
    const copy = Buffer.from(bytes);
    for (let n = chance.below(8); n >= 0; n--) copy[chance.below(copy.length)] = chance.below(256);
    return copy;
  },
  (bytes, chance) => {
    const at = chance.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + chance.below(60))]);
  },
  (bytes, chance) => bytes.subarray(0, chance.below(bytes.length)),
  (bytes, chance) => {
    const [at, from] = [chance.below(bytes.length), chance.below(bytes.length)];
    const part = bytes.subarray(from, from + chance.below(120));
    return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
  },
  (bytes, chance) => {
    const at = chance.below(bytes.length);
    const part = Buffer.from(chance.pick(SPLICES), 'latin1');
    return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
  },
  (bytes, chance) => {
    const at = chance.below(bytes.length);
    return Buffer.concat([
      bytes.subarray(0, at),
      chance.bytes(chance.below(40)),
      bytes.subarray(at),
    ]);
  },
  (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\r', '\n'), 'latin1'),
  (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le'),
];

/** A message with zero to four faults; never with the marks of MLLP in it. */
export function mutatedMessage(chance: Random, id: string): Buffer {
  const text = chance.pick([adt, adt, ORU, ODD, BATCH])(id);
  let bytes: Buffer = Buffer.from(text, 'latin1');
  for (let n = chance.below(4); n > 0 && bytes.length > 0; n--) {
    bytes = chance.pick(MUTATIONS)(bytes, chance);
  }
  return Buffer.from(bytes.map((byte) => (byte === 0x0b || byte === 0x1c ? 0x20 : byte)));
}
