import { ApiProblem } from './client.ts';

/** No answer at all, or a proxy's that there is none. */
const AWAY = new Set([0, 502, 504]);
/** What Apache and load balancers answer; Waybill itself says why with a code. */
const UNAVAILABLE = 503;

/** Whether an error says that the server does not answer. */
export const isAway = (error: unknown): boolean =>
  error instanceof ApiProblem &&
  (AWAY.has(error.status) || (error.status === UNAVAILABLE && error.code === 'UNKNOWN'));
