import { charsetNamed, decodeFaithfully } from '../../document/charset.ts';
import type { Document } from '../../document/document.ts';
import { Segment } from '../../document/segment/segment.ts';
import { SegmentDocument } from '../../document/segment/segment-document.ts';
import type { LookupTables } from '../../lookup/lookup-tables.ts';
import type { Scope } from '../expression.ts';
import { ExpressionFault } from '../fault.ts';
import { followingSegments, segmentAtHand, segmentsOf } from '../segment-list.ts';
import type { ExpressionFunction } from './expression-function.ts';

/** Functions on the message itself. `scope` gives the message that is being evaluated. */
export function messageFunctions(scope: () => Scope): readonly ExpressionFunction[] {
  const document = (): Document => scope().document();
  return [
    read({
      signature: 'field(string): string',
      help: 'The value at a path, "" where there is none: field("PID-3.1"). A column of delimited text: field("mrn").',
      call: (path: string) => document().get(path),
    }),
    read({
      signature: 'field(string, string): string',
      help: 'The value at a path, or another text where there is none.',
      call: (path: string, otherwise: string) => document().get(path) || otherwise,
    }),
    read({
      signature: 'fields(string): list<string>',
      help: 'Every value at a path, over all repetitions and segments: "X" in fields("AL1-3.1").',
      call: (path: string) => document().all(path),
    }),
    read({
      signature: 'has(string): bool',
      help: 'Whether anything stands at a path; a segment alone is a path too: has("ZPI").',
      call: (path: string) => document().has(path),
    }),
    read({
      signature: 'whole(string): string',
      help: 'In a transform that splits a message: the value at a path of the whole message, where field() reads the current part: whole("/patient/id").',
      call: (path: string) => (scope().whole ?? document()).get(path),
    }),
    read({
      signature: 'segments(string): list<Segment>',
      help: 'All segments with a name: segments("OBX").exists(o, o.field("OBX-3.1") == "GLU"), segments("OBX").size().',
      call: (name: string) => segmentsOf(document(), name),
    }),
    read({
      signature: 'following(string): list<Segment>',
      help: 'In a loop over segments: those with a name that belong to the current one, up to the next of its kind.',
      call: (name: string) => followingSegments(segmentAtHand(document()), name),
    }),
    ...turnFunctions(scope),
    ...bodyFunctions(scope),
    ...segmentMethods(),
  ];
}

/** Functions on the body as a whole, or of one kind. */
function bodyFunctions(scope: () => Scope): readonly ExpressionFunction[] {
  const document = (): Document => scope().document();
  return [
    read({
      signature: 'body(): string',
      help: 'The whole body as text.',
      call: () => bodyText(scope()),
    }),
    read({
      signature: 'base64(): string',
      help: 'The whole body in base64, such as a PDF for an HL7 message: { set: OBX-5.5, to: base64() }.',
      call: () => Buffer.from((scope().whole ?? document()).bytes()).toString('base64'),
    }),
    read({
      signature: 'json(string): string',
      help: 'The value at a JSON pointer, "" where there is none: json("/patient/id"). Fails if the body is not JSON.',
      call: (pointer: string) => ofKind(document(), 'json').get(pointer),
    }),
    read({
      signature: 'xpath(string): string',
      help: 'The text at an XPath, "" where there is none: xpath("/order/@id"). Fails if the body is not XML.',
      call: (path: string) => ofKind(document(), 'xml').get(path),
    }),
  ];
}

/** Functions for the loops of a transform. */
function turnFunctions(scope: () => Scope): readonly ExpressionFunction[] {
  return [
    {
      signature: 'index(): int',
      help: 'In a loop of a transform: the number of the turn, from 1. { set: OBX-1, to: string(index()) } renumbers.',
      call: () => turnOf(scope(), undefined),
    },
    {
      signature: 'index(string): int',
      help: 'The turn of an outer loop, named by what it loops over: index("OBR").',
      call: (over: string) => turnOf(scope(), over),
    },
  ];
}

function turnOf({ loops = [] }: Scope, over: string | undefined): bigint {
  const found = over === undefined ? loops.at(-1) : loops.findLast((loop) => loop.over === over);
  if (found !== undefined) return BigInt(found.turn);
  throw new ExpressionFault('index() was used outside a loop');
}

/** A function that reads the body. */
function read(fn: Omit<ExpressionFunction, 'readsBody'>): ExpressionFunction {
  return { ...fn, readsBody: true };
}

function segmentMethods(): readonly ExpressionFunction[] {
  return [
    read({
      signature: 'Segment.field(string): string',
      help: 'The value at a path of this segment.',
      call: (segment: Segment, path: string) => segment.get(path),
    }),
    read({
      signature: 'Segment.fields(string): list<string>',
      help: 'Every value at a path of this segment.',
      call: (segment: Segment, path: string) => segment.all(path),
    }),
    read({
      signature: 'Segment.has(string): bool',
      help: 'Whether anything stands at a path of this segment.',
      call: (segment: Segment, path: string) => segment.has(path),
    }),
    read({
      signature: 'Segment.following(string): list<Segment>',
      help: 'The segments with a name that belong to this one: segments("OBR").exists(r, r.following("OBX").size() > 5).',
      call: (segment: Segment, name: string) => followingSegments(segment, name),
    }),
  ];
}

/** Functions for code tables. */
export function lookupFunctions(lookups: LookupTables): readonly ExpressionFunction[] {
  return [
    {
      signature: 'lookup(string, string): string',
      help: 'The value of a key in a code table, "" if it has none: lookup("wards", field("PV1-3.1")).',
      call: (table: string, key: string) => lookups.lookup(table, key),
    },
    {
      signature: 'lookup(string, string, string): string',
      help: 'The value of a key in a code table, or another text if it has none.',
      call: (table: string, key: string, otherwise: string) =>
        lookups.lookup(table, key, otherwise),
    },
  ];
}

function ofKind(document: Document, kind: 'json' | 'xml'): Document {
  if (document.kind === kind) return document;
  const name = kind === 'json' ? 'json()' : 'xpath()';
  throw new ExpressionFault(`${name} was used on a message whose body is ${document.kind}`);
}

function bodyText(scope: Scope): string {
  const document = scope.document();
  // HL7 declares its own charset.
  if (document instanceof SegmentDocument) return document.text();
  if (document instanceof Segment) return document.message.text();
  const { charset } = scope.message;
  const known = charset === undefined ? undefined : charsetNamed(charset);
  return decodeFaithfully(document.bytes(), known).text;
}
