import { TdsReader } from './tds-reader.ts';

/** A client's login request (LOGIN7, MS-TDS 2.2.6.4). */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly application: string;
  readonly server: string;
  readonly database: string;
  readonly isReadOnly: boolean;
  /** The first message of NTLM. */
  readonly sspi: Buffer | undefined;
  /** A token of Entra. */
  readonly token: string | undefined;
}

const READ_ONLY_INTENT = 0x20;
const FIRST_FIELD = 36;
/** The fields in order, each with its offset and its length in characters. */
const FIELDS = {
  user: 1,
  password: 2,
  application: 3,
  server: 4,
  extension: 5,
  database: 8,
} as const;
const SSPI = 78;

export function readLogin(payload: Buffer): Login {
  const field = (index: number): Buffer => {
    const at = FIRST_FIELD + 4 * index;
    const start = payload.readUInt16LE(at);
    return payload.subarray(start, start + 2 * payload.readUInt16LE(at + 2));
  };
  const sspi = payload.subarray(
    payload.readUInt16LE(SSPI),
    payload.readUInt16LE(SSPI) + payload.readUInt16LE(SSPI + 2),
  );
  return {
    user: field(FIELDS.user).toString('ucs2'),
    password: unscrambled(field(FIELDS.password)),
    application: field(FIELDS.application).toString('ucs2'),
    server: field(FIELDS.server).toString('ucs2'),
    database: field(FIELDS.database).toString('ucs2'),
    isReadOnly: (payload.readUInt8(26) & READ_ONLY_INTENT) !== 0,
    sspi: sspi.length === 0 ? undefined : sspi,
    token: tokenIn(payload),
  };
}

/** The nibbles of each byte are swapped, and the byte is XORed with 0xA5. */
function unscrambled(bytes: Buffer): string {
  const clear = bytes.map((byte) => {
    const turned = byte ^ 0xa5;
    return ((turned & 0x0f) << 4) | (turned >> 4);
  });
  return Buffer.from(clear).toString('ucs2');
}

const FEDERATED = 0x02;
const SECURITY_TOKEN = 0x01;

/** Features are at the end; a separate field has their offset. */
function tokenIn(payload: Buffer): string | undefined {
  const place = payload.readUInt16LE(FIRST_FIELD + 4 * FIELDS.extension);
  const reader = new TdsReader(payload, payload.readUInt32LE(place));
  for (let feature = reader.byte(); feature !== 0xff; feature = reader.byte()) {
    const content = reader.raw(reader.int());
    if (feature !== FEDERATED) continue;
    const inner = new TdsReader(content);
    if (inner.byte() >> 1 !== SECURITY_TOKEN) return undefined;
    return inner.raw(inner.int()).toString('ucs2');
  }
  return undefined;
}

const ENCRYPTION = 1;
const TERMINATOR = 0xff;
export const ENCRYPT = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

/** A client's encryption request (PRELOGIN, MS-TDS 2.2.6.5). */
export function wantedEncryption(payload: Buffer): number {
  for (let at = 0; payload[at] !== TERMINATOR && at + 5 <= payload.length; at += 5) {
    if (payload[at] === ENCRYPTION) return payload.readUInt8(payload.readUInt16BE(at + 1));
  }
  return ENCRYPT.off;
}

/** The server's version, its answer on encryption, and no MARS. */
export function preloginAnswer(encryption: number): Buffer {
  const parts = [
    { option: 0, content: Buffer.from([16, 0, 0x10, 0x36, 0, 0]) },
    { option: ENCRYPTION, content: Buffer.from([encryption]) },
    { option: 4, content: Buffer.from([0]) },
  ];
  const table = Buffer.alloc(5 * parts.length + 1, TERMINATOR);
  let place = table.length;
  for (const [index, { option, content }] of parts.entries()) {
    table.writeUInt8(option, 5 * index);
    table.writeUInt16BE(place, 5 * index + 1);
    table.writeUInt16BE(content.length, 5 * index + 3);
    place += content.length;
  }
  return Buffer.concat([table, ...parts.map(({ content }) => content)]);
}
