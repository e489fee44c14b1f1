import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { describeSize, type LentInbound, type NewMessage } from 'waybill/adapter';
import { mediaTypeOf } from 'waybill/peer/http';
import {
  type Access,
  type Arrived,
  authorize,
  type Caller,
  type HttpReply,
  type HttpService,
  Incoming,
  messageCaller,
  Refusal,
  RequestBody,
  Room,
  respond,
  type ServedRoute,
  Serving,
} from 'waybill/peer/http-server';
import type { Addressing } from './addressing.ts';
import { collected, detached } from './attachment/attached.ts';
import { addressingIn, type Call, checkHeaders, checkVersion, operationOf } from './call.ts';
import { type Envelope, payloadOf, readEnvelope } from './envelope.ts';
import { faultReply } from './make-fault.ts';
import type { EnvelopeGuard, Proven } from './security/guard.ts';
import { answerTo } from './soap-answer.ts';
import type { soapInSettings } from './soap-in-settings.ts';
import { SoapRefusal, soapRefusalOf, statusOf } from './soap-refusal.ts';
import { SOAP, type SoapVersion } from './soap-version.ts';
import { publishedWsdl } from './wsdl/publish-wsdl.ts';
import type { ReadPort } from './wsdl/read-port.ts';

/** How many bytes of bodies may be in memory at once. */
const MEMORY = 256 * 1_048_576;

type LentHere = LentInbound<typeof soapInSettings>;

interface SoapEndpointOptions {
  readonly described: ReadPort | undefined;
  readonly access: Access;
  readonly guard: EnvelopeGuard | undefined;
  /** The accepted versions. */
  readonly versions: readonly SoapVersion[];
}

/** The facts known of a call so far, for a fault in reply. */
interface Known {
  version: SoapVersion;
  related: Addressing | undefined;
  /** Whether the caller uses MTOM. */
  usesMtom: boolean;
}

const unpacked = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

/**
 * One SOAP service behind a listener. A call passes: sign-in, envelope, version, headers, security, operation, storing,
 * answer. Refusals are faults, and are reported to operators once a minute.
 */
export class SoapEndpoint implements HttpService {
  readonly #lent: LentHere;
  readonly #parts: SoapEndpointOptions;
  readonly serving: Serving;
  readonly #room = new Room(MEMORY);

  constructor(lent: LentHere, parts: SoapEndpointOptions) {
    this.#lent = lent;
    this.#parts = parts;
    this.serving = new Serving(lent);
  }

  get host(): string {
    return this.#lent.host;
  }

  get takes(): readonly string[] {
    return takenBy(this.#lent.settings);
  }

  route(path: string, method: string): ServedRoute | undefined {
    const { path: pattern } = this.#lent.settings;
    const parameters = pattern.match(path);
    if (parameters === undefined) return undefined;
    const takes = method === 'POST' || method === 'GET';
    return {
      rank: `${takes ? '0' : '1'}${pattern.rank}`,
      serve: (arrived) =>
        this.serving.run(arrived, this.#serve(arrived, new Incoming(arrived, parameters))),
    };
  }

  lost(error: Error): void {
    this.#lent.lost(error);
  }

  close(): Promise<void> {
    return this.serving.close();
  }

  async #serve(arrived: Arrived, incoming: Incoming): Promise<void> {
    const { request, response, proceed, address } = arrived;
    const { limit } = this.#lent.settings;
    const body = new RequestBody(request, { limit, proceed, room: this.#room, address });
    const isNewer = /soap\+xml/i.test(incoming.headers['content-type'] ?? '');
    const known: Known = {
      version: isNewer ? '1.2' : (this.#parts.versions[0] ?? '1.1'),
      related: undefined,
      usesMtom: /application\/xop\+xml/i.test(incoming.headers['content-type'] ?? ''),
    };
    try {
      const reply = this.#packed(await this.#answer(incoming, body, known), known);
      respond(response, reply, this.#ending());
      this.serving.watchReading(arrived);
    } catch (error) {
      const refusal = soapRefusalOf(error);
      this.#tell(address, refusal, error);
      await body.drain();
      const { version, related } = known;
      const reply = faultReply(refusal.fault, version, { headers: refusal.headers, related });
      respond(response, { ...reply, status: statusOf(error) ?? reply.status }, this.#ending());
    } finally {
      body.release();
    }
  }

  #ending(): Readonly<Record<string, string>> {
    return this.serving.isClosing ? { connection: 'close' } : {};
  }

  async #answer(incoming: Incoming, body: RequestBody, known: Known): Promise<HttpReply> {
    this.serving.checkOpen();
    if (incoming.method === 'GET') return this.#description(incoming, body);
    if (incoming.method !== 'POST') {
      throw new Refusal(405, 'This address accepts POST.', { headers: { allow: 'POST, GET' } });
    }
    const media = mediaTypeOf(incoming.headers['content-type']);
    const isTaken = /^(text|application)\/xml$|^application\/soap\+xml$|^multipart\/related$/.test(
      media.type,
    );
    if (!isTaken) {
      throw new Refusal(415, 'Send text/xml for SOAP 1.1 or application/soap+xml for SOAP 1.2.');
    }
    body.check();
    const caller = await this.#authorized(incoming, body);
    const envelope = await this.#envelope(incoming, body, known);
    return this.#called(incoming, { caller, envelope, known });
  }

  #authorized(incoming: Incoming, body: RequestBody): Promise<Caller | undefined> {
    const { access } = this.#parts;
    return authorize(incoming, { access, cors: undefined, body: () => body.bytes() });
  }

  /** Answers `?wsdl`, and `?wsdl=2` for a file that it imports. */
  async #description(incoming: Incoming, body: RequestBody): Promise<HttpReply> {
    const { describe, publicUrl } = this.#lent.settings;
    const { described } = this.#parts;
    const [asked, at] = /^wsdl(?:=(\d{1,3}))?$/i.exec(search(incoming)) ?? [];
    if (asked === undefined || described === undefined || describe === 'nobody') {
      throw new Refusal(405, 'This address accepts POST.', { headers: { allow: 'POST' } });
    }
    if (describe === 'callers') await this.#authorized(incoming, body);
    const { host = 'localhost' } = incoming.headers;
    const own = `${incoming.secure ? 'https' : 'http'}://${host}${incoming.path}`;
    const address = publicUrl === undefined ? own : publicUrl.href.replace(/[?#].*$/, '');
    const text = publishedWsdl(described.files, Number(at ?? 0), address);
    if (text === undefined) throw new Refusal(404, 'There is no such file.');
    return { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body: text };
  }

  async #envelope(incoming: Incoming, body: RequestBody, known: Known): Promise<Envelope> {
    const bytes = await this.#bytes(incoming, body);
    const envelope = this.#read(incoming.headers['content-type'] ?? '', bytes);
    if (envelope === undefined) {
      const reason = 'The message is XML, but no envelope of SOAP 1.1 or 1.2.';
      throw new SoapRefusal({ code: 'VersionMismatch', reason });
    }
    checkVersion(envelope.version, this.#parts.versions);
    known.version = envelope.version;
    return envelope;
  }

  #read(type: string, body: Buffer): Envelope | undefined {
    const media = mediaTypeOf(type);
    if (media.type !== 'multipart/related') return readEnvelope(body, media.charset);
    // in base64, binary data takes a third more
    const { bytes, charset, left } = collected(type, body, this.#lent.settings.limit * 1.5);
    if (left === 0) return readEnvelope(bytes, charset);
    const reason = `${left} attachments that nothing in the XML refers to: they cannot be taken.`;
    throw new SoapRefusal({ code: 'Sender', reason }, { told: 'it sent attachments of no use' });
  }

  /** An answer, with its binary contents apart if wanted. */
  #packed(reply: HttpReply, { version, usesMtom }: Known): HttpReply {
    const { attachments: wanted } = this.#lent.settings;
    const attaching = wanted === 'as-called' ? (usesMtom ? 'mtom' : 'none') : wanted;
    const isEnvelope = reply.status === 200 && typeof reply.body === 'string';
    if (attaching === 'none' || !isEnvelope) return reply;
    const text = reply.body;
    const detaching = { attaching, names: [], version, action: '', signed: false };
    const { contentType, body } = detached(text, detaching);
    return { ...reply, headers: { ...reply.headers, 'content-type': contentType }, body };
  }

  async #bytes(incoming: Incoming, body: RequestBody): Promise<Buffer> {
    const encoding = incoming.headers['content-encoding'] ?? 'identity';
    const bytes = await body.bytes();
    if (encoding === 'identity') return bytes;
    if (!/^(x-)?gzip$/.test(encoding)) {
      throw new Refusal(415, 'Send the body with gzip or uncompressed.', {
        headers: { 'accept-encoding': 'gzip, identity' },
      });
    }
    const { limit } = this.#lent.settings;
    try {
      return await unpacked(bytes, { maxOutputLength: limit });
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === 'ERR_BUFFER_TOO_LARGE') {
        const text = `The body is larger than ${describeSize(limit)}.`;
        throw new Refusal(413, text, { told: 'its message is too large once it is decompressed' });
      }
      throw new Refusal(400, 'The body is no gzip.');
    }
  }

  async #called(incoming: Incoming, { caller, envelope, known }: Calling): Promise<HttpReply> {
    const { settings, deliver } = this.#lent;
    const { described, guard } = this.#parts;
    const addressing = addressingIn(envelope);
    known.related = addressing;
    checkHeaders(envelope);
    const proven = await guard?.check(envelope);
    const action = actionIn(incoming);
    const operation = operationOf(envelope, { port: described?.port, action, addressing });
    const name = operation?.name ?? envelope.payload?.local ?? '';
    const call: Call = { envelope, addressing, operation, name };
    const message = messageOf(incoming, call, { caller, proven, settings });
    const wanted =
      settings.answer === 'target' ? { reply: true, timeout: settings.answerTimeout } : {};
    return answerTo(call, await deliver(message, wanted), settings);
  }

  #tell(address: string, { fault, told }: SoapRefusal, error: unknown): void {
    const { log, event } = this.#lent;
    if (fault.code === 'Receiver' && told === undefined) {
      log.error({ err: error }, 'request failed');
    }
    if (told === undefined || !this.serving.isNews(address, told)) return;
    event('warn', 'refused', `Refused ${address} (${fault.code}): ${told}.`);
    log.warn({ peer: address, fault: fault.code }, 'request refused');
  }
}

interface Calling {
  readonly caller: Caller | undefined;
  readonly envelope: Envelope;
  readonly known: Known;
}

/** What only one service at the address may have. */
export const takenBy = ({ path }: Pick<LentHere['settings'], 'path'>): readonly string[] => [
  `POST ${path.shape}`,
  `GET ${path.shape}`,
];

const search = ({ query }: Incoming): string =>
  [...query].map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');

/** SOAPAction of 1.1, the parameter of 1.2; `''` if there is none. */
function actionIn({ headers }: Incoming): string {
  const older = headers['soapaction']?.toString().trim().replaceAll(/^"|"$/g, '') ?? '';
  const [, newer = ''] = /;\s*action="?([^";]*)"?/i.exec(headers['content-type'] ?? '') ?? [];
  return newer === '' ? older : newer;
}

function messageOf(
  { address, headers }: Incoming,
  { envelope, addressing, name }: Call,
  {
    caller,
    proven,
    settings: { deliver, claims },
  }: {
    readonly caller: Caller | undefined;
    readonly proven: Proven | undefined;
    readonly settings: Pick<LentHere['settings'], 'deliver' | 'claims'>;
  },
): NewMessage {
  const who = proven?.name ?? caller?.name;
  // anyone who replays a message can change its unsigned parts
  const key = proven?.signature ?? addressing?.messageId ?? '';
  return {
    ...contentOf(envelope, deliver),
    name: name.slice(0, 500),
    origin: who === undefined ? address : `${address} ${who}`,
    caller: messageCaller(speaker(caller, proven), claims),
    traceparent: headers['traceparent']?.toString(),
    dedupeKey: key === '' ? undefined : [who ?? '', key].join('\n'),
  };
}

/** Who signed the envelope may be another than who sent it: the token's claims are not theirs. */
const speaker = (
  caller: Caller | undefined,
  proven: Proven | undefined,
): Pick<Caller, 'name' | 'claims'> | undefined =>
  proven?.name === undefined ? caller : { name: proven.name };

function contentOf(
  envelope: Envelope,
  deliver: 'body' | 'envelope',
): Pick<NewMessage, 'body' | 'type'> {
  return deliver === 'envelope'
    ? { body: Buffer.from(inUtf8(envelope.text)), type: SOAP[envelope.version].media }
    : { body: Buffer.from(payloadOf(envelope)), type: 'application/xml' };
}

/** The text is written in UTF-8, whatever its original encoding. */
const inUtf8 = (text: string): string =>
  text
    .replace(/^\uFEFF/, '')
    .replace(/^(<\?xml[^>]*?)\sencoding\s*=\s*(?:"[^"]*"|'[^']*')/, '$1 encoding="UTF-8"');
