import { Buffer } from 'node:buffer';
import { EngineError } from '../../../error/engine-error.ts';
import type { Zone } from '../../../time/zone.ts';
import { hl7Dictionary } from '../../hl7/dictionary/dictionary.ts';
import { type Element, isElement } from '../v2/json.ts';
import { admissionBack } from './admission-back.ts';
import type { BackContext } from './back-context.ts';
import { type BackCoverage, coverageOf } from './back-coverage.ts';
import { BundleIndex, MOST_RESOURCES } from './bundle-index.ts';
import { messageKind, type WantedKind } from './event.ts';
import { MessageWriter } from './message-writer.ts';
import { resultsBack } from './results-back.ts';
import { Uses } from './uses.ts';

export interface FromFhirOptions {
  /** Undefined for what the Bundle is about. */
  readonly kind: WantedKind | undefined;
  /** MSH-12 */
  readonly version: string;
  /** The clock of times in the message; undefined keeps each time with its offset. */
  readonly zone: Zone;
  /** URIs of code systems and assigning authorities, by their v2 names. */
  readonly systems: Readonly<Record<string, string>>;
}

export interface MessageFacts {
  /** MSH-10 */
  readonly controlId: string;
  /** Milliseconds since 1970, for a Bundle without a time. */
  readonly now: number;
  /** MSH-9.3 of a type and event. */
  readonly structureOf: (message: string, event: string) => string;
}

/** How deep elements of FHIR may lie; R4 itself needs far less. */
const DEEPEST = 100;

/**
 * An HL7 v2 message made of FHIR R4 in JSON: a Bundle, one resource, or a request of fhir-in. Throws
 * TRANSFORM_FAILED if it is none of them or not about one thing.
 */
export function fromFhir(
  body: string,
  { kind: wanted, version, zone, systems }: FromFhirOptions,
  facts: MessageFacts,
): { readonly body: Uint8Array; readonly coverage: BackCoverage } {
  const dictionary = hl7Dictionary(version);
  if (dictionary === undefined) throw failed(`HL7 ${version} is not known`);
  const index = new BundleIndex(parsed(body));
  if (index.resources.length === 0) throw failed('the body has no FHIR resource');
  if (index.resources.length > MOST_RESOURCES) {
    throw failed(
      `the Bundle has ${index.resources.length} resources, and a message is made of at most ${MOST_RESOURCES}. Split it first.`,
    );
  }
  const uses = new Uses();
  const context: BackContext = {
    uses,
    zone,
    names: new Map(Object.entries(systems).map(([name, uri]) => [uri, name])),
    resolve: (reference) => index.resolve(reference),
  };
  const kind = messageKind(index, wanted);
  const writer = new MessageWriter(index, kind, { context, dictionary });
  const header = {
    controlId: facts.controlId,
    structure: facts.structureOf(kind.message, kind.event),
    now: new Date(facts.now).toISOString().replace(/\.\d+/, ''),
  };
  if (kind.message === 'ORU') resultsBack(writer, header);
  else admissionBack(writer, header);
  return {
    body: Buffer.from(writer.text(), 'utf8'),
    coverage: coverageOf(index, uses, writer.written),
  };
}

const failed = (text: string): EngineError => new EngineError('TRANSFORM_FAILED', text);

/** Numbers keep their digits (`11.50`). */
function parsed(body: string): Element {
  const { rawJSON } = JSON as { rawJSON?: (json: string) => unknown };
  const value: unknown = JSON.parse(body, (_, one: unknown, context?: { source?: string }) => {
    const source = context?.source;
    const isExact = typeof one !== 'number' || source === undefined || String(one) === source;
    return isExact ? one : (rawJSON?.(source) ?? one);
  });
  if (!isElement(value)) throw failed('the body is not a FHIR resource');
  if (depthOf(value) > DEEPEST) throw failed(`the body is nested more than ${DEEPEST} deep`);
  return value;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function depthOf(root: object): number {
  let level: object[] = [root];
  let depth = 0;
  while (level.length > 0 && depth <= DEEPEST) {
    depth++;
    level = level.flatMap((one) => Object.values(one).filter(isObject));
  }
  return depth;
}
