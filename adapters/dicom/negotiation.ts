import {
  type AssociateRequest,
  CONTEXT_RESULT,
  type JudgedContext,
  type ProposedContext,
} from './pdu.ts';
import {
  EXPLICIT_LITTLE_ENDIAN,
  IMPLICIT_LITTLE_ENDIAN,
  isStorageClass,
  QUERY_CLASSES,
  VERIFICATION,
} from './uids.ts';

/** Encodings with uncompressed values. */
const UNCOMPRESSED: readonly string[] = [EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN];

/** What a service accepts. */
export interface Offer {
  readonly encodings: 'any' | 'uncompressed';
  readonly queries: 'none' | 'target';
}

/** Judges every context of a request: which objects are accepted, and in which of the offered encodings. */
export function judgeContexts(
  { contexts }: Pick<AssociateRequest, 'contexts'>,
  offer: Offer,
): JudgedContext[] {
  return contexts.map((context) => judge(context, offer));
}

function judge(
  { id, abstractSyntax, transferSyntaxes }: ProposedContext,
  offer: Offer,
): JudgedContext {
  const refused = (result: number): JudgedContext => ({
    id,
    result,
    transferSyntax: IMPLICIT_LITTLE_ENDIAN,
  });
  const isObject = isStorageClass(abstractSyntax);
  const isQuery = offer.queries === 'target' && QUERY_CLASSES[abstractSyntax] !== undefined;
  if (!isObject && !isQuery && abstractSyntax !== VERIFICATION) {
    return refused(CONTEXT_RESULT.noAbstractSyntax);
  }
  const chosen = encodingFor(transferSyntaxes, isObject ? offer.encodings : 'uncompressed');
  return chosen === undefined
    ? refused(CONTEXT_RESULT.noTransferSyntax)
    : { id, result: CONTEXT_RESULT.accepted, transferSyntax: chosen };
}

/** The first one offered; among uncompressed ones, the one that names the type of each value. */
function encodingFor(
  offered: readonly string[],
  encodings: 'any' | 'uncompressed',
): string | undefined {
  const [first] = offered;
  const plain = UNCOMPRESSED.find((uid) => offered.includes(uid));
  if (first === undefined) return undefined;
  return encodings === 'uncompressed' || UNCOMPRESSED.includes(first) ? plain : first;
}
