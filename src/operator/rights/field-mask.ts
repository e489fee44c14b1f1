import type { Document } from '../../document/document.ts';
import { documentOf, type Hl7Document, hl7Path } from '../../document/index.ts';
import { ApiError } from '../api/api-error.ts';
import type { BodyMask } from './body-mask.ts';

/** Paths of what identifies a patient, by kind of document. */
export interface MaskPaths {
  /** `PID-3`: the field in every such segment, with all its repetitions. */
  readonly hl7: readonly string[];
  /** Names of properties, wherever they stand. */
  readonly json: readonly string[];
  /** XPath. */
  readonly xml: readonly string[];
  /** Names or numbers of columns. */
  readonly delimited: readonly string[];
}

/** What is masked unless `console.yaml` says otherwise. */
export const MASKED_PATHS: MaskPaths = {
  hl7: [
    'PID-2',
    'PID-3',
    'PID-4',
    'PID-5',
    'PID-6',
    'PID-7',
    'PID-9',
    'PID-11',
    'PID-12',
    'PID-13',
    'PID-14',
    'PID-18',
    'PID-19',
    'PID-20',
    'PID-21',
    'PID-23',
    'NK1-2',
    'NK1-4',
    'NK1-5',
    'NK1-6',
    'MRG-1',
    'MRG-4',
    'MRG-7',
    'GT1-3',
    'GT1-5',
    'GT1-6',
    'GT1-8',
    'GT1-12',
    'IN1-16',
    'IN1-18',
    'IN1-19',
    'IN1-36',
    'IN1-49',
    'PV1-19',
    // what a receiver says of a message it refuses
    'MSA-3',
    'ERR-7',
    'ERR-8',
  ],
  json: [
    'identifier',
    'name',
    'family',
    'given',
    'birthDate',
    'telecom',
    'address',
    'contact',
    'photo',
    'text',
    'diagnostics',
    'div',
    'mrn',
    'patientId',
    'patientName',
    'firstName',
    'lastName',
    'dateOfBirth',
    'ssn',
    'phone',
    'email',
  ],
  xml: [],
  delimited: [],
};

/**
 * Masks values in their place and of their length: a letter becomes `X` or `x`, a digit `0`, and what separates
 * stays, so that what is wrong with a format still shows. What it does not know how to mask it does not show.
 */
export function fieldMask(paths: MaskPaths): BodyMask {
  const compiled = paths.hl7.map(hl7Path);
  return (bytes, reading) => {
    const document = documentOf(bytes, reading);
    if (document.kind === 'hl7') return maskHl7(document as Hl7Document, compiled);
    if (document.kind === 'json') return maskJson(document, new Set(paths.json));
    const chosen =
      document.kind === 'xml' ? paths.xml : document.kind === 'delimited' ? paths.delimited : [];
    if (chosen.length === 0) {
      throw new ApiError(
        403,
        'FORBIDDEN',
        'this kind of body can only be shown with message.content.unmasked',
      );
    }
    return maskPaths(document, chosen);
  };
}

/** A value with its letters and digits hidden. */
export function masked(value: string): string {
  return value
    .replaceAll(/\p{Lu}/gu, 'X')
    .replaceAll(/\p{L}/gu, (letter) => (letter === 'X' ? 'X' : 'x'))
    .replaceAll(/\p{N}/gu, '0');
}

function maskHl7(document: Hl7Document, paths: readonly ReturnType<typeof hl7Path>[]): Uint8Array {
  for (const line of document.lines()) {
    for (const path of paths) {
      if (line.code !== path.code) continue;
      const raw = document.rawIn(line, path);
      if (raw !== '' && raw !== '""')
        document.setRawIn(line, path, maskedRaw(raw, document.delimiters.escape));
    }
  }
  return document.bytes();
}

/** Escape sequences stay as they are where they stand for a delimiter; others go with what they hold. */
function maskedRaw(raw: string, escape: string): string {
  if (escape === '') return masked(raw);
  return raw
    .split(escape)
    .map((part, n, all) =>
      n % 2 === 1 && n < all.length - 1 && /^[FSTRE]$/.test(part) ? part : masked(part),
    )
    .join(escape);
}

function maskJson(document: Document, names: ReadonlySet<string>): Uint8Array {
  const hide = (value: unknown): unknown => {
    if (typeof value === 'string') return masked(value);
    if (typeof value === 'number') return 0;
    if (Array.isArray(value)) return value.map(hide);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, hide(one)]));
  };
  const seek = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(seek);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, names.has(key) ? hide(one) : seek(one)]),
    );
  };
  const tree: unknown = JSON.parse(new TextDecoder().decode(document.bytes()));
  return new TextEncoder().encode(JSON.stringify(seek(tree), undefined, 2));
}

function maskPaths(document: Document, paths: readonly string[]): Uint8Array {
  for (const path of paths) {
    const count = document.all(path).length;
    if (count > 1) {
      throw new ApiError(
        403,
        'FORBIDDEN',
        'a masked path is there several times: only to be shown unmasked',
      );
    }
    if (count === 1) document.set(path, masked(document.get(path)));
  }
  return document.bytes();
}
