import type { IncomingMessage } from 'node:http';
import {
  DisableError,
  inbound,
  type Lent,
  type LentInbound,
  type Step,
  toldInStep,
} from 'waybill/adapter';
import { jsonToKeep } from 'waybill/document';
import { tryListening } from 'waybill/peer/basics';
import { mediaTypeOf } from 'waybill/peer/http';
import {
  type Arrived,
  authorize,
  type CorsPolicy,
  corsHeaders,
  type HttpReply,
  type HttpService,
  Incoming,
  isPreflight,
  joinListener,
  notAllowed,
  preflightReply,
  Refusal,
  RequestBody,
  Room,
  refusalAnswer,
  refusalOf,
  respond,
  type ServedRoute,
  Serving,
  tryCallers,
  withoutSecrets,
} from 'waybill/peer/http-server';
import { pageLanguage, refusalPage, tryDirectoryUsers, tryProvider } from 'waybill/peer/sign-in';
import { fileBelow } from './files/file-tree.ts';
import { StaticFiles } from './files/static-files.ts';
import {
  answerTo,
  ediQuestion,
  ediReply,
  hl7Answer,
  hl7Question,
  hl7Refusal,
} from './http-answer.ts';
import { httpInSettings } from './http-in-settings.ts';
import { contentOf, incomingMessage, SignedOnce } from './incoming-message.ts';
import type { BodyCheck, Operation } from './operation.ts';
import {
  claimOf,
  filesClaims,
  httpInFaults,
  httpInSharing,
  operationsOf,
} from './operations-of.ts';
import { prefixOf } from './sign-in/cookies.ts';
import { framedFiles } from './sign-in/framed-files.ts';
import { ownOrigin } from './sign-in/own-origin.ts';
import { SignInDesk } from './sign-in/sign-in-desk.ts';
import {
  isPage,
  realmOf,
  type SignInAction,
  type SignInValues,
} from './sign-in/sign-in-settings.ts';
import { tryEhrs } from './sign-in/smart/try-ehrs.ts';

type LentHere = LentInbound<typeof httpInSettings>;

export default inbound({
  type: 'http-in',
  title: 'HTTP and REST, listening',
  summary:
    'Accepts messages at a web address, checks who sends them and their content, and answers.',
  settings: httpInSettings,
  sharing: (settings) => httpInSharing(settings),
  launched: ({ signIn }, service) =>
    signIn?.smart === undefined ? undefined : realmOf(signIn, service),
  async open(lent) {
    const { path, callers, openapi } = lent.settings;
    const desk = deskOf(lent);
    const operations = await operationsOf(withDesk(lent, desk));
    const membership = await joinListener(lent, new Endpoint(lent, operations, desk));
    const takeBack = desk?.lendLaunches();
    const isOpen = callers.length === 0 && openapi === undefined;
    lent.connection(
      'listening',
      `${membership.place}${path.source}${isOpen ? ', everybody may call' : ''}`,
    );
    return {
      async close() {
        try {
          await membership.leave();
        } finally {
          takeBack?.();
        }
      },
    };
  },
  check: (settings) => httpInFaults(settings),
  test: (lent, step) => tryHttpIn(lent, step),
});

function deskOf(lent: LentHere): SignInDesk | undefined {
  const { settings, signIn: tools } = lent;
  if (settings.signIn === undefined) return undefined;
  if (tools === undefined) throw new DisableError('Nobody can sign in: no engine runs here.');
  return new SignInDesk(
    { ...lent, cors: ownOrigin(settings.cors, settings.signIn), signIn: tools },
    settings.signIn,
  );
}

/** Tokens that are signed here count as long as their sign-in lasts. */
function withDesk(lent: LentHere, desk: SignInDesk | undefined): LentHere {
  if (desk === undefined) return lent;
  const { verifier, settings } = lent;
  return {
    ...lent,
    verifier: (name) =>
      name === settings.signIn?.key ? Promise.resolve(desk.verifier) : verifier(name),
  };
}

/**
 * Checks that the port is free, the certificate works, the documents can be read, and the means of
 * checking callers exist.
 */
async function tryHttpIn(lent: Lent<typeof httpInSettings>, step: Step): Promise<void> {
  const { settings } = lent;
  await tryListening(lent, step, settings);
  await step('path', (detail) =>
    toldInStep(async () => {
      const operations = await operationsOf(lent);
      const own = operations.filter((one) => one.signIn === undefined);
      const open = own.filter(({ access }) => access.length === 0).length;
      detail(`${own.length} operations, ${open} of them open to everybody`);
    }),
  );
  const { signIn } = settings;
  if (signIn !== undefined) await trySignIn(lent, step, signIn);
  const { files } = settings;
  if (files !== undefined) {
    await step('files', async (detail) => {
      const page = await fileBelow(files.folder, ['index.html']);
      await page?.handle.close();
      detail(`${files.folder} ${page === undefined ? 'has no' : 'has an'} index.html`);
    });
  }
  await tryCallers(lent, step, settings.callers);
}

async function trySignIn(
  lent: Lent<typeof httpInSettings>,
  step: Step,
  { key, path, ldap, oidc, smart, ...settings }: SignInValues,
): Promise<void> {
  await step('key', (detail) =>
    toldInStep(async () => {
      const found = await lent.credential(key);
      // what it signs is thrown away
      if ('token' in found) await found.token(lent.signal);
      detail(`${key} signs access tokens; people sign in at ${path}/login`);
    }),
  );
  if (ldap !== undefined) await tryDirectoryUsers(lent, step, ldap);
  const { publicUrl } = settings;
  const base = publicUrl && `${publicUrl.origin}${prefixOf(settings)}${path}`;
  if (oidc !== undefined) await tryProvider(lent, step, oidc, base && `${base}/callback`);
  if (smart === undefined) return;
  await tryEhrs(lent, step, { smart, path, redirect: base && `${base}/launched` });
}

/** How many bytes of bodies may be in memory at once. */
const MEMORY = 256 * 1_048_576;

/** Names, passwords and tokens are far shorter. */
const SIGN_IN_LIMIT = 65_536;

/** Told to operators; the sender gets the acknowledgement. */
const EDI_REJECTED = new Refusal(422, 'The interchange was rejected.', {
  told: 'its interchange was rejected, and the acknowledgement says why',
});

/** An operation for a request; `takes` is false where only others at this path have its method. */
interface Route {
  readonly rank: string;
  readonly takes: boolean;
  readonly operation: Operation;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * One service behind a listener. A request passes: preflight, method, authentication and
 * permission, content, storing, answer. Refusals are reported to the caller, and to operators once
 * a minute.
 */
class Endpoint implements HttpService {
  readonly operations: readonly Operation[];
  readonly #lent: LentHere;
  readonly serving: Serving;
  readonly #desk: SignInDesk | undefined;
  readonly #files: StaticFiles | undefined;
  readonly #room = new Room(MEMORY);
  readonly #signed = new SignedOnce();
  readonly #sameSite: CorsPolicy | undefined;

  constructor(lent: LentHere, operations: readonly Operation[], desk: SignInDesk | undefined) {
    this.#lent = lent;
    this.#desk = desk;
    const { files } = lent.settings;
    this.#files = files && new StaticFiles(framedFiles(files, lent.settings.signIn));
    this.serving = new Serving(lent);
    this.#sameSite = ownOrigin(lent.settings.cors, lent.settings.signIn);
    this.operations = operations;
  }

  get host(): string {
    return this.#lent.host;
  }

  lost(error: Error): void {
    this.#lent.lost(error);
  }

  get takes(): readonly string[] {
    return [...this.operations.map(claimOf), ...filesClaims(this.#lent.settings)];
  }

  /** First an operation with the method, then the most literal path. */
  route(path: string, method: string): ServedRoute | undefined {
    const route = this.#route(path, method);
    if (route === undefined) return this.#fileRoute(path);
    return { rank: route.rank, serve: (arrived) => this.#handle(arrived, route) };
  }

  /** Files come after every operation, also one with another method. */
  #fileRoute(path: string): ServedRoute | undefined {
    const files = this.#files;
    if (files?.has(path) !== true) return undefined;
    return {
      rank: `2${files.rank}`,
      serve: (arrived) => this.serving.run(arrived, this.#serveFile(arrived, files)),
    };
  }

  async #serveFile(arrived: Arrived, files: StaticFiles): Promise<void> {
    const { response, address } = arrived;
    const { requestTimeout } = this.#lent.settings;
    try {
      this.serving.checkOpen();
      if (Number.isFinite(requestTimeout)) {
        response.setTimeout(requestTimeout, () => response.destroy());
      }
      await files.serve(arrived);
    } catch (error) {
      // a reader who has left, or a file that was cut meanwhile: the connection tells it
      if (response.headersSent) response.destroy();
      const refusal = refusalOf(error);
      if (!response.headersSent) this.serving.refused(address, refusal, error);
      respond(response, refusalAnswer(refusal));
    }
  }

  #route(path: string, method: string): Route | undefined {
    let best: Route | undefined;
    for (const operation of this.operations) {
      const parameters = operation.pattern.match(path);
      if (parameters === undefined) continue;
      const takes = operation.method === method;
      const rank = `${takes ? '0' : '1'}${operation.pattern.rank}`;
      if (best === undefined || rank < best.rank) best = { rank, takes, operation, parameters };
    }
    return best;
  }

  #handle(arrived: Arrived, route: Route): void {
    this.serving.run(arrived, this.#serve(arrived, route));
  }

  close(): Promise<void> {
    return this.serving.close();
  }

  async #serve(arrived: Arrived, route: Route): Promise<void> {
    const { request, response, proceed, address } = arrived;
    const { limit } = this.#lent.settings;
    const body = new RequestBody(request, { limit, proceed, room: this.#room, address });
    const cors = corsHeaders(this.#lent.settings.cors, request);
    try {
      const reply = await this.#answer(arrived, route, body);
      respond(response, reply, this.serving.isClosing ? { ...cors, connection: 'close' } : cors);
      this.serving.watchReading(arrived);
    } catch (error) {
      const refusal = refusalOf(error);
      this.serving.refused(arrived.address, refusal, error);
      await body.drain();
      const answer = this.#refused(refusal, route.operation, request);
      respond(response, answer, this.serving.isClosing ? { ...cors, connection: 'close' } : cors);
    } finally {
      body.release();
    }
  }

  #refused(refusal: Refusal, { signIn }: Operation, { headers }: IncomingMessage): HttpReply {
    const { signIn: settings } = this.#lent.settings;
    if (!isPage(signIn) || settings === undefined) return refusalAnswer(refusal);
    const language = pageLanguage(headers);
    const framedBy = settings.smart?.framedBy ?? [];
    // only the EHR can launch again
    if (signIn === 'launch' || signIn === 'launched') {
      return refusalPage(refusal, { language, framedBy });
    }
    const again = `${prefixOf(settings)}${settings.path}/login`;
    return refusalPage(refusal, { language, framedBy, again });
  }

  /** Refuses what can be refused by the head of a request. */
  #answer(arrived: Arrived, route: Route, body: RequestBody): HttpReply | Promise<HttpReply> {
    const { operation, parameters, takes } = route;
    const incoming = new Incoming(arrived, parameters);
    this.serving.checkOpen();
    const preflight = this.#preflight(incoming);
    if (preflight !== undefined) return preflight;
    if (!takes) throw this.#notTaken(incoming.path);
    body.check();
    this.#desk?.choose(incoming);
    if (operation.signIn !== undefined) return this.#signedIn(operation.signIn, incoming, body);
    return this.#taken(incoming, operation, body);
  }

  /** The answer to a preflight; operators hear of a page that may not call. Undefined if it is something else, or no policy answers it. */
  #preflight(incoming: Incoming): HttpReply | undefined {
    if (!isPreflight(incoming)) return undefined;
    const { cors } = this.#lent.settings;
    const methods = this.#methodsAt(incoming.path);
    const reply = cors && preflightReply(cors, methods, incoming);
    this.serving.stopped(incoming.address, notAllowed(cors, methods, incoming));
    return reply;
  }

  #signedIn(action: SignInAction, incoming: Incoming, body: RequestBody): Promise<HttpReply> {
    if (this.#desk === undefined) throw new Refusal(404, 'Nobody signs in here.');
    const isShort = body.length !== undefined && body.length <= SIGN_IN_LIMIT;
    if (action !== 'fhir' && !isShort) {
      throw new Refusal(413, 'What is sent to sign in is short, and its length is told.');
    }
    return this.#desk.answer(action, incoming, () => body.bytes());
  }

  async #taken(incoming: Incoming, operation: Operation, body: RequestBody): Promise<HttpReply> {
    const { settings, deliver } = this.#lent;
    const { access } = operation;
    const proven =
      access.length === 0
        ? undefined
        : await authorize(incoming, {
            access,
            cors: this.#sameSite,
            body: () => body.bytes(),
          });
    const caller = this.#desk === undefined ? proven : this.#desk.withLaunch(proven);
    withoutSecrets(incoming, access);
    const check = admitted(incoming, operation, body);
    const parsed = check && checked(await body.bytes(), check);
    const taken = { incoming, caller, parsed, content: await contentOf(body, settings) };
    const message = incomingMessage(taken, settings, this.#signed);
    const question = hl7Question(incoming, taken.content.head, message.type);
    const edi = ediQuestion(message, settings);
    if (edi?.isRejected === true) {
      this.serving.refused(incoming.address, EDI_REJECTED, EDI_REJECTED);
      return ediReply(edi, settings);
    }
    try {
      const receipt = await deliver(
        message,
        settings.answer === 'target' ? { reply: true, timeout: settings.answerTimeout } : {},
      );
      // what the target says to it goes before that it came
      if (edi !== undefined && receipt.reply === undefined) {
        return ediReply(edi, settings, receipt.messageId);
      }
      return question === undefined
        ? answerTo(receipt, settings)
        : hl7Answer(question, receipt, settings);
    } catch (error) {
      if (question === undefined) throw error;
      const refusal = refusalOf(error);
      this.serving.refused(incoming.address, refusal, error);
      await body.drain();
      return hl7Refusal(question, refusal, settings);
    }
  }

  #notTaken(path: string): Refusal {
    const allow = this.#methodsAt(path).join(', ');
    return new Refusal(405, `This address accepts ${allow}.`, { headers: { allow } });
  }

  #methodsAt(path: string): readonly string[] {
    const fitting = this.operations.filter(({ pattern }) => pattern.match(path) !== undefined);
    return [...new Set(fitting.map(({ method }) => method))];
  }
}

/** Checks parameters, length and media type; returns the check of the body, if there is one. */
function admitted(
  incoming: Incoming,
  { types, check, parameters, bodyRequired }: Operation,
  body: RequestBody,
): BodyCheck | undefined {
  const wrong = parameters(incoming);
  if (wrong.length > 0)
    throw new Refusal(400, 'A parameter is missing or wrong.', { errors: wrong });
  if (body.length === 0) {
    if (bodyRequired) throw new Refusal(400, 'The body is missing.');
    return undefined;
  }
  const encoding = incoming.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Refusal(415, 'Send the body uncompressed.', {
      headers: { 'accept-encoding': 'identity' },
    });
  }
  const { type } = mediaTypeOf(incoming.headers['content-type']);
  if (types.length > 0 && !types.includes(type) && !types.includes('*/*')) {
    throw new Refusal(415, `This address accepts ${types.join(', ')}.`, {
      headers: { accept: types.join(', ') },
    });
  }
  return check(type);
}

/** The parsed body. Throws the Refusal if it does not satisfy its schema. */
function checked(bytes: Buffer, check: BodyCheck): unknown {
  const { value, exact } = parsedJson(bytes);
  const errors = check(value);
  if (errors.length > 0) throw new Refusal(422, 'The body does not match the schema.', { errors });
  return exact;
}

function parsedJson(bytes: Buffer): { readonly value: unknown; readonly exact: unknown } {
  try {
    return jsonToKeep(bytes.toString('utf8'));
  } catch {
    // The parser's error is dropped: it quotes the body.
    throw new Refusal(400, 'The body is not JSON.');
  }
}
