import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Hl7Document, hl7Document } from '../../document/index.ts';

/** For how many patients each of the production's own messages is sent. */
const PATIENTS = 9;
const FAMILIES = [
  'Ortiz',
  'Müller',
  'Nakamura',
  'Okafor',
  'Lindqvist',
  'Haddad',
  'Novak',
  'Silva',
  'Byrne',
];
const GIVEN = ['Ana', 'Jonas', 'Yuki', 'Chidi', 'Elsa', 'Omar', 'Petra', 'Luís', 'Niamh'];

/**
 * What the demo sends: every message of the production's tests for several patients, and public
 * sample messages unchanged. Each has its own control id or its own bytes.
 */
export async function demoMessages(production: string): Promise<Uint8Array[]> {
  const own = await messagesOf(join(production, 'messages'));
  const samples = await messagesOf(join(production, 'messages', 'samples'));
  const varied = own.flatMap((bytes, index) =>
    Array.from({ length: PATIENTS }, (_, patient) => forPatient(bytes, index, patient)),
  );
  // samples are mixed in, as in a day's traffic
  const every = Math.max(1, Math.floor(varied.length / Math.max(1, samples.length)));
  return varied.flatMap((bytes, index) => {
    const sample = index % every === 0 ? samples[index / every] : undefined;
    return sample === undefined ? [bytes] : [bytes, sample];
  });
}

async function messagesOf(folder: string): Promise<Buffer[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.hl7')).toSorted();
  return Promise.all(
    names.map(async (name) => withSegmentEnds(await readFile(join(folder, name)))),
  );
}

/** Files in a repository end their lines as its editors do; on the wire a segment ends with CR. */
function withSegmentEnds(bytes: Buffer): Buffer {
  return bytes.includes(13)
    ? bytes
    : Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r'), 'latin1');
}

function forPatient(bytes: Uint8Array, index: number, patient: number): Uint8Array {
  const document = hl7Document(bytes);
  if (!(document instanceof Hl7Document)) return bytes;
  document.set('MSH-10', `DEMO-${index + 1}-${patient + 1}`);
  if (patient === 0) return document.bytes();
  const mrn = document.get('PID-3.1');
  // the prefix sometimes matters (ZZ is a test patient), so it stays
  if (mrn !== '')
    document.set('PID-3.1', `${mrn.replace(/\d+$/, '')}${7_000_000 + index * 100 + patient}`);
  if (document.has('PID-5')) {
    document.set('PID-5.1', FAMILIES[(index + patient) % FAMILIES.length] ?? 'Ortiz');
    document.set('PID-5.2', GIVEN[patient] ?? 'Ana');
  }
  return document.bytes();
}
