import type { Operations } from '../../../src/api/contract/operations.ts';
import { serverText, serverTextsLoaded } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { noteVersion } from './upgrade.ts';

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

/** An operation of the API, by its method and path: `GET /hosts/{host}`. */
export type Operation = keyof Operations;

/** What an operation answers. */
export type Result<O extends Operation> = Operations[O]['result'];

/** What narrows down an operation. */
export type Query<O extends Operation> = Operations[O] extends { readonly query: infer Asked }
  ? Asked
  : never;

/** What is sent with an operation. */
export type Body<O extends Operation> = Operations[O] extends { readonly body: infer Sent }
  ? Sent
  : never;

/** The parts of a path that differ: `host` of `/hosts/{host}`. */
type Named<Path> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Named<Rest>
  : never;

type Given<Key extends string, Value> =
  Partial<Value> extends Value
    ? { readonly [K in Key]?: Value | undefined }
    : { readonly [K in Key]: Value };

/** What an operation is given. */
export type Call<O extends Operation> = O extends Operation
  ? CallOptions &
      ([Named<O>] extends [never]
        ? unknown
        : { readonly path: Readonly<Record<Named<O>, string | number>> }) &
      (Operations[O] extends { readonly query: infer Asked } ? Given<'query', Asked> : unknown) &
      (Operations[O] extends { readonly body: infer Sent } ? { readonly body: Sent } : unknown)
  : never;

interface CallOptions {
  /** Identifies an act that must be done once, however often it is sent: see `newKey`. */
  readonly once?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Asks the console that the user is signed in to, and not the production that is shown. */
  readonly ofConsole?: boolean;
  /** Asks this production, and not the one that is shown. */
  readonly production?: string | undefined;
}

/** Nothing needs to be given for an operation that takes nothing. */
type Calling<O extends Operation> =
  Partial<Call<O>> extends Call<O> ? [call?: Call<O>] : [call: Call<O>];

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

/** Who is signed in, by name and way, and what proves to the API that an act is theirs. */
let person: Person | undefined;

type Person = Pick<Result<'GET /me'>, 'name'> &
  Partial<Pick<Result<'GET /me'>, 'via' | 'csrfToken'>>;

/**
 * Whose acts are sent from now on, as `/me` says. Another person (who has signed in in another tab, or at a proxy) begins
 * with pages of their own: what is shown and typed here is not theirs, and what this page still sends until then is
 * refused, with the token of the one before. Returns whether it is the same one.
 */
export function keepPerson(now: Person): boolean {
  if (person !== undefined && (person.name !== now.name || person.via !== now.via)) {
    location.reload();
    return false;
  }
  person = now;
  return true;
}

/** Whether the same person has signed in since an act was sent, in another tab: that gave them another token for acts. */
async function isSignedInAnew(sentWith: string | undefined): Promise<boolean> {
  // not to be had: then what was refused is told as it was
  const now = await ask('GET /me', { ofConsole: true }).catch(() => undefined);
  return now !== undefined && keepPerson(now) && now.csrfToken !== sentWith;
}

/** The address of something that the API answers to a GET, for links that download. */
export function apiUrl(path: string, query: Parameters = {}): string {
  return address(path, { query });
}

function address(path: string, { query = {}, ofConsole, production }: AnyCall): string {
  const named =
    production === undefined ? path : `productions/${encodeURIComponent(production)}/${path}`;
  const root = ofConsole === true || OF_THE_CONSOLE.test(named) ? API : API_OF_PRODUCTION;
  const url = new URL(named, root);
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value])
      url.searchParams.append(key, `${one}`);
  }
  return url.href;
}

/** Asks the API; throws an ApiProblem for anything but success. */
export async function ask<const O extends Operation>(
  operation: O,
  ...[call]: Calling<O>
): Promise<Result<O>> {
  const response = await send(operation, call);
  await serverTextsLoaded;
  if (response.status === 204) return undefined as unknown as Result<O>;
  return (await response.json()) as Result<O>;
}

/** Like `ask`, for answers that are not JSON. */
export async function askBytes<const O extends Operation>(
  operation: O,
  ...[call]: Calling<O>
): Promise<Response> {
  return send(operation, call);
}

/** What any operation may be given. */
interface AnyCall extends CallOptions {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Parameters | undefined;
  readonly body?: unknown;
}

async function send(operation: Operation, call?: AnyCall): Promise<Response> {
  const sentWith = person?.csrfToken;
  try {
    return await sent(operation, call);
  } catch (error) {
    const mayBeOld = error instanceof ApiProblem && error.status === FORBIDDEN;
    // nothing was done yet: who may do it is asked before that
    if (!mayBeOld || operation.startsWith('GET ') || !(await isSignedInAnew(sentWith))) throw error;
    return sent(operation, call);
  }
}

async function sent(operation: Operation, call: AnyCall = {}): Promise<Response> {
  const { path = {}, body, signal } = call;
  const [verb = '', pattern = ''] = operation.split(' /');
  const filled = pattern.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name] ?? ''),
  );
  const response = await answered(address(filled, call), {
    method: verb,
    credentials: 'same-origin',
    headers: headersOf(verb, call),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true || error instanceof ApiProblem) throw error;
    throw new ApiProblem(
      0,
      'UNREACHABLE',
      isAct(verb, pattern, body)
        ? t(
            'Waybill did not answer. It may have been done all the same: look before you do it again.',
          )
        : t('Waybill does not answer: is it running, and is the network up?'),
    );
  });
  noteVersion(response);
  if (!response.ok) throw await problemOf(response, isAct(verb, pattern, body));
  // no operation answers a page
  if (response.headers.get('content-type')?.startsWith('text/html') === true) throw elsewhere();
  return response;
}

/** Code of an answer that is not Waybill's, and demands a sign-in. */
export const ELSEWHERE = 'SIGN_IN_ELSEWHERE';

/** A proxy in front of Waybill signs people in. */
export const elsewhere = (): ApiProblem =>
  new ApiProblem(
    UNAUTHORIZED,
    ELSEWHERE,
    t('What stands in front of Waybill wants you to sign in again.'),
  );

/** What the API answers. Sent somewhere else, `fetch` would end at a page for people, or be refused without a reason. */
async function answered(url: string, asked: RequestInit): Promise<Response> {
  const answer = await fetch(url, { ...asked, redirect: 'manual' });
  if (answer.type !== 'opaqueredirect') return answer;
  // the production that the console belongs to has its API at another address, too; refused, it was sent to another server
  const other = url.startsWith(`${API.href}productions/`)
    ? await fetch(url, asked).catch(() => undefined)
    : undefined;
  if (other?.url.startsWith(API.href) === true) return other;
  throw elsewhere();
}

/** What is sent as a POST and changes nothing. */
const LOOKS =
  /^(?:messages\/(?:search|count|export)|audit\/|workbench\/|sign-|rehearsals|production\/files\/check)|\/(?:rehearsal|test)$/;

/** Whether something may have been done although there was no answer. */
const isAct = (verb: string, pattern: string, body: unknown): boolean =>
  verb !== 'GET' && !LOOKS.test(pattern) && (body as { dryRun?: boolean } | null)?.dryRun !== true;

function headersOf(verb: string, { body, once }: AnyCall): Record<string, string> {
  return {
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(Date.now() - touched > UNATTENDED ? { 'x-unattended': '1' } : {}),
    ...(once === undefined ? {} : { 'idempotency-key': once }),
    ...(verb !== 'GET' && person?.csrfToken !== undefined
      ? { 'x-csrf-token': person.csrfToken }
      : {}),
  };
}

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const SERVER_FAILED = 500;

async function problemOf(response: Response, act: boolean): Promise<ApiProblem> {
  const text = await response.text();
  await serverTextsLoaded;
  try {
    const { code, detail, title } = JSON.parse(text) as Partial<
      Record<'code' | 'detail' | 'title', string>
    >;
    // oauth2-proxy answers so where JSON is asked for
    if (response.status === UNAUTHORIZED && code === undefined) return elsewhere();
    return new ApiProblem(
      response.status,
      code ?? 'UNKNOWN',
      serverText(detail ?? title ?? response.statusText),
    );
  } catch {
    // not JSON: something other than our API answered
    if (response.status === UNAUTHORIZED) return elsewhere();
    const told = { status: `${response.status}`, text: response.statusText };
    return new ApiProblem(
      response.status,
      'UNKNOWN',
      act && response.status >= SERVER_FAILED
        ? t(
            'the server answered {status} {text}. It may have been done all the same: look before you do it again.',
            told,
          )
        : t('the server answered {status} {text}', told),
    );
  }
}
