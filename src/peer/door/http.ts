export { type Challenge, challengesOf } from '../http/challenge.ts';
export { HttpClient, type Upgraded } from '../http/http-client.ts';
export { type HttpClientValues, httpClientSettings } from '../http/http-client-settings.ts';
export {
  type HttpAnswer,
  type HttpQuestion,
  placeOfUrl,
  retryAfterOf,
} from '../http/http-exchange.ts';
export { exchangeFailure, signInFailure } from '../http/http-failure.ts';
export type { HttpSignIn } from '../http/http-sign-in.ts';
export { type HttpTrial, tryHttp, tryReaching } from '../http/http-test.ts';
export { transport } from '../http/load-transport.ts';
export {
  contentTypeOf,
  describedBody,
  type MediaType,
  mayBeHl7,
  mediaTypeOf,
  messageTypeOf,
} from '../http/media-type.ts';
export { outcomeText } from '../http/operation-outcome.ts';
export { refusalWords } from '../http/refusal-words.ts';
export type { TransportValues } from '../http/transport.ts';
export {
  type HeaderTemplate,
  headerTemplate,
  type UrlTemplate,
  urlTemplate,
} from '../http/url-template.ts';
