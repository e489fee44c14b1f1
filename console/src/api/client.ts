import { serverText, serverTextsLoaded } from '../language/server-text.ts';
import { t } from '../language/translate.ts';

/** The console's root, including any prefix added by a proxy; ends in a slash. */
export const CONSOLE = new URL('.', document.baseURI);
/** Another production, whose pages these are: `in/lab/messages`. Undefined for the console's own. */
export const PRODUCTION: string | undefined = /^in\/([\w-]+)(?:\/|$)/.exec(
  location.pathname.slice(CONSOLE.pathname.length),
)?.[1];
/** The root of the pages of the production; ends in a slash. */
export const ROOT = PRODUCTION === undefined ? CONSOLE : new URL(`in/${PRODUCTION}/`, CONSOLE);
const API = new URL('api/v1/', CONSOLE);
const API_OF_PRODUCTION =
  PRODUCTION === undefined ? API : new URL(`productions/${PRODUCTION}/`, API);
/** What belongs to the console, whichever production is shown. */
const OF_THE_CONSOLE = /^(?:sign-|auth\/|users|roles|tokens|productions|me\/password)/;

let own: string | undefined;

/** The name of the console's own production, whose pages are at the root. */
export function knowOwn(name: string): void {
  own = name;
}

/** The address of a page of a production. */
export function addressIn(production: string, path = ''): string {
  const folder = production === own ? '' : `in/${encodeURIComponent(production)}/`;
  return new URL(`${folder}${path}`, CONSOLE).href;
}

/** What the API answered instead of a result: RFC 9457, with a `code` that is stable across versions. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'ApiProblem';
    this.status = status;
    this.code = code;
  }
}

export type Parameters = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Parameters | undefined;
  readonly body?: unknown;
  /** Identifies an act that must be done once, however often it is sent: see `newKey`. */
  readonly once?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Asks the console that the user is signed in to, and not the production that is shown. */
  readonly ofConsole?: boolean;
}

/** A key for one act of a person. `randomUUID` is available only over HTTPS. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join('');
}

/** After this time without user activity, automatic requests of pages do not keep the session alive. */
const UNATTENDED = 60_000;
let touched = Date.now();
for (const event of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart']) {
  globalThis.addEventListener(event, () => (touched = Date.now()), {
    passive: true,
    capture: true,
  });
}

let csrf: string | undefined;

/** Sent with every act from now on; the API returns it with `/me`. */
export function keepCsrfToken(token: string | undefined): void {
  csrf = token;
}

/** The address of an API resource, for links that download. */
export function apiUrl(path: string, query: Parameters = {}, ofConsole = false): string {
  const url = new URL(path, ofConsole || OF_THE_CONSOLE.test(path) ? API : API_OF_PRODUCTION);
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value])
      url.searchParams.append(key, `${one}`);
  }
  return url.href;
}

/** Asks the API; throws an ApiProblem for anything but success. */
export async function ask<Result>(path: string, call: Call = {}): Promise<Result> {
  const response = await send(path, call);
  await serverTextsLoaded;
  if (response.status === 204) return undefined as Result;
  return (await response.json()) as Result;
}

/** Like `ask`, for answers that are not JSON. */
export async function askBytes(path: string, call: Call = {}): Promise<Response> {
  return send(path, call);
}

async function send(
  path: string,
  { method, query, body, once, signal, ofConsole }: Call,
): Promise<Response> {
  const verb = method ?? (body === undefined ? 'GET' : 'POST');
  const response = await fetch(apiUrl(path, query, ofConsole), {
    method: verb,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(Date.now() - touched > UNATTENDED ? { 'x-unattended': '1' } : {}),
      ...(once === undefined ? {} : { 'idempotency-key': once }),
      ...(verb !== 'GET' && csrf !== undefined ? { 'x-csrf-token': csrf } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new ApiProblem(
      0,
      'UNREACHABLE',
      t('Waybill does not answer: is it running, and is the network up?'),
    );
  });
  if (response.ok) return response;
  throw await problemOf(response);
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const text = await response.text();
  await serverTextsLoaded;
  try {
    const { code, detail, title } = JSON.parse(text) as Partial<
      Record<'code' | 'detail' | 'title', string>
    >;
    return new ApiProblem(
      response.status,
      code ?? 'UNKNOWN',
      serverText(detail ?? title ?? response.statusText),
    );
  } catch {
    // not JSON: something other than our API answered
    return new ApiProblem(
      response.status,
      'UNKNOWN',
      t('the server answered {status} {text}', {
        status: `${response.status}`,
        text: response.statusText,
      }),
    );
  }
}
