import { fileType } from '../folder/file-type.ts';

/** The parts of a `Content-Type` header that matter here. */
export interface MediaType {
  /** In lower case; `application/octet-stream` if there is none. */
  readonly type: string;
  readonly charset: string | undefined;
}

let last: { readonly header: string | undefined; readonly media: MediaType } = {
  header: undefined,
  media: { type: 'application/octet-stream', charset: undefined },
};

/** Reads a `Content-Type`. A peer sends only a few different ones, so the last one is remembered. */
export function mediaTypeOf(header: string | undefined): MediaType {
  if (header !== last.header) last = { header, media: read(header) };
  return last.media;
}

function read(header: string | undefined): MediaType {
  const [type = '', ...parameters] = (header ?? '').split(';');
  const charset = parameters
    .map((one) => /^\s*charset\s*=\s*"?([^"\s;]+)"?\s*$/i.exec(one)?.[1])
    .find((one) => one !== undefined);
  const named = type.trim().toLowerCase();
  const isOne = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(named);
  return { type: isOne ? named : 'application/octet-stream', charset };
}

const HL7 =
  /^(application\/(edi-)?hl7(-v2)?(\+er7)?|x-application\/hl7-v2(\+er7)?|text\/hl7|text\/plain)$/;

const EDI = /^(application\/(edi-x12|x12|edifact|edi-consent)|text\/x12)$/;

/** Whether a body with this media type may be X12 or EDIFACT. */
const mayBeEdi = ({ type }: MediaType): boolean =>
  EDI.test(type) || type === 'application/octet-stream' || type === 'text/plain';

/** Whether a body with this media type may be HL7 v2: senders use many names for it, or none. */
export const mayBeHl7 = ({ type }: MediaType): boolean =>
  HL7.test(type) || type === 'application/octet-stream';

/** The type of a message with this media type: HL7, X12 and EDIFACT are recognised by their first segment. */
export function messageTypeOf(media: MediaType, head: Uint8Array): string {
  const { type } = media;
  if (!mayBeHl7(media) && !mayBeEdi(media)) return type;
  const found = fileType(head, '');
  const isKnown =
    (found.startsWith('HL7v2') && mayBeHl7(media)) ||
    (/^(?:X12|EDIFACT)/.test(found) && mayBeEdi(media));
  return isKnown || type === 'application/octet-stream' ? found : type;
}

/** How much of a body its kind is known by. */
const HEAD = 2_048;

/** Type and charset of a body, by its `Content-Type`, or by its beginning where it has none. `type` says otherwise. */
export function describedBody(
  body: Uint8Array,
  contentType: string | undefined,
  type: string | undefined,
): { readonly type: string; readonly charset?: string } {
  if (contentType === undefined) return { type: type ?? fileType(body.subarray(0, HEAD), '') };
  const media = mediaTypeOf(contentType);
  const { charset } = media;
  return {
    type: type ?? messageTypeOf(media, body.subarray(0, HEAD)),
    ...(charset !== undefined && { charset }),
  };
}

/** The `Content-Type` for a message. */
export function contentTypeOf(type: string, charset: string | undefined): string {
  const media = mediaOf(type);
  return charset === undefined ? media : `${media}; charset=${charset}`;
}

function mediaOf(type: string): string {
  if (type.startsWith('HL7v2')) return 'application/hl7-v2';
  if (/^X12(?::|$)/.test(type)) return 'application/edi-x12';
  return /^EDIFACT(?::|$)/.test(type) ? 'application/edifact' : type;
}
