import { asText, type Cel } from './cel-value.ts';
import { NoCounterpart } from './objectscript.ts';
import {
  allOfFirst,
  hl7Loop,
  hl7PlaceOf,
  type PathLoop,
  type PathPlace,
  standsOnce,
} from './paths.ts';

/** One side of a transform: the message that it reads, or the one that it makes. */
export interface Side {
  readonly kind: 'hl7' | 'object' | 'xml' | 'other';
  readonly className: string;
  /** The schema and structure: `2.5:ADT_A01`. */
  readonly type: string;
  /** Of a record of a record map: how its properties are read, by name. */
  readonly record?: ReadonlyMap<string, RecordProperty> | undefined;
}

/** A property of a record: a field, or one part of a field with separators of its own. */
export interface RecordProperty {
  readonly field: string;
  readonly piece?: { readonly mark: string; readonly number: number };
}

const KINDS: Readonly<Record<string, Side['kind']>> = {
  'EnsLib.HL7.Message': 'hl7',
  'EnsLib.HL7.Segment': 'hl7',
  'EnsLib.EDI.XML.Document': 'xml',
};

export function sideOf(
  className: string,
  type: string,
  record: ReadonlyMap<string, RecordProperty> | undefined,
): Side {
  const isOfTheProduct = /^(?:Ens|EnsLib|HS|%\w*)\./.test(className);
  const kind = KINDS[className] ?? (isOfTheProduct ? 'other' : 'object');
  return { kind, className, type, record };
}

/** The inner of `source.{PID:3}`. */
const virtualPath = (what: string): string | undefined => /\{([^}]*)\}$/.exec(what)?.[1]?.trim();

/** Seen from the whole transform: in a sub-transform `source.{3}` is a part of what it was given. */
export function wholePath(
  what: string,
  objects: { readonly source: string; readonly target: string },
): string {
  const [, side = '', rest = ''] = /^(source|target)\b(.*)$/.exec(what) ?? [];
  if (side !== 'source' && side !== 'target') return what;
  const object = objects[side];
  const inner = /^\.\{([^}]*)\}$/.exec(rest)?.[1];
  const of = virtualPath(object);
  if (of === undefined || inner === undefined) return `${object}${rest}`;
  const last = of.split('.').at(-1) ?? '';
  const isSegment = /^\w{3}$/.test(last.replace(/\(\w*\)$/, ''));
  return `${side}.{${of}${isSegment ? ':' : '.'}${inner}}`;
}

/** Where a property of an object, `Address.City`, `Orders.(k1).Code`, is in its JSON. */
function pointerOf(
  what: string,
  side: Side,
  loops: readonly PathLoop[],
  isWritten: boolean,
): PathPlace {
  const names = what.split('.').slice(1);
  if (side.record !== undefined)
    return { path: `/${recordField(names.join('.'), side.record, isWritten).field}` };
  let path = '';
  for (const [at, name] of names.entries()) {
    const [, index] = /^\(([^)]*)\)$/.exec(name) ?? [];
    if (index === undefined) {
      if (!/^[A-Za-z%][\w%]*$/.test(name)) throw new NoCounterpart(`names ${what}`);
      path += `/${name}`;
    } else if (/^\d+$/.test(index)) path += `/${Number(index) - 1}`;
    else path += `/${starOf(path, index, { loops, isWritten, rest: names.slice(at + 1) })}`;
  }
  return { path };
}

interface Starred {
  readonly loops: readonly PathLoop[];
  readonly isWritten: boolean;
  readonly rest: readonly string[];
}

/** The current element of a list, by the variable that counts it. */
function starOf(list: string, index: string, { loops, isWritten }: Starred): string {
  const loop = loops.find(({ key }) => key === index);
  if (loop === undefined) throw new NoCounterpart(`has the index ${index}`);
  if (isWritten) return '#';
  if (loop.over !== list) throw new NoCounterpart(`has the index ${index} of another list`);
  return '*';
}

function recordField(
  name: string,
  record: ReadonlyMap<string, RecordProperty>,
  isWritten: boolean,
): RecordProperty {
  const found = record.get(name);
  if (found === undefined)
    throw new NoCounterpart(`names ${name}, which the record map does not have`);
  if (isWritten && found.piece !== undefined)
    throw new NoCounterpart(`writes ${name}, a part of a field`);
  return found;
}

/** Where a path or property of a side is. Throws where nothing here can say it. */
export function placeIn(
  side: Side,
  what: string,
  loops: readonly PathLoop[],
  {
    isWritten = false,
    isNew = false,
  }: { readonly isWritten?: boolean; readonly isNew?: boolean } = {},
): PathPlace {
  const inner = virtualPath(what);
  if (side.kind === 'object' && inner === undefined && what.includes('.'))
    return pointerOf(what, side, loops, isWritten);
  const place =
    side.kind === 'hl7' && inner !== undefined
      ? hl7PlaceOf(inner, { type: side.type, loops, isWritten, isNew })
      : undefined;
  if (place === undefined) throw new NoCounterpart(`names ${what || 'nothing'}`);
  if (/^\w{3}\[\*\]-/.test(place.path)) standsOnce(place.path.slice(0, 3), side.type);
  return place;
}

/** What is read of a side, and the segment beside that of a loop in which it is. */
export function readIn(
  side: Side,
  what: string,
  loops: readonly PathLoop[],
): Cel & { beside?: string } {
  const inner = virtualPath(what);
  if (side.kind === 'xml' && inner !== undefined && /^[\w.]+$/.test(inner))
    return asText(`xpath(${JSON.stringify(`/*/${inner.replaceAll('.', '/')}`)})`);
  if (side.kind === 'object' && side.record !== undefined && inner === undefined) {
    const { field, piece } = recordField(what.split('.').slice(1).join('.'), side.record, false);
    const whole = `field("/${field}")`;
    return asText(
      piece === undefined
        ? whole
        : `piece(${whole}, ${JSON.stringify(piece.mark)}, ${piece.number})`,
    );
  }
  if (side.kind === 'hl7' && inner?.includes('()')) {
    if (loops.length > 0) throw new NoCounterpart('uses several values at once in a loop');
    const { path } = placeIn(side, what.replaceAll('()', ''), []);
    standsOnce(path.slice(0, 3), side.type);
    allOfFirst(inner);
    return { text: `fields("${path}")`, type: 'list' };
  }
  const { path, beside } = placeIn(side, what, loops);
  return { ...asText(`field("${path}")`), ...(beside !== undefined && { beside }) };
}

/** What a `foreach` goes over. */
export function loopIn(
  side: Side,
  property: string,
  key: string,
  loops: readonly PathLoop[],
): PathLoop {
  const inner = virtualPath(property);
  if (!property.startsWith('source')) throw new NoCounterpart(`goes over ${property}`);
  if (inner !== undefined && side.kind === 'hl7') {
    const loop = hl7Loop(inner, key, { type: side.type, loops });
    if (loop !== undefined) return loop;
  } else if (side.kind === 'object' && side.record === undefined) {
    const { path } = placeIn(side, property.replace(/\(\)$/, ''), loops);
    return { key, over: path };
  }
  throw new NoCounterpart(`goes over ${property}`);
}
