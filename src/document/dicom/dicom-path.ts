import { LRUCache } from 'lru-cache';
import { EngineError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import { attributeAt, attributeNamed, keywords } from './attributes.ts';

/** A compiled path. Indexes count from 1; 0 means that the path gives none, `ALL` that it says `*`. */
export interface DicomPath {
  readonly text: string;
  readonly steps: readonly DicomStep[];
  /** Of a name, which is written `family^given^middle^prefix^suffix`; 0: all of it. */
  readonly component: number;
}

export interface DicomStep {
  readonly tag: string;
  /** As the standard says; `UN` for an attribute that it does not have. */
  readonly vr: string;
  readonly index: number;
}

export const ALL = -1;

const NUMBER = /^\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?$/;
const STEP =
  /^([A-Za-z][A-Za-z0-9]*|\(?[0-9A-Fa-f]{4},?[0-9A-Fa-f]{4}\)?)(?:\[(\*|[1-9]\d{0,5})\])?$/;

const compiled = new LRUCache<string, DicomPath>({ max: 1_000 });

/**
 * Reads `PatientID`, `(0010,0020)`, `00100020`, `ImageType[2]`, `PatientName.1`, and for values in sequences
 * `RequestAttributesSequence[1]/ScheduledProcedureStepID`. Throws PATH_INVALID.
 */
export function dicomPath(text: string): DicomPath {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const [, places = '', component] = /^(.*?)(?:\.([1-9]))?$/s.exec(text) ?? [];
  const steps = places.split('/').map((step) => stepOf(step, text));
  const path = { text, steps, component: Number(component ?? 0) };
  compiled.set(text, path);
  return path;
}

function stepOf(step: string, text: string): DicomStep {
  const [, place, index] = STEP.exec(step) ?? [];
  if (place === undefined) {
    throw invalid(
      text,
      `"${step}" is no attribute. Write a keyword such as PatientID, or a number such as (0010,0020).`,
    );
  }
  const { tag, vr } = attributeOf(place, text);
  return { tag, vr, index: index === undefined ? 0 : index === '*' ? ALL : Number(index) };
}

function attributeOf(place: string, text: string): Pick<DicomStep, 'tag' | 'vr'> {
  const [, group, number] = NUMBER.exec(place) ?? [];
  if (group === undefined || number === undefined) {
    const found = attributeNamed(place);
    if (found === undefined) throw invalid(text, unknown(place));
    return found;
  }
  const tag = (group + number).toUpperCase();
  return attributeAt(tag) ?? { tag, vr: 'UN' };
}

function unknown(keyword: string): string {
  const near = nearest(keyword, [...keywords()]);
  const meant = near === undefined ? '' : ` Did you mean ${near}?`;
  return `DICOM has no attribute ${keyword}.${meant}`;
}

function invalid(text: string, why: string): EngineError {
  return new EngineError('PATH_INVALID', `${text}: ${why}`);
}
