import type { X509Certificate } from 'node:crypto';
import { SecurityProblem } from 'waybill/document';
import { type Envelope, UTILITY } from '../envelope.ts';
import { childOf } from '../xml.ts';
import { checkSignature, readTrust } from './check-signature.ts';
import { checkTimestamp } from './check-time.ts';
import { securityHeader } from './guard.ts';
import type { SecurityValues } from './security-settings.ts';

/** The trusted signers of an answer. */
export interface AnswerBelief {
  readonly trust: readonly X509Certificate[];
  readonly tolerance: number;
}

/** Undefined if answers need no proof. Throws a DisableError for a file that cannot be used. */
export async function beliefOf(
  security: Pick<SecurityValues, 'answers' | 'trust' | 'tolerance'> | undefined,
): Promise<AnswerBelief | undefined> {
  if (security === undefined || security.answers === 'any' || security.trust === undefined) {
    return undefined;
  }
  return { trust: await readTrust(security.trust), tolerance: security.tolerance };
}

/** Why an answer is not trusted; undefined if its body is signed by a key of `trust` and its time fits. */
export async function doubtOf(
  envelope: Envelope,
  { trust, tolerance }: AnswerBelief,
): Promise<string | undefined> {
  try {
    const security = securityHeader(envelope);
    if (security === undefined) return 'the Security header is missing';
    const timestamp = childOf(security, UTILITY, 'Timestamp');
    if (timestamp !== undefined) checkTimestamp(timestamp, tolerance);
    const signature = checkSignature(envelope, security, trust);
    if (!signature.covers(envelope.body)) return 'the body is not signed';
    return timestamp === undefined || signature.covers(timestamp)
      ? undefined
      : 'the timestamp is not signed';
  } catch (error) {
    if (error instanceof SecurityProblem) return error.message;
    throw error;
  }
}
