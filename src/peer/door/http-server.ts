export {
  type Access,
  authorize,
  checkSameSite,
  type Need,
  withoutSecrets,
} from '../http-server/caller/authorize.ts';
export type { Caller, Scheme } from '../http-server/caller/caller.ts';
export {
  type CallerValues,
  callerClaims,
  callerSettings,
  certificateFaults,
  type TokenSource,
} from '../http-server/caller/caller-settings.ts';
export { messageCaller } from '../http-server/caller/message-caller.ts';
export { schemesOf } from '../http-server/caller/schemes.ts';
export { tryCallers } from '../http-server/caller/try-callers.ts';
export {
  type CorsPolicy,
  corsHeaders,
  corsSettings,
  isPreflight,
  notAllowed,
  preflightReply,
} from '../http-server/cors.ts';
export {
  commonOf,
  type HttpService,
  joinListener,
  type ServedRoute,
  type ServedUpgrade,
} from '../http-server/http-listener.ts';
export { listenerLimits, listenerPlace } from '../http-server/http-listener-settings.ts';
export { type HttpReply, refusalAnswer, respond } from '../http-server/http-reply.ts';
export { type Arrived, cookieOf, Incoming } from '../http-server/incoming.ts';
export { callerAddresses, proxies } from '../http-server/proxies.ts';
export { Refusal, refusalOf } from '../http-server/refusal.ts';
export { type Content, RequestBody } from '../http-server/request-body.ts';
export { Room } from '../http-server/room.ts';
export { type RoutePattern, routePattern, routePatternOf } from '../http-server/route-pattern.ts';
export { Serving } from '../http-server/serving.ts';
