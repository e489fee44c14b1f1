import { ApiProblem } from './client.ts';

/** No answer at all, or a proxy's that there is none. */
const AWAY = new Set([0, 502, 504]);
/** What Apache and load balancers answer; Waybill itself says why with a code. */
const UNAVAILABLE = 503;

/** Refused by something in front of Waybill: some proxies answer so until one signs in with them, others for what they do not let through. */
export const isForeign403 = ({ status, code }: ApiProblem): boolean =>
  status === 403 && code === 'UNKNOWN';

/** Whether an error says that the server does not answer. */
export const isAway = (error: unknown): boolean =>
  error instanceof ApiProblem &&
  (AWAY.has(error.status) || (error.status === UNAVAILABLE && error.code === 'UNKNOWN'));
