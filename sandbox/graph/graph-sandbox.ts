import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntraSandbox } from '../entra/entra-sandbox.ts';
import type { TokenVerdict } from '../entra/entra-tokens.ts';
import { type FaultQueue, type Faults, faultQueue } from '../faults.ts';
import { httpsListener } from '../https-listener.ts';
import { GraphMailbox } from './graph-mailbox.ts';
import type { GraphContent } from './graph-message.ts';
import { contentOfMime } from './graph-reading.ts';
import { badRequest, type GraphAnswer, GraphRefusal, refusalBody } from './graph-refusal.ts';
import type { GraphRequest, GraphRoute, GraphWorld } from './graph-route.ts';
import { GRAPH_ROUTES } from './graph-routes.ts';
import { GraphUploads } from './graph-uploads.ts';

const MB = 1024 * 1024;

export interface GraphSandboxOptions {
  /** Decides which tokens are valid: the sandbox of Entra. */
  readonly entra: Pick<EntraSandbox, 'validate'>;
  readonly mailboxes: readonly string[];
  /** Mailbox → further addresses it may send as. */
  readonly sendAs?: Readonly<Record<string, readonly string[]>>;
  /** Default: a free one. */
  readonly port?: number;
  /** Bytes of a whole message; 35 MB by default, as at Microsoft. */
  readonly messageLimit?: number;
  /** Requests of one application at one mailbox at once; 4 by default, as at Microsoft. */
  readonly concurrency?: number;
  /** Milliseconds that each request takes, as over the internet; none by default. */
  readonly latency?: number;
  /** Whether GET on an upload address returns the next range. */
  readonly uploadStatus?: boolean;
}

/** A request as seen by the sandbox. */
export interface GraphSeen {
  readonly method: string;
  /** Below the version: `/users/a@b.example/sendMail`. */
  readonly path: string;
  readonly query: string;
  readonly size: number;
  readonly status: number;
  readonly prefer: string;
}

/** Mail of Microsoft Graph, for applications without a user. */
export interface GraphSandbox extends AsyncDisposable {
  /** For `url` of an adapter, including the version. */
  readonly url: string;
  /** PEM of the authority that signed the server's certificate, for `trust`. */
  readonly ca: string;
  readonly requests: readonly GraphSeen[];
  /** The most requests that one application had under way at one mailbox. */
  readonly peak: number;
  mailbox(address: string): GraphMailbox;
  /** Delivers a mail from the internet. */
  receive(address: string, mime: Buffer): Promise<void>;
  /** Faults for matching requests, written as `POST /users/a@b.example/sendMail`; for all by default. */
  faults(fits?: RegExp): Faults;
  /** The next matching request is carried out, and its answer is lost. */
  loseAnswer(fits: RegExp): void;
  /** Takes a mailbox out of the application's scope, or out of Exchange Online. */
  deny(address: string, how: 'scope' | 'inactive' | 'unknown'): void;
  /** Allows it again. */
  allow(address: string): void;
  close(): Promise<void>;
}

/**
 * Starts it on loopback. Faithful to the v1.0 endpoint as far as an adapter uses it: tokens and
 * roles, drafts and sending, sizes, upload sessions, immutable ids, delta queries with tokens that
 * become too old, throttling, and errors with Microsoft's texts.
 */
export async function graphSandbox(options: GraphSandboxOptions): Promise<GraphSandbox> {
  const graph = await httpsListener({
    authority: 'Graph sandbox',
    names: ['DNS:localhost'],
    port: options.port,
  });
  // At Microsoft, large attachments go to another host with its own certificate.
  const outlook = await httpsListener({ authority: graph.authority, names: ['IP:127.0.0.1'] });
  const sandbox = new Sandbox(options, { graph: graph.url, outlook: outlook.url });
  for (const { server } of [graph, outlook]) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // A client that hung up cannot be answered.
      sandbox.serve(request, response).catch(() => response.destroy());
    });
  }
  const close = async (): Promise<void> => {
    await Promise.all([graph.close(), outlook.close()]);
  };
  return Object.assign(sandbox, {
    ca: graph.authority.certificate,
    close,
    [Symbol.asyncDispose]: close,
  });
}

class Sandbox {
  readonly url: string;
  readonly requests: GraphSeen[] = [];
  readonly #base: string;
  readonly #mailboxes: ReadonlyMap<string, GraphMailbox>;
  readonly #world: GraphWorld;
  readonly #rules: GateRules & {
    readonly denied: Set<string>;
    readonly inactive: Set<string>;
    readonly unknown: Set<string>;
  };
  readonly #concurrency: Concurrency;
  readonly #faults: { readonly fits: RegExp; readonly queue: FaultQueue }[] = [];
  readonly #lost: RegExp[] = [];
  readonly #latency: number;

  constructor(
    options: GraphSandboxOptions,
    { graph: base, outlook }: { readonly graph: string; readonly outlook: string },
  ) {
    this.#base = base;
    this.#latency = options.latency ?? 0;
    this.url = `${base}/v1.0`;
    const addresses = options.mailboxes.map((one) => one.toLowerCase());
    this.#mailboxes = new Map(addresses.map((one) => [one, new GraphMailbox(one)]));
    this.#concurrency = new Concurrency(options.concurrency ?? 4);
    this.#rules = {
      validate: options.entra.validate,
      denied: new Set(),
      inactive: new Set(),
      unknown: new Set(),
      known: (address) => this.#mailboxes.has(address),
    };
    this.#world = {
      uploads: new GraphUploads(outlook, options.uploadStatus ?? true),
      messageLimit: options.messageLimit ?? 35 * MB,
      maySendAs: (mailbox, address) =>
        mailbox === address || (options.sendAs?.[mailbox]?.includes(address) ?? false),
      deliver: (content) => this.#deliver(content),
    };
  }

  get peak(): number {
    return this.#concurrency.peak;
  }

  mailbox(address: string): GraphMailbox {
    const found = this.#mailboxes.get(address.toLowerCase());
    if (found === undefined) throw new RangeError(`the sandbox has no mailbox ${address}`);
    return found;
  }

  async receive(address: string, mime: Buffer): Promise<void> {
    this.mailbox(address).add(await contentOfMime(mime), 'inbox');
  }

  faults(fits = /./): Faults {
    const known = this.#faults.find((one) => String(one.fits) === String(fits));
    if (known !== undefined) return known.queue;
    const queue = faultQueue();
    this.#faults.push({ fits, queue });
    return queue;
  }

  loseAnswer(fits: RegExp): void {
    this.#lost.push(fits);
  }

  deny(address: string, how: 'scope' | 'inactive' | 'unknown'): void {
    const { denied, inactive, unknown } = this.#rules;
    ({ scope: denied, inactive, unknown })[how].add(address);
  }

  allow(address: string): void {
    this.#rules.denied.delete(address);
    this.#rules.inactive.delete(address);
    this.#rules.unknown.delete(address);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const { pathname, searchParams } = new URL(url, this.#base);
    const path = decodeURIComponent(pathname.replace(/^\/v1\.0/, ''));
    const line = `${method} ${path}`;
    const requestId = randomUUID();
    const throttled = (): object =>
      refusalBody(new GraphRefusal(429, 'TooManyRequests', 'Too many requests.'), requestId);
    for (const { fits, queue } of this.#faults) {
      if (fits.test(line) && (await queue.meet(request, response, throttled))) {
        this.requests.push({
          method,
          path,
          query: searchParams.toString(),
          size: 0,
          status: response.statusCode,
          prefer: '',
        });
        return;
      }
    }
    const body = await buffer(request);
    const answer = await this.#answer(request, { path, query: searchParams, body }).catch(
      (error: unknown): GraphAnswer => {
        if (!(error instanceof GraphRefusal)) throw error;
        return {
          status: error.status,
          json: refusalBody(error, requestId),
          headers: error.headers,
        };
      },
    );
    const prefer = String(request.headers['prefer'] ?? '');
    const query = searchParams.toString();
    this.requests.push({ method, path, query, size: body.length, status: answer.status, prefer });
    const lost = this.#lost.findIndex((fits) => fits.test(line));
    if (lost < 0) write(response, answer, requestId);
    else {
      this.#lost.splice(lost, 1);
      request.socket.destroy();
    }
  }

  async #answer(request: IncomingMessage, asked: Asked): Promise<GraphAnswer> {
    const { method = '', headers } = request;
    const [, upload] = /^\/upload\/([^/]+)$/.exec(asked.path) ?? [];
    if (upload !== undefined) {
      return this.#world.uploads.answer(upload, { method, headers, body: asked.body });
    }
    const [, user = '', rest = ''] = /^\/users\/([^/]+)(\/.*)$/.exec(asked.path) ?? [];
    const found = routeOf(method, rest);
    if (found === undefined) throw badRequest(`Resource not found for the segment '${rest}'.`);
    const mailbox = user.toLowerCase();
    const { roles } = found.route;
    const application = await checkAccess(headers.authorization, { mailbox, roles }, this.#rules);
    const leave = this.#concurrency.enter(`${application} ${mailbox}`);
    try {
      await sleep(this.#latency);
      if (asked.body.length > 4 * MB) {
        throw new GraphRefusal(413, 'RequestEntityTooLarge', 'The request entity is too large.');
      }
      return await found.route.answer({
        ...wishes(headers),
        mailbox: this.mailbox(mailbox),
        parts: found.parts,
        query: asked.query,
        // Links are relative to the caller's address, which may be that of a proxy.
        address: `https://${headers.host}/v1.0/users/${encodeURIComponent(mailbox)}${rest}`,
        body: asked.body,
        world: this.#world,
      });
    } finally {
      leave();
    }
  }

  #deliver(content: GraphContent): void {
    const { toRecipients, ccRecipients, bccRecipients } = content;
    for (const { emailAddress } of [...toRecipients, ...ccRecipients, ...bccRecipients]) {
      this.#mailboxes.get(emailAddress.address.toLowerCase())?.add(content, 'inbox');
    }
  }
}

function wishes(
  headers: IncomingHttpHeaders,
): Pick<GraphRequest, 'contentType' | 'immutable' | 'page' | 'textWanted'> {
  const prefer = String(headers['prefer'] ?? '');
  return {
    contentType: headers['content-type'] ?? '',
    immutable: /IdType="ImmutableId"/i.test(prefer),
    page: Number(/odata\.maxpagesize=(\d+)/i.exec(prefer)?.[1] ?? 10),
    textWanted: /outlook\.body-content-type="text"/i.test(prefer),
  };
}

interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

function routeOf(
  method: string,
  rest: string,
): { readonly route: GraphRoute; readonly parts: readonly string[] } | undefined {
  for (const route of GRAPH_ROUTES) {
    const parts = route.method === method ? route.path.exec(rest) : null;
    if (parts !== null) return { route, parts: parts.slice(1) };
  }
  return undefined;
}

function write(response: ServerResponse, answer: GraphAnswer, requestId: string): void {
  const { status, json, bytes, headers } = answer;
  const type =
    json === undefined ? {} : { 'content-type': 'application/json; odata.metadata=minimal' };
  response.writeHead(status, { 'request-id': requestId, ...type, ...headers });
  response.end(json === undefined ? bytes : JSON.stringify(json));
}

/** Access control: Entra's verdict on a token, and what Exchange allows the application. */
interface GateRules {
  readonly validate: (token: string) => Promise<TokenVerdict>;
  /** Mailboxes outside the application's scope (RBAC for Applications). */
  readonly denied: ReadonlySet<string>;
  /** Mailboxes that are not in Exchange Online, or have no licence. */
  readonly inactive: ReadonlySet<string>;
  /**
   * Mailboxes of a tenant without Exchange Online: the system behind Graph refuses, and Graph has
   * no error of its own for it.
   */
  readonly unknown: ReadonlySet<string>;
  readonly known: (mailbox: string) => boolean;
}

const AUDIENCES = new Set(['https://graph.microsoft.com', '00000003-0000-0000-c000-000000000000']);

/** The id of the calling application; throws a 401, 403 or 404 with Graph's texts. */
async function checkAccess(
  authorization: string | undefined,
  { mailbox, roles }: { readonly mailbox: string; readonly roles: readonly string[] },
  rules: GateRules,
): Promise<string> {
  const [, token] = /^Bearer (.+)$/.exec(authorization ?? '') ?? [];
  if (token === undefined) throw unauthorized('Access token is empty.');
  const verdict = await rules.validate(token);
  if (!verdict.valid) throw unauthorized(verdict.reason);
  const { claims } = verdict;
  if (!AUDIENCES.has(claims.aud)) {
    throw unauthorized('Access token validation failure. Invalid audience.');
  }
  if (claims.roles.length === 0) {
    throw new GraphRefusal(
      401,
      'NoPermissionsInAccessToken',
      'The token contains no permissions, or permissions can not be understood.',
    );
  }
  if (!roles.some((role) => claims.roles.includes(role))) {
    throw new GraphRefusal(
      403,
      'ErrorAccessDenied',
      'Access is denied. Check credentials and try again.',
    );
  }
  if (rules.unknown.has(mailbox)) throw new GraphRefusal(401, 'UnknownError', '');
  if (!rules.known(mailbox)) {
    throw new GraphRefusal(404, 'ErrorInvalidUser', `The requested user '${mailbox}' is invalid.`);
  }
  if (rules.inactive.has(mailbox)) {
    throw new GraphRefusal(
      404,
      'MailboxNotEnabledForRESTAPI',
      'The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
    );
  }
  if (rules.denied.has(mailbox)) {
    throw new GraphRefusal(
      403,
      'ErrorAccessDenied',
      'Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.',
    );
  }
  return claims.appid;
}

function unauthorized(message: string): GraphRefusal {
  return new GraphRefusal(401, 'InvalidAuthenticationToken', message, {
    'www-authenticate':
      'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="invalid_token"',
  });
}

/** Counts the requests that an application has under way at a mailbox; Outlook allows four. */
class Concurrency {
  readonly #most: number;
  readonly #underWay = new Map<string, number>();
  /** The highest count so far. */
  peak = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Throws a 429 if there are too many; otherwise call the returned function when the request is over. */
  enter(key: string): () => void {
    const now = (this.#underWay.get(key) ?? 0) + 1;
    if (now > this.#most) {
      throw new GraphRefusal(
        429,
        'ApplicationThrottled',
        'Application is over its MailboxConcurrency limit.',
        { 'retry-after': '1' },
      );
    }
    this.#underWay.set(key, now);
    this.peak = Math.max(this.peak, now);
    return () => this.#underWay.set(key, (this.#underWay.get(key) ?? 1) - 1);
  }
}
