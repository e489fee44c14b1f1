import { checkEdi } from '../check/check-edi.ts';
import type { EdiCheckLevel } from '../check/finding.ts';
import type { EdiDocument } from '../edi-document.ts';
import type { EdifactProfile } from '../profile/edifact-profile.ts';
import { contrl } from './contrl.ts';
import { type EdiVerdict, type OnErrors, together } from './verdict.ts';
import { type X12Form, x12Acknowledgement } from './x12-acknowledgement.ts';

/** How interchanges are acknowledged. */
export interface EdiAnswering {
  readonly level: EdiCheckLevel;
  /** The form; `auto` if left out. EDIFACT has only CONTRL. */
  readonly form?: X12Form | undefined;
  /** Whether errors in segments reject a transaction set (`reject`, if left out) or are only reported. */
  readonly errors?: OnErrors | undefined;
  /** What EDIFACT messages are checked by, besides their envelope. */
  readonly profiles?: readonly EdifactProfile[] | undefined;
  /** Milliseconds since 1970; now if left out. */
  readonly at?: number | undefined;
  /** Control numbers for the interchanges that are made; from the clock if left out. */
  readonly number?: (() => number) | undefined;
}

export interface EdiAnswer {
  /** Undefined if there is nothing to answer: acknowledgements are not acknowledged. */
  readonly body: Uint8Array | undefined;
  readonly verdict: EdiVerdict;
}

/** Checks a body and makes its acknowledgement: TA1, 997 or 999 of X12, CONTRL of EDIFACT, one interchange each. */
export function ediAcknowledgement(document: EdiDocument, answering: EdiAnswering): EdiAnswer {
  const { level, form = 'auto', errors = 'reject', at = Date.now() } = answering;
  const number = answering.number ?? (() => clockControlNumber(at));
  const { syntax, advice, charset } = document;
  const made = checkEdi(document, level, answering.profiles).map((checked) =>
    document.kind === 'x12'
      ? x12Acknowledgement(checked, syntax, { form, errors, at, number })
      : contrl(checked, syntax, { at, number, advice }),
  );
  const text = made.map((one) => one.text).join('');
  return {
    body: text === '' ? undefined : charset.encode(text),
    verdict: together(made.map(({ verdict }) => verdict)),
  };
}

/** Control numbers have nine digits. */
const MOST = 999_999_999;

let last = 0;

/**
 * A control number for an immediate answer, when no durable counter is available: the seconds since 1970,
 * incremented within a second. It repeats after 31 years; several engines may return the same one in the same second.
 */
function clockControlNumber(now = Date.now()): number {
  last = Math.max((Math.floor(now / 1_000) % MOST) + 1, last + 1);
  if (last > MOST) last = 1;
  return last;
}
