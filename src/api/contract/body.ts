import { closed, Id, list, maybe, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

export const Part = word('message', 'reply');

export const BodyQuery = closed({
  part: maybe(Part),
  /** Bytes. */
  offset: maybe(Type.Integer({ minimum: 0 })),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 4 * 1024 * 1024 })),
  pretty: maybe(
    Type.Boolean({
      description:
        'JSON and XML are indented, and each segment of X12 and EDIFACT gets its own line, if the whole body is requested.',
    }),
  ),
});

export const HexQuery = closed({
  part: maybe(Part),
  offset: maybe(Type.Integer({ minimum: 0 })),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 64 * 1024 })),
});

export const PartQuery = closed({ part: maybe(Part) });

export const PathQuery = closed({
  part: maybe(Part),
  path: Type.String({ minLength: 1, maxLength: 200, description: 'As in the tree: `OBX[2]-5.5`.' }),
});

/** One value of a body. */
export const BodyValue = Type.Object({
  messageId: Id,
  path: Type.String(),
  value: Type.String(),
  length: Type.Integer({
    description: 'Characters of the whole, of which `value` may be the beginning.',
  }),
  masked: Type.Boolean(),
});
export type BodyValue = Static<typeof BodyValue>;

export const DocumentKind = word(
  'hl7',
  'x12',
  'edifact',
  'astm',
  'dicom',
  'json',
  'xml',
  'delimited',
  'text',
);

/** A body as text in its own charset, or a page of it. */
export const BodyText = Type.Object({
  messageId: Id,
  part: Part,
  type: Type.String(),
  kind: DocumentKind,
  charset: Type.String({ description: 'The charset the text was read in.' }),
  size: Type.Integer({ description: 'Bytes of the whole body.' }),
  offset: Type.Integer(),
  next: maybe(Type.Integer({ description: 'Offset of the next page.' })),
  text: Type.String(),
  masked: Type.Boolean(),
});
export type BodyText = Static<typeof BodyText>;

/** A page of a body, byte for byte. */
export const BodyHex = Type.Object({
  messageId: Id,
  size: Type.Integer(),
  offset: Type.Integer(),
  next: maybe(Type.Integer()),
  hex: Type.String(),
  masked: Type.Boolean(),
});
export type BodyHex = Static<typeof BodyHex>;

const Component = Type.Object({
  n: Type.Integer(),
  path: Type.String(),
  name: maybe(Type.String()),
  value: Type.String({ description: 'Unescaped; subcomponents unchanged.' }),
  length: maybe(
    Type.Integer({ description: 'Characters of the whole, of which `value` is the beginning.' }),
  ),
});

const Embedded = Type.Object({
  path: Type.String(),
  type: Type.String({ description: 'The media type, by how it begins.' }),
  size: Type.Integer({ description: 'Bytes, about.' }),
});

const Field = Type.Object({
  n: Type.Integer(),
  path: Type.String(),
  name: maybe(Type.String()),
  type: maybe(Type.String({ description: 'Data type' })),
  table: maybe(Type.String()),
  /** The meaning of the code, if the table is known. */
  meaning: maybe(Type.String()),
  raw: Type.String(),
  length: maybe(
    Type.Integer({ description: 'Characters of the whole, of which `raw` is the beginning.' }),
  ),
  repetitions: list(list(Component)),
  embedded: maybe(
    list(Embedded, { description: 'Documents and pictures in it; left out where it is masked.' }),
  ),
});

const Segment = Type.Object({
  name: Type.String(),
  /** 1 for the first with its name. */
  index: Type.Integer(),
  title: maybe(Type.String()),
  raw: Type.String({ description: 'Of a long one the beginning.' }),
  /** Without empty fields. */
  fields: list(Field),
});

/**
 * A parsed body of segments: an HL7 message with the names of its version, an interchange of X12 or
 * EDIFACT, or a message of ASTM.
 */
export const Hl7Tree = Type.Object({
  messageId: Id,
  standard: word('HL7', 'X12', 'EDIFACT', 'ASTM'),
  version: Type.String(),
  message: maybe(Type.String()),
  title: maybe(Type.String()),
  charset: Type.String(),
  segments: list(Segment),
  masked: Type.Boolean(),
});
export type Hl7Tree = Static<typeof Hl7Tree>;
export type Hl7TreeSegment = Static<typeof Segment>;
export type Hl7TreeField = Static<typeof Field>;

export const TableQuery = closed({
  part: maybe(Part),
  /** Rows to skip. */
  after: maybe(Type.Integer({ minimum: 0 })),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })),
});

/** Rows of delimited text. */
export const Table = Type.Object({
  messageId: Id,
  columns: list(Type.String()),
  rows: list(list(Type.String())),
  rowCount: Type.Integer(),
  next: maybe(Type.Integer()),
  masked: Type.Boolean(),
});
export type Table = Static<typeof Table>;

/** A parsed mail. HTML is never rendered: what a sender wrote must not run here. */
export const MailView = Type.Object({
  messageId: Id,
  subject: maybe(Type.String()),
  from: list(Type.String()),
  to: list(Type.String()),
  cc: list(Type.String()),
  date: maybe(Type.Integer({ description: 'Milliseconds since 1970.' })),
  text: Type.String({ description: 'Taken from the HTML if there is no plain text.' }),
  html: Type.Boolean({ description: 'Whether the mail has HTML.' }),
  headers: list(Type.Object({ name: Type.String(), value: Type.String() })),
  attachments: list(
    Type.Object({ name: maybe(Type.String()), type: Type.String(), size: Type.Integer() }),
  ),
  masked: Type.Boolean(),
});
export type MailView = Static<typeof MailView>;

export const DiffQuery = closed({ against: Id });

const Change = word('added', 'removed', 'changed');

/** The differences between two bodies; `before` is the other one. Fields for HL7, X12 and EDIFACT, otherwise lines. */
export const Diff = Type.Object({
  kind: word('hl7', 'segments', 'lines'),
  before: Id,
  after: Id,
  equal: Type.Boolean(),
  fields: list(
    Type.Object({
      path: Type.String(),
      name: maybe(Type.String()),
      change: Change,
      before: maybe(Type.String()),
      after: maybe(Type.String()),
    }),
  ),
  lines: list(
    Type.Object({
      change: word('added', 'removed', 'same'),
      text: Type.String(),
      before: maybe(Type.Integer()),
      after: maybe(Type.Integer()),
    }),
  ),
  masked: Type.Boolean(),
  truncated: Type.Boolean(),
});
export type Diff = Static<typeof Diff>;
export type FieldDifference = Diff['fields'][number];
export type LineDifference = Diff['lines'][number];
