export { type AstmDocument, astmDocument } from './astm/astm-document.ts';
export {
  type Charset,
  charsetNamed,
  declaredOr,
  decodeFaithfully,
  hasWindowsCharacters,
  WINDOWS_1252,
} from './charset.ts';
export { DicomDocument, dicomDocument, dicomFront } from './dicom/dicom-document.ts';
export { identifierByKeyword, identifierFrom, identifierJson } from './dicom/dicom-json.ts';
export {
  type FileHead,
  fileHead,
  HEAD_LIMIT,
  isUid,
  OWN_CLASS_UID,
  OWN_VERSION,
  readFileHead,
} from './dicom/file-head.ts';
export type { BodyHints, Document } from './document.ts';
export { documentInTurns, documentOf, kindOf } from './document-of.ts';
export { ediAcknowledgement } from './edi/acknowledge/acknowledge.ts';
export {
  answersEdi,
  readEdiAcknowledgement,
} from './edi/acknowledge/read-acknowledgement.ts';
export { ediFindings } from './edi/check/check-edi.ts';
export type { EdiCheckLevel, EdiFinding } from './edi/check/finding.ts';
export { EdiDocument, ediDocument } from './edi/edi-document.ts';
export { type EdiHead, ediHead, ediHeadText, ediType, ediTypeOf } from './edi/edi-type.ts';
export { type X12Element, x12Segment, x12SegmentNames } from './edi/x12/segment-elements.ts';
export type { FhirVersion } from './fhir/definitions/definition-file.ts';
export {
  fhirNumber,
  fhirResourceTypes,
  hasFhirElement,
  isFhirType,
} from './fhir/validate/element-types.ts';
export type { FhirFinding } from './fhir/validate/finding.ts';
export { fhirFindings, findingFhir } from './fhir/validate/validate.ts';
export {
  type AcknowledgementCode,
  type Answer,
  type AnsweredProblem,
  acknowledgement,
  acknowledgementCode,
  isAnswerWanted,
} from './hl7/acknowledgement.ts';
export { type Hl7Batch, hl7Batch } from './hl7/batch.ts';
export { BatchStream, type StreamPart } from './hl7/batch-stream.ts';
export { type Delimiters } from './hl7/delimiters.ts';
export {
  type FieldDefinition,
  fieldName,
  HL7_VERSIONS,
  type Hl7Dictionary,
  hl7Dictionary,
  segmentName,
  tableCodes,
} from './hl7/dictionary/dictionary.ts';
export { type KnownPath, knownPath, pathNames } from './hl7/dictionary/known-path.ts';
export type { StructureNode } from './hl7/dictionary/structure.ts';
export type { Hl7Finding } from './hl7/finding.ts';
export {
  type AcknowledgementCondition,
  type Hl7Header,
  type Hl7Problem,
  hl7BodyProblem,
  hl7CharsetName,
  hl7Header,
} from './hl7/header.ts';
export { Hl7Document, type Hl7Segment, hl7Document } from './hl7/hl7-document.ts';
export { type Hl7Path, hl7Path } from './hl7/path.ts';
export {
  type AcknowledgementError,
  acknowledgementText,
  type ReadAcknowledgement,
  readAcknowledgement,
} from './hl7/read-acknowledgement.ts';
export { endingWithCr } from './hl7/segment-ends.ts';
export type { ValidationOptions } from './hl7/validation/checked.ts';
export { type ValidationLevel, validate } from './hl7/validation/validate.ts';
export { inTurns } from './in-turns.ts';
export { exactJson, jsonToKeep } from './json/exact-json.ts';
export { readingJsonValue, writingJsonValue } from './json/value-in-turns.ts';
export { partOf, partsOf } from './segment/part.ts';
export { Segment } from './segment/segment.ts';
export { SegmentDocument, type SegmentFields } from './segment/segment-document.ts';
export { hasSegments } from './segment-paths.ts';
export { isLinear, pattern, patternProblem } from './text/pattern.ts';
export {
  attributeOf,
  childOf,
  childrenOf,
  elementsOf,
  escaped,
  textAt,
  trimmed,
  within,
} from './xml/elements.ts';
export { parseXml } from './xml/parse-xml.ts';
export {
  digestOf,
  EXCLUSIVE,
  isDigest,
  isMethod,
  isSignedBy,
  methodFor,
  SHA256,
  SIGNATURE,
  signedBy,
} from './xml/signature/algorithms.ts';
export { canonical } from './xml/signature/canonical.ts';
export { SecurityProblem } from './xml/signature/security-problem.ts';
export {
  algorithmOf,
  exclusive,
  identified,
  mismatch,
  only,
  prefixesIn,
} from './xml/signature/signature-parts.ts';
export { textOf, type XmlElement, type XmlNode } from './xml/tree.ts';
export { withNamespaces } from './xml/xml-document.ts';
export { xmlText } from './xml/xml-text.ts';
