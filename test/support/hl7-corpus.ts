import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Hl7Document, hl7Document } from '../../src/document/hl7/hl7-document.ts';
import { isEngineError } from '../../src/error/engine-error.ts';

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

/** Those of the corpus that are one message. */
export function corpusMessages(): { readonly name: string; readonly message: Hl7Document }[] {
  return hl7Corpus().flatMap(({ name, bytes }) => {
    const message = readable(bytes);
    return message?.segmentCount('MSH') === 1 ? [{ name, message }] : [];
  });
}

function readable(bytes: Buffer): Hl7Document | undefined {
  try {
    return hl7Document(bytes);
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

/** A message of the given segments, each ended with CR, in UTF-8. */
export function hl7(...segments: readonly string[]): Buffer {
  return Buffer.from(segments.map((segment) => `${segment}\r`).join(''), 'utf8');
}

export const MSH = 'MSH|^~\\&|APP|FAC|RCV|RFAC|20260101120000||ADT^A01^ADT_A01|N1|P|2.5.1';
