import { type AcknowledgementCondition, type Hl7Header, isAnswerWanted } from 'waybill/document';
import type { MllpInSettings } from './mllp-in-settings.ts';

/** Which answers a message is to get, and when. */
export interface AnswerPlan {
  /** The answer once it is stored or refused; undefined for none. `commit`: with CA, CE and CR. */
  readonly stored:
    | { readonly when: AcknowledgementCondition; readonly commit: boolean }
    | undefined;
  /** The answer once the target has answered; undefined for none. */
  readonly application: { readonly when: AcknowledgementCondition } | undefined;
}

const NONE: AnswerPlan = { stored: undefined, application: undefined };

/** Combines the setting with MSH-15 and MSH-16 where they decide. */
export function answerPlan(
  { acknowledge, commitCodes }: Pick<MllpInSettings, 'acknowledge' | 'commitCodes'>,
  { acceptAck, applicationAck, isAcknowledgement }: Hl7Header,
): AnswerPlan {
  const original: AnswerPlan = {
    stored: { when: 'AL', commit: commitCodes },
    application: undefined,
  };
  // To answer an answer could go on for ever.
  if (isAcknowledgement || acknowledge === 'never') return NONE;
  if (acknowledge === 'application') return { stored: undefined, application: { when: 'AL' } };
  if (acknowledge === 'stored') return original;
  if (acceptAck === undefined && applicationAck === undefined) return original;
  return {
    stored: acceptAck === undefined ? undefined : { when: acceptAck, commit: true },
    application: applicationAck === undefined ? undefined : { when: applicationAck },
  };
}

/** Whether the target's answer has to be waited for. */
export function waitsForTarget({ application }: AnswerPlan): boolean {
  return application !== undefined && application.when !== 'NE';
}

/** Whether an answer is sent for this result, and with which kind of code. */
export function wantedAnswer(
  part: { readonly when: AcknowledgementCondition; readonly commit?: boolean } | undefined,
  result: 'success' | 'failure',
): { readonly commit: boolean } | undefined {
  return part !== undefined && isAnswerWanted(part.when, result)
    ? { commit: part.commit ?? false }
    : undefined;
}
