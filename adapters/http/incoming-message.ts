import { LRUCache } from 'lru-cache';
import { type NewMessage } from 'waybill/adapter';
import { exactJson, hl7Header } from 'waybill/document';
import { asBuffer } from 'waybill/peer/basics';
import { mayBeHl7, mediaTypeOf, messageTypeOf } from 'waybill/peer/http';
import {
  type Caller,
  type Content,
  type Incoming,
  messageCaller,
  type RequestBody,
} from 'waybill/peer/http-server';
import { ediControlNumber } from 'waybill/peer/reply';
import type { HttpInValues } from './http-in-settings.ts';

export interface Taken {
  readonly incoming: Incoming;
  readonly caller: Caller | undefined;
  readonly content: Content;
  /** The parsed body, if it was checked against a schema. */
  readonly parsed: unknown;
}

/** The headers whose values are secrets. */
const SECRET =
  /^(authorization|proxy-authorization|cookie|set-cookie|.*(key|token|secret|signature).*)$/i;

/** How much of the body the message needs: the document of a request contains all of it. */
export function contentOf(
  body: RequestBody,
  { deliver, acknowledge }: HttpInValues,
): Promise<Content> {
  return deliver === 'request' || acknowledge !== 'none' ? body.whole() : body.content();
}

/**
 * The message for a request.
 *
 * @param signed the signatures that this service has accepted
 */
export function incomingMessage(
  taken: Taken,
  settings: HttpInValues,
  signed: SignedOnce,
): NewMessage {
  const { incoming, caller, content } = taken;
  const isDocument = settings.deliver === 'request' || content.head.byteLength === 0;
  const { type, charset, controlId } = isDocument ? DOCUMENT : told(incoming, content.head);
  return {
    body: isDocument ? requestDocument(taken, settings) : content.body,
    type,
    charset,
    name: settings.name(incoming, caller),
    origin: caller === undefined ? incoming.address : `${incoming.address} ${caller.name}`.trim(),
    caller: messageCaller(caller, settings.claims),
    traceparent: incoming.headers['traceparent']?.toString(),
    ...repetition(taken, settings, { controlId, signed }),
  };
}

interface Told {
  readonly type: string;
  readonly charset: string | undefined;
  readonly controlId: string | undefined;
}

const DOCUMENT: Told = { type: 'application/json', charset: undefined, controlId: undefined };

/** What the first bytes tell, determined once. */
function told({ headers }: Incoming, head: Uint8Array): Told {
  const media = mediaTypeOf(headers['content-type']);
  const { charset } = media;
  if (beginsWithMsh(head) && mayBeHl7(media)) {
    const { type, controlId } = hl7Header(head);
    return { type, charset, controlId: controlId || undefined };
  }
  const type = messageTypeOf(media, head.subarray(0, 2_048));
  const controlId = type.startsWith('HL7v2')
    ? hl7Header(head).controlId
    : ediControlNumber(type, head);
  return { type, charset, controlId: controlId || undefined };
}

/** Most messages do, and need no further check. */
const beginsWithMsh = (head: Uint8Array): boolean =>
  head[0] === 0x4d && head[1] === 0x53 && head[2] === 0x48;

/** What identifies a repetition of this request. */
function repetition(
  taken: Taken,
  settings: HttpInValues,
  { controlId, signed }: { readonly controlId: string | undefined; readonly signed: SignedOnce },
): Pick<NewMessage, 'dedupeKey' | 'dedupeBody'> {
  const { method, path } = taken.incoming;
  const said = idempotencyKey(taken, settings) ?? controlId;
  const own = said && [said, ...contextOf(taken)].join('\n');
  const signature = taken.caller?.signature;
  // a repeated request does no harm, and its answer may be different by now
  if (signature === undefined || method === 'GET' || method === 'HEAD') return { dedupeKey: own };
  const shown = [taken.caller?.name ?? '', method, unescaped(path), signature].join('\n');
  return {
    dedupeKey: signed.keyOf(shown, own ?? shown),
    // headers are not signed: whoever repeats a request may change them, and an honest repetition
    // also has others
    ...(settings.deliver === 'request' &&
      settings.headers.length > 0 && {
        dedupeBody: requestDocument(taken, { ...settings, headers: [] }),
      }),
  };
}

/** Different spellings of a path are the same path. */
const unescaped = (path: string): string =>
  path.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) =>
    String.fromCodePoint(Number.parseInt(code, 16)),
  );

/** Different callers never have the same key. */
function idempotencyKey(
  { incoming, caller }: Taken,
  { idempotencyHeader }: HttpInValues,
): string | undefined {
  const { method, path, headers } = incoming;
  const key = headers[idempotencyHeader.toLowerCase()]?.toString();
  return key === undefined ? undefined : [caller?.name ?? '', method, path, key].join('\n');
}

/** One person may be launched for several patients at once: what is asked in one tab repeats nothing of another. */
function contextOf({ caller }: Taken): readonly string[] {
  if (caller?.launch === undefined) return [];
  const { fhirServer, patient, encounter } = caller.claims ?? {};
  return [JSON.stringify([fhirServer, patient, encounter])];
}

function requestDocument(
  { incoming, caller, content, parsed }: Taken,
  { headers }: HttpInValues,
): Buffer {
  const { method, path, parameters, query } = incoming;
  const chosen = headers
    .filter((name) => !SECRET.test(name))
    .map((name) => [name.toLowerCase(), incoming.headers[name.toLowerCase()]?.toString()])
    .filter(([, value]) => value !== undefined);
  const document = {
    method,
    path,
    parameters,
    query: Object.fromEntries(
      [...new Set(query.keys())].map((name) => {
        const values = query.getAll(name);
        return [name, values.length === 1 ? values[0] : values];
      }),
    ),
    headers: Object.fromEntries(chosen) as object,
    ...(caller !== undefined && { caller: { name: caller.name, scopes: [...caller.scopes] } }),
    ...(content.head.byteLength > 0 && {
      body: parsed === undefined ? bodyValue(content.head, incoming) : parsed,
    }),
  };
  return Buffer.from(JSON.stringify(document));
}

function bodyValue(head: Uint8Array, { headers }: Incoming): unknown {
  const bytes = asBuffer(head);
  const { type } = mediaTypeOf(headers['content-type']);
  if (/[/+]json$/.test(type)) {
    try {
      return exactJson(bytes.toString('utf8'));
    } catch {
      // Delivered as a text: the target decides whether that matters.
    }
  }
  return /^text\/|[/+](json|xml)$|hl7/.test(type)
    ? bytes.toString('utf8')
    : { base64: bytes.toString('base64') };
}

/** Many more than legitimate senders sign within a duplicate window. */
const SIGNATURES = 20_000;

/** The signatures that a service has accepted. */
export class SignedOnce {
  /** Created with the first signature: most services have none. */
  #keys: LRUCache<string, string> | undefined;

  /**
   * The key under which a signed request is stored once: the key from when its signature was first
   * sent. Anything else that distinguishes requests, such as an idempotency key, is not signed, and
   * can be changed by whoever repeats the request.
   */
  keyOf(signature: string, key: string): string {
    this.#keys ??= new LRUCache({ max: SIGNATURES });
    const known = this.#keys.get(signature);
    if (known === undefined) this.#keys.set(signature, key);
    return known ?? key;
  }
}
