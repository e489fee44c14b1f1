import type { KerberosKey } from './encryption.ts';
import { KerberosProblem } from './kerberos-problem.ts';
import { type Principal, principalText } from './principal.ts';

/** A key of a keytab, for the version of a principal's password. */
export interface KeytabEntry extends KerberosKey {
  readonly principal: Principal;
  readonly version: number;
}

const FORMAT = 0x0502;
const EXPORT =
  'Export it again: ktpass or msktutil at Active Directory, ktadd of kadmin at MIT Kerberos';

/** Reads the entries of a keytab file. Throws a KerberosProblem if it is none, or holds no key. */
export function readKeytab(bytes: Buffer, file: string): KeytabEntry[] {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== FORMAT) {
    throw new KerberosProblem(`${file} is not a keytab`, EXPORT);
  }
  const entries: KeytabEntry[] = [];
  for (let at = 2; at + 4 <= bytes.length; ) {
    const size = bytes.readInt32BE(at);
    const end = at + 4 + Math.abs(size);
    if (size === 0) break;
    if (end > bytes.length) throw new KerberosProblem(`${file} is cut off`, EXPORT);
    // what was removed is left as a hole of negative size
    if (size > 0) entries.push(entryOf(bytes.subarray(at + 4, end), file));
    at = end;
  }
  if (entries.length === 0) throw new KerberosProblem(`${file} contains no key`, EXPORT);
  return entries;
}

function entryOf(bytes: Buffer, file: string): KeytabEntry {
  let at = 0;
  const take = (length: number): Buffer => {
    const taken = bytes.subarray(at, at + length);
    if (taken.length < length) throw new KerberosProblem(`an entry of ${file} is cut off`, EXPORT);
    at += length;
    return taken;
  };
  const counted = (): Buffer => take(take(2).readUInt16BE(0));
  const count = take(2).readUInt16BE(0);
  const realm = counted().toString('utf8');
  const parts = Array.from({ length: count }, () => counted().toString('utf8'));
  take(8); // kind of name, and when it was written
  const short = take(1).readUInt8(0);
  const type = take(2).readUInt16BE(0);
  const value = Buffer.from(counted());
  const long = bytes.length - at >= 4 ? take(4).readUInt32BE(0) : 0;
  return { principal: { parts, realm }, type, value, version: long === 0 ? short : long };
}

/** The principals of a keytab, each once, for texts. */
export const principalsIn = (entries: readonly KeytabEntry[]): string =>
  [...new Set(entries.map(({ principal }) => principalText(principal)))].join(', ');
