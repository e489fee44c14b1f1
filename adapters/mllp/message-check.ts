import {
  type Hl7Finding,
  type Hl7Header,
  type Hl7Problem,
  hl7BodyProblem,
  hl7Document,
  validate,
} from 'waybill/document';
import type { MllpInSettings } from './mllp-in-settings.ts';

/** ERR segments in one answer. */
const MOST = 20;

/** Why a message is not taken, by the settings `versions` and `validate`; empty if it is. */
export function messageProblems(
  { versions, validate: level }: Pick<MllpInSettings, 'versions' | 'validate'>,
  body: Uint8Array,
  header: Hl7Header,
): readonly Hl7Problem[] {
  if (versions.length > 0 && !versions.includes(header.version)) {
    const text = `Unsupported version id ${header.version}`;
    const where = { segment: 'MSH', segmentIndex: 1, field: 12 };
    return [{ code: '203', text, answer: 'reject', ...where }];
  }
  if (level === 'none' || header.kind === 'batch') return [];
  const problem = hl7BodyProblem(body, header);
  if (problem !== undefined) return [problem];
  if (level === 'basic') return [];
  return validate(hl7Document(body), level)
    .filter(({ severity }) => severity === 'error')
    .slice(0, MOST)
    .map(problemOf);
}

/** Only an unsupported version or processing id is AR; a type or event that is not known is a fault of the message (AE): AR asks to send it again. */
function problemOf({ code, text, segment, segmentIndex, field }: Hl7Finding): Hl7Problem {
  return {
    code,
    text,
    segment,
    segmentIndex,
    ...(field !== undefined && { field }),
    answer: code === '202' || code === '203' ? 'reject' : 'error',
  };
}
