export type { Document, Reading } from './document.ts';
export { documentOf } from './document-of.ts';
export {
  type AcknowledgementCode,
  type Answer,
  acknowledgement,
  acknowledgementCode,
  isAnswerWanted,
} from './hl7/acknowledgement.ts';
export { hl7BodyProblem } from './hl7/body-problem.ts';
export { type Delimiters } from './hl7/delimiters.ts';
export {
  type AcknowledgementCondition,
  type Hl7Header,
  type Hl7Problem,
  hl7Header,
} from './hl7/header.ts';
export { Hl7Document, hl7Document, type SegmentFields } from './hl7/hl7-document.ts';
export { Hl7Segment } from './hl7/hl7-segment.ts';
export { type Hl7Path, hl7Path } from './hl7/path.ts';
export {
  type AcknowledgementError,
  type ReadAcknowledgement,
  readAcknowledgement,
} from './hl7/read-acknowledgement.ts';
