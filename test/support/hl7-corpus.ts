import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of the HL7 corpus. */
export interface CorpusFile {
  readonly name: string;
  readonly bytes: Buffer;
}

const FOLDER = new URL('../corpora/hl7v2/', import.meta.url);

/** Public HL7 messages, unchanged, including mistakes; see test/corpora/README.md. */
export function hl7Corpus(): CorpusFile[] {
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.hl7'))
    .toSorted()
    .map((name) => ({ name, bytes: readFileSync(fileURLToPath(new URL(name, FOLDER))) }));
}

/** A message of the given segments, each ended with CR, in UTF-8. */
export function hl7(...segments: readonly string[]): Buffer {
  return Buffer.from(segments.map((segment) => `${segment}\r`).join(''), 'utf8');
}

export const MSH = 'MSH|^~\\&|APP|FAC|RCV|RFAC|20260101120000||ADT^A01^ADT_A01|N1|P|2.5.1';
