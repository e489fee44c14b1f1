import { expect } from 'vitest';
import { describeError } from '../../src/error/engine-error.ts';
import type { Seen } from '../support/open-adapter.ts';

/** Stands in every body of the contract; must not turn up in a log, an event or an error. */
export const BODY_MARKER = 'QZXBODYMARKERXZQ';

/** Use it as (a part of) every secret of a contract's peer; must not turn up anywhere either. */
export const SECRET_MARKER = 'QZXSECRETMARKERXZQ';

/** A message as most adapters carry it, with the marker where patient data stand. */
export function markedBody(controlId = 'C1'): Buffer {
  return Buffer.from(
    `MSH|^~\\&|APP|FAC|R|F|20260101120000||ADT^A01^ADT_A01|${controlId}|P|2.5.1\rPID|1||123^^^H^MR||${BODY_MARKER}^JOHN\rPV1|1|I\r`,
  );
}

/** Fails if anything an operator or a log reader sees quotes a body or a secret. */
export function expectNothingQuoted({ events, states, log }: Seen): void {
  const text = JSON.stringify([events, states, log]);
  expect(text.includes(BODY_MARKER), `a body was quoted: ${text.slice(0, 2_000)}`).toBe(false);
  expect(text.includes(SECRET_MARKER), `a secret was quoted: ${text.slice(0, 2_000)}`).toBe(false);
}

/** The same for an error and everything it was caused by, as a log would write them. */
export function expectErrorQuotesNothing(error: unknown): void {
  for (let one = error; one !== undefined; one = (one as { cause?: unknown }).cause) {
    const { text } = describeError(one);
    expect(text).not.toContain(BODY_MARKER);
    expect(text).not.toContain(SECRET_MARKER);
  }
}
