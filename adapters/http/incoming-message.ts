import {
  type MediaType,
  mayBeHl7,
  mediaTypeOf,
  messageTypeOf,
  type NewMessage,
} from 'waybill/adapter';
import { hl7Header } from 'waybill/document';
import type { Caller } from './caller/caller.ts';
import type { HttpInValues } from './http-in-settings.ts';
import type { Incoming } from './incoming.ts';
import type { RequestBody } from './request-body.ts';

export interface Taken {
  readonly incoming: Incoming;
  readonly caller: Caller | undefined;
  readonly body: RequestBody;
  /** The body parsed, where a schema was held against it. */
  readonly parsed: unknown;
}

/** The headers whose values are secrets. */
const SECRET =
  /^(authorization|proxy-authorization|cookie|set-cookie|.*(key|token|secret|signature).*)$/i;

/** The message that a request becomes. Reads the body, unless it is large: then the message streams it. */
export async function incomingMessage(taken: Taken, settings: HttpInValues): Promise<NewMessage> {
  const { incoming, caller, body } = taken;
  const known = {
    name: settings.name(incoming, caller),
    origin: caller === undefined ? incoming.address : `${incoming.address} ${caller.name}`.trim(),
    traceparent: incoming.headers['traceparent']?.toString(),
    dedupeKey: idempotencyKey(taken, settings),
  };
  const content =
    settings.deliver === 'request' || body.length === 0 ? undefined : await body.content();
  if (content === undefined || content.head.byteLength === 0) {
    const document = JSON.stringify(await requestDocument(taken, settings));
    return { ...known, body: Buffer.from(document), type: 'application/json' };
  }
  const media = mediaTypeOf(incoming.headers['content-type']);
  const { type, controlId } = told(media, content.head);
  const dedupeKey = known.dedupeKey ?? controlId;
  return { ...known, body: content.body, type, charset: media.charset, dedupeKey };
}

/** What the first bytes tell, looked at once. */
function told(
  media: MediaType,
  head: Uint8Array,
): { readonly type: string; readonly controlId: string | undefined } {
  if (beginsWithMsh(head) && mayBeHl7(media)) {
    const { type, controlId } = hl7Header(head);
    return { type, controlId: controlId || undefined };
  }
  const type = messageTypeOf(media, head.subarray(0, 2_048));
  return { type, controlId: controlIdOf(type, head) };
}

/** Most messages do, and need no longer look. */
const beginsWithMsh = (head: Uint8Array): boolean =>
  head[0] === 0x4d && head[1] === 0x53 && head[2] === 0x48;

/** The key of one caller is never that of another. */
function idempotencyKey(
  { incoming, caller }: Taken,
  { idempotencyHeader }: HttpInValues,
): string | undefined {
  const { method, path, headers } = incoming;
  const key = headers[idempotencyHeader.toLowerCase()]?.toString();
  return key === undefined ? undefined : [caller?.name ?? '', method, path, key].join('\n');
}

function controlIdOf(type: string, bytes: Uint8Array): string | undefined {
  if (!type.startsWith('HL7v2')) return undefined;
  const { controlId } = hl7Header(bytes);
  return controlId === '' ? undefined : controlId;
}

async function requestDocument(
  { incoming, caller, body, parsed }: Taken,
  { headers }: HttpInValues,
): Promise<object> {
  const { method, path, parameters, query } = incoming;
  const bytes = parsed === undefined ? await body.bytes() : undefined;
  const chosen = headers
    .filter((name) => !SECRET.test(name))
    .map((name) => [name.toLowerCase(), incoming.headers[name.toLowerCase()]?.toString()])
    .filter(([, value]) => value !== undefined);
  return {
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
    ...(bytes?.byteLength !== 0 && { body: bytes ? bodyValue(bytes, incoming) : parsed }),
  };
}

function bodyValue(bytes: Buffer, { headers }: Incoming): unknown {
  const { type } = mediaTypeOf(headers['content-type']);
  if (/[/+]json$/.test(type)) {
    try {
      return JSON.parse(bytes.toString('utf8')) as unknown;
    } catch {
      // Delivered as the text it is: whether that matters, the target decides.
    }
  }
  return /^text\/|[/+](json|xml)$|hl7/.test(type)
    ? bytes.toString('utf8')
    : { base64: bytes.toString('base64') };
}
