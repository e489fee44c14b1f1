import type { NewMessage } from 'waybill/adapter';
import { inTurns, writingJsonValue } from 'waybill/document';
import { type Caller, type Incoming, messageCaller } from 'waybill/peer/http-server';
import type { FhirInValues } from '../fhir-in-settings.ts';
import type { Proof } from '../subscription/subscriptions.ts';
import { type Carried, LARGE } from './content.ts';
import { FHIR_TYPE } from './outcome.ts';

/** Parameters that concern the answer only. */
const OWN = new Set(['_format', '_pretty']);

interface Sender {
  readonly caller: Caller | undefined;
  readonly settings: FhirInValues;
  /** The only patient that the caller may see. */
  readonly patient?: string | undefined;
  /** How the caller is known, for what outlasts the request. */
  readonly proof?: Proof | undefined;
  /** How long the body of the request is; undefined if that was not said. */
  readonly length: number | undefined;
}

/** The message for a request. */
export async function messageFor(
  incoming: Incoming,
  carried: Carried,
  { caller, settings, patient, proof, length }: Sender,
): Promise<NewMessage> {
  const { asked, resource } = carried;
  const isAlone = settings.deliver === 'resource' && resource !== undefined;
  const isLarge = resource !== undefined && (length ?? LARGE) >= LARGE;
  const content = isAlone ? resource : documentOf(incoming, carried, { caller, patient, proof });
  const place = [asked.type, asked.id].filter((part) => part !== undefined).join('/');
  return {
    body: Buffer.from(
      isLarge
        ? await inTurns(writingJsonValue(Object(content) as object))
        : JSON.stringify(content),
    ),
    type: isAlone ? FHIR_TYPE : 'application/json',
    charset: 'utf-8',
    name: `${asked.interaction} ${place}`.trim(),
    caller: messageCaller(caller),
    origin: caller === undefined ? incoming.address : `${incoming.address} ${caller.name}`.trim(),
    traceparent: incoming.headers['traceparent']?.toString(),
    dedupeKey: repetitionKey(incoming, caller, settings),
  };
}

function documentOf(
  { query, headers }: Incoming,
  { asked, resource, posted }: Carried,
  { caller, patient, proof }: Pick<Sender, 'caller' | 'patient' | 'proof'>,
): object {
  const all = [...query, ...(posted ?? [])].filter(([name]) => !OWN.has(name));
  const names = [...new Set(all.map(([name]) => name))];
  return {
    ...asked,
    query: Object.fromEntries(
      names.map((name) => {
        const values = all.filter(([one]) => one === name).map(([, value]) => value);
        return [name, values.length === 1 ? values[0] : values];
      }),
    ),
    // as it is written in an address, to be passed on unchanged
    search: new URLSearchParams(all).toString(),
    ifMatch: tag(headers['if-match']),
    ifNoneMatch: tag(headers['if-none-match']),
    ifModifiedSince: headers['if-modified-since'],
    ifNoneExist: headers['if-none-exist']?.toString(),
    prefer: headers['prefer']?.toString(),
    ...(caller !== undefined && {
      caller: { name: caller.name, scopes: [...caller.scopes], patient, by: proof },
    }),
    ...(resource !== undefined && { resource }),
  };
}

/** The version in `W/"3"`. */
export const tag = (header: string | undefined): string | undefined =>
  /^(?:W\/)?"([^"]{1,64})"$/.exec(header?.trim() ?? '')?.[1];

/** Different callers never have the same key; a signed request is stored once. */
function repetitionKey(
  { method, path, headers }: Incoming,
  caller: Caller | undefined,
  { idempotencyHeader }: FhirInValues,
): string | undefined {
  const { signature } = caller ?? {};
  const isSafe = method === 'GET' || method === 'HEAD';
  const key = isSafe
    ? undefined
    : (signature ?? headers[idempotencyHeader.toLowerCase()]?.toString());
  return key === undefined ? undefined : [caller?.name ?? '', method, path, key].join('\n');
}
