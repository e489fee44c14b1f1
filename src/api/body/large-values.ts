import type { Hl7Tree, Hl7TreeField, Hl7TreeSegment } from '../contract/body.ts';

type Tree = Omit<Hl7Tree, 'messageId' | 'masked'>;

/** Characters of a value from which on it is folded, and what is left of it then. */
const FOLDED_FROM = 4_096;
const LEFT = 256;

/**
 * The tree without what nobody reads in one: of values of kilobytes the beginning, with the length of the whole, which
 * may be asked for by its path.
 */
export function folded<T extends Tree>(tree: T): T {
  return {
    ...tree,
    segments: tree.segments.map(({ raw, fields, ...segment }) => ({
      ...segment,
      raw: raw.slice(0, FOLDED_FROM),
      fields: fields.map(foldedField),
    })),
  };
}

function foldedField(field: Hl7TreeField): Hl7TreeField {
  if (field.raw.length <= FOLDED_FROM) return field;
  return {
    ...field,
    raw: field.raw.slice(0, LEFT),
    length: field.raw.length,
    repetitions: field.repetitions.map((components) =>
      components.map((one) =>
        one.value.length <= FOLDED_FROM
          ? one
          : { ...one, value: one.value.slice(0, LEFT), length: one.value.length },
      ),
    ),
  };
}

/** Names the documents and pictures in OBX-5 of type ED, so that they can be opened or saved. */
export function withEmbedded<T extends Tree>(tree: T): T {
  return { ...tree, segments: tree.segments.map(embeddedIn) };
}

function embeddedIn(segment: Hl7TreeSegment): Hl7TreeSegment {
  const type = segment.fields.find(({ n }) => n === 2)?.raw;
  if (segment.name !== 'OBX' || type !== 'ED') return segment;
  return {
    ...segment,
    fields: segment.fields.map((field) => {
      if (field.n !== 5) return field;
      const embedded = field.repetitions.flatMap((components) => {
        const data = components.find(({ n }) => n === 5);
        const isBase64 = /^base64$/i.test(components.find(({ n }) => n === 4)?.value ?? '');
        if (data === undefined || !isBase64) return [];
        const { type: media } = mediaOf(Buffer.from(data.value.slice(0, 64), 'base64'));
        return [{ path: data.path, type: media, size: Math.floor((data.value.length * 3) / 4) }];
      });
      return embedded.length === 0 ? field : { ...field, embedded };
    }),
  };
}

interface Media {
  readonly type: string;
  /** The ending of a file's name. */
  readonly ending: string;
  /** Whether a browser shows it and runs nothing of it with rights of this console. */
  readonly isShown: boolean;
}

const MEDIA: readonly (readonly [beginning: string, media: Media])[] = [
  ['%PDF', { type: 'application/pdf', ending: 'pdf', isShown: true }],
  ['\x89PNG', { type: 'image/png', ending: 'png', isShown: true }],
  ['\xff\xd8\xff', { type: 'image/jpeg', ending: 'jpg', isShown: true }],
  ['GIF8', { type: 'image/gif', ending: 'gif', isShown: true }],
  ['II*\0', { type: 'image/tiff', ending: 'tif', isShown: false }],
  ['MM\0*', { type: 'image/tiff', ending: 'tif', isShown: false }],
  ['{\\rtf', { type: 'application/rtf', ending: 'rtf', isShown: false }],
];
const UNKNOWN: Media = { type: 'application/octet-stream', ending: 'bin', isShown: false };

/** What bytes are by how they begin: what the sender calls them is not believed. */
export function mediaOf(bytes: Uint8Array): Media {
  const front = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  return MEDIA.find(([beginning]) => front.startsWith(beginning))?.[1] ?? UNKNOWN;
}
