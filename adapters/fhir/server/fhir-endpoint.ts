import type { LentInbound } from 'waybill/adapter';
import { fhirNumber, fhirResourceTypes } from 'waybill/document';
import {
  type Access,
  type Arrived,
  authorize,
  type Caller,
  corsHeaders,
  type HttpReply,
  type HttpService,
  Incoming,
  isPreflight,
  notAllowed,
  preflightReply,
  RequestBody,
  Room,
  refusalOf,
  respond,
  type Scheme,
  type ServedRoute,
  Serving,
  withoutSecrets,
} from 'waybill/peer/http-server';
import type { Authority } from '../authority/authority.ts';
import type { FhirInValues, fhirInSettings } from '../fhir-in-settings.ts';
import { fhirType } from '../fhir-version.ts';
import { OwnMark } from '../subscription/own-mark.ts';
import type { Proof } from '../subscription/subscriptions.ts';
import { type Answering, answerTo } from './answer.ts';
import { type Carried, carriedBy, checkFormat } from './content.ts';
import { messageFor } from './message.ts';
import { outcomeReply, refused } from './outcome.ts';
import { type Asked, askedBy, isReading, isServed } from './request.ts';
import { checkRequest, checkScopes, limitSearch, shownTo, smartView } from './smart-access.ts';
import { smartAddresses, smartConfiguration, smartSecurity } from './smart-configuration.ts';
import type { SubscriberRights } from './subscriber-rights.ts';

/** How many bytes of bodies may be in memory at once. */
const MEMORY = 256 * 1_048_576;
/** After which requests somebody may see less than before. */
const ENDING: ReadonlySet<string> = new Set(['auth/revoke', 'auth/backchannel-logout']);
const CIRCLE =
  'This is a notification of this production itself: what it writes would be notified again, without end. Take this address out of endpoints of the operation that notifies, or delete the subscription.';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

type LentHere = LentInbound<typeof fhirInSettings>;

interface EndpointParts {
  readonly schemes: readonly Scheme[];
  /** If it is its own authorization server. */
  readonly authority: Authority | undefined;
  /** If callers subscribe through it. */
  readonly rights: SubscriberRights | undefined;
}

/** One FHIR server behind a listener. Refusals are OperationOutcomes, and are told to operators once a minute. */
export class FhirEndpoint implements HttpService {
  readonly #lent: LentHere;
  readonly #schemes: readonly Scheme[];
  readonly serving: Serving;
  readonly #room = new Room(MEMORY);
  readonly #since = new Date().toISOString();
  /** The path of the base address, without a slash at its end. */
  readonly #path: string;

  readonly #authority: Authority | undefined;
  readonly #rights: SubscriberRights | undefined;

  /** Of notifications; undefined where nothing is kept. */
  readonly #mark: OwnMark | undefined;

  constructor(lent: LentHere, { schemes, authority, rights }: EndpointParts) {
    this.#mark = lent.records && new OwnMark(lent.records);
    this.#rights = rights;
    this.#authority = authority;
    this.#lent = lent;
    this.#schemes = schemes;
    this.serving = new Serving(lent);
    this.#path = basePath(lent.settings);
  }

  get host(): string {
    return this.#lent.host;
  }

  get takes(): readonly string[] {
    return takenBy(this.#lent.settings);
  }

  route(path: string, method: string): ServedRoute | undefined {
    if (path !== this.#path && !path.startsWith(`${this.#path}/`)) return undefined;
    const takes = METHODS.includes(method) || method === 'OPTIONS';
    return {
      rank: `${takes ? '0' : '1'}${this.#lent.settings.path.rank}`,
      serve: (arrived) => this.serving.run(arrived, this.#serve(arrived)),
    };
  }

  lost(error: Error): void {
    this.#lent.lost(error);
  }

  close(): Promise<void> {
    return this.serving.close();
  }

  async #serve(arrived: Arrived): Promise<void> {
    const { request, response, proceed, address } = arrived;
    const { limit, cors } = this.#lent.settings;
    const body = new RequestBody(request, { limit, proceed, room: this.#room, address });
    const allowed = corsHeaders(cors, request);
    const more = (): Readonly<Record<string, string>> =>
      this.serving.isClosing ? { ...allowed, connection: 'close' } : allowed;
    try {
      respond(response, await this.#answer(arrived, body), more());
      this.serving.watchReading(arrived);
    } catch (error) {
      const refusal = refusalOf(error);
      this.serving.refused(address, refusal, error);
      await body.drain();
      respond(response, outcomeReply(refusal), more());
    } finally {
      body.release();
    }
  }

  async #answer(arrived: Arrived, body: RequestBody): Promise<HttpReply> {
    const { settings } = this.#lent;
    const incoming = new Incoming(arrived, {});
    this.serving.checkOpen();
    if (settings.cors !== undefined && isPreflight(incoming)) {
      const reply = preflightReply(settings.cors, METHODS, incoming);
      this.serving.stopped(incoming.address, notAllowed(settings.cors, METHODS, incoming));
      return reply;
    }
    const below = decoded(arrived.path.slice(this.#path.length + 1));
    if (settings.smart !== undefined && below === '.well-known/smart-configuration') {
      const smart = smartAddresses(settings.smart, this.#base(incoming));
      return jsonReply(smartConfiguration(smart), 'application/json');
    }
    const authorized = await this.#authorized(below, incoming, body);
    if (authorized !== undefined) return authorized;
    const asked = askedBy(incoming, below, settings);
    checkFormat(incoming, settings);
    if (asked.interaction === 'capabilities') return this.#capabilities(incoming);
    body.check();
    const access = this.#access(asked);
    const caller = await authorize(incoming, {
      access,
      cors: settings.cors,
      body: () => body.bytes(),
    });
    withoutSecrets(incoming, access);
    if ((await this.#mark?.isIn(incoming.headers)) === true) throw refused(508, CIRCLE);
    const { smart } = settings;
    if (smart !== undefined) checkScopes(asked, { caller, claim: smart.patientClaim });
    const carried = await carriedBy(incoming, asked, body, settings);
    const base = this.#base(incoming);
    const patient = this.#patientFor(incoming, carried, { caller, base });
    const { length } = body;
    const proof = this.#proofOf(asked, caller);
    const sender = { caller, settings, patient, proof, length };
    const message = await messageFor(incoming, carried, sender);
    const waits = settings.answer === 'target' || isReading(asked);
    const receipt = await this.#lent.deliver(
      message,
      waits ? { reply: true, timeout: settings.answerTimeout } : {},
    );
    const shown: Answering['shown'] = (resource) =>
      patient === undefined ? resource : shownTo(resource, patient, base);
    return answerTo(receipt, { incoming, asked: carried.asked, settings, base, shown });
  }

  /** The answer of its own authorization server, if the request is for that. */
  async #authorized(
    below: string,
    incoming: Incoming,
    body: RequestBody,
  ): Promise<HttpReply | undefined> {
    const reply = await this.#authority?.answer(below, incoming, {
      body,
      refused: (error) => this.serving.refused(incoming.address, error, error),
    });
    if (ENDING.has(below)) this.#rights?.soon();
    return reply;
  }

  /** How it is known who subscribes: for as long as that holds, they are told. */
  #proofOf({ type }: Asked, caller: Caller | undefined): Proof | undefined {
    if (caller === undefined || type !== 'Subscription') return undefined;
    const grant = this.#authority?.grantOf(caller.claims);
    const at = Date.now();
    return { service: this.#lent.host, kind: caller.kind, at, ...(grant && { grant }) };
  }

  /** The only patient whose resources the caller may see; undefined for all. Limits the request to it. */
  #patientFor(
    incoming: Incoming,
    { asked, resource, posted }: Carried,
    { caller, base }: { readonly caller: Caller | undefined; readonly base: string },
  ): string | undefined {
    const { smart } = this.#lent.settings;
    if (smart === undefined) return undefined;
    const { patient } = smartView(asked, resource, { caller, claim: smart.patientClaim });
    if (patient === undefined) return undefined;
    const { headers } = incoming;
    const ifNoneExist = headers['if-none-exist'] !== undefined;
    checkRequest(asked, { resource, ifNoneExist }, { patient, base });
    limitSearch(asked, posted === undefined ? [incoming.query] : [posted, incoming.query], patient);
    // a target that answers "not changed" would tell that there is something
    for (const name of ['if-none-match', 'if-modified-since']) delete headers[name];
    return patient;
  }

  #access({ interaction }: Asked): Access {
    if (this.#schemes.length === 0) return [];
    const { scopes } = this.#lent.settings;
    const own = scopes.filter((one) => one.interaction === interaction);
    const found = own.length > 0 ? own : scopes.filter((one) => one.interaction === '*');
    return [[{ schemes: this.#schemes, scopes: found.flatMap((one) => one.scopes) }]];
  }

  #capabilities(incoming: Incoming): HttpReply {
    const { settings, production, host } = this.#lent;
    const title = `${production}, ${host}`;
    const statement = capabilityStatement(settings, {
      base: this.#base(incoming),
      title,
      date: this.#since,
    });
    const indent = incoming.query.get('_pretty') === 'true' ? 2 : 0;
    return jsonReply(statement, `${fhirType(settings.version)}; charset=utf-8`, indent);
  }

  #base({ secure, headers: { host = 'localhost' } }: Incoming): string {
    const { publicUrl } = this.#lent.settings;
    if (publicUrl !== undefined) return publicBase(publicUrl);
    return `${secure ? 'https' : 'http'}://${host}${this.#path}`;
  }
}

/** The base address as applications write it. */
export const publicBase = ({ href }: URL): string => href.replace(/[?#].*$/, '').replace(/\/$/, '');

const jsonReply = (body: object, type: string, indent = 0): HttpReply => ({
  status: 200,
  headers: { 'content-type': type },
  body: JSON.stringify(body, undefined, indent),
});

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // a % without two digits
    throw refused(400, 'The address is not written as an address.');
  }
}

export const basePath = ({ path }: Pick<FhirInValues, 'path'>): string =>
  path.source.replace(/\/\*$/, '');

/** What only one service at the address may have. */
export const takenBy = ({ path }: Pick<FhirInValues, 'path'>): readonly string[] =>
  METHODS.map((method) => `${method} ${path.shape}`);

const OF_TYPE: Readonly<Record<string, string>> = {
  read: 'read',
  vread: 'vread',
  search: 'search-type',
  history: 'history-type',
  create: 'create',
  update: 'update',
  patch: 'patch',
  delete: 'delete',
};

/** What the server can do, for `/metadata`; `date` is when it was started. */
function capabilityStatement(
  { interactions, resources, callers, cors, smart, version }: FhirInValues,
  { base, title, date }: { readonly base: string; readonly title: string; readonly date: string },
): object {
  const has = new Set<string>(interactions);
  const codes = interactions.flatMap((one) => OF_TYPE[one] ?? []);
  const types =
    resources.length > 0
      ? resources
      : fhirResourceTypes(version).filter((type) => isServed(type, { resources, version }));
  const system = ['transaction', 'batch'].filter((one) => has.has(one));
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    implementation: { description: title, url: base },
    software: { name: 'Waybill' },
    fhirVersion: fhirNumber(version),
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        ...((callers.length > 0 || smart !== undefined) && {
          security: {
            ...(smart !== undefined && smartSecurity(smartAddresses(smart, base))),
            cors: cors !== undefined,
            description: signIn(callers),
          },
        }),
        resource: types.map((type) => ({
          type,
          interaction: codes.map((code) => ({ code })),
          ...(has.has('vread') && { versioning: 'versioned' }),
          ...(has.has('create') && { conditionalCreate: true }),
          ...(has.has('update') && { conditionalUpdate: true }),
          ...(has.has('delete') && { conditionalDelete: 'single' }),
          ...(has.has('read') && { conditionalRead: 'not-match' }),
        })),
        ...(system.length > 0 && { interaction: system.map((code) => ({ code })) }),
      },
    ],
  };
}

function signIn(callers: FhirInValues['callers']): string {
  const kinds = new Set(callers.flatMap((one) => one?.kind ?? []));
  return `Callers sign in by ${[...kinds].join(' or ')}.`;
}
