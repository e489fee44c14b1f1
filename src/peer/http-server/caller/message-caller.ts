import { callerText } from '../../../message/caller.ts';
import { Refusal } from '../refusal.ts';
import type { Caller } from './caller.ts';

/** It goes with every message that is made of this one, and into the trace. */
const MOST = 4_096;

/** The caller as it is stored with a message. Throws the Refusal of one whose claims are too many. */
export function messageCaller(
  caller: Pick<Caller, 'name' | 'claims' | 'launch'> | undefined,
  only: readonly string[] = [],
): string | undefined {
  if (caller === undefined) return undefined;
  const { name, claims = {}, launch } = caller;
  const text = callerText({ name, claims, launch }, only);
  if (text.length <= MOST) return text;
  throw new Refusal(400, 'The token says more than can go with a message.', {
    told: `its token has ${text.length} characters of claims, and ${MOST} can go with a message: name those that are needed under claims`,
  });
}
