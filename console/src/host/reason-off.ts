import type { Host } from '../../../src/api/contract/host.ts';
import { serverText } from '../language/server-text.ts';

/** What the server says if nobody gave a reason. */
const IF_NONE = /^switched off$/;

/** Why a host is off: the words of a person stay as they were written. */
export const reasonOff = ({ by, reason }: NonNullable<Host['switchedOff']>): string =>
  by === 'waybill' || IF_NONE.test(reason) ? serverText(reason) : reason;
